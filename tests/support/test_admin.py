"""Finance approves refunds in the admin, by the service alone."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from accounts.models import User
from accounts.viewers import Viewer
from payments import selectors as money
from payments.models import Refund
from support import services
from tests.conftest import Clock
from travel.common.money import Money

from .conftest import Buy


@pytest.fixture(autouse=True)
def _audited(audited: None) -> None:
    """Every story ends with the audit."""


@pytest.fixture(autouse=True)
def _roles(staff: User, accountant: User, settings: Any, clock: Clock) -> None:
    """No second factor is asked for."""
    settings.STAFF_2FA = "optional"


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


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
