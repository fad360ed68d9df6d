"""Reports that say the same are gone on with in one."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from accounts.models import User
from accounts.viewers import Viewer
from support import selectors, services
from support.errors import (
    MoveNotAllowed,
    ReportClosed,
    ReportMerged,
)
from support.models import Report, ReportMessage
from support.selectors import ReportDetail
from travel.common.errors import InvalidInput, NotFound

from ..conftest import Buy, send
from .conftest import HOUR, everything, owed, respond, told, write


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
