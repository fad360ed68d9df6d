"""What the database, the audit, the migrations and a person's own data say of reports."""

from __future__ import annotations

from datetime import datetime
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, transaction

from accounts.models import User
from accounts.viewers import Viewer
from support import audit, services
from support.models import Report, ReportMessage
from support.selectors import ReportDetail
from support.services import privacy

from ..conftest import Buy, send
from .conftest import HOUR, owed, respond, write
from .test_owing import HOURS

ASTRAY = "report_merged_astray"


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
