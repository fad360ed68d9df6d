"""What cancelling a reservation would give back at each moment from now on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bookings.selectors import CouponDetail, ReservationDetail
from inventory.selectors import Tier
from payments.penalties import penalty_for, steps
from travel.common.money import Money


@dataclass(frozen=True, slots=True)
class Step:
    """
    Until when these amounts hold (None: for ever), what comes back, what is kept, and the share.
    """

    until: datetime | None
    refund: Money
    fee: Money
    percent: int


def refund_steps(
    reservation: ReservationDetail,
    coupons: Sequence[CouponDetail],
    tiers: Mapping[int, Sequence[Tier]],
    *,
    now: datetime,
    zone: ZoneInfo,
) -> list[Step]:
    """
    Answer what these coupons give back together, from now to the last departure.

    Each coupon counts by its own tiers and its own departure; neighbours that give back the same
    are one step. The last step has no end.
    """
    moments = sorted(
        {
            moment
            for coupon in coupons
            for moment in steps(
                tiers.get(coupon.fare_version_id, []),
                leaves_at=reservation.tickets[coupon.ticket_id].leaves_at,
            )
            if moment > now
        }
    )
    found: list[Step] = []
    # A tier still holds in the very moment that it names, so the next begins just after.
    for begins, until in zip(
        [now, *(moment + timedelta(microseconds=1) for moment in moments)],
        [*moments, None],
        strict=True,
    ):
        step = _at(reservation, coupons, tiers, begins, until, zone)
        if found and found[-1].refund == step.refund:
            found.pop()
        found.append(step)
    return found


def _at(
    reservation: ReservationDetail,
    coupons: Sequence[CouponDetail],
    tiers: Mapping[int, Sequence[Tier]],
    moment: datetime,
    until: datetime | None,
    zone: ZoneInfo,
) -> Step:
    price = Money(sum(coupon.price.minor for coupon in coupons), reservation.currency)
    fee = Money(
        sum(
            penalty_for(
                coupon.price,
                tiers.get(coupon.fare_version_id, []),
                leaves_at=reservation.tickets[coupon.ticket_id].leaves_at,
                now=moment,
            ).amount.minor
            for coupon in coupons
        ),
        reservation.currency,
    )
    refund = price - fee
    percent = round(100 * refund.minor / price.minor) if price else 0
    return Step(until.astimezone(zone) if until else None, refund, fee, percent)
