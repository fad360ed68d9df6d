"""The generated sales are sales: the audit holds of them, and the numbers are the ledger's."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from bench.analytics import close_all, measure
from bench.sales import SEATS, generate_sales
from bookings.models import Reservation
from support import audit
from support.analytics import lookups, people
from support.analytics.days import Span
from support.analytics.revenue import DIMENSIONS, booked_by_month, revenue
from support.analytics.traffic import occupancy
from support.analytics.trends import trends
from support.models import ClosedDay
from tests.support.analytics.conftest import at

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.mariadb]

NOON = at(1, 12)
SPRING = Span(date(2026, 3, 1), date(2026, 7, 1))
# Receipts are not generated.
LEFT_OUT = {"receipt_missing"}


def test_are_sales_and_the_numbers_are_the_ledgers(settings: Any) -> None:
    done = generate_sales(services=10, now=NOON, days_back=4, days_ahead=2, users=50)

    assert done.reservations == Reservation.objects.count() == 10 * 6 * SEATS
    broken = {finding.fact.code: finding.rows[:3] for finding in audit.findings()}
    assert {code: rows for code, rows in broken.items() if code not in LEFT_OUT} == {}

    def told() -> list[object]:
        return [
            *(revenue(by=by, over=SPRING) for by in DIMENSIONS),
            *(
                occupancy(by=by, over=SPRING, now=NOON)
                for by in ("day", "mode", "carrier", "service")
            ),
            trends(over=SPRING),
            people.top_customers(over=SPRING),
            people.used_every_mode(over=SPRING),
        ]

    def looked_up(engine: str) -> list[object]:
        settings.SEAT_ENGINE = engine
        since = NOON - timedelta(days=30, hours=5)
        return [
            lookups.top_users(since=since),
            lookups.tickets_by_mode(since=since, until=NOON),
            lookups.tickets_by_phrase(phrase="roe7", since=since),
            lookups.tickets_by_phrase(phrase="ity 0", since=since),
        ]

    before, found = told(), looked_up("portable")
    assert all(found)
    assert looked_up("procedures") == found
    close_all(NOON, lambda line: None)
    assert ClosedDay.objects.count() > 50
    assert told() == before
    assert looked_up("procedures") == found
    assert booked_by_month(over=SPRING) == {
        (line.key, line.currency): line.net.minor for line in revenue(by="month", over=SPRING)
    }
    assert not audit.findings([fact for fact in audit.FACTS if fact.code.startswith("closed_day")])

    said: list[str] = []
    assert measure(NOON + timedelta(minutes=1), said.append) == 0
    assert said[-1] == "the ledger says the same"
