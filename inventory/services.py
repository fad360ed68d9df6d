"""Writes of the timetable that selling needs."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from inventory.models import Departure, Ticket
from inventory.models.departures import MAX_CALLS
from inventory.ticket_ids import unpack


def freeze(*, departure_ids: Collection[int], now: datetime) -> None:
    """
    Say that these departures sell from now on: imports leave their calls and seats alone.

    The caller holds the departures' locks.
    """
    Departure.objects.filter(id__in=departure_ids, frozen_at__isnull=True).update(frozen_at=now)


def ensure_tickets(*, fares: dict[int, int]) -> None:
    """
    Make rows of the tickets (ticket id -> fare id) that have none yet.

    The caller holds the locks of their departures, so that nobody else is making the same rows.
    """
    known = set(Ticket.objects.filter(id__in=fares).values_list("id", flat=True))
    Ticket.objects.bulk_create(
        [
            _ticket(ticket_id, fare_id)
            for ticket_id, fare_id in fares.items()
            if ticket_id not in known
        ]
    )


def _ticket(ticket_id: int, fare_id: int) -> Ticket:
    departure_id, start, end, _ = unpack(ticket_id)
    return Ticket(
        id=ticket_id,
        departure_id=departure_id,
        from_call_id=departure_id * MAX_CALLS + start,
        to_call_id=departure_id * MAX_CALLS + end,
        fare_id=fare_id,
    )
