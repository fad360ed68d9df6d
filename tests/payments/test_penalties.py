"""Penalties, reckoned by hand from tiers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from inventory.selectors import Tier
from payments.penalties import penalty_for, steps
from travel.common.money import Money

LEAVES = datetime(2026, 6, 2, 6, 0, tzinfo=UTC)
# Free until 7 days before, 20 % (at least 5.00) until a day before, 50 % until an hour before.
TIERS = [Tier(7 * 1440, 0, 0), Tier(1440, 2_000, 500), Tier(60, 5_000, 0)]


@pytest.mark.parametrize(
    ("before", "price", "kept"),
    [
        (timedelta(days=30), 4_500, 0),
        (timedelta(days=7), 4_500, 0),
        (timedelta(days=7) - timedelta(microseconds=1), 4_500, 900),
        (timedelta(hours=24), 4_500, 900),
        # 20 % of 12.00 are 2.40, less than the 5.00 that the tier keeps at least.
        (timedelta(days=2), 1_200, 500),
        # Never more than was paid.
        (timedelta(days=2), 300, 300),
        (timedelta(hours=24) - timedelta(seconds=1), 4_500, 2_250),
        # Half of 45.01 is 22.505, rounded half up.
        (timedelta(hours=2), 4_501, 2_251),
        (timedelta(minutes=60), 4_500, 2_250),
        (timedelta(minutes=59, seconds=59), 4_500, 4_500),
        (timedelta(0), 4_500, 4_500),
        (timedelta(hours=-3), 4_500, 4_500),
    ],
)
def test_the_tier_with_the_time_left_counts(before: timedelta, price: int, kept: int) -> None:
    found = penalty_for(Money(price, "EUR"), TIERS, leaves_at=LEAVES, now=LEAVES - before)

    assert found.amount == Money(kept, "EUR")


def test_without_tiers_nothing_comes_back() -> None:
    found = penalty_for(Money(4_500, "EUR"), [], leaves_at=LEAVES, now=LEAVES - timedelta(days=300))

    assert (found.amount.minor, found.basis_points, found.tier) == (4_500, 10_000, None)


def test_a_tier_that_reaches_past_departure_ends_with_it() -> None:
    always = [Tier(0, 1_000, 0)]

    ahead = penalty_for(
        Money(1_000, "JPY"), always, leaves_at=LEAVES, now=LEAVES - timedelta(microseconds=1)
    )
    gone = penalty_for(Money(1_000, "JPY"), always, leaves_at=LEAVES, now=LEAVES)

    assert (ahead.amount.minor, gone.amount.minor) == (100, 1_000)


def test_steps_are_the_moments_after_which_it_costs_more() -> None:
    assert steps(TIERS, leaves_at=LEAVES) == [
        datetime(2026, 5, 26, 6, 0, tzinfo=UTC),
        datetime(2026, 6, 1, 6, 0, tzinfo=UTC),
        datetime(2026, 6, 2, 5, 0, tzinfo=UTC),
        LEAVES,
    ]
