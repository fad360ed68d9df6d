"""A ride with its fares, and the choice of seats."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from bookings.models import Claim
from inventory.models import Departure, Seat
from tests.conftest import Clock
from tests.factories import Trip
from tests.pages.reading import text_of, where
from tests.selling import reserve

pytestmark = pytest.mark.usefixtures("clock")
SEARCH = {"origin": "Hamburg", "destination": "Munich", "date": "2026-06-02"}


class TestTicket:
    def test_offers_all_fares_of_the_ride(self, client: Client, train: Trip) -> None:
        html = client.get(f"/trip/{train.ticket_id()}/").content.decode()

        assert re.findall(r'name="ticket" value="(\d+)"( checked)?', html) == [
            (str(train.ticket_id(fare=0)), " checked"),
            (str(train.ticket_id(fare=1)), ""),
            (str(train.ticket_id(fare=2)), ""),
        ]
        prices = re.findall(r'option-name">(\w+.*?)</span>.*?<bdi>(.*?)</bdi>', html, re.DOTALL)
        assert prices == [("Saver", "€45.00"), ("Flex", "€90.00"), ("Business Flex", "€140.00")]

    def test_says_what_comes_back_and_until_when(self, client: Client, train: Trip) -> None:
        html = client.get(f"/trip/{train.ticket_id()}/").content.decode()

        # 18 hours before departure the Saver keeps half, and all of it in the last hour.
        assert "50 % back today, less later" in html
        assert "Full refund until 2 Jun, 07:00" in html
        table = re.search(r"<tbody>(.*?)</tbody>", html, re.DOTALL)
        assert table is not None
        assert (
            text_of(table[1]).split(" until ", 1)[1].startswith("2 Jun 2026, 07:00 €22.50 €22.50")
        )
        assert "after that €45.00 €0.00 (0 %)" in text_of(table[1])

    def test_prices_the_party_line_by_line(self, client: Client, train: Trip) -> None:
        html = client.get(f"/trip/{train.ticket_id()}/?adult=2&child=1").content.decode()

        seen = text_of(html)
        assert "2 adults, Saver €90.00" in seen
        assert "1 child, Saver €22.50" in seen
        assert "Total €112.50" in seen

    def test_shows_every_stop_on_its_clock(self, client: Client, train: Trip) -> None:
        html = client.get(f"/trip/{train.ticket_id(1, 3)}/").content.decode()

        calls = re.search(r'<ol class="calls".*?</ol>', html, re.DOTALL)
        assert calls is not None
        # Hanover is left five minutes after 09:15, Nuremberg reached at 12:00.
        assert re.findall(r"<bdi>(.*?)</bdi>", calls[0]) == [
            "09:20", "Hannover Hbf", "10:05", "Göttingen Hbf", "12:00", "Nürnberg Hbf",
        ]  # fmt: skip

    def test_closes_a_fare_with_too_few_seats(self, client: Client, train: Trip) -> None:
        html = client.get(f"/trip/{train.ticket_id()}/?adult=5").content.decode()

        # Business has four seats.
        assert f'value="{train.ticket_id(fare=2)}" disabled' in html
        assert "Only 4 seats left" in html

    def test_says_how_few_seats_are_left(
        self, client: Client, train: Trip, traveller: User, noon: datetime
    ) -> None:
        reserve(traveller, train.ticket_id(), now=noon, passengers=6)

        seen = text_of(client.get(f"/trip/{train.ticket_id()}/?adult=2").content.decode())

        assert "Only 2 seats left" in seen

    def test_leads_to_the_seats_of_the_chosen_fare(self, client: Client, train: Trip) -> None:
        flex = train.ticket_id(fare=1)

        answer = client.get(
            f"/trip/{train.ticket_id()}/", {**SEARCH, "adult": 2, "ticket": flex, "seats": 1}
        )

        path, query = where(answer)
        assert path == f"/trip/{flex}/seats/"
        assert (query["adult"], query["origin"]) == (["2"], ["Hamburg"])

    def test_leads_past_the_seats_to_checkout(self, client: Client, train: Trip) -> None:
        flex = train.ticket_id(fare=1)

        answer = client.get(f"/trip/{train.ticket_id()}/", {"ticket": flex, "place": 1})

        assert where(answer) == ("/checkout/", {"ticket": [str(flex)]})

    def test_the_way_out_leads_to_the_way_back(self, client: Client, train: Trip) -> None:
        there = train.ticket_id()
        asked = {**SEARCH, "way": "return", "return_date": "2026-06-03"}

        answer = client.get(f"/trip/{there}/", {**asked, "ticket": there, "place": 1})

        path, query = where(answer)
        assert path == "/search/"
        assert (query["out"], query["return_date"]) == ([str(there)], ["2026-06-03"])

    def test_another_ride_cannot_be_smuggled_in(
        self, client: Client, train: Trip, flight: Trip
    ) -> None:
        answer = client.get(f"/trip/{train.ticket_id()}/", {"ticket": flight.ticket_id()})

        assert answer.status_code == 200

    @pytest.mark.parametrize("ticket_id", [1, 2**18, 2**53, 10**30])
    def test_an_unknown_ticket_is_not_found(
        self, client: Client, train: Trip, ticket_id: int
    ) -> None:
        assert client.get(f"/trip/{ticket_id}/").status_code == 404
        assert client.get(f"/trip/{ticket_id}/seats/").status_code == 404
        assert client.get(f"/checkout/?ticket={ticket_id}&adult=1").status_code in (302, 404)

    @pytest.mark.parametrize("state", ["cancelled", "replaced", "withdrawn"])
    def test_a_closed_departure_leads_back_to_the_search(
        self, client: Client, train: Trip, state: str
    ) -> None:
        Departure.objects.filter(pk=train.departure.pk).update(state=state)

        for path in (f"/trip/{train.ticket_id()}/", f"/trip/{train.ticket_id()}/seats/"):
            answer = client.get(path, SEARCH)
            assert answer.status_code == 409
            assert "This departure is no longer on sale." in answer.content.decode()
            assert "/search/?origin=Hamburg" in answer.content.decode()

    def test_a_departed_train_is_closed(self, client: Client, train: Trip, clock: Clock) -> None:
        clock.advance(hours=18)

        assert client.get(f"/trip/{train.ticket_id()}/").status_code == 409

    @pytest.mark.parametrize("party", ["adult=1000", "adult=-1", "adult=0", "child=x", "adult=²"])
    def test_a_party_that_cannot_be_is_one_adult(
        self, client: Client, train: Trip, party: str
    ) -> None:
        assert (
            "Total for 1 adult"
            in client.get(f"/trip/{train.ticket_id()}/?{party}").content.decode()
        )

    def test_is_few_statements(
        self,
        client: Client,
        train: Trip,
        traveller: User,
        noon: datetime,
        django_assert_max_num_queries: DjangoAssertNumQueries,
    ) -> None:
        reserve(traveller, train.ticket_id(), now=noon - timedelta(minutes=30))
        client.force_login(traveller)
        client.get("/")

        with django_assert_max_num_queries(12):
            client.get(f"/trip/{train.ticket_id()}/")


class TestSeats:
    def test_shows_the_free_seats_of_the_class(
        self, client: Client, train: Trip, traveller: User, noon: datetime
    ) -> None:
        reserve(traveller, train.ticket_id(), now=noon, passengers=2)

        html = client.get(f"/trip/{train.ticket_id()}/seats/?adult=2").content.decode()

        labels = re.findall(r'name="seat" value="\d+:1:(\d\w)"', html)
        assert labels == ["1A", "1B", "1C", "1D", "2A", "2B", "2C", "2D"]
        assert len(re.findall(r'name="seat"[^>]* disabled', html)) == 2

    def test_seats_only_taken_elsewhere_on_the_way_are_free(
        self, client: Client, train: Trip, traveller: User, noon: datetime
    ) -> None:
        reserve(traveller, train.ticket_id(0, 1), now=noon, passengers=2)

        html = client.get(f"/trip/{train.ticket_id(1, 4)}/seats/").content.decode()

        assert not re.findall(r'name="seat"[^>]* disabled', html)

    def test_leads_to_checkout_with_the_seats(self, client: Client, train: Trip) -> None:
        ticket = train.ticket_id()
        chosen = [f"{ticket}:1:1A", f"{ticket}:1:1B"]

        answer = client.get(
            f"/trip/{ticket}/seats/", {**SEARCH, "adult": 2, "seat": chosen, "choose": 1}
        )

        path, query = where(answer)
        assert path == "/checkout/"
        assert (query["ticket"], query["seat"]) == ([str(ticket)], chosen)

    def test_refuses_more_seats_than_travellers(self, client: Client, train: Trip) -> None:
        ticket = train.ticket_id()
        seats = [f"{ticket}:1:{label}" for label in ("1A", "1B", "1C")]

        html = client.get(
            f"/trip/{ticket}/seats/", {"adult": 2, "seat": seats, "choose": 1}
        ).content.decode()

        assert "You need 2 seats: choose no more than that." in html
        assert len(re.findall(r'name="seat"[^>]* checked', html)) == 3

    def test_refuses_a_seat_that_is_taken(
        self, client: Client, train: Trip, traveller: User, noon: datetime
    ) -> None:
        ticket = train.ticket_id()
        reserve(traveller, ticket, now=noon, passengers=8)

        html = client.get(
            f"/trip/{ticket}/seats/", {"seat": f"{ticket}:1:1A", "choose": 1}
        ).content.decode()

        assert "Coach 1, seat 1A: not free any more." in html

    @pytest.mark.parametrize("seat", ["1:99Z", "2:1A", "9:1A", "<i>:<b>"])
    def test_refuses_a_seat_that_is_none_of_the_class(
        self, client: Client, train: Trip, seat: str
    ) -> None:
        ticket = train.ticket_id()

        html = client.get(
            f"/trip/{ticket}/seats/", {"seat": f"{ticket}:{seat}", "choose": 1}
        ).content.decode()

        assert "not free any more" in html
        assert "<b>" not in html

    def test_a_seat_is_for_one(self, client: Client, train: Trip) -> None:
        ticket = train.ticket_id()
        twice = [f"{ticket}:1:1A"] * 2

        html = client.get(
            f"/trip/{ticket}/seats/", {"adult": 2, "seat": twice, "choose": 1}
        ).content.decode()

        assert "A seat is named twice." in html

    def test_another_coach_keeps_what_is_chosen(self, client: Client, train: Trip) -> None:
        Seat.objects.filter(
            coach__label="2", coach__seat_map=train.departure.vehicle.seat_map
        ).update(travel_class="Economy")
        ticket = train.ticket_id()

        html = client.get(
            f"/trip/{ticket}/seats/", {"adult": 2, "seat": f"{ticket}:1:1A", "coach": "2"}
        ).content.decode()

        assert "Chosen elsewhere" in html
        assert f'type="checkbox" name="seat" value="{ticket}:1:1A" checked' in html
        assert 'data-seats="1"' in html
        assert f'value="{ticket}:2:1A"' in html

    def test_as_a_list_each_traveller_has_one(self, client: Client, train: Trip) -> None:
        ticket = train.ticket_id()

        html = client.get(
            f"/trip/{ticket}/seats/",
            {"adult": 2, "infant": 1, "view": "list", "seat": f"{ticket}:1:1B"},
        ).content.decode()

        assert re.findall(r'<label for="seat-\d">(.*?)</label>', html) == ["Adult 1", "Adult 2"]
        assert html.count("Seat 1A, window") == 2
        assert re.findall(r'<option value="\d+:1:(\w+)" selected', html) == ["1B"]

    def test_free_seating_has_nothing_to_choose(self, client: Client, coach: Trip) -> None:
        answer = client.get(f"/trip/{coach.ticket_id()}/seats/")

        assert where(answer) == ("/checkout/", {"ticket": [str(coach.ticket_id())]})

    def test_is_few_statements(
        self,
        client: Client,
        train: Trip,
        traveller: User,
        noon: datetime,
        django_assert_max_num_queries: DjangoAssertNumQueries,
    ) -> None:
        reserve(traveller, train.ticket_id(), now=noon - timedelta(minutes=30))
        client.force_login(traveller)
        client.get("/")

        with django_assert_max_num_queries(12):
            client.get(f"/trip/{train.ticket_id()}/seats/")


class TestBeingPlaced:
    def test_carries_the_wish_to_everybody_without_a_seat(
        self, client: Client, train: Trip
    ) -> None:
        ticket = train.ticket_id()

        answer = client.get(
            f"/trip/{ticket}/seats/", {**SEARCH, "adult": 2, "wish": "window", "place": 1}
        )
        path, query = where(answer)
        assert (path, query["wish"]) == ("/checkout/", ["window"])
        assert "seat" not in query

        html = client.get(answer["Location"]).content.decode()
        assert len(re.findall(r'<option value="window" selected', html)) == 2

    def test_keeps_to_the_wish(self, client: Client, train: Trip) -> None:
        ticket = train.ticket_id()
        form = {
            "p1-first_name": "Ada",
            "p1-last_name": "Lovelace",
            "p1-seat_wish": "aisle",
            "email": "ada@example.org",
        }

        client.post(f"/checkout/?ticket={ticket}&adult=1&wish=aisle", form)

        # 1A and 2A are at the window, 1B and 1C at the aisle.
        assert Claim.objects.get().stock.seat.is_aisle

    def test_is_offered_in_words_beside_the_plan(self, client: Client, train: Trip) -> None:
        html = client.get(f"/trip/{train.ticket_id()}/seats/?adult=2&wish=quiet").content.decode()

        words = text_of(html)
        for word in ("Together", "Window", "Aisle", "Quiet zone", "Wheelchair space"):
            assert word in words
        assert 'name="wish" value="quiet" checked' in html

    def test_a_wish_nobody_knows_is_none(self, client: Client, train: Trip) -> None:
        ticket = train.ticket_id()
        html = client.get(f"/checkout/?ticket={ticket}&adult=1&wish=roof").content.decode()

        assert '<option value="" selected' in html
