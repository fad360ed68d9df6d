"""
Acts of staff on a reservation for its traveller: each with a reason, and the traveller is told.

The work is done by the services that the traveller's own pages call; here staff are named as the
actor, so that the story says who and why.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.utils.translation import gettext as _

from accounts.viewers import Viewer
from bookings import notifications
from bookings import services as booking
from bookings.engine.contract import Actor
from bookings.selectors import ReservationDetail
from bookings.services import SeatChoice
from support.services.cancelling import MAX_REASON
from support.services.reports import check_staff
from travel.common.errors import InvalidInput
from travel.common.transactions import in_transaction


@in_transaction
def correct_name(
    *,
    viewer: Viewer,
    reservation_id: int,
    passenger_id: int,
    first_name: str,
    last_name: str,
    reason: str,
    now: datetime,
) -> ReservationDetail:
    """
    Write a passenger's name as it is on the papers, whatever it was; see bookings' correct_name.

    :raises NotAllowed: the viewer is no staff.
    :raises InvalidInput: there is no reason, or it is too long.
    """
    return booking.correct_name(
        viewer=viewer,
        reservation_id=reservation_id,
        passenger_id=passenger_id,
        first_name=first_name,
        last_name=last_name,
        actor=staff_actor(viewer, reason),
        now=now,
    )


@in_transaction
def correct_contact(
    *, viewer: Viewer, reservation_id: int, email: str, phone: str, reason: str, now: datetime
) -> bool:
    """
    Write down how a reservation is reached; see bookings' correct_contact. An account stays as it
    is.

    Answer whether anything changed.

    :raises NotAllowed: the viewer is no staff.
    :raises InvalidInput: there is no reason, or it is too long.
    """
    return booking.correct_contact(
        viewer=viewer,
        reservation_id=reservation_id,
        email=email,
        phone=phone,
        actor=staff_actor(viewer, reason),
        now=now,
    )


@in_transaction
def change_seats(
    *,
    viewer: Viewer,
    reservation_id: int,
    seats: Sequence[SeatChoice],
    reason: str,
    now: datetime,
) -> ReservationDetail:
    """Give passengers other seats of their class; see bookings' change_seats and correct_name."""
    return booking.change_seats(
        viewer=viewer,
        reservation_id=reservation_id,
        seats=seats,
        actor=staff_actor(viewer, reason),
        now=now,
    )


@in_transaction
def rebook(
    *,
    viewer: Viewer,
    reservation_id: int,
    ticket_id: int,
    to_ticket_id: int,
    reason: str,
    now: datetime,
) -> ReservationDetail:
    """
    Move all who travel on a ticket to another departure, free of charge; see bookings' rebook.

    Staff rebook also what runs as it was sold.
    """
    return booking.rebook(
        viewer=viewer,
        reservation_id=reservation_id,
        ticket_id=ticket_id,
        to_ticket_id=to_ticket_id,
        actor=staff_actor(viewer, reason),
        now=now,
    )


@in_transaction
def resend_tickets(
    *, viewer: Viewer, reservation_id: int, reason: str, now: datetime
) -> ReservationDetail:
    """Send the tickets to the reservation's own address again; see bookings' resend_tickets."""
    return booking.resend_tickets(
        viewer=viewer,
        reservation_id=reservation_id,
        actor=staff_actor(viewer, reason),
        now=now,
    )


@in_transaction
def send_payment_link(
    *, viewer: Viewer, reservation_id: int, reason: str, now: datetime
) -> ReservationDetail:
    """Send the holder of a live hold where to pay for it; see bookings' send_payment_link."""
    return booking.send_payment_link(
        viewer=viewer,
        reservation_id=reservation_id,
        actor=staff_actor(viewer, reason),
        now=now,
    )


@in_transaction
def extend_hold(
    *, viewer: Viewer, reservation_id: int, reason: str, now: datetime
) -> ReservationDetail:
    """
    Give the holder more time to pay, once a reservation, and tell them until when.

    It is the extension that the holder has too: whoever has used it up gets no second one.
    """
    held = booking.extend_hold(
        viewer=viewer,
        reservation_id=reservation_id,
        actor=staff_actor(viewer, reason),
        now=now,
    )
    notifications.payment_link(reservation=held, now=now)
    return held


def staff_actor(viewer: Viewer, reason: str) -> Actor:
    """
    Answer the member of staff as the story names an actor, with the reason.

    :raises NotAllowed: the viewer is no staff.
    :raises InvalidInput: there is no reason, or it is too long.
    """
    check_staff(viewer)
    said = reason.strip()
    if not said:
        raise InvalidInput(errors={"reason": [_("Say why, in a few words.")]})
    if len(said) > MAX_REASON:
        raise InvalidInput(errors={"reason": [_("This text is too long.")]})
    return Actor("staff", viewer.user_id, said)
