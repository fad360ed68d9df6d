"""What selling needs of the timetable: a frozen departure, and rows of the tickets sold."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from inventory.models import Departure
from inventory.models.departures import MAX_CALLS
from inventory.ticket_ids import unpack
from travel.common import sql


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
    known = {
        row[0]
        for row in sql.rows(
            f"SELECT id FROM inventory_ticket WHERE id IN ({sql.marks(len(fares))})",  # noqa: S608
            list(fares),
        )
    }
    sql.insert(
        "inventory_ticket",
        ("id", "departure_id", "from_call_id", "to_call_id", "fare_id"),
        [
            _ticket(ticket_id, fare_id)
            for ticket_id, fare_id in fares.items()
            if ticket_id not in known
        ],
    )


def _ticket(ticket_id: int, fare_id: int) -> tuple[int, int, int, int, int]:
    departure_id, start, end, _ = unpack(ticket_id)
    calls = departure_id * MAX_CALLS
    return ticket_id, departure_id, calls + start, calls + end, fare_id
