"""A reservation's own page, its confirmation, and the list of trips."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from accounts.viewers import Viewer
from bookings import services as booking
from bookings.engine.contract import Actor
from payments import services as money
from tests import selling
from tests.conftest import Clock
from tests.factories import Timetable, Trip
from tests.pages.cast import fill_wallet, hold_as_guest, paid, signed_in, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(traveller: User, clock: Clock) -> Client:
    """The traveller's browser, at noon."""
    return signed_in(traveller)


def plain(answer: Any, locator: str) -> str:
    """Answer a page without what differs from one time to the next: token and address."""
    return re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", text_of(answer)).replace(
        locator, ""
    )


class TestReservation:
    def test_shows_trip_people_seats_price_and_story(
        self, browser: Client, traveller: User, train: Trip, noon: datetime
    ) -> None:
        booked = paid(traveller, train.ticket_id(), now=noon, adults=2)

        page = text_of(browser.get(f"/booking/{booked.locator}/"))

        for told in (
            *("Tuesday, 2 June 2026", "ICE 585", "Test Railway", "Hamburg Hbf", "München Hbf"),
            *("Ada Roe", "Bob Roe", "Coach 1, seat 1A", "Coach 1, seat 1B", "€90.00"),
            *("2 seats held", "€90.00 paid", "Departure from Hamburg Hbf"),
        ):
            assert told in page, told

    def test_offers_what_may_be_done(
        self, browser: Client, traveller: User, train: Trip, noon: datetime
    ) -> None:
        held = selling.reserve(traveller, train.ticket_id(), now=noon)
        address = f"/booking/{held.locator}/"
        before = text_of(browser.get(address))
        browser.post(f"/checkout/{held.locator}/payment/", {"method": "Cryptocurrency"})
        browser.post(
            f"/checkout/{held.locator}/payment/", {"method": "Bank Card", "card": "tok_accepted"}
        )
        after = text_of(browser.get(address))

        assert f"/checkout/{held.locator}/payment/" in before
        assert "Ten more minutes" in before
        assert "Give up the seats" in before
        assert f"/checkout/{held.locator}/payment/" not in after
        assert "Ten more minutes" not in after
        assert f"/booking/{held.locator}/cancel/" in after

    def test_offers_nothing_once_the_train_has_left(
        self, browser: Client, traveller: User, train: Trip, noon: datetime, clock: Clock
    ) -> None:
        booked = paid(traveller, train.ticket_id(), now=noon)
        clock.advance(hours=18)

        page = text_of(browser.get(f"/booking/{booked.locator}/"))

        assert "/cancel/" not in page
        assert "Departed" in page

    def test_of_somebody_else_looks_like_none(
        self, traveller: User, stranger: User, train: Trip, noon: datetime, clock: Clock
    ) -> None:
        booked = paid(traveller, train.ticket_id(), now=noon)
        other = signed_in(stranger)

        for page in ("", "done/", "cancel/"):
            theirs = other.get(f"/booking/{booked.locator}/{page}")
            none = other.get(f"/booking/QQQQQQ/{page}")
            assert (theirs.status_code, none.status_code) == (404, 404)
            assert plain(theirs, booked.locator) == plain(none, "QQQQQQ")

    def test_staff_are_travellers_here(
        self, traveller: User, staff: User, train: Trip, noon: datetime, clock: Clock
    ) -> None:
        booked = paid(traveller, train.ticket_id(), now=noon)

        assert signed_in(staff).get(f"/booking/{booked.locator}/").status_code == 404

    def test_names_are_shown_as_text(
        self, browser: Client, traveller: User, train: Trip, noon: datetime
    ) -> None:
        held = selling.reserve(
            traveller,
            train.ticket_id(),
            now=noon,
            passengers=[booking.PassengerDetails("<script>alert(1)</script>", "O'Neil & Sons")],
        )

        page = browser.get(f"/booking/{held.locator}/").content.decode()

        assert "<script>alert(1)" not in page
        assert "&lt;script&gt;alert(1)&lt;/script&gt; O&#x27;Neil &amp; Sons" in page

    def test_an_infant_has_no_seat(
        self, browser: Client, traveller: User, train: Trip, noon: datetime
    ) -> None:
        held = selling.reserve(
            traveller, train.ticket_id(), now=noon, passengers=selling.party("adult", "infant")
        )

        assert "no seat" in text_of(browser.get(f"/booking/{held.locator}/"))

    def test_takes_twelve_statements_at_most(
        self,
        browser: Client,
        traveller: User,
        timetable: Timetable,
        noon: datetime,
        django_assert_max_num_queries: Any,
    ) -> None:
        booked = paid(
            traveller,
            timetable.flight.ticket_id(),
            timetable.coach.ticket_id(),
            now=noon,
            adults=3,
        )
        browser.get(f"/booking/{booked.locator}/")

        for page in ("", "done/", "cancel/"):
            with django_assert_max_num_queries(12):
                browser.get(f"/booking/{booked.locator}/{page}")


class TestConfirmation:
    def test_is_not_shown_before_it_is_paid(
        self, browser: Client, traveller: User, train: Trip, noon: datetime
    ) -> None:
        held = selling.reserve(traveller, train.ticket_id(), now=noon)

        answer = browser.get(f"/booking/{held.locator}/done/")

        assert answer.url == f"/booking/{held.locator}/"


class TestGuests:
    def test_the_key_leaves_the_address_and_stays_in_the_session(
        self, client: Client, clock: Clock, train: Trip, noon: datetime
    ) -> None:
        held, secret = hold_as_guest(train.ticket_id(), now=noon)
        address = f"/booking/{held.locator}/"
        assert client.get(address).status_code == 404

        assert client.get(f"{address}?key={secret}").url == address
        assert client.get(address).status_code == 200

    def test_a_wrong_key_opens_nothing(
        self, client: Client, clock: Clock, train: Trip, noon: datetime
    ) -> None:
        held, _secret = hold_as_guest(train.ticket_id(), now=noon)

        assert client.get(f"/booking/{held.locator}/?key=wrong").status_code == 404

    def test_keeps_the_hold_after_signing_in(
        self, client: Client, clock: Clock, traveller: User, train: Trip, noon: datetime
    ) -> None:
        held, secret = hold_as_guest(train.ticket_id(), now=noon)
        client.get(f"/booking/{held.locator}/?key={secret}")
        before = client.session.session_key

        client.post(
            "/account/sign-in/",
            {"email": "ada@example.org", "password": "correct-horse-battery"},
        )

        assert client.session.session_key != before
        assert client.get(f"/booking/{held.locator}/").status_code == 200
        assert held.locator in text_of(client.get("/my-trips/"))


class TestMyTrips:
    def test_asks_who_it_is(self, client: Client, clock: Clock) -> None:
        page = text_of(client.get("/my-trips/"))

        assert "/account/sign-in/?next=/my-trips/" in page

    def test_puts_each_trip_under_its_word(
        self, browser: Client, traveller: User, timetable: Timetable, noon: datetime, clock: Clock
    ) -> None:
        viewer = Viewer(user_id=traveller.pk)
        early = noon - timedelta(minutes=20)
        fill_wallet(traveller, "500.00", now=early)
        train, coach = timetable.train, timetable.coach
        ended = selling.reserve(traveller, train.ticket_id(), now=early)
        ahead = paid(traveller, train.ticket_id(), now=noon, method="Wallet")
        off = paid(traveller, coach.ticket_id(), now=noon, method="Wallet")
        money.cancel_and_refund(
            viewer=viewer, reservation_id=off.id, actor=Actor("holder", traveller.pk), now=noon
        )
        held = selling.reserve(traveller, coach.ticket_id(), now=noon)

        upcoming = text_of(browser.get("/my-trips/"))
        cancelled = text_of(browser.get("/my-trips/?when=cancelled"))
        past = text_of(browser.get("/my-trips/?when=past"))
        clock.advance(hours=18)
        later = text_of(browser.get("/my-trips/?when=past"))

        assert held.locator in upcoming
        assert ahead.locator in upcoming
        assert off.locator not in upcoming
        # 10 % of 32.00 are kept: 32 hours are left.
        assert "€28.80 of €32.00 given back" in cancelled
        assert off.locator in cancelled
        assert ended.locator in cancelled
        assert ahead.locator not in past
        assert ahead.locator in later
        assert "Travelled" in later

    def test_shows_nobody_elses(
        self, traveller: User, stranger: User, train: Trip, noon: datetime, clock: Clock
    ) -> None:
        booked = paid(traveller, train.ticket_id(), now=noon)

        assert booked.locator not in text_of(signed_in(stranger).get("/my-trips/"))

    def test_turns_pages(
        self, browser: Client, traveller: User, timetable: Timetable, noon: datetime
    ) -> None:
        rides = [timetable.train.ticket_id(start, start + 1) for start in range(4)]
        booked = [paid(traveller, ride, now=noon).locator for ride in [*rides, *rides, *rides]]

        first = text_of(browser.get("/my-trips/"))
        second = text_of(browser.get("/my-trips/?page=2"))
        beyond = text_of(browser.get("/my-trips/?page=999"))
        odd = text_of(browser.get("/my-trips/?page=²&when=<b>"))

        assert sum(locator in first for locator in booked) == 10
        assert sum(locator in second for locator in booked) == 2
        assert sum(locator in beyond for locator in booked) == 2
        assert sum(locator in odd for locator in booked) == 10

    def test_takes_twelve_statements_at_most_however_many(
        self,
        browser: Client,
        traveller: User,
        timetable: Timetable,
        noon: datetime,
        django_assert_max_num_queries: Any,
    ) -> None:
        viewer = Viewer(user_id=traveller.pk)
        fill_wallet(traveller, "900.00", now=noon)
        for trip in (timetable.train, timetable.flight, timetable.coach):
            paid(traveller, trip.ticket_id(), now=noon, adults=2, method="Wallet")
            off = paid(traveller, trip.ticket_id(), now=noon, method="Wallet")
            money.cancel_and_refund(
                viewer=viewer, reservation_id=off.id, actor=Actor("holder", traveller.pk), now=noon
            )
            selling.reserve(traveller, trip.ticket_id(), now=noon)
        browser.get("/my-trips/")

        for when in ("upcoming", "past", "cancelled"):
            with django_assert_max_num_queries(12):
                browser.get(f"/my-trips/?when={when}")
