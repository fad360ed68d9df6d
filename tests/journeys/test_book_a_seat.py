"""From the search to the hold, as people walk it: with scripts and without."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from bookings.models import Claim, PriceLine, Reservation
from tests.conftest import Clock
from tests.factories import PASSWORD, Timetable

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def search(page: Page, *, day: str) -> None:
    page.get_by_label("From", exact=True).fill("hamburg")
    page.get_by_label("To", exact=True).fill("Muenchen")
    page.get_by_label("Departure", exact=True).fill(day)
    page.get_by_role("button", name="Search", exact=True).click()


def travel_as_two(page: Page) -> None:
    page.locator("details.people summary").click()
    page.get_by_label("Adults").fill("2")


def name_passenger(page: Page, group: str, first: str, last: str) -> None:
    people = page.get_by_role("group", name=group)
    people.get_by_label("First names").fill(first)
    people.get_by_label("Last name").fill(last)


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_two_guests_choose_their_seats(
    open_page: Any, timetable: Timetable, clock: Clock, scripts: bool
) -> None:
    page = open_page("/", scripts=scripts)
    travel_as_two(page)
    search(page, day="2026-06-02")

    page.get_by_role("link", name=re.compile("Choose.*ICE 585")).click()
    page.get_by_role("radio", name=re.compile("^Flex")).check()
    page.get_by_role("button", name="Choose seats").click()
    for seat in ("1A", "1B"):
        page.get_by_role("checkbox", name=re.compile(f"Seat {seat},")).check(force=True)
    page.get_by_role("button", name="On to the passengers").last.click()

    name_passenger(page, "Adult 1", "Ada", "Lovelace")
    name_passenger(page, "Adult 2", "Grace", "Hopper")
    page.get_by_label("E-mail").fill("ada@example.org")
    expect(page.locator("aside")).to_contain_text("Coach 1, seats 1A, 1B")
    page.get_by_role("button", name="Hold these seats").last.click()

    page.wait_for_url("**/checkout/*/payment/")
    held = Reservation.objects.get()
    assert page.url.endswith(f"/checkout/{held.locator}/payment/")
    assert sorted(Claim.objects.values_list("stock__seat__label", flat=True)) == ["1A", "1B"]
    # Two Flex fares of 90.00.
    assert sum(PriceLine.objects.values_list("amount_minor", flat=True)) == 18_000


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_a_traveller_with_an_account_is_placed(
    open_page: Any, timetable: Timetable, traveller: User, clock: Clock, scripts: bool
) -> None:
    page = open_page("/", scripts=scripts)
    search(page, day="2026-06-02")
    page.get_by_role("link", name=re.compile("Choose.*N 42")).click()
    page.get_by_role("button", name="Choose seats").click()

    # The coach has free seating, so there is nothing to choose.
    page.get_by_role("link", name="Sign in to fill this in.").click()
    page.get_by_label("E-mail").fill("ada@example.org")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    expect(page.get_by_label("First names")).to_have_value("Ada")
    page.get_by_role("button", name="Hold these seats").last.click()

    page.wait_for_url("**/checkout/*/payment/")
    held = Reservation.objects.get()
    assert held.user_id == traveller.pk
    assert page.url.endswith(f"/checkout/{held.locator}/payment/")


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_a_round_trip_is_one_hold(
    open_page: Any, timetable: Timetable, back: Any, clock: Clock, scripts: bool
) -> None:
    page = open_page("/", scripts=scripts)
    page.get_by_role("radio", name="Return").check(force=True)
    page.get_by_label("Return date").fill("2026-06-03")
    search(page, day="2026-06-02")
    page.get_by_role("link", name=re.compile("Choose.*ICE 585")).click()
    page.get_by_role("button", name="Choose seats").click()
    page.get_by_role("checkbox", name=re.compile("Seat 2A,")).check(force=True)
    page.get_by_role("button", name="On to the way back", exact=True).last.click()

    page.get_by_role("link", name=re.compile("Choose.*ICE 585, 10:00")).click()
    page.get_by_role("button", name="Choose seats").click()
    page.get_by_role("checkbox", name=re.compile("Seat 1D,")).check(force=True)
    page.get_by_role("button", name="On to the passengers").last.click()
    name_passenger(page, "Adult", "Ada", "Lovelace")
    page.get_by_label("E-mail").fill("ada@example.org")
    page.get_by_role("button", name="Hold these seats").last.click()

    page.wait_for_url("**/checkout/*/payment/")
    held = Reservation.objects.get()
    assert page.url.endswith(f"/checkout/{held.locator}/payment/")
    assert sorted(Claim.objects.values_list("stock__seat__label", flat=True)) == ["1D", "2A"]


def test_a_mistake_is_found_and_put_right(
    open_page: Any, timetable: Timetable, clock: Clock
) -> None:
    page = open_page("/", scripts=False)
    page.get_by_label("From", exact=True).fill("Hambacher")
    page.get_by_label("To", exact=True).fill("Munich")
    page.get_by_label("Departure", exact=True).fill("2026-06-02")
    page.get_by_role("button", name="Search", exact=True).click()
    page.get_by_role("link", name="Hamburg", exact=True).click()
    page.get_by_role("link", name=re.compile("Choose.*QX 2024")).click()
    page.get_by_role("button", name="Place us anywhere").click()
    page.get_by_role("button", name="Hold these seats").last.click()

    summary = page.get_by_role("alert")
    expect(summary.get_by_role("link")).to_have_text(
        [
            "Adult, First names, as in the passport: This field is required.",
            "Adult, Last name: This field is required.",
            "Contact, E-mail: This field is required.",
        ]
    )
    assert not Reservation.objects.exists()

    name_passenger(page, "Adult", "Ada", "Lovelace")
    page.get_by_label("E-mail").fill("ada@example.org")
    page.get_by_role("button", name="Hold these seats").last.click()
    page.wait_for_url("**/checkout/*/payment/")
    assert Reservation.objects.get().state == "held"
