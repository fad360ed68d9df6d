"""What holds for every table in the admin, whatever it is."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from bookings.models import Reservation

OUR_APPS = {"common", "accounts", "inventory", "bookings", "payments", "support"}
# Reference data, which staff keep by hand; nothing else is ever written here.
KEPT = {
    "accounts.User",
    "auth.Group",
    "inventory.Bus",
    "inventory.Carrier",
    "inventory.CarrierClass",
    "inventory.City",
    "inventory.CityName",
    "inventory.Coach",
    "inventory.Facility",
    "inventory.Fare",
    "inventory.FareVersion",
    "inventory.Feed",
    "inventory.Flight",
    "inventory.Membership",
    "inventory.MinimumChange",
    "inventory.Seat",
    "inventory.SeatMap",
    "inventory.Service",
    "inventory.Station",
    "inventory.StationCode",
    "inventory.StationName",
    "inventory.Tariff",
    "inventory.TimetablePattern",
    "inventory.Train",
    "inventory.Vehicle",
    "support.CannedReply",
}
REGISTERED = sorted(admin.site._registry, key=lambda model: model._meta.label)
CLOSED = [model for model in REGISTERED if model._meta.label not in KEPT]
# Opening a list or a page never takes more statements than this, however many rows there are.
MOST_STATEMENTS = 20


def address(model: Any, page: str, *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def rows_of_everything() -> dict[str, int]:
    return {
        model._meta.label: model._base_manager.count()
        for model in apps.get_models()
        if model._meta.app_label in OUR_APPS | {"admin", "auth", "otp_totp"}
    }


def statements(desk: Client, url: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert desk.get(url).status_code == 200
    return len(queries)


def assert_fit_to_show(text: str, page: str) -> None:
    """No secret is shown, and nothing that the content security policy would leave out."""
    assert "secret" not in text.replace("secret link", ""), page
    assert "5ec7e7" not in text, page
    assert "<style" not in text, page
    assert ' style="' not in text, page
    assert not re.search(r' on[a-z]+="', text), page


def statements_of_all(desk: Client) -> dict[str, tuple[int, int]]:
    """How many statements each table's list takes, and the page of its newest row."""
    return {
        model._meta.label: (
            statements(desk, address(model, "changelist")),
            statements(
                desk, address(model, "change", model._base_manager.order_by("pk").last().pk)
            ),
        )
        for model in REGISTERED
    }


def test_every_table_of_ours_is_there() -> None:
    ours = {
        model._meta.label
        for model in apps.get_models()
        if model._meta.app_label in OUR_APPS and "Historical" not in model.__name__
    }

    assert ours <= {model._meta.label for model in REGISTERED}


class TestLooking:
    def test_opens_and_changes_nothing(
        self, desk: Client, sell: Callable[[int], Reservation]
    ) -> None:
        sell(0)
        before = rows_of_everything()
        for model in REGISTERED:
            row = model._base_manager.order_by("pk").last()
            pages = [
                (address(model, "changelist"), {}),
                (address(model, "changelist"), {"q": "AAAAAA"}),
                (address(model, "changelist"), {"q": "9" * 400 + "\\'%"}),
                (address(model, "change", row.pk), {}),
                (address(model, "history", row.pk), {}),
            ]
            for page, query in pages:
                answer = desk.get(page, query)
                assert answer.status_code == 200, page
                assert_fit_to_show(answer.content.decode(), page)

        assert rows_of_everything() == before

    def test_odd_addresses_are_no_fault_of_the_office(
        self, desk: Client, sell: Callable[[int], Reservation]
    ) -> None:
        sell(0)
        queries = [
            {"p": "9" * 30, "o": "1.x.-9", "q": "\0", "_facets": "True"},
            {"p": "-1", "all": "", "q": "\\%", "state__exact": "nonsense", "day": "nonsense"},
            {"id__exact": "9" * 30, "user__password__startswith": "a"},
        ]
        for model in REGISTERED:
            for query in queries:
                answer = desk.get(address(model, "changelist"), query)
                assert answer.status_code in (200, 302, 400), (model, query)
            for key in ("x", "9" * 30, "_00"):
                page = desk.get(address(model, "change", key))
                assert page.status_code in (302, 404), (model, key)

    def test_autocompletion_answers_whatever_is_typed(
        self, desk: Client, sell: Callable[[int], Reservation]
    ) -> None:
        sell(0)
        for app, model, field in [
            ("inventory", "station", "city"),
            ("inventory", "membership", "user"),
            ("inventory", "fareversion", "fare"),
        ]:
            for typed in ("", "a", "\0", "9" * 400, "%", "\\"):
                answer = desk.get(
                    reverse("admin:autocomplete"),
                    {"app_label": app, "model_name": model, "field_name": field, "term": typed},
                )
                assert answer.status_code == 200, (field, typed)

    def test_asks_no_more_for_more_rows(
        self, desk: Client, sell: Callable[[int], Reservation]
    ) -> None:
        for number in range(2):
            sell(number)
        desk.get(reverse("admin:index"))
        few = statements_of_all(desk)
        for number in range(2, 8):
            sell(number)
        many = statements_of_all(desk)

        assert {name: many[name] for name in many if many[name][0] != few[name][0]} == {}
        assert {name: many[name] for name in many if many[name][1] > few[name][1]} == {}
        assert {name: most for name, (most, _page) in many.items() if most > MOST_STATEMENTS} == {}

    def test_no_amount_is_shown_in_minor_units(self) -> None:
        for model_admin in admin.site._registry.values():
            shown = [*model_admin.list_display, *(model_admin.fields or [])]
            for inline in model_admin.inlines:
                if inline.__name__ != "PenaltyTierInline":
                    shown += inline.fields or []
            assert not [name for name in shown if str(name).endswith(("_minor", "_micro"))]


class TestWriting:
    def test_a_closed_table_takes_nothing_from_anybody(
        self, desk: Client, sell: Callable[[int], Reservation]
    ) -> None:
        sell(0)
        for model in CLOSED:
            self.assert_closed(desk, model)

    def assert_closed(self, desk: Client, model: Any) -> None:
        row = model._base_manager.order_by("pk").last()
        before = list(model._base_manager.order_by("pk").values())
        fields = {field.name: "1" for field in model._meta.fields}

        assert desk.get(address(model, "add")).status_code == 403
        assert desk.post(address(model, "add"), fields).status_code == 403
        assert desk.post(address(model, "change", row.pk), fields).status_code == 403
        if model._meta.label != "otp_totp.TOTPDevice":
            assert desk.post(address(model, "delete", row.pk), {"post": "yes"}).status_code == 403
        answer = desk.post(
            address(model, "changelist"),
            {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"},
        )
        assert answer.status_code in (200, 302, 403)
        assert list(model._base_manager.order_by("pk").values()) == before

    def test_a_person_is_not_deleted(self, desk: Client, traveller: User) -> None:
        answer = desk.post(address(User, "delete", traveller.pk), {"post": "yes"})

        assert answer.status_code == 403
        assert User.objects.filter(pk=traveller.pk).exists()

    def test_history_is_no_way_back(self, desk: Client, timetable: Any) -> None:
        city = timetable.hamburg
        version = city.history.get()
        city.name = "Hamburg an der Elbe"
        city.save()
        page = reverse("admin:inventory_city_simple_history", args=[city.pk, version.pk])

        assert desk.get(page).status_code == 200
        assert desk.post(page, {"name": "Hamburg"}).status_code == 403
        city.refresh_from_db()
        assert city.name == "Hamburg an der Elbe"
