"""
Sales: how a price is split between carrier and office, and how a cancellation takes it apart.

At sale the office keeps its fee, a share of each coupon's price by the carrier's terms on the day
of the sale; the rest is the carrier's. A cancellation takes the whole of a coupon's entries back
out. The fee on what is given back is given back, in the same proportion; the fee on what is kept
stays, and the rest of what is kept is penalty income. Integers all the way: each part is either
rounded once or is what the others leave, so that they sum to the whole.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime

from bookings.selectors import CouponDetail, ReservationDetail
from payments import ledger
from payments.ledger import Side
from payments.models import Account, CarrierTerms, Payment, Transfer
from payments.services import receipts
from travel.common.money import Money


@dataclass(frozen=True, slots=True)
class Sold:
    """A coupon's price at sale: the office's fee of it, and the carrier's share."""

    fee: Money
    share: Money


@dataclass(frozen=True, slots=True)
class Taken:
    """
    A sold coupon taken apart: what the carrier gives back of its share, the fee that is given back,
    and what is left of the penalty beside the fee that is kept.
    """

    share: Money
    fee: Money
    penalty: Money


def split(price: Money, *, basis_points: int) -> Sold:
    """Split a price into fee, rounded half up to the minor unit, and the carrier's share."""
    fee = price.share(basis_points)
    return Sold(fee, price - fee)


def unsplit(price: Money, *, basis_points: int, refund: Money) -> Taken:
    """
    Split a cancelled price so that refund = share - penalty + fee: nothing is made or lost.

    The fee given back is to the fee as the refund is to the price, rounded half up.
    """
    sold = split(price, basis_points=basis_points)
    back = (2 * sold.fee.minor * refund.minor + price.minor) // (2 * price.minor) if price else 0
    fee = Money(back, price.currency)
    return Taken(share=sold.share, fee=fee, penalty=sold.share + fee - refund)


def basis_points_of(carrier_ids: Collection[int], *, sold_on: date) -> dict[int, int]:
    """Answer the office's share of each carrier's prices on a day (UTC); none where none agreed."""
    found = dict.fromkeys(carrier_ids, 0)
    found.update(
        CarrierTerms.objects.filter(carrier_id__in=carrier_ids, valid_from__lte=sold_on)
        .order_by("carrier_id", "valid_from")
        .values_list("carrier_id", "fee_basis_points")
    )
    return found


def book_sale(
    *, payment: Payment, reservation: ReservationDetail, source: Account, now: datetime
) -> Transfer:
    """
    Move the price from where it was taken to the carriers, and the office's fee of it; write the
    receipt.
    """
    currency = reservation.currency
    terms = basis_points_of(_carriers(reservation), sold_on=now.date())
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
    terms = basis_points_of(_carriers(reservation), sold_on=sold_at.date())
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
