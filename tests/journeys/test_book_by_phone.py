"""
A support agent books by phone for a new guest, who pays alone; and looks as the customer sees it.

Two people in two browsers: nothing of the one's is in the other's.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from accounts.models import User
from bookings.models import Reservation
from support.models import Serving, ServingEntry
from tests import selling
from tests.conftest import Clock
from tests.factories import PASSWORD, Trip
from tests.pages.cast import paid
from tests.pages.conftest import faults, scrolls_sideways
from tests.plugins.browser import LOOKS, PATIENCE
from travel.common.models import OutboxMessage

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PICTURES = os.environ.get("PICTURES", "")


@pytest.fixture
def open_browser(chromium: Browser, live_server: Any, clock: Clock, settings: Any) -> Iterator[Any]:
    """Answer a function that opens somebody's browser, at noon."""
    settings.STAFF_2FA = "optional"
    contexts = []

    def opened(*, width: int = 1280, scheme: Any = "light", scripts: bool = True) -> Page:
        context = chromium.new_context(
            base_url=live_server.url,
            color_scheme=scheme,
            java_script_enabled=scripts,
            locale="en-GB",
            viewport={"width": width, "height": 900},
        )
        contexts.append(context)
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        page.clock.set_fixed_time(clock.now())
        return page

    yield opened
    for context in contexts:
        context.close()


def sign_in(page: Page, staff: User) -> None:
    page.goto("/admin/login/?next=/admin/")
    page.get_by_label("E-mail").fill(staff.email or "")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")


def heading(page: Page) -> Any:
    return expect(page.get_by_role("heading", level=1))


def link_for(address: str) -> str:
    """Answer the link in the message that went there last, without the host."""
    body = OutboxMessage.objects.filter(recipient=address).latest("id").body
    found = re.search(r"/booking/\S+", body)
    assert found is not None
    return found[0]


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_by_phone_for_a_new_guest_who_pays_alone(
    open_browser: Any, staff: User, train: Trip, clock: Clock, scripts: bool
) -> None:
    agent = open_browser(scripts=scripts)
    sign_in(agent, staff)
    agent.get_by_role("link", name="Book by phone").click()
    new = agent.get_by_role("region", name="A new guest")
    new.get_by_label("E-mail address").fill("Grandma@Example.org")
    new.get_by_label("Telephone number").fill("+49 30 1234567")
    new.get_by_label("Reason").fill("called the hotline")
    new.get_by_role("button", name="Go on to the search").click()

    bar = agent.get_by_role("region", name="In a traveller's place")
    expect(bar).to_contain_text("Booking by phone for grandma@example.org")
    expect(bar).to_contain_text("until 12:30 UTC")
    agent.get_by_label("From", exact=True).fill("hamburg")
    agent.get_by_label("To", exact=True).fill("Muenchen")
    agent.get_by_label("Departure", exact=True).fill("2026-06-02")
    agent.get_by_role("button", name="Search", exact=True).click()
    agent.get_by_role("link", name=re.compile("Choose.*ICE 585")).click()
    agent.get_by_role("radio", name=re.compile("^Flex")).check()
    agent.get_by_role("button", name="Choose seats").click()
    agent.get_by_role("checkbox", name=re.compile("Seat 1A,")).check(force=True)
    agent.get_by_role("button", name="On to the passengers").last.click()
    expect(bar).to_be_visible()
    expect(agent.get_by_label("E-mail")).to_have_count(0)
    agent.get_by_label("First names").fill("Gerda")
    agent.get_by_label("Last name").fill("Alt")
    agent.get_by_role("button", name="Hold these seats").last.click()

    heading(agent).to_have_text("Booked by phone")
    held = Reservation.objects.get()
    main = agent.locator("#content-main")
    expect(main).to_contain_text(held.locator)
    # Noon and an hour: at three in Hamburg.
    expect(main).to_contain_text("15:00 CEST")
    expect(main).to_contain_text("13:00 UTC")
    expect(main).to_contain_text("seat 1A")
    agent.get_by_role("button", name="Send the link again").click()
    expect(agent.locator(".messagelist")).to_contain_text("on its way once more")

    # In another browser, by the link of the first message.
    first = OutboxMessage.objects.get(kind="bookings.phone_notice")
    link = re.search(r"/booking/\S+", first.body)
    assert link is not None
    guest = open_browser(width=390, scripts=scripts)
    guest.goto(link[0])
    expect(guest.get_by_role("region", name="In a traveller's place")).to_have_count(0)
    guest.get_by_role("link", name="Pay €90.00").click()
    guest.get_by_role("radio", name="Bank card").check()
    guest.get_by_role("button", name="Pay €90.00").click()
    heading(guest).to_contain_text("You are booked")

    agent.get_by_role("link", name="Look at it as the customer").click()
    expect(agent.locator("main")).to_contain_text("€90.00 paid")
    bar.get_by_role("button", name="Stop").click()
    expect(agent.locator(".messagelist")).to_contain_text("You serve nobody any more.")
    agent.goto(f"/booking/{held.locator}/")
    expect(agent.locator("main")).not_to_contain_text("Gerda")
    assert Serving.objects.get().ended_because == "stopped"
    selling.audit()


def test_look_as_the_customer_and_find_payment_locked(
    open_browser: Any, staff: User, traveller: User, train: Trip, noon: datetime
) -> None:
    held = selling.reserve(traveller, train.ticket_id(), now=noon)
    agent = open_browser()
    sign_in(agent, staff)
    agent.goto(f"/admin/bookings/reservation/{held.id}/change/")
    agent.get_by_role("link", name="Look as the customer").click()
    heading(agent).to_have_text("Look as the customer")
    agent.get_by_label("Reason").fill("cannot find the button")
    agent.get_by_role("button", name="Look").click()

    bar = agent.get_by_role("region", name="In a traveller's place")
    expect(bar).to_contain_text("Looking as Ada Lovelace")
    expect(bar).to_contain_text("cannot find the button")
    expect(bar).to_contain_text("payment locked")
    agent.get_by_role("link", name="Pay €45.00").click()
    expect(agent.locator("main")).to_contain_text("Only the traveller pays")
    expect(agent.locator("main").get_by_role("button")).to_have_count(0)
    agent.get_by_role("link", name="Look at the booking").click()
    agent.get_by_role("link", name="Give up the seats").click()
    heading(agent).to_have_text("Only the traveller does this")
    expect(bar).to_be_visible()
    agent.goto("/wallet/")
    heading(agent).to_have_text("Only the traveller pays")

    assert Reservation.objects.get(pk=held.id).state == "held"
    refused = ServingEntry.objects.filter(is_refused=True).order_by("id")
    assert list(refused.values_list("what", flat=True)) == ["bookings:cancel", "payments:wallet"]


@LOOKS
def test_looks_well_and_has_no_fault(
    open_browser: Any,
    staff: User,
    traveller: User,
    train: Trip,
    noon: datetime,
    width: int,
    scheme: str,
) -> None:
    booked = paid(traveller, train.ticket_id(), now=noon, adults=2)
    held = selling.reserve(traveller, train.ticket_id(), now=noon)
    agent = open_browser(width=width, scheme=scheme)
    sign_in(agent, staff)

    def look(name: str, address: str = "") -> None:
        if address:
            agent.goto(address)
        if PICTURES:
            agent.screenshot(path=f"{PICTURES}/{name}-{width}-{scheme}.png", full_page=True)
        assert faults(agent) == [], name
        assert not scrolls_sideways(agent), name

    look("phone", "/admin/book-by-phone/")
    agent.get_by_label("E-mail, phone or booking code").fill("ada@example.org")
    agent.get_by_role("button", name="Find", exact=True).click()
    expect(agent.get_by_role("status")).to_contain_text("Ada Lovelace")
    look("found")
    agent.get_by_role("link", name="Book for this customer").click()
    heading(agent).to_have_text("Book for this customer")
    look("begin")
    agent.get_by_label("Reason").fill("called: has trouble reading the page, and asked us to help")
    agent.get_by_role("button", name="Go on to the search").click()
    expect(agent.get_by_role("region", name="In a traveller's place")).to_be_visible()
    look("home")
    look("checkout", f"/checkout/?ticket={train.ticket_id()}&adult=1")
    look("locked", f"/checkout/{held.locator}/payment/")
    look("refused", f"/booking/{held.locator}/cancel/")
    look("reservation", f"/booking/{booked.locator}/")
    look("tickets", f"/booking/{booked.locator}/tickets/")
    look("account", "/account/")
    look("booked", f"/admin/serving/booked/{held.locator}/")
    look("log", f"/admin/support/serving/{Serving.objects.get().pk}/change/")
