"""
How long the audit takes over millions of claims.

    python -m bench.audit [--claims 10000000] [--memory 8G]

generates an office that has sold so many seats (bench.generate), then runs the audit's facts about
seats and states, one query each, and prints the seconds. It fails where one finds anything.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime

from bench.generate import generate
from bench.office import own_database
from bench.servers import give_me_servers

# Of support.audit.facts.PROMISES: those about seats and states, which the generated rows keep.
NUMBERS = (1, 2, 3, 7, 8)


def measure(say: Callable[[str], None]) -> tuple[float, int]:
    """Run the facts, telling the seconds of each; answer their sum and how many do not hold."""
    from support import audit

    total, broken = 0.0, 0
    for fact in audit.FACTS:
        if fact.number not in NUMBERS:
            continue
        began = time.monotonic()
        found = audit.findings([fact])
        seconds = time.monotonic() - began
        total += seconds
        broken += len(found)
        say(f"{fact.number}  {fact.code:<26}{seconds:8.1f} s  {'BROKEN' if found else 'holds'}")
    say(f"   {'together':<26}{total:8.1f} s")
    return total, broken


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--claims", default=10_000_000, type=int)
    parser.add_argument("--memory", default="8G", help="the buffer pool of a private server")
    asked = parser.parse_args()
    give_me_servers("bench.audit", memory=asked.memory)

    def say(line: str) -> None:
        print(line, flush=True)

    with own_database():
        done = generate(claims=asked.claims, now=datetime.now(UTC), trusting=True, say=say)
        say(f"{done.claims} claims of {done.departures} departures in {done.seconds:.0f} s")
        _, broken = measure(say)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
