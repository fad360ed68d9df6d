"""
The eight look-ups: by hand, and on MariaDB and MySQL each procedure against its twin.

What somebody types is only ever compared with what is stored, whatever it looks like.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from accounts.models import User
from accounts.viewers import Viewer
from bookings.models import Passenger
from support import services as desk
from support.analytics import lookups
from support.models import DayCustomer, DaySales, Report
from support.services.closing_days import close_day, days_to_close, open_again
from tests import selling
from tests.support.analytics.conftest import Sales, at
from travel.common.money import Money

pytestmark = pytest.mark.django_db

JUNE_1 = at(1, 0)
HOSTILE = [
    "' OR '1'='1",
    "'; DROP TABLE bookings_claim; --",
    "%",
    "_",
    "\\",
    '"',
    "ada@example.org' -- ",
    "0x61",
    "",
    "\0",
    "😀' UNION SELECT 1",
    "ADA@EXAMPLE.ORG",
    "a" * 10_000,
]


@pytest.fixture
def town(sales: Sales) -> Sales:
    """Ada, Bob and Cem live in Hamburg; Ada writes two reports, Bob one of another category."""
    User.objects.filter(pk__in=[sales.ada.pk, sales.bob.pk]).update(city="Hamburg")
    User.objects.filter(pk=sales.ada.pk).update(phone="+493012345678")
    selling.reserve("guest@example.org", sales.timetable.train.ticket_id(0, 2), now=at(1, 15))
    for who, category in [
        (sales.ada, "Travel Delay"),
        (sales.ada, "Other"),
        (sales.bob, "Travel Delay"),
    ]:
        coupon = (
            Passenger.objects.filter(reservation__user=who).order_by("id").first().coupons.first()
        )
        desk.submit_report(
            viewer=Viewer(user_id=who.pk),
            reservation_id=coupon.passenger.reservation_id,
            ticket_id=coupon.ticket_id,
            category=category,
            text="It was late.",
            now=at(1, 16),
        )
    return sales


def brief(found: list[lookups.FoundTicket]) -> list[tuple[str, str, int]]:
    return [(one.number, one.state, one.price.minor) for one in found]


def counted(found: list[lookups.FoundUser]) -> list[tuple[int, int]]:
    return [(one.user_id, one.number) for one in found]


class TestByHand:
    def test_tickets_of_a_contact(self, town: Sales) -> None:
        by_mail = lookups.tickets_of_contact(contact="ada@example.org")

        # The flight was reserved after the train, at the same instant.
        assert brief(by_mail) == [
            ("QX 2024", "open", 8_250),
            ("ICE 585", "cancelled", 4_500),
            ("ICE 585", "open", 4_500),
        ]
        assert by_mail[0].origin == "Hamburg"
        assert by_mail[0].departs_at == at(2, 8)
        assert lookups.tickets_of_contact(contact="+493012345678") == by_mail
        assert brief(lookups.tickets_of_contact(contact="guest@example.org")) == [
            ("ICE 585", "open", 2_000)
        ]
        assert len(lookups.tickets_of_contact(contact="ada@example.org", limit=2)) == 2

    def test_cancellers_of_a_city(self, town: Sales) -> None:
        # Bob's ticket was cancelled by staff.
        assert counted(lookups.cancellers_of_city(city="Hamburg")) == [(town.ada.pk, 1)]
        assert lookups.cancellers_of_city(city="hamburg") == []

    def test_tickets_by_city_by_any_of_its_names(self, town: Sales) -> None:
        every = lookups.tickets_by_city(city="Hamburg")

        assert [one.number for one in every][:3] == ["YY 7", "N 42", "QX 2024"]
        assert len(every) == 7
        assert [one.number for one in lookups.tickets_by_city(city="Göttingen")] == ["ICE 585"]
        assert lookups.tickets_by_city(city="Goettingen")[0].destination == "Göttingen"
        assert lookups.tickets_by_city(city="Berlin") == []

    def test_tickets_by_phrase(self, town: Sales) -> None:
        def numbers(phrase: str, **more: Any) -> list[str]:
            found = lookups.tickets_by_phrase(phrase=phrase, **{"since": JUNE_1, **more})
            return [one.number for one in found]

        assert numbers("n 42") == ["N 42"]
        assert numbers("ttingen") == ["ICE 585"]
        assert len(numbers("ADA ROE")) == 6
        assert numbers("bob roe") == ["ICE 585"]
        assert numbers("hamburg", since=at(1, 22)) == ["N 42"]
        assert numbers("hamburg", limit=1) == ["N 42"]
        assert numbers("") == []

    def test_users_of_the_same_city(self, town: Sales) -> None:
        found = lookups.users_of_same_city(contact="ada@example.org")

        assert [(one.user_id, one.city) for one in found] == [(town.bob.pk, "Hamburg")]
        assert lookups.users_of_same_city(contact="sam@office.example") == []

    def test_top_users(self, town: Sales) -> None:
        # Ada has a Saver and the flight, Bob the flight in yen and the coach.
        assert counted(lookups.top_users(since=JUNE_1)) == [(town.ada.pk, 2), (town.bob.pk, 2)]
        assert counted(lookups.top_users(since=at(1, 22))) == [(town.bob.pk, 1)]
        # Since one o'clock Bob bought a ticket, and another of his was cancelled.
        assert counted(lookups.top_users(since=at(1, 13))) == []
        assert counted(lookups.top_users(since=JUNE_1, limit=1)) == [(town.ada.pk, 2)]

    def test_tickets_by_mode(self, town: Sales) -> None:
        found = lookups.tickets_by_mode(since=JUNE_1, until=at(2, 0))

        assert found == [
            lookups.FoundMode("Bus", 1, 0),
            lookups.FoundMode("Plane", 2, 0),
            # The guest's hold is not paid.
            lookups.FoundMode("Train", 3, 2),
        ]
        # Cancelled in the afternoon, whenever they were sold; until is not counted in.
        assert lookups.tickets_by_mode(since=at(1, 13), until=at(1, 22)) == [
            lookups.FoundMode("Train", 0, 2)
        ]
        assert lookups.tickets_by_mode(since=at(1, 13), until=at(1, 20)) == [
            lookups.FoundMode("Train", 0, 1)
        ]
        assert lookups.tickets_by_mode(since=at(1, 14), until=at(1, 20)) == []

    def test_top_reporters(self, town: Sales) -> None:
        assert counted(lookups.top_reporters()) == [(town.ada.pk, 2), (town.bob.pk, 1)]
        assert counted(lookups.top_reporters(category="Travel Delay")) == [
            (town.ada.pk, 1),
            (town.bob.pk, 1),
        ]
        assert lookups.top_reporters(category="Nonsense") == []

    def test_a_price_is_money_of_its_currency(self, town: Sales) -> None:
        (found,) = lookups.tickets_by_phrase(phrase="YY 7", since=JUNE_1)
        assert found.price == Money(5_000, "JPY")


LOOKUPS: dict[str, Callable[[str], Any]] = {
    "tickets_of_contact": lambda text: lookups.tickets_of_contact(contact=text),
    "cancellers_of_city": lambda text: lookups.cancellers_of_city(city=text),
    "tickets_by_city": lambda text: lookups.tickets_by_city(city=text),
    "tickets_by_phrase": lambda text: lookups.tickets_by_phrase(phrase=text, since=JUNE_1),
    "users_of_same_city": lambda text: lookups.users_of_same_city(contact=text),
    "top_reporters": lambda text: lookups.top_reporters(category=text),
}


class TestHostile:
    @pytest.mark.parametrize("name", LOOKUPS)
    def test_finds_nothing_by_what_is_no_value(self, town: Sales, name: str) -> None:
        for text in HOSTILE:
            if (name, text) in {("top_reporters", "")}:
                continue
            assert LOOKUPS[name](text) == [], text
        assert Report.objects.count() == 3

    def test_a_character_of_patterns_is_a_character(self, town: Sales) -> None:
        Passenger.objects.filter(first_name="Bob").update(last_name="100% O'Neil_\\")

        for phrase in ("0% o'", "neil_", "_\\"):
            found = lookups.tickets_by_phrase(phrase=phrase, since=JUNE_1)
            assert [one.last_name for one in found] == ["100% O'Neil_\\"]


@pytest.mark.mariadb
class TestProcedures:
    def test_answer_as_their_twins(self, town: Sales, settings: Any) -> None:
        asked: list[Callable[[], Any]] = [
            lambda: lookups.top_users(since=JUNE_1),
            lambda: lookups.top_users(since=JUNE_1, limit=1),
            lambda: lookups.tickets_by_mode(since=JUNE_1, until=at(2, 0)),
            lambda: lookups.tickets_by_phrase(phrase="hamburg", since=JUNE_1, limit=3),
        ]
        for name in LOOKUPS:
            for text in [
                *("ada@example.org", "+493012345678", "guest@example.org", "Hamburg"),
                *(
                    "München",
                    "Munich",
                    "Göttingen",
                    "ROE",
                    "göt",
                    "Travel Delay",
                    "ada@example.org ",
                ),
                *HOSTILE,
            ]:
                asked.append(lambda name=name, text=text: LOOKUPS[name](text))

        by_procedure = [ask() for ask in asked]
        settings.SEAT_ENGINE = "portable"

        assert [ask() for ask in asked] == by_procedure
        assert sum(bool(found) for found in by_procedure) >= 15

    @pytest.mark.parametrize(
        "since", [at(30, 0, month=5), JUNE_1, at(1, 12, 1), at(1, 22), at(3, 0)]
    )
    def test_of_closed_days_and_open_ones_as_their_twins(
        self, town: Sales, settings: Any, since: Any
    ) -> None:
        """Berlin's days begin at ten in the evening before, so that a span begins within one."""

        def asked() -> list[Any]:
            return [
                lookups.top_users(since=since),
                *(
                    lookups.tickets_by_mode(since=since, until=until)
                    for until in (at(1, 21), at(2, 0), at(2, 22), at(2, 8, month=7))
                ),
            ]

        def agree() -> bool:
            by_procedure = asked()
            settings.SEAT_ENGINE = "portable"
            by_twin = asked()
            settings.SEAT_ENGINE = "procedures"
            return by_procedure == by_twin

        settings.SEAT_ENGINE = "procedures"
        assert agree()
        days = days_to_close(now=at(4, 12), limit=10)
        assert len(days) == 3
        for day in days:
            close_day(day=day, now=at(4, 12))
            assert agree(), day
        # The second of three days is open again: where there is a gap nothing counts as closed.
        open_again(day=days[1])
        assert agree()
        # It is closed by another zone, two hours later: what is left out before it is in two days
        # after it, so that the hours are as many as if nothing were missing.
        settings.REPORT_TIME_ZONE = "UTC"
        close_day(day=days[1], now=at(4, 12))
        assert agree()
        close_day(day=days[2], now=at(4, 12))
        assert agree()

    def test_read_what_is_kept_of_closed_days(self, town: Sales, settings: Any) -> None:
        settings.SEAT_ENGINE = "procedures"
        close_day(day=date(2026, 6, 1), now=at(4, 12))
        DaySales.objects.filter(move="sold", mode="Plane").update(tickets=40)
        DayCustomer.objects.filter(user=town.bob, mode="Plane").update(sold=50)

        assert lookups.tickets_by_mode(since=at(31, 0, month=5), until=at(3, 0))[1].tickets == 80
        assert counted(lookups.top_users(since=at(31, 0, month=5)))[0] == (town.bob.pk, 51)
        # A day that is cut by the span is reckoned.
        assert lookups.tickets_by_mode(since=JUNE_1, until=at(3, 0))[1].tickets == 2
        assert counted(lookups.top_users(since=JUNE_1))[0] == (town.ada.pk, 2)

    def test_are_all_installed(self, db: None) -> None:
        from travel.common import sql

        names = {
            row[0]
            for row in sql.rows(
                "SELECT routine_name FROM information_schema.routines "
                "WHERE routine_schema = DATABASE() AND routine_name LIKE %s",
                ["support\\_%"],
            )
        }
        # Of four the text before is called by workers of the release before.
        assert len(names) == 8 + 4
