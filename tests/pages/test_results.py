"""Home, the search and its list of rides."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from inventory import places
from inventory.models import Station
from tests import factories
from tests.conftest import Clock
from tests.factories import Timetable, Trip
from tests.pages.reading import text_of
from tests.selling import reserve

ON_TUESDAY = {"origin": "Hamburg", "destination": "Munich", "date": "2026-06-02", "adult": "1"}
pytestmark = pytest.mark.usefixtures("clock")


def search(client: Client, **changes: object) -> str:
    answer = client.get("/search/", {**ON_TUESDAY, **changes})
    assert answer.status_code == 200
    return answer.content.decode()


def services(html: str) -> list[str]:
    """Answer the numbers of the rides in the list, in order."""
    return re.findall(r'<article class="trip".*?<bdi>(.*?)</bdi>', html, re.DOTALL)


class TestHome:
    def test_offers_a_search_from_tomorrow_on(self, client: Client, timetable: Timetable) -> None:
        html = client.get("/").content.decode()

        # Noon is on 1 June.
        assert 'name="date" value="2026-06-02"' in html
        assert 'min="2026-06-01"' in html
        assert "<option>Hamburg</option>" in html

    def test_names_the_busiest_lines(self, client: Client, timetable: Timetable) -> None:
        html = client.get("/").content.decode()

        assert "Train: Hamburg to Munich 5 h 30 min, 1 a day from €45.00" in text_of(html)
        # 80.00 and the fee of 2.50; the coach costs 32.00.
        assert "1 h 15 min, 1 a day from €82.50" in text_of(html)
        assert "/search/?origin=Hamburg&amp;destination=Munich&amp;date=2026-06-02" in html

    def test_is_few_statements(
        self,
        client: Client,
        timetable: Timetable,
        django_assert_max_num_queries: DjangoAssertNumQueries,
    ) -> None:
        with django_assert_max_num_queries(12):
            client.get("/")

    def test_tells_no_price_of_what_is_sold_out(
        self, client: Client, timetable: Timetable, traveller: User, noon: datetime
    ) -> None:
        # All eight seats of the second class: the first one is left, at 140.00.
        reserve(traveller, timetable.train.ticket_id(), now=noon, passengers=8)
        text = text_of(client.get("/").content.decode())

        assert "5 h 30 min, 1 a day from €140.00" in text

    def test_opens_a_trip_by_its_code_and_a_name(self, client: Client, db: None) -> None:
        html = client.get("/").content.decode()

        form = html[html.index('action="/find-booking/"') :].split("</form>", 1)[0]
        assert 'name="locator"' in form
        assert 'name="last_name"' in form
        assert "csrfmiddlewaretoken" in form

    def test_says_how_long_seats_are_held(self, client: Client, db: None) -> None:
        assert "yours for 10 minutes" in client.get("/").content.decode()


class TestSearch:
    def test_shows_each_ride_once_at_its_lowest_price(
        self, client: Client, timetable: Timetable
    ) -> None:
        html = search(client)

        assert services(html) == ["ICE 585", "QX 2024", "N 42"]
        # Saver 45.00, the flight 80.00 and its fee of 2.50, the coach 32.00.
        assert re.findall(r'price-sum"><bdi>(.*?)</bdi>', html) == ["€45.00", "€82.50", "€32.00"]
        assert "3 trips" in text_of(html)

    def test_tells_the_price_of_the_other_class(self, client: Client, timetable: Timetable) -> None:
        # The carrier has no word of its own for Business: 20.00 + 800 km at 15 c.
        assert "Business from €140.00" in text_of(search(client))

    def test_times_are_local_to_the_stations(self, client: Client, timetable: Timetable) -> None:
        html = search(client)

        # 06:00 UTC is 08:00 in Hamburg; the coach of 22:00 arrives at 08:00 on the day after.
        assert 'datetime="2026-06-02T08:00+02:00"><bdi>08:00</bdi></time>' in html
        assert re.search(r"<bdi>08:00</bdi><sup[^>]*>\+1", html)

    def test_marks_the_cheapest_and_the_fastest(self, client: Client, timetable: Timetable) -> None:
        cards = re.findall(r"<article.*?</article>", search(client), re.DOTALL)

        assert ["Cheapest" in card for card in cards] == [False, False, True]
        assert ["Fastest" in card for card in cards] == [False, True, False]

    def test_prices_are_for_all_who_travel(self, client: Client, timetable: Timetable) -> None:
        # The default is half for a child: 45.00 + 45.00 + 22.50.
        assert "€112.50" in search(client, adult=2, child=1)

    def test_leads_to_the_ride_with_everything_chosen(
        self, client: Client, timetable: Timetable
    ) -> None:
        html = search(client, adult=2)

        href = re.search(r'href="(/trip/\d+/[^"]*)"', html)
        assert href is not None
        link = urlsplit(href[1].replace("&amp;", "&"))
        assert link.path == f"/trip/{timetable.train.ticket_id()}/"
        assert parse_qs(link.query) == {
            "origin": ["Hamburg"],
            "destination": ["Munich"],
            "date": ["2026-06-02"],
            "adult": ["2"],
        }

    def test_leaves_out_what_has_too_few_seats(self, client: Client, timetable: Timetable) -> None:
        # The coach has four seats, the flight six; a baby needs none.
        assert services(search(client, adult=4, infant=1)) == ["ICE 585", "QX 2024", "N 42"]
        assert services(search(client, adult=5)) == ["ICE 585", "QX 2024"]

    def test_fills_in_what_an_address_leaves_out(
        self, client: Client, timetable: Timetable
    ) -> None:
        asked = {"origin": "Hamburg", "destination": "Munich", "date": "2026-06-02"}

        html = client.get("/search/", asked).content.decode()

        assert len(services(html)) == 3
        assert len(re.findall(r'name="mode"[^>]* id="id_mode_\d"[^>]* checked', html)) == 3
        assert re.search(r'name="way" value="one"[^>]* checked', html)

    def test_swaps_without_a_script(self, client: Client, timetable: Timetable) -> None:
        answer = client.get("/search/", {**ON_TUESDAY, "swap": "1"})

        query = parse_qs(urlsplit(answer["Location"]).query)
        assert (query["origin"], query["destination"]) == (["Munich"], ["Hamburg"])

    def test_is_few_statements(
        self,
        client: Client,
        timetable: Timetable,
        traveller: object,
        django_assert_max_num_queries: DjangoAssertNumQueries,
    ) -> None:
        client.force_login(traveller)  # type: ignore[arg-type]
        search(client)

        with django_assert_max_num_queries(12):
            search(client, adult=2, sort="price")


class TestFilters:
    @pytest.mark.parametrize(
        ("asked", "found"),
        [
            ({"mode": "Plane"}, ["QX 2024"]),
            ({"mode": ["Train", "Bus"]}, ["ICE 585", "N 42"]),
            ({"mode": ["Train", "Bus", "Plane"]}, ["ICE 585", "QX 2024", "N 42"]),
            ({"time": "evening"}, ["N 42"]),
            ({"time": "morning"}, ["ICE 585", "QX 2024"]),
            ({"stops": "0"}, ["QX 2024"]),
            ({"stops": "2"}, ["QX 2024", "N 42"]),
            ({"class": "Business"}, ["ICE 585"]),
            ({"carrier": "nightbus"}, ["N 42"]),
            ({"price_max": "45"}, ["ICE 585", "N 42"]),
            ({"price_min": "45.01", "price_max": "85"}, ["QX 2024"]),
            ({"sort": "price"}, ["N 42", "ICE 585", "QX 2024"]),
            ({"sort": "duration"}, ["QX 2024", "ICE 585", "N 42"]),
            # Words that are none change nothing.
            (
                {"time": "soon", "stops": "-1", "class": "Wood", "sort": "colour"},
                ["ICE 585", "QX 2024", "N 42"],
            ),
            ({"price_max": "cheap"}, ["ICE 585", "QX 2024", "N 42"]),
        ],
    )
    def test_narrow_and_order(
        self, client: Client, timetable: Timetable, asked: dict[str, object], found: list[str]
    ) -> None:
        html = client.get("/search/", {**ON_TUESDAY, **asked}).content.decode()

        assert services(html) == found

    def test_count_the_rides_of_the_day(self, client: Client, timetable: Timetable) -> None:
        seen = text_of(search(client, mode="Plane"))

        assert re.search(r"Trains 1 .*Flights 1|Flights 1 .*Trains 1", seen)
        assert "Clear all" in seen

    def test_that_nothing_fits_offer_to_be_cleared(
        self, client: Client, timetable: Timetable
    ) -> None:
        html = search(client, mode="Plane", time="evening")

        assert "No trip fits these filters" in html
        assert 'href="/search/?origin=Hamburg&amp;destination=Munich' in html


class TestDays:
    def test_show_the_week_with_the_lowest_prices(
        self, client: Client, timetable: Timetable
    ) -> None:
        html = search(client)

        strip = re.search(r'<ol class="dates".*?</ol>', html, re.DOTALL)
        assert strip is not None
        seen = text_of(strip[0])
        # Today is the first day of the strip: nothing leads back to a day that is over.
        assert re.findall(r"\d+ Jun", seen) == [f"{day} Jun" for day in range(1, 8)]
        assert seen.count("€32.00") == 1
        assert seen.count("nothing direct") == 6

    def test_without_a_trip_name_those_that_have_one(
        self, client: Client, timetable: Timetable
    ) -> None:
        html = search(client, date="2026-06-04")

        assert "Nothing left on this day" in html
        assert re.search(
            r'class="button" href="[^"]*date=2026-06-02[^"]*">\s*Tue, 2 Jun 2026', html
        )

    def test_ahead_are_looked_through_when_the_week_is_empty(
        self, client: Client, timetable: Timetable, clock: Clock
    ) -> None:
        clock.moment -= timedelta(days=20)

        html = search(client, date="2026-05-15")

        assert "Tue, 2 Jun 2026" in html

    def test_without_any_trip_say_so(self, client: Client, timetable: Timetable) -> None:
        html = search(client, origin="Munich", destination="Hamburg")

        assert "nor in the month that follows" in html


class TestRefusals:
    def test_an_unknown_place_brings_what_may_be_meant(
        self, client: Client, timetable: Timetable
    ) -> None:
        html = search(client, origin="Hambacher Forst")

        assert "The office knows no place of this name." in html
        assert 'aria-invalid="true"' in html
        assert re.search(r'href="/search/\?origin=Hamburg&amp;[^"]*"><bdi>Hamburg</bdi>', html)

    def test_the_same_place_twice(self, client: Client, timetable: Timetable) -> None:
        assert "This is the place you start from." in search(client, destination="HAM")

    def test_a_day_that_is_over(self, client: Client, timetable: Timetable) -> None:
        assert "This day is over." in search(client, date="2026-05-31")

    @pytest.mark.parametrize("day", ["2031-01-01", "9999-12-31"])
    def test_a_day_beyond_all_timetables(
        self, client: Client, timetable: Timetable, day: str
    ) -> None:
        assert "Nothing is on sale that far ahead." in search(client, date=day)

    def test_a_way_back_before_the_way_out(self, client: Client, timetable: Timetable) -> None:
        html = search(client, way="return", date="2026-06-04", return_date="2026-06-03")

        assert "The way back is before the way out." in html

    @pytest.mark.parametrize(
        ("people", "said"),
        [
            ({"adult": "0"}, "Somebody has to travel."),
            ({"adult": "1000"}, "less than or equal to 9"),
            ({"adult": "9", "child": "1"}, "At most 9 people"),
            ({"adult": "1", "infant": "2"}, "Each infant needs an adult of its own."),
            ({"adult": "two"}, "Enter a whole number."),
        ],
    )
    def test_a_party_that_cannot_be(
        self, client: Client, timetable: Timetable, people: dict[str, str], said: str
    ) -> None:
        assert said in search(client, **people)

    @pytest.mark.parametrize("typed", ["", " ", "\u0000", "😀", "ß" * 500, "<b>xyz</b>", "٣٣"])
    def test_odd_text_is_no_fault(self, client: Client, timetable: Timetable, typed: str) -> None:
        html = search(client, origin=typed)

        assert "<b>" not in html
        assert "error-summary" in html

    def test_nothing_asked_shows_the_empty_form(self, client: Client, db: None) -> None:
        html = client.get("/search/").content.decode()

        assert "Search for a trip" in html
        assert "error-summary" not in html

    def test_only_reading_is_possible(self, client: Client, db: None) -> None:
        assert client.post("/search/").status_code == 405


class TestWayBack:
    def test_is_chosen_after_the_way_out(
        self, client: Client, timetable: Timetable, back: Trip
    ) -> None:
        there = timetable.train.ticket_id()

        html = search(client, way="return", return_date="2026-06-03", out=there)

        seen = text_of(html)
        assert services(html) == ["ICE 585", "ICE 585"]
        assert f"/trip/{back.ticket_id()}/" in html
        assert f"out={there}" in html
        assert "Your way out" in seen
        assert "2 ways back" in seen

    def test_begins_after_the_way_out_has_ended(
        self, client: Client, timetable: Timetable, back: Trip
    ) -> None:
        # The coach of 2 June arrives on 3 June at 08:00, when the first train has left.
        coach = timetable.coach.ticket_id()

        html = search(client, way="return", return_date="2026-06-03", out=coach)

        assert services(html) == ["ICE 585"]
        assert f"/trip/{back.ticket_id()}/" in html

    def test_without_a_way_out_on_sale_asks_for_another(
        self, client: Client, timetable: Timetable, back: Trip, clock: Clock
    ) -> None:
        there = timetable.train.ticket_id()
        clock.advance(hours=20)

        html = search(client, way="return", return_date="2026-06-03", out=there)

        assert "Your way out is no longer on sale" in html

    def test_is_few_statements(
        self,
        client: Client,
        timetable: Timetable,
        back: Trip,
        traveller: object,
        django_assert_max_num_queries: DjangoAssertNumQueries,
    ) -> None:
        client.force_login(traveller)  # type: ignore[arg-type]
        query = {"way": "return", "return_date": "2026-06-03", "out": timetable.train.ticket_id()}
        search(client, **query)

        with django_assert_max_num_queries(12):
            search(client, **query)


class TestRecentSearches:
    def test_stand_on_the_home_page_newest_first(
        self, client: Client, timetable: Timetable
    ) -> None:
        search(client, adult=2)
        search(client, origin="Nuremberg")
        html = client.get("/").content.decode()

        found = re.findall(r'<ul class="recent".*?</ul>', html, re.DOTALL)
        assert "Nuremberg to Munich Tue, 2 Jun 2026 · 1 adult" in text_of(found[0])
        assert "Hamburg to Munich Tue, 2 Jun 2026 · 2 adults" in text_of(found[0])
        assert found[0].index("Nuremberg") < found[0].index("Hamburg")
        assert "origin=Hamburg&amp;destination=Munich" in found[0]

    def test_name_places_in_the_language_of_the_reader(
        self, client: Client, timetable: Timetable
    ) -> None:
        search(client, destination="muenchen")

        assert "Hamburg to Munich" in text_of(client.get("/").content.decode())

    def test_are_four_each_between_other_places(self, client: Client, timetable: Timetable) -> None:
        search(client)
        search(client, date="2026-06-03")
        # The later one took the other's place.
        assert [one["date"] for one in recent_of(client)] == [["2026-06-03"]]
        for place in ("Nuremberg", "Berlin", "Frankfurt"):
            client.get("/search/", {**ON_TUESDAY, "destination": place})
        search(client, origin="Nuremberg")
        cookie = recent_of(client)

        assert len(cookie) <= 4
        ends = [(*one["origin"], *one["destination"]) for one in cookie]
        assert len(set(ends)) == len(ends)
        assert cookie[0]["origin"] == ["Nuremberg"]

    def test_of_a_day_that_is_over_are_for_tomorrow(
        self, client: Client, timetable: Timetable, clock: Clock
    ) -> None:
        search(client, way="return", return_date="2026-06-04")
        clock.advance(days=10)
        html = client.get("/").content.decode()

        # It is 11 June: out on the 12th, back two days later, as before.
        assert "date=2026-06-12&amp;return_date=2026-06-14" in html

    def test_are_forgotten_by_one_click(self, client: Client, timetable: Timetable) -> None:
        search(client)
        answer = client.post("/search/forget/")

        assert answer.cookies["recent"].value == ""
        assert 'class="recent"' not in client.get("/").content.decode()

    @pytest.mark.parametrize("forged", ["nonsense", '[{"origin":["Hamburg"]}]', "x:y:z"])
    def test_that_nobody_signed_are_none(
        self, client: Client, timetable: Timetable, forged: str
    ) -> None:
        client.cookies["recent"] = forged

        answer = client.get("/")
        assert answer.status_code == 200
        assert 'class="recent"' not in answer.content.decode()

    def test_leave_no_row_behind(self, client: Client, timetable: Timetable) -> None:
        search(client)

        assert not Session.objects.exists()


def recent_of(client: Client) -> list[dict[str, list[str]]]:
    """Answer what the cookie says."""
    request = client.get("/").wsgi_request
    kept: list[dict[str, list[str]]] = json.loads(
        request.get_signed_cookie("recent", salt="bookings.recent")
    )
    return kept


class TestFilteringInPlace:
    def test_answers_the_address_without_what_is_empty(
        self, client: Client, timetable: Timetable
    ) -> None:
        answer = client.get(
            "/search/",
            {**ON_TUESDAY, "time": "", "price_min": "", "stops": "0", "sort": "price"},
            headers={"HX-Request": "true"},
        )

        assert answer["HX-Push-Url"] == (
            "/search/?origin=Hamburg&destination=Munich&date=2026-06-02&adult=1&stops=0&sort=price"
        )

    def test_what_is_left_out_by_the_mode_is_offered(
        self, client: Client, timetable: Timetable
    ) -> None:
        html = search(client, mode="Bus", time="early")

        # The coach leaves at midnight, local time, on the day after; the train at eight.
        assert "No trip fits these filters" in html
        assert "Trains (1)" in text_of(html)
        assert "Flights (1)" in text_of(html)


class TestElsewhere:
    def test_offers_the_nearest_place_that_something_leads_from(
        self, client: Client, timetable: Timetable
    ) -> None:
        # 58 km from Hamburg, and nothing leaves from there.
        lubeck = factories.make_city("Lübeck")
        factories.make_station(lubeck, "LUE", latitude="53.867000", longitude="10.669000")
        Station.objects.filter(city__name="Hamburg").update(latitude="53.553", longitude="10.006")
        Station.objects.exclude(city__name__in=["Hamburg", "Lübeck"]).update(
            latitude="48.140", longitude="11.560"
        )
        places.forget()
        html = search(client, origin="Lübeck")

        assert "Near these places something does that day" in html
        offered = re.findall(r'<div class="cluster">.*?</div>', html, re.DOTALL)[-1]
        assert "Hamburg to Munich" in text_of(offered)
        assert "origin=Hamburg&amp;destination=Munich" in offered
        assert "L%C3%BCbeck" not in offered


class TestPrices:
    def test_of_several_people_are_told_for_one_adult_too(
        self, client: Client, timetable: Timetable
    ) -> None:
        # 45.00 + 45.00 + 22.50 for the child.
        text = text_of(search(client, adult=2, child=1))

        assert "€112.50 in all, €45.00 an adult" in text

    def test_of_one_person_are_told_once(self, client: Client, timetable: Timetable) -> None:
        assert "in all," not in search(client)
