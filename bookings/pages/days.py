"""The strip of days around the chosen one, and the nearest that have something."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from bookings import search
from bookings.pages.journey import Journey
from bookings.search import Filters, Found, Query
from travel.common.money import Money

STRIP_DAYS = 7
# How far the office looks ahead when a week has nothing, and how many days it then offers.
LOOK_AHEAD_DAYS = 30
MOST_OFFERED_DAYS = 3


@dataclass(frozen=True, slots=True)
class Day:
    """A day of the strip, as components/dates.html wants it."""

    day: date
    href: str
    price: Money | None
    current: bool
    lowest: bool


def days_around(day: date, *, today: date) -> list[date]:
    """Answer a week with the day in its middle, but none that is over."""
    first = max(day - timedelta(days=STRIP_DAYS // 2), min(today, day))
    return [first + timedelta(days=offset) for offset in range(STRIP_DAYS)]


def strip(
    found: dict[date, list[Found]], filters: Filters, journey: Journey, chosen: date
) -> list[Day]:
    """Show days with their lowest price."""
    prices = {day: lowest(search.narrow(tickets, filters)) for day, tickets in found.items()}
    known = [price for price in prices.values() if price]
    comparable = len({price.currency for price in known}) == 1 and len(known) > 1
    least = min((price.minor for price in known), default=0) if comparable else None
    if all(price.minor == least for price in known):
        least = None
    return [
        Day(
            day=day,
            href=day_link(journey, day),
            price=price,
            current=day == chosen,
            lowest=price is not None and price.minor == least,
        )
        for day, price in prices.items()
    ]


def with_changes(days: Sequence[Day], price: Money | None) -> list[Day]:
    """Give the chosen day the price of its connections where nothing goes through."""
    return [replace(one, price=price) if one.current and one.price is None else one for one in days]


def lowest(found: Sequence[Found]) -> Money | None:
    """Answer the lowest price; of several currencies, that of the most tickets counts."""
    by_currency: dict[str, list[int]] = {}
    for one in found:
        by_currency.setdefault(one.price.currency, []).append(one.price.minor)
    if not by_currency:
        return None
    currency, minors = max(by_currency.items(), key=lambda one: (len(one[1]), one[0]))
    return Money(min(minors), currency)


def day_link(journey: Journey, day: date) -> str:
    """Answer the same search on another day; a way back never comes before the way out."""
    if journey.out is not None:
        return journey.link("bookings:search", return_date=day.isoformat())
    back = journey.query.get("return_date", "")
    later = {"return_date": day.isoformat()} if journey.is_return and back < day.isoformat() else {}
    return journey.link("bookings:search", date=day.isoformat(), seat=None, **later)


def other_days(
    query: Query, around: Sequence[Day], journey: Journey, *, now: datetime
) -> list[Day]:
    """Answer the nearest days that have something, when the chosen one has nothing."""
    near = [one for one in around if one.price and not one.current]
    if near:
        near.sort(key=lambda one: (abs(one.day - query.day), one.day))
        return sorted(near[:MOST_OFFERED_DAYS], key=lambda one: one.day)
    start = around[-1].day + timedelta(days=1) if around else query.day
    days = [start + timedelta(days=offset) for offset in range(LOOK_AHEAD_DAYS)]
    found = search.find_days(query, days=days, now=now)
    ahead = [
        Day(day, day_link(journey, day), lowest(tickets), current=False, lowest=False)
        for day, tickets in found.items()
        if tickets
    ]
    return ahead[:MOST_OFFERED_DAYS]
