"""
How long the numbers take on an office with a year of sales.

    python -m bench.analytics [--services 25] [--memory 2G]

generates the sales (bench.sales; 25 services make a million reservations), closes the days, and
times every report by each of its words over its longest usual span, once cold and once warm; then
compares what is kept with what the ledger says. It fails where a warm one takes two seconds or
more, or where the two differ. `--database` takes one that is there, `--keep` leaves it there.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from bench.audit import use
from bench.office import own_database
from bench.sales import generate_sales
from bench.servers import give_me_servers

TARGET = 2.0


def close_all(now: datetime, say: Callable[[str], None]) -> None:
    """Close every day, and measure every departure."""
    from support.services.closing_days import close_day, days_to_close, measure_loads

    began, longest = time.monotonic(), 0.0
    days = days_to_close(now=now, limit=1_000)
    for day in days:
        started = time.monotonic()
        close_day(day=day, now=now)
        longest = max(longest, time.monotonic() - started)
    took = time.monotonic() - began
    say(f"{len(days)} days closed in {took:.1f} s, none in more than {longest:.1f} s")
    began, departures = time.monotonic(), 0
    while measured := measure_loads(now=now, limit=2_000):
        departures += measured
    say(f"{departures} departures measured in {time.monotonic() - began:.1f} s")


def measure(now: datetime, say: Callable[[str], None]) -> int:
    """Time every report; answer how many are too slow, or differ from the ledger."""
    from support.analytics import catalogue, lookups
    from support.analytics.days import last_days
    from support.analytics.revenue import booked_by_month, revenue
    from support.analytics.rights import ROOMS, Rights

    chief, wrong = Rights(ROOMS), 0
    year = last_days(365, now=now)
    for report in catalogue.REPORTS.values():
        for by in report.by or [""]:
            asked = catalogue.ask(
                report,
                rights=chief,
                by=by,
                now=now,
                **({"first": year.first, "last": year.last} if report.has_span else {}),
            )
            wrong += _timed(f"{report.name} {by}", lambda r=report, a=asked: r.run(a).rows, say)
    month, long_ago = now - timedelta(days=30), now - timedelta(days=365)
    for name, ask in {
        "tickets of a contact": lambda: lookups.tickets_of_contact(contact="user7@example.org"),
        "cancellers of a city": lambda: lookups.cancellers_of_city(city="City 07"),
        "tickets by city": lambda: lookups.tickets_by_city(city="City 06"),
        "tickets by phrase, 30 days": lambda: lookups.tickets_by_phrase(
            phrase="roe777", since=month
        ),
        "tickets by phrase, a year": lambda: lookups.tickets_by_phrase(
            phrase="roe777", since=long_ago
        ),
        "tickets by city's name, a year": lambda: lookups.tickets_by_phrase(
            phrase="ity 06", since=long_ago
        ),
        "users of the same city": lambda: lookups.users_of_same_city(contact="user7@example.org"),
        "top users, 30 days": lambda: lookups.top_users(since=month),
        "top users, a year": lambda: lookups.top_users(since=long_ago),
        "tickets by mode, 30 days": lambda: lookups.tickets_by_mode(since=month, until=now),
        "tickets by mode, a year": lambda: lookups.tickets_by_mode(since=long_ago, until=now),
        "top reporters": lookups.top_reporters,
    }.items():
        wrong += _timed(name, ask, say)
    told = {(line.key, line.currency): line.net.minor for line in revenue(by="month", over=year)}
    is_booked = told == booked_by_month(over=year)
    say(f"{'the ledger says the same' if is_booked else 'THE LEDGER DIFFERS'}")
    return wrong + (not is_booked)


def _timed(name: str, ask: Callable[[], Any], say: Callable[[str], None]) -> int:
    seconds = []
    for _ in range(2):
        began = time.monotonic()
        rows = ask()
        seconds.append(time.monotonic() - began)
    slow = seconds[1] >= TARGET
    say(f"{name:<32}{seconds[0]:8.2f} {seconds[1]:8.2f} s {len(rows):6} rows{'  SLOW' * slow}")
    return int(slow)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--services", default=25, type=int)
    parser.add_argument(
        "--database", help="of bench.analytics --keep, on the server of DATABASE_URL"
    )
    parser.add_argument("--keep", action="store_true", help="leave the database there")
    parser.add_argument("--memory", default="2G", help="the buffer pool of a private server")
    asked = parser.parse_args()

    def say(line: str) -> None:
        print(line, flush=True)

    now = datetime.now(UTC)
    if asked.database:
        use(asked.database)
        return 1 if measure(now, say) else 0
    give_me_servers("bench.analytics", memory=asked.memory)
    with own_database("office_numbers", drop=not asked.keep):
        done = generate_sales(services=asked.services, now=now, say=say)
        say(f"{done.reservations} reservations in {done.seconds:.0f} s")
        close_all(now, say)
        return 1 if measure(now, say) else 0


if __name__ == "__main__":
    sys.exit(main())
