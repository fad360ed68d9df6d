"""A fare's next version begins as the one before, and says what cancelling gives back."""

from __future__ import annotations

from datetime import datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from inventory.models import Fare, FareVersion
from tests import factories
from tests.admin.test_reference_data import VERSION, formset

ADD = reverse("admin:inventory_fareversion_add")
TIERS = "penalty_tiers"
PRICE = {"base_minor": "7", "rounding_minor": "0.01"}


class Sent(HTMLParser):
    """What a browser without JavaScript sends of a page's form, when nothing is typed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self._select = self._text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        name = given.get("name", "")
        if tag == "select":
            self._select = name
        elif tag == "option" and "selected" in given:
            self.fields[self._select] = given.get("value", "")
        elif tag == "textarea":
            self._text = name
            self.fields[name] = ""
        elif tag == "input" and given.get("type") == "checkbox":
            if "checked" in given:
                self.fields[name] = given.get("value", "on")
        elif tag == "input":
            self.fields[name] = given.get("value", "")

    def handle_data(self, data: str) -> None:
        if self._text:
            self.fields[self._text] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._text = ""


def served(client: Client, page: str, **query: Any) -> dict[str, str]:
    answer = client.get(page, query)
    assert answer.status_code == 200
    fields = Sent(answer.content.decode()).fields
    return {name: value for name, value in fields.items() if "__prefix__" not in name}


def begins(moment: datetime) -> dict[str, str]:
    return {"valid_from_0": f"{moment:%Y-%m-%d}", "valid_from_1": f"{moment:%H:%M:%S}"}


def tiers_of(version: FareVersion) -> list[tuple[int, int, int]]:
    return list(
        version.penalty_tiers.order_by("-minutes_before").values_list(
            "minutes_before", "basis_points", "minimum_minor"
        )
    )


@pytest.fixture
def saver(train: factories.Trip) -> Fare:
    fare = train.fares[0]
    fare.versions.update(
        conditions="No changes,\nno seat.",
        base_minor=1250,
        per_km_micro=7_250_000,
        minimum_minor=990,
        rounding_minor=10,
        tax_basis_points=700,
        fee_minor=150,
        young_percent=75,
        child_percent=40,
        infant_percent=10,
        return_discount_basis_points=250,
        young_until_age=25,
        child_until_age=13,
        infant_until_age=2,
        sales_close_minutes=15,
        quota=80,
    )
    fare.versions.get().penalty_tiers.filter(minutes_before=60).update(minimum_minor=300)
    return fare


@pytest.fixture
def tomorrow(clock: Any, noon: datetime) -> dict[str, str]:
    return begins(noon + timedelta(days=1))


class TestTheNextVersion:
    def test_begins_as_the_one_before(
        self, desk: Client, saver: Fare, tomorrow: dict[str, str]
    ) -> None:
        old = saver.versions.get()
        fields = served(desk, ADD, **{"from": old.pk})
        assert (fields["base_minor"], fields["valid_from_0"]) == ("12.50", "")
        title = f"New version of Saver (Economy), filled in from version {old.pk}"
        assert title in desk.get(ADD, {"from": old.pk}).content.decode()

        answer = desk.post(f"{ADD}?from={old.pk}", fields | tomorrow | {"base_minor": "13.50"})

        assert answer.status_code == 302, answer.context["errors"]
        new = saver.versions.exclude(pk=old.pk).get()
        assert new.base_minor == 1350
        same = [
            one.name
            for one in FareVersion._meta.concrete_fields
            if one.name not in {"id", "valid_from", "base_minor"}
        ]
        assert {name: getattr(new, name) for name in same} == {
            name: getattr(old, name) for name in same
        }
        assert tiers_of(new) == [(1440, 1000, 0), (60, 5000, 300)]
        assert tiers_of(old) == [(1440, 1000, 0), (60, 5000, 300)]

    def test_of_a_tier_whose_row_is_emptied_there_is_none(
        self, desk: Client, saver: Fare, tomorrow: dict[str, str]
    ) -> None:
        old = saver.versions.get()
        fields = served(desk, ADD, **{"from": old.pk})
        emptied = dict.fromkeys((f"{TIERS}-1-minutes_before", f"{TIERS}-1-basis_points"), "")

        answer = desk.post(ADD, fields | tomorrow | emptied | {f"{TIERS}-1-minimum_minor": ""})

        assert answer.status_code == 302, answer.context["errors"]
        assert tiers_of(saver.versions.exclude(pk=old.pk).get()) == [(1440, 1000, 0)]

    def test_is_offered_to_whoever_may_set_prices(
        self, desk: Client, saver: Fare, client: Client
    ) -> None:
        old = saver.versions.get()
        version_page = reverse("admin:inventory_fareversion_change", args=[old.pk])
        fare_page = reverse("admin:inventory_fare_change", args=[saver.pk])
        way = f'href="{ADD}?from={old.pk}"'

        assert all(way in desk.get(page).content.decode() for page in (version_page, fare_page))

        money = factories.make_user(email="f@office.example", is_staff=True, roles=["finance"])
        client.force_login(money)
        for page in (version_page, fare_page):
            answer = client.get(page)
            assert answer.status_code == 200
            assert ADD not in answer.content.decode()
        assert client.get(ADD, {"from": old.pk}).status_code == 403

    @pytest.mark.parametrize("number", ["", "0", "x", "9" * 30])
    def test_of_no_version_there_is_no_next_one(
        self, desk: Client, saver: Fare, number: str
    ) -> None:
        assert desk.get(ADD, {"from": number}).status_code == 404

    def test_what_was_typed_outlives_the_one_before(
        self, desk: Client, saver: Fare, tomorrow: dict[str, str], noon: datetime
    ) -> None:
        draft = FareVersion.objects.create(fare=saver, valid_from=noon + timedelta(days=9))
        draft.penalty_tiers.create(minutes_before=0, basis_points=2_000)
        fields = served(desk, ADD, **{"from": draft.pk})
        draft.delete()

        answer = desk.post(f"{ADD}?from={draft.pk}", fields | tomorrow | {"base_minor": "7"})

        assert answer.status_code == 302


class TestWhatCancellingGivesBack:
    def test_three_tiers_can_be_written_without_javascript(
        self, desk: Client, saver: Fare, tomorrow: dict[str, str]
    ) -> None:
        fields = served(desk, ADD, fare=saver.pk)
        assert fields[f"{TIERS}-TOTAL_FORMS"] == "3"
        rows = {
            f"{TIERS}-0-minutes_before": "1440",
            f"{TIERS}-0-basis_points": "10",
            f"{TIERS}-2-minutes_before": "0",
            f"{TIERS}-2-basis_points": "50",
            f"{TIERS}-2-minimum_minor": "2.50",
        }

        answer = desk.post(ADD, fields | tomorrow | PRICE | rows)

        assert answer.status_code == 302, answer.context["errors"]
        new = saver.versions.latest("valid_from")
        assert tiers_of(new) == [(1440, 1000, 0), (0, 5000, 250)]

    def test_nothing_is_not_given_back_by_leaving_rows_blank(
        self, desk: Client, saver: Fare, tomorrow: dict[str, str]
    ) -> None:
        fields = served(desk, ADD, fare=saver.pk) | tomorrow | PRICE

        answer = desk.post(ADD, fields)

        assert answer.status_code == 200
        assert "Without penalty tiers nothing is given back" in answer.content.decode()
        assert saver.versions.count() == 1

    def test_nothing_is_given_back_where_that_is_ticked(
        self, desk: Client, saver: Fare, tomorrow: dict[str, str]
    ) -> None:
        fields = served(desk, ADD, fare=saver.pk) | tomorrow
        fields |= PRICE | {"gives_nothing_back": "on"}

        answer = desk.post(ADD, fields)
        assert answer.status_code == 302, answer.context["adminform"].form.errors
        new = saver.versions.latest("valid_from")
        assert tiers_of(new) == []
        page = reverse("admin:inventory_fareversion_change", args=[new.pk])
        assert served(desk, page)["gives_nothing_back"] == "on"
        # Whoever copies it is asked once more.
        assert "gives_nothing_back" not in served(desk, ADD, **{"from": new.pk})

    def test_a_tick_and_tiers_are_refused_together(
        self, desk: Client, saver: Fare, tomorrow: dict[str, str]
    ) -> None:
        fields = VERSION | {"fare": saver.pk, "gives_nothing_back": "on"} | tomorrow

        answer = desk.post(ADD, fields)

        assert answer.status_code == 200
        assert "take the tick away, or the tiers" in answer.content.decode()
        assert saver.versions.count() == 1

    def test_the_last_tier_is_not_taken_away_unsaid(
        self, desk: Client, saver: Fare, tomorrow: dict[str, str], noon: datetime
    ) -> None:
        draft = FareVersion.objects.create(
            fare=saver, valid_from=noon + timedelta(days=1), base_minor=700
        )
        tier = draft.penalty_tiers.create(minutes_before=0, basis_points=2_000)
        page = reverse("admin:inventory_fareversion_change", args=[draft.pk])
        fields = served(desk, page) | {f"{TIERS}-0-DELETE": "on"}
        alone = reverse("admin:inventory_penaltytier_delete", args=[tier.pk])

        assert desk.post(page, fields).status_code == 200
        assert desk.post(alone, {"post": "yes"}).status_code == 403
        assert tiers_of(draft) == [(0, 2000, 0)]
        assert desk.post(page, fields | {"gives_nothing_back": "on"}).status_code == 302
        assert tiers_of(draft) == []

    def test_a_version_on_sale_says_what_it_gives_back(
        self, desk: Client, saver: Fare, chief: User
    ) -> None:
        version = saver.versions.get()
        page = reverse("admin:inventory_fareversion_change", args=[version.pk])

        assert "What the penalty tiers leave." in desk.get(page).content.decode()
        version.penalty_tiers.all().delete()
        assert "Nothing is given back." in desk.get(page).content.decode()


class TestFaultsAreToldAtTheirField:
    @pytest.mark.parametrize(
        ("field", "typed", "told"),
        [
            ("young_percent", "101", "less than or equal to 100"),
            ("child_percent", "400", "less than or equal to 100"),
            ("infant_percent", "101", "less than or equal to 100"),
            ("infant_until_age", "121", "less than or equal to 120"),
            ("quota", "10001", "less than or equal to 10000"),
            ("quota", "99999999999", "less than or equal to 10000"),
            ("sales_close_minutes", "527041", "less than or equal to 527040"),
            ("rounding_minor", "10000.01", "Round up to €10,000.00 at most."),
        ],
    )
    def test_what_is_beyond_all_use(
        self,
        desk: Client,
        saver: Fare,
        tomorrow: dict[str, str],
        field: str,
        typed: str,
        told: str,
    ) -> None:
        answer = desk.post(ADD, VERSION | {"fare": saver.pk, field: typed} | tomorrow)

        assert told in " ".join(answer.context["adminform"].form.errors[field])
        assert saver.versions.count() == 1

    @pytest.mark.parametrize(
        ("ages", "field", "told"),
        [
            ((1, 99, 26), "young_until_age", "write more than 99"),
            ((1, 26, 26), "young_until_age", "write more than 26"),
            ((14, 14, 26), "child_until_age", "write more than 14"),
        ],
    )
    def test_ages_that_do_not_rise(
        self,
        desk: Client,
        saver: Fare,
        tomorrow: dict[str, str],
        ages: tuple[int, int, int],
        field: str,
        told: str,
    ) -> None:
        names = ("infant_until_age", "child_until_age", "young_until_age")
        fields = VERSION | {"fare": saver.pk} | tomorrow | dict(zip(names, ages, strict=True))

        errors = desk.post(ADD, fields).context["adminform"].form.errors

        assert list(errors) == [field]
        assert told in errors[field][0]

    @pytest.mark.parametrize(
        ("day", "is_refused"),
        [("2028-06-01", False), ("2028-06-02", True), ("9999-12-31", True), ("0001-01-01", True)],
    )
    def test_a_beginning_that_nobody_plans_for(
        self, desk: Client, saver: Fare, clock: Any, day: str, is_refused: bool
    ) -> None:
        # It is noon of 1 June 2026; 731 days later it is 1 June 2028.
        begins = {"valid_from_0": day, "valid_from_1": "12:00:00"}

        answer = desk.post(ADD, VERSION | {"fare": saver.pk} | begins)

        assert (answer.status_code == 200) == is_refused
        if is_refused:
            assert list(answer.context["adminform"].form.errors) == ["valid_from"]

    def test_two_versions_at_one_moment(
        self, desk: Client, saver: Fare, tomorrow: dict[str, str]
    ) -> None:
        fields = VERSION | {"fare": saver.pk} | tomorrow
        assert desk.post(ADD, fields).status_code == 302

        errors = desk.post(ADD, fields).context["adminform"].form.errors

        assert errors == {"valid_from": ["Another price of this fare begins at that moment."]}

    def test_a_price_of_nothing(self, desk: Client, saver: Fare, tomorrow: dict[str, str]) -> None:
        nothing = {"base_minor": "", "per_km_micro": "0", "minimum_minor": ""}

        answer = desk.post(ADD, VERSION | {"fare": saver.pk} | nothing | tomorrow)

        assert "travel free" in answer.context["adminform"].form.errors["base_minor"][0]
        assert saver.versions.count() == 1

    def test_tiers(self, desk: Client, saver: Fare, tomorrow: dict[str, str]) -> None:
        tier = {"minutes_before": "60", "basis_points": "50", "minimum_minor": ""}
        fields = VERSION | {"fare": saver.pk} | tomorrow
        twins = desk.post(ADD, fields | formset(TIERS, tier, tier))
        early = desk.post(ADD, fields | formset(TIERS, tier | {"minutes_before": "527041"}))

        assert "Two tiers begin equally long before departure" in twins.content.decode()
        assert "less than or equal to 527040" in early.content.decode()
        assert saver.versions.count() == 1


class TestFindingAFare:
    @pytest.mark.parametrize("typed", ["Saver", "saver", "ave"])
    def test_by_its_name_with_what_tells_it_apart(
        self, desk: Client, saver: Fare, typed: str
    ) -> None:
        wanted = {"app_label": "inventory", "model_name": "fareversion", "field_name": "fare"}

        found = desk.get(reverse("admin:autocomplete"), wanted | {"term": typed}).json()["results"]

        tariff = saver.tariff
        told = f"Saver (Economy) · {tariff.name} · {tariff.carrier.name}"
        assert {"id": str(saver.pk), "text": told} in found
        assert told in desk.get(ADD, {"fare": saver.pk}).content.decode()

    def test_the_box_says_what_it_searches(self, desk: Client, saver: Fare) -> None:
        hint = desk.get(ADD).context["adminform"].form.fields["fare"].help_text

        assert "name" in str(hint)
        assert str(hint) in desk.get(ADD).content.decode().replace("&#x27;", "'")
