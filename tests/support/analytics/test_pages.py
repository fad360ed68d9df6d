"""The numbers in the back office: the overview, the reports by role, files, and what is refused."""

from __future__ import annotations

import csv
import html
import io
import re
from typing import Any
from urllib.parse import parse_qs

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from accounts.viewers import Viewer
from bookings.engine.contract import Actor
from inventory.models import Departure, Membership
from payments import services as money
from payments.models import MoneyAlarm
from payments.services import goodwill
from support.analytics.catalogue import REPORTS
from support.analytics.rights import HELP, MONEY, PEOPLE, TRAFFIC
from tests import factories
from tests.conftest import Clock
from tests.support.analytics.conftest import Sales, at
from travel.common.money import Money

pytestmark = pytest.mark.django_db

QUEUES = {
    *("Reports waiting", "Refunds waiting", "Goodwill waiting"),
    *("Money alarms", "Off plan today"),
}
JUNE = "first=2026-06-01&last=2026-06-30"
ROOMS_OF_ROLE = {
    "administrator": {MONEY, TRAFFIC, HELP, PEOPLE},
    "finance": {MONEY, TRAFFIC},
    "operations": {TRAFFIC, HELP},
    "support agent": {HELP, PEOPLE},
    "none": set(),
}


@pytest.fixture(autouse=True)
def _later(clock: Clock, settings: Any) -> None:
    """It is noon of 2 June; nobody needs a second factor."""
    settings.STAFF_2FA = "optional"
    clock.moment = at(2, 12)


@pytest.fixture
def chief(client: Client) -> Client:
    client.force_login(
        factories.make_user(email="chief@office.example", is_staff=True, is_superuser=True)
    )
    return client


def browser_of(user: User) -> Client:
    browser = Client()
    browser.force_login(user)
    return browser


def colleague(role: str) -> User:
    return factories.make_user(is_staff=True, roles=[] if role == "none" else [role])


def page(client: Client, name: str, query: str = "", *, status: int = 200) -> str:
    answer = client.get(f"/admin/numbers/{name}/?{query}")
    assert answer.status_code == status, answer.content[:500]
    return answer.content.decode()


def sheet(client: Client, name: str, query: str = JUNE) -> list[dict[str, str]]:
    answer = client.get(f"/admin/numbers/{name}.csv?{query}")
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    text = b"".join(answer.streaming_content).decode()
    assert text.startswith("\ufeff"), "Excel takes it for UTF-8 by this mark alone"
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


class TestRights:
    @pytest.mark.parametrize("role", ROOMS_OF_ROLE)
    @pytest.mark.parametrize("name", REPORTS)
    def test_a_role_sees_its_rooms_alone(self, role: str, name: str) -> None:
        browser = browser_of(colleague(role))
        expected = 200 if REPORTS[name].room in ROOMS_OF_ROLE[role] else 403

        statuses = {
            browser.get(f"/admin/numbers/{name}/").status_code,
            browser.get(f"/admin/numbers/{name}.csv").status_code,
        }
        sent = browser.post(f"/admin/numbers/{name}/subscribe/", {"every": "day"})

        assert statuses == {expected}
        assert sent.status_code == (302 if expected == 200 else 403)

    def test_travellers_and_strangers_are_shown_the_door(
        self, client: Client, traveller: User
    ) -> None:
        for browser in (client, browser_of(traveller)):
            assert browser.get("/admin/numbers/revenue/").status_code == 302
            assert browser.get("/admin/numbers/revenue.csv").status_code == 302

    def test_the_second_factor_is_asked_for(self, settings: Any) -> None:
        settings.STAFF_2FA = "required"
        assert browser_of(colleague("finance")).get("/admin/numbers/").status_code == 302

    def test_two_of_one_report_are_told_apart(self, sales: Sales) -> None:
        browser = browser_of(colleague("finance"))
        rail = sales.timetable.train.departure.service.carrier
        filters = f"by=mode&carrier={rail.pk}&mode=Train"
        for query in ("", f"?{filters}"):
            browser.post(f"/admin/numbers/revenue/subscribe/{query}", {"every": "day"})
        browser.post("/admin/numbers/holds/subscribe/", {"every": "week"})

        found = browser.get("/admin/numbers/").content.decode()

        listed = found.partition('aria-labelledby="by-mail"')[2]
        heads = re.findall(r'<th scope="row"><a href="(.*?)">(.*?)</a>(.*?)</th>', listed)
        links = [html.unescape(href) for href, _title, _choices in heads]
        assert [(title, choices) for _href, title, choices in heads] == [
            ("Revenue", "<br><small>By: Day</small>"),
            ("Revenue", "<br><small>By: Mode · Carrier: Test Railway · Mode: Train</small>"),
            ("Holds", ""),
        ]
        assert links[0] == "/admin/numbers/revenue/"
        assert parse_qs(links[1].partition("?")[2]) == parse_qs(filters)
        assert links[2] == "/admin/numbers/holds/"
        assert browser.get(links[1]).status_code == 200

    def test_carriers_staff_see_their_own_carrier_alone(self, sales: Sales) -> None:
        user = colleague("none")
        rail = sales.timetable.train.departure.service.carrier
        air = sales.timetable.flight.departure.service.carrier
        Membership.objects.create(user=user, carrier=rail, role="manager")
        browser = browser_of(user)

        rows = sheet(browser, "revenue", f"{JUNE}&by=carrier")
        assert [(row["label"], row["net"]) for row in rows] == [("Test Railway", "67.50")]
        assert "Test Air" not in page(browser, "revenue", f"{JUNE}&by=carrier")
        # The other carrier is no choice of the form, and the file sends back to it.
        page(browser, "revenue", f"{JUNE}&carrier={air.pk}", status=400)
        assert browser.get(f"/admin/numbers/revenue.csv?carrier={air.pk}").status_code == 302
        # What tells of the whole office is not theirs.
        page(browser, "holds", status=403)
        page(browser, "users", status=403)

    def test_a_viewer_of_a_carrier_sees_no_money(self, sales: Sales) -> None:
        user = colleague("none")
        rail = sales.timetable.train.departure.service.carrier
        Membership.objects.create(user=user, carrier=rail, role="viewer")

        page(browser_of(user), "revenue", status=403)
        assert "Test Railway" in page(browser_of(user), "occupancy", "by=carrier")

    def test_there_is_no_such_report(self, chief: Client) -> None:
        assert chief.get("/admin/numbers/secrets/").status_code == 404


class TestReports:
    def test_revenue_by_day_end_to_end(self, chief: Client, sales: Sales) -> None:
        text = page(chief, "revenue", "first=2026-06-01&last=2026-06-02")

        assert "€217.50" in text
        assert "−€2.50" not in text
        # The chart says in words what it shows, for each currency.
        assert "The highest is €150.00 on 1 Jun, the lowest €32.00 on 2 Jun." in text
        assert text.count('role="img"') == 2
        assert "€182.00" in text, "the sum of both days"

    def test_each_chart_says_what_it_draws(self, chief: Client, sales: Sales) -> None:
        """Of two currencies, beside each other, the pictures are alike."""
        text = page(chief, "revenue", "first=2026-06-01&last=2026-06-02")

        told = re.findall(r'<figcaption id="(chart-revenue-\d-title)">(.*?)</figcaption>', text)
        assert told == [
            ("chart-revenue-1-title", "Revenue: Net, EUR"),
            ("chart-revenue-2-title", "Revenue: Net, JPY"),
        ]
        for name, _title in told:
            assert f'aria-labelledby="{name} ' in text
        # A column that is called as its report is told once.
        occupancy = page(chief, "occupancy", "by=mode&first=2026-06-01&last=2026-06-08")
        assert ">Occupancy</figcaption>" in occupancy

    def test_shares_of_two_currencies_are_not_drawn_together(
        self, chief: Client, sales: Sales, sell: Any
    ) -> None:
        gone = sell(sales.bob, sales.sky, now=at(2, 9))
        money.cancel_and_refund(
            viewer=Viewer(user_id=sales.bob.pk),
            reservation_id=gone.id,
            actor=Actor("holder", sales.bob.pk, ""),
            now=at(2, 10),
        )
        text = page(chief, "refunds", f"{JUNE}&by=carrier")

        assert re.findall(r"<figcaption[^>]*>(.*?)</figcaption>", text) == [
            "Refunds: Given back of the price, EUR",
            "Refunds: Given back of the price, JPY",
        ]

    def test_a_single_day_is_told_once(self, chief: Client, sales: Sales) -> None:
        text = page(chief, "revenue", "first=2026-06-01&last=2026-06-01")
        heading = re.search(r'<h2 id="numbers-found">(.*?)</h2>', text)
        assert heading is not None
        assert heading[1] == "Mon, 1 Jun 2026"

    def test_a_year_of_days_stands_on_the_page(self, chief: Client, sales: Sales) -> None:
        text = page(chief, "holds", "first=2025-06-03&last=2026-06-03")
        assert text.count('<th scope="row" class="day">') == 366

    def test_persian_numbers_have_their_digits_and_signs(
        self, chief: Client, sales: Sales, sell: Any
    ) -> None:
        chief.cookies[settings.LANGUAGE_COOKIE_NAME] = "fa"
        text = page(chief, "cancellations", f"{JUNE}&by=mode")

        cells = re.findall(r"<td[^>]*><bdi>(.*?)</bdi>", text)
        # Of the railway's three tickets two were cancelled: 66.7 per cent.
        assert "۶۶٫۷٪" in cells
        assert {"۳", "۲"} <= set(cells)
        assert not [cell for cell in cells if re.search("[0-9]", cell)]
        month = page(chief, "tickets", f"{JUNE}&by=month")
        assert "ژوئن ۲۰۲۶" in month

    def test_names_of_bars_stand_inside_the_picture_from_right_to_left(
        self, chief: Client, sales: Sales
    ) -> None:
        english = page(chief, "tickets", f"{JUNE}&by=mode")
        chief.cookies[settings.LANGUAGE_COOKIE_NAME] = "fa"
        persian = page(chief, "tickets", f"{JUNE}&by=mode")

        def names(text: str) -> set[tuple[str, str]]:
            found = re.findall(r'<text class="chart-strong" x="([\d.]+)"[^>]*?(end)?"?>', text)
            return set(found)

        assert names(english) == {("0", "")}
        assert names(persian) == {("420", "end")}

    def test_revenue_as_a_file(self, chief: Client, sales: Sales) -> None:
        rows = sheet(chief, "revenue", f"{JUNE}&by=month")

        assert rows == [
            {
                "label": "2026-06",
                "tickets": "5",
                "cancelled": "2",
                "sold": "249.50",
                "given_back": "67.50",
                "kept": "22.50",
                "net": "182.00",
                "currency": "EUR",
            },
            {
                "label": "2026-06",
                "tickets": "1",
                "cancelled": "0",
                "sold": "5000",
                "given_back": "0",
                "kept": "0",
                "net": "5000",
                "currency": "JPY",
            },
        ]

    def test_no_cell_of_a_file_is_a_formula(self, chief: Client, sales: Sales) -> None:
        """A traveller's own words stand in it: the name, the city."""
        User.objects.filter(pk=sales.ada.pk).update(
            first_name='=HYPERLINK("http://x")', last_name="", city="@SUM(A1)"
        )
        rows = sheet(chief, "top-customers")

        ada = next(row for row in rows if row["contact"] == "ada@example.org")
        assert (ada["name"], ada["city"]) == ('\'=HYPERLINK("http://x")', "'@SUM(A1)")

    def test_persian_and_what_is_html_stay_as_they_are(self, chief: Client, sales: Sales) -> None:
        User.objects.filter(pk=sales.ada.pk).update(city="تهران <b>")

        assert "تهران &lt;b&gt;" in page(chief, "cities")
        assert "تهران <b>" in [row["city"] for row in sheet(chief, "cities")]

    @pytest.mark.parametrize("name", REPORTS)
    def test_every_report_by_each_of_its_words(
        self, chief: Client, sales: Sales, name: str
    ) -> None:
        for by in REPORTS[name].by or [""]:
            text = page(chief, name, f"by={by}" if by else "")
            assert text.count("<h1>") == 1
            sheet(chief, name, f"by={by}" if by else "")

    @pytest.mark.parametrize(
        "query",
        [
            "first=2026-06-02&last=2026-06-01",
            "first=2020-01-01&last=2026-06-01",
            "first=tomorrow",
            "first=2026-02-30",
            "first=9999-12-31",
            "last=9999-12-31",
            "last=0001-01-01",
            "first=1899-12-31",
            "by=password",
            "mode=Boat",
            "carrier=1%20OR%201%3D1",
        ],
    )
    def test_what_makes_no_sense_is_told_on_the_form(self, chief: Client, query: str) -> None:
        assert "errorlist" in page(chief, "revenue", query, status=400)

    @pytest.mark.parametrize("query", ["first=2199-12-31", "last=1900-01-01"])
    def test_the_first_and_the_last_day_there_are(self, chief: Client, query: str) -> None:
        for name in ("revenue", "occupancy"):
            page(chief, name, query)
            assert sheet(chief, name, query) == []

    def test_pages_ask_as_often_however_much_was_sold(
        self, chief: Client, sales: Sales, sell: Any
    ) -> None:
        with CaptureQueriesContext(connection) as before:
            page(chief, "revenue", f"{JUNE}&by=carrier")
        for _ in range(3):
            sell(sales.bob, sales.timetable.train, now=at(2, 1), fare=1)
        with CaptureQueriesContext(connection) as after:
            page(chief, "revenue", f"{JUNE}&by=carrier")

        assert len(before) == len(after) <= 12


class TestOverview:
    def test_asks_as_often_however_much_was_sold(
        self, chief: Client, sales: Sales, sell: Any
    ) -> None:
        with CaptureQueriesContext(connection) as before:
            chief.get("/admin/")
        sell(sales.bob, sales.sky, now=at(2, 1), adults=3)
        sell(sales.bob, sales.timetable.train, now=at(2, 2), fare=1)
        with CaptureQueriesContext(connection) as after:
            chief.get("/admin/")

        # Ten tiles and two panels, each by a statement of its own; three for what is off plan.
        assert len(before) == len(after) <= 19

    def test_tells_the_day(self, chief: Client, sales: Sales) -> None:
        text = chief.get("/admin/").content.decode()

        assert "Today, Tuesday 2 June 2026" in text.replace("Tuesday,", "Tuesday")
        # Bob's coach was bought on Berlin's 2 June.
        assert "€32.00" in text
        assert "Coach: 1" in text
        assert reverse("admin:numbers_report", args=["occupancy"]) in text
        assert "Money alarms" in text

    def test_alarms_are_loud(self, chief: Client, sales: Sales) -> None:
        MoneyAlarm.objects.create(
            kind="paid_twice", reference="payment:1:paid_twice", opened_at=at(2, 11)
        )
        text = chief.get("/admin/").content.decode()

        assert "the oldest for 1 h 00 min" in text
        assert "kpi-alert tone-bad" in text

    def test_shows_each_only_what_is_theirs(self, sales: Sales) -> None:
        finance, desk, nobody = (
            browser_of(colleague(role)).get("/admin/").content.decode()
            for role in ("finance", "support agent", "none")
        )

        assert "Sold today" in finance
        assert "€32.00" in finance
        assert "Sold today" not in desk
        assert "€" not in desk
        assert "kpis" not in nobody

    @pytest.mark.parametrize(
        ("role", "shown"),
        [
            ("support agent", {"Reports waiting", "Refunds waiting", "Goodwill waiting"}),
            ("finance", {"Refunds waiting", "Goodwill waiting", "Money alarms"}),
            ("operations", {"Off plan today"}),
            ("administrator", QUEUES),
        ],
    )
    def test_queues_need_the_right_to_their_lists(self, role: str, shown: set[str]) -> None:
        text = browser_of(colleague(role)).get("/admin/").content.decode()

        assert {queue for queue in QUEUES if queue in text} == shown

    def test_tells_what_waits_for_a_second_person_and_what_does_not_run(
        self, chief: Client, sales: Sales, staff: User
    ) -> None:
        goodwill.give(
            user_id=sales.ada.pk,
            amount=Money(4_000, "EUR"),
            reason_code="goodwill",
            actor_id=staff.pk,
            now=at(2, 11),
        )
        train = sales.timetable.train.departure
        Departure.objects.filter(pk=train.pk).update(state="cancelled", travel_date=at(2, 0).date())

        text = " ".join(chief.get("/admin/").content.decode().split())

        assert re.search(r"Goodwill waiting.{0,200}?>1<.{0,200}?for a second person", text)
        assert re.search(r"Off plan today.{0,200}?>1<.{0,200}?0 wait for a seat", text)

    def test_is_quiet_where_nothing_was_sold(self, chief: Client) -> None:
        text = chief.get("/admin/").content.decode()

        assert "Nothing yet" in text
        assert "There is nothing to show yet." in text
