"""Whom a change concerns: how many, and who they are."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q, QuerySet, Sum

from bookings.disruption import LONG_DELAYS
from bookings.models import (
    Coupon,
    Passenger,
    PriceLine,
    Reservation,
    ReservationEvent,
)
from bookings.services import telling
from inventory.models import Call
from support.desk.calls import calls_of
from support.desk.limits import PER_PAGE
from travel.common.money import Money

LIVE = (Reservation.State.HELD, Reservation.State.PAID)
BOOKED = (Coupon.State.OPEN, Coupon.State.USED, Coupon.State.NO_SHOW)


@dataclass(frozen=True, slots=True)
class Concern:
    """
    Which part of a departure a change is about.

    `only_at`: whoever boards or alights at one of these calls. `boarding_at`: whoever boards there.
    `after`: whoever has not alighted before that call. With none of them everybody.
    """

    only_at: tuple[int, ...] = ()
    boarding_at: int | None = None
    after: int | None = None

    def narrow(self, coupons: QuerySet[Coupon], departure_id: int) -> QuerySet[Coupon]:
        """Answer the coupons of the departure that are concerned."""
        base = departure_id * 64
        rows = coupons.filter(ticket__departure_id=departure_id)
        if self.only_at:
            calls = [base + position for position in self.only_at]
            rows = rows.filter(Q(ticket__from_call_id__in=calls) | Q(ticket__to_call_id__in=calls))
        if self.boarding_at is not None:
            rows = rows.filter(ticket__from_call_id=base + self.boarding_at)
        if self.after is not None:
            lowest = base + max(self.after, 1)
            rows = rows.filter(ticket__to_call_id__gte=lowest)
        return rows


EVERYBODY = Concern()


@dataclass(frozen=True, slots=True)
class Numbers:
    """
    What a change means in numbers, as the page before it says.

    `used` and `missed` are how many of the passengers were let in, and never came.
    """

    passengers: int
    reservations: int
    paid: int
    held: int
    unreachable: int
    guests: int
    price: list[Money]
    used: int = 0
    missed: int = 0


def open_coupons() -> QuerySet[Coupon]:
    """Answer the open coupons of live reservations."""
    return Coupon.objects.filter(state=Coupon.State.OPEN, passenger__reservation__state__in=LIVE)


def booked_coupons() -> QuerySet[Coupon]:
    """Answer the coupons of live reservations that are open, and those used or missed."""
    return Coupon.objects.filter(state__in=BOOKED, passenger__reservation__state__in=LIVE)


def told_of_delay(departure_id: int, *, position: int, minutes: int, now: datetime) -> set[int]:
    """
    Answer the paid reservations that are told when a departure is late from a call on.

    The rule of bookings.services.telling, for all in one go: whoever was told nothing yet, or of
    times that are ten minutes off, or may choose anew now. Connections that break stand outside.
    """
    calls = {call.pk: call for call in calls_of(departure_id)}
    late = {
        call.pk: minutes if call.position >= position else _leaves_late(call)
        for call in calls.values()
    }
    rows = list(
        Concern(after=position)
        .narrow(open_coupons(), departure_id)
        .filter(passenger__reservation__state=Reservation.State.PAID)
        .order_by()
        .values_list(
            "passenger__reservation_id",
            "ticket_id",
            "ticket__from_call_id",
            "ticket__to_call_id",
            "ticket__from_call__departure__service__mode",
        )
        .distinct()
    )
    known = _last_told({row[0] for row in rows})
    told = set()
    for reservation_id, ticket_id, origin, destination, mode in rows:
        arrives_at = calls[destination].arrives_at
        if arrives_at is None or arrives_at + timedelta(minutes=minutes) <= now:
            continue
        kind, details = known.get((reservation_id, ticket_id), ("", {}))
        is_off = kind == ReservationEvent.Kind.CALLED_OFF
        before = {} if is_off else details
        moved = timedelta(
            minutes=max(
                abs(late[origin] - int(before.get("leaves_late", 0))),
                abs(minutes - int(before.get("arrives_late", 0))),
            )
        )
        longest = timedelta(minutes=max(late[origin], minutes))
        may_choose = longest >= LONG_DELAYS[mode] and not before.get("may_choose", False)
        if is_off or moved >= telling.STEP or (moved and may_choose):
            told.add(reservation_id)
    return told


def _leaves_late(call: Call) -> int:
    if call.expected_departs_at is None or call.departs_at is None:
        return 0
    return (call.expected_departs_at - call.departs_at) // timedelta(minutes=1)


def _last_told(reservation_ids: Collection[int]) -> dict[tuple[int, int], tuple[str, Any]]:
    """Answer what reservations were told last of each of their tickets: the kind, and the rest."""
    rows = ReservationEvent.objects.filter(
        reservation_id__in=reservation_ids,
        kind__in=[ReservationEvent.Kind.DELAYED, ReservationEvent.Kind.CALLED_OFF],
    ).order_by("id")
    return {
        (reservation_id, details.get("ticket", 0)): (kind, details)
        for reservation_id, kind, details in rows.values_list("reservation_id", "kind", "details")
    }


def numbers(
    departure_id: int,
    concern: Concern = EVERYBODY,
    *,
    past: bool = False,
    only: Collection[int] | None = None,
) -> Numbers:
    """
    Answer how many people a change concerns, and what they have paid for it.

    With `past` those count whose tickets are used or missed, too: no change concerns them any more.
    `only` counts these reservations alone.
    """
    coupons = concern.narrow(booked_coupons() if past else open_coupons(), departure_id)
    if only is not None:
        coupons = coupons.filter(passenger__reservation_id__in=only)
    people = coupons.aggregate(
        every=Count("id"),
        used=Count("id", filter=Q(state=Coupon.State.USED)),
        missed=Count("id", filter=Q(state=Coupon.State.NO_SHOW)),
    )
    found = Reservation.objects.filter(
        id__in=coupons.order_by().values("passenger__reservation_id")
    ).aggregate(
        every=Count("id"),
        paid=Count("id", filter=Q(state=Reservation.State.PAID)),
        unreachable=Count("id", filter=Q(contact_email=None, contact_phone=None)),
        guests=Count("id", filter=Q(user=None)),
    )
    paid = coupons.filter(passenger__reservation__state=Reservation.State.PAID)
    prices = (
        PriceLine.objects.filter(coupon__in=paid.order_by().values("id"))
        .order_by()
        .values_list("coupon__passenger__reservation__currency_id")
        .annotate(total=Sum("amount_minor"))
    )
    return Numbers(
        passengers=people["every"],
        reservations=found["every"],
        paid=found["paid"],
        held=found["every"] - found["paid"],
        unreachable=found["unreachable"],
        guests=found["guests"],
        price=[Money(minor, currency) for currency, minor in sorted(prices)],
        used=people["used"],
        missed=people["missed"],
    )


@dataclass(frozen=True, slots=True)
class Person:
    """
    A passenger on a departure, as the desk's list has it.

    `state` is that of the reservation while the ticket is open, then that of the ticket.
    """

    reservation_id: int
    locator: str
    name: str
    kind: str
    contact: str
    origin: str
    destination: str
    travel_class: str
    seat: str
    state: str


PERSON_COLUMNS = (
    "id",
    "state",
    "passenger__reservation_id",
    "passenger__reservation__locator",
    "passenger__reservation__state",
    "passenger__reservation__contact_email",
    "passenger__reservation__contact_phone",
    "passenger__first_name",
    "passenger__last_name",
    "passenger__kind",
    "ticket__from_call__station__name",
    "ticket__to_call__station__name",
    "ticket__fare__travel_class",
)


def people(
    departure_id: int,
    concern: Concern = EVERYBODY,
    *,
    past: bool = False,
    offset: int = 0,
    limit: int = PER_PAGE,
) -> list[Person]:
    """
    Answer a page of the passengers whom a change concerns, by reservation.

    With `past` those are among them whose tickets are used or missed.
    """
    rows = (
        concern.narrow(booked_coupons() if past else open_coupons(), departure_id)
        .order_by("passenger__reservation_id", "passenger__position", "id")
        .values_list(*PERSON_COLUMNS)[offset : offset + limit]
    )
    found = list(rows)
    seats = _seats_of([row[0] for row in found])
    kinds = dict(Passenger.Kind.choices)
    states = dict(Reservation.State.choices)
    over = dict(Coupon.State.choices)
    return [
        Person(
            reservation_id=reservation_id,
            locator=locator,
            name=f"{first} {last}",
            kind=str(kinds[kind]),
            contact=email or phone or "",
            origin=origin,
            destination=destination,
            travel_class=travel_class,
            seat=seats.get(coupon_id, ""),
            state=str(states[state] if ticket_state == Coupon.State.OPEN else over[ticket_state]),
        )
        for (
            coupon_id,
            ticket_state,
            reservation_id,
            locator,
            state,
            email,
            phone,
            first,
            last,
            kind,
            origin,
            destination,
            travel_class,
        ) in found
    ]


def everybody(
    departure_id: int, concern: Concern = EVERYBODY, *, past: bool = False
) -> Iterator[Person]:
    """Answer all passengers as people() does, a thousand read at a time."""
    step = 1_000
    offset = 0
    while page := people(departure_id, concern, past=past, offset=offset, limit=step):
        yield from page
        offset += step


def _seats_of(coupon_ids: Collection[int]) -> dict[int, str]:
    seats: dict[int, str] = {}
    for coupon_id, coach, label in (
        Coupon.objects.filter(id__in=coupon_ids, claims__isnull=False)
        .order_by("id", "claims__first_segment")
        .values_list("id", "claims__stock__seat__coach__label", "claims__stock__seat__label")
    ):
        name = f"{coach}/{label}" if label else coach
        seats[coupon_id] = f"{seats[coupon_id]}, {name}" if coupon_id in seats else name
    return seats
