"""The help desk's rules: where a report goes, how much is written, and who approves money."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import product
from typing import Any

import pytest

from accounts.models import User
from accounts.viewers import Viewer
from bookings.models import ReservationEvent
from payments import selectors as money
from payments import services as payments
from payments.errors import NotAwaitingApproval
from payments.models import Refund
from payments.tasks import settle_due
from support import selectors, services
from support.errors import MoveNotAllowed, TooManyMessages, TooManyReports
from support.models import Report, ReportMessage
from support.selectors import ReportDetail
from support.tasks import send_messages
from tests import factories
from tests.conftest import Clock
from travel.common.errors import InvalidInput, NotAllowed, NotFound
from travel.common.models import OutboxMessage
from travel.common.money import Money

from .conftest import Buy, send

STATES = ["Pending", "In Progress", "Reviewed", "Closed"]
# Every move that staff may make, written down by hand; staying is no move and always allowed.
ALLOWED = {
    ("Pending", "In Progress"),
    ("Pending", "Reviewed"),
    ("Pending", "Closed"),
    ("In Progress", "Reviewed"),
    ("In Progress", "Closed"),
    ("Reviewed", "In Progress"),
    ("Reviewed", "Closed"),
    ("Closed", "In Progress"),
}


@pytest.fixture(autouse=True)
def _audited(audited: None) -> None:
    """Every story ends with the audit."""


def respond(report: ReportDetail, agent: Viewer, now: datetime, **details: Any) -> ReportDetail:
    return services.respond(
        viewer=agent,
        report_id=report.id,
        now=now,
        **{"answer": "We are sorry.", "state": "Reviewed", **details},
    )


def put_into(report: ReportDetail, state: str, now: datetime) -> None:
    row = Report.objects.get(pk=report.id)
    row.state = state
    if state == "Closed":
        row.closed_at, row.waiting_since, row.due_at = now, None, None
    row.save()


class TestMoves:
    @pytest.mark.parametrize(("old", "new"), list(product(STATES, STATES)))
    def test_go_along_the_graph_alone(
        self, report: ReportDetail, agent: Viewer, noon: datetime, old: str, new: str
    ) -> None:
        put_into(report, old, noon)
        before = list(ReportMessage.objects.values_list())

        if old == new or (old, new) in ALLOWED:
            moved = respond(report, agent, noon, state=new)
            assert moved.state == Report.objects.get().state == new
        else:
            with pytest.raises(MoveNotAllowed):
                respond(report, agent, noon, state=new)
            assert Report.objects.get().state == old
            assert list(ReportMessage.objects.values_list()) == before

    def test_closing_and_reopening_keep_the_time(
        self, report: ReportDetail, agent: Viewer, noon: datetime
    ) -> None:
        later = noon + timedelta(hours=1)

        assert respond(report, agent, noon, state="Closed").closed_at == noon
        again = respond(report, agent, later, state="In Progress")

        assert (again.closed_at, again.answered_at) == (None, later)

    def test_each_move_names_who_made_it(
        self, report: ReportDetail, agent: Viewer, noon: datetime
    ) -> None:
        respond(report, agent, noon, state="In Progress")

        note = ReportMessage.objects.order_by("id").last()
        assert (note.body, note.author_id, note.is_internal) == (
            "Pending → In Progress",
            agent.user_id,
            True,
        )

    def test_an_unknown_state_is_invalid(
        self, report: ReportDetail, agent: Viewer, noon: datetime
    ) -> None:
        with pytest.raises(InvalidInput):
            respond(report, agent, noon, state="Lost")


class TestRespond:
    def test_the_first_to_answer_keeps_it(
        self, report: ReportDetail, agent: Viewer, noon: datetime
    ) -> None:
        other = factories.make_user(is_staff=True, first_name="Uma", roles=["support agent"])

        respond(report, agent, noon)
        respond(report, Viewer(user_id=other.pk, is_support=True), noon)

        assert Report.objects.get().assigned_to_id == agent.user_id

    def test_is_for_staff(self, report: ReportDetail, me: Viewer, noon: datetime) -> None:
        with pytest.raises(NotAllowed):
            respond(report, me, noon)

        assert ReportMessage.objects.count() == 1

    @pytest.mark.parametrize("text", ["", "x" * 5_001])
    def test_text_has_bounds(
        self, report: ReportDetail, agent: Viewer, noon: datetime, text: str
    ) -> None:
        with pytest.raises(InvalidInput):
            respond(report, agent, noon, answer=text)

    def test_goes_to_the_reservations_contact_when_the_account_has_no_address(
        self, report: ReportDetail, agent: Viewer, traveller: User, noon: datetime
    ) -> None:
        traveller.email, traveller.email_verified_at = None, None
        traveller.phone = "+4915112345678"
        traveller.save()

        respond(report, agent, noon)

        letter = OutboxMessage.objects.get(kind="support.report_answered")
        # The address that was left with the reservation.
        assert letter.recipient == "ada@example.org"


class TestLimits:
    def test_twenty_reports_may_be_open(
        self, buy: Buy, me: Viewer, noon: datetime, report: ReportDetail
    ) -> None:
        first = Report.objects.get()
        Report.objects.bulk_create(
            Report(
                reservation_id=first.reservation_id,
                ticket_id=first.ticket_id,
                user_id=first.user_id,
                category="Other",
                created_at=noon,
            )
            for _ in range(18)
        )
        reservation = buy()

        send(reservation, me, noon)
        with pytest.raises(TooManyReports):
            send(reservation, me, noon)
        assert Report.objects.count() == 20
        services.close_report(viewer=me, report_id=report.id, now=noon)
        send(reservation, me, noon)

    def test_ten_messages_wait_for_an_answer(
        self, report: ReportDetail, me: Viewer, agent: Viewer, noon: datetime
    ) -> None:
        def write() -> None:
            services.add_message(viewer=me, report_id=report.id, text="Hello?", now=noon)

        # The report itself is the first of the ten.
        for _ in range(9):
            write()
        with pytest.raises(TooManyMessages):
            write()
        assert ReportMessage.objects.count() == 10

        respond(report, agent, noon, is_internal=True, state="In Progress")
        with pytest.raises(TooManyMessages):
            write()
        respond(report, agent, noon)
        write()


class TestWhoseItIs:
    def test_a_guest_reports_nothing(self, report: ReportDetail, noon: datetime) -> None:
        with pytest.raises(NotFound):
            services.submit_report(
                viewer=Viewer(),
                reservation_id=report.reservation_id,
                ticket_id=report.ticket.id,
                category="Other",
                text="Hi",
                now=noon,
            )

    def test_staff_report_nothing_on_a_passengers_reservation(
        self, report: ReportDetail, agent: Viewer, noon: datetime
    ) -> None:
        with pytest.raises(NotFound):
            services.submit_report(
                viewer=agent,
                reservation_id=report.reservation_id,
                ticket_id=report.ticket.id,
                category="Other",
                text="Hi",
                now=noon,
            )
        assert Report.objects.count() == 1

    def test_being_staff_opens_nobodys_report_to_write_as_a_passenger(
        self, report: ReportDetail, agent: Viewer, noon: datetime
    ) -> None:
        with pytest.raises(NotFound):
            services.add_message(viewer=agent, report_id=report.id, text="Hi", now=noon)
        with pytest.raises(NotFound):
            services.close_report(viewer=agent, report_id=report.id, now=noon)

    def test_a_passenger_never_reads_notes(
        self, report: ReportDetail, me: Viewer, agent: Viewer, noon: datetime
    ) -> None:
        respond(report, agent, noon, answer="A note.", is_internal=True, state="In Progress")

        seen = selectors.get_report(viewer=me, report_id=report.id)

        assert [one.body for one in seen.messages] == ["The socket was dead."]
        assert seen.answer is None


class TestMessages:
    def test_are_delivered_by_the_task(
        self, report: ReportDetail, agent: Viewer, clock: Clock, mailoutbox: list[Any]
    ) -> None:
        respond(report, agent, clock.now(), answer="Zwei <b>Zeilen</b> &\nfür Ada.")

        assert send_messages() == 2

        received, answered = mailoutbox
        assert received.subject.startswith("We have your report: ")
        assert answered.to == ["ada@example.org"]
        assert "Zwei <b>Zeilen</b> &\nfür Ada." in answered.body
        assert f"/help/{report.id}/" in answered.body
        assert send_messages() == 0


class TestApproveRefund:
    @pytest.fixture
    def waiting(self, buy: Buy, agent: Viewer, settings: Any, noon: datetime) -> Refund:
        """45.00 EUR that staff gave back to a wallet, above the limit of 44.99."""
        settings.REFUND_APPROVAL_LIMIT = 4_499
        self.cancel(buy(), agent, noon)
        return Refund.objects.get()

    def cancel(self, reservation: Any, agent: Viewer, now: datetime) -> None:
        done = services.cancel_reservation(
            viewer=agent,
            reservation_id=reservation.id,
            waive_penalty=True,
            reason="Strike",
            now=now,
        )
        assert done.refund_state == "pendingApproval"

    def test_a_wallet_has_it_at_once(
        self, waiting: Refund, accountant: User, traveller: User, noon: datetime
    ) -> None:
        assert money.balance(traveller.pk, "EUR") == Money(95_500, "EUR")

        state = payments.approve_refund(refund_id=waiting.pk, approver_id=accountant.pk, now=noon)

        assert state == "done"
        assert money.balance(traveller.pk, "EUR") == Money(100_000, "EUR")
        event = ReservationEvent.objects.get(kind="refund_approved")
        assert (event.actor_kind, event.actor_id) == ("staff", accountant.pk)
        assert event.details == {"refund": waiting.pk, "amount": "45.00", "currency": "EUR"}

    def test_a_card_gets_it_from_the_worker_and_not_before(
        self,
        buy: Buy,
        agent: Viewer,
        accountant: User,
        settings: Any,
        clock: Clock,
        noon: datetime,
    ) -> None:
        settings.REFUND_APPROVAL_LIMIT = 4_499
        self.cancel(buy(method="Bank Card"), agent, noon)
        settle_due()
        refund = Refund.objects.get()
        assert refund.state == "pendingApproval"

        approved = payments.approve_refund(refund_id=refund.pk, approver_id=accountant.pk, now=noon)
        settle_due()

        refund.refresh_from_db()
        assert (approved, refund.state) == ("queued", "done")

    def test_not_by_who_cancelled(self, waiting: Refund, staff: User, noon: datetime) -> None:
        with pytest.raises(NotAllowed):
            payments.approve_refund(refund_id=waiting.pk, approver_id=staff.pk, now=noon)

        waiting.refresh_from_db()
        assert waiting.state == "pendingApproval"
        assert not ReservationEvent.objects.filter(kind="refund_approved").exists()

    def test_not_by_who_gets_it(self, waiting: Refund, traveller: User, noon: datetime) -> None:
        with pytest.raises(NotAllowed):
            payments.approve_refund(refund_id=waiting.pk, approver_id=traveller.pk, now=noon)

    def test_not_twice(
        self, waiting: Refund, accountant: User, traveller: User, noon: datetime
    ) -> None:
        payments.approve_refund(refund_id=waiting.pk, approver_id=accountant.pk, now=noon)

        with pytest.raises(NotAwaitingApproval):
            payments.approve_refund(refund_id=waiting.pk, approver_id=accountant.pk, now=noon)
        assert money.balance(traveller.pk, "EUR") == Money(100_000, "EUR")

    def test_an_unknown_one_is_not_there(self, accountant: User, noon: datetime) -> None:
        with pytest.raises(NotFound):
            payments.approve_refund(refund_id=999, approver_id=accountant.pk, now=noon)
