"""A passenger's reports over HTTP: sending one, reading the answers, writing again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from support import services
from support.models import Report, ReportMessage
from support.selectors import ReportDetail
from tests import factories
from tests.conftest import ApiClient, Clock
from travel.common.models import OutboxMessage

from ..conftest import Buy, send
from .conftest import answer_to, report_on, rows


class TestSubmit:
    def test_takes_a_report_on_ones_own_ticket(
        self, mine: ApiClient, traveller: User, buy: Buy, noon: datetime
    ) -> None:
        reservation = buy()

        answer = mine.post("/reports/submit", report_on(reservation))

        assert answer.status_code == 201, answer.content
        body = answer.json()
        row = Report.objects.get()
        assert body["message"] == "We have your report. Our answer comes by e-mail."
        assert body["reportID"] == row.pk
        assert answer.headers["Location"] == f"/reports/{row.pk}"
        assert (row.user_id, row.state, row.created_at) == (traveller.pk, "Pending", noon)
        assert ReportMessage.objects.get().body == "Forty minutes late.\nNobody said why."
        letter = OutboxMessage.objects.get(kind="support.report_received")
        assert letter.recipient == "ada@example.org"
        assert "Forty minutes late." in letter.body

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"text": ""}, "text"),
            ({"text": "  \n "}, "text"),
            ({"text": "x" * 5_001}, "text"),
            ({"text": "turned \u202e around"}, "text"),
            ({"category": "Weather"}, "category"),
            ({"category": "travel delay"}, "category"),
            ({"ticketID": 0}, "ticketID"),
            ({"reservationID": 2**53}, "reservationID"),
            ({"reservationID": None}, "reservationID"),
        ],
    )
    def test_refuses_what_makes_no_sense(
        self, mine: ApiClient, buy: Buy, changes: dict[str, Any], field: str
    ) -> None:
        body = report_on(buy(), **changes)
        before = rows()

        answer = mine.post("/reports/submit", body)

        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input")
        assert field in answer.json()["errors"]
        assert rows() == before

    def test_5000_characters_are_taken(self, mine: ApiClient, buy: Buy) -> None:
        answer = mine.post("/reports/submit", report_on(buy(), text="ж" * 5_000))

        assert answer.status_code == 201
        assert ReportMessage.objects.get().body == "ж" * 5_000

    def test_a_strangers_reservation_is_not_there(
        self, api: ApiClient, stranger: User, buy: Buy
    ) -> None:
        reservation = buy()
        before = rows()

        foreign = api.by(stranger).post("/reports/submit", report_on(reservation))
        unknown = api.by(stranger).post(
            "/reports/submit", report_on(reservation, reservationID=999_999)
        )

        assert foreign.status_code == unknown.status_code == 404
        assert foreign.json() | {"requestID": ""} == unknown.json() | {"requestID": ""}
        assert rows() == before

    def test_staff_report_on_their_own_only(self, desk: ApiClient, buy: Buy) -> None:
        reservation = buy()

        assert desk.post("/reports/submit", report_on(reservation)).status_code == 404

    def test_a_ticket_of_another_trip_is_not_there(
        self, mine: ApiClient, buy: Buy, coach: factories.Trip
    ) -> None:
        reservation = buy()
        coach.ticket()
        before = rows()

        answer = mine.post("/reports/submit", report_on(reservation, ticketID=coach.ticket_id()))

        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
        assert rows() == before

    def test_power_in_the_body_has_no_effect(
        self, mine: ApiClient, stranger: User, buy: Buy
    ) -> None:
        more = {
            "userID": stranger.pk,
            "user": stranger.pk,
            "state": "Closed",
            "processingStatus": "Closed",
            "assignedTo": stranger.pk,
            "isFromStaff": True,
            "isInternal": True,
            "createdAt": "2020-01-01T00:00:00Z",
        }

        mine.post("/reports/submit", report_on(buy(), **more))

        row, message = Report.objects.get(), ReportMessage.objects.get()
        assert (row.state, row.assigned_to_id) == ("Pending", None)
        assert row.user.email == "ada@example.org"
        assert (message.is_from_staff, message.is_internal) == (False, False)

    def test_needs_a_token(self, api: ApiClient, buy: Buy) -> None:
        answer = api.post("/reports/submit", report_on(buy()))

        assert answer.status_code == 401
        assert "WWW-Authenticate" in answer.headers
        assert not Report.objects.exists()


class TestMine:
    def test_shows_reports_with_answers_and_no_notes(
        self, mine: ApiClient, desk: ApiClient, report: ReportDetail, clock: Clock
    ) -> None:
        clock.advance(minutes=10)
        note = answer_to(report, Answer="A regular.", ProcessingStatus="In Progress", Internal=True)
        assert desk.post("/support/admin/reports/respond", note).status_code == 200
        assert desk.post("/support/admin/reports/respond", answer_to(report)).status_code == 200

        body = mine.get("/reports/my").json()

        assert body["count"] == 1
        found = body["results"][0]
        assert found["answer"] == "We are sorry."
        assert found["processingStatus"] == "Reviewed"
        assert found["answeredAt"] == "2026-06-01T12:10:00+00:00"
        assert [(one["sender"], one["author"], one["text"]) for one in found["thread"]] == [
            ("passenger", "Ada", "The socket was dead."),
            ("support", "Sam", "We are sorry."),
        ]
        assert "internal" not in found["thread"][0]
        assert "A regular." not in str(body)
        assert "→" not in str(body)
        assert found["availableActions"] == ["reply", "close"]

    def test_is_empty_for_a_stranger(
        self, api: ApiClient, stranger: User, report: ReportDetail
    ) -> None:
        assert api.by(stranger).get("/reports/my").json()["count"] == 0

    def test_filters_by_state(self, mine: ApiClient, report: ReportDetail) -> None:
        assert mine.get("/reports/my", {"status": "Pending"}).json()["count"] == 1
        assert mine.get("/reports/my", {"status": "Closed"}).json()["count"] == 0
        assert mine.get("/reports/my", {"status": "Open"}).status_code == 400

    def test_asks_no_more_for_more_reports(
        self, mine: ApiClient, me: Any, report: ReportDetail, buy: Buy, noon: datetime
    ) -> None:
        mine.get("/reports/my")
        with CaptureQueriesContext(connection) as few:
            mine.get("/reports/my")
        for _ in range(5):
            another = send(buy(), me, noon)
            services.add_message(viewer=me, report_id=another.id, text="And more.", now=noon)
        with CaptureQueriesContext(connection) as many:
            assert mine.get("/reports/my").json()["count"] == 6

        assert len(many) == len(few)

    def test_pages_begin_with_the_newest(
        self, mine: ApiClient, me: Any, report: ReportDetail, buy: Buy, noon: datetime
    ) -> None:
        second = send(buy(), me, noon)

        first_page = mine.get("/reports/my", {"pageSize": 1}).json()
        last_page = mine.get("/reports/my", {"pageSize": 1, "page": 2}).json()

        assert [one["reportID"] for one in first_page["results"]] == [second.id]
        assert [one["reportID"] for one in last_page["results"]] == [report.id]
        assert (first_page["previous"], last_page["next"]) == (None, None)


class TestThread:
    def test_a_message_makes_an_answered_report_wait_again(
        self, mine: ApiClient, desk: ApiClient, report: ReportDetail
    ) -> None:
        desk.post("/support/admin/reports/respond", answer_to(report))

        answer = mine.post(f"/reports/{report.id}/messages", {"text": "And my money?"})

        assert answer.status_code == 201
        assert answer.json()["processingStatus"] == "Pending"
        assert answer.json()["thread"][-1]["text"] == "And my money?"

    def test_a_closed_report_reopens_for_thirty_days(
        self, mine: ApiClient, report: ReportDetail, clock: Clock
    ) -> None:
        assert mine.post(f"/reports/{report.id}/close").json()["processingStatus"] == "Closed"
        closed = Report.objects.get()
        assert closed.closed_at == clock.now()

        clock.advance(days=29, hours=23)
        # A new token: the first one has ended long ago.
        mine = mine.by(User.objects.get(email="ada@example.org"))
        assert mine.get(f"/reports/{report.id}").json()["availableActions"] == ["reply"]
        again = mine.post(f"/reports/{report.id}/messages", {"text": "It happened again."})

        assert again.status_code == 201
        assert (again.json()["processingStatus"], again.json()["closedAt"]) == ("Pending", None)

    def test_later_it_stays_closed(
        self, mine: ApiClient, report: ReportDetail, clock: Clock
    ) -> None:
        mine.post(f"/reports/{report.id}/close")
        clock.advance(days=30)
        mine = mine.by(User.objects.get(email="ada@example.org"))
        before = rows()

        answer = mine.post(f"/reports/{report.id}/messages", {"text": "Hello?"})

        assert (answer.status_code, answer.json()["code"]) == (409, "report_closed")
        assert mine.get(f"/reports/{report.id}").json()["availableActions"] == []
        assert rows() == before

    @pytest.mark.parametrize("text", ["", " ", "x" * 5_001, None, 7])
    def test_refuses_no_text_and_too_much(
        self, mine: ApiClient, report: ReportDetail, text: Any
    ) -> None:
        before = rows()

        assert mine.post(f"/reports/{report.id}/messages", {"text": text}).status_code == 400
        assert rows() == before

    def test_a_stranger_finds_nothing(
        self, api: ApiClient, stranger: User, staff: User, report: ReportDetail
    ) -> None:
        before = rows()

        for who in (stranger, staff):
            client = api.by(who)
            assert client.get(f"/reports/{report.id}").status_code == 404
            assert client.post(f"/reports/{report.id}/close").status_code == 404
            assert client.post(f"/reports/{report.id}/messages", {"text": "Hi"}).status_code == 404
        assert rows() == before

    @pytest.mark.parametrize("number", ["0", "9007199254740992", "9" * 40])
    def test_a_number_that_is_nobodys(self, mine: ApiClient, report: Any, number: str) -> None:
        assert mine.get(f"/reports/{number}").status_code == 404
        assert mine.post(f"/reports/{number}/close").status_code == 404
