"""Sending to a holder once more: the tickets, or the way to pay for a hold."""

from __future__ import annotations

from datetime import datetime

from accounts.viewers import Viewer
from bookings import notifications, selectors
from bookings.documents.passes import has_documents
from bookings.engine.contract import Actor
from bookings.errors import HoldExpired, NoAddress, NoContact
from bookings.models import ReservationEvent
from bookings.selectors import ReservationDetail
from bookings.services.keeping import note
from travel.common import limits
from travel.common.errors import NotFound
from travel.common.transactions import in_transaction

TICKETS, PAYMENT_LINK = "tickets", "payment_link"


@in_transaction
def resend_tickets(
    *, viewer: Viewer, reservation_id: int, now: datetime, actor: Actor | None = None
) -> ReservationDetail:
    """
    Send the tickets of a paid reservation to its own address again, three times an hour at most.

    Where staff send them, the story keeps who and why.

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
    _note(reservation, TICKETS, actor, now)
    return reservation


@in_transaction
def send_payment_link(
    *, viewer: Viewer, reservation_id: int, now: datetime, actor: Actor | None = None
) -> ReservationDetail:
    """
    Send the holder of a live hold where and until when to pay for it, three times an hour at most.

    It goes to the e-mail address, or as a text message where there is only a number. A guest's own
    secret link is not known any more: the message leads to the search by booking code and name.

    :raises NotFound: it is not the viewer's.
    :raises ProofNeeded: the viewer has shown no more than its booking code and a name.
    :raises HoldExpired: it is no live hold.
    :raises NoContact: there is neither an address nor a number.
    :raises Throttled: it was sent often enough.
    """
    reservation = selectors.get_to_change(viewer=viewer, reservation_id=reservation_id, now=now)
    if not reservation.is_live_hold:
        raise HoldExpired()
    if notifications.contact_of(reservation) is None:
        raise NoContact()
    limits.count(scope="resend", who=str(reservation.id))
    notifications.payment_link(reservation=reservation, now=now)
    _note(reservation, PAYMENT_LINK, actor, now)
    return reservation


def _note(reservation: ReservationDetail, what: str, actor: Actor | None, now: datetime) -> None:
    """Keep who of staff sent it; a holder's own wish leaves the message as its trace."""
    if actor is not None:
        note(
            reservation_id=reservation.id,
            kind=ReservationEvent.Kind.SENT_AGAIN,
            now=now,
            reason=actor.reason,
            details={"what": what},
            actor=actor,
        )
