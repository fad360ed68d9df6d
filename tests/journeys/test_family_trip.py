"""A family's round trip, from the first page to the complaint, with scripts and without."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pypdfium2
import pytest
from playwright.sync_api import Page, expect

from bookings import barcodes
from bookings.models import Claim, Reservation
from support.models import Report
from tests import selling
from tests.accounts.codes import newest_code
from tests.codes import read_codes as codes_in
from tests.conftest import Clock
from tests.factories import Timetable, Trip

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

GUEST = "ada@example.org"
FAMILY = [("Adult 1", "Ada"), ("Adult 2", "William"), ("Child", "Byron")]


def go(page: Page, path: str) -> None:
    page.goto(urljoin(page.url, path))


def search(page: Page) -> None:
    page.get_by_role("radio", name="Return").check(force=True)
    page.locator("details.people summary").click()
    page.get_by_label("Adults").fill("2")
    page.get_by_label("Children").fill("1")
    page.get_by_label("From", exact=True).fill("hamburg")
    page.get_by_label("To", exact=True).fill("Muenchen")
    page.get_by_label("Departure", exact=True).fill("2026-06-02")
    page.get_by_label("Return date").fill("2026-06-03")
    page.get_by_role("button", name="Search", exact=True).click()


def choose(page: Page, service: str, seats: list[str], *, then: str) -> None:
    page.get_by_role("link", name=re.compile(f"Choose.*{service}")).first.click()
    page.get_by_role("radio", name=re.compile("^Flex")).check()
    page.get_by_role("button", name="Choose seats").click()
    for seat in seats:
        page.get_by_role("checkbox", name=re.compile(f"Seat {seat},")).check(force=True)
    page.get_by_role("button", name=then, exact=True).last.click()


def buy(page: Page, back: Trip) -> Reservation:
    search(page)
    choose(page, "ICE 585", ["1A", "1B", "2A"], then="On to the way back")
    choose(page, back.departure.service.number, ["2B", "2C", "2D"], then="On to the passengers")
    for group, first in FAMILY:
        person = page.get_by_role("group", name=group)
        person.get_by_label("First names").fill(first)
        person.get_by_label("Last name").fill("King-Noel")
        if group == "Child":
            person.get_by_label("Date of birth").fill("2017-05-12")
    page.get_by_label("E-mail").fill(GUEST)
    page.get_by_role("button", name="Hold these seats").last.click()
    page.get_by_role("radio", name="Bank card").check()
    page.get_by_role("button", name=re.compile("^Pay ")).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("You are booked")
    return Reservation.objects.get()


def find(page: Page, bought: Reservation) -> None:
    go(page, "/find-booking/")
    page.get_by_label("Booking code").fill(bought.locator)
    page.get_by_label("Last name").fill("king-noel")
    page.get_by_role("button", name="Show the booking").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Hamburg")


def prove(page: Page) -> None:
    page.get_by_role("button", name="Send a code to").click()
    expect(page.get_by_text("Six digits are on their way")).to_be_visible()
    page.get_by_label("Code").fill(newest_code(GUEST))
    page.get_by_role("button", name="Go on").click()


def read_codes(page: Page, folder: Path) -> set[tuple[str, str]]:
    """Take the PDF along and read every code in it: who, and the booking."""
    with page.expect_download() as coming:
        page.get_by_role("link", name="PDF").first.click()
    file = folder / "tickets.pdf"
    coming.value.save_as(file)
    found = [
        barcodes.read(code.text)
        for sheet in pypdfium2.PdfDocument(file)
        for code in codes_in(sheet.render(scale=3).to_pil())
    ]
    assert len(found) == 6
    return {(facts.name, facts.locator) for facts in found}


def report(page: Page, bought: Reservation) -> None:
    go(page, "/account/code/")
    page.get_by_label("E-mail or phone").fill(GUEST)
    page.get_by_role("button", name="Send me a code").click()
    page.get_by_label("Six digits").fill(newest_code(GUEST))
    page.locator("main").get_by_role("button", name="Sign in").click()
    go(page, f"/help/new/?trip={bought.locator}")
    page.get_by_label("What is it about?").select_option("Seat Or Equipment")
    page.get_by_label("What happened?").fill("The table was missing.")
    page.get_by_role("button", name="Send report").click()
    expect(page.get_by_text("The table was missing.")).to_be_visible()


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_a_guest_family_goes_there_and_back(
    open_page: Any,
    timetable: Timetable,
    back: Trip,
    clock: Clock,
    tmp_path: Path,
    scripts: bool,
) -> None:
    bought = buy(open_page("/", scripts=scripts), back)
    assert sorted(Claim.objects.values_list("stock__seat__label", flat=True)) == [
        *("1A", "1B", "2A", "2B", "2C", "2D")
    ]

    # Another day, another device: only the code and the name are known.
    page = open_page("/", scripts=scripts)
    find(page, bought)
    page.get_by_role("link", name="Show the tickets").first.click()
    prove(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("Your tickets")
    assert read_codes(page, tmp_path) == {
        (f"King-Noel {initial}", bought.locator) for initial in "AWB"
    }

    go(page, f"/booking/{bought.locator}/")
    page.get_by_role("link", name="Cancel", exact=True).click()
    for name in ("Ada King-Noel", "Byron King-Noel"):
        page.get_by_role("checkbox", name=name).uncheck()
    page.get_by_role("button", name="Show what comes back").click()
    page.get_by_role("button", name=re.compile("^Cancel 2 tickets")).click()
    gone = page.get_by_role("row").filter(has_text="William King-Noel")
    for there_and_back in range(2):
        expect(gone.nth(there_and_back)).to_contain_text("Cancelled")
    assert Claim.objects.count() == 4

    report(page, bought)
    assert Report.objects.get().reservation == bought
    selling.audit()
