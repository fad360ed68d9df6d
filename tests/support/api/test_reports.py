"""All reports over HTTP: the list, answers and notes of staff."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from bookings.models import Reservation
from support.models import Report
from support.selectors import ReportDetail
from tests.conftest import ApiClient, Clock
from travel.common.models import OutboxMessage

from ..conftest import Buy, send
from .conftest import answer_to, report_on, rows


class TestAllReports:
    def test_shows_notes_and_who_asks(self, desk: ApiClient, report: ReportDetail) -> None:
        desk.post("/support/admin/reports/respond", answer_to(report, Internal=True))

        found = desk.get("/support/admin/reports").json()["results"][0]

        assert (found["name"], found["email"]) == ("Ada Lovelace", "ada@example.org")
        assert found["assignedTo"] == "Sam Porter"
        assert [(one["text"], one["internal"]) for one in found["thread"]] == [
            ("The socket was dead.", False),
            ("We are sorry.", True),
            ("Pending → Reviewed", True),
        ]
        assert (found["answer"], found["answeredAt"]) == (None, None)

    def test_filters(
        self, desk: ApiClient, report: ReportDetail, buy: Buy, stranger: User, noon: datetime
    ) -> None:
        from accounts.viewers import Viewer

        other = send(buy(who=stranger), Viewer(user_id=stranger.pk), noon, category="Payment Issue")
        desk.post("/support/admin/reports/respond", answer_to(other))

        def found(**query: Any) -> list[int]:
            results = desk.get("/support/admin/reports", query).json()["results"]
            return [one["reportID"] for one in results]

        assert found() == [other.id, report.id]
        assert found(status="Pending") == [report.id]
        assert found(status="Reviewed") == [other.id]
        assert found(category="Payment Issue") == [other.id]
        assert found(status="Pending", category="Payment Issue") == []
        assert found(userID=stranger.pk) == [other.id]
        assert found(reservationID=report.reservation_id) == [report.id]
        assert desk.get("/support/admin/reports", {"category": "x"}).status_code == 400
        assert desk.get("/support/admin/reports", {"status": "pending"}).status_code == 400

    def test_asks_no_more_for_more_reports(
        self, desk: ApiClient, me: Any, report: ReportDetail, buy: Buy, noon: datetime
    ) -> None:
        desk.get("/support/admin/reports")
        with CaptureQueriesContext(connection) as few:
            desk.get("/support/admin/reports")
        for _ in range(4):
            send(buy(), me, noon)
        with CaptureQueriesContext(connection) as many:
            assert desk.get("/support/admin/reports").json()["count"] == 5

        assert len(many) == len(few)


class TestRespond:
    def test_answers_and_tells_the_passenger(
        self, desk: ApiClient, staff: User, report: ReportDetail, clock: Clock
    ) -> None:
        at = clock.advance(minutes=14)

        answer = desk.post("/support/admin/reports/respond", answer_to(report))

        assert answer.status_code == 200, answer.content
        assert answer.json()["message"] == "The answer is sent."
        assert answer.json()["processingStatus"] == "Reviewed"
        row = Report.objects.get()
        assert (row.state, row.answered_at, row.assigned_to_id) == ("Reviewed", at, staff.pk)
        letter = OutboxMessage.objects.get(kind="support.report_answered")
        assert letter.recipient == "ada@example.org"
        assert "We are sorry." in letter.body
        assert f"/help/{report.id}/" in letter.body

    def test_takes_camel_case_as_well(self, desk: ApiClient, report: ReportDetail) -> None:
        answer = desk.post(
            "/support/admin/reports/respond",
            {"reportID": report.id, "answer": "Yes.", "processingStatus": "Closed"},
        )

        assert answer.status_code == 200
        assert Report.objects.get().state == "Closed"

    def test_a_note_is_not_sent(self, desk: ApiClient, report: ReportDetail) -> None:
        desk.post("/support/admin/reports/respond", answer_to(report, Internal=True))

        assert not OutboxMessage.objects.filter(kind="support.report_answered").exists()
        assert Report.objects.get().answered_at is None

    def test_each_answer_is_told(self, desk: ApiClient, report: ReportDetail) -> None:
        for _ in range(2):
            desk.post("/support/admin/reports/respond", answer_to(report))

        assert OutboxMessage.objects.filter(kind="support.report_answered").count() == 2

    @pytest.mark.parametrize(
        ("changes", "status", "code"),
        [
            ({"ReportID": 999_999}, 404, "not_found"),
            ({"ReportID": "x"}, 400, "invalid_input"),
            ({"Answer": ""}, 400, "invalid_input"),
            ({"Answer": "x" * 5_001}, 400, "invalid_input"),
            ({"ProcessingStatus": "Done"}, 400, "invalid_input"),
            ({"ProcessingStatus": None}, 400, "invalid_input"),
        ],
    )
    def test_refuses_and_changes_nothing(
        self,
        desk: ApiClient,
        report: ReportDetail,
        changes: dict[str, Any],
        status: int,
        code: str,
    ) -> None:
        before = rows()

        answer = desk.post("/support/admin/reports/respond", answer_to(report, **changes))

        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert rows() == before

    def test_errors_name_the_published_fields(self, desk: ApiClient, report: Any) -> None:
        answer = desk.post("/support/admin/reports/respond", {})

        assert set(answer.json()["errors"]) == {"ReportID", "Answer", "ProcessingStatus"}

    def test_nothing_goes_back_to_waiting_by_staff(
        self, desk: ApiClient, report: ReportDetail
    ) -> None:
        desk.post("/support/admin/reports/respond", answer_to(report))
        before = rows()

        answer = desk.post(
            "/support/admin/reports/respond", answer_to(report, ProcessingStatus="Pending")
        )

        assert (answer.status_code, answer.json()["code"]) == (409, "move_not_allowed")
        assert rows() == before

    def test_nobody_answers_an_own_report(
        self, desk: ApiClient, staff: User, buy: Buy, noon: datetime
    ) -> None:
        from accounts.viewers import Viewer

        own = send(buy(who=staff), Viewer(user_id=staff.pk), noon)
        before = rows()

        answer = desk.post("/support/admin/reports/respond", answer_to(own))

        assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")
        assert rows() == before


def test_one_story_from_report_to_answer(
    mine: ApiClient, desk: ApiClient, buy: Buy, clock: Clock
) -> None:
    """A passenger reports, staff answer and cancel, and the passenger reads the answer."""
    reservation = buy()
    report_id = mine.post("/reports/submit", report_on(reservation)).json()["reportID"]

    waiting = desk.get("/support/admin/reports", {"status": "Pending"}).json()["results"]
    assert [one["reportID"] for one in waiting] == [report_id]
    desk.post(
        "/support/reservations/cancel",
        {"ReservationID": reservation.id, "WaivePenalty": True, "Reason": "Delay"},
    )
    desk.post(
        "/support/admin/reports/respond",
        {"ReportID": report_id, "Answer": "All is paid back.", "ProcessingStatus": "Closed"},
    )

    assert mine.get("/reports/my").json()["results"][0]["answer"] == "All is paid back."
    assert Reservation.objects.get(id=reservation.id).state == "cancelled"
    cancelled = desk.get("/support/payments/cancelled").json()["results"]
    assert [one["reservationID"] for one in cancelled] == [reservation.id]
