"""Filters and orders that change the list in place, and the address with it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.conftest import Clock
from tests.factories import Timetable

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("timetable", "clock"),
]
RESULTS = "/search/?origin=Hamburg&destination=Munich&date=2026-06-02&adult=1"


@pytest.fixture
def page(open_page: Any, timetable: Timetable, clock: Clock) -> Page:
    """The results, marked so that a page loaded anew would be known."""
    opened: Page = open_page(RESULTS)
    opened.evaluate("window.stillHere = true")
    return opened


def is_still_here(page: Page) -> bool:
    return bool(page.evaluate("window.stillHere === true"))


class TestFilters:
    def test_change_the_list_the_address_and_what_is_said(self, page: Page) -> None:
        expect(page.get_by_role("article")).to_have_count(3)
        said = page.locator("#said")

        page.get_by_role("checkbox", name="Trains").uncheck()

        expect(page.get_by_role("article")).to_have_count(2)
        expect(said).to_have_text("2 trips")
        expect(page.get_by_role("heading", level=2, name="2 trips")).to_be_visible()
        assert "mode=Plane" in page.url
        assert "mode=Train" not in page.url
        # Nothing that the form sent empty.
        assert "price_min" not in page.url
        assert is_still_here(page)
        # The box has the focus still.
        expect(page.get_by_role("checkbox", name="Trains")).to_be_focused()

    def test_can_be_kept_as_an_address(self, page: Page) -> None:
        page.get_by_role("checkbox", name="Trains").uncheck()
        expect(page.get_by_role("article")).to_have_count(2)

        page.goto(page.url)

        expect(page.get_by_role("article")).to_have_count(2)
        expect(page.get_by_role("checkbox", name="Trains")).not_to_be_checked()

    def test_are_undone_by_the_back_button(self, page: Page) -> None:
        page.get_by_role("checkbox", name="Trains").uncheck()
        expect(page.get_by_role("article")).to_have_count(2)

        page.go_back()

        expect(page.get_by_role("article")).to_have_count(3)
        expect(page).to_have_url(re.compile(r"adult=1$"))

    def test_that_leave_nothing_offer_to_be_cleared(self, page: Page) -> None:
        page.get_by_label("up to").fill("1")
        page.get_by_label("up to").press("Tab")

        expect(page.get_by_role("heading", name="No trip fits these filters")).to_be_visible()
        page.get_by_role("link", name="Clear all filters").click()
        expect(page.get_by_role("article")).to_have_count(3)

    def test_work_without_a_script(self, open_page: Any) -> None:
        page = open_page(RESULTS, scripts=False)
        page.get_by_role("checkbox", name="Trains").uncheck()
        page.get_by_role("button", name="Show these trips").click()

        expect(page.get_by_role("article")).to_have_count(2)


class TestOrders:
    def test_change_in_place_and_keep_the_filters(self, page: Page) -> None:
        page.get_by_role("checkbox", name="Trains").uncheck()
        expect(page.get_by_role("article")).to_have_count(2)

        page.get_by_role("link", name="Price", exact=True).click()

        first = page.get_by_role("article").first
        expect(first).to_contain_text("N 42")
        assert "sort=price" in page.url
        assert "mode=Bus" in page.url
        assert is_still_here(page)
        # A filter that comes later keeps the order.
        page.get_by_role("checkbox", name="Trains").check()
        expect(page.get_by_role("article")).to_have_count(3)
        expect(first).to_contain_text("N 42")
        assert "sort=price" in page.url


def test_nothing_is_refused_by_the_content_security_policy(open_page: Any) -> None:
    page = open_page(RESULTS)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.reload(wait_until="networkidle")

    page.get_by_role("checkbox", name="Trains").uncheck()
    expect(page.get_by_role("article")).to_have_count(2)

    assert said == []
