"""Sending tickets to their holder once more."""

from __future__ import annotations

from datetime import datetime

from accounts.viewers import Viewer
from bookings import notifications, selectors
from bookings.documents.passes import has_documents
from bookings.errors import NoAddress
from bookings.selectors import ReservationDetail
from travel.common import limits
from travel.common.errors import NotFound
from travel.common.transactions import in_transaction


@in_transaction
def resend_tickets(*, viewer: Viewer, reservation_id: int, now: datetime) -> ReservationDetail:
    """
    Send the tickets of a paid reservation to its own address again, three times an hour at most.

    :raises NotFound: it is not the viewer's, or has no tickets (any more).
    :raises ProofNeeded: the viewer has shown no more than its booking code and a name.
    :raises NoAddress: the reservation has no e-mail address.
    :raises Throttled: they were sent often enough.
    """
    reservation = selectors.get_to_change(viewer=viewer, reservation_id=reservation_id, now=now)
    if not has_documents(reservation):
        raise NotFound()
    if reservation.contact_email is None:
        raise NoAddress()
    limits.count(scope="resend", who=str(reservation.id))
    notifications.tickets_again(reservation=reservation, now=now)
    return reservation
