"""An agent finds one passenger's story on one page, and can say where every cent has gone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from accounts.viewers import Viewer
from bookings.models import Reservation
from payments import services as paying
from tests import selling
from tests.bookings import disrupted
from tests.conftest import Clock
from tests.factories import PASSWORD, Trip
from tests.pages.conftest import faults, scrolls_sideways
from tests.plugins.browser import LOOKS, PATIENCE
from tests.support import long_story
from travel.common.money import Money

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("audited"),
]
PICTURES = os.environ.get("PICTURES", "")

# What the agent reads, in this order: titles of the time line, each with what stands under it.
STORY = [
    ("Seats reserved", ["Ada Roe", "Held until 1 Jun 2026, 14:10"]),
    ("Attempt to pay: Bank card", ["Failed", "declined", "€90.00"]),
    ("Payment failed", ["Bank card"]),
    ("Attempt to pay: Bank card", ["Captured", "€90.00"]),
    ("Paid", ["State: held, then paid"]),
    ("E-mail: Your tickets", ["To ada@example.org"]),
    ("Message from sandbox: charge.captured", ["Signature verified, applied"]),
    ("Departures desk: Delay, ICE 585", ["Storm damage near Hanover", "Olga Novak, Staff"]),
    ("Told: ICE 585 is 25 minutes late", []),
    ("Departures desk: Swap the vehicle, ICE 585", ["Broken heating"]),
    ("Seats changed by the departures desk", ["Before: Ada Roe: Coach 1", "Now: Ada Roe: Coach 7"]),
    ("Cancelled in part", ["Bob Roe", "Bob could not reach Hamburg", "Sam Porter, Staff"]),
    ("Refund: Cancelled", ["Reason: Strike", "€31.50", "Refunded"]),
    (
        "What the cancellation costs: Strike",
        ["50 % by the fare, €9.00 waived, €13.50 kept, €31.50 back"],
    ),
    ("Refund approved", ["Fin Ledger, Staff", "€31.50"]),
    ("Refunded", ["€31.50"]),
    ("Report: Delay", ["Late again, and Bob could not come."]),
    ("Note for colleagues", ["Third time this month."]),
    ("Answer to the report", ["We are very sorry."]),
    ("Goodwill", ["€5.00", "For the trouble"]),
    ("Tickets sent again", ["Lost the mail", "Sam Porter, Staff"]),
    ("Seats changed", ["Now: Ada Roe: Coach 7, seat 2D", "Wants a window"]),
    ("Scan refused: too early", ["Ada Roe, ICE 585", "Hamburg Hbf"]),
    ("Scanned: let in", ["Ada Roe, ICE 585"]),
    ("On board", []),
]


@pytest.fixture
def lived(train: Trip, clock: Clock, settings: Any) -> Reservation:
    settings.STAFF_2FA = "optional"
    number = long_story.live(train, long_story.people(), clock, settings)
    return Reservation.objects.get(pk=number)


@pytest.fixture
def window(chromium: Browser, live_server: Any, clock: Clock) -> Iterator[Any]:
    contexts = []

    def opened(width: int = 1280, scheme: Any = "light") -> Page:
        context = chromium.new_context(
            base_url=live_server.url,
            viewport={"width": width, "height": 900},
            color_scheme=scheme,
            locale="en-GB",
        )
        contexts.append(context)
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        page.goto("/admin/")
        page.locator("#id_username").fill("sam@office.example")
        page.locator("#id_password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        return page

    yield opened
    for context in contexts:
        context.close()


def test_one_passengers_story_on_one_page(window: Any, lived: Reservation) -> None:
    page = window()
    code = lived.locator.lower()
    page.get_by_label("Find a booking").fill(f"{code[:3]}-{code[3:]}")
    page.get_by_role("button", name="Find").click()

    expect(page.get_by_role("heading", level=1)).to_have_text(f"Booking {lived.locator}")
    expect(page.locator(".explain-head")).to_contain_text("ada@example.org")
    # 90.00 came in: Ada's 45.00 are valid, of Bob's 13.50 were kept and 31.50 given back.
    sums = page.locator("section", has=page.get_by_role("heading", name="The money"))
    for line in ["Paid€90.00", "valid or used€45.00", "cancelled tickets€13.50"]:
        expect(sums).to_contain_text(line)
    expect(sums).to_contain_text("Given back€31.50")
    expect(sums).to_contain_text("Adds up to the cent")
    bob = page.locator("article", has=page.get_by_role("heading", name="Bob Roe"))
    for rule in [
        "€5.00 + 800 km × €0.05 a km",
        "7 %, contained in €45.00",
        "50 % of €45.00, until 1 h 00 min before departure; it was cancelled",
        "Bob could not reach Hamburg",
        "by Sam Porter",
    ]:
        expect(bob).to_contain_text(rule)
    for line in ["−€22.50", "+€9.00", "Goes back€31.50"]:
        expect(bob).to_contain_text(line)
    entries = page.locator(".explain-story > li")
    expect(entries.last).to_contain_text("On board")
    told = entries.all_inner_texts()
    place = 0
    for title, facts in STORY:
        found = next(
            (
                number
                for number in range(place, len(told))
                if title in told[number] and all(fact in told[number] for fact in facts)
            ),
            None,
        )
        assert found is not None, (title, facts, told[place:])
        place = found
    assert "secret" not in page.content()

    page.get_by_role("navigation", name="Show").get_by_role("link", name="Messages").click()
    expect(page.locator(".explain-filters [aria-current]")).to_contain_text("Messages")
    expect(page.locator(".explain-story")).not_to_contain_text("Seats reserved")


@LOOKS
def test_is_fit_to_read(window: Any, lived: Reservation, width: int, scheme: str) -> None:
    page = window(width, scheme)
    wrong = {}
    home = f"/admin/bookings/reservation/{lived.pk}/"
    for name, address in {
        "overview": "/admin/",
        "explain": f"{home}change/",
        "find": "/admin/find/?q=nobody@example.org",
        "find a name": "/admin/find/?q=Nobody",
        "customer": f"/admin/customers/{lived.user_id}/",
        "found": "/admin/find/?q=ada@example.org",
    }.items():
        page.goto(address)
        expect(page.get_by_role("heading", level=1)).to_have_count(1)
        if PICTURES:
            page.screenshot(path=f"{PICTURES}/{name}-{width}-{scheme}.png", full_page=True)
        found = faults(page) + (["scrolls sideways"] if scrolls_sideways(page) else [])
        if found:
            wrong[name] = found
    assert wrong == {}


@LOOKS
def test_acts_are_fit_to_read(
    window: Any, train: Trip, noon: datetime, settings: Any, width: int, scheme: str
) -> None:
    settings.STAFF_2FA = "optional"
    who = long_story.people()
    held = selling.reserve(who.ada, train.ticket_id(), now=noon, passengers=2)
    hold = selling.reserve(who.ada, train.ticket_id(fare=1), now=noon)
    disrupted.another(train, starts_at=noon + timedelta(days=1), run="later")
    paying.open_with(user_id=who.ada.pk, amount=Money(9_000, "EUR"), now=noon)
    paying.pay(
        viewer=Viewer(user_id=who.ada.pk),
        reservation_id=held.id,
        method="Wallet",
        token=None,
        now=noon,
    )
    page = window(width, scheme)
    acts = f"/admin/bookings/reservation/{held.id}/acts"
    wrong = {}

    def look(name: str) -> None:
        expect(page.get_by_role("heading", level=1)).to_have_count(1)
        if PICTURES:
            page.screenshot(path=f"{PICTURES}/{name}-{width}-{scheme}.png", full_page=True)
        found = faults(page) + (["scrolls sideways"] if scrolls_sideways(page) else [])
        if found:
            wrong[name] = found

    for name, address in {
        "paid": f"/admin/bookings/reservation/{held.id}/change/",
        "held": f"/admin/bookings/reservation/{hold.id}/change/",
        "cancel": f"/admin/bookings/reservation/{held.id}/cancel/",
        "seats-list": f"{acts}/seats/?view=list",
        "rebook": f"{acts}/rebook/",
        "tickets": f"{acts}/tickets/",
        "link": f"/admin/bookings/reservation/{hold.id}/acts/payment-link/",
        "seats": f"{acts}/seats/",
        "name": f"{acts}/name/",
    }.items():
        page.goto(address)
        look(name)
    page.get_by_label("Ada Roe").check(force=True)
    page.get_by_label("First name").fill("Augusta")
    page.get_by_label("Last name").fill("King")
    page.get_by_label("Reason").fill("Marriage certificate seen")
    page.get_by_role("button", name="Correct the name").click()
    expect(page.get_by_text("Ada Roe becomes Augusta King.")).to_be_visible()
    look("confirm")
    page.get_by_role("button", name="Correct the name").click()
    expect(page.locator(".messagelist")).to_contain_text("Name corrected")
    page.get_by_role("link", name="Correct the contact").click()
    look("contact")
    page.get_by_label("E-mail").fill("not an address")
    page.get_by_label("Telephone").fill("0151 2345678")
    page.get_by_label("Reason").fill("Spelt on the phone")
    # Without the browser's own look at the address: the office says what is wrong.
    page.locator("form").last.evaluate("form => form.noValidate = true")
    page.get_by_role("button", name="Correct the contact").click()
    expect(page.locator(".errorlist").first).to_be_visible()
    look("contact-wrong")
    page.get_by_label("E-mail").fill("zoe@example.org")
    page.get_by_label("Telephone").fill("+49 1512 3456789")
    page.get_by_role("button", name="Correct the contact").click()
    expect(page.get_by_text("goes to zoe@example.org, with the tickets.")).to_be_visible()
    look("contact-confirm")
    page.get_by_role("button", name="Correct the contact").click()
    expect(page.locator(".messagelist")).to_contain_text("Contact corrected")
    look("contact-corrected")
    assert wrong == {}
