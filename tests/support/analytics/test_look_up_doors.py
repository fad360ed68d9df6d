"""The look-ups' pages and operations: what they ask for, what they answer, and who is refused."""

from __future__ import annotations

import csv
import io
import re
from typing import Any
from urllib.parse import urlencode

import pytest
from django.conf import settings
from django.db import OperationalError
from django.test import Client
from django.urls import reverse

from accounts.models import User
from support.analytics import lookups
from support.analytics.asking import LOOK_UPS
from tests import factories
from tests.api.world import LOOK_UPS as GOOD_QUERIES
from tests.conftest import ApiClient, Clock
from tests.support.analytics.conftest import Sales, at
from travel.common.models import Act

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _noon(clock: Clock, settings: Any) -> None:
    settings.STAFF_2FA = "optional"
    clock.moment = at(2, 12)


@pytest.fixture
def browser(client: Client) -> Client:
    client.force_login(factories.make_user(is_staff=True, roles=["support agent"]))
    return client


def page(browser: Client, name: str, **asked: str) -> Any:
    return browser.get(reverse("admin:numbers_look_up", args=[name]), asked)


def operation(api: ApiClient, name: str, query: str, role: str = "administrator") -> Any:
    user = factories.make_user(is_staff=True, roles=[role])
    return api.by(user).get(f"/support/analytics/look-ups/{name}?{query}")


class TestOperations:
    def test_tickets_of_a_contact_as_they_were_sold(self, api: ApiClient, sales: Sales) -> None:
        answer = operation(api, "tickets-of-contact", f"contact={sales.ada.email}").json()

        # Two Savers, of which one is cancelled, and a flight; all of one minute, newest first.
        assert answer["count"] == 3
        told = [(one["number"], one["state"], one["price"]) for one in answer["results"]]
        assert told == [
            ("QX 2024", "open", {"amount": "82.50", "currency": "EUR"}),
            ("ICE 585", "cancelled", {"amount": "45.00", "currency": "EUR"}),
            ("ICE 585", "open", {"amount": "45.00", "currency": "EUR"}),
        ]

    def test_days_are_counted_in_at_both_ends(self, api: ApiClient, sales: Sales) -> None:
        """The coach was sold at 22:30 UTC of 1 June, which is 2 June in Berlin."""

        def sold(since: str, until: str) -> dict[str, int]:
            answer = operation(api, "tickets-by-mode", f"since={since}&until={until}").json()
            return {one["mode"]: one["tickets"] for one in answer["results"]}

        assert sold("2026-06-01", "2026-06-01") == {"Plane": 2, "Train": 3}
        assert sold("2026-06-02", "2026-06-02") == {"Bus": 1}
        assert sold("2026-06-01", "2026-06-02") == {"Bus": 1, "Plane": 2, "Train": 3}

    def test_who_has_no_phone_has_an_empty_one(self, api: ApiClient, sales: Sales) -> None:
        answer = operation(api, "top-users", "since=2026-06-01").json()

        assert {one["phone"] for one in answer["results"]} == {""}

    def test_each_look_is_on_record(self, api: ApiClient, sales: Sales) -> None:
        operation(api, "tickets-by-phrase", "phrase=ada&since=2026-06-01")

        act = Act.objects.get()
        assert (act.kind, act.address) == ("looked", "127.0.0.1")
        assert act.actor.email.endswith("@example.org")
        assert act.entry.change_message == "Tickets by a phrase: ada, 2026-06-01"

    def test_a_look_that_cannot_be_put_on_record_is_not_had(
        self, api: ApiClient, sales: Sales, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fails(*args: Any, **kwargs: Any) -> None:
            raise OperationalError("the disk is full")

        monkeypatch.setattr("travel.common.acts._write", fails)
        answer = operation(api, "tickets-of-contact", f"contact={sales.ada.email}")

        assert answer.status_code >= 500
        assert sales.ada.email not in answer.content.decode()

    @pytest.mark.parametrize(
        ("name", "query", "wrong"),
        [
            ("tickets-of-contact", "", "contact"),
            ("tickets-of-contact", f"contact={'a' * 300}", "contact"),
            ("tickets-by-phrase", "phrase=ada", "since"),
            ("top-users", "since=yesterday", "since"),
            ("top-reporters", "category=Weather", "category"),
            ("tickets-by-mode", "since=2026-06-02&until=2026-06-01", "until"),
        ],
    )
    def test_what_is_missing_or_wrong_is_named(
        self, api: ApiClient, name: str, query: str, wrong: str
    ) -> None:
        answer = operation(api, name, query)

        assert answer.status_code == 400
        assert wrong in answer.json()["errors"]
        assert not Act.objects.exists()


class TestPages:
    def test_every_look_up_is_listed_and_answers(self, browser: Client, sales: Sales) -> None:
        browser.force_login(factories.make_user(is_staff=True, roles=["administrator"]))
        listed = browser.get(reverse("admin:numbers")).content.decode()

        assert set(GOOD_QUERIES) == set(LOOK_UPS)
        for name, query in GOOD_QUERIES.items():
            address = reverse("admin:numbers_look_up", args=[name])
            assert address in listed
            assert browser.get(f"{address}?{query or 'category='}").status_code == 200

    def test_shows_what_was_found_and_keeps_who_looked(self, browser: Client, sales: Sales) -> None:
        answer = page(browser, "tickets-of-contact", contact=sales.ada.email)

        text = answer.content.decode()
        assert "3 rows" in text
        assert "€82.50" in text
        act = Act.objects.get(kind="looked")
        assert sales.ada.email in act.entry.change_message

    @pytest.mark.parametrize(
        "typed", ["München", "münchen", "MUNCHEN", "Munich", "munich", " München "]
    )
    def test_a_city_is_found_however_it_is_typed(
        self, browser: Client, sales: Sales, typed: str
    ) -> None:
        found = page(browser, "tickets-by-city", city=typed)

        numbers = {row.number for row in found.context_data["rows"]}
        assert numbers == {row.number for row in lookups.tickets_by_city(city="München")} != set()
        assert page(browser, "tickets-by-city", city="Mün").context_data["rows"] == []

    def test_words_are_the_readers(self, browser: Client, sales: Sales) -> None:
        """A clerk in German reads no word of the API's."""
        browser.cookies[settings.LANGUAGE_COOKIE_NAME] = "de"
        text = page(browser, "tickets-of-contact", contact=sales.ada.email).content.decode()

        words = [word.strip() for word in re.findall(r"<td[^>]*><bdi>(.*?)</bdi>", text)]
        assert words.count("Zug") == 2
        assert words.count("Flug") == 1
        assert words.count("Storniert") == 1
        assert not {"Train", "Plane", "open", "cancelled"} & set(words)

    @pytest.mark.parametrize(
        ("since", "until"),
        [
            ("2026-06-02", "2026-06-01"),
            ("0001-01-01", "2026-06-01"),
            ("2026-06-01", "9999-12-31"),
            ("2026-02-30", "2026-06-01"),
        ],
    )
    def test_days_that_make_no_sense_are_told_on_the_form(
        self, client: Client, since: str, until: str
    ) -> None:
        client.force_login(factories.make_user(is_staff=True, roles=["operations"]))
        answer = page(client, "tickets-by-mode", since=since, until=until)

        assert answer.status_code == 400
        assert "errorlist" in answer.content.decode()
        assert not Act.objects.exists()

    @pytest.mark.parametrize("typed", [" ADA@Example.ORG ", "+49 (30) 1234-5678"])
    def test_a_contact_is_found_however_it_is_typed(
        self, browser: Client, api: ApiClient, sales: Sales, typed: str
    ) -> None:
        User.objects.filter(pk=sales.ada.pk).update(phone="+493012345678")

        assert "3 rows" in page(browser, "tickets-of-contact", contact=typed).content.decode()
        query = urlencode({"contact": typed})
        assert operation(api, "tickets-of-contact", query).json()["count"] == 3

    def test_leads_to_what_it_is_about_who_may_go_there(
        self, browser: Client, sales: Sales
    ) -> None:
        tickets = page(browser, "tickets-of-contact", contact=sales.ada.email).content.decode()
        users = page(browser, "top-users", since="2026-06-01").content.decode()

        locator = sales.ada.reservations.order_by("id")[0].locator
        assert f'href="/admin/find/?q={locator}"' in tickets
        found = browser.get(f"/admin/find/?q={locator}")
        assert found.status_code == 302
        assert f'href="/admin/customers/{sales.ada.pk}/"' in users
        assert browser.get(f"/admin/customers/{sales.ada.pk}/").status_code == 200

    def test_an_account_is_no_quantity(self, browser: Client, sales: Sales) -> None:
        """It is searched for as it is read, so it has neither a comma nor other digits."""
        User.objects.filter(pk=sales.ada.pk).update(city="Kassel")
        factories.make_user(pk=1_234_567, city="Kassel")

        for language in ("en", "fa"):
            browser.cookies[settings.LANGUAGE_COOKIE_NAME] = language
            answer = page(browser, "users-of-same-city", contact=sales.ada.email)
            assert "<bdi>1234567</bdi>" in answer.content.decode()

    def test_asks_before_it_answers(self, browser: Client, sales: Sales) -> None:
        asked = page(browser, "tickets-by-phrase")
        wrong = page(browser, "tickets-by-phrase", phrase="ada")

        assert asked.status_code == 200
        assert wrong.status_code == 400
        assert "rows" not in asked.content.decode().split("<main")[1]
        assert not Act.objects.filter(kind="looked").exists()

    def test_says_when_nothing_is_there(self, browser: Client, sales: Sales) -> None:
        text = page(browser, "users-of-same-city", contact="nobody@example.org").content.decode()

        assert "Nothing is found by that." in text

    @pytest.mark.parametrize("name", LOOK_UPS)
    def test_operations_count_tickets_and_meet_nobody(self, client: Client, name: str) -> None:
        client.force_login(factories.make_user(is_staff=True, roles=["operations"]))

        expected = 200 if name == "tickets-by-mode" else 403
        assert page(client, name).status_code == expected

    def test_there_are_no_others(self, browser: Client) -> None:
        assert page(browser, "everything").status_code == 404


class TestFiles:
    def sheet(self, browser: Client, name: str, **asked: str) -> list[dict[str, str]]:
        answer = browser.get(reverse("admin:numbers_look_up_csv", args=[name]), asked)
        assert answer["Content-Type"] == "text/csv; charset=utf-8"
        assert answer["Content-Disposition"] == f'attachment; filename="{name}.csv"'
        text = b"".join(answer.streaming_content).decode()
        return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))

    def test_says_what_the_operation_says(
        self, browser: Client, api: ApiClient, sales: Sales
    ) -> None:
        email = str(sales.ada.email)
        rows = self.sheet(browser, "tickets-of-contact", contact=email)
        told = operation(api, "tickets-of-contact", f"contact={email}").json()["results"]

        assert [(row["state"], row["price"], row["currency"]) for row in rows] == [
            ("open", "82.50", "EUR"),
            ("cancelled", "45.00", "EUR"),
            ("open", "45.00", "EUR"),
        ]
        same = ["locator", "number", "mode", "origin", "destination", "state"]
        assert [[row[name] for name in same] for row in rows] == [
            [one[name] for name in same] for one in told
        ]

    def test_keeps_who_took_what(self, browser: Client, sales: Sales) -> None:
        self.sheet(browser, "top-users", since="2026-06-01")

        act = Act.objects.get()
        assert act.kind == "exported"
        assert act.entry.change_message == "Who bought most tickets: 2026-06-01"

    def test_no_cell_is_a_formula(self, browser: Client, sales: Sales) -> None:
        """Travellers write their names, and a telephone number begins with a sign."""
        User.objects.filter(pk=sales.ada.pk).update(first_name="=1+1", phone="+493012345678")
        rows = self.sheet(browser, "top-users", since="2026-06-01")

        ada = next(row for row in rows if row["email"] == sales.ada.email)
        assert (ada["first_name"], ada["phone"]) == ("'=1+1", "'+493012345678")

    def test_what_makes_no_sense_is_told_on_the_page(self, browser: Client) -> None:
        answer = browser.get(
            reverse("admin:numbers_look_up_csv", args=["top-users"]), {"since": "tomorrow"}
        )

        assert answer.status_code == 302
        assert "errorlist" in browser.get(answer["Location"], follow=True).content.decode()
        assert not Act.objects.exists()

    def test_the_page_leads_to_it(self, browser: Client, sales: Sales) -> None:
        found = page(browser, "top-users", since="2026-06-01").content.decode()
        nothing = page(browser, "top-users", since="2026-08-01").content.decode()

        assert "/admin/numbers/look-ups/top-users.csv?since=2026-06-01" in found
        assert ".csv" not in nothing
