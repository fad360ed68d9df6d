"""Staff answer reports and approve refunds in the admin, by the services alone."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission
from django.test import Client
from django.urls import reverse

from accounts.models import User
from accounts.viewers import Viewer
from payments import selectors as money
from payments.models import Refund
from support import services
from support.models import Report, ReportMessage
from support.selectors import ReportDetail
from tests.conftest import Clock
from travel.common.models import OutboxMessage
from travel.common.money import Money

from .conftest import Buy


@pytest.fixture(autouse=True)
def _audited(audited: None) -> None:
    """Every story ends with the audit."""


@pytest.fixture(autouse=True)
def _roles(staff: User, accountant: User, settings: Any, clock: Clock) -> None:
    """Both roles look at reports and refunds; no second factor is asked for."""
    settings.STAFF_2FA = "optional"
    for name in ("support agent", "finance"):
        Group.objects.get(name=name).permissions.set(
            Permission.objects.filter(codename__in=["view_report", "view_refund"])
        )


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def page(report: ReportDetail, name: str = "respond") -> str:
    return reverse(f"admin:support_report_{name}", args=[report.id])


class TestAnswer:
    def test_the_reports_page_leads_to_it(self, staff: User, report: ReportDetail) -> None:
        text = browser(staff).get(page(report, "change")).content.decode()

        assert page(report) in text

    def test_answers(self, staff: User, report: ReportDetail) -> None:
        client = browser(staff)
        assert "The socket was dead." in client.get(page(report)).content.decode()

        sent = client.post(page(report), {"answer": "We are sorry.", "state": "Reviewed"})

        assert sent.status_code == 302
        row = Report.objects.get()
        assert (row.state, row.assigned_to) == ("Reviewed", staff)
        assert OutboxMessage.objects.filter(kind="support.report_answered").count() == 1
        assert LogEntry.objects.get().user == staff

    def test_notes(self, staff: User, report: ReportDetail) -> None:
        browser(staff).post(
            page(report), {"answer": "Again.", "state": "In Progress", "is_internal": "on"}
        )

        assert ReportMessage.objects.filter(body="Again.", is_internal=True).exists()
        assert not OutboxMessage.objects.filter(kind="support.report_answered").exists()

    @pytest.mark.parametrize(
        "data",
        [
            {"answer": "", "state": "Reviewed"},
            {"answer": "x" * 5_001, "state": "Reviewed"},
            {"answer": "a\u202eb", "state": "Reviewed"},
            {"answer": "Yes.", "state": "Lost"},
        ],
    )
    def test_says_what_is_wrong(
        self, staff: User, report: ReportDetail, data: dict[str, str]
    ) -> None:
        answer = browser(staff).post(page(report), data)

        assert answer.status_code == 200
        assert answer.context["form"].errors
        assert ReportMessage.objects.count() == 1

    def test_offers_only_the_states_ahead(
        self, staff: User, report: ReportDetail, agent: Viewer, noon: datetime
    ) -> None:
        services.respond(
            viewer=agent, report_id=report.id, answer="Done.", state="Closed", now=noon
        )

        form = browser(staff).get(page(report)).context["form"]

        assert [value for value, _word in form.fields["state"].choices] == [
            "In Progress",
            "Closed",
        ]

    def test_is_not_for_finance(self, accountant: User, report: ReportDetail) -> None:
        client = browser(accountant)

        assert page(report) not in client.get(page(report, "change")).content.decode()
        assert client.get(page(report)).status_code == 403
        data = {"answer": "Yes.", "state": "Reviewed"}
        assert client.post(page(report), data).status_code == 403
        assert ReportMessage.objects.count() == 1

    def test_an_unknown_report_is_said_so(self, staff: User) -> None:
        address = reverse("admin:support_report_respond", args=[999])

        assert browser(staff).get(address).status_code == 302


class TestApprove:
    @pytest.fixture
    def waiting(self, buy: Buy, agent: Viewer, settings: Any, noon: datetime) -> Refund:
        """45.00 EUR that the agent gave back above the limit."""
        settings.REFUND_APPROVAL_LIMIT = 4_499
        services.cancel_reservation(
            viewer=agent, reservation_id=buy().id, waive_penalty=True, reason="Strike", now=noon
        )
        return Refund.objects.get()

    def address(self, refund: Refund, name: str = "approve") -> str:
        return reverse(f"admin:payments_refund_{name}", args=[refund.pk])

    def test_finance_approves_with_a_button(
        self, accountant: User, traveller: User, waiting: Refund
    ) -> None:
        client = browser(accountant)
        text = client.get(self.address(waiting, "change")).content.decode()
        assert self.address(waiting) in text

        answer = client.post(self.address(waiting))

        assert answer.status_code == 302
        waiting.refresh_from_db()
        assert waiting.state == "done"
        assert money.balance(traveller.pk, "EUR") == Money(100_000, "EUR")
        again = client.get(self.address(waiting, "change")).content.decode()
        assert self.address(waiting) not in again
        assert LogEntry.objects.get().user == accountant

    def test_a_link_alone_approves_nothing(self, accountant: User, waiting: Refund) -> None:
        assert browser(accountant).get(self.address(waiting)).status_code == 405
        waiting.refresh_from_db()
        assert waiting.state == "pendingApproval"

    def test_who_cancelled_does_not(self, staff: User, waiting: Refund) -> None:
        client = browser(staff)

        assert (
            self.address(waiting)
            not in client.get(self.address(waiting, "change")).content.decode()
        )
        assert client.post(self.address(waiting)).status_code == 403

    def test_not_even_with_the_role(self, staff: User, waiting: Refund) -> None:
        staff.groups.add(Group.objects.get(name="finance"))

        answer = browser(staff).post(self.address(waiting), follow=True)

        assert "Somebody else has to approve this refund." in answer.content.decode()
        waiting.refresh_from_db()
        assert waiting.state == "pendingApproval"
