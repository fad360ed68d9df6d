"""Who has a report, and that nobody works on their own."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from accounts.models import User
from accounts.viewers import Viewer
from support import reports, services
from support.errors import (
    MoveNotAllowed,
    ReportTaken,
)
from support.models import Report, ReportMessage
from support.selectors import ReportDetail
from tests import factories
from travel.common.errors import InvalidInput, NotAllowed

from .conftest import HOUR, everything, owed, respond, told


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
