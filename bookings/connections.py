"""
Connections for sale: ways with changes, with what is left of their rides and the party's price.

They are looked for as if every ride had room, which nearly always holds; where one has none, once
more with only those parts of departures that can be sold. Both are exact: a way of which every
ride may be had, and that no other way beats, is beaten by none of those that may be had, either.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from bookings import search
from bookings.availability import Availability, availability
from bookings.search import Filters, Found, Query
from inventory import connections as finder
from inventory import network, places
from inventory import search as timetable
from inventory.connections import MOST_CHANGES, Legs, Ride
from inventory.network import Run
from inventory.places import StationFacts
from inventory.pricing import PriceRule
from inventory.selectors import TicketFacts
from travel.common.money import Money

# As many as anybody looks through; of more, the shortest are shown.
MOST_CONNECTIONS = 30

LONGEST = timedelta(seconds=finder.LONGEST_SECONDS)


@dataclass(frozen=True, slots=True)
class Change:
    """From one ride to the next: where, from when to when, and how long it takes at least."""

    arrival: StationFacts
    departure: StationFacts
    arrives_at: datetime
    departs_at: datetime
    least: timedelta

    @property
    def wait(self) -> timedelta:
        return self.departs_at - self.arrives_at

    @property
    def is_elsewhere(self) -> bool:
        """Whether one goes on from another station."""
        return self.arrival.id != self.departure.id


@dataclass(frozen=True, slots=True)
class Connection:
    """Tickets in the order of travel that are bought together, and what the party pays for all."""

    tickets: tuple[Found, ...]
    changes: tuple[Change, ...]
    price: Money

    @property
    def ticket_ids(self) -> tuple[int, ...]:
        return tuple(one.id for one in self.tickets)

    @property
    def departs_at(self) -> datetime:
        return self.tickets[0].stretch.departs_at

    @property
    def arrives_at(self) -> datetime:
        return self.tickets[-1].stretch.arrives_at

    @property
    def duration(self) -> timedelta:
        return self.arrives_at - self.departs_at

    @property
    def stops(self) -> int:
        """At how many calls one stays in one's seat."""
        return sum(one.stretch.stops for one in self.tickets)


def find(
    query: Query,
    *,
    direct: Sequence[Found],
    now: datetime,
    max_changes: int = MOST_CHANGES,
    not_before: datetime | None = None,
    detailed: bool = False,
) -> list[Connection]:
    """
    Answer the connections that are worth offering beside the direct tickets of the day, sorted.

    All of them, where there is no direct ticket; else those that leave or arrive clearly earlier or
    later than any direct trip allows (`finder.worth_it`). Every ticket of one is on sale with room
    for the party, in one currency; none is beaten by another in leaving later, arriving earlier,
    changing less and costing less. The query's filters hold for the connection as a whole where
    they are about times and prices, and for every ride where they are about what one travels by.
    None leaves before `not_before`. `detailed` tickets know what is on board and what their modes'
    rows say.
    """
    opens, closes = _window(query)
    trips = [(_seconds(one.stretch.departs_at), _seconds(one.stretch.arrives_at)) for one in direct]
    with network.without_collecting():
        every = network.read_runs(first=opens, last=closes + LONGEST)
        runs = _with_facilities(
            [run for run in every if _may_ride(run, query.filters)], query.filters
        )
        asked = _asked(query, runs, max_changes, now, not_before)
        ways = finder.worth_it(finder.find(runs, asked), trips)
    if not ways:
        return []
    rules = timetable.price_rules({run.tariff_id for run in runs}, now=now)
    offers = _offers(query, ways, rules, None, now, detailed=detailed)
    if not all(leg.ride in offers for legs in ways for leg in legs):
        left = availability(
            map(_Whole, runs), now=now, rules=[one for fares in rules.values() for one in fares]
        )
        parts = [part for run in runs for part in _for_sale(run, query, rules, left, now)]
        ways = finder.worth_it(finder.find(parts, asked), trips)
        offers = _offers(query, ways, rules, left, now, detailed=detailed)
    connections = [_priced(legs, offers) for legs in ways]
    return _fitting(_unbeaten(connections), query)


def chosen(ticket_ids: Sequence[int], query: Query, *, now: datetime) -> Connection | None:
    """
    Answer the connection that these tickets are, at the party's price, in two statements.

    Answer None when one of them is not on sale, or they do not lead from one to the next. Nobody
    counts seats: see `search.find_tickets`.
    """
    tickets = search.find_tickets(ticket_ids, query, now=now)
    if len(tickets) != len(ticket_ids) or not tickets:
        return None
    changes = [_change(before, after) for before, after in pairwise(tickets)]
    currencies = {one.price.currency for one in tickets}
    if not all(changes) or len(currencies) > 1:
        return None
    return _connection(tickets, [one for one in changes if one])


def changes_of(tickets: Sequence[TicketFacts]) -> list[Change] | None:
    """Answer the changes between tickets in their order; None where they are no connection."""
    if len(tickets) > 1 and tickets[-1].arrives_at - tickets[0].departs_at > LONGEST:
        return None
    changes = [
        _change_at(
            before.destination.station,
            after.origin.station,
            arrives=(before.arrives_at, before.destination.expected_arrives_at),
            departs=(after.departs_at, after.origin.expected_departs_at),
        )
        for before, after in pairwise(tickets)
    ]
    return [one for one in changes if one] if all(changes) else None


# --- what is asked --------------------------------------------------------------------------------


def _window(query: Query) -> tuple[datetime, datetime]:
    """Answer from when to when one may leave somewhere: the day at all stations together."""
    ranges = [timetable.day_range(query.day, one.tz) for one in query.origin.stations]
    return min(first for first, _last in ranges), max(last for _first, last in ranges)


def _asked(
    query: Query,
    runs: Sequence[Run],
    max_changes: int,
    now: datetime,
    not_before: datetime | None,
) -> finder.Search:
    stations = {halt.station_id for run in runs for halt in run.halts}
    return finder.Search(
        origins={
            one.id: _leaving(one, query.day, query.filters, not_before)
            for one in query.origin.stations
        },
        destinations=frozenset(one.id for one in query.destination.stations),
        now=_seconds(now),
        changes={
            station: [(start, minutes * 60) for start, minutes in places.changes_to(station)]
            for station in stations
        },
        max_changes=max_changes,
        importance={
            **_importance(query.origin.stations, runs),
            **_importance(query.destination.stations, runs),
        },
    )


def _leaving(
    station: StationFacts, day: date, filters: Filters, not_before: datetime | None
) -> tuple[int, int]:
    """Answer from when to when one may leave a station: its day, and the hours asked for."""
    first, last = timetable.day_range(day, station.tz)
    zone = ZoneInfo(station.tz)
    if not_before:
        first = max(first, not_before)
    if filters.depart_after:
        first = max(first, _on_the_clock(day, filters.depart_after, zone))
    if filters.depart_before:
        # An hour that comes twice ends with its second time.
        end = _on_the_clock(day, filters.depart_before.replace(fold=1), zone)
        last = min(last, end + timedelta(seconds=1))
    return _seconds(first), _seconds(last)


def _on_the_clock(day: date, clock: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, clock, zone).astimezone(UTC)


def _importance(stations: Sequence[StationFacts], runs: Iterable[Run]) -> dict[int, float]:
    wanted = {one.id for one in stations}
    served = {
        (run.departure_id, halt.station_id)
        for run in runs
        for halt in run.halts
        if halt.station_id in wanted
    }
    return timetable.importance(stations, served)


def _may_ride(run: Run, filters: Filters) -> bool:
    return (not filters.modes or run.mode in filters.modes) and (
        not filters.carriers or run.carrier_code in filters.carriers
    )


def _with_facilities(runs: list[Run], filters: Filters) -> list[Run]:
    if not filters.facilities:
        return runs
    boards = timetable.facilities({run.service_id for run in runs})
    wanted = set(filters.facilities)
    return [run for run in runs if wanted <= set(boards.get(run.service_id, ()))]


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())


# --- what may be had ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Whole:
    """A run, or a part of it from halt to halt, as availability is asked about."""

    run: Run
    start: int = 0
    end: int = -1

    @property
    def departure_id(self) -> int:
        return self.run.departure_id

    @property
    def from_position(self) -> int:
        return self.run.halts[self.start].position

    @property
    def to_position(self) -> int:
        return self.run.halts[self.end].position

    @property
    def seat_map_id(self) -> int:
        return self.run.seat_map_id

    @property
    def stock_version(self) -> int:
        return self.run.stock_version

    @property
    def earliest_hold_end(self) -> datetime | None:
        return self.run.earliest_hold_end


def _for_sale(
    run: Run,
    query: Query,
    rules: Mapping[int, list[PriceRule]],
    left: Availability,
    now: datetime,
) -> list[Run]:
    """
    Answer the parts of a run on which some fare has room all the way, none inside another.

    A fare may be had from where its sales are still open, and up to the segment that is full.
    """
    parts: set[tuple[int, int]] = set()
    for rule in rules.get(run.tariff_id, ()):
        if query.filters.travel_class in (None, rule.travel_class):
            parts |= set(_open_parts(run, rule, query.seats_needed, left, now))
    return [
        run.part(start, end)
        for start, end in sorted(parts)
        if not any(a <= start and end <= b and (a, b) != (start, end) for a, b in parts)
    ]


def _open_parts(
    run: Run, rule: PriceRule, needed: int, left: Availability, now: datetime
) -> Iterable[tuple[int, int]]:
    closes = _seconds(now) + rule.sales_close_minutes * 60
    last = len(run.halts) - 1
    start = 0
    while start < last and (run.halts[start].leaves_at or 0) <= closes:
        start += 1
    end = start
    while end < last:
        if left.left_with_changes(_Whole(run, end, end + 1), rule) < needed:
            if start < end:
                yield start, end
            start = end + 1
        end += 1
    if start < end:
        yield start, end


def _offers(
    query: Query,
    ways: Sequence[Legs],
    rules: dict[int, list[PriceRule]],
    left: Availability | None,
    now: datetime,
    *,
    detailed: bool,
) -> dict[Ride, Found]:
    """Answer the cheapest ticket of each ride that has room for the party, by its ride."""
    rides = {leg.ride: leg.run.stretch(leg.start, leg.end) for legs in ways for leg in legs}
    stretches = list(rides.values())
    cheapest: dict[Ride, Found] = {}
    for one in search.on_offer(
        query,
        stretches,
        details=timetable.mode_details(stretches) if detailed else {},
        now=now,
        rules=rules,
        left=left,
        plain=not detailed,
    ):
        if query.filters.travel_class not in (None, one.rule.travel_class):
            continue
        stretch = one.stretch
        key = (stretch.departure_id, stretch.from_position, stretch.to_position)
        known = cheapest.get(key)
        if known is None or (one.price.minor, one.id) < (known.price.minor, known.id):
            cheapest[key] = one
    return cheapest


# --- what is offered ------------------------------------------------------------------------------


def _priced(legs: Legs, offers: Mapping[Ride, Found]) -> Connection | None:
    """Put the tickets together; None when one of them has just been sold."""
    tickets = [offers[leg.ride] for leg in legs if leg.ride in offers]
    if len(tickets) < len(legs):
        return None
    changes = [_change(before, after) for before, after in pairwise(tickets)]
    return _connection(tickets, [one for one in changes if one])


def _connection(tickets: Sequence[Found], changes: Sequence[Change]) -> Connection:
    price = Money(sum(one.price.minor for one in tickets), tickets[0].price.currency)
    return Connection(tuple(tickets), tuple(changes), price)


def _change(before: Found, after: Found) -> Change | None:
    """Answer the change between two tickets, or None when there is none, or no time for it."""
    ends, starts = before.stretch, after.stretch
    return _change_at(
        places.station(ends.to_station_id),
        places.station(starts.from_station_id),
        arrives=(ends.arrives_at, ends.expected_arrives_at),
        departs=(starts.departs_at, starts.expected_departs_at),
    )


def _change_at(
    arrival: StationFacts,
    departure: StationFacts,
    *,
    arrives: tuple[datetime, datetime | None],
    departs: tuple[datetime, datetime | None],
) -> Change | None:
    """Answer a change by its instants, each planned and expected, if there is time for it."""
    minutes = dict(places.changes_to(departure.id)).get(arrival.id)
    if minutes is None:
        return None
    least = timedelta(minutes=minutes)
    if min(filter(None, departs)) - max(filter(None, arrives)) < least:
        return None
    return Change(arrival, departure, arrives[0], departs[0], least)


def _unbeaten(connections: Iterable[Connection | None]) -> list[Connection]:
    """Leave out what another one beats in time, changes and price, or equals in all of them."""
    kept: list[Connection] = []
    for one in sorted((one for one in connections if one), key=_rank):
        if not any(_beats(other, one) for other in kept):
            kept.append(one)
    return kept


def _rank(one: Connection) -> tuple[object, ...]:
    """Order connections so that whoever beats another comes before it."""
    leaves = -_seconds(one.departs_at)
    return leaves, one.arrives_at, len(one.changes), one.price.minor, one.ticket_ids


def _beats(one: Connection, other: Connection) -> bool:
    return (
        one.departs_at >= other.departs_at
        and one.arrives_at <= other.arrives_at
        and len(one.changes) <= len(other.changes)
        and one.price.currency == other.price.currency
        and one.price.minor <= other.price.minor
    )


def _fitting(connections: list[Connection], query: Query) -> list[Connection]:
    """Answer those that fit the filters of the whole; the shortest, sorted as asked."""
    filters = query.filters
    kept = [
        one
        for one in connections
        if search.priced_within(one.price, filters)
        and search.leaves_within(one.tickets[0].stretch, filters)
        and (filters.max_stops is None or one.stops <= filters.max_stops)
    ]
    kept.sort(key=lambda one: (one.duration, one.departs_at, one.price.minor, one.ticket_ids))
    orders = {
        "departure": lambda one: (one.departs_at, one.price.minor),
        "arrival": lambda one: (one.arrives_at, one.price.minor),
        "duration": lambda one: (one.duration, one.departs_at),
        "price": lambda one: (one.price.minor, one.departs_at),
    }
    order = orders[query.sort]
    return sorted(kept[:MOST_CONNECTIONS], key=lambda one: (*order(one), one.ticket_ids))
