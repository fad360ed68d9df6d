"""The queue's tabs, filters and search, and a passenger's other reports."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from accounts.models import User
from accounts.viewers import Viewer
from support import reports, selectors, services
from support.reports import Narrow
from support.selectors import ReportDetail
from tests import factories

from ..conftest import Buy, send
from .conftest import HOUR, respond, write


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

        assert self.names(agent, now, "open", narrow=Narrow(category="Accessibility")) == ["soon"]
        assert self.names(agent, now, "free", narrow=Narrow(mode="Train")) == ["soon", "late"]
        assert self.names(agent, now, "free", narrow=Narrow(mode="Bus")) == []

    def test_a_carriers_departures(
        self,
        desk: dict[str, ReportDetail],
        buy: Buy,
        me: Viewer,
        agent: Viewer,
        timetable: factories.Timetable,
        noon: datetime,
    ) -> None:
        """One flight beside the trains: it is late, and nobody has it."""
        sent = send(buy(trip=timetable.flight), me, noon, text="plane.", category="Other")
        on_rails, in_the_air = (
            Narrow(carrier_id=trip.departure.service.carrier_id)
            for trip in (timetable.train, timetable.flight)
        )
        now = noon + 80 * HOUR

        nothing: dict[str, list[str]] = {tab: [] for tab in self.TABS}
        plane = {**nothing, "free": ["plane"], "open": ["plane"], "overdue": ["plane"]}
        soon = {**nothing, "free": ["soon"], "open": ["soon"], "overdue": ["soon"]}
        # Everything that was owed is late by now; "working" owes nothing.
        trains = {**self.TABS, "overdue": self.TABS["open"][:-1]}

        for narrow, tabs in (
            (on_rails, trains),
            (in_the_air, plane),
            (Narrow(category="Accessibility"), soon),
            (replace(on_rails, category="Accessibility"), soon),
            (replace(in_the_air, category="Accessibility"), nothing),
            (replace(in_the_air, category="Other", mode="Plane"), plane),
            (replace(in_the_air, mode="Train"), nothing),
            (Narrow(carrier_id=0), nothing),
        ):
            found = {tab: self.names(agent, now, tab, narrow=narrow) for tab in reports.TABS}
            assert found == tabs
            assert reports.counts(viewer=agent, now=now, narrow=narrow) == {
                tab: len(names) for tab, names in tabs.items()
            }
        assert sent.ticket.service.carrier_id == in_the_air.carrier_id

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
