"""The whole purchase without a mouse: every step by Tab, arrows, blank and Enter alone."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from bookings.models import Claim, Reservation
from tests.conftest import Clock
from tests.factories import Timetable

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
# Nobody presses Tab more often to get from one thing to the next.
MOST_TABS = 60


def tab_to(page: Page, target: Locator) -> None:
    """Press Tab until the target has the focus; wherever it is on the way, it can be seen."""
    expect(target).to_have_count(1)
    for _press in range(MOST_TABS):
        page.keyboard.press("Tab")
        if target.evaluate("(one) => one === document.activeElement"):
            return
        unseen = page.evaluate(
            # Inside a field for a day Chromium draws the ring round its part.
            "(one => one.matches(':focus-visible, [type=date]') ? '' : one.outerHTML)"
            "(document.activeElement)"
        )
        assert unseen == ""
    raise AssertionError(f"{target} was not reached by {MOST_TABS} presses of Tab")


def walk(page: Page, target: Locator, key: str) -> None:
    """Press an arrow key until the target has the focus."""
    for _press in range(MOST_TABS):
        if target.evaluate("(one) => one === document.activeElement"):
            return
        page.keyboard.press(key)
    raise AssertionError(f"{target} was not reached by {key}")


def type_into(page: Page, target: Locator, text: str) -> None:
    tab_to(page, target)
    page.keyboard.type(text)


def press_on(page: Page, target: Locator, key: str = "Enter") -> None:
    tab_to(page, target)
    page.keyboard.press(key)


def test_a_guest_searches_chooses_a_seat_and_pays(
    open_page: Any, timetable: Timetable, clock: Clock
) -> None:
    page = open_page("/")
    page.clock.set_fixed_time(clock.now())

    # The first thing that Tab reaches leads past the head of the page.
    press_on(page, page.get_by_role("link", name="Skip to the content"))
    type_into(page, page.get_by_role("combobox", name="From"), "Hamb")
    expect(page.get_by_role("option", name="Hamburg", exact=False).first).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("combobox", name="From")).to_have_value("Hamburg")
    type_into(page, page.get_by_role("combobox", name="To"), "Munich")
    page.keyboard.press("Escape")
    press_on(page, page.locator(".search-form").get_by_role("button", name="Search", exact=True))

    expect(page.get_by_role("heading", level=1)).to_contain_text("Hamburg")
    assert f"date={date(2026, 6, 2)}" in page.url
    press_on(page, page.get_by_role("link", name="Price", exact=True))
    expect(page.get_by_role("link", name="Price", exact=True)).to_have_attribute(
        "aria-current", "true"
    )
    press_on(page, page.get_by_role("link", name=re.compile("Choose.*ICE 585")))

    tab_to(page, page.get_by_role("radio", name="Saver"))
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("radio", name="Flex", exact=False).first).to_be_checked()
    press_on(page, page.get_by_role("button", name="Choose seats"))

    # The plan is one stop; the arrows walk it, the blank chooses. It lies lengthwise on a wide
    # window, so that the second row is to the right.
    tab_to(page, page.get_by_role("checkbox", name="Seat 1A,", exact=False))
    walk(page, page.get_by_role("checkbox", name="Seat 2A,", exact=False), "ArrowRight")
    page.keyboard.press("Space")
    expect(page.locator("[data-chosen]")).to_have_text("2A")
    press_on(page, page.locator(".seat-bar").get_by_role("button"))

    adult = page.get_by_role("group", name="Adult", exact=True)
    type_into(page, adult.get_by_label("First names"), "Ada")
    type_into(page, adult.get_by_label("Last name"), "Lovelace")
    type_into(page, page.get_by_label("E-mail"), "ada@example.org")
    press_on(page, page.locator(".actions").get_by_role("button", name="Hold these seats"))

    expect(page.get_by_role("heading", level=1)).to_have_text("Payment")
    tab_to(page, page.get_by_role("radio", name="Bank card"))
    page.keyboard.press("Space")
    press_on(page, page.get_by_role("button", name="Pay €90.00"))

    expect(page.get_by_role("heading", level=1)).to_contain_text("You are booked")
    bought = Reservation.objects.get()
    assert bought.state == "paid"
    assert Claim.objects.get().stock.seat.label == "2A"


def test_a_mistake_is_reached_from_the_list_of_mistakes(
    open_page: Any, timetable: Timetable, clock: Clock
) -> None:
    train = timetable.train.ticket_id()
    page = open_page(f"/checkout/?ticket={train}&adult=1")
    type_into(page, page.get_by_label("First names"), "Ada")
    press_on(page, page.locator(".actions").get_by_role("button", name="Hold these seats"))

    press_on(page, page.get_by_role("link", name="Adult, Last name: This field is required."))
    expect(page.get_by_label("Last name")).to_be_focused()
    # What was typed is still there.
    expect(page.get_by_label("First names")).to_have_value("Ada")
