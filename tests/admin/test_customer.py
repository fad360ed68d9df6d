"""The page of a customer: what it holds, who may open it, and that it stays quick."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from accounts.viewers import Viewer
from bookings import selectors as bookings
from bookings.models import Reservation
from payments import services as money
from payments.services import goodwill
from support.services.serving import begin
from tests import factories, selling
from tests.conftest import Clock
from tests.factories import Trip
from tests.support.conftest import send
from travel.common.models import Act
from travel.common.money import Money

pytestmark = pytest.mark.django_db

# However much a customer has with the office; five of them put the look on record.
MOST_STATEMENTS = 24


@pytest.fixture
def agent(settings: Any, clock: Clock) -> User:
    """A support agent, in an office that asks for no second factor."""
    settings.STAFF_2FA = "optional"
    return colleague("support agent", email="pat@office.example", first_name="Pat")


def colleague(*roles: str, **facts: Any) -> User:
    return factories.make_user(is_staff=True, roles=list(roles), **facts)


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def page(customer: User) -> str:
    return reverse("admin:customer", args=[customer.pk])


def buy(who: User, train: Trip, now: datetime) -> Reservation:
    held = selling.reserve(who, train.ticket_id(), now=now)
    money.open_with(user_id=who.pk, amount=Money(100_000, "EUR"), now=now)
    money.pay(
        viewer=Viewer(user_id=who.pk), reservation_id=held.id, method="Wallet", token=None, now=now
    )
    return Reservation.objects.get(pk=held.id)


def complain(who: User, about: Reservation, now: datetime) -> int:
    viewer = Viewer(user_id=who.pk)
    booked = bookings.get_reservation(viewer=viewer, reservation_id=about.pk, now=now)
    return send(booked, viewer, now).id


def give(who: User, agent: User, now: datetime, *, minor: int = 1500, locator: str = "") -> None:
    goodwill.give(
        user_id=who.pk,
        amount=Money(minor, "EUR"),
        reason_code="carrier",
        actor_id=agent.pk,
        now=now,
        locator=locator,
    )


def text_of(answer: Any) -> str:
    assert answer.status_code == 200, answer
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


class TestWhatItHolds:
    def test_everything_of_this_customer_and_nothing_of_another(
        self, agent: User, traveller: User, stranger: User, train: Trip, noon: datetime
    ) -> None:
        first = buy(traveller, train, noon)
        second = buy(traveller, train, noon + timedelta(minutes=1))
        other = buy(stranger, train, noon)
        mine = complain(traveller, first, noon)
        theirs = complain(stranger, other, noon)
        give(traveller, agent, noon, locator=first.locator)
        give(stranger, agent, noon, minor=7700)
        begin(
            staff=agent,
            purpose="look",
            reason="sees no seats",
            address="192.0.2.7",
            now=noon,
            traveller_id=traveller.pk,
        )

        answer = browser(agent).get(page(traveller))

        text = text_of(answer)
        assert "Customer Ada Lovelace" in text
        assert "ada@example.org" in text
        assert "2 bookings" in text
        assert [one.id for one, _word in answer.context["found"]] == [second.pk, first.pk]
        assert [one.pk for one, _word in answer.context["reports"]] == [mine]
        assert [str(amount) for _one, amount, _word in answer.context["goodwill"]] == ["15.00 EUR"]
        assert "sees no seats" in text
        assert "Pat" in text
        found = answer.content.decode()
        for address in (
            reverse("admin:bookings_reservation_change", args=[first.pk]),
            reverse("admin:reports_desk_report", args=[mine]),
            reverse("admin:accounts_user_change", args=[traveller.pk]),
        ):
            assert f'"{address}"' in found
        assert other.locator not in found
        assert reverse("admin:reports_desk_report", args=[theirs]) not in found
        assert "77.00" not in found

    def test_an_account_without_anything(self, agent: User, traveller: User) -> None:
        text = text_of(browser(agent).get(page(traveller)))
        assert "0 bookings" in text
        assert "This account has booked nothing." in text
        assert "Nothing was reported." in text
        assert "Nothing was given." in text
        assert "Calls and looks" not in text

    def test_the_wallet_is_for_whoever_sees_the_ledger(
        self, agent: User, traveller: User, train: Trip, noon: datetime
    ) -> None:
        buy(traveller, train, noon)  # 1,000 put in, 45 paid
        assert "€955.00" not in text_of(browser(agent).get(page(traveller)))
        manager = colleague("administrator")
        assert "€955.00" in text_of(browser(manager).get(page(traveller)))

    def test_many_bookings_stand_on_pages(
        self,
        agent: User,
        traveller: User,
        train: Trip,
        noon: datetime,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr("support.admin.reservation.customer.PER_PAGE", 2)
        made = [buy(traveller, train, noon + timedelta(minutes=number)).pk for number in range(3)]
        client = browser(agent)
        one, two = (client.get(page(traveller), {"p": number}) for number in (1, 2))
        assert "3 bookings" in text_of(one)
        assert [found.id for found, _word in one.context["found"]] == [made[2], made[1]]
        assert [found.id for found, _word in two.context["found"]] == [made[0]]
        assert "Page 2 of 2" in text_of(two)
        beyond = client.get(page(traveller), {"p": "9"})
        assert [found.id for found, _word in beyond.context["found"]] == [made[0]]

    def test_what_is_cut_off_is_told(
        self,
        agent: User,
        traveller: User,
        train: Trip,
        noon: datetime,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr("support.customers.MOST", 2)
        booked = buy(traveller, train, noon)
        first = complain(traveller, booked, noon)
        client = browser(agent)
        assert "There may be more" not in text_of(client.get(page(traveller)))
        later = [complain(traveller, booked, noon + timedelta(hours=n)) for n in (1, 2)]

        answer = client.get(page(traveller))

        assert [one.pk for one, _word in answer.context["reports"]] == later[::-1]
        assert first not in later
        assert text_of(answer).count("There may be more: these are the first.") == 1

    def test_what_one_may_not_see_is_not_said_to_be_nothing(
        self, agent: User, traveller: User, settings: Any
    ) -> None:
        role = Group.objects.create(name="reads little")
        for code in ("view_user", "view_reservation"):
            role.permissions.add(Permission.objects.get(codename=code))
        clerk = colleague()
        clerk.groups.add(role)
        answer = browser(clerk).get(page(traveller))
        assert answer.status_code == 200
        assert "Goodwill" not in text_of(answer)
        assert "Reports" not in answer.content.decode().partition('id="bookings"')[2]


class TestWhoOpensIt:
    @pytest.mark.parametrize(
        ("role", "status"),
        [("support agent", 200), ("administrator", 200), ("finance", 403), ("operations", 403)],
    )
    def test_by_role(self, agent: User, traveller: User, role: str, status: int) -> None:
        assert browser(colleague(role)).get(page(traveller)).status_code == status

    @pytest.mark.parametrize("number", ["0", "999999", "9" * 30])
    def test_nobody_is_found_by_a_wrong_number(self, agent: User, number: str) -> None:
        assert browser(agent).get(f"/admin/customers/{number}/").status_code == 404
        assert not Act.objects.exists()

    def test_the_look_is_on_record(self, agent: User, traveller: User) -> None:
        browser(agent).get(page(traveller))
        act = Act.objects.get()
        assert (act.kind, act.actor_id) == ("looked", agent.pk)
        assert act.about == f"accounts.user:{traveller.pk}"
        assert act.entry.change_message == "Opened the customer's page."

    def test_who_may_not_open_it_is_not_led_there(
        self, agent: User, traveller: User, train: Trip, noon: datetime
    ) -> None:
        booked = buy(traveller, train, noon)
        story = reverse("admin:bookings_reservation_change", args=[booked.pk])
        assert page(traveller) in browser(agent).get(story).content.decode()
        assert page(traveller) not in browser(colleague("finance")).get(story).content.decode()

    def test_whatever_names_the_customer_leads_there(
        self, agent: User, traveller: User, train: Trip, noon: datetime
    ) -> None:
        client = browser(agent)
        mine = complain(traveller, buy(traveller, train, noon), noon)
        look_up = reverse("admin:numbers_look_up", args=["top-users"])
        for address in (
            reverse("admin:accounts_user_change", args=[traveller.pk]),
            reverse("admin:reports_desk_report", args=[mine]),
            f"{look_up}?since=2026-01-01",
        ):
            assert f'"{page(traveller)}"' in client.get(address).content.decode(), address
        phone = client.post(reverse("admin:book_by_phone"), {"find": "", "said": "ada@example.org"})
        assert f'"{page(traveller)}"' in phone.content.decode()


def test_takes_as_many_statements_for_much_as_for_little(
    agent: User, traveller: User, train: Trip, noon: datetime
) -> None:
    client = browser(agent)

    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert client.get(page(traveller)).status_code == 200
        return len(queries)

    booked = buy(traveller, train, noon)
    complain(traveller, booked, noon)
    give(traveller, agent, noon)
    few = count()
    for number in range(1, 4):
        again = buy(traveller, train, noon + timedelta(minutes=number))
        complain(traveller, again, noon + timedelta(minutes=number))
        give(traveller, agent, noon + timedelta(minutes=number))

    assert count() == few <= MOST_STATEMENTS
