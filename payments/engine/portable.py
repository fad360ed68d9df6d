"""Cancelling in plain statements, for SQLite and for servers without our procedures."""

from __future__ import annotations

from datetime import datetime

from bookings import engine as seats
from bookings.engine.contract import Actor, Outcome
from payments import ledger
from payments.engine.contract import CancelCommand, Result
from payments.engine.rows import finish, insert_refund
from payments.models import Cancellation, CancelledCoupon, Payment, Refund, Transfer


class PortableEngine:
    """See payments.engine.contract.Engine."""

    def cancel_and_refund(self, command: CancelCommand, *, now: datetime, actor: Actor) -> Result:
        cancelled = seats.current().cancel_coupons(
            command.reservation_id,
            [row.coupon_id for row in command.coupons],
            now=now,
            actor=actor,
        )
        if not cancelled.done:
            return Result(cancelled.outcome)
        # The lock order: what cancelling seats locks comes before the payment.
        payment = Payment.objects.select_for_update().get(settles_id=command.reservation_id)
        ledger.lock(command.sides, command.refund.landing if command.refund else ())
        cancellation = _write_down(command, actor, now)
        ledger.post(
            kind=Transfer.Kind.CANCELLED,
            reference=f"cancellation:{cancellation.id}",
            sides=command.sides,
            payment_id=payment.id,
            cancellation_id=cancellation.id,
            now=now,
        )
        refund = _refund(command, payment, cancellation, now)
        return Result(
            Outcome.DONE,
            cancellation_id=cancellation.id,
            refund_id=refund.id if refund else None,
            refund_state=refund.state if refund else "",
        )


def _write_down(command: CancelCommand, actor: Actor, now: datetime) -> Cancellation:
    cancellation = Cancellation.objects.create(
        reservation_id=command.reservation_id,
        at=now,
        actor_kind=actor.kind,
        actor_id=actor.user_id,
        reason_code=command.reason_code,
        reason=command.reason,
        penalty_waived=any(row.waived_minor for row in command.coupons),
        quoted_until=command.quoted_until,
    )
    CancelledCoupon.objects.bulk_create(
        CancelledCoupon(
            cancellation=cancellation,
            coupon_id=row.coupon_id,
            penalty_minor=row.penalty_minor,
            refund_minor=row.refund_minor,
            waived_minor=row.waived_minor,
            penalty_basis_points=row.penalty_basis_points,
            tier_minutes_before=row.tier_minutes_before,
        )
        for row in command.coupons
    )
    return cancellation


def _refund(
    command: CancelCommand, payment: Payment, cancellation: Cancellation, now: datetime
) -> Refund | None:
    wanted = command.refund
    if wanted is None:
        return None
    refund = insert_refund(
        payment=payment,
        amount=wanted.amount,
        cause=Refund.Cause.CANCELLATION,
        destination=wanted.destination,
        reference=f"cancellation:{cancellation.id}:refund",
        cancellation_id=cancellation.id,
        waits=wanted.waits,
        reason_code=wanted.reason_code,
        requested_by=wanted.requested_by,
        now=now,
    )
    if wanted.landing:
        finish(refund, sides=wanted.landing, gateway_reference="", locator=command.locator, now=now)
    return refund
