"""The pages after the hold in a real browser: at every width, by day and by night."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from accounts.models import User
from accounts.viewers import Viewer
from bookings import services as booking
from bookings.engine.contract import Actor
from payments import services as money
from tests import selling
from tests.conftest import Clock
from tests.factories import Timetable
from tests.pages.cast import fill_wallet, paid, signed_in
from tests.pages.conftest import faults, scrolls_sideways
from tests.plugins.browser import LOOKS

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PEOPLE = [
    booking.PassengerDetails("Dr. Maximiliane Freifrau", "von Hohenstein-Waldenburg"),
    booking.PassengerDetails("سیدمحمدرضا", "حسینی‌نژاد طباطبایی"),
    booking.PassengerDetails("Amélie", "Nguyễn-Hosseininejad", kind="child"),
]


@pytest.fixture
def pages(
    traveller: User, timetable: Timetable, clock: Clock, noon: datetime, settings: Any
) -> list[str]:
    """The addresses of every page of this room, in each of its states."""
    settings.DEMO = True
    viewer = Viewer(user_id=traveller.pk)
    early = noon - timedelta(minutes=30)
    fill_wallet(traveller, "500.00", now=early)
    train, flight, coach = timetable.train, timetable.flight, timetable.coach
    ended = selling.reserve(traveller, train.ticket_id(), now=early)
    held = selling.reserve(traveller, train.ticket_id(), now=noon, passengers=PEOPLE)
    waiting = selling.reserve(traveller, train.ticket_id(1, 3), now=noon)
    asked = money.pay(
        viewer=viewer, reservation_id=waiting.id, method="Cryptocurrency", token=None, now=noon
    )
    off = paid(traveller, train.ticket_id(fare=1), now=noon, method="Wallet")
    money.cancel_and_refund(
        viewer=viewer, reservation_id=off.id, actor=Actor("holder", traveller.pk), now=noon
    )
    by_card = paid(traveller, coach.ticket_id(0, 1), now=noon)
    both = selling.reserve(
        traveller, flight.ticket_id(), coach.ticket_id(), now=noon, passengers=PEOPLE[:2]
    )
    money.pay(viewer=viewer, reservation_id=both.id, method="Wallet", token=None, now=noon)
    who = both.passengers[0].id
    which = "&".join(f"tickets={ticket}" for ticket in both.tickets)
    return [
        f"/checkout/{held.locator}/payment/",
        f"/checkout/{ended.locator}/payment/",
        asked.redirect_url[asked.redirect_url.index("/pay/") :],
        f"/booking/{held.locator}/",
        f"/booking/{both.locator}/",
        f"/booking/{off.locator}/",
        f"/booking/{both.locator}/done/",
        f"/booking/{held.locator}/cancel/",
        f"/booking/{both.locator}/cancel/",
        f"/booking/{both.locator}/cancel/?passengers={who}&{which}",
        f"/booking/{by_card.locator}/cancel/",
        "/my-trips/",
        "/my-trips/?when=past",
        "/my-trips/?when=cancelled",
        "/wallet/",
        "/outbox/",
    ]


OpenAs = Callable[..., Page]


@pytest.fixture
def open_as(chromium: Browser, live_server: Any, noon: datetime) -> Any:
    """Answer a function that makes a window for somebody, whose clock stands at noon."""
    contexts = []

    def opened(user: User | None, *, width: int, scheme: Any) -> Page:
        context = chromium.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=scheme,
            locale="en-GB",
            base_url=live_server.url,
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
    def test_is_accessible_quiet_and_fits(
        self, open_as: OpenAs, traveller: User, pages: list[str], width: int, scheme: str
    ) -> None:
        page = open_as(traveller, width=width, scheme=scheme)
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))

        found = {address: _look(page, address) for address in pages}

        assert found == dict.fromkeys(pages, ([], False))
        assert said == []

    def test_has_nothing_inline(self, open_as: OpenAs, traveller: User, pages: list[str]) -> None:
        page = open_as(traveller, width=1280, scheme="light")
        for address in pages:
            html = page.goto(address).text()  # type: ignore[union-attr]
            for inline in (" style=", "<style", " onclick=", " onsubmit=", "javascript:"):
                assert inline not in html, (address, inline)
            assert html.count("<h1") == 1, address

    @LOOKS
    def test_of_signing_in_is_accessible_with_its_faults(
        self, open_as: OpenAs, traveller: User, width: int, scheme: str
    ) -> None:
        page = open_as(None, width=width, scheme=scheme)
        for address, button in (
            ("/account/sign-in/", "Sign in"),
            ("/account/sign-up/", "Open my account"),
        ):
            assert _look(page, address) == ([], False)
            page.locator("main form").evaluate("form => form.noValidate = true")
            page.locator("main").get_by_role("button", name=button).click()
            page.get_by_role("alert").wait_for()
            assert faults(page) == []


def _look(page: Page, address: str) -> tuple[list[str], bool]:
    page.goto(address)
    return faults(page), scrolls_sideways(page)


class TestThePaymentPage:
    def test_asks_for_a_test_card_only_for_a_card(
        self, open_as: OpenAs, traveller: User, pages: list[str]
    ) -> None:
        page = open_as(traveller, width=390, scheme="light")
        page.goto(pages[0])
        card = page.get_by_label("Which test card?")

        expect(card).to_be_visible()
        page.get_by_role("radio", name="Wallet").check()
        expect(card).to_be_hidden()
        page.get_by_role("radio", name="Bank card").check()
        expect(card).to_be_visible()

    def test_counts_the_hold_down(self, open_as: OpenAs, traveller: User, pages: list[str]) -> None:
        page = open_as(traveller, width=390, scheme="light")

        page.goto(pages[0])

        expect(page.locator("[data-left]")).to_have_text(re.compile("^(10:00|9:[0-5][0-9])$"))
