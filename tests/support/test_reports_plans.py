"""How MariaDB reads the queue of reports: by an index that has its order, and sorts nothing."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.viewers import Viewer
from support import reports, services
from support.models import Report
from support.reports import Narrow
from support.selectors import ReportDetail

# Counting the rows for the optimiser ends the transaction.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.mariadb]

STATES = ["Closed"] * 7 + ["Reviewed"] * 2 + ["Pending"]
CATEGORIES = ["Other", "Travel Delay", "Payment Issue", "Accessibility"]


@pytest.fixture
def many(report: ReportDetail, agent: Viewer, noon: datetime) -> Viewer:
    """4,000 reports: of ten seven are closed, two answered and one waits; a third has somebody."""
    first = Report.objects.get()
    Report.objects.bulk_create(
        Report(
            reservation_id=first.reservation_id,
            ticket_id=first.ticket_id,
            user_id=first.user_id,
            category=CATEGORIES[number % 4],
            state=(state := STATES[number % 10]),
            assigned_to_id=agent.user_id if number % 3 == 0 else None,
            created_at=noon,
            waiting_since=noon if state == "Pending" else None,
            due_at=noon + timedelta(minutes=number * 7919 % 4_000) if state == "Pending" else None,
            closes_at=noon + timedelta(minutes=number % 500) if state == "Reviewed" else None,
        )
        for number in range(4_000)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE TABLE support_report")
        cursor.fetchall()
    return agent


def plan(statement: str) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {statement}")
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


KEYS = {
    ("open", ""): "report_due",
    ("overdue", ""): "report_due",
    ("mine", ""): "report_due_of_one",
    ("free", ""): "report_due_of_one",
    ("closed", ""): "report_state",
    ("closed", "Accessibility"): "report_queue",
}


def test_each_tab_goes_by_its_index(many: Viewer, noon: datetime) -> None:
    found = {}
    for tab, category in [*KEYS, ("answered", "")]:
        with CaptureQueriesContext(connection) as queries:
            reports.queue(
                viewer=many,
                tab=tab,
                narrow=Narrow(category=category),
                now=noon + timedelta(days=1),
                limit=51,
            )
        first = next(one["sql"] for one in queries.captured_queries if "LIMIT 51" in one["sql"])
        (row,) = plan(first)
        found[tab, category] = row["key"], "filesort" in (row["Extra"] or "")

    # Two have the order of what is answered; which one is shorter depends on how much is closed.
    key, sorts = found.pop(("answered", ""))
    assert key in ("report_due", "report_state")
    assert not sorts
    assert found == {asked: (key, False) for asked, key in KEYS.items()}


def test_what_closes_by_itself_is_found_by_its_index(many: Viewer, noon: datetime) -> None:
    with CaptureQueriesContext(connection) as queries:
        found = services.due_to_close(now=noon + timedelta(minutes=99), limit=50)

    # Of the 800 that are answered, 160 close in the first 99 minutes.
    assert len(found) == 50
    (row,) = plan(queries.captured_queries[0]["sql"])
    assert row["key"] == "report_closes"
    assert "filesort" not in (row["Extra"] or "")
