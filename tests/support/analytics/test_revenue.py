"""Revenue by each dimension, against sums by hand, against the ledger, and from closed days."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from payments.models import Account
from support.analytics.days import Span, span
from support.analytics.revenue import DIMENSIONS, booked_by_month, revenue, totals
from support.analytics.sources import Only
from support.models import ClosedDay, DaySales
from support.services.closing_days import close_day, days_to_close, open_again
from tests.support.analytics.conftest import Sales, at
from travel.common.errors import InvalidInput

pytestmark = pytest.mark.django_db

SUMMER = Span(date(2026, 6, 1), date(2026, 7, 31))
JUNE_2 = Span(date(2026, 6, 1), date(2026, 6, 2))


def lines(by: str, over: Span = SUMMER, only: Only | None = None) -> list[tuple[object, ...]]:
    """Answer label, currency, tickets, cancelled, sold, given back, kept and net of each line."""
    return [
        (
            *(line.label, line.currency, line.tickets, line.cancelled),
            *(line.sold.minor, line.given_back.minor, line.kept.minor, line.net.minor),
        )
        for line in revenue(by=by, over=over, only=only or Only())
    ]


class TestByHand:
    def test_by_day_in_the_zone_of_the_numbers(self, sales: Sales) -> None:
        assert lines("day", JUNE_2) == [
            ("2026-06-01", "EUR", 4, 2, 21_750, 6_750, 2_250, 15_000),
            ("2026-06-02", "EUR", 1, 0, 3_200, 0, 0, 3_200),
            ("2026-06-01", "JPY", 1, 0, 5_000, 0, 0, 5_000),
            ("2026-06-02", "JPY", 0, 0, 0, 0, 0, 0),
        ]

    def test_by_month_with_what_was_rejected_later(self, sales: Sales) -> None:
        assert lines("month") == [
            ("2026-06", "EUR", 5, 2, 24_950, 6_750, 2_250, 18_200),
            ("2026-07", "EUR", 0, 0, 0, -2_250, 2_250, 2_250),
            ("2026-06", "JPY", 1, 0, 5_000, 0, 0, 5_000),
        ]

    def test_by_mode(self, sales: Sales) -> None:
        assert lines("mode") == [
            ("Train", "EUR", 3, 2, 13_500, 4_500, 4_500, 9_000),
            ("Flight", "EUR", 1, 0, 8_250, 0, 0, 8_250),
            ("Coach", "EUR", 1, 0, 3_200, 0, 0, 3_200),
            ("Flight", "JPY", 1, 0, 5_000, 0, 0, 5_000),
        ]

    def test_by_carrier(self, sales: Sales) -> None:
        assert [line[:2] + line[-1:] for line in lines("carrier")] == [
            ("Test Railway", "EUR", 9_000),
            ("Test Air", "EUR", 8_250),
            ("Test Coaches", "EUR", 3_200),
            ("Yen Air", "JPY", 5_000),
        ]

    def test_by_route_from_city_to_city(self, sales: Sales) -> None:
        assert lines("route") == [
            ("Hamburg → München", "EUR", 5, 2, 24_950, 4_500, 4_500, 20_450),
            ("Hamburg → München", "JPY", 1, 0, 5_000, 0, 0, 5_000),
        ]

    def test_by_class_and_by_method(self, sales: Sales) -> None:
        assert lines("class") == [
            ("Economy", "EUR", 5, 2, 24_950, 4_500, 4_500, 20_450),
            ("Economy", "JPY", 1, 0, 5_000, 0, 0, 5_000),
        ]
        assert [line[:3] + line[-1:] for line in lines("method")] == [
            # 82.50 and Bob's Saver, of which half stayed here.
            ("Bank card", "EUR", 2, 8_250 + 2_250),
            ("Wallet", "EUR", 3, 9_000 - 2_250 + 3_200),
            ("Wallet", "JPY", 1, 5_000),
        ]

    def test_of_one_carrier_and_of_one_mode(self, sales: Sales) -> None:
        air = sales.timetable.flight.departure.service.carrier_id

        assert lines("month", only=Only(carriers=frozenset({air}))) == [
            ("2026-06", "EUR", 1, 0, 8_250, 0, 0, 8_250)
        ]
        assert [line[-1] for line in lines("month", only=Only(mode="Bus"))] == [3_200]
        assert lines("month", only=Only(carriers=frozenset())) == []

    def test_adds_up_by_currency_alone(self, sales: Sales) -> None:
        found = totals(revenue(by="mode", over=SUMMER))

        assert [(one.currency, one.tickets, one.net.minor) for one in found] == [
            ("EUR", 5, 20_450),
            ("JPY", 1, 5_000),
        ]

    def test_nothing_was_sold(self, db: None) -> None:
        assert all(lines(by) == [] for by in DIMENSIONS)

    def test_is_one_statement_beside_what_is_named(self, sales: Sales) -> None:
        with CaptureQueriesContext(connection) as caught:
            revenue(by="day", over=SUMMER)

        # Which days are closed, and the sum.
        assert len(caught) == 2

    @pytest.mark.parametrize("last", [date(2026, 5, 31), date(2027, 6, 2)])
    def test_refuses_no_days_and_more_than_a_year(self, last: date) -> None:
        with pytest.raises(InvalidInput):
            span(date(2026, 6, 1), last)


class TestTheLedger:
    def test_every_month_is_the_ledgers_to_the_cent(self, sales: Sales) -> None:
        booked = booked_by_month(over=SUMMER)

        assert booked == {
            (line.key, line.currency): line.net.minor for line in revenue(by="month", over=SUMMER)
        }
        assert booked == {
            ("2026-06", "EUR"): 18_200,
            ("2026-07", "EUR"): 2_250,
            ("2026-06", "JPY"): 5_000,
        }

    def test_every_carrier_has_its_accounts_balances(self, sales: Sales) -> None:
        """Nothing was settled, so all that carriers brought in still stands on three accounts."""
        for line in revenue(by="carrier", over=SUMMER):
            accounts = Account.objects.filter(
                carrier_id=int(line.key), kind__in=["carrier", "fee", "penalty"]
            )
            assert sum(account.balance_minor for account in accounts) == line.net.minor


class TestClosedDays:
    def test_say_what_the_ledger_says(self, sales: Sales) -> None:
        before = {by: revenue(by=by, over=SUMMER) for by in DIMENSIONS}

        for day in days_to_close(now=at(20, 12, month=8), limit=400):
            assert close_day(day=day, now=at(20, 12, month=8))

        assert DaySales.objects.count() == 8
        assert ClosedDay.objects.count() == 80
        assert {by: revenue(by=by, over=SUMMER) for by in DIMENSIONS} == before

    def test_and_open_ones_are_counted_once_each(self, sales: Sales) -> None:
        before = lines("day")
        close_day(day=date(2026, 6, 1), now=at(3, 0))

        assert lines("day") == before
        # The other days are not in what is kept.
        DaySales.objects.update(amount_minor=0)
        assert [line[-1] for line in lines("day", JUNE_2)] == [0, 3_200, 0, 0]

    def test_a_day_closes_once_and_not_too_soon(self, sales: Sales) -> None:
        with pytest.raises(ValueError, match="not over"):
            close_day(day=date(2026, 6, 1), now=at(1, 23))

        assert close_day(day=date(2026, 6, 1), now=at(2, 12))
        assert not close_day(day=date(2026, 6, 1), now=at(2, 13))
        assert days_to_close(now=at(3, 12), limit=10) == [date(2026, 6, 2)]

    def test_another_zone_closes_it_anew(self, sales: Sales, settings) -> None:
        close_day(day=date(2026, 6, 1), now=at(3, 0))
        settings.REPORT_TIME_ZONE = "UTC"

        assert lines("day", JUNE_2)[0][-1] == 18_200
        assert close_day(day=date(2026, 6, 1), now=at(3, 2))
        assert lines("day", JUNE_2)[0][-1] == 18_200
        assert ClosedDay.objects.get().zone == "UTC"

    def test_opens_again(self, sales: Sales) -> None:
        close_day(day=date(2026, 6, 1), now=at(3, 0))
        open_again(day=date(2026, 6, 1))

        assert not DaySales.objects.exists()
        assert lines("day", JUNE_2)[0][-1] == 15_000
