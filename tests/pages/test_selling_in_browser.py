"""The pages up to the hold in a real browser: for all eyes, at every width, day and night."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from playwright.sync_api import Page, expect

from accounts.models import User
from tests.conftest import Clock
from tests.factories import Timetable, Trip
from tests.pages.conftest import faults, scrolls_sideways
from tests.plugins.browser import LOOKS
from tests.selling import reserve

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
ASKED = "origin=Hamburg&destination=Munich&date=2026-06-02&adult=2&child=1"
RETURN = f"{ASKED}&way=return&return_date=2026-06-03"


@pytest.fixture
def paths(
    timetable: Timetable, back: Trip, traveller: User, noon: datetime, clock: Clock
) -> dict[str, str]:
    """Every page and state on the way to a hold; two seats of the train are taken."""
    train = timetable.train.ticket_id()
    reserve(traveller, train, now=noon - timedelta(minutes=1), passengers=2)
    return {
        "home": "/",
        "search": "/search/",
        "search with faults": "/search/?origin=Hambacher&destination=&date=2026-01-01&adult=0",
        "results": f"/search/?{ASKED}",
        "results, nothing fits": f"/search/?{ASKED}&mode=Plane&time=evening",
        "results, nothing that day": f"/search/?{ASKED}".replace("06-02", "06-05"),
        "results, nothing at all": f"/search/?{ASKED}".replace("Hamburg", "Nuremberg").replace(
            "Munich", "Berlin"
        ),
        "way back": f"/search/?{RETURN}&out={train}",
        "way out gone": f"/search/?{RETURN}&out=1",
        "ticket": f"/trip/{train}/?{ASKED}",
        "ticket, sold out": f"/trip/{train}/?adult=9",
        "seats": f"/trip/{train}/seats/?{ASKED}",
        "seats with faults": f"/trip/{train}/seats/?choose=1&seat={train}:1:1A&seat={train}:1:2D",
        "seats as a list": f"/trip/{train}/seats/?{ASKED}&view=list",
        "checkout": f"/checkout/?ticket={train}&{ASKED}&seat={train}:1:2D",
        "closed": f"/trip/{train}/seats/?{ASKED}",
    }


@LOOKS
def test_every_page_is_accessible_and_fits(
    open_page: Any, paths: dict[str, str], clock: Clock, width: int, scheme: str
) -> None:
    look_at(open_page("/", width=width, scheme=scheme), paths, clock)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_is_accessible_from_right_to_left(
    open_page: Any, paths: dict[str, str], clock: Clock, scheme: str
) -> None:
    page = open_page("/", width=320, scheme=scheme)
    page.context.add_cookies(
        [{"name": settings.LANGUAGE_COOKIE_NAME, "value": "fa", "url": page.url}]
    )
    page.reload()
    expect(page.locator("html")).to_have_attribute("dir", "rtl")

    look_at(page, paths, clock)


def look_at(page: Page, paths: dict[str, str], clock: Clock) -> None:
    """Open every page with all that unfolds; nothing is wrong with any, nothing is logged."""
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    base = page.url.rstrip("/")
    found = {}
    for name, path in paths.items():
        if name == "closed":
            clock.advance(hours=19)
        page.goto(f"{base}{path}", wait_until="load")
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true })")
        wrong = faults(page) + (["it scrolls sideways"] if scrolls_sideways(page) else [])
        if page.locator("h1").count() != 1:
            wrong.append("it has not one h1")
        if wrong:
            found[name] = wrong

    assert found == {}
    # A browser logs a page that answers 409 as an error of its own.
    assert [text for text in said if "409" not in text] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_checkout_that_came_back_is_accessible(
    open_page: Any, paths: dict[str, str], scheme: str
) -> None:
    page = open_page(paths["checkout"], width=320, scheme=scheme)

    page.get_by_role("button", name="Hold these seats").last.click()

    expect(page.locator(".error-summary")).to_be_visible()
    assert faults(page) == []
    assert not scrolls_sideways(page)


class TestFares:
    @pytest.mark.parametrize("scripts", [True, False])
    def test_show_their_own_curve_and_bill_when_chosen(
        self, open_page: Any, paths: dict[str, str], scripts: bool
    ) -> None:
        page = open_page(paths["ticket"], scripts=scripts)
        expect(page.locator("aside h2:visible")).to_have_text(["Saver"])

        page.get_by_role("radio", name="Business Flex").check()

        expect(page.locator("aside h2:visible")).to_have_text(["Business Flex"])
        expect(page.locator("aside .total:visible")).to_have_text(
            re.compile(r"^\s*Total\s*€350\.00\s*$")
        )
        expect(page.locator(".chart:visible")).to_have_count(1)


class TestSeatMap:
    def test_lets_go_of_the_first_seat_when_one_too_many_is_chosen(
        self, open_page: Any, paths: dict[str, str]
    ) -> None:
        page = open_page(paths["seats"])
        for seat in ("1C", "1D", "2A", "2B"):
            page.locator(f"input[data-name='{seat}']").check(force=True)

        expect(page.locator("[data-chosen]")).to_have_text("1D, 2A, and 2B")

    def test_goes_on_with_the_enter_key(self, open_page: Any, paths: dict[str, str]) -> None:
        page = open_page(paths["seats"])
        page.locator("input[data-name='2A']").check(force=True)

        page.locator("input[data-name='2A']").press("Enter")
        page.wait_for_url("**/checkout/**")

        expect(page.locator("aside")).to_contain_text("Coach 1, seat 2A")
