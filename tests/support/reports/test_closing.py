"""Answered reports close by themselves once nobody has written for long, and open again."""

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
from support import selectors, services, tasks
from support.errors import MoveNotAllowed, ReportClosed
from support.models import Report, ReportMessage
from support.selectors import ReportDetail
from support.services import privacy
from support.story import books, words
from tests.conftest import Clock
from travel.common.models import OutboxMessage

from ..conftest import Buy, send
from .conftest import HOUR, TICK, everything, owed, respond, told, write

DAY = timedelta(days=1)
# Written down by hand: after so long without a word an answered report is closed.
SILENCE = 14 * DAY
MOVE = ("lapsed", "Reviewed → Closed")


def closes_at(report: ReportDetail) -> datetime | None:
    return Report.objects.get(pk=report.id).closes_at


def close_lapsed(report: ReportDetail, now: datetime) -> bool:
    return services.close_lapsed(report_id=report.id, now=now)


def mails() -> list[OutboxMessage]:
    return list(OutboxMessage.objects.filter(kind="support.report_lapsed").order_by("id"))


@pytest.fixture
def answered(report: ReportDetail, agent: Viewer, noon: datetime) -> ReportDetail:
    """The report about the socket, answered at noon."""
    return respond(report, agent, noon)


class TestWhen:
    def test_an_answer_begins_the_time(self, answered: ReportDetail, noon: datetime) -> None:
        assert answered.closes_at == closes_at(answered) == noon + SILENCE

    def test_the_office_sets_how_long(
        self, report: ReportDetail, agent: Viewer, settings: Any, noon: datetime
    ) -> None:
        settings.REPORT_CLOSES_AFTER = 3 * DAY

        assert respond(report, agent, noon).closes_at == noon + 3 * DAY

    @pytest.mark.parametrize(
        ("state", "note"),
        [("In Progress", False), ("Closed", False), ("In Progress", True), ("Reviewed", True)],
    )
    def test_what_is_not_answered_has_none(
        self, report: ReportDetail, agent: Viewer, noon: datetime, state: str, note: bool
    ) -> None:
        """More will follow, closed with the answer, and notes, which answer nothing."""
        respond(report, agent, noon, state=state, is_internal=note)

        assert closes_at(report) is None

    def test_a_note_that_files_it_as_answered_begins_it_after_an_answer(
        self, report: ReportDetail, agent: Viewer, noon: datetime
    ) -> None:
        respond(report, agent, noon, state="In Progress")

        respond(report, agent, noon + HOUR, is_internal=True)

        assert closes_at(report) == noon + HOUR + SILENCE

    def test_each_word_begins_it_anew(
        self, answered: ReportDetail, agent: Viewer, uma: Viewer, noon: datetime
    ) -> None:
        """A second answer, a note, and a note to the colleague whom it is given to."""
        respond(answered, agent, noon + DAY)
        assert closes_at(answered) == noon + DAY + SILENCE
        respond(answered, agent, noon + 2 * DAY, is_internal=True)
        assert closes_at(answered) == noon + 2 * DAY + SILENCE
        services.give(
            viewer=agent,
            report_id=answered.id,
            colleague_id=uma.user_id or 0,
            held_by=agent.user_id,
            note="Please look.",
            now=noon + 3 * DAY,
        )
        assert closes_at(answered) == noon + 3 * DAY + SILENCE

    def test_what_says_nothing_leaves_it(
        self, answered: ReportDetail, agent: Viewer, uma: Viewer, noon: datetime
    ) -> None:
        """Filed elsewhere, given without a word, given back, taken."""
        common: dict[str, Any] = {"report_id": answered.id, "now": noon + DAY}
        services.refile(viewer=agent, category="Other", **common)
        services.give(viewer=agent, colleague_id=uma.user_id or 0, held_by=agent.user_id, **common)
        services.give_back(viewer=uma, held_by=uma.user_id, **common)
        services.take(viewer=agent, **common)

        assert closes_at(answered) == noon + SILENCE

    def test_the_passengers_word_ends_it(
        self, answered: ReportDetail, me: Viewer, noon: datetime
    ) -> None:
        write(answered, me, noon + DAY)

        assert closes_at(answered) is None
        assert not close_lapsed(answered, noon + 90 * DAY)

    @pytest.mark.parametrize("who", ["passenger", "staff"])
    def test_closing_by_hand_ends_it(
        self, answered: ReportDetail, me: Viewer, agent: Viewer, noon: datetime, who: str
    ) -> None:
        if who == "staff":
            services.close(viewer=agent, report_id=answered.id, now=noon)
        else:
            services.close_report(viewer=me, report_id=answered.id, now=noon)

        assert closes_at(answered) is None
        before = everything()
        assert not close_lapsed(answered, noon + 90 * DAY)
        assert everything() == before
        assert not mails()

    def test_merging_ends_it_for_the_one_and_for_the_other_only_if_it_waits(
        self, two: list[ReportDetail], buy: Buy, me: Viewer, agent: Viewer, noon: datetime
    ) -> None:
        third = send(buy(), me, noon)
        for one in two:
            respond(one, agent, noon + HOUR)

        services.merge(viewer=agent, report_id=two[1].id, into_id=two[0].id, now=noon + DAY)
        assert [closes_at(one) for one in two] == [noon + HOUR + SILENCE, None]
        services.merge(viewer=agent, report_id=third.id, into_id=two[0].id, now=noon + DAY)
        assert closes_at(two[0]) is None
        assert owed(two[0]) == (noon, noon + 48 * HOUR)


class TestClosing:
    def test_at_that_moment_and_not_before(self, answered: ReportDetail, noon: datetime) -> None:
        before = everything()
        early = noon + SILENCE - TICK
        assert services.due_to_close(now=early, limit=9) == []
        assert not close_lapsed(answered, early)
        assert everything() == before

        assert services.due_to_close(now=noon + SILENCE, limit=9) == [answered.id]
        assert close_lapsed(answered, noon + SILENCE)

        row = Report.objects.get()
        assert (row.state, row.closed_at) == ("Closed", noon + SILENCE)
        assert (row.closes_at, row.due_at) == (None, None)
        assert services.due_to_close(now=noon + 90 * DAY, limit=9) == []

    def test_the_thread_says_so_to_staff_alone(
        self, answered: ReportDetail, me: Viewer, agent: Viewer, noon: datetime
    ) -> None:
        close_lapsed(answered, noon + SILENCE)

        assert told(answered)[-1] == MOVE
        last = selectors.get_report(viewer=agent, report_id=answered.id).messages[-1]
        assert (last.author_id, last.author, last.surname) == (None, "", "")
        assert last.is_internal
        own = selectors.get_report(viewer=me, report_id=answered.id)
        assert [one.body for one in own.messages] == ["The socket was dead.", "We are sorry."]

    def test_the_story_says_so_to_staff(
        self, answered: ReportDetail, agent: Viewer, noon: datetime
    ) -> None:
        now = noon + SILENCE
        close_lapsed(answered, now)
        _report, reservation = selectors.get_report_and_reservation(
            viewer=agent, report_id=answered.id, now=now
        )

        told = words.tell_all(reservation, books.read_all(reservation))

        moved, lapsed = [one for one in told if one.entry.source == books.NOTE]
        assert (moved.title, moved.entry.actor_kind) == ("Report: Moved", "staff")
        assert (lapsed.title, lapsed.entry.actor_kind) == ("Report: Closed by itself", "system")
        assert (lapsed.entry.at, lapsed.entry.actor, lapsed.entry.is_public) == (now, "", False)

    def test_the_passenger_is_told_once(
        self, answered: ReportDetail, traveller: User, noon: datetime
    ) -> None:
        assert close_lapsed(answered, noon + SILENCE)
        assert not close_lapsed(answered, noon + SILENCE)
        assert not close_lapsed(answered, noon + 90 * DAY)

        (mail,) = mails()
        assert mail.recipient == traveller.email
        assert f"report {answered.id}" in mail.body
        assert "We are sorry." in mail.body
        assert "within 30 days" in mail.body
        assert f"/help/{answered.id}/" in mail.body
        assert told(answered).count(MOVE) == 1

    def test_late_it_closes_from_then_on(
        self, answered: ReportDetail, me: Viewer, noon: datetime
    ) -> None:
        """After months without a worker the passenger has all of the thirty days."""
        late = noon + 100 * DAY
        close_lapsed(answered, late)

        assert write(answered, me, late + 30 * DAY - TICK).state == "Pending"

    def test_what_is_due_and_not_closed_yet_is_open(
        self, answered: ReportDetail, me: Viewer, noon: datetime
    ) -> None:
        late = noon + 100 * DAY

        assert write(answered, me, late).state == "Pending"

        assert services.due_to_close(now=late, limit=9) == []

    def test_the_passenger_opens_it_again_for_thirty_days(
        self, answered: ReportDetail, me: Viewer, agent: Viewer, noon: datetime
    ) -> None:
        closed = noon + SILENCE
        close_lapsed(answered, closed)
        found = selectors.get_report(viewer=me, report_id=answered.id)
        assert selectors.available_actions(found, now=closed + DAY) == ["reply"]

        again = write(answered, me, closed + DAY)

        assert (again.state, again.closed_at) == ("Pending", None)
        assert owed(answered) == (closed + DAY, closed + 3 * DAY)
        # Answered once more, it closes once more, and tells so once more.
        respond(answered, agent, closed + 2 * DAY)
        assert close_lapsed(answered, closed + 2 * DAY + SILENCE)
        assert len(mails()) == 2
        with pytest.raises(ReportClosed):
            write(answered, me, closed + 2 * DAY + SILENCE + 30 * DAY)

    def test_staff_open_it_again(
        self, answered: ReportDetail, agent: Viewer, noon: datetime
    ) -> None:
        close_lapsed(answered, noon + SILENCE)
        with pytest.raises(MoveNotAllowed):
            respond(answered, agent, noon + SILENCE)

        services.reopen(viewer=agent, report_id=answered.id, now=noon + SILENCE)

        assert owed(answered)[0] == noon + SILENCE
        assert closes_at(answered) is None

    def test_whoever_wants_no_mail_gets_none(
        self,
        answered: ReportDetail,
        noon: datetime,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr("support.notifications.chosen_channels", lambda **_about: ["sms"])

        assert close_lapsed(answered, noon + SILENCE)

        assert not mails()

    def test_an_erased_person_has_nothing_to_close(
        self, answered: ReportDetail, traveller: User, noon: datetime
    ) -> None:
        privacy._erase_reports(traveller.pk, noon)

        assert services.due_to_close(now=noon + 90 * DAY, limit=9) == []


class TestJob:
    @pytest.fixture
    def many(self, buy: Buy, me: Viewer, agent: Viewer, noon: datetime) -> list[ReportDetail]:
        """Five reports, the last one answered first, each a day after the other."""
        booked = buy()
        sent = [send(booked, me, noon, text=f"{number}.") for number in range(5)]
        for number, one in enumerate(reversed(sent)):
            respond(one, agent, noon + number * DAY)
        return sent

    def test_takes_what_waits_longest_first_and_no_more_than_it_may(
        self, many: list[ReportDetail], noon: datetime
    ) -> None:
        ids = [one.id for one in reversed(many)]

        assert services.due_to_close(now=noon + SILENCE + 2 * DAY, limit=9) == ids[:3]
        assert services.due_to_close(now=noon + 90 * DAY, limit=2) == ids[:2]

    def test_closes_all_that_is_due(
        self, many: list[ReportDetail], clock: Clock, noon: datetime
    ) -> None:
        clock.moment = noon + SILENCE + 2 * DAY

        assert tasks.close_answered_reports() == 3
        assert tasks.close_answered_reports() == 0

        states = [Report.objects.get(pk=one.id).state for one in many]
        assert states == ["Reviewed", "Reviewed", "Closed", "Closed", "Closed"]
        assert len(mails()) == 3

    def test_one_that_breaks_off_stops_no_other_and_is_closed_by_the_next_look(
        self,
        many: list[ReportDetail],
        clock: Clock,
        noon: datetime,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        clock.moment = noon + 90 * DAY
        fail = _failing(many[2].id)
        with monkeypatch.context() as broken:
            broken.setattr("support.notifications.report_lapsed", fail)
            assert tasks.close_answered_reports() == 4
        # Nothing of the one is half done.
        assert told(many[2])[-1] != MOVE
        assert Report.objects.get(pk=many[2].id).closed_at is None

        assert tasks.close_answered_reports() == 1

        assert [told(one).count(MOVE) for one in many] == [1] * 5

    def test_killed_half_way_the_next_one_goes_on(
        self,
        many: list[ReportDetail],
        clock: Clock,
        noon: datetime,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """What goes through `except Exception` is what ends a process: the time limit, a signal."""
        clock.moment = noon + 90 * DAY
        with monkeypatch.context() as broken:
            broken.setattr("support.notifications.report_lapsed", _failing(many[2].id, SystemExit))
            with pytest.raises(SystemExit):
                tasks.close_answered_reports()
        assert Report.objects.filter(state="Closed").count() == 2

        assert tasks.close_answered_reports() == 3

        assert [told(one).count(MOVE) for one in many] == [1] * 5


def _failing(report_id: int, fault: type[BaseException] = RuntimeError) -> Callable[..., None]:
    """Answer a notification that breaks off at one report."""

    def tell(*, report: ReportDetail, **_how: Any) -> None:
        if report.id == report_id:
            raise fault

    return tell


class TestRows:
    @pytest.mark.parametrize(
        ("state", "wrong"),
        [
            ("Pending", {"closes_at": True}),
            ("Reviewed", {"closes_at": None}),
            ("Reviewed", {"due_at": True, "waiting_since": True}),
            ("Closed", {"closes_at": True}),
        ],
    )
    def test_the_database_itself_refuses(
        self,
        report: ReportDetail,
        agent: Viewer,
        noon: datetime,
        state: str,
        wrong: dict[str, Any],
    ) -> None:
        """A time for what is not answered, an answered one without, and one that owes an answer."""
        if state != "Pending":
            respond(report, agent, noon, state=state)
        columns = {name: noon if value else None for name, value in wrong.items()}

        with pytest.raises(IntegrityError), transaction.atomic():
            Report.objects.filter(pk=report.id).update(**columns)

    @pytest.mark.parametrize("event", ["", "moved"])
    def test_only_what_happens_by_itself_has_no_author(
        self, report: ReportDetail, noon: datetime, event: str
    ) -> None:
        with pytest.raises(IntegrityError), transaction.atomic():
            ReportMessage.objects.create(
                report_id=report.id,
                author=None,
                is_from_staff=True,
                is_internal=True,
                event=event,
                body="?",
                created_at=noon,
            )

    def test_the_migration_counts_from_the_last_word(
        self, buy: Buy, me: Viewer, agent: Viewer, noon: datetime
    ) -> None:
        """Answered, answered and noted on, moved after the answer; one waits, one is closed."""
        booked = buy()
        found = [send(booked, me, noon) for _ in range(5)]
        plain, noted, moved, _waits, closed = found
        for one in (plain, noted):
            respond(one, agent, noon + HOUR)
        respond(noted, agent, noon + 3 * HOUR, is_internal=True)
        respond(moved, agent, noon + HOUR)
        services.refile(viewer=agent, report_id=moved.id, category="Other", now=noon + 9 * HOUR)
        respond(closed, agent, noon, state="Closed")
        Report.objects.filter(state="Reviewed").update(closes_at=noon)

        import_module("support.migrations.0011_report_closes").say_when_they_close(apps, None)

        assert [closes_at(one) for one in found] == [
            noon + HOUR + SILENCE,
            noon + 3 * HOUR + SILENCE,
            noon + HOUR + SILENCE,
            None,
            None,
        ]
