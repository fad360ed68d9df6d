"""Finding, proving and changing a booking in a real browser, with and without scripts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.cache import cache
from playwright.sync_api import Browser, Page, expect

from accounts.models import User
from accounts.viewers import Viewer
from bookings import services as booking
from payments import services as money
from tests import selling
from tests.accounts.codes import newest_code
from tests.bookings.disrupted import another, call_off, delay
from tests.conftest import Clock
from tests.factories import Timetable
from tests.pages.cast import signed_in
from tests.pages.conftest import faults, scrolls_sideways
from tests.plugins.browser import LOOKS

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PEOPLE = [
    booking.PassengerDetails("Dr. Maximiliane Freifrau", "von Hohenstein-Waldenburg", "adult"),
    booking.PassengerDetails("سیدمحمدرضا", "حسینی‌نژاد طباطبایی", "adult"),
    booking.PassengerDetails("Amélie", "Nguyễn-Hosseininejad", "child"),
]
OFFICE = Viewer(is_support=True)


def buy(who: User | str, *ticket_ids: int, now: datetime, people: Any = 1) -> Any:
    row = selling.reserve(who, *ticket_ids, now=now, passengers=people)
    money.pay(
        viewer=OFFICE, reservation_id=row.id, method="Bank Card", token="tok_accepted", now=now
    )
    return row


@pytest.fixture
def rows(
    traveller: User, timetable: Timetable, clock: Clock, noon: datetime, settings: Any
) -> dict[str, Any]:
    """A booking that runs late, and one whose train does not run at all."""
    settings.DEMO = True
    train, coach = timetable.train, timetable.coach
    off = another(train, starts_at=datetime(2026, 6, 2, 7, tzinfo=UTC), run="off")
    for hour in (12, 22):
        another(train, starts_at=datetime(2026, 6, 2, hour, tzinfo=UTC), run=f"at {hour}")
    late = buy(traveller, train.ticket_id(), coach.ticket_id(1, 2), now=noon, people=PEOPLE)
    stranded = buy(traveller, off.ticket_id(), now=noon, people=PEOPLE)
    delay(train, 25)
    call_off(off)
    for trip in (train, off):
        booking.tell_of_changes(departure_id=trip.departure.pk, now=noon)
    guest = buy("guest@example.org", train.ticket_id(), now=noon, people=2)
    cache.clear()
    return {"late": late, "off": stranded, "guest": guest}


@pytest.fixture
def open_as(chromium: Browser, live_server: Any, noon: datetime) -> Iterator[Any]:
    """Answer a function that makes a window for somebody, whose clock stands at noon."""
    contexts = []

    def opened(
        user: User | None, *, width: int = 1280, scheme: Any = "light", scripts: bool = True
    ) -> Page:
        context = chromium.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=scheme,
            locale="en-GB",
            base_url=live_server.url,
            java_script_enabled=scripts,
        )
        contexts.append(context)
        if user is not None:
            session = signed_in(user).cookies["sessionid"].value
            context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
        page = context.new_page()
        page.clock.set_fixed_time(noon)
        return page

    yield opened
    for context in contexts:
        context.close()


class TestEveryPage:
    @LOOKS
    def test_is_accessible_and_fits(
        self, rows: dict[str, Any], traveller: User, open_as: Any, width: int, scheme: str
    ) -> None:
        page = open_as(traveller, width=width, scheme=scheme)
        late, off = rows["late"].locator, rows["off"].locator
        wrong = {}
        for path in (
            f"/booking/{late}/",
            f"/booking/{late}/seats/",
            f"/booking/{late}/seats/?view=list",
            f"/booking/{late}/names/",
            f"/booking/{off}/",
            f"/booking/{off}/another/",
            "/find-booking/",
        ):
            page.goto(path, wait_until="networkidle")
            found = faults(page)
            if scrolls_sideways(page):
                found.append("scrolls sideways")
            if found:
                wrong[path] = found
        assert wrong == {}


@pytest.mark.parametrize("scripts", [True, False])
def test_a_guest_finds_proves_and_changes_seats(
    rows: dict[str, Any], open_as: Any, scripts: bool
) -> None:
    page = open_as(None, scripts=scripts)
    page.goto("/")
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Find a booking").click()
    page.get_by_label("Booking code").fill(rows["guest"].locator.lower())
    page.get_by_label("Last name").fill("roe")
    page.get_by_role("button", name="Show the booking").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Hamburg")
    page.get_by_role("link", name="Change seats").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Is this booking yours?")
    page.get_by_role("button", name="Send a code to").click()
    expect(page.get_by_text("Six digits are on their way")).to_be_visible()
    page.get_by_label("Code").fill(newest_code("guest@example.org"))
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Change seats")
    page.get_by_role("button", name="As a list").click()
    page.get_by_label("Ada Roe").select_option(label="Seat 2D, window")
    page.get_by_role("button", name="Change seats").last.click()
    expect(page.get_by_text("Your seats are changed.")).to_be_visible()
    expect(page.get_by_text("Ada Roe: Coach 1, seat 2D").first).to_be_visible()


def test_on_the_plan_by_keyboard(rows: dict[str, Any], traveller: User, open_as: Any) -> None:
    page = open_as(traveller)
    page.goto(f"/booking/{rows['late'].locator}/seats/")
    free = page.get_by_role("checkbox", name="Seat 2D")
    page.get_by_role("checkbox", checked=True).first.focus()
    # One goes and another one comes: the limit holds by itself.
    free.focus()
    page.keyboard.press("Space")
    expect(free).to_be_checked()
    expect(page.get_by_role("checkbox", checked=True)).to_have_count(3)
    page.get_by_role("button", name="Change seats").last.click()
    expect(page.get_by_text("Your seats are changed.")).to_be_visible()


def test_another_departure_on_one_page(rows: dict[str, Any], traveller: User, open_as: Any) -> None:
    page = open_as(traveller, width=390)
    page.goto(f"/booking/{rows['off'].locator}/")
    page.get_by_role("link", name="Choose now").click()
    page.get_by_role("radio").first.check()
    page.get_by_role("button", name="Do what I chose").click()
    expect(page.get_by_text("You are rebooked.")).to_be_visible()
    expect(page.get_by_text("Another departure: ICE 585 instead of ICE 585")).to_be_visible()
