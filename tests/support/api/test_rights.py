"""Who comes in at the help desk's endpoints."""

from __future__ import annotations

from typing import Any

import pytest
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts.models import User
from support.selectors import ReportDetail
from tests import factories
from tests.conftest import ApiClient

from .conftest import answer_to, rows

DESK = [
    ("GET", "/support/admin/reports"),
    ("POST", "/support/admin/reports/respond"),
    ("GET", "/support/reservations"),
    ("POST", "/support/reservations/cancel"),
    ("GET", "/support/payments/cancelled"),
]


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
