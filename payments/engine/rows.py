"""Rows of refunds: written under the payment's lock, and finished when the money has arrived."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Sum

from bookings import services as booking
from bookings.models import ReservationEvent
from payments import ledger
from payments.engine.contract import RefundTooHigh
from payments.ledger import Side
from payments.models import Payment, Refund, Transfer
from travel.common.money import Money

State = Refund.State


def insert_refund(
    *,
    payment: Payment,
    amount: Money,
    cause: str,
    destination: str,
    reference: str,
    now: datetime,
    cancellation_id: int | None = None,
    waits: bool = False,
    reason_code: str = "",
    requested_by: int | None = None,
) -> Refund:
    """
    Write down money that is due back; the caller holds the payment's lock.

    :raises RefundTooHigh: more would go back than was captured.
    """
    if (
        payment.state != Payment.State.CAPTURED
        or given_back(payment.id) + amount.minor > payment.received_minor
    ):
        raise RefundTooHigh(reference)
    return Refund.objects.create(
        payment=payment,
        cancellation_id=cancellation_id,
        cause=cause,
        reason_code=reason_code,
        destination=destination,
        amount_minor=amount.minor,
        state=State.PENDING_APPROVAL if waits else State.QUEUED,
        reference=reference,
        requested_by_id=requested_by,
        created_at=now,
        due_at=now,
    )


def given_back(payment_id: int) -> int:
    """Answer, in minor units, what went back of a payment or is to; what was rejected is not."""
    rows = Refund.objects.filter(payment_id=payment_id).exclude(state=State.REJECTED)
    return int(rows.aggregate(total=Sum("amount_minor"))["total"] or 0)


def landing_sides(
    *, amount: Money, destination: str, gateway: str, owner: int | None
) -> list[Side]:
    """Answer how money leaves what is to be given back for where it goes."""
    if destination == Refund.Destination.WALLET:
        assert owner is not None, "only an account has a wallet"
        target = ledger.wallet(owner, amount.currency)
    else:
        target = ledger.gateway(gateway, amount.currency)
    return [Side(ledger.returns(amount.currency), -amount), Side(target, amount)]


def finish(
    refund: Refund, *, sides: Sequence[Side], gateway_reference: str, locator: str, now: datetime
) -> None:
    """Book that the money of a locked refund has arrived, and tell it in the story."""
    payment = refund.payment
    amount = Money(refund.amount_minor, payment.currency_id)
    refund.state = State.DONE
    refund.done_at = now
    refund.lease_until = None
    refund.gateway_reference = gateway_reference
    refund.save(
        update_fields=["state", "done_at", "lease_until", "gateway_reference", "destination"]
    )
    ledger.post(
        kind=Transfer.Kind.REFUND,
        reference=f"refund:{refund.id}:done",
        sides=sides,
        payment_id=payment.id,
        refund_id=refund.id,
        cancellation_id=refund.cancellation_id,
        now=now,
        memo=locator,
    )
    booking.note(
        reservation_id=payment.reservation_id,
        kind=ReservationEvent.Kind.REFUNDED,
        details={"refund": refund.id, "amount": amount.amount, "currency": amount.currency},
        now=now,
    )
