"""
Sales: how a price is split between carrier and office, and how a cancellation takes it apart.

At sale the office keeps its fee, a share of each coupon's price by the carrier's terms on the day
of the sale; the rest is the carrier's. A cancellation takes the whole of a coupon's entries back
out. The fee on what is given back is given back, in the same proportion; the fee on what is kept
stays, and the rest of what is kept is penalty income.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from bookings.selectors import CouponDetail, ReservationDetail
from payments import ledger
from payments.fees import split, unsplit
from payments.ledger import Side
from payments.models import Account, Payment, Transfer
from payments.services import receipts
from payments.statements import fee_basis_points
from travel.common.money import Money


def book_sale(
    *, payment: Payment, reservation: ReservationDetail, source: Account, now: datetime
) -> Transfer:
    """
    Move the price from where it was taken to the carriers, and the office's fee of it; write the
    receipt.
    """
    currency = reservation.currency
    terms = fee_basis_points(_carriers(reservation), sold_on=now.astimezone(UTC).date())
    sides = [Side(source, -reservation.price)]
    for coupon in reservation.coupons:
        carrier_id = _carrier(reservation, coupon)
        sold = split(coupon.price, basis_points=terms[carrier_id])
        sides.append(Side(ledger.carrier(carrier_id, currency), sold.share))
        if sold.fee:
            sides.append(Side(ledger.fee(carrier_id, currency), sold.fee))
    transfer = ledger.post(
        kind=Transfer.Kind.PAYMENT,
        reference=f"payment:{payment.id}:captured",
        sides=sides,
        payment_id=payment.id,
        now=now,
        memo=reservation.locator,
    )
    receipts.issue_receipt(payment=payment, reservation=reservation, now=now)
    return transfer


def sides_of_cancellation(
    *,
    reservation: ReservationDetail,
    refunds: Iterable[tuple[CouponDetail, Money]],
    sold_at: datetime,
) -> list[Side]:
    """
    Answer what cancelling takes from carriers and fees, and where it goes: penalties and returns.

    `refunds` are the cancelled coupons with what each gives back; `sold_at` is the instant of the
    payment that settled the reservation, whose day's terms count.
    """
    currency = reservation.currency
    terms = fee_basis_points(_carriers(reservation), sold_on=sold_at.astimezone(UTC).date())
    sides: list[Side] = []
    for coupon, refund in refunds:
        carrier_id = _carrier(reservation, coupon)
        taken = unsplit(coupon.price, basis_points=terms[carrier_id], refund=refund)
        sides.append(Side(ledger.carrier(carrier_id, currency), -taken.share))
        if taken.fee:
            sides.append(Side(ledger.fee(carrier_id, currency), -taken.fee))
        if taken.penalty:
            sides.append(Side(ledger.penalty(carrier_id, currency), taken.penalty))
        sides.append(Side(ledger.returns(currency), refund))
    return sides


def _carriers(reservation: ReservationDetail) -> set[int]:
    return {ticket.service.carrier_id for ticket in reservation.tickets.values()}


def _carrier(reservation: ReservationDetail, coupon: CouponDetail) -> int:
    return reservation.tickets[coupon.ticket_id].service.carrier_id
