"""What tests of the reports desk share: another agent, two reports, and what stands in rows."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from accounts.viewers import Viewer
from support import services
from support.models import Report, ReportMessage
from support.selectors import ReportDetail
from tests import factories

from ..conftest import Buy, send

HOUR = timedelta(hours=1)
TICK = timedelta(microseconds=1)


@pytest.fixture(autouse=True)
def _audited(audited: None) -> None:
    """Every story ends with the audit."""


@pytest.fixture
def uma(db: None) -> Viewer:
    """Another agent."""
    user = factories.make_user(
        is_staff=True, first_name="Uma", last_name="Ray", roles=["support agent"]
    )
    return Viewer(user_id=user.pk, is_support=True)


@pytest.fixture
def two(buy: Buy, me: Viewer, noon: datetime) -> list[ReportDetail]:
    """The same socket, reported twice: at noon, and an hour later as a delay."""
    booked = buy()
    return [
        send(booked, me, noon),
        send(booked, me, noon + HOUR, category="Unexpected Cancellation", text="Well?"),
    ]


def respond(report: ReportDetail, agent: Viewer, now: datetime, **details: Any) -> ReportDetail:
    return services.respond(
        viewer=agent,
        report_id=report.id,
        now=now,
        **{"answer": "We are sorry.", "state": "Reviewed", **details},
    )


def write(report: ReportDetail, me: Viewer, now: datetime, text: str = "Hello?") -> ReportDetail:
    return services.add_message(viewer=me, report_id=report.id, text=text, now=now)


def owed(report: ReportDetail) -> tuple[datetime | None, datetime | None]:
    row = Report.objects.get(pk=report.id)
    return row.waiting_since, row.due_at


def told(report: ReportDetail) -> list[tuple[str, str]]:
    """What staff did to a report, in order."""
    rows = ReportMessage.objects.filter(report=report.id).exclude(event="").order_by("id")
    return list(rows.values_list("event", "body"))


def everything() -> list[Any]:
    """All rows of reports, so that "nothing changed" means nothing."""
    return [list(model.objects.order_by("pk").values_list()) for model in (Report, ReportMessage)]
