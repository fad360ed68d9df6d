"""What happened to reservations."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from bookings.models import ReservationEvent


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
