"""A support agent answers a report, from the queue to the last word, and the passenger reads it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from accounts.models import User
from accounts.viewers import Viewer
from bookings.selectors import ReservationDetail
from payments import services as paying
from support import services
from support.models import CannedReply, Report
from support.tasks import send_messages
from tests import factories
from tests.conftest import Clock
from tests.factories import PASSWORD, Trip
from tests.journeys.staff import Open, sign_in
from tests.selling import adults, reserve
from travel.common.money import Money

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("audited"),
]


@pytest.fixture
def booked(train: Trip, traveller: User, noon: Any) -> ReservationDetail:
    """Ada and Bob on ICE 585, 90.00 EUR from Ada's wallet."""
    held = reserve(traveller, train.ticket_id(), now=noon, passengers=adults(2))
    paying.open_with(user_id=traveller.pk, amount=Money(held.price.minor, "EUR"), now=noon)
    paying.pay(
        viewer=Viewer(user_id=traveller.pk),
        reservation_id=held.id,
        method="Wallet",
        token=None,
        now=noon,
    )
    return held


def sign_in_passenger(page: Page) -> None:
    page.get_by_label("E-mail").fill("ada@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Sign in").click()


def report_a_problem(page: Page, booked: ReservationDetail, text: str) -> int:
    page.goto(f"/help/new/?trip={booked.locator}")
    if "sign-in" in page.url:
        sign_in_passenger(page)
    page.get_by_label("What is it about?").select_option("Seat Or Equipment")
    page.get_by_label("What happened?").fill(text)
    page.get_by_role("button", name="Send report").click()
    expect(page).to_have_url(re.compile(r"/help/\d+/$"))
    return int(page.url.rstrip("/").rsplit("/", 1)[1])


def test_a_report_from_the_queue_to_the_last_word(
    window: Open, booked: ReservationDetail, staff: User, clock: Clock, mailoutbox: list[Any]
) -> None:
    CannedReply.objects.create(
        title="A dead socket",
        category="Seat Or Equipment",
        body="Dear {name},\nwe are sorry about your journey {locator}.\n{agent}",
    )
    # The traveller reports it, and is told by when the answer comes.
    ada = window()
    number = report_a_problem(ada, booked, "Both sockets at our seats were dead.")
    expect(ada.get_by_text("We answer by 3 Jun 2026, 14:00.")).to_be_visible()

    # The agent finds it in the queue, with the whole booking beside it, and takes it.
    sam = window()
    sign_in(sam, staff, address="/admin/reports-desk/?tab=free")
    sam.get_by_role("link", name=re.compile("Seat or equipment")).click()
    booking = sam.get_by_role("region", name="The booking")
    for said in (booked.locator, "ICE 585", "Ada Roe", "Bob Roe", "Coach 1, seat 1A", "€90.00"):
        expect(booking).to_contain_text(said)
    sam.get_by_role("button", name="Take it").click()
    expect(sam.get_by_text("You have this report.")).to_be_visible()

    # A canned reply is put in as soon as it is chosen, and edited before it is sent.
    sam.get_by_label("Canned reply").select_option(label="A dead socket (en)")
    answer = sam.get_by_role("textbox", name="Answer")
    expect(answer).to_have_value(
        f"Dear Ada Lovelace,\nwe are sorry about your journey {booked.locator}.\nSam"
    )
    answer.fill(answer.input_value() + "\nThe seat fee is on its way back.")
    sam.get_by_role("button", name="Send the answer").click()
    expect(sam.get_by_text("The answer is sent.")).to_be_visible()
    expect(sam.locator("#about + p")).to_contain_text("closes itself in 14 d 0 h")

    # The traveller reads it by e-mail and on her page, and writes again.
    send_messages()
    assert "The seat fee is on its way back." in mailoutbox[-1].body
    ada.reload()
    expect(ada.get_by_text("The seat fee is on its way back.")).to_be_visible()
    ada.get_by_label("Your message").fill("Nothing has come yet.")
    ada.get_by_role("button", name="Send", exact=True).click()
    expect(ada.get_by_text("Nothing has come yet.")).to_be_visible()
    twin = report_a_problem(ada, booked, "Where is my seat fee?")

    # It is new among the agent's own; two days later it is overdue.
    sam.goto("/admin/reports-desk/?tab=mine")
    expect(sam.get_by_text("New message")).to_be_visible()
    clock.advance(hours=48)
    sam.reload()
    sam.get_by_role("link", name=re.compile("Overdue 2")).click()
    expect(sam.get_by_text("0 min late")).to_have_count(2)
    sam.goto("/admin/")
    expect(sam.get_by_text("2 answers are overdue")).to_be_visible()

    # The second report says the same: it is merged, and its page leads to the first.
    sam.goto(f"/admin/reports-desk/{twin}/")
    sam.get_by_text("Merge it into another report").click()
    sam.get_by_label("Into").select_option(str(number))
    sam.get_by_role("button", name="Merge", exact=True).click()
    expect(sam).to_have_url(re.compile(f"/reports-desk/{number}/$"))
    expect(sam.get_by_text("Where is my seat fee?")).to_be_visible()
    ada.goto(f"/help/{twin}/")
    expect(ada).to_have_url(re.compile(f"/help/{number}/$"))
    expect(ada.get_by_text("Our answer is late.")).to_be_visible()

    # Answered and closed, and opened again.
    sam.get_by_role("textbox", name="Answer").fill("It was sent this morning.")
    sam.get_by_label("And then it is").select_option("Closed")
    sam.get_by_role("button", name="Send the answer").click()
    sam.get_by_role("button", name="Reopen").click()
    expect(sam.get_by_text("The report is open again.")).to_be_visible()
    expect(sam.locator("#about + p")).to_contain_text("due in 2 d 0 h")
    ada.reload()
    expect(ada.get_by_text("It was sent this morning.")).to_be_visible()
    expect(ada.get_by_text("Sam looks after it")).to_be_visible()
    first, second = Report.objects.order_by("id")
    assert (first.state, first.assigned_to, first.merged_into) == ("In Progress", staff, None)
    assert (second.state, second.merged_into) == ("Closed", first)


def test_the_canned_reply_works_without_javascript(
    chromium: Browser,
    live_server: Any,
    booked: ReservationDetail,
    traveller: User,
    clock: Clock,
    settings: Any,
) -> None:
    settings.STAFF_2FA = "optional"
    agent = factories.make_user(
        email="uma@office.example", first_name="Uma", is_staff=True, roles=["support agent"]
    )
    CannedReply.objects.create(title="Sorry", body="Dear {name}, sorry.")
    report = services.submit_report(
        viewer=Viewer(user_id=traveller.pk),
        reservation_id=booked.id,
        ticket_id=booked.coupons[0].ticket_id,
        category="Other",
        text="Hello?",
        now=clock.now(),
    )
    context = chromium.new_context(
        base_url=live_server.url, locale="en-GB", java_script_enabled=False
    )
    page = context.new_page()
    page.goto(f"/admin/reports-desk/{report.id}/")
    page.locator("#id_username").fill(agent.email or "")
    page.locator("#id_password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()

    page.get_by_role("textbox", name="Answer").fill("Hello.")
    page.get_by_label("Canned reply").select_option(label="Sorry (en)")
    page.get_by_role("button", name="Insert").click()
    expect(page.get_by_role("textbox", name="Answer")).to_have_value(
        "Hello.\n\nDear Ada Lovelace, sorry."
    )
    page.get_by_role("button", name="Send the answer").click()

    expect(page.get_by_text("The answer is sent.")).to_be_visible()
    context.close()
