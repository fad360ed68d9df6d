"""Reads of reservations: the only way to one, with the question of who may see it inside."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, NamedTuple

from django.db.models import Count, Exists, Min, OuterRef, Q, QuerySet

from accounts.viewers import Viewer
from bookings.availability import availability, taken_seats
from bookings.errors import ProofNeeded
from bookings.models import (
    Coupon,
    Passenger,
    PriceLine,
    Reservation,
    ReservationEvent,
)
from inventory import selectors as inventory
from inventory.selectors import Offer, SeatFacts, TicketFacts
from inventory.ticket_ids import MAX_TICKET_ID
from travel.common.errors import NotFound
from travel.common.ids import normal_locator
from travel.common.money import Money

State = Reservation.State

# What stands where the name of somebody who was forgotten was.
ERASED_NAME = ("Erased", "passenger")
# The published words of the states.
STATUSES = {
    State.HELD: "Reserved",
    State.PAID: "Paid",
    State.CANCELLED: "Cancelled",
    State.EXPIRED: "Expired",
}


@dataclass(frozen=True, slots=True)
class SeatPlace:
    """A claimed seat: coach, seat, and the segments of the departure it is claimed for."""

    coach: str
    seat: str
    first_segment: int
    last_segment: int


@dataclass(frozen=True, slots=True)
class PassengerDetail:
    """A passenger; `accompanied_by` is the position of an infant's adult."""

    id: int
    position: int
    first_name: str
    last_name: str
    kind: str
    date_of_birth: date | None
    seat_wish: str
    accompanied_by: int | None

    @property
    def full_name(self) -> str:
        return f"{self.first_name} {self.last_name}"


@dataclass(frozen=True, slots=True)
class CouponDetail:
    """
    A passenger on a ticket with what it cost and where it sits.

    `reissued_at` is when its ticket was last issued anew, None where it is the first `issue`.
    """

    id: int
    passenger_id: int
    passenger: int
    position: int
    ticket_id: int
    fare_version_id: int
    state: str
    barcode: str
    issue: int
    reissued_at: datetime | None
    lines: list[tuple[str, str, Money]]
    price: Money
    seats: list[SeatPlace]
    exchanged_for: int | None = None

    @property
    def is_exchanged(self) -> bool:
        """Whether another coupon, of another departure, has taken its place."""
        return self.exchanged_for is not None


@dataclass(frozen=True, slots=True)
class ReservationDetail:
    """A reservation with all that belongs to it; `status` is its word at the moment of reading."""

    id: int
    locator: str
    state: str
    status: str
    user_id: int | None
    contact_email: str | None
    contact_phone: str | None
    language: str
    currency: str
    created_at: datetime
    hold_until: datetime
    extended_at: datetime | None
    passengers: list[PassengerDetail]
    coupons: list[CouponDetail]
    tickets: dict[int, TicketFacts]

    @property
    def price(self) -> Money:
        """What the whole reservation was sold for, cancelled parts included."""
        return Money(sum(coupon.price.minor for coupon in self.coupons), self.currency)

    @property
    def is_live_hold(self) -> bool:
        return self.status == STATUSES[State.HELD]

    @property
    def is_erased(self) -> bool:
        """Whether its people were forgotten, and how to reach them with them."""
        return all((one.first_name, one.last_name) == ERASED_NAME for one in self.passengers)

    @property
    def open_coupons(self) -> list[CouponDetail]:
        return [coupon for coupon in self.coupons if coupon.state == Coupon.State.OPEN]

    @property
    def journey(self) -> list[TicketFacts]:
        """The tickets in the order of travel, without those exchanged for others."""
        current = {one.ticket_id for one in self.coupons if not one.is_exchanged}
        return sorted(
            (self.tickets[ticket_id] for ticket_id in current),
            key=lambda one: (one.departs_at, one.id),
        )

    def open_on(self, ticket_id: int) -> list[CouponDetail]:
        """Answer the open coupons of a ticket."""
        return [one for one in self.open_coupons if one.ticket_id == ticket_id]

    def passenger_of(self, coupon: CouponDetail) -> PassengerDetail:
        """Answer whose coupon it is."""
        return next(one for one in self.passengers if one.id == coupon.passenger_id)


@dataclass(frozen=True, slots=True)
class EventDetail:
    """Something that happened to a reservation."""

    at: datetime
    kind: str
    from_state: str
    to_state: str
    actor_kind: str
    reason: str
    details: dict[str, object]


@dataclass(frozen=True, slots=True)
class PlannedSeat:
    """A seat of the plan, and whether it is free over the whole stretch."""

    seat: SeatFacts
    is_free: bool


@dataclass(frozen=True, slots=True)
class SeatPlan:
    """The seats of a ticket's vehicle in the ticket's class and the others."""

    offer: Offer
    seats: list[PlannedSeat]

    def find(self, coach: str, label: str) -> PlannedSeat | None:
        """Answer the seat of that name, or None."""
        return next(
            (one for one in self.seats if one.seat.coach == coach and one.seat.label == label),
            None,
        )


def just_made(
    reservation_id: int, *, tickets: Mapping[int, TicketFacts], now: datetime
) -> ReservationDetail:
    """Answer the reservation that was made in this transaction, on these tickets."""
    return load([Reservation.objects.get(id=reservation_id)], now=now, tickets=tickets)[0]


def get_reservation(
    *, viewer: Viewer, now: datetime, reservation_id: int | None = None, locator: str | None = None
) -> ReservationDetail:
    """
    Answer one reservation by its id or its locator.

    :raises NotFound: there is none, or it is not this viewer's to see.
    """
    rows = visible_to(viewer)
    if reservation_id is not None:
        if not 0 < reservation_id <= MAX_TICKET_ID:
            raise NotFound()
        rows = rows.filter(id=reservation_id)
    else:
        rows = rows.filter(locator=normal_locator(locator or "")[:6])
    found = load(list(rows.order_by("id")[:1]), now=now)
    if not found:
        raise NotFound()
    return found[0]


def list_reservations(
    *,
    viewer: Viewer,
    now: datetime,
    status: str | None = None,
    offset: int = 0,
    limit: int = 20,
) -> tuple[int, list[ReservationDetail]]:
    """Answer how many reservations the viewer has, and a page of them, the newest first."""
    rows = visible_to(viewer)
    if status is not None:
        rows = rows.filter(with_status(status, now))
    page = list(rows.order_by("-created_at", "-id")[offset : offset + limit])
    return rows.count(), load(page, now=now)


@dataclass(frozen=True, slots=True)
class Trips:
    """A traveller's reservations: holds that live, how many there are of each kind, a page."""

    held: list[ReservationDetail]
    counts: dict[str, int]
    found: list[ReservationDetail]


def list_trips(
    *, viewer: Viewer, now: datetime, when: str, offset: int = 0, limit: int = 20
) -> Trips:
    """
    Answer the viewer's live holds (at most 20, the first to end before), and a page of the rest.

    `upcoming` are paid and have a departure ahead, the nearest first; `past` are paid and have
    none; `cancelled` were cancelled, released or ran out. Both begin with the newest.
    """
    rows = visible_to(viewer)
    held = rows.filter(with_status("Reserved", now)).order_by("hold_until", "id")[:20]
    ahead = Coupon.objects.filter(
        ~Q(state=Coupon.State.CANCELLED),
        passenger__reservation=OuterRef("pk"),
        ticket__from_call__departs_at__gt=now,
    )
    rows = rows.annotate(is_ahead=Exists(ahead))
    kinds = {
        "upcoming": Q(state=State.PAID, is_ahead=True),
        "past": Q(state=State.PAID, is_ahead=False),
        "cancelled": with_status("Cancelled", now) | with_status("Expired", now),
    }
    counts = rows.aggregate(**{name: Count("pk", filter=kind) for name, kind in kinds.items()})
    page = rows.filter(kinds[when])
    if when == "upcoming":
        leaves = "passengers__coupons__ticket__from_call__departs_at"
        still_going = ~Q(passengers__coupons__state=Coupon.State.CANCELLED)
        page = page.annotate(
            next_departure=Min(leaves, filter=Q(**{f"{leaves}__gt": now}) & still_going)
        ).order_by("next_departure", "id")
    else:
        page = page.order_by("-created_at", "-id")
    first = list(held)
    loaded = load([*first, *page[offset : offset + limit]], now=now)
    return Trips(loaded[: len(first)], counts, loaded[len(first) :])


def visible_to(viewer: Viewer) -> QuerySet[Reservation]:
    """Answer the reservations that the viewer may see at all."""
    if viewer.is_support:
        return Reservation.objects.all()
    mine = Q(pk__in=[])
    if viewer.user_id is not None:
        mine |= Q(user_id=viewer.user_id)
    if viewer.guest_digests:
        mine |= Q(guest_digest__in=viewer.guest_digests)
    if viewer.looked_up or viewer.proved:
        mine |= Q(pk__in=viewer.looked_up | viewer.proved)
    return Reservation.objects.filter(mine)


def may_change(viewer: Viewer, reservation_id: int) -> bool:
    """
    Say whether a viewer may change a reservation that it may see.

    Booking code and name stand on every boarding pass: who has come by them alone may only look.
    """
    if reservation_id not in viewer.looked_up or reservation_id in viewer.proved:
        return True
    otherwise = replace(viewer, looked_up=frozenset())
    return visible_to(otherwise).filter(id=reservation_id).exists()


def get_to_change(*, viewer: Viewer, now: datetime, reservation_id: int) -> ReservationDetail:
    """
    Answer one reservation that the viewer is about to change.

    :raises NotFound: there is none, or it is not this viewer's to see.
    :raises ProofNeeded: the viewer has shown no more than its booking code and a name.
    """
    if not may_change(viewer, reservation_id):
        raise ProofNeeded()
    return get_reservation(viewer=viewer, reservation_id=reservation_id, now=now)


def proofs_that_hold(proved: Mapping[int, datetime]) -> frozenset[int]:
    """
    Answer of which reservations a proof of the contact, given at these times, still counts.

    Once the contact is corrected, whoever has proved the former one has proved nothing.
    """
    if not proved:
        return frozenset()
    corrected = ReservationEvent.objects.filter(
        reservation_id__in=list(proved), kind=ReservationEvent.Kind.CONTACT_CORRECTED
    ).order_by("reservation_id", "id")
    over = {one for one, at in corrected.values_list("reservation_id", "at") if at >= proved[one]}
    return frozenset(proved.keys() - over)


def paid_at(reservation_ids: Iterable[int]) -> dict[int, datetime]:
    """Answer when each of these reservations was paid; the caller may see them already."""
    return dict(
        ReservationEvent.objects.filter(
            reservation_id__in=list(reservation_ids), kind=ReservationEvent.Kind.PAID
        )
        .order_by("reservation_id", "-id")
        .values_list("reservation_id", "at")
    )


def events(reservation_id: int) -> list[EventDetail]:
    """Answer what happened to a reservation, in order; the caller may see it already."""
    return [
        EventDetail(*row)
        for row in ReservationEvent.objects.filter(reservation_id=reservation_id)
        .order_by("id")
        .values_list("at", "kind", "from_state", "to_state", "actor_kind", "reason", "details")[
            :1000
        ]
    ]


def seat_plan(ticket_id: int, *, now: datetime) -> SeatPlan:
    """
    Answer the seats of the ticket's vehicle, and which are free from boarding to alighting.

    :raises NotFound: no such ticket ever was.
    """
    offer = inventory.get_offer(ticket_id, now=now)
    ticket = offer.ticket
    taken = (
        taken_seats(
            ticket.parts.departure_id,
            first=ticket.first_segment,
            last=ticket.last_segment,
            now=now,
        )
        if ticket.stock_version
        else set()
    )
    return SeatPlan(
        offer=offer,
        seats=[
            PlannedSeat(seat, seat.id not in taken)
            for seat in inventory.seat_map(ticket.seat_map_id)
        ],
    )


def get_offer_with_seats(ticket_id: int, *, now: datetime) -> tuple[Offer, int]:
    """
    Answer a ticket in detail and how many seats are left of it.

    :raises NotFound: no such ticket ever was.
    :raises DepartureClosed: a newer timetable has replaced the departure.
    """
    offer = inventory.get_offer(ticket_id, now=now)
    ride = _Ride.of(offer.ticket)
    return offer, availability([ride], now=now, rules=[offer.rule]).left_of(ride, offer.rule)


class FareLeft(NamedTuple):
    """
    A fare of a ride: seats free all the way, and how many could ride if they changed seats.
    """

    offer: Offer
    seats: int
    with_changes: int


def get_fares_with_seats(ticket_id: int, *, now: datetime) -> list[FareLeft]:
    """
    Answer every fare of the ticket's ride, and how many seats are left for it.

    :raises NotFound: no such ticket ever was.
    :raises DepartureClosed: a newer timetable has replaced the departure.
    """
    return get_fares_with_seats_of([ticket_id], now=now)[0]


def get_fares_with_seats_of(ticket_ids: Sequence[int], *, now: datetime) -> list[list[FareLeft]]:
    """Answer the same for each of several tickets, in as many statements as for one."""
    rides = [
        (_Ride.of(fares[0].ticket), fares) for fares in inventory.get_fares_of(ticket_ids, now=now)
    ]
    rules = {offer.rule.id: offer.rule for _ride, fares in rides for offer in fares}
    left = availability([ride for ride, _fares in rides], now=now, rules=rules.values())
    return [
        [
            FareLeft(
                offer, left.left_of(ride, offer.rule), left.left_with_changes(ride, offer.rule)
            )
            for offer in fares
        ]
        for ride, fares in rides
    ]


@dataclass(frozen=True, slots=True)
class _Ride:
    departure_id: int
    from_position: int
    to_position: int
    seat_map_id: int
    stock_version: int
    earliest_hold_end: datetime | None

    @classmethod
    def of(cls, ticket: TicketFacts) -> _Ride:
        return cls(
            ticket.parts.departure_id,
            ticket.parts.from_position,
            ticket.parts.to_position,
            ticket.seat_map_id,
            ticket.stock_version,
            ticket.earliest_hold_end,
        )


def with_status(status: str, now: datetime) -> Q:
    """Say which rows have the published status at `now`: a hold that ended is Expired."""
    if status == "Reserved":
        return Q(state=State.HELD, hold_until__gt=now)
    if status == "Expired":
        return Q(state=State.EXPIRED) | Q(state=State.HELD, hold_until__lte=now)
    return Q(state=State.PAID if status == "Paid" else State.CANCELLED)


def status_of(state: str, hold_until: datetime, now: datetime) -> str:
    """Answer the published word of a state at `now`."""
    if state == State.HELD and hold_until <= now:
        return STATUSES[State.EXPIRED]
    return STATUSES[State(state)]


def load(
    rows: Sequence[Reservation],
    *,
    now: datetime,
    tickets: Mapping[int, TicketFacts] | None = None,
) -> list[ReservationDetail]:
    """
    Read all that belongs to these reservations, in a number of statements that is constant.

    Who knows the facts of their tickets gives them, and they are not read again.
    """
    if not rows:
        return []
    passengers, coupons = _people(rows)
    if tickets is None:
        tickets = inventory.describe_tickets(
            {coupon.ticket_id for group in coupons.values() for coupon in group}
        )
    return [
        ReservationDetail(
            id=row.id,
            locator=row.locator,
            state=row.state,
            status=status_of(row.state, row.hold_until, now),
            user_id=row.user_id,
            contact_email=row.contact_email,
            contact_phone=row.contact_phone,
            language=row.language,
            currency=row.currency_id,
            created_at=row.created_at,
            hold_until=row.hold_until,
            extended_at=row.extended_at,
            passengers=passengers.get(row.id, []),
            coupons=coupons.get(row.id, []),
            tickets={
                coupon.ticket_id: tickets[coupon.ticket_id] for coupon in coupons.get(row.id, [])
            },
        )
        for row in rows
    ]


def _people(
    rows: Sequence[Reservation],
) -> tuple[dict[int, list[PassengerDetail]], dict[int, list[CouponDetail]]]:
    """
    Read passengers, their coupons and their seats in one statement, by reservation.

    A row is a claim, or a coupon without one: a passenger has at least one coupon.
    """
    currencies = {row.id: row.currency_id for row in rows}
    columns = list(
        Passenger.objects.filter(reservation_id__in=currencies)
        .order_by(
            "reservation_id",
            "coupons__position",
            "position",
            "coupons__id",
            "coupons__claims__first_segment",
        )
        .values_list(
            "reservation_id",
            *_PASSENGER_COLUMNS,
            *(f"coupons__{column}" for column in _COUPON_COLUMNS),
            *(f"coupons__claims__{column}" for column in _SEAT_COLUMNS),
        )
    )
    people: dict[int, dict[int, PassengerDetail]] = {}
    seats: dict[int, list[SeatPlace]] = {}
    coupons: dict[int, dict[int, tuple[PassengerDetail, tuple[Any, ...]]]] = {}
    for reservation_id, *rest in columns:
        passenger = PassengerDetail(*rest[: len(_PASSENGER_COLUMNS)])
        coupon = tuple(rest[len(_PASSENGER_COLUMNS) : -len(_SEAT_COLUMNS)])
        place = rest[-len(_SEAT_COLUMNS) :]
        people.setdefault(reservation_id, {})[passenger.id] = passenger
        coupons.setdefault(reservation_id, {})[coupon[0]] = (passenger, coupon)
        if place[-1] is not None:
            seats.setdefault(coupon[0], []).append(SeatPlace(*place))
    lines = _price_lines(coupon_id for group in coupons.values() for coupon_id in group)
    return (
        {
            reservation_id: sorted(group.values(), key=lambda one: one.position)
            for reservation_id, group in people.items()
        },
        {
            reservation_id: [
                _coupon(passenger, columns, currencies[reservation_id], lines, seats)
                for passenger, columns in group.values()
            ]
            for reservation_id, group in coupons.items()
        },
    )


_PASSENGER_COLUMNS = (
    "id",
    "position",
    "first_name",
    "last_name",
    "kind",
    "date_of_birth",
    "seat_wish",
    "accompanied_by__position",
)
_COUPON_COLUMNS = (
    "id",
    "position",
    "ticket_id",
    "fare_version_id",
    "state",
    "barcode",
    "issue",
    "reissued_at",
    "exchanged_for_id",
)
_SEAT_COLUMNS = (
    "stock__seat__coach__label",
    "stock__seat__label",
    "first_segment",
    "last_segment",
)


def _coupon(
    passenger: PassengerDetail,
    columns: tuple[Any, ...],
    currency: str,
    lines: Mapping[int, Sequence[tuple[str, str, int]]],
    seats: Mapping[int, list[SeatPlace]],
) -> CouponDetail:
    coupon_id, position, ticket_id, fare_version_id, state, *rest = columns
    barcode, issue, reissued_at, exchanged_for = rest
    priced = [
        (kind, label, Money(minor, currency)) for kind, label, minor in lines.get(coupon_id, [])
    ]
    return CouponDetail(
        id=coupon_id,
        passenger_id=passenger.id,
        passenger=passenger.position,
        position=position,
        ticket_id=ticket_id,
        fare_version_id=fare_version_id,
        state=state,
        barcode=barcode,
        issue=issue,
        reissued_at=reissued_at,
        lines=priced,
        price=Money(sum(money.minor for _, _, money in priced), currency),
        seats=seats.get(coupon_id, []),
        exchanged_for=exchanged_for,
    )


def _price_lines(coupon_ids: Iterable[int]) -> dict[int, list[tuple[str, str, int]]]:
    found: dict[int, list[tuple[str, str, int]]] = {}
    for coupon_id, kind, label, minor in (
        PriceLine.objects.filter(coupon_id__in=list(coupon_ids))
        .order_by("coupon_id", "position")
        .values_list("coupon_id", "kind", "label", "amount_minor")
    ):
        found.setdefault(coupon_id, []).append((kind, label, minor))
    return found
