"""The overview and the reports in a real browser: readable by all, and strict about scripts."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings as office
from django.test import Client
from playwright.sync_api import Browser, expect

from payments.models import MoneyAlarm
from tests import factories
from tests.conftest import Clock
from tests.plugins.browser import LOOKS
from tests.support.analytics.conftest import Sales, at

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
JUNE = "first=2026-06-01&last=2026-06-30"
PAGES = [
    "",
    "numbers/",
    f"numbers/revenue/?{JUNE}",
    f"numbers/revenue/?{JUNE}&by=carrier",
    "numbers/occupancy/?by=mode",
    "numbers/holds/",
    "numbers/top-customers/",
]


@pytest.fixture
def staff_page(
    chromium: Browser, live_server: Any, sales: Sales, clock: Clock, settings: Any
) -> Any:
    """Open a page of the back office as a superuser, at noon of 2 June."""
    settings.STAFF_2FA = "optional"
    clock.moment = at(2, 12)
    MoneyAlarm.objects.create(kind="paid_twice", reference="payment:1", opened_at=at(2, 11))
    client = Client()
    client.force_login(
        factories.make_user(email="chief@office.example", is_staff=True, is_superuser=True)
    )
    cookie = client.cookies[office.SESSION_COOKIE_NAME].value
    contexts = []

    def opened(width: int, scheme: Any) -> Any:
        context = chromium.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, locale="en-GB"
        )
        contexts.append(context)
        context.add_cookies(
            [{"name": office.SESSION_COOKIE_NAME, "value": cookie, "url": live_server.url}]
        )
        return context.new_page()

    yield opened
    for context in contexts:
        context.close()


@LOOKS
def test_every_page_is_for_everybody(
    staff_page: Any, live_server: Any, width: int, scheme: str
) -> None:
    page = staff_page(width, scheme)
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    for path in PAGES:
        page.goto(f"{live_server.url}/admin/{path}", wait_until="networkidle")
        expect(page.locator("h1")).to_have_count(1)
        found = Axe().run(page, options={"runOnly": RULES}).response["violations"]
        wrong = [f"{rule['id']}: {node['html'][:200]}" for rule in found for node in rule["nodes"]]

        assert wrong == [], path
        assert page.evaluate(
            "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        ), f"{path} scrolls sideways"
    assert complaints == []


def test_from_the_overview_to_a_file(staff_page: Any, live_server: Any) -> None:
    """See what was sold, open the report, narrow it to a carrier, take the file away."""
    page = staff_page(1280, "light")
    page.goto(f"{live_server.url}/admin/")
    page.get_by_role("link", name="€32.00").click()
    expect(page.get_by_role("heading", name="Revenue")).to_be_visible()
    expect(page.get_by_role("rowheader", name="Test Coaches")).to_be_visible()

    page.get_by_label("From").fill("2026-06-01")
    page.get_by_label("Carrier", exact=True).select_option(label="Test Railway")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("rowheader", name="Test Coaches")).to_have_count(0)
    expect(page.get_by_role("img", name="Revenue")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV file").click()
    assert download.value.suggested_filename == "revenue-by-carrier-2026-06-01-2026-06-02.csv"

    page.get_by_label("How often").select_option(label="Every Monday")
    page.get_by_role("button", name="Send it to me").click()
    expect(page.get_by_text("From now on it comes by e-mail.")).to_be_visible()
