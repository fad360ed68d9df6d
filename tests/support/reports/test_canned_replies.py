"""Canned replies: which are offered, and how they are filled in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import User
from accounts.viewers import Viewer
from support import reports, selectors
from support.models import CannedReply
from support.selectors import ReportDetail


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
