"""The record of what staff do: who, when, what, from where, why; where it is read, and by whom."""

from __future__ import annotations

import importlib
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from inventory.models import City
from tests import factories
from travel.common import acts
from travel.common.admin_bases import Recorded
from travel.common.forgetting import forget_admin_notes
from travel.common.models import Act

pytestmark = pytest.mark.django_db


@pytest.fixture
def request_of(staff: User, rf: RequestFactory, clock: Any) -> Any:
    """A request of the support agent's."""
    request = rf.post("/admin/")
    request.user = staff
    return request


def history(browser: Client, row: Any) -> str:
    page = f"admin:{row._meta.app_label}_{row._meta.model_name}_history"
    answer = browser.get(reverse(page, args=[row.pk]))
    assert answer.status_code == 200
    return answer.content.decode()


class TestRecord:
    def test_keeps_who_when_what_from_where_and_why(
        self, request_of: Any, staff: User, traveller: User, noon: datetime
    ) -> None:
        act = acts.record(request_of, traveller, "Wrote a letter.", "Asked for one")

        act.refresh_from_db()
        assert (act.actor, act.at, act.address) == (staff, noon, "127.0.0.1")
        assert (act.kind, act.about) == ("changed", f"accounts.user:{traveller.pk}")
        assert act.reason == "Asked for one"
        entry = act.entry
        assert (entry.user, entry.action_time, entry.action_flag) == (staff, noon, CHANGE)
        assert (entry.object_repr, entry.object_id) == ("Ada Lovelace", str(traveller.pk))
        assert entry.get_change_message() == "Wrote a letter."

    def test_of_no_row(self, request_of: Any) -> None:
        act = acts.record(request_of, None, "Revenue: 2026-05.csv", kind=acts.Kind.EXPORTED)

        act.refresh_from_db()
        assert (act.kind, act.about, act.reason) == ("exported", "", "")
        assert act.entry.get_admin_url() is None
        flags = [act.entry.is_addition(), act.entry.is_change(), act.entry.is_deletion()]
        assert not any(flags)

    def test_knows_the_address_behind_the_offices_proxy(
        self, request_of: Any, traveller: User, settings: Any
    ) -> None:
        settings.TRUSTED_PROXIES = 1
        request_of.META["HTTP_X_FORWARDED_FOR"] = "203.0.113.9, 198.51.100.7"

        assert acts.record(request_of, traveller, "x").address == "198.51.100.7"

    def test_cuts_off_what_is_too_long(self, request_of: Any, traveller: User) -> None:
        act = acts.record(request_of, traveller, "x" * 1000, "y" * 1000)

        act.refresh_from_db()
        assert (len(act.reason), len(act.entry.change_message)) == (300, 1000)

    def test_goes_with_what_is_rolled_back(self, request_of: Any, traveller: User) -> None:
        with transaction.atomic():
            acts.record(request_of, traveller, "x")
            transaction.set_rollback(True)

        assert not Act.objects.exists()
        assert not LogEntry.objects.exists()

    @pytest.mark.parametrize(
        ("typed", "kept"),
        [(" On loan ", "On loan"), ("\u202egnp.exe", ""), ("4111 1111 1111 1111", ""), ("", "")],
    )
    def test_the_reason_of_a_form_is_clean(self, rf: RequestFactory, typed: str, kept: str) -> None:
        assert acts.said_why(rf.post("/admin/", {"why": typed})) == kept


class TestOn:
    def test_answers_the_latest_the_oldest_first(
        self, request_of: Any, traveller: User, stranger: User, clock: Any
    ) -> None:
        for number in range(4):
            acts.record(request_of, traveller, f"Act {number}")
            clock.advance(minutes=1)
        acts.record(request_of, stranger, "Another's")

        with CaptureQueriesContext(connection) as queries:
            found = acts.on([traveller], most=3)
            told = [(act.entry.get_change_message(), str(act.actor)) for act in found]
        assert told == [(f"Act {number}", "Sam Porter") for number in (1, 2, 3)]
        assert len(queries) == 1
        assert len(acts.on([traveller, f"accounts.user:{stranger.pk}"])) == 5
        assert acts.on([]) == []


class TestEveryTable:
    def test_of_the_site_records_its_acts(self) -> None:
        assert [
            model._meta.label
            for model, table in admin.site._registry.items()
            if not isinstance(table, Recorded)
        ] == []

    def test_add_change_and_delete_say_why(self, desk: Client, chief: User, clock: Any) -> None:
        names = {"names-TOTAL_FORMS": "0", "names-INITIAL_FORMS": "0"}
        form = {"name": "Ulm", "country": "DE", "code": "de-ulm", **names}
        desk.post(reverse("admin:inventory_city_add"), {**form, "why": "New line"})
        city = City.objects.get()
        page = reverse("admin:inventory_city_change", args=[city.pk])
        names = {"names-TOTAL_FORMS": "1", "names-INITIAL_FORMS": "1"}
        own = city.names.get()
        names |= {"names-0-id": own.pk, "names-0-city": city.pk, "names-0-name": "Ulm"}
        form = {**form, **names, "name": "Ulm/Donau", "why": "By its whole name"}
        assert desk.post(page, form, REMOTE_ADDR="192.0.2.7").status_code == 302
        page = reverse("admin:inventory_city_delete", args=[city.pk])
        assert desk.post(page, {"post": "yes", "why": "Line is gone"}).status_code == 302

        found = Act.objects.order_by("entry_id")
        assert [(act.kind, act.reason, act.address) for act in found] == [
            ("added", "New line", "127.0.0.1"),
            ("changed", "By its whole name", "192.0.2.7"),
            ("deleted", "Line is gone", "127.0.0.1"),
        ]
        assert {act.about for act in found} == {f"inventory.city:{city.pk}"}
        assert {act.actor for act in found} == {chief}
        assert found[1].entry.get_change_message() == "Changed Name."

    def test_forms_ask_why(self, desk: Client) -> None:
        city = factories.make_city("Ulm")
        for page in ("change", "delete"):
            address = reverse(f"admin:inventory_city_{page}", args=[city.pk])
            assert 'name="why"' in desk.get(address).content.decode(), page


class TestReading:
    def test_a_rows_history_tells_what_was_done_to_it(
        self, desk: Client, request_of: Any, traveller: User, timetable: Any
    ) -> None:
        acts.record(request_of, traveller, "Wrote a letter.", "<b>Asked</b> for one")
        acts.record(request_of, timetable.hamburg, "Looked at the map.")

        text = history(desk, traveller)
        for told in ("Sam Porter", "Wrote a letter.", "&lt;b&gt;Asked&lt;/b&gt; for one"):
            assert told in text
        assert "127.0.0.1" in text
        # Reference data tells what it was before, too.
        assert "Looked at the map." in history(desk, timetable.hamburg)

    def test_where_colleagues_sit_is_told_to_whoever_sees_all_acts(
        self, request_of: Any, staff: User, traveller: User, settings: Any
    ) -> None:
        settings.STAFF_2FA = "optional"
        acts.record(request_of, traveller, "Wrote a letter.")
        agents = Client()
        agents.force_login(staff)

        text = history(agents, traveller)
        assert "Wrote a letter." in text
        assert "127.0.0.1" not in text

    def test_all_acts_are_found_by_person_row_and_day(
        self, desk: Client, request_of: Any, traveller: User, stranger: User, clock: Any
    ) -> None:
        first = acts.record(request_of, traveller, "First")
        clock.advance(days=1)
        second = acts.record(request_of, stranger, "Second")
        listed = reverse("admin:common_act_changelist")

        def found(typed: str) -> list[Act]:
            return list(desk.get(listed, {"q": typed}).context["cl"].result_list)

        assert found("sam@office") == [second, first]
        assert found("nobody@office") == []
        for typed in ("user {}", "accounts.user:{}", "accounts.user {}"):
            assert found(typed.format(traveller.pk)) == [first]
        assert found("2026-06-01") == [first]
        assert found("2026-06-02") == [second]
        for typed in ("2026-05-31", "2026-13-01", "user", "user x", "9999-12-31", "0001-01-01"):
            assert found(typed) == [], typed

    def test_the_list_leads_to_the_rows(
        self, desk: Client, request_of: Any, traveller: User
    ) -> None:
        acts.record(request_of, traveller, "First", "Because")
        acts.record(request_of, None, "Revenue", kind=acts.Kind.EXPORTED)

        text = desk.get(reverse("admin:common_act_changelist")).content.decode()
        assert reverse("admin:accounts_user_change", args=[traveller.pk]) in text
        for told in ("Took a file", "Revenue", "Because", "Ada Lovelace"):
            assert told in text

    def test_is_closed_to_agents(self, client: Client, staff: User, settings: Any) -> None:
        settings.STAFF_2FA = "optional"
        client.force_login(staff)
        assert client.get(reverse("admin:common_act_changelist")).status_code == 403


class TestKeeping:
    def test_erasing_a_person_forgets_what_was_written_of_it(
        self, request_of: Any, traveller: User, stranger: User
    ) -> None:
        for person in (traveller, stranger):
            acts.record(request_of, person, "Talked to Ada", "Ada is ill")

        forget_admin_notes(User, [traveller.pk], name="User %s")

        about = {act.about: act for act in Act.objects.select_related("entry")}
        gone = about[f"accounts.user:{traveller.pk}"]
        assert (gone.reason, gone.entry.change_message) == ("", "")
        assert gone.entry.object_repr == f"User {traveller.pk}"
        kept = about[f"accounts.user:{stranger.pk}"]
        assert (kept.reason, kept.entry.change_message) == ("Ada is ill", "Talked to Ada")

    def test_what_was_logged_before_is_taken_over(self, staff: User, noon: datetime) -> None:
        """The migration writes an act for each entry that Django had kept, in any number."""
        kind = ContentType.objects.get_for_model(User)
        for number, flag in enumerate((1, 2, 3)):
            LogEntry.objects.create(
                user=staff,
                action_time=noon + timedelta(minutes=number),
                content_type=kind,
                object_id="7",
                object_repr="x",
                action_flag=flag,
            )
        LogEntry.objects.create(user=staff, action_time=noon, object_repr="x", action_flag=2)
        migration = importlib.import_module("travel.common.migrations.0003_acts")
        migration.AT_ONCE = 2

        migration.take_over(apps, SimpleNamespace(connection=connection))

        rows = Act.objects.order_by("entry_id").values_list("kind", "about", "actor", "address")
        assert list(rows) == [
            ("added", "accounts.user:7", staff.pk, ""),
            ("changed", "accounts.user:7", staff.pk, ""),
            ("deleted", "accounts.user:7", staff.pk, ""),
            ("changed", "", staff.pk, ""),
        ]
        assert Act.objects.order_by("entry_id")[1].at == noon + timedelta(minutes=1)

    def test_nobody_is_deleted_whose_acts_are_kept(self, request_of: Any, traveller: User) -> None:
        acts.record(request_of, traveller, "x")
        with pytest.raises(Exception, match="protected"):
            request_of.user.delete()
        assert factories.make_user().delete()[0] == 1
