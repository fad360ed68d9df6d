"""
Penalties: what cancelling a coupon costs, by the tiers that were sold with it.

A tier holds from `minutes_before` the departure backwards, so the one with the largest
`minutes_before` that is still left counts. When less time is left than the last tier asks,
everything is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from inventory.selectors import Tier
from travel.common.money import Money

# For these reasons staff also cancel what has left: the traveller could not use it, or was not let.
# Goodwill and wishes are none of them; for those there is money for the wallet.
AFTER_DEPARTURE = frozenset({"carrier", "missed_connection", "strike", "staff_error", "death"})


@dataclass(frozen=True, slots=True)
class Waiver:
    """What staff give back of a penalty, in hundredths of a per cent of it, and why."""

    reason_code: str
    basis_points: int = 10_000


@dataclass(frozen=True, slots=True)
class Penalty:
    """What is kept of a price, the share that says so, and its tier (None: too late for any)."""

    amount: Money
    basis_points: int
    tier: Tier | None


def penalty_for(
    price: Money, tiers: Sequence[Tier], *, leaves_at: datetime, now: datetime
) -> Penalty:
    """
    Answer what is kept when a coupon that leaves at `leaves_at` is cancelled at `now`.

    It is the tier's share, rounded half up to the minor unit, at least its minimum, at most the
    price.
    """
    left = leaves_at - now
    holding = [tier for tier in tiers if timedelta(minutes=tier.minutes_before) <= left]
    if not holding or left <= timedelta(0):
        return Penalty(price, 10_000, None)
    tier = max(holding, key=lambda one: one.minutes_before)
    share = max(price.share(tier.basis_points).minor, tier.minimum_minor)
    return Penalty(Money(min(share, price.minor), price.currency), tier.basis_points, tier)


def steps(tiers: Sequence[Tier], *, leaves_at: datetime) -> list[datetime]:
    """Answer the instants after which another tier holds, the last being the departure itself."""
    moments = {leaves_at - timedelta(minutes=tier.minutes_before) for tier in tiers}
    return sorted(moments | {leaves_at})
