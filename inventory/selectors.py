"""Reads of what can be sold: a ticket in detail, the facts of tickets already sold, seat maps."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import OuterRef, Subquery

from inventory import places, search
from inventory.errors import DepartureClosed
from inventory.models import (
    Call,
    Carrier,
    CarrierClass,
    Departure,
    FareVersion,
    PenaltyTier,
    Seat,
    Service,
    Ticket,
)
from inventory.places import CityFacts, StationFacts
from inventory.pricing import PriceRule
from inventory.ticket_ids import MAX_TICKET_ID, TicketParts, pack, unpack
from travel.common.errors import NotFound

# Enough of a day's departures to tell which ways are busy.
MAX_DEPARTURES_READ = 2_000
# The choice of carriers is a list; so many at most stand in it.
MOST_CARRIERS = 500


@dataclass(frozen=True, slots=True)
class CallFacts:
    """A call as people read it."""

    position: int
    station: StationFacts
    city: CityFacts
    arrives_at: datetime | None
    departs_at: datetime | None
    expected_arrives_at: datetime | None
    expected_departs_at: datetime | None
    may_board: bool
    may_alight: bool
    is_skipped: bool
    platform: str
    distance_m: int

    @property
    def leaves_at(self) -> datetime | None:
        return self.expected_departs_at or self.departs_at


@dataclass(frozen=True, slots=True)
class Tier:
    """A penalty tier: from so many minutes before departure, this share, at least this much."""

    minutes_before: int
    basis_points: int
    minimum_minor: int


@dataclass(frozen=True, slots=True)
class ServiceFacts:
    """What is told of a service: number, carrier, and what its mode has to say."""

    id: int
    number: str
    mode: str
    carrier_id: int
    carrier_code: str
    carrier_name: str
    currency: str
    details: dict[str, object]
    facilities: list[str]


@dataclass(frozen=True, slots=True)
class TicketFacts:
    """
    Everything that is told of a ticket, sold or not, apart from what is left of it.

    `way` are all calls of the departure by their positions.
    """

    id: int
    parts: TicketParts
    service: ServiceFacts
    departure_state: str
    travel_class: str
    class_name: str
    fare_name: str
    origin: CallFacts
    destination: CallFacts
    vehicle_name: str
    seat_map_id: int
    stock_version: int
    earliest_hold_end: datetime | None
    sales_closed_at: datetime | None
    way: dict[int, CallFacts] = field(repr=False)

    @property
    def departs_at(self) -> datetime:
        assert self.origin.departs_at is not None
        return self.origin.departs_at

    @property
    def leaves_at(self) -> datetime:
        """When it really leaves: penalties, sales close and no-show count from here."""
        return self.origin.expected_departs_at or self.departs_at

    @property
    def arrives_at(self) -> datetime:
        assert self.destination.arrives_at is not None
        return self.destination.arrives_at

    @property
    def duration(self) -> timedelta:
        return self.arrives_at - self.departs_at

    @property
    def stops(self) -> int:
        return self.parts.to_position - self.parts.from_position - 1

    @property
    def distance_m(self) -> int:
        return self.destination.distance_m - self.origin.distance_m

    @property
    def first_segment(self) -> int:
        return self.parts.from_position

    @property
    def last_segment(self) -> int:
        return self.parts.to_position - 1


@dataclass(frozen=True, slots=True)
class DepartureFacts:
    """A departure with its whole way: all calls by their positions."""

    id: int
    service: ServiceFacts
    travel_date: date
    state: str
    vehicle_name: str
    seat_map_id: int
    stock_version: int
    way: dict[int, CallFacts] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Offer:
    """A ticket that may be bought: its facts, price rule, tiers and all calls of the stretch."""

    ticket: TicketFacts
    rule: PriceRule
    tiers: list[Tier]
    calls: list[CallFacts]

    @property
    def sales_close_at(self) -> datetime:
        return self.ticket.leaves_at - timedelta(minutes=self.rule.sales_close_minutes)

    def is_on_sale(self, now: datetime) -> bool:
        return (
            self.ticket.departure_state == Departure.State.SCHEDULED
            and self.ticket.sales_closed_at is None
            and now < self.sales_close_at
        )


@dataclass(frozen=True, slots=True)
class SeatFacts:
    """A seat of a seat map with where it stands."""

    id: int
    coach: str
    coach_position: int
    row: int
    column: int
    label: str
    travel_class: str
    is_window: bool
    is_aisle: bool
    has_table: bool
    is_quiet: bool
    is_accessible: bool
    faces_back: bool


def get_offer(ticket_id: int, *, now: datetime) -> Offer:
    """
    Answer the ticket as it is on sale at `now`.

    :raises NotFound: no such departure, stretch or fare ever was.
    :raises DepartureClosed: a newer timetable has replaced the departure.
    """
    return get_offers([ticket_id], now=now)[0]


def get_offers(ticket_ids: list[int], *, now: datetime) -> list[Offer]:
    """Answer several tickets as they are on sale, in the order asked for, in few statements."""
    for ticket_id in ticket_ids:
        if not 0 < ticket_id <= MAX_TICKET_ID:
            raise NotFound()
    parts = {ticket_id: unpack(ticket_id) for ticket_id in ticket_ids}
    departures = _departures({one.departure_id for one in parts.values()})
    rules = search.price_rules({one.tariff_id for one in departures.values()}, now=now)
    return _offers(parts, departures, rules)


def get_fares(ticket_id: int, *, now: datetime) -> list[Offer]:
    """
    Answer every fare on sale for the ride that the ticket is for, by their numbers.

    :raises NotFound: no such departure, stretch or fare ever was.
    :raises DepartureClosed: a newer timetable has replaced the departure.
    """
    return get_fares_of([ticket_id], now=now)[0]


def get_fares_of(ticket_ids: Sequence[int], *, now: datetime) -> list[list[Offer]]:
    """Answer for each of several tickets what `get_fares` does, in as many statements as of one."""
    for ticket_id in ticket_ids:
        if not 0 < ticket_id <= MAX_TICKET_ID:
            raise NotFound()
    asked = [unpack(ticket_id) for ticket_id in ticket_ids]
    departures = _departures({one.departure_id for one in asked})
    rules = search.price_rules({one.tariff_id for one in departures.values()}, now=now)
    every: dict[int, TicketParts] = {}
    for one in asked:
        departure = departures.get(one.departure_id)
        fares = rules.get(departure.tariff_id, []) if departure else []
        for number in sorted({*(rule.number for rule in fares), one.fare_number}):
            every[pack(*one[:3], number)] = one._replace(fare_number=number)
    offers = _offers(every, departures, rules)
    return [[offer for offer in offers if offer.ticket.parts[:3] == one[:3]] for one in asked]


def _offers(
    parts: dict[int, TicketParts],
    departures: dict[int, _DepartureRow],
    rules: dict[int, list[PriceRule]],
) -> list[Offer]:
    calls = _calls(departures)
    chosen: dict[int, PriceRule] = {}
    for ticket_id, one in parts.items():
        departure = departures.get(one.departure_id)
        if departure is None:
            raise NotFound()
        if departure.state == Departure.State.REPLACED:
            raise DepartureClosed()
        if not _stretch_exists(calls.get(one.departure_id, {}), one):
            raise NotFound()
        numbered = {rule.number: rule for rule in rules.get(departure.tariff_id, [])}
        if one.fare_number not in numbered:
            raise NotFound()
        chosen[ticket_id] = numbered[one.fare_number]
    tiers = penalty_tiers({rule.id for rule in chosen.values()})
    words = class_words({departure.service.carrier_id for departure in departures.values()})
    return [
        Offer(
            ticket=_ticket(
                ticket_id,
                departures[one.departure_id],
                calls[one.departure_id],
                travel_class=chosen[ticket_id].travel_class,
                fare_name=chosen[ticket_id].name,
                words=words,
            ),
            rule=chosen[ticket_id],
            tiers=tiers.get(chosen[ticket_id].id, []),
            calls=[
                call
                for position, call in sorted(calls[one.departure_id].items())
                if one.from_position <= position <= one.to_position
            ],
        )
        for ticket_id, one in parts.items()
    ]


def describe_tickets(ticket_ids: Iterable[int]) -> dict[int, TicketFacts]:
    """Answer the facts of tickets that have rows, whatever became of their departures."""
    class_name = CarrierClass.objects.filter(
        carrier=OuterRef("departure__service__carrier"),
        travel_class=OuterRef("fare__travel_class"),
    )
    rows = {
        row[0]: row[1:]
        for row in Ticket.objects.filter(id__in=set(ticket_ids))
        .annotate(class_name=Subquery(class_name.values("name")[:1]))
        .values_list("id", "fare__travel_class", "fare__name", "class_name")
    }
    departures = _departures({unpack(ticket_id).departure_id for ticket_id in rows})
    calls = _calls(departures)
    words = {
        (departures[unpack(ticket_id).departure_id].service.carrier_id, travel_class): class_name
        for ticket_id, (travel_class, _fare_name, class_name) in rows.items()
        if class_name
    }
    return {
        ticket_id: _ticket(
            ticket_id,
            departures[unpack(ticket_id).departure_id],
            calls[unpack(ticket_id).departure_id],
            travel_class=travel_class,
            fare_name=fare_name,
            words=words,
        )
        for ticket_id, (travel_class, fare_name, _class_name) in rows.items()
    }


def describe_departures(departure_ids: Iterable[int]) -> dict[int, DepartureFacts]:
    """Answer the facts of departures, whatever became of them; one that never was is left out."""
    departures = _departures(set(departure_ids))
    calls = _calls(departures)
    return {
        row.id: DepartureFacts(
            id=row.id,
            service=row.service,
            travel_date=row.travel_date,
            state=row.state,
            vehicle_name=row.vehicle_name,
            seat_map_id=row.seat_map_id,
            stock_version=row.stock_version,
            way=calls.get(row.id, {}),
        )
        for row in departures.values()
    }


@dataclass(frozen=True, slots=True)
class Line:
    """Departures of a day from one end of their way to the other; a way and its return are one."""

    mode: str
    from_station_id: int
    to_station_id: int
    departures: int
    shortest: timedelta


def busiest_lines(day: date, *, of_each_mode: int) -> list[Line]:
    """Answer the ways that most departures of the day lead, so many of each mode, busiest first."""
    ends = Call.objects.filter(departure_id=OuterRef("pk"))
    rows = (
        Departure.objects.filter(
            travel_date=day, state=Departure.State.SCHEDULED, sales_closed_at__isnull=True
        )
        .annotate(
            start=Subquery(ends.order_by("id").values("station_id")[:1]),
            starts_at=Subquery(ends.order_by("id").values("departs_at")[:1]),
            end=Subquery(ends.order_by("-id").values("station_id")[:1]),
            ends_at=Subquery(ends.order_by("-id").values("arrives_at")[:1]),
        )
        .order_by("id")
        .values_list("service__mode", "start", "end", "starts_at", "ends_at")[:MAX_DEPARTURES_READ]
    )
    lines: dict[tuple[str, int, int], Line] = {}
    for mode, start, end, starts_at, ends_at in rows:
        if None in (start, end, starts_at, ends_at) or start == end:
            continue
        known = lines.get((mode, end, start)) or lines.get((mode, start, end))
        line = known or Line(mode, start, end, 0, ends_at - starts_at)
        lines[mode, line.from_station_id, line.to_station_id] = replace(
            line,
            departures=line.departures
            + ((start, end) == (line.from_station_id, line.to_station_id)),
            shortest=min(line.shortest, ends_at - starts_at),
        )
    return _few_of_each(lines.values(), of_each_mode)


def _few_of_each(lines: Iterable[Line], number: int) -> list[Line]:
    """Answer the busiest lines of each mode; where two are as busy, the shorter one."""
    ordered = sorted(lines, key=lambda one: (-one.departures, one.shortest, one.from_station_id))
    kept: dict[str, list[Line]] = {}
    for line in ordered:
        kept.setdefault(line.mode, []).append(line)
    few = [line for every in kept.values() for line in every[:number]]
    return sorted(few, key=ordered.index)


_TIER_COLUMNS = ("minutes_before", "basis_points", "minimum_minor")


def penalty_tiers(version_ids: Iterable[int]) -> dict[int, list[Tier]]:
    """Answer the tiers of fare versions, the earliest moment first."""
    found: dict[int, list[Tier]] = {}
    for version_id, *numbers in (
        PenaltyTier.objects.filter(fare_version_id__in=set(version_ids))
        .order_by("fare_version_id", "-minutes_before")
        .values_list("fare_version_id", *_TIER_COLUMNS)
    ):
        found.setdefault(version_id, []).append(Tier(*numbers))
    return found


@dataclass(frozen=True, slots=True)
class SoldFare:
    """A version of a fare with its rule and tiers; `valid_until` is when the next one began."""

    rule: PriceRule
    valid_from: datetime
    valid_until: datetime | None
    tiers: list[Tier]


def sold_fares(version_ids: Iterable[int]) -> dict[int, SoldFare]:
    """Answer versions of fares whether or not they are on sale still, in one statement."""
    next_one = FareVersion.objects.filter(
        fare=OuterRef("fare"), valid_from__gt=OuterRef("valid_from")
    ).order_by("valid_from")
    found: dict[int, SoldFare] = {}
    for valid_from, valid_until, minutes, share, minimum, *rule in (
        FareVersion.objects.filter(id__in=set(version_ids))
        .annotate(valid_until=Subquery(next_one.values("valid_from")[:1]))
        .order_by("id", "-penalty_tiers__minutes_before")
        .values_list(
            *("valid_from", "valid_until"),
            *(f"penalty_tiers__{name}" for name in _TIER_COLUMNS),
            *search.RULE_COLUMNS,
        )
    ):
        sold = found.setdefault(rule[0], SoldFare(PriceRule(*rule), valid_from, valid_until, []))
        if minutes is not None:
            sold.tiers.append(Tier(minutes, share, minimum))
    return found


def class_words(carrier_ids: Iterable[int]) -> dict[tuple[int, str], str]:
    """Answer the carriers' own words for the classes."""
    return {
        (carrier_id, travel_class): name
        for carrier_id, travel_class, name in CarrierClass.objects.filter(
            carrier_id__in=set(carrier_ids)
        ).values_list("carrier_id", "travel_class", "name")
    }


def carrier_choices(among: Collection[int] | None = None) -> list[tuple[int, str]]:
    """List carriers for a choice by name: number and name; all of them, or those named."""
    rows = Carrier.objects.all() if among is None else Carrier.objects.filter(id__in=among)
    return list(rows.order_by("name", "id").values_list("id", "name")[:MOST_CARRIERS])


def currencies_sold() -> list[str]:
    """Answer the currencies that carriers sell in, by code."""
    return list(
        Carrier.objects.order_by("currency_id").values_list("currency_id", flat=True).distinct()
    )


def seat_map(seat_map_id: int) -> list[SeatFacts]:
    """Answer the seats of a map by coach, row and column."""
    return [
        SeatFacts(*row)
        for row in Seat.objects.filter(coach__seat_map_id=seat_map_id)
        .order_by("coach__position", "row", "column")
        .values_list(
            "id",
            "coach__label",
            "coach__position",
            "row",
            "column",
            "label",
            "travel_class",
            "is_window",
            "is_aisle",
            "has_table",
            "is_quiet",
            "is_accessible",
            "faces_back",
        )
    ]


@dataclass(frozen=True, slots=True)
class _DepartureRow:
    id: int
    travel_date: date
    state: str
    service: ServiceFacts
    tariff_id: int
    vehicle_name: str
    seat_map_id: int
    stock_version: int
    earliest_hold_end: datetime | None
    sales_closed_at: datetime | None


def _departures(departure_ids: set[int]) -> dict[int, _DepartureRow]:
    rows = list(
        Departure.objects.filter(id__in=departure_ids)
        .select_related(
            "service__carrier",
            "service__flight",
            "service__train",
            "service__bus",
            "vehicle",
        )
        .order_by("id")
    )
    boards = search.facilities({row.service_id for row in rows})
    return {
        row.id: _DepartureRow(
            id=row.id,
            travel_date=row.travel_date,
            state=row.state,
            service=_service(row.service, boards.get(row.service_id, [])),
            tariff_id=row.service.tariff_id,
            vehicle_name=row.vehicle.name,
            seat_map_id=row.vehicle.seat_map_id,
            stock_version=row.stock_version,
            earliest_hold_end=row.earliest_hold_end,
            sales_closed_at=row.sales_closed_at,
        )
        for row in rows
    }


def _service(row: Service, board: list[str]) -> ServiceFacts:
    return ServiceFacts(
        id=row.id,
        number=row.number,
        mode=row.mode,
        carrier_id=row.carrier_id,
        carrier_code=row.carrier.code,
        carrier_name=row.carrier.name,
        currency=row.carrier.currency_id,
        details=_mode_details(row),
        facilities=board,
    )


def _mode_details(service: Service) -> dict[str, object]:
    """Answer the facts of the service's mode row, under the names that are told of them."""
    _, names = search.MODE_FACTS[service.mode]
    row = getattr(service, service.mode.lower().replace("plane", "flight"), None)
    return {} if row is None else {name: getattr(row, column) for name, column in names.items()}


def _calls(departures: dict[int, _DepartureRow]) -> dict[int, dict[int, CallFacts]]:
    return _read_calls(list(departures))


def _read_calls(departure_ids: list[int]) -> dict[int, dict[int, CallFacts]]:
    found: dict[int, dict[int, CallFacts]] = {}
    rest: list[Any]
    for departure_id, position, station_id, *rest in (
        Call.objects.filter(departure_id__in=departure_ids)
        .order_by("id")
        .values_list(
            "departure_id",
            "position",
            "station_id",
            "arrives_at",
            "departs_at",
            "expected_arrives_at",
            "expected_departs_at",
            "may_board",
            "may_alight",
            "is_skipped",
            "platform",
            "distance_m",
        )
    ):
        station = places.station(station_id)
        found.setdefault(departure_id, {})[position] = CallFacts(
            position, station, places.city(station.city_id), *rest
        )
    return found


def _stretch_exists(calls: dict[int, CallFacts], parts: TicketParts) -> bool:
    start, end = calls.get(parts.from_position), calls.get(parts.to_position)
    return (
        start is not None
        and end is not None
        and parts.from_position < parts.to_position
        and start.may_board
        and end.may_alight
        and not start.is_skipped
        and not end.is_skipped
    )


def _ticket(
    ticket_id: int,
    departure: _DepartureRow,
    calls: dict[int, CallFacts],
    *,
    travel_class: str,
    fare_name: str,
    words: dict[tuple[int, str], str],
) -> TicketFacts:
    parts = unpack(ticket_id)
    return TicketFacts(
        id=ticket_id,
        parts=parts,
        service=departure.service,
        departure_state=departure.state,
        travel_class=travel_class,
        class_name=words.get((departure.service.carrier_id, travel_class), travel_class),
        fare_name=fare_name,
        origin=calls[parts.from_position],
        destination=calls[parts.to_position],
        vehicle_name=departure.vehicle_name,
        seat_map_id=departure.seat_map_id,
        stock_version=departure.stock_version,
        earliest_hold_end=departure.earliest_hold_end,
        sales_closed_at=departure.sales_closed_at,
        way=calls,
    )
