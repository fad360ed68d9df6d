"""
How long finding connections takes beside a search of direct tickets.

    python -m bench.connections FEED.zip [--days 30] [--pairs 60] [--seed 1]

imports so many days of a feed of GTFS into a database of its own, then searches between random
pairs of its hundred busiest cities, in the middle of those days: direct, and with changes. It
prints the milliseconds and statements of both and their ratio; where the server counts, the rows it
read.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from bench.office import own_database
from bench.servers import give_me_servers

BUSIEST = 100


@dataclass
class Cost:
    """What one search took."""

    seconds: float
    statements: int
    rows: int
    found: int


def measure(say: Callable[[str], None], *, day: date, pairs: int, seed: int) -> None:
    """Search between the pairs, direct and with changes, and tell what it takes."""
    from bookings import connections, search
    from bookings.search import Query
    from inventory import places

    now = datetime.now(UTC)
    kinds: dict[str, list[Cost]] = {"direct": [], "with changes": []}
    offered: Counter[str] = Counter()
    for start, end in _pairs(pairs, seed):
        origin, destination = places.resolve(start), places.resolve(end)
        assert origin is not None
        assert destination is not None
        query = Query(origin=origin, destination=destination, day=day)
        direct = search.find(query, now=now)
        kinds["direct"].append(_cost(lambda q=query: search.find(q, now=now)))
        kinds["with changes"].append(
            _cost(lambda q=query, d=direct: connections.find(q, direct=d, now=now))
        )
        found = kinds["with changes"][-1].found
        offered["direct" if direct else "changes" if found else "nothing"] += 1
    for name, costs in kinds.items():
        say(f"{name:<14}{_told(costs)}")
    ratio = _median(kinds["with changes"]) / _median(kinds["direct"])
    say(f"with changes takes {ratio:.0f} times as long; {dict(offered)}")


def _pairs(number: int, seed: int) -> list[tuple[str, str]]:
    from django.db.models import Count

    from inventory.models import City

    names = list(
        City.objects.annotate(calls=Count("stations__calls"))
        .order_by("-calls", "id")
        .values_list("name", flat=True)[:BUSIEST]
    )
    draw = random.Random(seed)
    return [tuple(draw.sample(names, 2)) for _ in range(number)]  # type: ignore[misc]


def _cost(work: Callable[[], Sequence[Any]]) -> Cost:
    """Do it twice, and time the second: what is cached in this process is cached then."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    work()
    with CaptureQueriesContext(connection) as captured:
        before = _rows_read()
        work()
        rows = _rows_read() - before
    began = time.perf_counter()
    found = work()
    return Cost(time.perf_counter() - began, len(captured) - 2, rows, len(found))


def _rows_read() -> int:
    """Answer what the session has read, where the server counts it."""
    from django.db import connection

    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT 0")
            return 0
        cursor.execute("SHOW SESSION STATUS LIKE 'Handler_read%'")
        return sum(
            int(value) for name, value in cursor.fetchall() if name != "Handler_read_rnd_next"
        )


def _median(costs: Sequence[Cost]) -> float:
    return statistics.median(one.seconds for one in costs)


def _told(costs: Sequence[Cost]) -> str:
    times = sorted(one.seconds * 1000 for one in costs)
    return (
        f"p50 {statistics.median(times):7.1f} ms   p95 {times[int(len(times) * 0.95)]:7.1f} ms   "
        f"at most {times[-1]:7.1f} ms   {max(one.statements for one in costs)} statements   "
        f"{max(one.rows for one in costs)} rows"
    )


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("feed")
    parser.add_argument("--days", default=30, type=int)
    parser.add_argument("--pairs", default=60, type=int)
    parser.add_argument("--seed", default=1, type=int)
    asked = parser.parse_args()

    def say(line: str) -> None:
        print(line, flush=True)

    give_me_servers("bench.connections")
    with own_database():
        from django.core.management import call_command

        begins = datetime.now(UTC).date() + timedelta(days=1)
        days = str(asked.days)
        call_command("import_gtfs", asked.feed, "--shift-to", str(begins), "--days", days)
        middle = begins + timedelta(days=asked.days // 2)
        measure(say, day=middle, pairs=asked.pairs, seed=asked.seed)
    return 0


if __name__ == "__main__":
    sys.exit(main())
