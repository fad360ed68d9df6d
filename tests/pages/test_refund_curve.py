"""The refund curve's geometry, reckoned by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace

from travel.common.money import Money
from travel.common.templatetags.refund_curve import refund_curve


def step(percent: int, until: datetime | None) -> SimpleNamespace:
    return SimpleNamespace(
        percent=percent,
        until=until,
        refund=Money(100 * percent, "EUR"),
        fee=Money(100 * (100 - percent), "EUR"),
    )


class TestRefundCurve:
    def test_falls_at_equal_distances_down_to_departure(self) -> None:
        # Between today at 108 and the end at 540 lie 432 units: two changes, at 324 and 540.
        # Full height is 165 above 225: three quarters stand at 225 - 124 = 101.
        curve = refund_curve(
            [
                step(100, datetime(2027, 2, 9, tzinfo=UTC)),
                step(75, datetime(2027, 2, 12, tzinfo=UTC)),
                step(0, None),
            ]
        )["curve"]

        assert curve["line"] == "M60 60H324V101H540V225H624"
        assert [day["x"] for day in curve["days"]] == [324, 540]
        assert [label["x"] for label in curve["sums"]] == [118, 334, 550]

    def test_a_fare_that_pays_nothing_back_is_a_flat_line(self) -> None:
        curve = refund_curve([step(0, None)])["curve"]

        assert curve["line"] == "M60 225H624"
        assert curve["now_y"] == 225
        assert curve["days"] == []
