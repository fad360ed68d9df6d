"""What the API tells of a report at the desk: when it is due, and where a merged one goes on."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from accounts.models import User
from accounts.viewers import Viewer
from support import services
from support.models import ReportMessage
from support.selectors import ReportDetail
from tests.conftest import ApiClient

from .conftest import Buy, send


@pytest.fixture(autouse=True)
def _audited(audited: None, settings: Any) -> None:
    """Every story ends with the audit; no second factor is asked for."""
    settings.STAFF_2FA = "optional"


@pytest.fixture
def mine(api: ApiClient, traveller: User) -> ApiClient:
    return api.by(traveller)


@pytest.fixture
def desk(api: ApiClient, staff: User) -> ApiClient:
    return api.by(staff)


@pytest.fixture
def twin(buy: Buy, report: ReportDetail, me: Viewer, agent: Viewer, noon: datetime) -> ReportDetail:
    """A second report, merged into the first."""
    found = send(buy(), me, noon, text="Still dead.")
    services.merge(viewer=agent, report_id=found.id, into_id=report.id, now=noon)
    return found


def test_tells_until_when_an_answer_is_owed(
    mine: ApiClient, report: ReportDetail, agent: Viewer, noon: datetime
) -> None:
    asked = mine.get(f"/reports/{report.id}").json()
    services.respond(viewer=agent, report_id=report.id, answer="Yes.", state="Reviewed", now=noon)
    answered = mine.get(f"/reports/{report.id}").json()

    # A seat's socket: two days.
    assert asked["dueAt"] == "2026-06-03T12:00:00+00:00"
    assert (answered["dueAt"], answered["mergedIntoID"]) == (None, None)


def test_tells_when_an_answered_one_closes_by_itself(
    mine: ApiClient, desk: ApiClient, report: ReportDetail, agent: Viewer, noon: datetime
) -> None:
    assert mine.get(f"/reports/{report.id}").json()["closesAt"] is None
    services.respond(viewer=agent, report_id=report.id, answer="Yes.", state="Reviewed", now=noon)
    told = mine.get(f"/reports/{report.id}").json()["closesAt"]
    services.close_lapsed(report_id=report.id, now=noon + timedelta(days=14))

    closed = mine.get(f"/reports/{report.id}").json()
    (seen,) = desk.get("/support/admin/reports").json()["results"]

    assert told == "2026-06-15T12:00:00+00:00"
    assert (closed["closesAt"], closed["closedAt"]) == (None, told)
    assert [one["sender"] for one in closed["thread"]] == ["passenger", "support"]
    last = seen["thread"][-1]
    assert (last["event"], last["author"], last["internal"]) == ("lapsed", "", True)


def test_a_merged_one_names_the_other_and_offers_nothing(
    mine: ApiClient, report: ReportDetail, twin: ReportDetail
) -> None:
    told = mine.get(f"/reports/{twin.id}").json()

    assert (told["mergedIntoID"], told["availableActions"]) == (report.id, [])
    assert told["processingStatus"] == "Closed"
    other = mine.get(f"/reports/{report.id}").json()
    assert [one["text"] for one in other["thread"]] == ["The socket was dead.", "Still dead."]
    assert other["text"] == "The socket was dead."


def test_what_is_sent_to_it_reaches_the_other(
    mine: ApiClient, report: ReportDetail, twin: ReportDetail
) -> None:
    answer = mine.post(f"/reports/{twin.id}/messages", {"text": "And the heating."})

    assert answer.status_code in (200, 201)
    assert answer.json()["reportID"] == report.id
    assert ReportMessage.objects.get(body="And the heating.").report_id == report.id


def test_staff_are_told_where_it_goes_on(
    desk: ApiClient, report: ReportDetail, twin: ReportDetail
) -> None:
    refused = desk.post(
        "/support/admin/reports/respond",
        {"ReportID": twin.id, "Answer": "Yes.", "ProcessingStatus": "Closed"},
    )

    assert refused.status_code == 409
    assert refused.json()["code"] == "report_merged"
    assert refused.json()["detail"] == (f"Report {twin.id} is gone on with in report {report.id}.")
    listed = desk.get(f"/support/admin/reports?reservationID={twin.reservation_id}").json()
    events = [one["event"] for one in listed["results"][0]["thread"]]
    assert events == ["", "merged"]
