"""Seats at the desk: who waits for one, which are blocked, which there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bookings.engine import reseating
from bookings.models import (
    SeatBlock,
    Unseated,
)
from inventory.models import Call, Departure, Seat
from inventory.reach import Reach
from support.desk.limits import MOST_QUEUED


@dataclass(frozen=True, slots=True)
class WaitingPerson:
    """Somebody whose seat was taken away and who has no other yet."""

    coupon_id: int
    reservation_id: int
    locator: str
    name: str
    departure: Departure
    had: str
    cause: str
    since: datetime


def waiting(*, reach: Reach, departure_id: int | None = None) -> list[WaitingPerson]:
    """Answer the first 200 who wait for a seat, the longest waiting first."""
    rows = reach.narrow(Unseated.objects.all(), "departure__service__carrier")
    if departure_id is not None:
        rows = rows.filter(departure_id=departure_id)
    found = reseating.waiting(rows).select_related(
        "coupon__passenger__reservation", "departure__service__carrier"
    )[:MOST_QUEUED]
    return [
        WaitingPerson(
            coupon_id=row.coupon_id,
            reservation_id=row.coupon.passenger.reservation_id,
            locator=row.coupon.passenger.reservation.locator,
            name=str(row.coupon.passenger),
            departure=row.departure,
            had=row.had,
            cause=row.get_cause_display(),
            since=row.since,
        )
        for row in found
    ]


def blocks(departure_id: int) -> list[SeatBlock]:
    """Answer the seats that are kept back on a departure, in the order of the map."""
    return list(
        SeatBlock.objects.filter(stock__departure_id=departure_id)
        .select_related("stock__seat__coach", "created_by")
        .order_by("stock__seat__coach__position", "stock__seat__row", "stock__seat__column", "id")
    )


@dataclass(frozen=True, slots=True)
class BlockedSeats:
    """Seats of a coach that are kept back on the same stretch, by one person, for one reason."""

    coach: str
    seats: list[str]
    origin: str
    destination: str
    reason: str
    by: str


def grouped_blocks(found: Sequence[SeatBlock], calls: Sequence[Call]) -> list[BlockedSeats]:
    """Answer blocks of a departure by coach and reason, in the order of the map."""
    groups: dict[tuple[object, ...], list[SeatBlock]] = {}
    for one in found:
        key = (
            one.stock.seat.coach_id,
            one.reason,
            one.first_segment,
            one.last_segment,
            one.created_by_id,
        )
        groups.setdefault(key, []).append(one)
    names = {call.position: call.station.name for call in calls}
    return [
        BlockedSeats(
            coach=ones[0].stock.seat.coach.label,
            seats=[str(one.stock.seat) for one in ones],
            origin=names.get(ones[0].first_segment, ""),
            destination=names.get(ones[0].last_segment + 1, ""),
            reason=ones[0].reason,
            by=str(ones[0].created_by),
        )
        for ones in groups.values()
    ]


def seats_of(departure: Departure) -> list[Seat]:
    """Answer the seats of a departure's vehicle in the order of the map, with their coaches."""
    return list(
        Seat.objects.filter(coach__seat_map_id=departure.vehicle.seat_map_id)
        .select_related("coach")
        .order_by("coach__position", "row", "column")
    )
