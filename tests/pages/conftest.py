"""Pages opened in a real Chromium, and axe to look at them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests import factories
from tests.plugins.browser import PATIENCE

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
# Chromium fades from its own colours to the page's when a look was taken before the styles came:
# half-way there, any contrast may be found.
AT_REST = """() => Promise.all(document.getAnimations()
    .filter(moving => moving.effect.getComputedTiming().endTime !== Infinity)
    .map(moving => moving.finished.catch(() => null)))"""


@pytest.fixture
def open_page(chromium: Browser, live_server: Any) -> Iterator[Any]:
    """Answer a function that opens a path at a width, in a scheme, with or without scripts."""
    contexts = []

    def opened(
        path: str, *, width: int = 1280, scheme: Any = "light", scripts: bool = True
    ) -> Page:
        context = chromium.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=scheme,
            java_script_enabled=scripts,
            locale="en-GB",
        )
        contexts.append(context)
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        page.goto(f"{live_server.url}{path}", wait_until="networkidle")
        return page

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture
def back(timetable: factories.Timetable) -> factories.Trip:
    """Trains home on 3 June, 07:00 and (answered) 10:00 local; the Saver is 45.00 again."""
    train = timetable.train
    stations = [call.station for call in reversed(train.calls)]
    _early, late = (
        factories.make_trip(
            train.departure.service,
            train.departure.vehicle,
            starts_at=datetime(2026, 6, 3, hour, tzinfo=UTC),
            stops=[
                factories.Stop(station, index * 60, index * 200)
                for index, station in enumerate(stations)
            ],
            travel_date=date(2026, 6, 3),
            run=str(hour),
        )
        for hour in (5, 8)
    )
    return late


def faults(page: Page) -> list[str]:
    """Answer what axe finds wrong by WCAG 2.2 A and AA on the page at rest, one line each."""
    page.wait_for_load_state()
    page.evaluate(AT_REST)
    found = Axe().run(page, options={"runOnly": RULES}).response["violations"]
    return [f"{rule['id']}: {node['html'][:160]}" for rule in found for node in rule["nodes"]]


def scrolls_sideways(page: Page) -> bool:
    """Say whether the page is wider than the window."""
    return bool(
        page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    )
