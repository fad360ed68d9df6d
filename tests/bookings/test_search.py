"""The traveller's search: what is found, at what price, in which order, with how many seats."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bookings import search
from bookings.search import Filters, Found, Query
from inventory import places
from inventory.models import CarrierClass, Facility, FareVersion
from tests.factories import Stop, Timetable, make_carrier, make_service, make_tariff, make_trip
from tests.selling import HOLD, reserve

TRAVEL_DAY = date(2026, 6, 2)


def query(origin: str = "Hamburg", destination: str = "Munich", **options) -> Query:
    places.forget()
    start, end = places.resolve(origin), places.resolve(destination)
    assert start is not None
    assert end is not None
    return Query(origin=start, destination=end, **{"day": TRAVEL_DAY, **options})


def told(found: list[Found]) -> list[tuple[str, str, str]]:
    """Answer number, fare and price of what was found."""
    return [(one.stretch.number, one.rule.name, one.price.amount) for one in found]


# Everything from Hamburg to Munich on the day, reckoned from the timetable's fares:
# 600 km of 10 c and 20.00 by air with a fee of 2.50; 800 km of 5, 10 and 15 c by rail and 5.00,
# 10.00 and 20.00; 900 km of 3 c and 5.00 by road.
ALL = [
    ("ICE 585", "Saver", "45.00"),
    ("ICE 585", "Flex", "90.00"),
    ("ICE 585", "Business Flex", "140.00"),
    ("QX 2024", "Light", "82.50"),
    ("N 42", "Standard", "32.00"),
]


class TestFind:
    def test_offers_every_fare_of_every_departure(self, timetable: Timetable, noon):
        found = search.find(query(), now=noon)

        assert told(found) == ALL
        assert [one.seats_left for one in found] == [8, 8, 4, 6, 4]
        assert [one.id for one in found] == [
            *(timetable.train.ticket_id(fare=number) for number in range(3)),
            timetable.flight.ticket_id(),
            timetable.coach.ticket_id(),
        ]

    def test_the_price_is_the_whole_party_s(self, timetable, noon):
        # Adult 45.00, young 100 %, child 50 %, infant nothing: 45 + 45 + 22.50.
        found = search.find(
            query("HH", "MH", passengers=("adult", "young", "child", "infant")), now=noon
        )
        assert told(found)[0] == ("ICE 585", "Saver", "112.50")
        assert found[0].adult_price.amount == "45.00"

    def test_each_fee_is_paid_by_whoever_sits(self, timetable, noon):
        # 80.00 + 2.50, 40.00 + 2.50, and a lap.
        (flight,) = search.find(query("HAM", passengers=("adult", "child", "infant")), now=noon)
        assert flight.price.amount == "125.00"

    def test_a_party_is_shown_what_has_room_for_it(self, timetable, noon):
        def numbers(size: int) -> list[str]:
            found = search.find(query(passengers=("adult",) * size), now=noon)
            return sorted({one.stretch.number for one in found})

        assert numbers(4) == ["ICE 585", "N 42", "QX 2024"]
        assert numbers(5) == ["ICE 585", "QX 2024"]
        assert numbers(8) == ["ICE 585"]
        assert numbers(9) == []

    def test_infants_need_no_room(self, coach, noon):
        found = search.find(query("HAM-ZOB", passengers=("adult",) * 4 + ("infant",)), now=noon)
        assert [one.stretch.number for one in found] == ["N 42"]

    def test_the_carrier_s_own_word_for_a_class_is_told(self, train, noon):
        CarrierClass.objects.create(
            carrier=train.departure.service.carrier, travel_class="Business", name="First class"
        )
        found = search.find(query("HH", "MH"), now=noon)
        assert [one.class_name for one in found] == ["Second class", "Second class", "First class"]

    def test_what_is_held_is_gone_until_the_hold_ends(self, flight, traveller, noon):
        reserve(traveller, flight.ticket_id(), now=noon, passengers=6)
        by_air = query("HAM")
        tick = timedelta(microseconds=1)

        assert search.find(by_air, now=noon) == []
        assert search.find(by_air, now=noon + HOLD - tick) == []
        assert [one.seats_left for one in search.find(by_air, now=noon + HOLD)] == [6]

    def test_a_stretch_that_is_full_in_the_middle_is_full(self, train, noon):
        reserve("a@example.org", train.ticket_id(1, 2), now=noon, passengers=8)
        assert [one.rule.name for one in search.find(query("HH", "MH"), now=noon)] == [
            "Business Flex"
        ]
        assert search.find(query("GOE", "MH"), now=noon)[0].seats_left == 8

    def test_a_fare_closes_before_its_own_boarding_call(self, train):
        FareVersion.objects.filter(fare=train.fares[0]).update(sales_close_minutes=30)
        FareVersion.objects.filter(fare=train.fares[1]).update(sales_close_minutes=0)
        hamburg, hanover = datetime(2026, 6, 2, 6, 0, tzinfo=UTC), timedelta(minutes=80)

        def fares(origin: str, now: datetime) -> list[str]:
            return [one.rule.name for one in search.find(query(origin, "MH"), now=now)]

        closes = hamburg - timedelta(minutes=30)
        assert "Saver" in fares("HH", closes - timedelta(microseconds=1))
        assert fares("HH", closes) == ["Flex", "Business Flex"]
        # Under way, it is still sold where it has yet to call.
        assert fares("HH", hamburg) == []
        assert "Saver" in fares("HAJ", hamburg)
        assert "Saver" not in fares("HAJ", hamburg + hanover - timedelta(minutes=30))
        assert fares("HAJ", hamburg + hanover) == []

    def test_a_train_that_calls_twice_in_a_city_is_shown_once(self, train, noon):
        # The train calls in Hanover and, were it the same city, in Göttingen.
        goettingen = train.calls[2].station
        type(goettingen).objects.filter(pk=goettingen.pk).update(
            city_id=train.calls[1].station.city_id
        )
        found = search.find(query("Hannover", "MH"), now=noon)
        # Both stations are served by this one train: the one with the plainer name is shown.
        assert [one.stretch.from_position for one in found] == [1, 1, 1]


class TestFilters:
    @pytest.mark.parametrize(
        ("filters", "numbers"),
        [
            (Filters(), [0, 1, 2, 3, 4]),
            (Filters(modes=("Train",)), [0, 1, 2]),
            (Filters(modes=("Plane", "Bus")), [3, 4]),
            (Filters(travel_class="Economy"), [0, 1, 3, 4]),
            (Filters(travel_class="Business"), [2]),
            (Filters(travel_class="VIP"), []),
            (Filters(price_min=Decimal("45.00")), [0, 1, 2, 3]),
            (Filters(price_min=Decimal("45.01")), [1, 2, 3]),
            (Filters(price_max=Decimal("45")), [0, 4]),
            (Filters(price_max=Decimal("44.99")), [4]),
            (Filters(price_min=Decimal("33"), price_max=Decimal("90")), [0, 1, 3]),
            (Filters(price_min=Decimal("90"), price_max=Decimal("33")), []),
            # 08:00, 10:00 and 22:00 on the clocks of Hamburg.
            (Filters(depart_after=time(8)), [0, 1, 2, 3, 4]),
            (Filters(depart_after=time(8, 0, 1)), [3, 4]),
            (Filters(depart_before=time(10)), [0, 1, 2, 3]),
            (Filters(depart_before=time(9, 59)), [0, 1, 2]),
            (Filters(depart_after=time(9), depart_before=time(21)), [3]),
            (Filters(carriers=("QX",)), [3]),
            (Filters(carriers=("QX", "nightbus")), [3, 4]),
            (Filters(carriers=("qx",)), []),
            # The train calls thrice between, the coach once, the flight never.
            (Filters(max_stops=0), [3]),
            (Filters(max_stops=1), [3, 4]),
            (Filters(max_stops=3), [0, 1, 2, 3, 4]),
            (Filters(modes=("Train",), travel_class="Economy", price_max=Decimal("50")), [0]),
        ],
        ids=str,
    )
    def test_each_leaves_what_it_says(self, timetable, noon, filters, numbers):
        found = search.find(query(filters=filters), now=noon)
        assert told(found) == [ALL[number] for number in numbers]

    def test_the_price_is_the_party_s(self, timetable, noon):
        # Two adults pay 64.00 by coach and 90.00 on the Saver.
        two = query(passengers=("adult",) * 2, filters=Filters(price_max=Decimal("89.99")))
        assert told(search.find(two, now=noon)) == [("N 42", "Standard", "64.00")]

    def test_all_the_facilities_must_be_on_board(self, timetable, noon):
        wifi, bikes = (Facility.objects.create(code=code, name=code) for code in ("wifi", "bikes"))
        timetable.train.departure.service.facilities.add(wifi, bikes)
        timetable.coach.departure.service.facilities.add(wifi)

        def numbers(*codes: str) -> set[str]:
            found = search.find(query(filters=Filters(facilities=codes)), now=noon)
            return {one.stretch.number for one in found}

        assert numbers("wifi") == {"ICE 585", "N 42"}
        assert numbers("wifi", "bikes") == {"ICE 585"}
        assert numbers("sauna") == set()
        (train, *_rest) = search.find(query("HH"), now=noon)
        assert train.facilities == ["bikes", "wifi"]


class TestSorts:
    @pytest.mark.parametrize(
        ("sort", "numbers"),
        [
            ("departure", [0, 1, 2, 3, 4]),
            # 11:15 by air, 13:30 by rail, 08:00 next morning by coach.
            ("arrival", [3, 0, 1, 2, 4]),
            # 75, 330 and 600 minutes.
            ("duration", [3, 0, 1, 2, 4]),
            ("price", [4, 0, 3, 1, 2]),
        ],
    )
    def test_each_has_its_order(self, timetable, noon, sort, numbers):
        found = search.find(query(sort=sort), now=noon)
        assert told(found) == [ALL[number] for number in numbers]

    def test_equals_always_come_in_the_same_order(self, train, noon):
        FareVersion.objects.update(base_minor=100, per_km_micro=0)
        orders = [
            [one.id for one in search.find(query("HH", "MH", sort=sort), now=noon)]
            for sort in search.SORTS
        ]
        assert orders == [[train.ticket_id(fare=number) for number in range(3)]] * 4


class TestRoundTrip:
    def test_both_ways_are_cheaper(self, train, noon):
        FareVersion.objects.filter(fare=train.fares[0]).update(return_discount_basis_points=1_000)
        one_way = search.find(query("HH", "MH"), now=noon)
        both = search.find(query("HH", "MH", round_trip=True), now=noon)
        assert [one[0].price.amount for one in (one_way, both)] == ["45.00", "40.50"]

    def test_the_way_back_is_the_same_search_turned_round(self, timetable):
        there = query("Hamburg", "MH", passengers=("adult", "child"), sort="price")
        back = search.reversed_query(there, date(2026, 6, 5))
        assert (back.origin, back.destination) == (there.destination, there.origin)
        assert back == replace(
            there, origin=there.destination, destination=there.origin, day=date(2026, 6, 5)
        )


class TestNeighbouringDays:
    DAYS = [date(2026, 6, day) for day in (1, 2, 3, 4)]

    def test_are_what_each_day_is_by_itself(self, timetable, noon):
        for index, day in enumerate((3, 4)):
            make_trip(
                timetable.coach.departure.service,
                timetable.coach.departure.vehicle,
                # 23:30 on the day before, and 00:30 on the day, in Hamburg.
                starts_at=datetime(2026, 6, day, 21 + index, 30, tzinfo=UTC) - timedelta(days=1),
                stops=[
                    Stop(timetable.coach.calls[0].station, 0),
                    Stop(timetable.coach.calls[2].station, 600, 900),
                ],
                run=f"extra {day}",
            )
        found = search.find_days(query(), days=self.DAYS, now=noon)

        alone = {day: search.find(query(day=day), now=noon) for day in self.DAYS}
        assert {day: sorted(one.id for one in rides) for day, rides in found.items()} == {
            day: sorted(one.id for one in rides) for day, rides in alone.items()
        }
        assert [len(found[day]) for day in self.DAYS] == [0, 6, 0, 1]

    def test_cost_as_many_statements_as_one(self, timetable, noon):
        def count(days: list[date]) -> int:
            with CaptureQueriesContext(connection) as captured:
                search.find_days(query(), days=days, now=noon)
            return len(captured)

        places.resolve("Hamburg")
        assert count(self.DAYS) == count([TRAVEL_DAY])


class TestOneTicket:
    def test_is_what_the_search_found(self, timetable, noon):
        for one in search.find(query(passengers=("adult", "child")), now=noon):
            again = search.find_ticket(one.id, query(passengers=("adult", "child")), now=noon)
            assert again is not None
            assert (again.id, again.price, again.stretch) == (one.id, one.price, one.stretch)

    @pytest.mark.parametrize("ticket_id", [0, -1, 1, 2**53 - 1, 2**53, 2**63, 2**90])
    def test_a_number_that_is_no_ticket_finds_nothing(self, timetable, noon, ticket_id):
        assert search.find_ticket(ticket_id, query(), now=noon) is None

    def test_one_that_left_is_not_found(self, train):
        leaves = datetime(2026, 6, 2, 6, 0, tzinfo=UTC)
        assert search.find_ticket(train.ticket_id(), query(), now=leaves) is None
        assert search.find_ticket(train.ticket_id(1), query(), now=leaves) is not None
        assert search.find_ticket(train.ticket_id(fare=9), query(), now=leaves) is None


class TestPast:
    @pytest.mark.parametrize(
        ("now", "is_past"),
        [
            # Midnight in Berlin is 22:00 UTC.
            (datetime(2026, 6, 2, 21, 59, 59, tzinfo=UTC), False),
            (datetime(2026, 6, 2, 22, 0, tzinfo=UTC), True),
        ],
    )
    def test_a_day_ends_at_the_station(self, timetable, now, is_past):
        assert search.is_past(places.resolve("Hamburg"), TRAVEL_DAY, now=now) is is_past


def more_trains(timetable: Timetable, number: int) -> None:
    """Let more trains of another carrier run along the same way, every eight minutes."""
    carrier = make_carrier("many")
    tariff = make_tariff(carrier)
    calls = timetable.train.calls
    for index in range(number):
        make_trip(
            make_service(tariff, f"M {index}", category="RE"),
            timetable.train.departure.vehicle,
            starts_at=datetime(2026, 6, 2, 6, 0, tzinfo=UTC) + timedelta(minutes=8 * index),
            stops=[Stop(call.station, 60 * call.position, 100 * call.position) for call in calls],
        )


class TestStatements:
    def statements(self, one: Query, noon) -> tuple[int, int]:
        with CaptureQueriesContext(connection) as captured:
            found = search.find(one, now=noon)
        return len(captured), len(found)

    def test_three_departures_cost_as_many_as_sixty(self, timetable, traveller, noon):
        places.resolve("Hamburg")
        reserve(traveller, timetable.train.ticket_id(), now=noon)
        one = query()
        few, found = self.statements(one, noon)
        assert found == 5

        more_trains(timetable, 60)
        cache.clear()
        many, found = self.statements(one, noon)
        assert found == 65
        # One for each of stretches, facilities, rules, classes, maps, capacities and seats, and
        # one a mode.
        assert many == few <= 10

    def test_a_warm_cache_saves_the_seats(self, timetable, traveller, noon):
        for trip in (timetable.train, timetable.flight, timetable.coach):
            reserve(traveller, trip.ticket_id(), now=noon)
        cold, _found = self.statements(query(), noon)
        warm, _found = self.statements(query(), noon)
        assert cold - warm == 2


class TestCache:
    """The same answers whatever becomes of the cache."""

    def answers(self, noon) -> list[list[tuple[int, str, int]]]:
        return [
            [
                (one.id, one.price.amount, one.seats_left)
                for one in search.find(query(), now=noon + timedelta(minutes=minutes))
            ]
            for minutes in (5, 9, 10, 12, 14)
        ]

    def test_makes_no_difference(self, timetable, noon, monkeypatch, settings):
        for number, trip in enumerate((timetable.train, timetable.flight, timetable.coach)):
            for minutes in range(3):
                reserve(
                    f"{number}{minutes}@example.org",
                    trip.ticket_id(),
                    now=noon + timedelta(minutes=2 * minutes),
                )
        cold = self.answers(noon)
        warm = self.answers(noon)

        def fail(*args, **kwargs):
            raise ConnectionError("the cache is down")

        backend = cache._connections["default"]
        for name in ("get", "get_many", "set", "set_many"):
            monkeypatch.setattr(backend, name, fail)
        broken = self.answers(noon)
        monkeypatch.undo()
        settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
        without = self.answers(noon)

        assert cold == warm == broken == without
        # Six seats, and three holds of one that end at 10, 12 and 14 minutes past.
        by_air = [left for found in cold for _, price, left in found if price == "82.50"]
        assert by_air == [3, 3, 4, 5, 6]
