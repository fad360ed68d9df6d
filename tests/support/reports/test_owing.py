"""What is owed to whoever reported something, and until when."""

from __future__ import annotations

from datetime import datetime

import pytest

from accounts.viewers import Viewer
from support import reports, services
from support.models import Report
from support.selectors import ReportDetail
from travel.common.errors import InvalidInput

from ..conftest import Buy, send
from .conftest import HOUR, TICK, everything, owed, respond, told, write

# Written down by hand: so long staff have for an answer.
HOURS = {
    "Payment Issue": 48,
    "Travel Delay": 48,
    "Unexpected Cancellation": 24,
    "Seat Or Equipment": 48,
    "Accessibility": 4,
    "Other": 72,
}


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
