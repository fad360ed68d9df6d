"""Cancelling on the pages: choose, see the amounts, do exactly that."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from bookings.models import Coupon, Reservation
from tests import selling
from tests.conftest import Clock
from tests.factories import Timetable, Trip
from tests.pages.cast import fill_wallet, paid, signed_in, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(traveller: User, clock: Clock) -> Client:
    """The traveller's browser, at noon."""
    return signed_in(traveller)


@pytest.fixture
def booked(traveller: User, train: Trip, noon: datetime) -> Any:
    """Two adults on the train, 45.00 EUR each, paid from a wallet that held 500.00."""
    fill_wallet(traveller, "500.00", now=noon)
    return paid(traveller, train.ticket_id(), now=noon, adults=2, method="Wallet")


def hidden(page: str) -> dict[str, list[str]]:
    """Answer what the form of the last step sends along."""
    sent: dict[str, list[str]] = {}
    for name, value in re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page):
        if name != "csrfmiddlewaretoken":
            sent.setdefault(name, []).append(value)
    return sent


def states(booked: Any) -> list[str]:
    return list(
        Coupon.objects.filter(passenger__reservation_id=booked.id)
        .order_by("id")
        .values_list("state", flat=True)
    )


class TestChoosing:
    def test_is_asked_where_there_is_a_choice(self, browser: Client, booked: Any) -> None:
        page = text_of(browser.get(f"/booking/{booked.locator}/cancel/"))

        assert "Who is not travelling?" in page
        assert "Which trips?" not in page
        assert "Show what comes back" in page

    def test_is_not_asked_where_there_is_none(
        self, browser: Client, traveller: User, train: Trip, noon: datetime
    ) -> None:
        one = paid(traveller, train.ticket_id(), now=noon)

        page = text_of(browser.get(f"/booking/{one.locator}/cancel/"))

        assert "Cancel 1 ticket, get €22.50 back" in page

    def test_nobody_chosen_is_asked_again(
        self, browser: Client, traveller: User, timetable: Timetable, noon: datetime
    ) -> None:
        both = paid(
            traveller,
            timetable.train.ticket_id(),
            timetable.coach.ticket_id(),
            now=noon,
            adults=2,
        )

        answer = browser.get(
            f"/booking/{both.locator}/cancel/", {"tickets": timetable.coach.ticket_id()}
        )

        assert answer.status_code == 400
        assert "Who is not travelling?: This field is required." in text_of(answer)

    @pytest.mark.parametrize("wrong", ["0", "999999", "x", "9" * 30, "-1"])
    def test_a_stranger_to_the_reservation_is_refused(
        self, browser: Client, booked: Any, wrong: str
    ) -> None:
        before = selling.everything()
        address = f"/booking/{booked.locator}/cancel/"

        assert browser.get(address, {"passengers": wrong}).status_code == 400
        assert browser.post(address, {"passengers": wrong}).status_code == 400
        assert selling.everything() == before


class TestTheQuote:
    def test_says_fee_refund_rule_and_until_when(self, browser: Client, booked: Any) -> None:
        page = text_of(
            browser.get(
                f"/booking/{booked.locator}/cancel/",
                {"passengers": [one.id for one in booked.passengers]},
            )
        )

        # 18 hours before departure half of 90.00 is kept.
        for told in (
            *("Cancel 2 tickets, get €45.00 back", "Fee of 50 % until 1 hour before departure."),
            *("Paid for these 2 tickets", "−€45.00", "(50 %)", "until 14:10 CEST"),
            "It is in your wallet at once.",
        ):
            assert told in page, told

    def test_changes_nothing(self, browser: Client, booked: Any) -> None:
        before = selling.everything()

        browser.get(f"/booking/{booked.locator}/cancel/", {"passengers": booked.passengers[0].id})

        assert selling.everything() == before


class TestCancelling:
    def test_one_of_two_frees_a_seat_and_refunds_the_wallet(
        self, browser: Client, booked: Any
    ) -> None:
        address = f"/booking/{booked.locator}/cancel/"
        page = browser.get(address, {"passengers": booked.passengers[1].id}).content.decode()

        answer = browser.post(address, hidden(page))

        assert answer.url == f"/booking/{booked.locator}/"
        after = text_of(browser.get(answer.url))
        assert "Cancelled. €22.50 is back in your wallet." in after
        assert "1 ticket cancelled" in after
        assert states(booked) == [Coupon.State.OPEN, Coupon.State.CANCELLED]
        # 500.00 - 90.00 + 22.50
        assert "€432.50" in text_of(browser.get("/wallet/"))

    def test_twice_cancels_once(self, browser: Client, booked: Any) -> None:
        address = f"/booking/{booked.locator}/cancel/"
        everybody = [one.id for one in booked.passengers]
        form = hidden(browser.get(address, {"passengers": everybody}).content.decode())
        browser.post(address, form)
        before = selling.everything()

        again = browser.post(address, form)

        assert again.url == f"/booking/{booked.locator}/"
        assert "This is already cancelled." in text_of(browser.get(again.url))
        assert selling.everything() == before

    def test_amounts_that_changed_are_shown_first(
        self, browser: Client, booked: Any, clock: Clock
    ) -> None:
        address = f"/booking/{booked.locator}/cancel/"
        everybody = [one.id for one in booked.passengers]
        form = hidden(browser.get(address, {"passengers": everybody}).content.decode())
        # 07:30 on the day: the last hour before departure gives nothing back.
        clock.advance(hours=17, minutes=30)
        before = selling.everything()

        answer = browser.post(address, form)

        page = text_of(answer)
        assert answer.status_code == 409
        assert "The amounts have changed." in page
        assert "Cancel 2 tickets, get nothing back" in page
        assert "Less than 1 hour before departure nothing comes back." in page
        assert selling.everything() == before

        browser.post(address, hidden(answer.content.decode()))
        assert states(booked) == [Coupon.State.CANCELLED, Coupon.State.CANCELLED]

    def test_a_forged_quote_is_no_quote(self, browser: Client, booked: Any) -> None:
        before = selling.everything()

        answer = browser.post(
            f"/booking/{booked.locator}/cancel/",
            {"passengers": booked.passengers[0].id, "quote": "forged"},
        )

        assert answer.status_code == 409
        assert selling.everything() == before

    def test_of_somebody_else_is_not_there(self, stranger: User, booked: Any) -> None:
        before = selling.everything()

        answer = signed_in(stranger).post(f"/booking/{booked.locator}/cancel/", {"quote": "x"})

        assert answer.status_code == 404
        assert selling.everything() == before

    def test_a_departed_train_is_not_cancelled(
        self, browser: Client, booked: Any, clock: Clock
    ) -> None:
        clock.advance(hours=18)

        answer = browser.get(f"/booking/{booked.locator}/cancel/")

        assert answer.url == f"/booking/{booked.locator}/"
        assert "This can no longer be cancelled." in text_of(browser.get(answer.url))

    def test_the_way_back_is_cancelled_after_the_way_out(
        self, browser: Client, traveller: User, timetable: Timetable, noon: datetime, clock: Clock
    ) -> None:
        both = paid(traveller, timetable.train.ticket_id(), timetable.coach.ticket_id(), now=noon)
        # 10:00 local: the train has left, the coach leaves at 22:00.
        clock.advance(hours=20)

        page = text_of(browser.get(f"/booking/{both.locator}/cancel/"))

        # Half of 32.00, twelve hours before.
        assert "Cancel 1 ticket, get €16.00 back" in page
        assert "N 42" in page


class TestGivingUp:
    def test_a_hold_costs_nothing(
        self, browser: Client, traveller: User, train: Trip, noon: datetime
    ) -> None:
        held = selling.reserve(traveller, train.ticket_id(), now=noon, passengers=2)
        address = f"/booking/{held.locator}/cancel/"
        assert "Nothing has been paid" in text_of(browser.get(address))

        answer = browser.post(address)

        assert "Nothing was charged." in text_of(browser.get(answer.url))
        assert Reservation.objects.get(id=held.id).state == Reservation.State.CANCELLED
        assert set(selling.bits_of(train).values()) == {0}
