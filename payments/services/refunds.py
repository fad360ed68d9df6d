"""
Refunds: rows that are due until the money has gone back, pushed by whoever looks first.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Q
from django.utils.translation import gettext as _

from bookings import services as booking
from bookings.engine.contract import Actor
from bookings.models import ReservationEvent
from payments import gateways, ledger
from payments.errors import NotAwaitingApproval
from payments.gateways.contract import Answer, GatewayReply
from payments.ledger import Side
from payments.models import Cancellation, Payment, Refund, Transfer
from payments.services import receipts
from travel.common.errors import NotAllowed, NotFound
from travel.common.money import Money
from travel.common.transactions import in_transaction

State = Refund.State
# While one worker talks to the provider, others leave the refund alone.
LEASE = timedelta(minutes=2)
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
    cancellation: Cancellation | None = None,
    needs_approval: bool = False,
) -> Refund:
    """
    Write down money that is due back to a payment's source; a wallet has it at once.

    What needs approval waits for a second person, a wallet's refund too. The caller holds the
    payment's lock and has moved the amount to what is to be given back.

    :raises RefundTooHigh: more would go back than was captured.
    """
    back = sum(payment.refunds.values_list("amount_minor", flat=True))
    if payment.state != Payment.State.CAPTURED or back + amount.minor > payment.received_minor:
        raise RefundTooHigh(reference)
    to_wallet = payment.gateway == "wallet"
    refund = Refund.objects.create(
        payment=payment,
        cancellation=cancellation,
        cause=cause,
        destination=Refund.Destination.WALLET if to_wallet else Refund.Destination.SOURCE,
        amount_minor=amount.minor,
        state=State.PENDING_APPROVAL if needs_approval else State.QUEUED,
        reference=reference,
        created_at=now,
        due_at=now,
    )
    if to_wallet and not needs_approval:
        _finish(refund, "", now)
    if not needs_approval:
        receipts.issue_credit_note(refund=refund, now=now)
    return refund


class RefundTooHigh(AssertionError):
    """A defect of the caller: it would pay back more than was taken."""


@in_transaction
def approve_refund(*, refund_id: int, approver_id: int, now: datetime) -> str:
    """
    Let go a refund that waits for a second person; answer its state afterwards.

    A wallet has the money at once; for a gateway the refund is due from now on.

    :raises NotFound: there is no such refund.
    :raises NotAllowed: the approver is who cancelled, or who gets the money.
    :raises NotAwaitingApproval: it was approved before, or never needed it.
    """
    refund = Refund.objects.select_for_update().filter(id=refund_id).first()
    if refund is None:
        raise NotFound()
    if refund.state != State.PENDING_APPROVAL:
        raise NotAwaitingApproval()
    payment, cancellation = refund.payment, refund.cancellation
    concerned = {payment.reservation.user_id, cancellation.actor_id if cancellation else None}
    if approver_id in concerned:
        raise NotAllowed(_("Somebody else has to approve this refund."))
    amount = Money(refund.amount_minor, payment.currency_id)
    booking.note(
        reservation_id=payment.reservation_id,
        kind=ReservationEvent.Kind.REFUND_APPROVED,
        details={"refund": refund.id, "amount": amount.amount, "currency": amount.currency},
        actor=Actor("staff", approver_id),
        now=now,
    )
    if refund.destination == Refund.Destination.WALLET:
        _finish(refund, "", now)
    else:
        refund.state, refund.due_at = State.QUEUED, now
        refund.save(update_fields=["state", "due_at"])
    receipts.issue_credit_note(refund=refund, now=now)
    return str(refund.state)


def push_refund(*, refund_id: int, now: datetime) -> str:
    """
    Send one due refund on its way, if nobody else is at it; answer its state afterwards.

    Between the lease and the booking no transaction is open. A provider that answers nothing is
    asked again under the same key, so that it pays once.
    """
    refund = _lease(refund_id, now)
    if refund is None:
        return Refund.objects.values_list("state", flat=True).get(id=refund_id)
    payment = refund.payment
    reply = gateways.get(payment.gateway).refund(
        key=f"refund-{refund.id}",
        reference=payment.gateway_reference or "",
        amount=Money(refund.amount_minor, payment.currency_id),
    )
    return _book(refund_id, reply, now)


def due_refunds(*, now: datetime, limit: int) -> list[int]:
    """Answer the refunds that wait to be pushed, the oldest first."""
    free = Q(lease_until__isnull=True) | Q(lease_until__lte=now)
    return list(
        Refund.objects.filter(free, state=State.QUEUED, due_at__lte=now)
        .order_by("due_at", "id")
        .values_list("id", flat=True)[:limit]
    )


@in_transaction
def _lease(refund_id: int, now: datetime) -> Refund | None:
    refund = Refund.objects.select_for_update().get(id=refund_id)
    taken = refund.lease_until is not None and refund.lease_until > now
    if refund.state != State.QUEUED or taken:
        return None
    refund.lease_until = now + LEASE
    refund.attempts += 1
    refund.save(update_fields=["lease_until", "attempts"])
    return refund


@in_transaction
def _book(refund_id: int, reply: GatewayReply, now: datetime) -> str:
    refund = Refund.objects.select_for_update().get(id=refund_id)
    if refund.state != State.QUEUED:
        return str(refund.state)
    if reply.answer is Answer.DONE:
        _finish(refund, reply.reference, now)
    elif reply.answer is Answer.DECLINED or refund.attempts >= GIVE_UP_AFTER:
        # Staff take over: the money stays booked as owed to the payer.
        refund.state = State.FAILED
        refund.last_error = reply.reason or "no answer"
        refund.lease_until = None
        refund.save(update_fields=["state", "last_error", "lease_until"])
    else:
        pause = min(timedelta(seconds=15 * 2**refund.attempts), LONGEST_PAUSE)
        refund.due_at = now + pause
        refund.lease_until = None
        refund.last_error = reply.reason or "no answer"
        refund.save(update_fields=["due_at", "lease_until", "last_error"])
    return str(refund.state)


def _finish(refund: Refund, gateway_reference: str, now: datetime) -> None:
    """Book that the money has arrived: out of what is to be given back, into where it came from."""
    payment = refund.payment
    amount = Money(refund.amount_minor, payment.currency_id)
    target = (
        ledger.wallet(_owner(payment), payment.currency_id)
        if refund.destination == Refund.Destination.WALLET
        else ledger.gateway(payment.gateway, payment.currency_id)
    )
    refund.state = State.DONE
    refund.done_at = now
    refund.lease_until = None
    refund.gateway_reference = gateway_reference
    refund.save(update_fields=["state", "done_at", "lease_until", "gateway_reference"])
    ledger.post(
        kind=Transfer.Kind.REFUND,
        reference=f"refund:{refund.id}:done",
        sides=[Side(ledger.returns(payment.currency_id), -amount), Side(target, amount)],
        payment_id=payment.id,
        refund_id=refund.id,
        cancellation_id=refund.cancellation_id,
        now=now,
        memo=payment.reservation.locator,
    )
    booking.note(
        reservation_id=payment.reservation_id,
        kind=ReservationEvent.Kind.REFUNDED,
        details={"refund": refund.id, "amount": amount.amount, "currency": amount.currency},
        now=now,
    )


def _owner(payment: Payment) -> int:
    user_id = payment.reservation.user_id
    assert user_id is not None, "only an account pays from a wallet"
    return user_id
