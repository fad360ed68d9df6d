"""The parts of a split sum to the whole, in currencies of none, two and three places."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.fees import split, unsplit
from travel.common.money import Money

CURRENCIES = st.sampled_from(["JPY", "EUR", "KWD"])
PRICES = st.integers(min_value=0, max_value=10**10)
SHARES = st.integers(min_value=0, max_value=10_000)


@st.composite
def cancelled(draw: st.DrawFn) -> tuple[Money, int, Money]:
    """A price, the office's share of it, and a refund of at most the price."""
    price = Money(draw(PRICES), draw(CURRENCIES))
    refund = Money(draw(st.integers(min_value=0, max_value=price.minor)), price.currency)
    return price, draw(SHARES), refund


@pytest.mark.parametrize(
    ("price", "basis_points", "fee", "share"),
    [
        # 12.5 % of 45.00 is 5.625, half a cent goes up.
        (Money(4_500, "EUR"), 1_250, 563, 3_937),
        # 12.5 % of 4,500 yen is 562.5: there is no smaller coin.
        (Money(4_500, "JPY"), 1_250, 563, 3_937),
        # 12.5 % of 4.504 dinars is 0.563 exactly.
        (Money(4_504, "KWD"), 1_250, 563, 3_941),
        (Money(1, "JPY"), 4_999, 0, 1),
        (Money(1, "JPY"), 5_000, 1, 0),
        (Money(0, "EUR"), 1_250, 0, 0),
    ],
)
def test_a_price_is_split_as_by_hand(price: Money, basis_points: int, fee: int, share: int) -> None:
    sold = split(price, basis_points=basis_points)

    assert (sold.fee.minor, sold.share.minor) == (fee, share)


@pytest.mark.parametrize(
    ("price", "refund", "fee_back", "penalty"),
    [
        # The fee was 5.63. Half of it, 2.815, goes up; the carrier gives back 39.37.
        (Money(4_500, "EUR"), 2_250, 282, 1_969),
        (Money(4_500, "EUR"), 4_500, 563, 0),
        (Money(4_500, "EUR"), 0, 0, 3_937),
        # A third of a fee of 563 yen is 187.67.
        (Money(4_500, "JPY"), 1_500, 188, 2_625),
        # 0.001 of 4.500 dinars: 0.000125 of the fee is nothing.
        (Money(4_500, "KWD"), 1, 0, 3_936),
        (Money(0, "EUR"), 0, 0, 0),
    ],
)
def test_a_cancelled_price_is_taken_apart_as_by_hand(
    price: Money, refund: int, fee_back: int, penalty: int
) -> None:
    taken = unsplit(price, basis_points=1_250, refund=Money(refund, price.currency))

    assert (taken.fee.minor, taken.penalty.minor) == (fee_back, penalty)


@given(st.builds(Money, PRICES, CURRENCIES), SHARES)
def test_fee_and_share_are_the_price(price: Money, basis_points: int) -> None:
    sold = split(price, basis_points=basis_points)

    assert sold.fee + sold.share == price
    assert 0 <= sold.fee.minor <= price.minor
    assert abs(sold.fee.minor - Fraction(price.minor * basis_points, 10_000)) <= Fraction(1, 2)


@given(cancelled())
def test_what_is_taken_is_what_is_given(story: tuple[Money, int, Money]) -> None:
    price, basis_points, refund = story
    sold = split(price, basis_points=basis_points)

    taken = unsplit(price, basis_points=basis_points, refund=refund)

    assert taken.share + taken.fee == refund + taken.penalty
    assert taken.share == sold.share
    assert 0 <= taken.fee.minor <= sold.fee.minor
    assert taken.penalty.minor >= 0
    # What the office keeps of the price, as fee and as penalty, is what did not go back.
    assert (sold.fee - taken.fee) + taken.penalty == price - refund
    if price:
        exact = Fraction(sold.fee.minor * refund.minor, price.minor)
        assert abs(taken.fee.minor - exact) <= Fraction(1, 2)
