"""The busiest lines of a day with the lowest price that one adult would really pay."""

from __future__ import annotations

from dataclasses import astuple
from datetime import date, datetime, timedelta

from bookings.availability import availability
from bookings.pages import offered
from bookings.pages.offered import BusyWay
from inventory import places
from inventory import search as timetable
from inventory import selectors as inventory
from inventory.pricing import ADULT, price
from inventory.selectors import Line
from travel.common import caching
from travel.common.money import Money

LINES_OF_EACH_MODE = 2
# Lines change with the timetable, prices with every seat that is sold.
LINES_ARE_GOOD_SECONDS = 3600
PRICES_ARE_GOOD_SECONDS = 600

Ends = tuple[str, int, int]


def busiest_ways(day: date, *, now: datetime) -> list[BusyWay]:
    """Answer the busiest lines, read once an hour, with their prices, counted every ten minutes."""
    lines = _lines(day)
    prices = _prices(lines, day, now)
    return [offered.way_of(line, day, price=prices.get(_ends(line))) for line in lines]


def _lines(day: date) -> list[Line]:
    key = f"busiest:{day}"
    rows = caching.get(key)
    if rows is None:
        rows = [
            astuple(line) for line in inventory.busiest_lines(day, of_each_mode=LINES_OF_EACH_MODE)
        ]
        caching.put(key, rows, seconds=LINES_ARE_GOOD_SECONDS)
    return [Line(*row) for row in rows]


def _prices(lines: list[Line], day: date, now: datetime) -> dict[Ends, Money]:
    """Answer each line's lowest price of the day, of what has a seat and is on sale."""
    if not lines:
        return {}
    key = f"busiest-prices:{day}"
    known = caching.get(key)
    if known is None:
        known = {
            ends: (lowest.minor, lowest.currency)
            for ends, lowest in _lowest(lines, day, now).items()
        }
        caching.put(key, known, seconds=PRICES_ARE_GOOD_SECONDS)
    return {ends: Money(*amount) for ends, amount in known.items()}


def _lowest(lines: list[Line], day: date, now: datetime) -> dict[Ends, Money]:
    wanted = {_ends(line) for line in lines}
    rides = timetable.find_stretches(
        origins=[places.station(one) for one in sorted({ends[1] for ends in wanted})],
        destinations=[places.station(one) for one in sorted({ends[2] for ends in wanted})],
        day=day,
        now=now,
    )
    rides = [one for one in rides if (one.mode, one.from_station_id, one.to_station_id) in wanted]
    rules = timetable.price_rules({one.tariff_id for one in rides}, now=now)
    left = availability(rides, now=now, rules=[one for some in rules.values() for one in some])
    lowest: dict[Ends, Money] = {}
    for ride in rides:
        ends = (ride.mode, ride.from_station_id, ride.to_station_id)
        for rule in rules.get(ride.tariff_id, []):
            closes_at = ride.leaves_at - timedelta(minutes=rule.sales_close_minutes)
            if now >= closes_at or left.left_of(ride, rule) < 1:
                continue
            cost = price(rule, distance_m=ride.distance_m, kind=ADULT, round_trip=False)
            known = lowest.get(ends)
            # Two carriers of one line may sell in different currencies: the first one counts.
            if known is None or (known.currency == rule.currency and cost < known.minor):
                lowest[ends] = Money(cost, rule.currency)
    return lowest


def _ends(line: Line) -> Ends:
    return line.mode, line.from_station_id, line.to_station_id
