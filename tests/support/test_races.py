"""Several staff at once: one approval, one cancellation, and a thread that loses no word."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from accounts.models import User
from accounts.viewers import Viewer
from payments import selectors as money
from payments import services as payments
from payments.models import Cancellation, Refund
from support import services
from support.errors import MoveNotAllowed
from support.models import Report, ReportMessage
from support.selectors import ReportDetail
from tests import factories
from tests.faults.test_races import at_once, tally
from travel.common.models import OutboxMessage
from travel.common.money import Money

from .conftest import Buy, send

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _audited(transactional_db: None, audited: None) -> None:
    """Every story ends with the audit."""


@pytest.fixture
def colleagues(db: None) -> list[Viewer]:
    """Eight agents."""
    return [
        Viewer(
            user_id=factories.make_user(is_staff=True, roles=["support agent"]).pk,
            is_support=True,
        )
        for _ in range(8)
    ]


def test_eight_approve_and_the_money_goes_once(
    buy: Buy,
    agent: Viewer,
    colleagues: list[Viewer],
    traveller: User,
    settings: Any,
    noon: datetime,
) -> None:
    settings.REFUND_APPROVAL_LIMIT = 0
    services.cancel_reservation(
        viewer=agent, reservation_id=buy().id, waive_penalty=True, reason="", now=noon
    )
    refund = Refund.objects.get()

    results = at_once(
        [
            lambda who=who: payments.approve_refund(
                refund_id=refund.pk, approver_id=who.user_id, now=noon
            )
            for who in colleagues
        ]
    )

    assert tally(results) == {"done": 1, "not_awaiting_approval": 7}
    assert money.balance(traveller.pk, "EUR") == Money(100_000, "EUR")


def test_eight_cancel_and_the_money_goes_once(
    buy: Buy, colleagues: list[Viewer], traveller: User, noon: datetime
) -> None:
    reservation = buy()

    results = at_once(
        [
            lambda who=who: services.cancel_reservation(
                viewer=who,
                reservation_id=reservation.id,
                waive_penalty=True,
                reason="Strike",
                now=noon,
            )
            for who in colleagues
        ]
    )

    assert tally(results) == {"done": 1, "already_cancelled": 7}
    assert Cancellation.objects.count() == 1
    assert money.balance(traveller.pk, "EUR") == Money(100_000, "EUR")


def test_eight_answer_and_every_word_is_kept(
    report: ReportDetail, colleagues: list[Viewer], noon: datetime
) -> None:
    results = at_once(
        [
            lambda who=who, number=number: services.respond(
                viewer=who,
                report_id=report.id,
                answer=f"Answer {number}.",
                state="Reviewed",
                now=noon,
            )
            for number, who in enumerate(colleagues)
        ]
    )

    assert tally(results) == {"done": 8}
    # The passenger's words, eight answers, and the one move of the state.
    assert ReportMessage.objects.count() == 10
    assert ReportMessage.objects.filter(body="Pending → Reviewed").count() == 1
    assert OutboxMessage.objects.filter(kind="support.report_answered").count() == 8
    row = Report.objects.get()
    assert (
        row.assigned_to_id
        == ReportMessage.objects.filter(is_from_staff=True).earliest("id").author_id
    )


def test_eight_take_a_report_and_one_has_it(
    report: ReportDetail, colleagues: list[Viewer], noon: datetime
) -> None:
    results = at_once(
        [
            lambda who=who: services.take(viewer=who, report_id=report.id, now=noon)
            for who in colleagues
        ]
    )

    assert tally(results) == {"done": 1, "report_taken": 7}
    taken = ReportMessage.objects.get(event="taken")
    assert Report.objects.get().assigned_to_id == taken.author_id


def test_one_page_sent_eight_times_answers_once(
    report: ReportDetail, agent: Viewer, noon: datetime
) -> None:
    results = at_once(
        [
            lambda: services.respond(
                viewer=agent,
                report_id=report.id,
                answer="We are sorry.",
                state="Closed",
                once="token",
                now=noon,
            )
        ]
        * 8
    )

    assert tally(results) == {"done": 8}
    assert ReportMessage.objects.filter(body="We are sorry.").count() == 1
    assert OutboxMessage.objects.filter(kind="support.report_answered").count() == 1


def test_merging_in_a_ring_while_the_passenger_writes_makes_no_circle(
    buy: Buy, me: Viewer, colleagues: list[Viewer], noon: datetime
) -> None:
    booked = buy()
    ring = [send(booked, me, noon, text=f"{number}.") for number in range(4)]

    def merge(number: int) -> ReportDetail:
        into = ring[(number + 1) % 4]
        return services.merge(
            viewer=colleagues[number], report_id=ring[number].id, into_id=into.id, now=noon
        )

    def write(number: int) -> ReportDetail:
        return services.add_message(viewer=me, report_id=ring[number].id, text="And?", now=noon)

    results = at_once(
        [lambda number=number: merge(number) for number in range(4)]
        + [lambda number=number: write(number) for number in range(4)]
    )

    words = tally(results)
    # A ring of four is cut at one report at least; nothing that was written is lost.
    assert words["done"] < 8
    assert set(words) <= {"done", "report_merged", "move_not_allowed"}
    assert ReportMessage.objects.filter(body="And?").count() == 4
    into = dict(Report.objects.values_list("id", "merged_into"))
    ends = [one for one, other in into.items() if other is None]
    assert ends
    assert {other for other in into.values() if other is not None} <= set(ends)
    assert all(Report.objects.get(pk=one).due_at is not None for one in ends)


def answer(report: ReportDetail, viewer: Viewer, now: datetime) -> None:
    services.respond(
        viewer=viewer, report_id=report.id, answer="We are sorry.", state="Reviewed", now=now
    )


def test_eight_workers_close_an_answered_report_once(
    buy: Buy, me: Viewer, agent: Viewer, noon: datetime
) -> None:
    booked = buy()
    sent = [send(booked, me, noon, text=f"{number}.") for number in range(4)]
    for one in sent:
        answer(one, agent, noon)
    late = noon + timedelta(days=20)

    def work() -> int:
        """As the task does: look what is due, then close one after the other."""
        due = services.due_to_close(now=late, limit=9)
        return sum(services.close_lapsed(report_id=one, now=late) for one in due)

    assert sum(at_once([work] * 8)) == 4

    for one in sent:
        thread = ReportMessage.objects.filter(report=one.id)
        assert thread.filter(event="lapsed").count() == 1
    assert OutboxMessage.objects.filter(kind="support.report_lapsed").count() == 4
    assert set(Report.objects.values_list("state", "closed_at")) == {("Closed", late)}


def test_workers_close_while_the_passenger_and_staff_write(
    buy: Buy, me: Viewer, colleagues: list[Viewer], noon: datetime
) -> None:
    """Whoever comes first: no word is lost, and whoever wrote last waits for an answer."""
    booked = buy()
    late = noon + timedelta(days=14)
    sent = [send(booked, me, noon, text=f"{number}.") for number in range(4)]
    for one in sent:
        answer(one, colleagues[0], noon)
    asked, answered = sent[:2], sent[2:]

    results = at_once(
        [lambda one=one: services.close_lapsed(report_id=one.id, now=late) for one in sent]
        + [
            lambda one=one: services.add_message(viewer=me, report_id=one.id, text="And?", now=late)
            for one in asked
        ]
        + [lambda one=one: answer(one, colleagues[1], late) for one in answered]
    )

    assert set(tally(results)) <= {"done", "move_not_allowed"}
    for one, closed, written in zip(sent, results[:4], results[4:], strict=True):
        row = Report.objects.get(pk=one.id)
        mails = OutboxMessage.objects.filter(
            kind="support.report_lapsed", body__contains=f"report {one.id} "
        )
        # Told of as often as it was closed, and never closed under a word that came before.
        assert mails.count() == closed
        if one in asked:
            assert (row.state, row.due_at) == ("Pending", late + timedelta(days=2))
        elif closed:
            assert isinstance(written, MoveNotAllowed)
            assert row.state == "Closed"
        else:
            assert (row.state, row.closes_at) == ("Reviewed", late + timedelta(days=14))
    assert ReportMessage.objects.filter(body="And?").count() == 2
