"""Cancelling on a passenger's behalf."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.utils.translation import gettext as _

from accounts.viewers import Viewer
from bookings import selectors as bookings
from bookings.engine.contract import Actor
from payments import services as money
from payments.penalties import Waiver
from payments.services.cancelling import Cancelled
from support.services.reports import check_staff
from travel.common.errors import InvalidInput, NotAllowed
from travel.common.transactions import in_transaction

MAX_REASON = 300
# The whole of a penalty, in hundredths of a per cent.
WHOLE = 10_000
WISH, GOODWILL = "wish", "goodwill"


@in_transaction
def cancel_reservation(
    *,
    viewer: Viewer,
    reservation_id: int,
    reason: str,
    now: datetime,
    waive_penalty: bool = False,
    waive_basis_points: int = WHOLE,
    reason_code: str = "",
    quote_id: str | None = None,
    passenger_ids: Collection[int] = (),
    ticket_ids: Collection[int] = (),
    refund_to: str = "source",
) -> Cancelled:
    """
    Cancel any reservation on its holder's behalf, or release a hold; who and why is kept.

    The reason's code is given, or `reason` begins with it (`strike`, `death: his sister called`).
    Who waives the penalty without one does so for goodwill. For carrier, missed_connection, strike,
    staff_error and death what has left is cancelled as well. With a quote it costs exactly that, or
    nothing is done. A refund above the office's limit waits for a second person, with the seats
    free already.

    :raises NotAllowed: the viewer is no staff, or waives the penalty of their own reservation.
    :raises InvalidInput: the reason is too long, its code is unknown, or the share is none.

    and whatever payments.services.cancel_and_refund raises.
    """
    check_staff(viewer)
    if len(reason) > MAX_REASON:
        raise InvalidInput(errors={"Reason": [_("This text is too long.")]})
    reservation = bookings.get_reservation(viewer=viewer, reservation_id=reservation_id, now=now)
    if waive_penalty and reservation.user_id == viewer.user_id:
        raise NotAllowed(_("Nobody waives the penalty of their own reservation."))
    code = reason_code or money.read_reason(reason)[0]
    return money.cancel_and_refund(
        viewer=viewer,
        reservation_id=reservation_id,
        actor=Actor("staff", viewer.user_id, reason),
        waiver=waiver_for(waive=waive_penalty, basis_points=waive_basis_points, reason_code=code),
        reason_code=code or WISH,
        quote_id=quote_id,
        passenger_ids=passenger_ids,
        ticket_ids=ticket_ids,
        refund_to=refund_to,
        now=now,
    )


def waiver_for(*, waive: bool, basis_points: int, reason_code: str) -> Waiver | None:
    """Answer what staff waive; without a reason's code it is goodwill."""
    return Waiver(reason_code or GOODWILL, basis_points) if waive else None
