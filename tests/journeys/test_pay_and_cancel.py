"""A person pays for held seats, looks at the trip, cancels it and sees the money come back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from accounts.models import User
from tests import selling
from tests.conftest import Clock
from tests.factories import PASSWORD, Trip
from tests.pages.cast import fill_wallet, hold_as_guest
from tests.plugins.browser import PATIENCE

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture(params=["with scripts", "without scripts"])
def window(
    request: pytest.FixtureRequest, chromium: Browser, live_server: Any, clock: Clock
) -> Iterator[Page]:
    """A browser's window on the office, at noon; every story is told with and without scripts."""
    context = chromium.new_context(
        base_url=live_server.url,
        java_script_enabled=request.param == "with scripts",
        locale="en-GB",
        viewport={"width": 390, "height": 844},
    )
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.clock.set_fixed_time(clock.now())
    yield page
    context.close()


def sign_in(window: Page) -> None:
    window.goto("/account/sign-in/")
    window.get_by_label("E-mail").fill("ada@example.org")
    window.get_by_label("Password").fill(PASSWORD)
    window.locator("main").get_by_role("button", name="Sign in").click()
    expect(window.get_by_role("heading", level=1)).to_have_text("My trips")


def pay(window: Page, label: str, price: str) -> None:
    window.get_by_role("radio", name=label).check()
    window.get_by_role("button", name=f"Pay {price}").click()


class TestByWallet:
    def test_pay_look_cancel_one_and_see_the_refund(
        self, window: Page, traveller: User, train: Trip, noon: datetime
    ) -> None:
        fill_wallet(traveller, "100.00", now=noon)
        held = selling.reserve(traveller, train.ticket_id(), now=noon, passengers=2)
        sign_in(window)

        window.get_by_role("link", name="Pay now").click()
        pay(window, "Wallet", "€90.00")
        expect(window.get_by_role("heading", level=1)).to_contain_text("You are booked")
        expect(window.locator(".locator-large")).to_have_text(held.locator)

        window.locator("main").get_by_role("link", name="My trips").click()
        window.get_by_role("link", name="Hamburg to Munich").click()
        window.get_by_role("link", name="Cancel", exact=True).click()
        window.get_by_role("checkbox", name="Ada Roe").uncheck()
        window.get_by_role("button", name="Show what comes back").click()
        # Half of 45.00, eighteen hours before departure.
        window.get_by_role("button", name="Cancel 1 ticket, get €22.50 back").click()

        expect(window.get_by_role("status").first).to_contain_text("€22.50 is back in your wallet.")
        row = window.get_by_role("row").filter(has_text="Bob Roe")
        expect(row).to_contain_text("Cancelled")
        window.goto("/wallet/")
        # 100.00 - 90.00 + 22.50
        expect(window.locator("main")).to_contain_text("€32.50")
        expect(window.get_by_role("row").nth(1)).to_contain_text("+€22.50")
        selling.audit()


class TestByCard:
    def test_declined_then_accepted(
        self, window: Page, traveller: User, train: Trip, noon: datetime
    ) -> None:
        held = selling.reserve(traveller, train.ticket_id(), now=noon)
        sign_in(window)
        window.goto(f"/checkout/{held.locator}/payment/")

        window.get_by_label("Which test card?").select_option("Test card that is declined")
        pay(window, "Bank card", "€45.00")
        expect(window.get_by_role("alert")).to_contain_text("The bank declined the card.")
        expect(window.locator(".hold")).to_be_visible()

        window.get_by_label("Which test card?").select_option("Test card that is accepted")
        pay(window, "Bank card", "€45.00")
        expect(window.get_by_role("heading", level=1)).to_contain_text("You are booked")

        window.get_by_role("link", name="Show the booking").click()
        for told in ("Payment refused", "€45.00 paid"):
            expect(window.locator(".timeline")).to_contain_text(told)

    def test_a_guest_confirms_by_3d_secure(self, window: Page, train: Trip, noon: datetime) -> None:
        held, secret = hold_as_guest(train.ticket_id(), now=noon)
        window.goto(f"/booking/{held.locator}/?key={secret}")
        assert secret not in window.url
        window.get_by_role("link", name="Pay €45.00").click()
        card = "Test card that asks you to confirm (3-D Secure)"

        window.get_by_label("Which test card?").select_option(card)
        pay(window, "Bank card", "€45.00")
        window.get_by_role("button", name="No, refuse").click()
        expect(window.get_by_role("status").first).to_contain_text("Nothing was charged.")

        window.get_by_label("Which test card?").select_option(card)
        pay(window, "Bank card", "€45.00")
        window.get_by_role("button", name="Yes, pay €45.00").click()

        expect(window.get_by_role("heading", level=1)).to_contain_text("You are booked")


class TestTooLate:
    def test_a_hold_that_ended_leads_to_a_new_search(
        self, window: Page, traveller: User, train: Trip, noon: datetime, clock: Clock
    ) -> None:
        held = selling.reserve(traveller, train.ticket_id(), now=noon)
        sign_in(window)
        window.goto(f"/checkout/{held.locator}/payment/")
        clock.advance(minutes=11)

        pay(window, "Cryptocurrency", "€45.00")

        expect(window.get_by_role("heading", level=1)).to_have_text("The time to pay has run out")
        window.get_by_role("link", name="Search again").click()
        expect(window.locator("main")).to_contain_text("ICE 585")


class TestTopUp:
    def test_fills_what_is_missing_and_comes_back_to_pay(
        self, window: Page, traveller: User, train: Trip, noon: datetime
    ) -> None:
        fill_wallet(traveller, "20.00", now=noon)
        held = selling.reserve(traveller, train.ticket_id(), now=noon)
        sign_in(window)
        window.goto(f"/checkout/{held.locator}/payment/")
        expect(window.get_by_role("radio", name="Wallet")).to_be_disabled()

        window.get_by_role("link", name="Top up your wallet by €25.00").click()
        expect(window.get_by_label("Amount")).to_have_value("25.00")
        window.get_by_role("button", name="Top up").click()

        pay(window, "Wallet", "€45.00")
        expect(window.get_by_role("heading", level=1)).to_contain_text("You are booked")
