"""Connections in a real browser: for all eyes, and bought with and without scripts."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from bookings.models import Coupon, Reservation
from tests.conftest import Clock
from tests.connecting import Network, make_network
from tests.pages.conftest import faults, scrolls_sideways
from tests.plugins.browser import LOOKS

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
ASKED = "origin=Altdorf&destination=Celle&date=2026-06-02&adult=2"


@pytest.fixture
def net(db: None, clock: Clock) -> Network:
    return make_network()


def leg_query(net: Network) -> str:
    return f"leg={net.first.ticket_id()}&leg={net.second.ticket_id()}&{ASKED}"


@LOOKS
def test_every_page_is_accessible_and_fits(
    open_page: Any, net: Network, width: int, scheme: str
) -> None:
    net.run("R 9", "BER", "ALT", 0, 900)
    paths = {
        "results": f"/search/?{ASKED}",
        "connection": f"/connection/?{leg_query(net)}",
        "connection, sold out": f"/connection/?{leg_query(net)}&adult=9",
        "seats of a leg": f"/trip/{net.first.ticket_id()}/seats/?{leg_query(net)}",
        "beside direct trips": f"/search/?{ASKED}".replace("Altdorf", "Bergen").replace(
            "Celle", "Altdorf"
        ),
    }
    page: Page = open_page("/", width=width, scheme=scheme)
    base = page.url.rstrip("/")
    found = {}
    for name, path in paths.items():
        page.goto(f"{base}{path}", wait_until="load")
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true })")
        wrong = faults(page) + (["it scrolls sideways"] if scrolls_sideways(page) else [])
        if page.locator("h1").count() != 1:
            wrong.append("it has not one h1")
        if wrong:
            found[name] = wrong

    assert found == {}


@pytest.mark.parametrize("scripts", [True, False])
def test_is_bought_with_seats_on_each_ride(open_page: Any, net: Network, scripts: bool) -> None:
    page: Page = open_page(f"/search/?{ASKED}", scripts=scripts)
    page.get_by_text("Show both rides and the change").click()
    expect(page.get_by_text("20 min to change station")).to_be_visible()
    page.locator(".trip a.button").click()

    page.get_by_role("group", name="Fare on N 2").get_by_role("radio", name="Flex").check()
    page.get_by_role("button", name="Show the price with these fares").click()
    # Two at 10.00 and two at 30.00.
    expect(page.locator("aside .total")).to_contain_text("€80.00")
    page.get_by_role("button", name="Choose seats").click()

    for seat in ("1A", "1B"):
        page.locator(f"input[data-name='{seat}']").check(force=True)
    page.get_by_role("button", name="On to the next seats").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Choose your seats")
    expect(page.locator(".sheet")).to_contain_text("N 2")
    for seat in ("2C", "2D"):
        page.locator(f"input[data-name='{seat}']").check(force=True)
    page.get_by_role("button", name="On to the passengers").click()

    for number, name in enumerate(("Ada", "Bob"), start=1):
        page.locator(f"[name=p{number}-first_name]").fill(name)
        page.locator(f"[name=p{number}-last_name]").fill("Roe")
    page.locator("[name=email]").fill("ada@example.org")
    page.get_by_role("button", name="Hold these seats").last.click()
    page.wait_for_url("**/payment/")

    made = Reservation.objects.get()
    seats = Coupon.objects.filter(passenger__reservation=made).values_list(
        "ticket_id", "claims__stock__seat__label"
    )
    first, second = net.first.ticket_id(), net.second.ticket_id(fare=1)
    assert sorted(seats) == [(first, "1A"), (first, "1B"), (second, "2C"), (second, "2D")]
