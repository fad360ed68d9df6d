"""
Cancelling: exactly what was quoted, in one transaction.

Seats, states, penalty and refund change together, by the engine of the database in use. A wallet
has its money at once; for a gateway the refund is due from then on.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import Sum
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.viewers import Viewer
from bookings import selectors as bookings
from bookings import services as booking
from bookings.disruption import MISSED
from bookings.engine.contract import Actor
from bookings.errors import ProofNeeded, refusal
from bookings.selectors import ReservationDetail
from payments import engine, notifications
from payments.engine.contract import CancelCommand, CouponRow, RefundRow, Result
from payments.engine.rows import landing_sides
from payments.models import Cancellation, Payment, Reason, Refund
from payments.penalties import Waiver
from payments.services import receipts, sales
from payments.services.quoting import Quote, check_quote, quote_cancellation
from payments.services.refunds import destination_of
from travel.common.errors import InvalidInput
from travel.common.money import Money
from travel.common.transactions import in_transaction

Destination = Refund.Destination


@dataclass(frozen=True, slots=True)
class Cancelled:
    """
    What a cancellation did; state and destination of the refund are empty where nothing goes back.
    """

    reservation: ReservationDetail
    penalty: Money
    refund: Money
    refund_state: str
    cancellation_id: int | None
    refund_to: str = ""


@in_transaction
def cancel_and_refund(
    *,
    viewer: Viewer,
    reservation_id: int,
    actor: Actor,
    now: datetime,
    quote_id: str | None = None,
    passenger_ids: Collection[int] = (),
    ticket_ids: Collection[int] = (),
    waiver: Waiver | None = None,
    reason_code: str = Reason.WISH,
    refund_to: str = Destination.SOURCE,
) -> Cancelled:
    """
    Cancel, free the seats, keep the penalty and give the rest back; or release a hold.

    The money goes to where it came from, or at once to the wallet of the account that reserved.
    What staff give back of one payment above the office's limit waits for a second person, with the
    seats free already.

    :raises QuoteExpired: the amounts are no longer those of the quote.
    :raises InvalidInput: there is no such destination, or a guest has no wallet.
    :raises ProofNeeded: the viewer has shown no more than a booking code and a name.

    and whatever quote_cancellation raises.
    """
    if not bookings.may_change(viewer, reservation_id):
        raise ProofNeeded()
    if _is_staff(actor):
        # What one member of staff gives back is added up one after the other.
        User.objects.select_for_update().filter(pk=actor.user_id or 0).first()
    quote = quote_cancellation(
        viewer=viewer,
        reservation_id=reservation_id,
        passenger_ids=passenger_ids,
        ticket_ids=ticket_ids,
        waiver=waiver,
        now=now,
    )
    if reason_code not in Reason.values:
        raise InvalidInput(errors={"Reason": [_("There is no such reason.")]})
    _check_destination(quote, refund_to)
    quoted_until = None if quote_id is None else check_quote(quote, quote_id, now)
    if quote.reservation.is_live_hold:
        booking.release(viewer=viewer, reservation_id=reservation_id, actor=actor, now=now)
        return Cancelled(_fresh(reservation_id, now), quote.penalty, quote.refund, "", None)

    command = _command(
        quote,
        actor,
        reason_code=waiver.reason_code if waiver else _reason(quote, reason_code),
        refund_to=refund_to,
        quoted_until=quoted_until,
    )
    done = engine.current().cancel_and_refund(command, now=now, actor=actor)
    if not done.done:
        raise refusal(done.outcome)
    _credit(done, now)
    reservation = _fresh(reservation_id, now)
    assert done.cancellation_id is not None, "what is done is written down"
    notifications.cancellation(
        reservation=reservation,
        cancellation_id=done.cancellation_id,
        penalty=quote.penalty,
        refund=quote.refund,
        now=now,
    )
    return Cancelled(
        reservation,
        quote.penalty,
        quote.refund,
        done.refund_state,
        done.cancellation_id,
        command.refund.destination if command.refund else "",
    )


def _reason(quote: Quote, given: str) -> str:
    """Answer why it is cancelled: nobody's wish where all of it does not run as it was sold."""
    kinds = {one.disruption for one in quote.coupons}
    if given != Reason.WISH or "" in kinds:
        return str(given)
    return str(Reason.MISSED_CONNECTION if kinds == {MISSED} else Reason.CARRIER)


def _check_destination(quote: Quote, refund_to: str) -> None:
    if refund_to not in Destination.values:
        raise InvalidInput(errors={"refundTo": [_("Choose `source` or `wallet`.")]})
    if refund_to == Destination.WALLET and quote.reservation.user_id is None:
        raise InvalidInput(errors={"refundTo": [_("Only an account has a wallet.")]})


def _command(
    quote: Quote,
    actor: Actor,
    *,
    reason_code: str,
    refund_to: str,
    quoted_until: datetime | None,
) -> CancelCommand:
    """
    Reckon all that the engine writes.

    Accounts that the ledger does not have yet are opened on the way: once in their life, in front
    of the engine's locks.
    """
    reservation = quote.reservation
    payment = Payment.objects.get(settles_id=reservation.id)
    assert payment.finished_at is not None, "what settles was captured"
    return CancelCommand(
        reservation_id=reservation.id,
        locator=reservation.locator,
        coupons=[
            CouponRow(
                coupon_id=one.coupon.id,
                penalty_minor=one.penalty.minor,
                refund_minor=one.refund.minor,
                waived_minor=one.waived.minor,
                penalty_basis_points=one.basis_points,
                tier_minutes_before=one.tier.minutes_before if one.tier else None,
            )
            for one in quote.coupons
        ],
        sides=sales.sides_of_cancellation(
            reservation=reservation,
            refunds=[(one.coupon, one.refund) for one in quote.coupons],
            sold_at=payment.finished_at,
        ),
        refund=_refund_row(quote, payment, actor, reason_code, refund_to) if quote.refund else None,
        reason_code=reason_code,
        reason=actor.reason,
        quoted_until=quoted_until,
    )


def _refund_row(
    quote: Quote, payment: Payment, actor: Actor, reason_code: str, refund_to: str
) -> RefundRow:
    waits = _is_staff(actor) and waits_for_approval(quote=quote)
    destination = destination_of(payment, refund_to)
    lands = destination == Destination.WALLET and not waits
    return RefundRow(
        amount=quote.refund,
        destination=destination,
        waits=waits,
        reason_code=reason_code,
        requested_by=actor.user_id if _is_staff(actor) else None,
        landing=(
            landing_sides(
                amount=quote.refund,
                destination=destination,
                gateway=payment.gateway,
                owner=quote.reservation.user_id,
            )
            if lands
            else ()
        ),
    )


def _is_staff(actor: Actor) -> bool:
    return actor.kind == Cancellation.Actor.STAFF


def waits_for_approval(*, quote: Quote) -> bool:
    """
    Say whether a second person looks first when staff give back what is quoted.

    What staff gave back of the same payment on nobody else's word counts together with it: several
    small refunds are no way round the limit.
    """
    if not quote.refund:
        return False
    given = Refund.objects.filter(
        payment__settles_id=quote.reservation.id,
        cause=Refund.Cause.CANCELLATION,
        requested_by__isnull=False,
        decided_by__isnull=True,
    ).exclude(state=Refund.State.PENDING_APPROVAL)
    before = given.aggregate(sum=Sum("amount_minor"))["sum"] or 0
    return bool(before + quote.refund.minor > settings.REFUND_APPROVAL_LIMIT)


def _credit(done: Result, now: datetime) -> None:
    """Write the credit note of a refund that waits for nobody."""
    if done.refund_id is None or done.refund_state == Refund.State.PENDING_APPROVAL:
        return
    refund = Refund.objects.select_related("payment").get(id=done.refund_id)
    receipts.issue_credit_note(refund=refund, now=now)


def _fresh(reservation_id: int, now: datetime) -> ReservationDetail:
    return bookings.get_reservation(
        viewer=Viewer(is_support=True), reservation_id=reservation_id, now=now
    )
