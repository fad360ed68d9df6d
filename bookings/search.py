"""The traveller's search: stretches from the timetable, priced, with what is left of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from bookings.availability import Availability, availability
from inventory import places, search
from inventory.places import Place
from inventory.pricing import ADULT, INFANT, PriceRule, price
from inventory.search import Stretch
from inventory.selectors import class_words
from inventory.ticket_ids import MAX_TICKET_ID, pack, unpack
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
    """
    A ticket that a search found: the ride, the fare, the party's price, the seats left.

    With `needs_seat_change` too few seats are free all the way, but the party fits in if some
    change seats on the way.
    """

    id: int
    stretch: Stretch
    rule: PriceRule
    class_name: str
    price: Money
    adult_price: Money
    seats_left: int
    facilities: list[str] = field(default_factory=list)
    service_details: dict[str, object] = field(default_factory=dict)
    needs_seat_change: bool = False


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

    @property
    def seats_needed(self) -> int:
        """How many seats must be free: an infant needs none, but nobody rides in a full coach."""
        return max(sum(kind != INFANT for kind in self.passengers), 1)


def find(query: Query, *, now: datetime) -> list[Found]:
    """
    Answer all tickets from the one place to the other on the day, sorted, those with room only.

    `price` is what the whole party pays; a party that needs more seats than are left is not shown
    the ticket, unless a change of seat on the way would do. Past, cancelled and closed departures
    never appear.
    """
    stretches = search.find_stretches(
        origins=query.origin.stations,
        destinations=query.destination.stations,
        day=query.day,
        now=now,
    )
    wanted = [one for one in stretches if _wanted(one, query.filters)]
    found = on_offer(query, wanted, details=search.mode_details(wanted), now=now)
    return narrow(found, query.filters, sort=query.sort)


def find_days(query: Query, *, days: Sequence[date], now: datetime) -> dict[date, list[Found]]:
    """
    Answer the tickets of neighbouring days, in as many statements as one day takes.

    Nothing is filtered or sorted: `narrow` does that, for whoever wants to tell what a filter
    would leave. The days must follow one another.
    """
    stretches = search.find_stretches(
        origins=query.origin.stations,
        destinations=query.destination.stations,
        day=days[0],
        last_day=days[-1],
        now=now,
    )
    found: dict[date, list[Found]] = {day: [] for day in days}
    for one in on_offer(query, stretches, details={}, now=now):
        day = boards_at(one.stretch).date()
        if day in found:
            found[day].append(one)
    return found


def narrow(found: Sequence[Found], filters: Filters, *, sort: str = "departure") -> list[Found]:
    """Answer those that the filters let through, sorted."""
    facilities = set(filters.facilities)
    kept = [
        one
        for one in found
        if filters.travel_class in (None, one.rule.travel_class)
        and facilities <= set(one.facilities)
        and _wanted(one.stretch, filters)
        and priced_within(one.price, filters)
    ]
    return sorted(kept, key=_SORT_KEYS[sort])


def find_ticket(ticket_id: int, query: Query, *, now: datetime) -> Found | None:
    """
    Answer one ticket as a search with the query's passengers shows it, in two statements.

    Answer None when it has left, was never there or is not on sale. Nobody counts its seats or
    says what is on board: `seats_left` is 0.
    """
    return next(iter(find_tickets([ticket_id], query, now=now)), None)


def find_tickets(ticket_ids: Sequence[int], query: Query, *, now: datetime) -> list[Found]:
    """Answer those of several tickets that `find_ticket` would answer, in two statements, too."""
    parts = {one: unpack(one) for one in ticket_ids if 0 < one <= MAX_TICKET_ID}
    rides = {
        (one.departure_id, one.from_position, one.to_position): one
        for one in search.find_rides([part[:3] for part in parts.values()], now=now)
    }
    rules = search.price_rules({one.tariff_id for one in rides.values()}, now=now)
    found = []
    for part in parts.values():
        stretch = rides.get(part[:3])
        fares = rules.get(stretch.tariff_id, []) if stretch else []
        rule = next((one for one in fares if one.number == part.fare_number), None)
        if stretch and rule and _is_on_sale(stretch, rule, now):
            found.append(_offer(query, stretch, rule, rule.travel_class, 0, [], {}))
    return found


def on_offer(
    query: Query,
    stretches: Sequence[Stretch],
    *,
    details: dict[int, dict[str, object]],
    now: datetime,
    rules: dict[int, list[PriceRule]] | None = None,
    left: Availability | None = None,
    plain: bool = False,
) -> list[Found]:
    """
    Answer the tickets on sale for the stretches that have room for the party.

    Whoever has read the rules of the tariffs, or what is left, gives them along. `plain` tickets
    say neither what is on board nor the carrier's word for the class, in two statements less.
    """
    boards = {} if plain else search.facilities({one.service_id for one in stretches})
    if rules is None:
        rules = search.price_rules({one.tariff_id for one in stretches}, now=now)
    words = {} if plain else class_words({one.carrier_id for one in stretches})
    if left is None:
        every = [rule for fares in rules.values() for rule in fares]
        left = availability(stretches, now=now, rules=every)
    seats_needed = query.seats_needed

    found: list[Found] = []
    for stretch in stretches:
        for rule in rules.get(stretch.tariff_id, []):
            if not _is_on_sale(stretch, rule, now):
                continue
            seats_left = left.left_of(stretch, rule)
            has_room = seats_left >= seats_needed
            if not has_room and left.left_with_changes(stretch, rule) < seats_needed:
                continue
            offer = _offer(
                query,
                stretch,
                rule,
                words.get((stretch.carrier_id, rule.travel_class), rule.travel_class),
                seats_left,
                boards.get(stretch.service_id, []),
                details.get(stretch.service_id, {}),
            )
            found.append(offer if has_room else replace(offer, needs_seat_change=True))
    return found


def _is_on_sale(stretch: Stretch, rule: PriceRule, now: datetime) -> bool:
    return now < stretch.leaves_at - timedelta(minutes=rule.sales_close_minutes)


def boards_at(stretch: Stretch) -> datetime:
    """Answer the planned departure on the clock of its station."""
    return stretch.departs_at.astimezone(ZoneInfo(places.station(stretch.from_station_id).tz))


def reversed_query(query: Query, day: date) -> Query:
    """Answer the search for the way back on another day."""
    return replace(query, origin=query.destination, destination=query.origin, day=day)


def is_past(origin: Place, day: date, *, now: datetime) -> bool:
    """Say whether the day is over at every station of the place."""
    return all(day < now.astimezone(ZoneInfo(station.tz)).date() for station in origin.stations)


def _wanted(stretch: Stretch, filters: Filters) -> bool:
    return (
        (not filters.modes or stretch.mode in filters.modes)
        and (not filters.carriers or stretch.carrier_code in filters.carriers)
        and (filters.max_stops is None or stretch.stops <= filters.max_stops)
        and leaves_within(stretch, filters)
    )


def leaves_within(stretch: Stretch, filters: Filters) -> bool:
    """Say whether a ride leaves in the hours that are asked for, on its station's clock."""
    clock = boards_at(stretch).time()
    return (filters.depart_after is None or clock >= filters.depart_after) and (
        filters.depart_before is None or clock <= filters.depart_before
    )


def priced_within(price: Money, filters: Filters) -> bool:
    """Say whether a price of the whole party is between those that are asked for."""
    low, high = filters.price_min, filters.price_max
    amount = Decimal(price.amount)
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
