"""The traveller's search: stretches from the timetable, priced, with what is left of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from bookings.availability import availability
from inventory import places, search
from inventory.places import Place
from inventory.pricing import ADULT, INFANT, PriceRule, price
from inventory.search import Stretch
from inventory.selectors import class_words
from inventory.ticket_ids import pack
from travel.common.money import Money

SORTS = ("departure", "arrival", "duration", "price")


@dataclass(frozen=True, slots=True)
class Filters:
    """
    What a traveller narrows a search by; None and empty mean any.

    Times are the origin's local ones; prices are the whole party's, in the ticket's own currency.
    """

    modes: tuple[str, ...] = ()
    travel_class: str | None = None
    price_min: Decimal | None = None
    price_max: Decimal | None = None
    depart_after: time | None = None
    depart_before: time | None = None
    carriers: tuple[str, ...] = ()
    max_stops: int | None = None
    facilities: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """A ticket that a search found: the ride, the fare, the party's price, the seats left."""

    id: int
    stretch: Stretch
    rule: PriceRule
    class_name: str
    price: Money
    adult_price: Money
    seats_left: int
    facilities: list[str] = field(default_factory=list)
    service_details: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Query:
    """One way of a search, its places resolved."""

    origin: Place
    destination: Place
    day: date
    passengers: tuple[str, ...] = (ADULT,)
    filters: Filters = Filters()
    sort: str = "departure"
    round_trip: bool = False


def find(query: Query, *, now: datetime) -> list[Found]:
    """
    Answer all tickets from the one place to the other on the day, sorted, those with room only.

    `price` is what the whole party pays; a party that needs more seats than are left is not shown
    the ticket. Past, cancelled and closed departures never appear.
    """
    stretches = search.find_stretches(
        origins=query.origin.stations,
        destinations=query.destination.stations,
        day=query.day,
        now=now,
    )
    stretches = [one for one in stretches if _wanted(one, query.filters)]
    boards = search.facilities({one.service_id for one in stretches})
    if query.filters.facilities:
        wanted = set(query.filters.facilities)
        stretches = [one for one in stretches if wanted <= set(boards.get(one.service_id, []))]
    rules = search.price_rules({one.tariff_id for one in stretches}, now=now)
    words = class_words({one.carrier_id for one in stretches})
    details = search.mode_details(stretches)
    left = availability(stretches, now=now)
    seats_needed = sum(kind != INFANT for kind in query.passengers)

    found: list[Found] = []
    for stretch in stretches:
        for rule in rules.get(stretch.tariff_id, []):
            if query.filters.travel_class not in (None, rule.travel_class):
                continue
            if now >= stretch.leaves_at - timedelta(minutes=rule.sales_close_minutes):
                continue
            seats_left = left.left(stretch, rule.travel_class)
            if seats_left < max(seats_needed, 1):
                continue
            found.append(
                _offer(
                    query,
                    stretch,
                    rule,
                    words.get((stretch.carrier_id, rule.travel_class), rule.travel_class),
                    seats_left,
                    boards.get(stretch.service_id, []),
                    details.get(stretch.service_id, {}),
                )
            )
    found = [one for one in found if _priced_within(one, query.filters)]
    return sorted(found, key=_SORT_KEYS[query.sort])


def lowest_price(query: Query, *, now: datetime) -> Money | None:
    """Answer the lowest price of the day for the party, or None when nothing is left."""
    prices = [one.price for one in find(query, now=now)]
    return min(prices, key=lambda money: money.minor, default=None)


def nearest_days(
    query: Query, *, now: datetime, days: Sequence[date]
) -> list[tuple[date, Money | None]]:
    """Answer the lowest price of each of the days."""
    return [(day, lowest_price(replace(query, day=day), now=now)) for day in days]


def reversed_query(query: Query, day: date) -> Query:
    """Answer the search for the way back on another day."""
    return replace(query, origin=query.destination, destination=query.origin, day=day)


def is_past(origin: Place, day: date, *, now: datetime) -> bool:
    """Say whether the day is over at every station of the place."""
    return all(day < now.astimezone(ZoneInfo(station.tz)).date() for station in origin.stations)


def _wanted(stretch: Stretch, filters: Filters) -> bool:
    local = stretch.departs_at.astimezone(ZoneInfo(places.station(stretch.from_station_id).tz))
    clock = local.time()
    return (
        (not filters.modes or stretch.mode in filters.modes)
        and (not filters.carriers or stretch.carrier_code in filters.carriers)
        and (filters.max_stops is None or stretch.stops <= filters.max_stops)
        and (filters.depart_after is None or clock >= filters.depart_after)
        and (filters.depart_before is None or clock <= filters.depart_before)
    )


def _priced_within(found: Found, filters: Filters) -> bool:
    low, high = filters.price_min, filters.price_max
    amount = Decimal(found.price.amount)
    return (low is None or amount >= low) and (high is None or amount <= high)


def _offer(
    query: Query,
    stretch: Stretch,
    rule: PriceRule,
    class_name: str,
    seats_left: int,
    board: list[str],
    details: dict[str, object],
) -> Found:
    def cost(kind: str) -> int:
        return price(rule, distance_m=stretch.distance_m, kind=kind, round_trip=query.round_trip)

    kinds = {kind: cost(kind) for kind in {ADULT, *query.passengers}}
    return Found(
        id=pack(stretch.departure_id, stretch.from_position, stretch.to_position, rule.number),
        stretch=stretch,
        rule=rule,
        class_name=class_name,
        price=Money(sum(kinds[kind] for kind in query.passengers), rule.currency),
        adult_price=Money(kinds[ADULT], rule.currency),
        seats_left=seats_left,
        facilities=board,
        service_details=details,
    )


_SORT_KEYS: dict[str, Callable[[Found], tuple[object, ...]]] = {
    "departure": lambda one: (one.stretch.departs_at, one.price.minor, one.id),
    "arrival": lambda one: (one.stretch.arrives_at, one.price.minor, one.id),
    "duration": lambda one: (one.stretch.duration, one.stretch.departs_at, one.price.minor, one.id),
    "price": lambda one: (one.price.minor, one.stretch.departs_at, one.id),
}
