"""Answers wait for what their writers have not seen, and are sent once."""

from __future__ import annotations

from datetime import datetime

import pytest

from accounts.viewers import Viewer
from support import selectors, services
from support.errors import (
    ReportChanged,
)
from support.models import ReportMessage
from support.selectors import ReportDetail
from travel.common.models import OutboxMessage

from .conftest import everything, respond, write


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
