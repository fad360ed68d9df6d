"""The traveller's help pages: a list, a report with its thread, a new one."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Page, expect

from accounts.models import User
from accounts.viewers import Viewer
from support import services
from support.models import Report, ReportMessage
from support.selectors import ReportDetail
from tests.conftest import Clock
from tests.factories import PASSWORD
from tests.pages.conftest import faults, scrolls_sideways

from .conftest import Buy, send


@pytest.fixture
def browser(client: Client, traveller: User, clock: Clock) -> Client:
    """The traveller's browser."""
    client.force_login(traveller)
    return client


@pytest.fixture
def strangers_browser(stranger: User, clock: Clock) -> Client:
    client = Client()
    client.force_login(stranger)
    return client


def trip(reservation: Any) -> str:
    return f"{reservation.id}-{reservation.coupons[0].ticket_id}"


class TestList:
    def test_asks_who_is_there(self, client: Client, db: None) -> None:
        for address in ("/help/", "/help/new/", "/help/1/"):
            answer = client.get(address)
            assert answer.status_code == 302
            assert answer["Location"] == f"/account/sign-in/?next={address}"

    def test_is_empty_at_first(self, browser: Client) -> None:
        answer = browser.get(reverse("support:reports"))

        assert answer.status_code == 200
        assert "Nothing reported" in answer.content.decode()

    def test_shows_ones_own(
        self, browser: Client, strangers_browser: Client, report: ReportDetail
    ) -> None:
        mine = browser.get("/help/").content.decode()
        theirs = strangers_browser.get("/help/").content.decode()

        assert f"/help/{report.id}/" in mine
        assert "Hamburg to Munich, ICE 585, Tue, 2 Jun 2026" in mine
        assert f"/help/{report.id}/" not in theirs


class TestSubmit:
    def test_offers_ones_own_trips(
        self, browser: Client, strangers_browser: Client, buy: Buy
    ) -> None:
        reservation = buy()

        assert trip(reservation) in browser.get("/help/new/").content.decode()
        page = strangers_browser.get("/help/new/").content.decode()
        assert trip(reservation) not in page
        assert "No trip to report about" in page

    def test_takes_a_report(self, browser: Client, buy: Buy) -> None:
        reservation = buy()

        answer = browser.post(
            f"/help/new/?trip={reservation.locator}",
            {"trip": trip(reservation), "category": "Travel Delay", "text": "Late.\r\nVery."},
        )

        row = Report.objects.get()
        assert answer["Location"] == f"/help/{row.pk}/"
        assert (row.category, row.state) == ("Travel Delay", "Pending")
        assert ReportMessage.objects.get().body == "Late.\nVery."

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"text": " "}, "text"),
            ({"text": "x" * 5_001}, "text"),
            ({"text": "a\u202eb"}, "text"),
            ({"text": "a\0b"}, "text"),
            ({"category": "Weather"}, "category"),
            ({"trip": "1-2"}, "trip"),
            ({"trip": "x"}, "trip"),
        ],
    )
    def test_says_what_is_wrong(
        self, browser: Client, buy: Buy, changes: dict[str, str], field: str
    ) -> None:
        good = {"trip": trip(buy()), "category": "Other", "text": "Hello"}

        answer = browser.post("/help/new/", good | changes)

        assert answer.status_code == 400
        assert list(answer.context["form"].errors) == [field]
        assert not Report.objects.exists()

    def test_somebody_elses_trip_is_not_there(self, strangers_browser: Client, buy: Buy) -> None:
        reservation = buy()
        data = {"trip": trip(reservation), "category": "Other", "text": "Hello"}

        assert strangers_browser.get(f"/help/new/?trip={reservation.locator}").status_code == 404
        assert strangers_browser.post("/help/new/", data).status_code == 400
        assert not Report.objects.exists()


class TestReport:
    def test_shows_the_thread_without_notes(
        self, browser: Client, agent: Viewer, report: ReportDetail, noon: datetime
    ) -> None:
        for text, internal in (("A note.", True), ("We <b>paid</b> it back.", False)):
            services.respond(
                viewer=agent,
                report_id=report.id,
                answer=text,
                state="Reviewed",
                is_internal=internal,
                now=noon,
            )

        page = browser.get(f"/help/{report.id}/").content.decode()

        assert "The socket was dead." in page
        assert "We &lt;b&gt;paid&lt;/b&gt; it back." in page
        assert "Sam, support" in page
        # Noon in UTC is two hours later where the trip begins.
        assert "1 Jun 2026, 14:00" in page
        assert "A note." not in page

    def test_takes_a_message(self, browser: Client, report: ReportDetail) -> None:
        answer = browser.post(f"/help/{report.id}/", {"text": "And the heating."})

        assert answer["Location"] == f"/help/{report.id}/"
        assert ReportMessage.objects.order_by("id").last().body == "And the heating."

    def test_says_that_nothing_was_written(self, browser: Client, report: ReportDetail) -> None:
        answer = browser.post(f"/help/{report.id}/", {"text": " "})

        assert answer.status_code == 400
        assert ReportMessage.objects.count() == 1

    def test_is_settled_by_a_button(self, browser: Client, report: ReportDetail) -> None:
        browser.post(f"/help/{report.id}/", {"close": "1", "text": ""})

        assert Report.objects.get().state == "Closed"
        page = browser.get(f"/help/{report.id}/").content.decode()
        assert 'name="close"' not in page
        assert 'name="text"' in page

    def test_a_long_closed_one_takes_nothing(
        self, browser: Client, me: Viewer, report: ReportDetail, clock: Clock
    ) -> None:
        services.close_report(viewer=me, report_id=report.id, now=clock.now())
        clock.advance(days=30)

        page = browser.get(f"/help/{report.id}/").content.decode()
        answer = browser.post(f"/help/{report.id}/", {"text": "Hello?"})

        assert "please send a new one" in page
        assert answer.status_code == 409
        assert ReportMessage.objects.count() == 1

    def test_a_stranger_finds_nothing(
        self, strangers_browser: Client, staff: User, report: ReportDetail
    ) -> None:
        at_the_desk = Client()
        at_the_desk.force_login(staff)
        for client in (strangers_browser, at_the_desk):
            assert client.get(f"/help/{report.id}/").status_code == 404
            assert client.post(f"/help/{report.id}/", {"text": "Hi"}).status_code == 404
            assert client.post(f"/help/{report.id}/", {"close": "1"}).status_code == 404
        assert Report.objects.get().state == "Pending"
        assert ReportMessage.objects.count() == 1


class TestWhatIsExpected:
    def test_says_by_when_the_answer_comes_and_who_looks_after_it(
        self, browser: Client, agent: Viewer, report: ReportDetail, clock: Clock
    ) -> None:
        services.take(viewer=agent, report_id=report.id, now=clock.now())

        for address in ("/help/", f"/help/{report.id}/"):
            # Two days after noon in UTC, where the trip begins.
            assert "We answer by 3 Jun 2026, 14:00." in browser.get(address).content.decode()
        page = browser.get(f"/help/{report.id}/").content.decode()
        assert "Sam looks after it" in page
        assert "Porter" not in page

    def test_says_when_the_answer_is_late(
        self, browser: Client, report: ReportDetail, clock: Clock
    ) -> None:
        clock.advance(hours=48)

        page = browser.get(f"/help/{report.id}/").content.decode()

        assert "Our answer is late." in page
        assert "We answer by" not in page

    def test_says_when_an_answered_one_closes_by_itself(
        self, browser: Client, agent: Viewer, report: ReportDetail, noon: datetime
    ) -> None:
        services.respond(
            viewer=agent, report_id=report.id, answer="Yes.", state="Reviewed", now=noon
        )
        closing = "If nobody writes, this report closes on 15 Jun 2026, 14:00."

        assert closing in browser.get(f"/help/{report.id}/").content.decode()

        services.close_lapsed(report_id=report.id, now=noon + timedelta(days=14))
        assert "this report closes on" not in browser.get(f"/help/{report.id}/").content.decode()

    def test_says_nothing_once_there_is_an_answer(
        self, browser: Client, agent: Viewer, report: ReportDetail, noon: datetime
    ) -> None:
        services.respond(viewer=agent, report_id=report.id, answer="Yes.", state="Closed", now=noon)

        page = browser.get(f"/help/{report.id}/").content.decode()

        assert "We answer by" not in page
        assert "looks after it" not in page


class TestMerged:
    @pytest.fixture
    def twin(
        self, buy: Buy, report: ReportDetail, me: Viewer, agent: Viewer, noon: datetime
    ) -> ReportDetail:
        """A second report, merged into the first."""
        booked = buy()
        found = send(booked, me, noon, text="Still dead.")
        services.merge(viewer=agent, report_id=found.id, into_id=report.id, now=noon)
        return found

    def test_leads_on_to_the_other_one(
        self, browser: Client, report: ReportDetail, twin: ReportDetail
    ) -> None:
        led = browser.get(f"/help/{twin.id}/", follow=True)

        assert led.redirect_chain == [(f"/help/{report.id}/", 302)]
        page = led.content.decode()
        assert f"Your report {twin.id} is about the same, and is answered here." in page
        assert page.index("The socket was dead.") < page.index("Still dead.")
        listed = browser.get("/help/").content.decode()
        assert f'Part of <a href="/help/{report.id}/">report {report.id}</a>' in listed

    def test_what_an_open_page_still_sends_arrives_there(
        self, browser: Client, report: ReportDetail, twin: ReportDetail
    ) -> None:
        answer = browser.post(f"/help/{twin.id}/", {"text": "And the heating."})

        assert answer["Location"] == f"/help/{report.id}/"
        assert ReportMessage.objects.get(body="And the heating.").report_id == report.id

    def test_a_stranger_is_led_nowhere(self, strangers_browser: Client, twin: ReportDetail) -> None:
        assert strangers_browser.get(f"/help/{twin.id}/").status_code == 404


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_a_traveller_reports_and_reads_the_answer(
    page: Page, live_server: Any, buy: Buy, agent: Viewer, clock: Clock
) -> None:
    """In a real browser: sign in, report, read the answer, write again, settle it."""
    reservation = buy()
    page.goto(f"{live_server.url}/help/new/?trip={reservation.locator}")
    page.get_by_label("E-mail").fill("ada@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Sign in").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Report a problem")
    assert faults(page) == []
    page.get_by_label("What is it about?").select_option("Seat Or Equipment")
    page.get_by_label("What happened?").fill("Both sockets were dead.")
    page.get_by_role("button", name="Send report").click()

    expect(page).to_have_url(re.compile(r"/help/\d+/$"))
    expect(page.get_by_text("Both sockets were dead.")).to_be_visible()
    report_id = Report.objects.get().pk
    services.respond(
        viewer=agent,
        report_id=report_id,
        answer="The seat fee comes back today.",
        state="Reviewed",
        now=clock.now(),
    )
    page.reload()
    expect(page.get_by_text("The seat fee comes back today.")).to_be_visible()
    assert faults(page) == []
    page.get_by_label("Your message").fill("Thank you, that was quick.")
    page.get_by_role("button", name="Send", exact=True).click()
    page.get_by_role("button", name="This is settled").click()

    expect(page.get_by_text("Thank you. The report is closed.")).to_be_visible()
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Help").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Help")
    expect(page.get_by_text("Closed")).to_be_visible()
    assert faults(page) == []
    page.set_viewport_size({"width": 320, "height": 800})
    assert not scrolls_sideways(page)
    assert Report.objects.get().state == "Closed"
