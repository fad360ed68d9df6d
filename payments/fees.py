"""
The office's fee: how a price is split between carrier and office, and taken apart again.

Integers all the way: each part is either rounded once or is what the others leave, so that the
parts sum to the whole in every currency.
"""

from __future__ import annotations

from dataclasses import dataclass

from travel.common.money import Money


@dataclass(frozen=True, slots=True)
class Sold:
    """A coupon's price at sale: the office's fee of it, and the carrier's share."""

    fee: Money
    share: Money


@dataclass(frozen=True, slots=True)
class Taken:
    """
    A sold coupon taken apart: the carrier's share, which goes; the fee that is given back; and what
    is left of the penalty beside the fee that is kept.
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
    Take a cancelled price apart: share + fee = refund + penalty, so nothing is made or lost.

    The fee given back is to the fee as the refund is to the price, rounded half up.
    """
    sold = split(price, basis_points=basis_points)
    back = (2 * sold.fee.minor * refund.minor + price.minor) // (2 * price.minor) if price else 0
    fee = Money(back, price.currency)
    return Taken(share=sold.share, fee=fee, penalty=sold.share + fee - refund)
