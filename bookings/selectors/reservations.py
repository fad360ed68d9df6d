"""One reservation, or a page of them: the only way to one for a door."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from accounts.viewers import Viewer
from bookings.errors import ProofNeeded
from bookings.models import Reservation
from bookings.selectors.access import may_change, visible_to
from bookings.selectors.details import ReservationDetail
from bookings.selectors.loading import load
from bookings.selectors.statuses import with_status
from inventory.selectors import TicketFacts
from inventory.ticket_ids import MAX_TICKET_ID
from travel.common.errors import NotFound
from travel.common.ids import normal_locator


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


def get_to_change(*, viewer: Viewer, now: datetime, reservation_id: int) -> ReservationDetail:
    """
    Answer one reservation that the viewer is about to change.

    :raises NotFound: there is none, or it is not this viewer's to see.
    :raises ProofNeeded: the viewer has shown no more than its booking code and a name.
    """
    if not may_change(viewer, reservation_id):
        raise ProofNeeded()
    return get_reservation(viewer=viewer, reservation_id=reservation_id, now=now)


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
