"""`manage.py seed_demo`: made once, whoever calls it how often, and only for a demo."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.conf import settings as office
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client

from accounts import services
from accounts.models import SavedPassenger, User
from bookings.search import Found, Query, find
from inventory import places
from inventory.models import Departure, ImportRun
from inventory.pricing import age_on
from payments.models import Account, Transfer
from support.management.commands.seed_demo import make_people, window
from tests.conftest import Clock

PASSWORD = "travel-demo"
#: Departures of a day at the scale of these tests, at which every line runs once each way: 57
#: lines of trains, 30 of coaches and 114 routes in the air.
SCALE = 0.05
DAILY = 2 * (57 + 30 + 114)


@pytest.fixture
def demo(settings: Any) -> None:
    settings.DEMO = True


def seed(**options: Any) -> str:
    """Run the command for a small network, today's and yesterday's, and answer what it says."""
    out = StringIO()
    call_command("seed_demo", **{"days": 1, "scale": SCALE, **options}, stdout=out)
    return out.getvalue()


def search(origin: str, destination: str, *, day: date, now: datetime) -> list[Found]:
    """What a traveller finds who types these names."""
    start, end = places.resolve(origin), places.resolve(destination)
    assert start is not None
    assert end is not None
    return find(Query(origin=start, destination=end, day=day), now=now)


@pytest.mark.django_db
@pytest.mark.usefixtures("demo")
class TestSeedDemo:
    def test_makes_the_network_and_the_people(self, clock: Clock) -> None:
        said = seed()

        assert f"{2 * DAILY} departures added" in said
        days = Departure.objects.order_by("travel_date").values_list("travel_date", flat=True)
        assert Counter(days) == {date(2026, 5, 31): DAILY, date(2026, 6, 1): DAILY}
        for name in ("traveller", "support", "admin"):
            user = services.log_in(email=f"{name}@demo.example", password=PASSWORD, now=clock.now())
            assert user.email_verified_at == clock.now()
            assert user.is_staff == (name != "traveller")
            assert not user.is_superuser

    def test_the_traveller_has_money_in_every_currency_of_the_network(self, clock: Clock) -> None:
        seed()

        wallets = Account.objects.filter(user__email="traveller@demo.example").order_by("code")
        assert [(one.currency_id, one.balance_minor) for one in wallets] == [
            ("CHF", 150_000),
            ("EUR", 500_000),
            ("GBP", 150_000),
        ]

    def test_the_traveller_has_companions_of_every_kind(self, clock: Clock) -> None:
        seed()

        today = clock.now().date()
        companions = SavedPassenger.objects.filter(user__email="traveller@demo.example")
        ages = [
            age_on(born, today)
            for born in companions.values_list("date_of_birth", flat=True)
            if born is not None
        ]
        assert sorted(ages) == [0, 8, 19, 36]

    def test_support_staff_read_the_admin_and_change_nothing(self, clock: Clock) -> None:
        seed()

        support = User.objects.get(email="support@demo.example")
        assert support.has_perm("bookings.view_reservation")
        assert not any(
            permission.split(".")[1].startswith(("add_", "change_", "delete_"))
            for permission in support.get_all_permissions()
        )

    def test_everybody_of_the_staff_has_one_role_and_a_name(self, clock: Clock) -> None:
        make_people(now=clock.now())

        staff = User.objects.filter(is_staff=True).order_by("email")
        assert [(one.email, [group.name for group in one.groups.all()]) for one in staff] == [
            ("admin@demo.example", ["administrator"]),
            ("finance@demo.example", ["finance"]),
            ("operations@demo.example", ["operations"]),
            ("support@demo.example", ["support agent"]),
        ]
        assert all(one.first_name and one.last_name for one in staff)

    def test_the_administrator_makes_accounts_and_not_the_power_of_superusers(
        self, clock: Clock, settings: Any
    ) -> None:
        settings.STAFF_2FA = "optional"
        make_people(now=clock.now())

        browser = Client()
        browser.force_login(User.objects.get(email="admin@demo.example"))
        assert browser.get("/admin/accounts/user/add/").status_code == 200
        assert browser.get("/admin/inventory/membership/add/").status_code == 200
        assert browser.get("/admin/common/act/").status_code == 200
        support = User.objects.get(email="support@demo.example")
        page = browser.get(f"/admin/accounts/user/{support.pk}/change/").content.decode()
        assert 'name="is_active"' in page
        assert 'name="is_superuser"' not in page
        assert browser.get("/admin/auth/group/add/").status_code == 403

    def test_a_second_run_finds_nothing_to_do(self, clock: Clock) -> None:
        seed()
        runs, transfers = ImportRun.objects.count(), Transfer.objects.count()
        people = list(User.objects.order_by("pk").values())
        clock.advance(hours=3)

        said = seed()

        assert "up to date" in said
        assert ImportRun.objects.count() == runs
        assert Transfer.objects.count() == transfers
        assert SavedPassenger.objects.count() == 4
        assert list(User.objects.order_by("pk").values()) == people

    def test_the_next_day_adds_a_day(self, clock: Clock) -> None:
        seed()
        clock.advance(days=1)

        said = seed()

        assert f"{DAILY} departures added, 0 replaced, 0 withdrawn, {DAILY} unchanged" in said

    def test_a_run_that_was_cut_short_is_made_again(self, clock: Clock) -> None:
        seed()
        ImportRun.objects.update(finished_at=None)

        assert "0 departures added" in seed()
        assert ImportRun.objects.exclude(finished_at=None).count() == 1

    def test_what_the_traveller_changed_stays(self, clock: Clock) -> None:
        seed()
        traveller = User.objects.get(email="traveller@demo.example")
        traveller.set_password("my-own-password")
        traveller.save()
        SavedPassenger.objects.filter(user=traveller).first().delete()  # type: ignore[union-attr]

        seed()

        traveller.refresh_from_db()
        assert traveller.check_password("my-own-password")
        assert SavedPassenger.objects.filter(user=traveller).count() == 3

    def test_trains_flights_and_coaches_are_found_from_hamburg_to_munich(
        self, clock: Clock
    ) -> None:
        seed(days=2)
        tomorrow = clock.now().date() + timedelta(days=1)

        found = search("hamburg", "Muenchen", day=tomorrow, now=clock.now())

        by_number = {}
        for ticket in found:
            by_number.setdefault(ticket.stretch.number, []).append(ticket)
        assert {ticket.stretch.mode for ticket in found} == {"Plane", "Train", "Bus"}
        saver, flex = sorted(
            (one for one in by_number["NX 500"] if one.rule.travel_class == "Economy"),
            key=lambda one: one.price.minor,
        )
        # 252.2 km to Berlin and 504.2 km on to Munich at 9 cents, and 3.90: 71.98, so 72.00.
        assert (saver.rule.name, str(saver.price)) == ("Saver", "72.00 EUR")
        # At 17 cents and 6.90: 135.49, so 135.50.
        assert (flex.rule.name, str(flex.price)) == ("Flex", "135.50 EUR")
        # Five coaches of 72, where a wheelchair has the room of two seats.
        assert saver.seats_left == 358

    def test_a_british_train_is_sold_in_pounds(self, clock: Clock) -> None:
        seed(days=2)
        tomorrow = clock.now().date() + timedelta(days=1)

        found = search("London", "Paris", day=tomorrow, now=clock.now())

        currencies = {one.price.currency for one in found if one.stretch.mode == "Train"}
        assert currencies == {"GBP"}

    def test_a_stretch_of_a_long_coach_line(self, clock: Clock) -> None:
        seed(days=2)
        tomorrow = clock.now().date() + timedelta(days=1)

        found = search("Berlin", "Vienna", day=tomorrow, now=clock.now())

        coaches = [one for one in found if one.stretch.number == "SL 10"]
        # It leaves Hamburg at 08:00, Berlin 3:35 later, at 09:35 UTC in summer time.
        assert {f"{one.stretch.departs_at:%d %H:%M}" for one in coaches} == {"02 09:35"}
        assert {one.stretch.from_position for one in coaches} == {1}


@pytest.mark.django_db
class TestRefusals:
    def test_refuses_where_there_is_no_demo(self) -> None:
        assert not office.DEMO
        with pytest.raises(CommandError, match="DEMO=1"):
            seed()
        assert not User.objects.exists()
        assert not Departure.objects.exists()

    def test_refuses_a_database_of_others(self, demo: None, traveller: User) -> None:
        with pytest.raises(CommandError, match="not the demo's"):
            seed()
        assert User.objects.count() == 1
        assert not Departure.objects.exists()

    @pytest.mark.parametrize(
        "options", [{"days": 0}, {"days": 367}, {"scale": 0.0}, {"scale": 31.0}]
    )
    def test_refuses_sizes_out_of_bounds(self, demo: None, options: dict[str, Any]) -> None:
        with pytest.raises(CommandError, match="--"):
            seed(**options)
        assert not User.objects.exists()


def test_the_window_begins_yesterday() -> None:
    assert window(date(2026, 3, 1), 21) == (date(2026, 2, 28), date(2026, 3, 21))
