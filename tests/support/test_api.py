"""Reports and the support desk over HTTP: who may, what it answers, and what a refusal leaves."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts.models import User
from bookings.models import Claim, Reservation, ReservationEvent
from payments import selectors as money
from payments.models import Cancellation, Payment, Refund
from support import services
from support.models import Report, ReportMessage
from support.selectors import ReportDetail
from tests import factories, selling
from tests.conftest import ApiClient, Clock
from travel.common.models import OutboxMessage
from travel.common.money import Money

from .conftest import Buy, send

DESK = [
    ("GET", "/support/admin/reports"),
    ("POST", "/support/admin/reports/respond"),
    ("GET", "/support/reservations"),
    ("POST", "/support/reservations/cancel"),
    ("GET", "/support/payments/cancelled"),
]


@pytest.fixture(autouse=True)
def _audited(audited: None) -> None:
    """Every story ends with the audit."""


@pytest.fixture(autouse=True)
def _no_second_factor(settings: Any) -> None:
    settings.STAFF_2FA = "optional"


@pytest.fixture
def mine(api: ApiClient, traveller: User) -> ApiClient:
    return api.by(traveller)


@pytest.fixture
def desk(api: ApiClient, staff: User) -> ApiClient:
    return api.by(staff)


def rows() -> dict[str, Any]:
    """Everything that a report or a cancellation may write."""
    reports = {
        "Report": list(Report.objects.order_by("pk").values_list()),
        "ReportMessage": list(ReportMessage.objects.order_by("pk").values_list()),
        "Cancellation": list(Cancellation.objects.order_by("pk").values_list()),
    }
    return reports | {
        name: found for name, found in selling.everything().items() if name != "IdempotencyKey"
    }


def report_on(reservation: Any, **changes: Any) -> dict[str, Any]:
    return {
        "reservationID": reservation.id,
        "ticketID": reservation.coupons[0].ticket_id,
        "category": "Travel Delay",
        "text": "Forty minutes late.\nNobody said why.",
        **changes,
    }


def answer_to(report: ReportDetail, **changes: Any) -> dict[str, Any]:
    return {
        "ReportID": report.id,
        "Answer": "We are sorry.",
        "ProcessingStatus": "Reviewed",
        **changes,
    }


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


class TestWhoComesIn:
    @pytest.mark.parametrize(("method", "path"), DESK)
    def test_a_passenger_is_shown_out(
        self, mine: ApiClient, report: ReportDetail, method: str, path: str
    ) -> None:
        before = rows()
        body = {
            "/support/admin/reports/respond": answer_to(report),
            "/support/reservations/cancel": {"ReservationID": report.reservation_id},
        }.get(path, {})

        answer = mine.generic(method, path) if method == "GET" else mine.post(path, body)

        assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")
        assert rows() == before

    @pytest.mark.parametrize(("method", "path"), DESK)
    def test_nobody_comes_in_without_a_token(
        self, api: ApiClient, report: Any, method: str, path: str
    ) -> None:
        answer = api.get(path) if method == "GET" else api.post(path, {})

        assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")

    @pytest.mark.parametrize(("method", "path"), DESK)
    def test_staff_without_a_second_factor_stay_outside(
        self,
        desk: ApiClient,
        staff: User,
        report: ReportDetail,
        settings: Any,
        method: str,
        path: str,
    ) -> None:
        settings.STAFF_2FA = "required"
        before = rows()
        body = {
            "/support/admin/reports/respond": answer_to(report),
            "/support/reservations/cancel": {"ReservationID": report.reservation_id},
        }.get(path, {})

        def ask() -> Any:
            return desk.get(path) if method == "GET" else desk.post(path, body)

        assert ask().status_code == 403
        TOTPDevice.objects.create(user=staff, name="phone", confirmed=False)
        assert ask().status_code == 403
        assert rows() == before
        TOTPDevice.objects.update(confirmed=True)
        assert ask().status_code == 200

    def test_staff_without_a_role_do_nothing(self, api: ApiClient, report: ReportDetail) -> None:
        newcomer = factories.make_user(email="new@office.example", is_staff=True)
        before = rows()

        for method, path in DESK:
            client = api.by(newcomer)
            answer = client.get(path) if method == "GET" else client.post(path, {})
            assert answer.status_code == 403
        assert rows() == before

    def test_finance_looks_and_neither_answers_nor_cancels(
        self, api: ApiClient, accountant: User, report: ReportDetail
    ) -> None:
        client = api.by(accountant)
        before = rows()

        for method, path in DESK:
            if method == "GET":
                assert client.get(path).status_code == 200
        answered = client.post("/support/admin/reports/respond", answer_to(report))
        cancelled = client.post(
            "/support/reservations/cancel", {"ReservationID": report.reservation_id}
        )

        assert (answered.status_code, cancelled.status_code) == (403, 403)
        assert rows() == before

    def test_a_superuser_does_everything(self, api: ApiClient, report: ReportDetail) -> None:
        chief = factories.make_user(email="chief@office.example", is_staff=True, is_superuser=True)

        answer = api.by(chief).post("/support/admin/reports/respond", answer_to(report))

        assert answer.status_code == 200

    def test_a_closed_account_is_out_at_once(
        self, desk: ApiClient, staff: User, report: Any
    ) -> None:
        assert desk.get("/support/reservations").status_code == 200
        User.objects.filter(pk=staff.pk).update(is_active=False)

        assert desk.get("/support/reservations").status_code == 401

    def test_lost_staff_status_counts_at_once(
        self, desk: ApiClient, staff: User, report: Any
    ) -> None:
        User.objects.filter(pk=staff.pk).update(is_staff=False)

        assert desk.get("/support/reservations").status_code == 403


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


class TestAllReservations:
    def test_shows_everybodys_with_the_holder(
        self, desk: ApiClient, traveller: User, buy: Buy
    ) -> None:
        reservation = buy(2)

        body = desk.get("/support/reservations").json()

        assert body["count"] == 1
        found = body["results"][0]
        assert found["reservationID"] == reservation.id
        assert (found["userID"], found["contactEmail"]) == (traveller.pk, "ada@example.org")
        # Two Savers of 45.00.
        assert found["price"] == {"amount": "90.00", "currency": "EUR"}
        assert found["availableActions"] == [
            *("correctNames", "changeSeats", "rebook", "cancel", "goodwill", "resendTickets"),
        ]
        assert found["payments"][0]["paymentMethod"] == "Wallet"

    def test_filters(
        self,
        desk: ApiClient,
        traveller: User,
        stranger: User,
        buy: Buy,
        hold: Buy,
        coach: factories.Trip,
        train: factories.Trip,
        noon: datetime,
    ) -> None:
        paid, held = buy(), hold(who=stranger, trip=coach)
        guest = selling.reserve("zoe@example.org", train.ticket_id(), now=noon - timedelta(days=1))

        def found(**query: Any) -> set[int]:
            answer = desk.get("/support/reservations", query)
            assert answer.status_code == 200, answer.content
            return {one["reservationID"] for one in answer.json()["results"]}

        assert found() == {paid.id, held.id, guest.id}
        assert found(status="Paid") == {paid.id}
        assert found(status="Reserved") == {held.id}
        assert found(status="Expired") == {guest.id}
        assert found(locator=paid.locator.lower()) == {paid.id}
        assert found(locator="AAAAAA") == set()
        assert found(userID=stranger.pk) == {held.id}
        assert found(email="Mallory@Example.org") == {held.id}
        assert found(email="zoe@example.org") == {guest.id}
        assert found(email="nobody@example.org") == set()
        assert found(reservationID=guest.id) == {guest.id}
        assert found(ticketID=train.ticket_id()) == {paid.id, guest.id}
        assert found(departureID=coach.departure.pk) == {held.id}
        assert found(createdTo="2026-05-31") == {guest.id}
        assert found(createdFrom="2026-06-01") == {paid.id, held.id}
        assert found(createdFrom="2026-05-31", createdTo="2026-06-01", status="Paid") == {paid.id}

    def test_an_ended_hold_is_expired_without_a_worker(
        self, desk: ApiClient, staff: User, hold: Buy, clock: Clock
    ) -> None:
        held = hold()
        clock.advance(minutes=10)

        found = desk.get("/support/reservations", {"status": "Expired"}).json()["results"]

        assert [one["reservationID"] for one in found] == [held.id]
        assert (found[0]["status"], found[0]["availableActions"]) == ("Expired", ["goodwill"])

    def test_the_newest_comes_first(self, desk: ApiClient, buy: Buy) -> None:
        ids = [buy().id for _ in range(3)]

        found = desk.get("/support/reservations").json()["results"]

        assert [one["reservationID"] for one in found] == ids[::-1]

    @pytest.mark.parametrize(
        "query",
        [
            {"status": "paid"},
            {"userID": "0"},
            {"email": "nobody"},
            {"createdFrom": "yesterday"},
            {"createdTo": "9999-12-31"},
            {"departureID": "9" * 30},
        ],
    )
    def test_refuses_filters_that_make_no_sense(
        self, desk: ApiClient, query: dict[str, str]
    ) -> None:
        answer = desk.get("/support/reservations", query)

        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input")
        assert set(answer.json()["errors"]) == set(query)

    def test_asks_no_more_for_more_reservations(self, desk: ApiClient, buy: Buy) -> None:
        buy()
        desk.get("/support/reservations")
        with CaptureQueriesContext(connection) as few:
            desk.get("/support/reservations")
        for _ in range(4):
            buy()
        with CaptureQueriesContext(connection) as many:
            assert desk.get("/support/reservations").json()["count"] == 5

        assert len(many) == len(few)


class TestCancel:
    def test_keeps_the_penalty_and_who_and_why(
        self, desk: ApiClient, staff: User, traveller: User, buy: Buy
    ) -> None:
        reservation = buy(2)

        answer = desk.post(
            "/support/reservations/cancel",
            {"ReservationID": reservation.id, "Reason": "Asked by phone."},
        )

        # Eighteen hours before, half of 2 x 45.00 is kept.
        assert answer.status_code == 200, answer.content
        body = answer.json()
        assert body["status"] == "Cancelled"
        assert body["penalty"] == {"amount": "45.00", "currency": "EUR"}
        assert body["refund"] == {"amount": "45.00", "currency": "EUR"}
        assert body["refundStatus"] == "done"
        assert money.balance(traveller.pk, "EUR") == Money(100_000 - 9_000 + 4_500, "EUR")
        assert not Claim.objects.exists()
        event = ReservationEvent.objects.get(kind="cancelled")
        assert (event.actor_kind, event.actor_id) == ("staff", staff.pk)
        assert event.reason == "Asked by phone."

    def test_waives_the_penalty(self, desk: ApiClient, traveller: User, buy: Buy) -> None:
        reservation = buy()

        answer = desk.post(
            "/support/reservations/cancel",
            {"reservationID": reservation.id, "waivePenalty": True, "reason": "Strike"},
        )

        assert answer.json()["penalty"]["amount"] == "0.00"
        assert answer.json()["refund"]["amount"] == "45.00"
        assert money.balance(traveller.pk, "EUR") == Money(100_000, "EUR")
        assert Cancellation.objects.get().penalty_waived

    def test_releases_a_hold(self, desk: ApiClient, hold: Buy) -> None:
        answer = desk.post("/support/reservations/cancel", {"ReservationID": hold().id})

        assert answer.status_code == 200
        assert (answer.json()["status"], answer.json()["refundStatus"]) == ("Cancelled", "")
        assert not Claim.objects.exists()

    def test_above_the_limit_the_money_waits(
        self, desk: ApiClient, traveller: User, buy: Buy, settings: Any
    ) -> None:
        settings.REFUND_APPROVAL_LIMIT = 4_499
        reservation = buy()

        answer = desk.post(
            "/support/reservations/cancel",
            {"ReservationID": reservation.id, "WaivePenalty": True},
        )

        assert answer.status_code == 202
        body = answer.json()
        assert (body["status"], body["refundStatus"]) == ("Cancelled", "pendingApproval")
        assert body["refund"]["amount"] == "45.00"
        assert not Claim.objects.exists()
        assert Refund.objects.get().state == "pendingApproval"
        assert money.balance(traveller.pk, "EUR") == Money(100_000 - 4_500, "EUR")

    def test_exactly_at_the_limit_nobody_waits(
        self, desk: ApiClient, buy: Buy, settings: Any
    ) -> None:
        settings.REFUND_APPROVAL_LIMIT = 4_500

        answer = desk.post(
            "/support/reservations/cancel", {"ReservationID": buy().id, "WaivePenalty": True}
        )

        assert (answer.status_code, answer.json()["refundStatus"]) == (200, "done")

    def test_a_passenger_never_waits(self, mine: ApiClient, buy: Buy, settings: Any) -> None:
        settings.REFUND_APPROVAL_LIMIT = 0

        answer = mine.post("/reservations/cancel", {"reservationID": buy().id})

        assert (answer.status_code, answer.json()["refundStatus"]) == (200, "done")

    def test_nobody_waives_an_own_penalty(self, desk: ApiClient, staff: User, buy: Buy) -> None:
        own = buy(who=staff)
        before = rows()

        answer = desk.post(
            "/support/reservations/cancel", {"ReservationID": own.id, "WaivePenalty": True}
        )

        assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")
        assert rows() == before

    @pytest.mark.parametrize(
        ("body", "status", "code"),
        [
            ({}, 400, "invalid_input"),
            ({"ReservationID": 999_999}, 404, "not_found"),
            ({"ReservationID": 1, "Reason": "x" * 301}, 400, "invalid_input"),
            ({"ReservationID": 1, "WaivePenalty": "perhaps"}, 400, "invalid_input"),
        ],
    )
    def test_refuses_and_changes_nothing(
        self, desk: ApiClient, buy: Buy, body: dict[str, Any], status: int, code: str
    ) -> None:
        reservation = buy()
        if body.get("ReservationID") == 1:
            body = body | {"ReservationID": reservation.id}
        before = rows()

        answer = desk.post("/support/reservations/cancel", body)

        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert rows() == before

    def test_a_second_time_is_refused(self, desk: ApiClient, buy: Buy) -> None:
        body = {"ReservationID": buy().id}
        desk.post("/support/reservations/cancel", body)
        before = rows()

        answer = desk.post("/support/reservations/cancel", body)

        assert (answer.status_code, answer.json()["code"]) == (409, "already_cancelled")
        assert rows() == before

    def test_the_same_key_cancels_once(self, desk: ApiClient, buy: Buy) -> None:
        body = {"ReservationID": buy().id}
        key = {"HTTP_IDEMPOTENCY_KEY": "desk-1"}

        first = desk.post("/support/reservations/cancel", body, **key)
        again = desk.post("/support/reservations/cancel", body, **key)

        assert first.content == again.content
        assert Cancellation.objects.count() == 1


class TestCancelledPayments:
    def test_shows_what_failed_and_what_came_back(
        self, desk: ApiClient, traveller: User, buy: Buy, hold: Buy, noon: datetime
    ) -> None:
        buy()
        refunded = buy()
        desk.post("/support/reservations/cancel", {"ReservationID": refunded.id})
        failed = hold()
        failed_payment = Payment.objects.create(
            reservation_id=failed.id,
            method="Bank Card",
            gateway="sandbox",
            state="failed",
            failure="expired_card",
            currency_id="EUR",
            amount_minor=4_500,
            created_at=noon + timedelta(days=1),
            finished_at=noon + timedelta(days=1),
        )

        def found(**query: Any) -> list[tuple[str, str]]:
            body = desk.get("/support/payments/cancelled", query).json()
            assert body["count"] == len(body["results"])
            return [(one["locator"], one["status"]) for one in body["results"]]

        assert found() == [(failed.locator, "failed"), (refunded.locator, "refunded")]
        assert found(status="failed") == [(failed.locator, "failed")]
        assert found(status="refunded") == [(refunded.locator, "refunded")]
        assert found(status="voided") == []
        assert found(paymentMethod="Wallet") == [(refunded.locator, "refunded")]
        assert found(locator=failed.locator) == [(failed.locator, "failed")]
        assert found(reservationID=refunded.id) == [(refunded.locator, "refunded")]
        assert found(userID=traveller.pk, createdFrom="2026-06-02") == [(failed.locator, "failed")]
        assert found(createdTo="2026-06-01") == [(refunded.locator, "refunded")]

        for page, locator in ((1, failed.locator), (2, refunded.locator)):
            query = {"page": page, "pageSize": 1}
            body = desk.get("/support/payments/cancelled", query).json()
            assert [one["locator"] for one in body["results"]] == [locator]
            assert body["count"] == 2

        one, other = desk.get("/support/payments/cancelled").json()["results"]
        assert (one["paymentID"], one["failure"]) == (failed_payment.pk, "expired_card")
        assert other["amount"] == {"amount": "45.00", "currency": "EUR"}
        # Half of 45.00 is kept eighteen hours before.
        assert other["refunds"][0]["amount"] == {"amount": "22.50", "currency": "EUR"}

    def test_asks_no_more_for_more_payments(self, desk: ApiClient, buy: Buy) -> None:
        def cancel_one() -> None:
            desk.post("/support/reservations/cancel", {"ReservationID": buy().id})

        cancel_one()
        with CaptureQueriesContext(connection) as few:
            desk.get("/support/payments/cancelled")
        for _ in range(3):
            cancel_one()
        with CaptureQueriesContext(connection) as many:
            assert desk.get("/support/payments/cancelled").json()["count"] == 4

        assert len(many) == len(few)


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
