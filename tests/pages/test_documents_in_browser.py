"""Tickets as a real browser shows and prints them: their barcodes are read off the picture."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pypdfium2
import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, expect

from accounts.models import User
from accounts.viewers import Viewer
from bookings import barcodes
from bookings.engine.contract import Actor
from bookings.selectors import ReservationDetail
from payments import services as money
from tests.codes import read_codes
from tests.factories import Timetable
from tests.pages.cast import paid, signed_in
from tests.pages.conftest import faults, scrolls_sideways
from tests.plugins.browser import LOOKS, PATIENCE

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("clock"),
]


@pytest.fixture
def context(chromium: Browser, live_server: Any, traveller: User) -> Iterator[BrowserContext]:
    """A window of the traveller's, signed in."""
    made = chromium.new_context(locale="en-GB", viewport={"width": 1280, "height": 900})
    made.set_default_timeout(PATIENCE)
    secret = signed_in(traveller).cookies["sessionid"].value
    made.add_cookies([{"name": "sessionid", "value": secret, "url": live_server.url}])
    yield made
    made.close()


@pytest.fixture
def train_trip(traveller: User, timetable: Timetable, noon: Any) -> ReservationDetail:
    return paid(traveller, timetable.train.ticket_id(), now=noon, adults=2)


@pytest.fixture
def coach_trip(traveller: User, timetable: Timetable, noon: Any) -> ReservationDetail:
    return paid(traveller, timetable.coach.ticket_id(), now=noon)


def opened(context: BrowserContext, live_server: Any, booked: ReservationDetail) -> Page:
    page = context.new_page()
    page.goto(f"{live_server.url}/booking/{booked.locator}/tickets/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Your tickets")
    return page


def read(picture: bytes) -> tuple[str, barcodes.BarcodeFacts]:
    (found,) = read_codes(Image.open(io.BytesIO(picture)))
    return str(found.format), barcodes.read(found.text)


@LOOKS
def test_codes_are_read_off_the_screen(
    context: BrowserContext,
    live_server: Any,
    train_trip: ReservationDetail,
    coach_trip: ReservationDetail,
    width: int,
    scheme: Any,
) -> None:
    page = opened(context, live_server, train_trip)
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    codes = page.get_by_role("img", name="barcode of")
    expect(codes).to_have_count(2)
    shown = [read(codes.nth(number).screenshot()) for number in range(2)]

    assert [(kind, facts.name) for kind, facts in shown] == [("Aztec", "Roe A"), ("Aztec", "Roe B")]
    assert {facts.locator for _, facts in shown} == {train_trip.locator}
    assert faults(page) == []
    assert not scrolls_sideways(page)

    page = opened(context, live_server, coach_trip)
    page.emulate_media(color_scheme=scheme)
    kind, facts = read(page.get_by_role("img", name="barcode of").screenshot())
    assert (kind, facts.locator) == ("QR Code", coach_trip.locator)


def test_prints_one_ticket_a_sheet(
    context: BrowserContext, live_server: Any, train_trip: ReservationDetail, noon: Any
) -> None:
    page = opened(context, live_server, train_trip)
    sheets = pypdfium2.PdfDocument(page.pdf(format="A4"))

    assert len(sheets) == 2
    names = []
    for sheet in sheets:
        (found,) = read_codes(sheet.render(scale=3).to_pil())
        names.append(barcodes.read(found.text).name)
    assert names == ["Roe A", "Roe B"]

    money.cancel_and_refund(
        viewer=Viewer(is_support=True),
        reservation_id=train_trip.id,
        passenger_ids=[train_trip.passengers[0].id],
        actor=Actor("staff", None),
        now=noon,
    )
    left = pypdfium2.PdfDocument(opened(context, live_server, train_trip).pdf(format="A4"))
    assert len(left) == 1
    (found,) = read_codes(left[0].render(scale=3).to_pil())
    assert barcodes.read(found.text).name == "Roe B"


def test_buttons_download_send_and_print(
    context: BrowserContext, live_server: Any, train_trip: ReservationDetail, traveller: User
) -> None:
    page = opened(context, live_server, train_trip)
    with page.expect_download() as download:
        page.get_by_role("link", name="PDF", exact=True).click()
    assert download.value.suggested_filename == f"tickets-{train_trip.locator}.pdf"
    with page.expect_download() as download:
        page.get_by_role("link", name="Calendar").click()
    assert download.value.suggested_filename == f"trip-{train_trip.locator}.ics"

    page.evaluate("window.print = () => document.body.dataset.printed = 'yes'")
    page.get_by_role("button", name="Print").click()
    expect(page.locator("body")).to_have_attribute("data-printed", "yes")

    page.get_by_role("button", name="Send them by e-mail again").click()
    expect(page.get_by_text("Your tickets are on their way to")).to_contain_text(traveller.email)


def test_without_scripts_no_button_is_idle(
    chromium: Browser, live_server: Any, train_trip: ReservationDetail, traveller: User
) -> None:
    context = chromium.new_context(locale="en-GB", java_script_enabled=False)
    secret = signed_in(traveller).cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": secret, "url": live_server.url}])
    page = opened(context, live_server, train_trip)

    expect(page.get_by_role("button", name="Print")).to_be_hidden()
    expect(page.get_by_role("img", name="barcode of")).to_have_count(2)
    context.close()
