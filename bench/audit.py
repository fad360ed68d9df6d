"""
How long the audit takes over millions of claims.

    python -m bench.audit [--claims 10000000] [--memory 8G] [--jobs 2]

generates an office that has sold so many seats (bench.generate), then runs the audit's facts about
seats and states, one query each, and prints the seconds: of each alone, and of all with so many at
once. It fails where one finds anything. With `--database` it takes one that bench.generate left.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime

import django

from bench.generate import generate
from bench.office import own_database
from bench.servers import give_me_servers

# Of support.audit.facts.PROMISES: those about seats and states, which the generated rows keep.
NUMBERS = (1, 2, 3, 7, 8)


def measure(say: Callable[[str], None], *, jobs: int) -> int:
    """Run the facts, telling the seconds; answer how many do not hold."""
    from support import audit

    facts = [fact for fact in audit.FACTS if fact.number in NUMBERS]
    total, broken = 0.0, 0
    for fact in facts:
        began = time.monotonic()
        found = audit.findings([fact])
        seconds = time.monotonic() - began
        total += seconds
        broken += len(found)
        say(f"{fact.number}  {fact.code:<26}{seconds:8.1f} s  {'BROKEN' if found else 'holds'}")
    say(f"   {'one after the other':<26}{total:8.1f} s")
    if jobs > 1:
        began = time.monotonic()
        broken += len(audit.findings(facts, jobs=jobs))
        say(f"   {f'{jobs} at once':<26}{time.monotonic() - began:8.1f} s")
    return broken


def use(database: str) -> None:
    """Turn to a database that is there already, on the server that DATABASE_URL names."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "travel.settings")
    django.setup()
    from django.db import connection, connections

    connections.settings["default"]["NAME"] = database
    connection.settings_dict["NAME"] = database


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--claims", default=10_000_000, type=int)
    parser.add_argument("--database", help="of bench.generate, on the server of DATABASE_URL")
    parser.add_argument("--memory", default="8G", help="the buffer pool of a private server")
    parser.add_argument("--jobs", default=2, type=int)
    asked = parser.parse_args()

    def say(line: str) -> None:
        print(line, flush=True)

    if asked.database:
        use(asked.database)
        return 1 if measure(say, jobs=asked.jobs) else 0
    give_me_servers("bench.audit", memory=asked.memory)
    with own_database():
        done = generate(claims=asked.claims, now=datetime.now(UTC), trusting=True, say=say)
        say(f"{done.claims} claims of {done.departures} departures in {done.seconds:.0f} s")
        return 1 if measure(say, jobs=asked.jobs) else 0


if __name__ == "__main__":
    sys.exit(main())
