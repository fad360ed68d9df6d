"""
Refunds: rows that are due until the money has gone back, pushed by whoever looks first.

What staff give back above the office's limit waits for a second person, who lets it go or rejects
it. What a provider refuses for good goes to staff, who try again or send it to the wallet.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils.translation import gettext as _

from accounts.viewers import Viewer
from bookings import selectors as bookings
from bookings import services as booking
from bookings.engine.contract import Actor
from bookings.models import Reservation, ReservationEvent
from payments import gateways, ledger, notifications
from payments.engine.rows import finish, insert_refund, landing_sides
from payments.errors import NotAwaitingApproval, NothingWaived, ProviderSilent, RefundNotFailed
from payments.gateways.contract import Answer, GatewayReply
from payments.ledger import Side
from payments.models import (
    Cancellation,
    CancelledCoupon,
    MoneyAlarm,
    Payment,
    Refund,
    Transfer,
)
from payments.services import receipts, sales
from payments.services.alarms import raise_alarm
from travel.common.errors import NotAllowed, NotFound
from travel.common.money import Money
from travel.common.transactions import in_transaction

State = Refund.State
Destination = Refund.Destination
WALLET = "wallet"
# While one worker talks to the provider, others leave the refund alone.
LEASE = timedelta(minutes=2)
# Pauses grow from half a minute to six hours, so that staff hear of it within a day.
GIVE_UP_AFTER = 12
LONGEST_PAUSE = timedelta(hours=6)


@in_transaction
def queue_refund(
    *,
    payment: Payment,
    amount: Money,
    cause: str,
    reference: str,
    now: datetime,
    destination: str = Destination.SOURCE,
    cancellation_id: int | None = None,
    reason_code: str = "",
) -> Refund:
    """
    Write down money that is due back; a wallet has it at once, a provider is asked from now on.

    The caller holds the payment's lock and has moved the amount to what is to be given back.

    :raises RefundTooHigh: more would go back than was captured.
    """
    refund = insert_refund(
        payment=payment,
        amount=amount,
        cause=cause,
        destination=destination_of(payment, destination),
        reference=reference,
        cancellation_id=cancellation_id,
        reason_code=reason_code,
        now=now,
    )
    _let_go(refund, now)
    return refund


def destination_of(payment: Payment, wanted: str) -> str:
    """Answer where a payment's money goes back to: what came from a wallet knows no other way."""
    return Destination.WALLET.value if payment.gateway == WALLET else str(wanted)


# --- the second person ----------------------------------------------------------------------------


@in_transaction
def approve_refund(*, refund_id: int, approver_id: int, now: datetime) -> str:
    """
    Let go a refund that waits for a second person; answer its state afterwards.

    A wallet has the money at once; for a gateway the refund is due from now on.

    :raises NotFound: there is no such refund.
    :raises NotAllowed: the approver is who asked for it, or who gets the money.
    :raises NotAwaitingApproval: it was decided before, or never needed it.
    """
    refund = _locked_waiting(refund_id, approver_id)
    refund.state, refund.due_at = State.QUEUED, now
    refund.decided_by_id, refund.decided_at = approver_id, now
    refund.save(update_fields=["state", "due_at", "decided_by", "decided_at"])
    _tell(refund, ReservationEvent.Kind.REFUND_APPROVED, now, by=approver_id)
    _let_go(refund, now)
    return str(refund.state)


@in_transaction
def reject_refund(*, refund_id: int, approver_id: int, note: str, now: datetime) -> Money:
    """
    Refuse what a colleague waived; answer what is owed by the fare's rules and goes back now.

    The seats stay free. The waived penalty returns to where a penalty belongs, the cancellation's
    lines say so, and the rest, if any, is a refund that needs nobody's word. The rejected row stays
    with its reference, its amount and who decided.

    :raises NotFound: there is no such refund.
    :raises NotAllowed: the approver is who asked for it, or who gets the money.
    :raises NotAwaitingApproval: it was decided before, or never needed it.
    :raises NothingWaived: all of it is owed by the rules.
    """
    refund = _locked_waiting(refund_id, approver_id)
    payment, cancellation_id = refund.payment, refund.cancellation_id
    assert cancellation_id is not None, "what waits for a second person is of a cancellation"
    lines = list(
        CancelledCoupon.objects.select_for_update()
        .filter(cancellation_id=cancellation_id)
        .order_by("id")
    )
    waived = sum(line.waived_minor for line in lines)
    if not waived:
        raise NothingWaived()
    refund.state, refund.cancellation_id, refund.note = State.REJECTED, None, note[:300]
    refund.decided_by_id, refund.decided_at = approver_id, now
    refund.save(update_fields=["state", "cancellation", "note", "decided_by", "decided_at"])
    ledger.post(
        kind=Transfer.Kind.PENALTY,
        reference=f"refund:{refund.id}:rejected",
        sides=_sides_of_rejection(payment, lines, now),
        payment_id=payment.id,
        cancellation_id=cancellation_id,
        now=now,
        memo=payment.reservation.locator,
    )
    Cancellation.objects.filter(id=cancellation_id).update(penalty_waived=False)
    for line in lines:
        line.penalty_minor += line.waived_minor
        line.refund_minor -= line.waived_minor
        line.rejected_minor, line.waived_minor = line.waived_minor, 0
        line.save(update_fields=["penalty_minor", "refund_minor", "waived_minor", "rejected_minor"])
    owed = Money(refund.amount_minor - waived, payment.currency_id)
    _tell(refund, ReservationEvent.Kind.REFUND_REJECTED, now, by=approver_id, reason=note)
    if owed:
        queue_refund(
            payment=payment,
            amount=owed,
            cause=Refund.Cause.CANCELLATION,
            destination=refund.destination,
            reference=f"cancellation:{cancellation_id}:owed",
            cancellation_id=cancellation_id,
            reason_code=refund.reason_code,
            now=now,
        )
    notifications.refund_rejected(
        reservation=_reservation(payment, now), refund_id=refund.id, owed=owed, now=now
    )
    return owed


# --- what has failed ------------------------------------------------------------------------------


@in_transaction
def retry_refund(*, refund_id: int, staff_id: int, now: datetime) -> None:
    """
    Let a failed refund be pushed anew, under its old key, so that it is paid once.

    :raises NotFound: there is no such refund.
    :raises RefundNotFailed: it is on its way, done, or waits for somebody.
    """
    refund = _locked_failed(refund_id)
    _push_anew(refund, staff_id, now, note="Tried again.")


def refund_to_wallet(*, refund_id: int, staff_id: int, now: datetime) -> str:
    """
    Send a failed refund to the payer's wallet instead; answer its state afterwards.

    The provider is asked once more under the old key: where it pays after all, the money goes there
    and nowhere else, and while it says nothing nobody pays.

    :raises NotFound: there is no such refund.
    :raises RefundNotFailed: it is on its way, done, or waits for somebody.
    :raises NotAllowed: the payer is a guest, who has no wallet.
    :raises ProviderSilent: the provider does not say whether it has paid.
    """
    refund = _take_over(refund_id, staff_id, now)
    reply = _ask(refund, now)
    state = _book_instead(refund_id, reply, now)
    if state == State.FAILED:
        raise ProviderSilent()
    return state


@in_transaction
def _take_over(refund_id: int, staff_id: int, now: datetime) -> Refund:
    refund = _locked_failed(refund_id)
    if refund.payment.reservation.user_id is None:
        raise NotAllowed(_("A guest has no wallet."))
    _push_anew(refund, staff_id, now, note="To the wallet instead.")
    refund.lease_until = now + LEASE
    refund.save(update_fields=["lease_until"])
    return refund


@in_transaction
def _book_instead(refund_id: int, reply: GatewayReply, now: datetime) -> str:
    refund = _locked(refund_id)
    if refund.state != State.QUEUED:
        return str(refund.state)
    if reply.answer is Answer.DONE:
        _finish(refund, reply.reference, now)
    elif reply.answer is Answer.DECLINED:
        refund.destination = Destination.WALLET
        _finish(refund, "", now)
    else:
        _fail(refund, reply)
    return str(refund.state)


def _push_anew(refund: Refund, staff_id: int, now: datetime, *, note: str) -> None:
    refund.state, refund.due_at, refund.attempts = State.QUEUED, now, 0
    refund.lease_until = None
    refund.save(update_fields=["state", "due_at", "attempts", "lease_until"])
    MoneyAlarm.objects.filter(reference=_alarm_reference(refund), closed_at=None).update(
        closed_at=now, closed_by_id=staff_id, note=note
    )


# --- on the way -----------------------------------------------------------------------------------


def push_refund(*, refund_id: int, now: datetime) -> str:
    """
    Send one due refund on its way, if nobody else is at it; answer its state afterwards.

    Between the lease and the booking no transaction is open. A provider that answers nothing is
    asked again under the same key, so that it pays once.
    """
    refund = _lease(refund_id, now)
    if refund is None:
        return Refund.objects.values_list("state", flat=True).get(id=refund_id)
    return book_reply(refund_id=refund_id, reply=_ask(refund, now), now=now)


def due_refunds(*, now: datetime, limit: int) -> list[int]:
    """Answer the refunds that wait to be pushed, the oldest first."""
    free = Q(lease_until__isnull=True) | Q(lease_until__lte=now)
    return list(
        Refund.objects.filter(free, state=State.QUEUED, due_at__lte=now)
        .order_by("due_at", "id")
        .values_list("id", flat=True)[:limit]
    )


@in_transaction
def book_reply(*, refund_id: int, reply: GatewayReply, now: datetime) -> str:
    """
    Book what a provider says became of a refund, once; answer its state afterwards.

    A refusal may pass as silence may: both are asked again after growing pauses. A refund that
    fails for good stays booked as owed to the payer, and staff are told.
    """
    refund = _locked(refund_id)
    if refund.state == State.DONE and reply.answer is Answer.DECLINED:
        _alarm(refund, reply.reason, now)
    if refund.state != State.QUEUED:
        return str(refund.state)
    if reply.answer is Answer.DONE:
        _finish(refund, reply.reference, now)
        if reply.redirect_url:
            _send_claim(refund, reply.redirect_url, now)
    elif refund.attempts >= GIVE_UP_AFTER:
        _fail(refund, reply)
        _alarm(refund, refund.last_error, now)
    else:
        refund.due_at = now + min(timedelta(seconds=15 * 2**refund.attempts), LONGEST_PAUSE)
        refund.lease_until = None
        refund.last_error = _reason(reply)
        refund.save(update_fields=["due_at", "lease_until", "last_error"])
    return str(refund.state)


def _send_claim(refund: Refund, claim_url: str, now: datetime) -> None:
    """Money that came from a chain waits on a page of the provider: tell the holder where."""
    reservation = bookings.get_reservation(
        viewer=Viewer(is_support=True), reservation_id=refund.payment.reservation_id, now=now
    )
    notifications.refund_claim(
        reservation=reservation,
        refund_id=refund.id,
        amount=Money(refund.amount_minor, refund.payment.currency_id),
        claim_url=claim_url,
        now=now,
    )


@in_transaction
def _lease(refund_id: int, now: datetime) -> Refund | None:
    refund = Refund.objects.select_for_update().get(id=refund_id)
    taken = refund.lease_until is not None and refund.lease_until > now
    if refund.state != State.QUEUED or refund.due_at > now or taken:
        return None
    refund.lease_until = now + LEASE
    refund.attempts += 1
    refund.save(update_fields=["lease_until", "attempts"])
    return refund


def _ask(refund: Refund, now: datetime) -> GatewayReply:
    payment = refund.payment
    try:
        gateway = gateways.get(payment.gateway)
    except KeyError:
        # The office has switched it off; what it took is still owed.
        return GatewayReply(Answer.UNKNOWN, reason="gateway_off")
    return gateway.refund(
        key=f"refund-{refund.id}",
        charge=payment.gateway_reference or "",
        reference=payment.provider_reference or payment.gateway_reference or "",
        amount=Money(refund.amount_minor, payment.currency_id),
        now=now,
    )


# --- how ------------------------------------------------------------------------------------------


def _locked(refund_id: int) -> Refund:
    """
    Answer a refund, locked after its reservation and its payment, as the written order has it.

    :raises NotFound: there is no such refund.
    """
    known = (
        Refund.objects.filter(id=refund_id)
        .values_list("payment__reservation_id", "payment_id")
        .first()
    )
    if known is None:
        raise NotFound()
    reservation_id, payment_id = known
    Reservation.objects.select_for_update().order_by("id").values_list("id").get(id=reservation_id)
    payment = Payment.objects.select_for_update().order_by("id").get(id=payment_id)
    refund = Refund.objects.select_for_update().order_by("id").get(id=refund_id)
    refund.payment = payment
    return refund


def _locked_waiting(refund_id: int, approver_id: int) -> Refund:
    refund = _locked(refund_id)
    if refund.state != State.PENDING_APPROVAL:
        raise NotAwaitingApproval()
    cancellation = refund.cancellation
    concerned = {
        refund.payment.reservation.user_id,
        refund.requested_by_id,
        cancellation.actor_id if cancellation else None,
    }
    if approver_id in concerned:
        raise NotAllowed(_("Somebody else has to approve this refund."))
    return refund


def _locked_failed(refund_id: int) -> Refund:
    refund = _locked(refund_id)
    if refund.state != State.FAILED:
        raise RefundNotFailed()
    return refund


def _let_go(refund: Refund, now: datetime) -> None:
    """Nobody else has to say anything: a wallet has the money, and the credit note is written."""
    if refund.destination == Destination.WALLET:
        _finish(refund, "", now)
    receipts.issue_credit_note(refund=refund, now=now)


def _finish(refund: Refund, gateway_reference: str, now: datetime) -> None:
    """Book that the money has arrived: out of what is to be given back, into where it goes."""
    payment = refund.payment
    finish(
        refund,
        sides=landing_sides(
            amount=Money(refund.amount_minor, payment.currency_id),
            destination=refund.destination,
            gateway=payment.gateway,
            owner=payment.reservation.user_id,
        ),
        gateway_reference=gateway_reference,
        locator=payment.reservation.locator,
        now=now,
    )


def _fail(refund: Refund, reply: GatewayReply) -> None:
    refund.state = State.FAILED
    refund.last_error = _reason(reply)
    refund.lease_until = None
    refund.save(update_fields=["state", "last_error", "lease_until"])


def _reason(reply: GatewayReply) -> str:
    return (reply.reason or "no answer")[:300]


def _alarm(refund: Refund, reason: str, now: datetime) -> None:
    raise_alarm(
        kind=MoneyAlarm.Kind.REFUND_FAILED,
        reference=_alarm_reference(refund),
        refund_id=refund.id,
        payment_id=refund.payment_id,
        details={"reason": reason},
        now=now,
    )


def _alarm_reference(refund: Refund) -> str:
    return f"refund:{refund.id}:failed"


def _sides_of_rejection(
    payment: Payment, lines: Sequence[CancelledCoupon], now: datetime
) -> list[Side]:
    """Answer how the books move from what was given back with a waiver to what is without."""
    assert payment.finished_at is not None, "what settles was captured"
    reservation = _reservation(payment, now)
    coupons = {coupon.id: coupon for coupon in reservation.coupons}
    given, owed = (
        sales.sides_of_cancellation(
            reservation=reservation,
            refunds=[
                (coupons[line.coupon_id], Money(line.refund_minor - less, reservation.currency))
                for line, less in zip(lines, less_each, strict=True)
            ],
            sold_at=payment.finished_at,
        )
        for less_each in ([0] * len(lines), [line.waived_minor for line in lines])
    )
    return [*owed, *(Side(side.account, -side.amount) for side in given)]


def _reservation(payment: Payment, now: datetime) -> bookings.ReservationDetail:
    return bookings.get_reservation(
        viewer=Viewer(is_support=True), reservation_id=payment.reservation_id, now=now
    )


def _tell(refund: Refund, kind: str, now: datetime, *, by: int, reason: str = "") -> None:
    amount = Money(refund.amount_minor, refund.payment.currency_id)
    booking.note(
        reservation_id=refund.payment.reservation_id,
        kind=kind,
        reason=reason[:300],
        details={"refund": refund.id, "amount": amount.amount, "currency": amount.currency},
        actor=Actor("staff", by),
        now=now,
    )
