"""
What tests of selling do again and again: reserve, look at everything that is stored, and audit it.

The audit reads rows and nothing else: it repeats the office's promises in plain sums, without the
code that keeps them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.apps import apps

from accounts.models import User
from bookings import services
from bookings.models import Claim, Coupon, Reservation, SeatStock
from bookings.selectors import ReservationDetail
from bookings.services import Holder, PassengerDetails
from inventory.models import Departure
from tests.factories import Trip

HOLD = timedelta(minutes=10)
FIRST_NAMES = ["Ada", "Bob", "Cem", "Dora", "Eve", "Finn", "Gül", "Hal", "Ida"]

# Everything that selling may write to.
TABLES = {
    "inventory": ["Ticket", "Departure"],
    "bookings": [
        "Reservation",
        "Passenger",
        "Coupon",
        "PriceLine",
        "SeatStock",
        "Claim",
        "ReservationEvent",
    ],
    "payments": ["Payment", "Refund", "Transfer", "Entry"],
    "common": ["OutboxMessage", "Job", "IdempotencyKey"],
}


def party(*kinds: str) -> list[PassengerDetails]:
    """Answer passengers of these kinds, each with another first name."""
    return [
        PassengerDetails(first_name=FIRST_NAMES[index], last_name="Roe", kind=kind)
        for index, kind in enumerate(kinds)
    ]


def adults(number: int) -> list[PassengerDetails]:
    """Answer so many adults."""
    return party(*["adult"] * number)


def holder_of(who: User | str) -> Holder:
    """Answer the holder that a user is, or a guest with this e-mail address."""
    if isinstance(who, str):
        return Holder(email=who)
    return Holder(user_id=who.pk, email=who.email)


def reserve(
    who: User | str,
    *ticket_ids: int,
    now: datetime,
    passengers: int | Sequence[PassengerDetails] = 1,
    **options: Any,
) -> ReservationDetail:
    """Reserve by the service, for a user or for a guest with this e-mail address."""
    return services.reserve(
        holder=holder_of(who),
        ticket_ids=ticket_ids,
        passengers=adults(passengers) if isinstance(passengers, int) else passengers,
        now=now,
        **options,
    ).reservation


def seats_of(reservation: ReservationDetail) -> list[tuple[str, str]]:
    """Answer coach and seat of each claim, in the order of tickets and passengers."""
    return [(seat.coach, seat.seat) for coupon in reservation.coupons for seat in coupon.seats]


def everything() -> dict[str, list[tuple[Any, ...]]]:
    """Answer all rows that selling may write, so that "nothing changed" means nothing."""
    return {
        name: list(apps.get_model(app, name).objects.order_by("pk").values_list())
        for app, names in TABLES.items()
        for name in names
    }


def row_counts() -> dict[str, int]:
    """Answer how many rows each table has that selling may write."""
    return {name: len(rows) for name, rows in everything().items()}


def bits_of(trip: Trip) -> dict[str, int]:
    """Answer the taken bits of the trip's seats by coach and seat, as `1/2A`."""
    return {
        f"{coach}/{label}": taken
        for coach, label, taken in SeatStock.objects.filter(departure=trip.departure)
        .order_by("id")
        .values_list("seat__coach__label", "seat__label", "taken")
    }


def version_of(trip: Trip) -> int:
    """Answer the version of the trip's stock."""
    return Departure.objects.values_list("stock_version", flat=True).get(id=trip.departure.pk)


def audit() -> None:
    """
    Prove the stored facts about seats.

    No segment of a seat is claimed twice; a seat's bits are the union of its claims; every live
    reservation has each of its claims, whole and in its own class, and nobody else has any.
    """
    claimed: dict[int, set[int]] = defaultdict(set)
    for stock_id, first, last in Claim.objects.values_list(
        "stock_id", "first_segment", "last_segment"
    ):
        stretch = set(range(first, last + 1))
        assert not claimed[stock_id] & stretch, f"seat {stock_id} is claimed twice"
        claimed[stock_id] |= stretch
    for stock_id, taken in SeatStock.objects.values_list("id", "taken"):
        bits = {segment for segment in range(63) if taken >> segment & 1}
        assert bits == claimed[stock_id], f"the bits of seat {stock_id} are not its claims"

    live = {Reservation.State.HELD, Reservation.State.PAID}
    for coupon in Coupon.objects.select_related(
        "passenger__reservation", "ticket__fare"
    ).prefetch_related("claims__stock"):
        claims = list(coupon.claims.all())
        is_live = (
            coupon.passenger.reservation.state in live and coupon.state != Coupon.State.CANCELLED
        )
        if not is_live:
            assert not claims, f"coupon {coupon.pk} is not live and has a seat"
            continue
        wanted = set(range(coupon.ticket.from_call_id % 64, coupon.ticket.to_call_id % 64))
        if claims or coupon.passenger.kind != "infant":
            covered = [
                segment
                for claim in claims
                for segment in range(claim.first_segment, claim.last_segment + 1)
            ]
            assert sorted(covered) == sorted(wanted), f"coupon {coupon.pk} lacks a claim"
        for claim in claims:
            assert claim.stock.departure_id == coupon.ticket.departure_id
            assert claim.stock.travel_class == coupon.ticket.fare.travel_class
