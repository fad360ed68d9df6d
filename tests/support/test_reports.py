"""Reports at the desk: what is owed and when, who has one, merging, and pages sent twice."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, transaction

from accounts.models import User
from accounts.viewers import Viewer
from support import audit, reports, selectors, services
from support.errors import (
    MoveNotAllowed,
    ReportChanged,
    ReportClosed,
    ReportMerged,
    ReportTaken,
)
from support.models import CannedReply, Report, ReportMessage
from support.selectors import ReportDetail
from support.services import privacy
from tests import factories
from travel.common.errors import InvalidInput, NotAllowed, NotFound
from travel.common.models import OutboxMessage

from .conftest import Buy, send

# Written down by hand: so long staff have for an answer.
HOURS = {
    "Payment Issue": 48,
    "Travel Delay": 48,
    "Unexpected Cancellation": 24,
    "Seat Or Equipment": 48,
    "Accessibility": 4,
    "Other": 72,
}
ASTRAY = "report_merged_astray"
HOUR = timedelta(hours=1)
TICK = timedelta(microseconds=1)


@pytest.fixture(autouse=True)
def _audited(audited: None) -> None:
    """Every story ends with the audit."""


@pytest.fixture
def uma(db: None) -> Viewer:
    """Another agent."""
    user = factories.make_user(
        is_staff=True, first_name="Uma", last_name="Ray", roles=["support agent"]
    )
    return Viewer(user_id=user.pk, is_support=True)


@pytest.fixture
def two(buy: Buy, me: Viewer, noon: datetime) -> list[ReportDetail]:
    """The same socket, reported twice: at noon, and an hour later as a delay."""
    booked = buy()
    return [
        send(booked, me, noon),
        send(booked, me, noon + HOUR, category="Unexpected Cancellation", text="Well?"),
    ]


def respond(report: ReportDetail, agent: Viewer, now: datetime, **details: Any) -> ReportDetail:
    return services.respond(
        viewer=agent,
        report_id=report.id,
        now=now,
        **{"answer": "We are sorry.", "state": "Reviewed", **details},
    )


def write(report: ReportDetail, me: Viewer, now: datetime, text: str = "Hello?") -> ReportDetail:
    return services.add_message(viewer=me, report_id=report.id, text=text, now=now)


def owed(report: ReportDetail) -> tuple[datetime | None, datetime | None]:
    row = Report.objects.get(pk=report.id)
    return row.waiting_since, row.due_at


def told(report: ReportDetail) -> list[tuple[str, str]]:
    """What staff did to a report, in order."""
    rows = ReportMessage.objects.filter(report=report.id).exclude(event="").order_by("id")
    return list(rows.values_list("event", "body"))


def everything() -> list[Any]:
    """All rows of reports, so that "nothing changed" means nothing."""
    return [list(model.objects.order_by("pk").values_list()) for model in (Report, ReportMessage)]


class TestOwing:
    @pytest.mark.parametrize("category", list(HOURS))
    def test_an_answer_is_due_by_the_category(
        self, buy: Buy, me: Viewer, noon: datetime, category: str
    ) -> None:
        report = send(buy(), me, noon, category=category)

        assert owed(report) == (noon, noon + HOUR * HOURS[category])

    def test_further_messages_do_not_put_it_off(
        self, report: ReportDetail, me: Viewer, noon: datetime
    ) -> None:
        write(report, me, noon + HOUR)

        assert owed(report) == (noon, noon + 48 * HOUR)

    def test_an_answer_settles_it_and_a_new_message_begins_anew(
        self, report: ReportDetail, me: Viewer, agent: Viewer, noon: datetime
    ) -> None:
        respond(report, agent, noon + HOUR)
        assert owed(report) == (None, None)

        write(report, me, noon + 5 * HOUR)
        write(report, me, noon + 6 * HOUR)

        assert owed(report) == (noon + 5 * HOUR, noon + 53 * HOUR)

    def test_an_answer_that_says_more_will_follow_settles_it_too(
        self, report: ReportDetail, me: Viewer, agent: Viewer, noon: datetime
    ) -> None:
        respond(report, agent, noon + HOUR, state="In Progress")
        assert owed(report) == (None, None)

        again = write(report, me, noon + 2 * HOUR)

        assert (again.state, *owed(report)) == ("In Progress", noon + 2 * HOUR, noon + 50 * HOUR)

    @pytest.mark.parametrize("state", ["Pending", "In Progress", "Reviewed"])
    def test_a_note_settles_nothing(
        self, report: ReportDetail, agent: Viewer, noon: datetime, state: str
    ) -> None:
        respond(report, agent, noon + HOUR, is_internal=True, state=state)

        assert owed(report) == (noon, noon + 48 * HOUR)

    @pytest.mark.parametrize("by", ["passenger", "staff", "answer", "note"])
    def test_closing_settles_it(
        self, report: ReportDetail, me: Viewer, agent: Viewer, noon: datetime, by: str
    ) -> None:
        if by == "passenger":
            services.close_report(viewer=me, report_id=report.id, now=noon)
        elif by == "staff":
            services.close(viewer=agent, report_id=report.id, now=noon)
        else:
            respond(report, agent, noon, state="Closed", is_internal=by == "note")

        assert owed(report) == (None, None)
        assert Report.objects.get().closed_at == noon

    def test_reopening_owes_one_from_then_on(
        self, report: ReportDetail, agent: Viewer, noon: datetime
    ) -> None:
        services.close(viewer=agent, report_id=report.id, now=noon)

        again = services.reopen(viewer=agent, report_id=report.id, now=noon + HOUR)

        assert (again.state, again.closed_at) == ("In Progress", None)
        assert owed(report) == (noon + HOUR, noon + 49 * HOUR)
        assert told(report) == [
            ("moved", "Pending → Closed"),
            ("moved", "Closed → In Progress"),
        ]

    def test_reopening_with_a_note_owes_one_and_with_an_answer_none(
        self, report: ReportDetail, agent: Viewer, noon: datetime
    ) -> None:
        respond(report, agent, noon, state="Closed")
        respond(report, agent, noon + HOUR, state="In Progress", is_internal=True)
        assert owed(report) == (noon + HOUR, noon + 49 * HOUR)

        respond(report, agent, noon + HOUR, state="Closed")
        respond(report, agent, noon + 2 * HOUR, state="In Progress")
        assert owed(report) == (None, None)

    def test_the_passengers_message_reopens_and_owes(
        self, report: ReportDetail, me: Viewer, agent: Viewer, noon: datetime
    ) -> None:
        respond(report, agent, noon, state="Closed")

        again = write(report, me, noon + HOUR)

        assert again.state == "Pending"
        assert owed(report) == (noon + HOUR, noon + 49 * HOUR)

    def test_filing_it_elsewhere_counts_from_the_same_message(
        self, report: ReportDetail, agent: Viewer, noon: datetime
    ) -> None:
        moved = services.refile(
            viewer=agent, report_id=report.id, category="Accessibility", now=noon + HOUR
        )

        assert (moved.category, *owed(report)) == ("Accessibility", noon, noon + 4 * HOUR)
        assert told(report) == [("filed", "Seat Or Equipment → Accessibility")]

    def test_filing_what_is_answered_owes_nothing(
        self, report: ReportDetail, agent: Viewer, noon: datetime
    ) -> None:
        respond(report, agent, noon)

        services.refile(viewer=agent, report_id=report.id, category="Other", now=noon)

        assert owed(report) == (None, None)

    def test_filing_it_where_it_is_tells_nothing(
        self, report: ReportDetail, agent: Viewer, noon: datetime
    ) -> None:
        before = everything()

        services.refile(viewer=agent, report_id=report.id, category="Seat Or Equipment", now=noon)

        assert everything() == before

    def test_there_is_no_such_category(
        self, report: ReportDetail, agent: Viewer, noon: datetime
    ) -> None:
        with pytest.raises(InvalidInput):
            services.refile(viewer=agent, report_id=report.id, category="Lost", now=noon)

    def test_it_is_overdue_at_the_moment_it_is_due(
        self, report: ReportDetail, agent: Viewer, noon: datetime
    ) -> None:
        due = noon + 48 * HOUR

        def overdue(now: datetime) -> tuple[bool, int, int]:
            rows = reports.queue(viewer=agent, tab="overdue", now=now)
            found = reports.counts(viewer=agent, now=now)
            return report.is_overdue(now), len(rows), found["overdue"]

        assert overdue(due - TICK) == (False, 0, 0)
        assert overdue(due) == (True, 1, 1)
        row = reports.queue(viewer=agent, tab="open", now=due - TICK)[0]
        assert not row.is_overdue
        assert reports.queue(viewer=agent, tab="open", now=due)[0].is_overdue


class TestWhoHasIt:
    def test_whoever_takes_it_first_has_it(
        self, report: ReportDetail, agent: Viewer, uma: Viewer, noon: datetime
    ) -> None:
        taken = services.take(viewer=agent, report_id=report.id, now=noon)
        before = everything()

        with pytest.raises(ReportTaken, match="Sam Porter has this report"):
            services.take(viewer=uma, report_id=report.id, now=noon)
        services.take(viewer=agent, report_id=report.id, now=noon)

        assert (taken.assigned_to, taken.state) == ("Sam Porter", "In Progress")
        assert everything() == before
        assert told(report) == [("taken", "Sam Porter")]
        assert owed(report) == (noon, noon + 48 * HOUR)

    def test_it_is_given_with_a_note(
        self, report: ReportDetail, agent: Viewer, uma: Viewer, noon: datetime
    ) -> None:
        given = services.give(
            viewer=agent,
            report_id=report.id,
            colleague_id=uma.user_id or 0,
            held_by=None,
            note="You know this train.",
            once="token",
            now=noon,
        )

        assert given.assigned_to == "Uma Ray"
        assert told(report) == [("given", "Uma Ray")]
        note = ReportMessage.objects.order_by("id").last()
        assert note is not None
        assert (note.body, note.is_internal, note.author_id) == (
            "You know this train.",
            True,
            agent.user_id,
        )
        before = everything()
        services.give(
            viewer=agent,
            report_id=report.id,
            colleague_id=uma.user_id or 0,
            held_by=None,
            note="You know this train.",
            once="token",
            now=noon,
        )
        assert everything() == before

    def test_two_who_give_it_away_at_once_do_not_undo_each_other(
        self, report: ReportDetail, agent: Viewer, uma: Viewer, noon: datetime
    ) -> None:
        services.take(viewer=uma, report_id=report.id, now=noon)
        before = everything()

        with pytest.raises(ReportTaken, match="Uma Ray has this report"):
            services.give(
                viewer=agent,
                report_id=report.id,
                colleague_id=agent.user_id or 0,
                held_by=None,
                now=noon,
            )
        with pytest.raises(ReportTaken):
            services.give_back(viewer=agent, report_id=report.id, held_by=agent.user_id, now=noon)
        assert everything() == before
        services.give(
            viewer=agent,
            report_id=report.id,
            colleague_id=agent.user_id or 0,
            held_by=uma.user_id,
            now=noon,
        )
        assert Report.objects.get().assigned_to_id == agent.user_id

    @pytest.mark.parametrize("who", ["finance", "gone", "traveller"])
    def test_only_who_answers_reports_gets_one(
        self, report: ReportDetail, agent: Viewer, accountant: User, noon: datetime, who: str
    ) -> None:
        gone = factories.make_user(is_staff=True, is_active=False, roles=["support agent"])
        other = {"finance": accountant, "gone": gone, "traveller": factories.make_user()}[who]

        with pytest.raises(InvalidInput):
            services.give(
                viewer=agent, report_id=report.id, colleague_id=other.pk, held_by=None, now=noon
            )
        assert Report.objects.get().assigned_to_id is None

    def test_it_is_not_given_to_who_wrote_it(
        self, report: ReportDetail, agent: Viewer, traveller: User, noon: datetime
    ) -> None:
        traveller.is_staff = traveller.is_superuser = True
        traveller.save()

        with pytest.raises(NotAllowed):
            services.give(
                viewer=agent, report_id=report.id, colleague_id=traveller.pk, held_by=None, now=noon
            )

    def test_giving_it_back_puts_it_into_the_queue_again(
        self, report: ReportDetail, agent: Viewer, noon: datetime
    ) -> None:
        services.take(viewer=agent, report_id=report.id, now=noon)

        back = services.give_back(
            viewer=agent, report_id=report.id, held_by=agent.user_id, now=noon
        )

        assert (back.assigned_to_id, back.state) == (None, "Pending")
        assert told(report) == [("taken", "Sam Porter"), ("returned", "Sam Porter")]
        before = everything()
        services.give_back(viewer=agent, report_id=report.id, held_by=agent.user_id, now=noon)
        assert everything() == before

    def test_what_is_answered_stays_answered_when_it_is_given_back(
        self, report: ReportDetail, agent: Viewer, noon: datetime
    ) -> None:
        respond(report, agent, noon)

        back = services.give_back(
            viewer=agent, report_id=report.id, held_by=agent.user_id, now=noon
        )

        assert back.state == "Reviewed"

    @pytest.mark.parametrize("act", ["take", "give", "give_back"])
    def test_what_is_closed_changes_no_hands(
        self, report: ReportDetail, agent: Viewer, uma: Viewer, noon: datetime, act: str
    ) -> None:
        respond(report, agent, noon, state="Closed")
        details: dict[str, dict[str, Any]] = {
            "take": {},
            "give": {"colleague_id": uma.user_id, "held_by": agent.user_id},
            "give_back": {"held_by": agent.user_id},
        }

        with pytest.raises(MoveNotAllowed):
            getattr(services, act)(viewer=uma, report_id=report.id, now=noon, **details[act])
        assert Report.objects.get().assigned_to_id == agent.user_id

    def test_the_list_of_colleagues_is_who_may_answer(
        self, staff: User, accountant: User, uma: Viewer, traveller: User
    ) -> None:
        chief = factories.make_user(
            first_name="Cleo", last_name="Zed", is_staff=True, is_superuser=True
        )
        # Two roles, one row.
        both = factories.make_user(
            first_name="Bo",
            last_name="Ash",
            is_staff=True,
            roles=["administrator", "support agent"],
        )
        factories.make_user(is_staff=True, is_active=False, roles=["support agent"])

        found = [(one.id, one.name) for one in reports.answering_staff()]

        assert found == [
            (both.pk, "Bo Ash"),
            (staff.pk, "Sam Porter"),
            (uma.user_id, "Uma Ray"),
            (chief.pk, "Cleo Zed"),
        ]


class TestOwnReports:
    @pytest.mark.parametrize(
        ("act", "details"),
        [
            ("respond", {"answer": "Granted.", "state": "Closed"}),
            ("take", {}),
            ("give_back", {"held_by": None}),
            ("refile", {"category": "Other"}),
            ("close", {}),
            ("reopen", {}),
            ("merge", {"into_id": 0}),
        ],
    )
    def test_nobody_works_on_them(
        self,
        two: list[ReportDetail],
        traveller: User,
        noon: datetime,
        act: str,
        details: dict[str, Any],
    ) -> None:
        traveller.is_staff = traveller.is_superuser = True
        traveller.save()
        me = Viewer(user_id=traveller.pk, is_support=True)
        if "into_id" in details:
            details = {"into_id": two[0].id}
        before = everything()

        with pytest.raises(NotAllowed):
            getattr(services, act)(viewer=me, report_id=two[1].id, now=noon, **details)
        assert everything() == before

    @pytest.mark.parametrize(
        ("act", "details"),
        [
            ("take", {}),
            ("give", {"colleague_id": 1, "held_by": None}),
            ("give_back", {"held_by": None}),
            ("refile", {"category": "Other"}),
            ("close", {}),
            ("reopen", {}),
            ("merge", {"into_id": 1}),
        ],
    )
    def test_passengers_work_on_none(
        self, report: ReportDetail, me: Viewer, noon: datetime, act: str, details: dict[str, Any]
    ) -> None:
        with pytest.raises(NotAllowed):
            getattr(services, act)(viewer=me, report_id=report.id, now=noon, **details)


class TestWhatIsSeen:
    def test_an_answer_waits_for_what_was_written_meanwhile(
        self, report: ReportDetail, me: Viewer, agent: Viewer, noon: datetime
    ) -> None:
        page = selectors.get_report(viewer=agent, report_id=report.id)
        write(report, me, noon, "I meant the other socket.")
        before = everything()

        with pytest.raises(ReportChanged):
            respond(report, agent, noon, seen=page.last_said)
        assert everything() == before
        again = selectors.get_report(viewer=agent, report_id=report.id)
        respond(report, agent, noon, seen=again.last_said)

    def test_a_colleagues_answer_and_note_are_read_first(
        self, report: ReportDetail, agent: Viewer, uma: Viewer, noon: datetime
    ) -> None:
        for is_internal in (False, True):
            page = selectors.get_report(viewer=agent, report_id=report.id)
            respond(report, uma, noon, state="Reviewed", is_internal=is_internal)
            with pytest.raises(ReportChanged):
                respond(report, agent, noon, seen=page.last_said)

    def test_ones_own_note_and_what_staff_did_are_no_news(
        self, report: ReportDetail, agent: Viewer, uma: Viewer, noon: datetime
    ) -> None:
        page = selectors.get_report(viewer=agent, report_id=report.id)
        services.refile(viewer=uma, report_id=report.id, category="Other", now=noon)
        respond(report, agent, noon, is_internal=True, state="In Progress")

        respond(report, agent, noon, seen=page.last_said)

    def test_a_note_waits_for_nothing(
        self, report: ReportDetail, me: Viewer, agent: Viewer, noon: datetime
    ) -> None:
        page = selectors.get_report(viewer=agent, report_id=report.id)
        write(report, me, noon)

        respond(report, agent, noon, seen=page.last_said, is_internal=True, state="In Progress")

    def test_a_button_pressed_twice_answers_once(
        self, report: ReportDetail, agent: Viewer, noon: datetime
    ) -> None:
        respond(report, agent, noon, once="token", state="Closed")
        before = everything()

        again = respond(report, agent, noon, once="token", state="Closed")

        assert again.state == "Closed"
        assert everything() == before
        assert OutboxMessage.objects.filter(kind="support.report_answered").count() == 1

    def test_pages_without_a_token_are_not_the_same_page(
        self, report: ReportDetail, agent: Viewer, noon: datetime
    ) -> None:
        for _ in range(2):
            respond(report, agent, noon, once="")

        assert ReportMessage.objects.filter(is_internal=False, is_from_staff=True).count() == 2


class TestMerging:
    def merge(
        self, one: ReportDetail, into: ReportDetail, agent: Viewer, now: datetime
    ) -> ReportDetail:
        return services.merge(viewer=agent, report_id=one.id, into_id=into.id, now=now)

    def test_one_is_closed_and_the_other_goes_on_with_both(
        self, two: list[ReportDetail], agent: Viewer, noon: datetime
    ) -> None:
        first, second = two
        later = noon + 2 * HOUR

        merged = self.merge(second, first, agent, later)

        assert merged.id == first.id
        assert [(one.report_id, one.body) for one in merged.messages if not one.event] == [
            (first.id, "The socket was dead."),
            (second.id, "Well?"),
        ]
        assert merged.text == "The socket was dead."
        row = Report.objects.get(pk=second.id)
        assert (row.state, row.closed_at, row.merged_into_id) == ("Closed", later, first.id)
        assert told(second) == [("merged", f"#{first.id}")]
        assert told(first) == [("joined", f"#{second.id}")]

    def test_what_is_owed_is_owed_no_later_than_it_was(
        self, two: list[ReportDetail], agent: Viewer, noon: datetime
    ) -> None:
        first, second = two

        self.merge(second, first, agent, noon + 2 * HOUR)

        # The first waits since noon, until 48 hours later; the second was due 24 hours after one.
        assert owed(first) == (noon, noon + 25 * HOUR)
        assert owed(second) == (None, None)

    def test_what_was_answered_waits_again_if_the_other_one_waits(
        self, two: list[ReportDetail], agent: Viewer, noon: datetime
    ) -> None:
        first, second = two
        respond(first, agent, noon + HOUR)

        merged = self.merge(second, first, agent, noon + 2 * HOUR)

        assert merged.state == "Pending"
        assert owed(first) == (noon + HOUR, noon + 25 * HOUR)

    def test_what_owes_nothing_brings_nothing(
        self, two: list[ReportDetail], agent: Viewer, uma: Viewer, noon: datetime
    ) -> None:
        first, second = two
        respond(second, uma, noon + HOUR)

        merged = self.merge(second, first, agent, noon + 2 * HOUR)

        assert owed(first) == (noon, noon + 48 * HOUR)
        # Nobody had the first.
        assert merged.assigned_to == "Uma Ray"

    def test_twice_is_once(self, two: list[ReportDetail], agent: Viewer, noon: datetime) -> None:
        self.merge(two[1], two[0], agent, noon)
        before = everything()

        self.merge(two[1], two[0], agent, noon + HOUR)

        assert everything() == before

    def test_what_was_merged_into_it_goes_along(
        self, two: list[ReportDetail], buy: Buy, me: Viewer, agent: Viewer, noon: datetime
    ) -> None:
        first, second = two
        third = send(buy(), me, noon + 2 * HOUR, text="Third.")
        self.merge(second, first, agent, noon)

        merged = self.merge(first, third, agent, noon)

        into = dict(Report.objects.values_list("id", "merged_into"))
        assert into == {first.id: third.id, second.id: third.id, third.id: None}
        assert [one.body for one in merged.messages if not one.event] == [
            "The socket was dead.",
            "Well?",
            "Third.",
        ]

    def test_there_are_no_circles(
        self, two: list[ReportDetail], buy: Buy, me: Viewer, agent: Viewer, noon: datetime
    ) -> None:
        first, second = two
        third = send(buy(), me, noon, text="Third.")
        with pytest.raises(InvalidInput):
            self.merge(first, first, agent, noon)
        self.merge(second, first, agent, noon)
        self.merge(first, third, agent, noon)
        before = everything()

        for one in two:
            with pytest.raises(ReportMerged, match=f"gone on with in report {third.id}"):
                self.merge(third, one, agent, noon)
        with pytest.raises(ReportMerged):
            self.merge(first, second, agent, noon)
        assert everything() == before

    def test_another_passengers_is_left_alone(
        self, report: ReportDetail, buy: Buy, stranger: User, agent: Viewer, noon: datetime
    ) -> None:
        theirs = send(buy(who=stranger), Viewer(user_id=stranger.pk), noon)
        before = everything()

        with pytest.raises(InvalidInput):
            self.merge(theirs, report, agent, noon)
        assert everything() == before

    def test_nothing_is_merged_into_what_is_closed_or_not_there(
        self, two: list[ReportDetail], agent: Viewer, noon: datetime
    ) -> None:
        services.close(viewer=agent, report_id=two[0].id, now=noon)
        before = everything()

        with pytest.raises(MoveNotAllowed, match=f"Report {two[0].id} is closed"):
            self.merge(two[1], two[0], agent, noon)
        for number in (0, 999, 2**63):
            with pytest.raises(NotFound):
                services.merge(viewer=agent, report_id=two[1].id, into_id=number, now=noon)
        assert everything() == before

    def test_what_is_closed_may_be_merged_and_keeps_its_time(
        self, two: list[ReportDetail], agent: Viewer, noon: datetime
    ) -> None:
        services.close(viewer=agent, report_id=two[1].id, now=noon)

        self.merge(two[1], two[0], agent, noon + HOUR)

        assert Report.objects.get(pk=two[1].id).closed_at == noon

    @pytest.mark.parametrize(
        ("act", "details"),
        [
            ("respond", {"answer": "Yes.", "state": "Closed"}),
            ("take", {}),
            ("give_back", {"held_by": None}),
            ("refile", {"category": "Other"}),
            ("close", {}),
        ],
    )
    def test_staff_go_on_with_the_other_one(
        self,
        two: list[ReportDetail],
        agent: Viewer,
        noon: datetime,
        act: str,
        details: dict[str, Any],
    ) -> None:
        self.merge(two[1], two[0], agent, noon)
        before = everything()

        with pytest.raises(ReportMerged, match=f"gone on with in report {two[0].id}"):
            getattr(services, act)(viewer=agent, report_id=two[1].id, now=noon, **details)
        assert everything() == before

    def test_what_the_passenger_writes_to_it_reaches_the_other_one(
        self, two: list[ReportDetail], me: Viewer, agent: Viewer, noon: datetime
    ) -> None:
        self.merge(two[1], two[0], agent, noon)
        respond(two[0], agent, noon + HOUR)

        reached = write(two[1], me, noon + 2 * HOUR, "And my money?")

        assert reached.id == two[0].id
        assert ReportMessage.objects.get(body="And my money?").report_id == two[0].id
        assert owed(two[0]) == (noon + 2 * HOUR, noon + 50 * HOUR)
        assert Report.objects.get(pk=two[1].id).state == "Closed"

    def test_and_is_refused_when_that_one_was_closed_long_ago(
        self, two: list[ReportDetail], me: Viewer, agent: Viewer, noon: datetime
    ) -> None:
        self.merge(two[1], two[0], agent, noon)
        services.close(viewer=agent, report_id=two[0].id, now=noon)

        with pytest.raises(ReportClosed):
            write(two[1], me, noon + timedelta(days=30))

    def test_a_stranger_reaches_neither(
        self, two: list[ReportDetail], stranger: User, agent: Viewer, noon: datetime
    ) -> None:
        self.merge(two[1], two[0], agent, noon)

        for number in (two[0].id, two[1].id, 0, 2**63):
            with pytest.raises(NotFound):
                services.add_message(
                    viewer=Viewer(user_id=stranger.pk), report_id=number, text="Hi", now=noon
                )

    def test_the_passenger_is_led_on_and_may_do_nothing_there(
        self, two: list[ReportDetail], me: Viewer, agent: Viewer, noon: datetime
    ) -> None:
        self.merge(two[1], two[0], agent, noon)

        seen = selectors.get_report(viewer=me, report_id=two[1].id)

        assert seen.merged_into == two[0].id
        assert selectors.available_actions(seen, now=noon) == []
        assert selectors.desk_actions(seen) == []
        _count, found = selectors.list_reports(viewer=me)
        assert [[said.body for said in one.messages] for one in found] == [
            ["Well?"],
            ["The socket was dead.", "Well?"],
        ]

    def test_reopening_takes_it_out_again(
        self, two: list[ReportDetail], agent: Viewer, noon: datetime
    ) -> None:
        self.merge(two[1], two[0], agent, noon)

        out = services.reopen(viewer=agent, report_id=two[1].id, now=noon + HOUR)

        assert (out.merged_into, out.state) == (None, "In Progress")
        assert owed(two[1]) == (noon + HOUR, noon + 25 * HOUR)
        assert told(two[1])[1:] == [
            ("parted", f"#{two[0].id}"),
            ("moved", "Closed → In Progress"),
        ]
        other = selectors.get_report(viewer=agent, report_id=two[0].id)
        assert [one.body for one in other.messages if not one.event] == ["The socket was dead."]


class TestQueue:
    @pytest.fixture
    def desk(
        self, buy: Buy, me: Viewer, agent: Viewer, uma: Viewer, noon: datetime
    ) -> dict[str, ReportDetail]:
        """One report of each kind; they were sent in this order, an hour after each other."""
        booked = buy()
        names = ["late", "mine", "taken", "soon", "working", "asked", "done"]
        found = {
            name: send(booked, me, noon + HOUR * number, text=f"{name}.")
            for number, name in enumerate(names)
        }
        services.refile(
            viewer=agent, report_id=found["soon"].id, category="Accessibility", now=noon
        )
        services.take(viewer=agent, report_id=found["mine"].id, now=noon)
        services.take(viewer=uma, report_id=found["taken"].id, now=noon)
        respond(found["working"], agent, noon + 8 * HOUR, state="In Progress")
        respond(found["asked"], uma, noon + 8 * HOUR)
        respond(found["done"], uma, noon + 8 * HOUR, state="Closed")
        return found

    def names(self, agent: Viewer, now: datetime, tab: str, **asked: Any) -> list[str]:
        rows = reports.queue(viewer=agent, tab=tab, now=now, **asked)
        return [row.preview.rstrip(".") for row in rows]

    # After 48 hours and a half: "late" was due at 48, "soon" at 3 + 4; "mine" is at 49.
    AT = 48.5 * HOUR
    TABS = {
        "mine": ["mine", "working"],
        "free": ["soon", "late"],
        "open": ["soon", "late", "mine", "taken", "working"],
        "overdue": ["soon", "late"],
        "answered": ["asked"],
        "closed": ["done"],
    }

    def test_each_tab_begins_with_what_is_due_first(
        self, desk: dict[str, ReportDetail], agent: Viewer, noon: datetime
    ) -> None:
        now = noon + self.AT

        assert {tab: self.names(agent, now, tab) for tab in reports.TABS} == self.TABS
        assert reports.counts(viewer=agent, now=now) == {
            tab: len(names) for tab, names in self.TABS.items()
        }

    @pytest.mark.parametrize("size", [1, 2, 3, 4])
    def test_pages_follow_one_another(
        self, desk: dict[str, ReportDetail], agent: Viewer, noon: datetime, size: int
    ) -> None:
        for tab, names in self.TABS.items():
            pages = [
                self.names(agent, noon + self.AT, tab, offset=offset, limit=size)
                for offset in range(0, 8, size)
            ]
            assert [name for page in pages for name in page] == names

    def test_filters(self, desk: dict[str, ReportDetail], agent: Viewer, noon: datetime) -> None:
        now = noon + self.AT

        assert self.names(agent, now, "open", category="Accessibility") == ["soon"]
        assert self.names(agent, now, "free", mode="Train") == ["soon", "late"]
        assert self.names(agent, now, "free", mode="Bus") == []

    def test_it_is_new_until_somebody_touches_it(
        self, desk: dict[str, ReportDetail], me: Viewer, agent: Viewer, noon: datetime
    ) -> None:
        write(desk["mine"], me, noon + 9 * HOUR)

        rows = reports.queue(viewer=agent, tab="open", now=noon + 9 * HOUR)

        # "soon" was filed elsewhere, "taken" taken, "working" answered; "mine" was taken before.
        assert {row.id: row.is_new for row in rows} == {
            desk["late"].id: True,
            desk["soon"].id: False,
            desk["mine"].id: True,
            desk["taken"].id: False,
            desk["working"].id: False,
        }
        respond(desk["mine"], agent, noon, is_internal=True, state="In Progress")
        rows = reports.queue(viewer=agent, tab="mine", now=noon + 9 * HOUR)
        assert not any(row.is_new for row in rows)

    def test_finds_by_number_code_and_address(
        self,
        desk: dict[str, ReportDetail],
        buy: Buy,
        stranger: User,
        agent: Viewer,
        noon: datetime,
    ) -> None:
        theirs = send(buy(who=stranger), Viewer(user_id=stranger.pk), noon)
        late = desk["late"]

        def found(text: str) -> set[int]:
            return {row.id for row in reports.find(viewer=agent, text=text, now=noon)}

        mine = {one.id for one in desk.values()}
        assert found(str(late.id)) == found(f" #{late.id} ") == {late.id}
        assert (
            found(late.locator) == found(f"{late.locator[:3]}-{late.locator[3:].lower()}") == mine
        )
        assert found("ADA@example.org") == mine
        assert found("mallory@example.org") == {theirs.id}
        for nothing in ("", "nobody@example.org", "ZZZZZZ", "9" * 30, "٣", "soon", "#", "' OR 1=1"):
            assert found(nothing) == set()

    def test_shows_what_it_is_about(
        self, desk: dict[str, ReportDetail], agent: Viewer, noon: datetime
    ) -> None:
        row = reports.queue(viewer=agent, tab="mine", now=noon)[0]

        assert (row.service, row.origin, row.destination, row.name, row.assigned_to) == (
            "ICE 585",
            "Hamburg Hbf",
            "München Hbf",
            "Ada Lovelace",
            "Sam Porter",
        )


class TestOtherReports:
    def test_lists_the_same_passengers(
        self,
        two: list[ReportDetail],
        buy: Buy,
        me: Viewer,
        stranger: User,
        agent: Viewer,
        noon: datetime,
    ) -> None:
        send(buy(who=stranger), Viewer(user_id=stranger.pk), noon)
        third = send(buy(), me, noon)
        services.close(viewer=agent, report_id=third.id, now=noon)
        services.merge(viewer=agent, report_id=two[1].id, into_id=two[0].id, now=noon)

        found = reports.other_reports(selectors.get_report(viewer=agent, report_id=two[0].id))

        assert [(one.id, one.merged_into, one.may_join) for one in found] == [
            (third.id, None, False),
            (two[1].id, two[0].id, False),
        ]


class TestCannedReplies:
    @pytest.fixture
    def make(self, db: None) -> Callable[..., CannedReply]:
        def one(title: str, body: str = "Hello.", **details: Any) -> CannedReply:
            return CannedReply.objects.create(title=title, body=body, **details)

        return one

    def test_the_passengers_language_and_the_category_come_first(
        self, report: ReportDetail, traveller: User, agent: Viewer, make: Any
    ) -> None:
        traveller.language = "de"
        traveller.save()
        make("Allgemein", language="de")
        make("Sitz", language="de", category="Seat Or Equipment")
        make("Seat", category="Seat Or Equipment")
        make("Any")
        make("Verspätung", language="de", category="Travel Delay")
        page = selectors.get_report(viewer=agent, report_id=report.id)

        assert [one.title for one in reports.canned_replies(page)] == [
            "Sitz",
            "Allgemein",
            "Seat",
            "Any",
        ]

    def test_are_filled_in(self, report: ReportDetail, make: Any) -> None:
        reply = make(
            "All",
            "{name} {locator} {journey} {day} {service} {carrier} {report} {agent}, {other} {",
        )

        assert reports.fill_in(reply, report=report, agent="Sam") == (
            f"Ada Lovelace {report.locator} Hamburg to Munich 2 Jun 2026 ICE 585 "
            f"Test Railway {report.id} Sam, {{other}} {{"
        )

    def test_in_the_replys_language(self, report: ReportDetail, make: Any) -> None:
        reply = make("Reise", "{journey} am {day}", language="de")

        assert reports.fill_in(reply, report=report, agent="Sam") == (
            "Hamburg nach München am 2. Juni 2026"
        )

    def test_a_name_with_braces_is_a_name(
        self, report: ReportDetail, traveller: User, agent: Viewer, make: Any
    ) -> None:
        traveller.first_name = "{locator}"
        traveller.save()
        page = selectors.get_report(viewer=agent, report_id=report.id)

        filled = reports.fill_in(make("Name", "{name}"), report=page, agent="Sam")

        assert filled == "{locator} Lovelace"

    @pytest.mark.parametrize(
        ("body", "unknown"),
        [
            ("Dear {name}, {report}", []),
            ("{", []),
            ("Dear {nmae}", ["nmae"]),
            ("{ name }", [" name "]),
            ("{}", [""]),
            ("{{name}}", []),
        ],
    )
    def test_unknown_placeholders_are_seen(self, body: str, unknown: list[str]) -> None:
        assert reports.unknown_placeholders(body) == unknown


class TestAudit:
    """Defects planted past the services are found, and mended so that the story ends well."""

    def broken(self) -> dict[str, list[tuple[object, ...]]]:
        facts = [fact for fact in audit.FACTS if fact.code in ("answer_not_owed", ASTRAY)]
        return {one.fact.code: one.rows for one in audit.findings(facts)}

    def test_finds_an_answer_that_nobody_owes(
        self, report: ReportDetail, me: Viewer, agent: Viewer, noon: datetime
    ) -> None:
        respond(report, agent, noon)
        respond(report, agent, noon, is_internal=True)
        assert self.broken() == {}
        last = ReportMessage.objects.create(
            report_id=report.id, author_id=me.user_id or 0, body="Hello?", created_at=noon
        )

        assert self.broken() == {"answer_not_owed": [(report.id, last.pk)]}
        services.close(viewer=agent, report_id=report.id, now=noon)
        assert self.broken() == {}

    def test_finds_what_was_merged_astray(
        self, two: list[ReportDetail], buy: Buy, stranger: User, agent: Viewer, noon: datetime
    ) -> None:
        theirs = send(buy(who=stranger), Viewer(user_id=stranger.pk), noon)
        services.merge(viewer=agent, report_id=two[1].id, into_id=two[0].id, now=noon)
        child = Report.objects.filter(pk=two[1].id)
        assert self.broken() == {}

        child.update(merged_into=theirs.id)
        assert self.broken() == {ASTRAY: [(two[1].id, theirs.id)]}
        # Into itself: the shortest circle.
        child.update(merged_into=two[1].id)
        assert self.broken() == {ASTRAY: [(two[1].id, two[1].id)]}
        child.update(merged_into=two[0].id)

    @pytest.mark.parametrize(
        "wrong",
        [
            {"due_at": None},
            {"waiting_since": None},
            {"state": "Closed"},
            {"merged_into": 0},
        ],
    )
    def test_the_database_itself_refuses(
        self, two: list[ReportDetail], wrong: dict[str, Any]
    ) -> None:
        if "merged_into" in wrong:
            wrong = {"merged_into": two[1].id}

        with pytest.raises(IntegrityError), transaction.atomic():
            Report.objects.filter(pk=two[0].id).update(**wrong)


class TestPrivacy:
    def test_the_export_says_what_goes_on_where_and_what_is_owed(
        self, two: list[ReportDetail], traveller: User, agent: Viewer, noon: datetime
    ) -> None:
        services.merge(viewer=agent, report_id=two[1].id, into_id=two[0].id, now=noon)
        respond(two[0], agent, noon, is_internal=True, answer="A note.", state="In Progress")

        told = privacy.collect(user_id=traveller.pk, now=noon)["reports"]

        assert [(one["number"], one["goesOnIn"], one["answerOwedBy"]) for one in told] == [
            (two[0].id, None, noon + 25 * HOUR),
            (two[1].id, two[0].id, None),
        ]
        assert [[said["text"] for said in one["conversation"]] for one in told] == [
            ["The socket was dead."],
            ["Well?"],
        ]

    def test_erasing_owes_nothing_more(
        self, two: list[ReportDetail], traveller: User, agent: Viewer, noon: datetime
    ) -> None:
        services.take(viewer=agent, report_id=two[0].id, now=noon)
        services.merge(viewer=agent, report_id=two[1].id, into_id=two[0].id, now=noon)

        privacy._erase_reports(traveller.pk, noon)

        assert set(Report.objects.values_list("state", "due_at")) == {("Closed", None)}
        assert set(ReportMessage.objects.values_list("body", flat=True)) == {"(erased)"}


class TestMigration:
    def test_says_what_was_owed_before(
        self, buy: Buy, me: Viewer, agent: Viewer, noon: datetime
    ) -> None:
        """Waiting since a second message, answered, never answered, and closed."""
        booked = buy()
        found = [send(booked, me, noon, category="Accessibility") for _ in range(4)]
        waiting, answered, _untouched, closed = found
        for report in (waiting, answered):
            respond(report, agent, noon + HOUR)
        for hours in (2, 3):
            write(waiting, me, noon + HOUR * hours)
        respond(waiting, agent, noon + 4 * HOUR, is_internal=True, state="In Progress")
        services.close(viewer=agent, report_id=closed.id, now=noon)
        Report.objects.update(waiting_since=None, due_at=None)

        import_module("support.migrations.0007_reports_desk").say_what_is_owed(apps, None)

        assert [owed(report) for report in found] == [
            (noon + 2 * HOUR, noon + 6 * HOUR),
            (None, None),
            (noon, noon + 4 * HOUR),
            (None, None),
        ]

    def test_knows_every_category(self) -> None:
        module = import_module("support.migrations.0007_reports_desk")

        assert {word: HOUR * hours for word, hours in HOURS.items()} == module.ANSWER_WITHIN
