"""The overview and the reports in a real browser: readable by all, and strict about scripts."""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings as office
from django.test import Client
from playwright.sync_api import Browser, expect

from payments.models import Entry, MoneyAlarm
from support.services.closing_days import close_day, days_to_close
from tests import factories
from tests.conftest import Clock
from tests.pages.conftest import faults, scrolls_sideways
from tests.plugins.browser import LOOKS, PATIENCE
from tests.support.analytics.conftest import Sales, at

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

JUNE = "first=2026-06-01&last=2026-06-30"
PAGES = [
    "",
    "numbers/",
    f"numbers/revenue/?{JUNE}",
    f"numbers/revenue/?{JUNE}&by=carrier",
    "numbers/occupancy/?by=mode",
    "numbers/holds/",
    "numbers/top-customers/",
    "numbers/look-ups/tickets-of-contact/?contact=ada@example.org",
    "numbers/look-ups/tickets-by-mode/?since=2026-06-01&until=2026-06-02",
]
# The words of all charts that stand outside of their picture, or on each other.
WORDS_ASTRAY = """
() => [...document.querySelectorAll('svg.chart')].flatMap((chart) => {
  const edge = chart.getBoundingClientRect();
  const boxes = [...chart.querySelectorAll('text')]
    .filter((text) => getComputedStyle(text).display !== 'none')
    .map((text) => [text.textContent, text.getBoundingClientRect()]);
  const outside = boxes.filter(([, box]) =>
    box.left < edge.left - 1 || box.right > edge.right + 1 || box.bottom > edge.bottom + 2);
  const touching = boxes.filter(([, one], place) => boxes.slice(place + 1).some(([, two]) =>
    Math.min(one.right, two.right) - Math.max(one.left, two.left) > 1 &&
    Math.min(one.bottom, two.bottom) - Math.max(one.top, two.top) > 2));
  return [...outside, ...touching].map(([words]) => words);
})
"""


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
        assert faults(page) == [], path
        assert not scrolls_sideways(page), path
    assert complaints == []


@pytest.mark.parametrize("language", ["en", "de", "fa"])
def test_words_of_charts_stay_inside_and_apart(
    staff_page: Any, live_server: Any, language: str
) -> None:
    page = staff_page(390, "light")
    name = office.LANGUAGE_COOKIE_NAME
    page.context.add_cookies([{"name": name, "value": language, "url": live_server.url}])
    for path in [
        *(f"numbers/revenue/?{JUNE}&by={by}" for by in ("day", "route", "mode")),
        "numbers/holds/?first=2025-06-03&last=2026-06-02",
        "numbers/users/",
        "numbers/occupancy/?first=2026-06-01&last=2026-06-08",
    ]:
        page.goto(f"{live_server.url}/admin/{path}")
        expect(page.locator("svg.chart").first).to_be_visible()
        assert page.evaluate(WORDS_ASTRAY) == [], path


def test_a_report_is_printed_without_its_buttons(staff_page: Any, live_server: Any) -> None:
    page = staff_page(760, "dark")
    page.goto(f"{live_server.url}/admin/numbers/revenue/?{JUNE}&by=carrier")
    expect(page.get_by_role("button", name="Show")).to_be_visible()
    page.emulate_media(media="print", color_scheme="dark")

    for name in ("Show", "Send it to me"):
        expect(page.get_by_role("button", name=name)).to_be_hidden()
    expect(page.locator("#nav-sidebar")).to_be_hidden()
    # What was asked for is on paper as well, in ink on white.
    expect(page.get_by_label("Carrier", exact=True)).to_be_visible()
    expect(page.get_by_role("rowheader", name="Test Railway")).to_be_visible()
    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "light"


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


def ledger(of: str, *kinds: str) -> dict[tuple[str, str], int]:
    """
    Answer what carriers, fees and penalties gained in Berlin's June, in minor units, entry by
    entry: of transfers of these kinds, by `carrier` or `month`, and by currency.
    """
    found: dict[tuple[str, str], int] = {}
    for entry in Entry.objects.select_related("transfer", "account__carrier"):
        day = entry.transfer.at.astimezone(ZoneInfo("Europe/Berlin")).date()
        if (
            (day.year, day.month) == (2026, 6)
            and entry.transfer.kind in kinds
            and entry.account.kind in ("carrier", "fee", "penalty")
        ):
            assert entry.account.carrier is not None
            name = entry.account.carrier.name if of == "carrier" else "2026-06"
            key = name, entry.account.currency_id
            found[key] = found.get(key, 0) + entry.amount_minor
    return found


def column(path: Path, name: str) -> dict[tuple[str, str], int]:
    """Answer a column of a downloaded file in minor units, by label and currency."""
    rows = list(csv.DictReader(io.StringIO(path.read_text("utf-8-sig"))))
    digits = {"EUR": 100, "JPY": 1}
    return {
        (row["label"], row["currency"]): int(Decimal(row[name]) * digits[row["currency"]])
        for row in rows
    }


def test_last_months_revenue_is_the_ledgers(
    chromium: Browser,
    live_server: Any,
    sales: Sales,
    sell: Any,
    clock: Clock,
    settings: Any,
) -> None:
    """
    On 2 July somebody of finance takes June's revenue away. One sale is of Berlin's last minutes of
    May, one of its first of June; a refund that is rejected in the first hour of July is none of
    June's. Half of June is closed.
    """
    settings.STAFF_2FA = "optional"
    sell(sales.bob, sales.timetable.coach, now=at(31, 21, 59, month=5))
    sell(sales.bob, sales.timetable.coach, now=at(31, 22, 1, month=5))
    for day in days_to_close(now=at(2, 12, month=7), limit=15):
        close_day(day=day, now=at(2, 12, month=7))
    clock.moment = at(2, 12, month=7)
    factories.make_user(email="fin@office.example", is_staff=True, roles=["finance"])
    context = chromium.new_context(base_url=live_server.url, locale="en-GB")
    context.set_default_timeout(PATIENCE)
    try:
        page = context.new_page()
        page.goto("/admin/numbers/")
        page.locator("#id_username").fill("fin@office.example")
        page.locator("#id_password").fill(factories.PASSWORD)
        page.get_by_role("button", name="Log in").click()
        page.get_by_role("link", name="Revenue", exact=True).click()
        page.get_by_role("link", name="Last month").click()
        expect(
            page.get_by_role("heading", name="Mon, 1 Jun 2026 – Tue, 30 Jun 2026")
        ).to_be_visible()
        for by, name in (("month", "Month"), ("carrier", "Carrier")):
            page.get_by_label("By", exact=True).select_option(label=name)
            page.get_by_role("button", name="Show").click()
            expect(page.get_by_label("By", exact=True)).to_have_value(by)
            with page.expect_download() as download:
                page.get_by_role("link", name="CSV file").click()
            file = download.value
            assert file.suggested_filename == f"revenue-by-{by}-2026-06-01-2026-06-30.csv"
            path = Path(file.path())

            net = ledger(by, "payment", "cancelled", "penalty")
            assert column(path, "net") == net
            assert column(path, "sold") == ledger(by, "payment")
            back = {key: -minor for key, minor in ledger(by, "cancelled", "penalty").items()}
            told = {key: minor for key, minor in column(path, "given_back").items() if minor}
            assert told == back
            # By hand: 249.50 sold and the coach of 00:01, 32.00, less 67.50 given back.
            assert sum(minor for (_, currency), minor in net.items() if currency == "EUR") == 21_400
            assert sum(minor for (_, currency), minor in net.items() if currency == "JPY") == 5_000
    finally:
        context.close()
