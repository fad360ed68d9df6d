"""Queues of money in the admin: refunds to decide on and to help, alarms, differences, goodwill."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from accounts.models import User
from accounts.viewers import Viewer
from bookings import services as booking
from payments import selectors, services
from payments.models import Difference, Goodwill, MoneyAlarm, ReconciliationRun, Refund
from payments.services import goodwill
from support import services as help_desk
from tests import factories
from travel.common.money import Money


@pytest.fixture
def boss(db: None) -> User:
    """A colleague of finance with the rights to look."""
    return factories.make_user(
        email="fay@office.example", is_staff=True, is_superuser=True, roles=["finance"]
    )


@pytest.fixture
def queue(boss: User, client: Client, settings: Any, clock: Any) -> Client:
    settings.STAFF_2FA = "optional"
    client.force_login(boss)
    return client


@pytest.fixture
def waiting(
    traveller: User, train: factories.Trip, staff: User, settings: Any, noon: Any
) -> Refund:
    """45.00 EUR to the traveller's wallet, half of it waived, above a limit of nothing."""
    settings.REFUND_APPROVAL_LIMIT = 0
    services.open_with(user_id=traveller.pk, amount=Money(5_000, "EUR"), now=noon)
    held = booking.reserve(
        holder=booking.Holder(user_id=traveller.pk, email="ada@example.org"),
        ticket_ids=[train.ticket_id()],
        passengers=[booking.PassengerDetails("Ada", "Lovelace", "adult")],
        now=noon,
    ).reservation
    me = Viewer(user_id=traveller.pk)
    services.pay(viewer=me, reservation_id=held.id, method="Wallet", token=None, now=noon)
    help_desk.cancel_reservation(
        viewer=Viewer(user_id=staff.pk, is_support=True),
        reservation_id=held.id,
        reason="strike",
        waive_penalty=True,
        now=noon,
    )
    return Refund.objects.get()


def page_of(row: Any, name: str = "change") -> str:
    return reverse(f"admin:payments_{row._meta.model_name}_{name}", args=[row.pk])


def list_of(row: Any) -> str:
    return reverse(f"admin:payments_{row._meta.model_name}_changelist")


def wallet(user: User) -> int:
    return selectors.balance(user.pk, "EUR").minor


class TestRefunds:
    def test_offers_what_the_state_allows(self, queue: Client, waiting: Refund) -> None:
        offered = {
            "pendingApproval": {"approve", "reject"},
            "queued": set(),
            "failed": {"retry", "to-wallet"},
        }
        for state, names in offered.items():
            Refund.objects.update(state=state)
            text = queue.get(page_of(waiting)).content.decode()
            for name in ("approve", "reject", "retry", "to-wallet"):
                assert (page_of(waiting, name) in text) is (name in names), (state, name)

    def test_what_the_rules_give_is_not_offered_to_reject(
        self, queue: Client, waiting: Refund
    ) -> None:
        waiting.cancellation.coupons.update(waived_minor=0)
        assert page_of(waiting, "reject") not in queue.get(page_of(waiting)).content.decode()

    def test_rejecting_wants_a_note(
        self, queue: Client, waiting: Refund, traveller: User, boss: User
    ) -> None:
        for note in ({}, {"note": " "}, {"note": "\u202e"}):
            queue.post(page_of(waiting, "reject"), note)
            waiting.refresh_from_db()
            assert waiting.state == "pendingApproval"

        answer = queue.post(page_of(waiting, "reject"), {"note": "No strike that day."})

        assert answer["Location"] == page_of(waiting)
        waiting.refresh_from_db()
        assert (waiting.state, waiting.note) == ("rejected", "No strike that day.")
        assert wallet(traveller) == 5_000 - 4_500 + 2_250
        entry = LogEntry.objects.get()
        assert (entry.user, entry.act.reason) == (boss, "No strike that day.")

    def test_several_are_approved_from_the_list(
        self, queue: Client, waiting: Refund, traveller: User
    ) -> None:
        text = queue.get(list_of(waiting) + "?state__exact=pendingApproval").content.decode()
        assert "Approve the refund" in text
        assert "Reject" not in text.split("<select", 1)[-1].split("</select>", 1)[0]

        queue.post(list_of(waiting), {"action": "approve", "_selected_action": [str(waiting.pk)]})

        waiting.refresh_from_db()
        assert (waiting.state, wallet(traveller)) == ("done", 5_000)

    def test_what_failed_is_tried_again(self, queue: Client, waiting: Refund) -> None:
        Refund.objects.update(state="failed", attempts=12)

        queue.post(page_of(waiting, "retry"))

        waiting.refresh_from_db()
        assert (waiting.state, waiting.attempts) == ("queued", 0)
        assert queue.post(page_of(waiting, "retry"), follow=True).status_code == 200
        assert LogEntry.objects.count() == 1

    @pytest.mark.parametrize("name", ["approve", "reject", "retry", "to-wallet"])
    def test_a_link_alone_does_nothing(self, queue: Client, waiting: Refund, name: str) -> None:
        assert queue.get(page_of(waiting, name)).status_code == 405

    @pytest.mark.parametrize("name", ["approve", "reject", "retry", "to-wallet"])
    def test_needs_the_role(
        self, queue: Client, staff: User, client: Client, waiting: Refund, name: str
    ) -> None:
        agent = factories.make_user(is_staff=True, roles=["support agent"])
        client.force_login(agent)

        assert client.post(page_of(waiting, name), {"note": "x"}).status_code == 403
        listed = client.post(
            list_of(waiting), {"action": name, "_selected_action": [str(waiting.pk)]}
        )
        waiting.refresh_from_db()
        assert waiting.state == "pendingApproval"
        # No such button for an agent: the list comes back as it is.
        assert listed.status_code == 200

    def test_an_unknown_one_is_said_so(self, queue: Client) -> None:
        for key in ("999", "x", "9" * 30):
            address = reverse("admin:payments_refund_approve", args=[key])
            assert queue.post(address).status_code == 302


class TestDifferencesAndAlarms:
    @pytest.fixture(params=["difference", "alarm"])
    def row(self, request: pytest.FixtureRequest, db: None, noon: Any) -> Any:
        if request.param == "alarm":
            return MoneyAlarm.objects.create(kind="paid_late", reference="x", opened_at=noon)
        run = ReconciliationRun.objects.create(
            gateway="sandbox", since=noon.replace(hour=1), until=noon, started_at=noon
        )
        return Difference.objects.create(
            reference="sandbox:payment-7:amount",
            kind="amount",
            first_run=run,
            last_run=run,
            ledger_minor=4_500,
            ledger_currency_id="EUR",
            provider_minor=4_400,
            provider_currency_id="EUR",
        )

    def test_are_closed_with_a_note(self, queue: Client, row: Any, boss: User, noon: Any) -> None:
        assert page_of(row, "close") in queue.get(page_of(row)).content.decode()
        queue.post(page_of(row, "close"), {"note": ""})
        row.refresh_from_db()
        assert row.closed_at is None

        queue.post(page_of(row, "close"), {"note": "A test charge."})

        row.refresh_from_db()
        assert (row.closed_at, row.closed_by, row.note) == (noon, boss, "A test charge.")
        assert page_of(row, "close") not in queue.get(page_of(row)).content.decode()
        queue.post(page_of(row, "close"), {"note": "Again."})
        row.refresh_from_db()
        assert row.note == "A test charge."

    def test_the_list_shows_both_sides(self, queue: Client, row: Any) -> None:
        text = queue.get(list_of(row)).content.decode()
        if isinstance(row, Difference):
            assert "€45.00" in text
            assert "€44.00" in text


def test_goodwill_is_decided_by_a_second_person(
    queue: Client, traveller: User, staff: User, settings: Any, noon: Any
) -> None:
    settings.REFUND_APPROVAL_LIMIT = 0
    for _ in range(2):
        goodwill.give(
            user_id=traveller.pk,
            amount=Money(500, "EUR"),
            reason_code="goodwill",
            note="A long wait.",
            actor_id=staff.pk,
            now=noon,
        )
    first, second = Goodwill.objects.order_by("id")

    queue.post(page_of(first, "approve"))
    queue.post(page_of(second, "reject"))

    assert list(Goodwill.objects.order_by("id").values_list("state", flat=True)) == [
        *("done", "rejected"),
    ]
    assert wallet(traveller) == 500
