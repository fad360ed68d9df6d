"""Search of stretches: who leaves where on which day, told by small timetables."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from inventory import places, search
from inventory.models import Departure, Fare, FareVersion
from tests.factories import (
    FarePlan,
    Stop,
    make_carrier,
    make_city,
    make_service,
    make_station,
    make_tariff,
    make_trip,
    make_vehicle,
)

TRAVEL_DAY = date(2026, 6, 2)


def find(origin: str, destination: str, day: date = TRAVEL_DAY, *, now: datetime):
    places.forget()
    return search.find_stretches(
        origins=places.resolve(origin).stations,
        destinations=places.resolve(destination).stations,
        day=day,
        now=now,
    )


def numbers(stretches) -> list[str]:
    return [one.number for one in stretches]


class TestDayRange:
    @pytest.mark.parametrize(
        ("day", "tz", "first", "hours"),
        [
            (date(2026, 6, 2), "Europe/Berlin", datetime(2026, 6, 1, 22), 24),
            (date(2026, 3, 29), "Europe/Berlin", datetime(2026, 3, 28, 23), 23),
            (date(2026, 10, 25), "Europe/Berlin", datetime(2026, 10, 24, 22), 25),
            (date(2026, 6, 2), "Asia/Kolkata", datetime(2026, 6, 1, 18, 30), 24),
            # Midnight itself is skipped: clocks go from 0:00 to 1:00.
            (date(2026, 4, 24), "Africa/Cairo", datetime(2026, 4, 23, 22), 23),
        ],
    )
    def test_is_the_local_day(self, day, tz, first, hours):
        begins, ends = search.day_range(day, tz)
        assert begins == first.replace(tzinfo=UTC)
        assert ends - begins == timedelta(hours=hours)


class TestFindStretches:
    def test_finds_every_way_between_two_cities_in_the_order_they_leave(self, timetable, noon):
        found = find("Hamburg", "Munich", now=noon)

        assert numbers(found) == ["ICE 585", "QX 2024", "N 42"]
        train = found[0]
        assert (train.departure_id, train.from_position, train.to_position) == (
            timetable.train.departure.pk,
            0,
            4,
        )
        assert train.departs_at == datetime(2026, 6, 2, 6, 0, tzinfo=UTC)
        assert train.duration == timedelta(minutes=330)
        assert (train.distance_m, train.stops, train.currency) == (800_000, 3, "EUR")

    def test_finds_a_part_of_the_way(self, timetable, noon):
        (stretch,) = find("Hannover", "Nuremberg", now=noon)

        assert (stretch.from_position, stretch.to_position, stretch.stops) == (1, 3, 1)
        # +75 and 5 minutes of stay, to +240
        assert stretch.departs_at == datetime(2026, 6, 2, 7, 20, tzinfo=UTC)
        assert stretch.arrives_at == datetime(2026, 6, 2, 10, 0, tzinfo=UTC)
        assert stretch.distance_m == 400_000

    def test_finds_one_station_alone(self, timetable, noon):
        assert numbers(find("HAM", "Munich", now=noon)) == ["QX 2024"]
        assert numbers(find("Hamburg", "MH", now=noon)) == ["ICE 585"]

    def test_nothing_runs_backwards(self, timetable, noon):
        assert find("Munich", "Hamburg", now=noon) == []

    @pytest.mark.parametrize("day", [date(2026, 6, 1), date(2026, 6, 3)])
    def test_nothing_leaves_on_another_day(self, timetable, noon, day):
        assert find("Hamburg", "Munich", day, now=noon) == []


class TestWhatMayBeBoarded:
    @pytest.mark.parametrize(
        ("position", "change"),
        [
            (1, {"may_board": False}),
            (1, {"is_skipped": True}),
            (3, {"may_alight": False}),
            (3, {"is_skipped": True}),
        ],
    )
    def test_a_call_that_does_not_let_people_on_or_off_is_no_end(
        self, train, noon, position, change
    ):
        train.departure.calls.filter(position=position).update(**change)

        assert find("Hannover", "Nuremberg", now=noon) == []
        # Those who pass through are not concerned.
        assert numbers(find("HH", "MH", now=noon)) == ["ICE 585"]

    def test_one_may_leave_where_nobody_boards(self, train, noon):
        train.departure.calls.filter(position=1).update(may_board=False)
        assert numbers(find("HH", "Hannover", now=noon)) == ["ICE 585"]

    @pytest.mark.parametrize(
        "change",
        [
            {"state": Departure.State.CANCELLED},
            {"state": Departure.State.REPLACED},
            {"state": Departure.State.WITHDRAWN},
            {"sales_closed_at": datetime(2026, 5, 1, tzinfo=UTC)},
        ],
    )
    def test_a_departure_that_is_not_sold_does_not_appear(self, train, noon, change):
        Departure.objects.filter(pk=train.departure.pk).update(**change)
        assert find("HH", "MH", now=noon) == []


class TestTimePassing:
    LEAVES = datetime(2026, 6, 2, 6, 0, tzinfo=UTC)

    def test_a_departure_is_gone_the_moment_it_leaves(self, train):
        moment = timedelta(microseconds=1)
        assert numbers(find("HH", "MH", now=self.LEAVES - moment)) == ["ICE 585"]
        assert find("HH", "MH", now=self.LEAVES) == []

    def test_a_train_under_way_is_still_sold_ahead(self, train):
        assert numbers(find("Hannover", "MH", now=self.LEAVES)) == ["ICE 585"]

    def test_a_late_train_can_still_be_caught(self, train):
        late = self.LEAVES + timedelta(minutes=40)
        train.departure.calls.filter(position=0).update(expected_departs_at=late)

        assert numbers(find("HH", "MH", now=self.LEAVES + timedelta(minutes=39))) == ["ICE 585"]
        assert find("HH", "MH", now=late) == []

    def test_a_day_that_is_over_has_nothing(self, timetable):
        assert find("Hamburg", "Munich", now=datetime(2026, 6, 3, 12, tzinfo=UTC)) == []


@pytest.fixture
def shuttle(db):
    """Departures of one service from Altdorf to Bergen, each given by its instants."""
    carrier = make_carrier("shuttle")
    service = make_service(make_tariff(carrier, fares=[FarePlan()]), "S 1")
    vehicle = make_vehicle(carrier)
    start = make_station(make_city("Altdorf"), "ALT")
    end = make_station(make_city("Bergen"), "BER")

    def run(name: str, starts_at: datetime, stops=None):
        return make_trip(
            service,
            vehicle,
            starts_at=starts_at.replace(tzinfo=UTC),
            stops=stops or [Stop(start, 0), Stop(end, 60, 50)],
            run=name,
        )

    run.start, run.end = start, end
    return run


class TestDays:
    def test_the_short_day_of_spring_has_23_hours(self, shuttle):
        # Berlin is at +1 until 01:00 UTC on 29 March 2026, then at +2.
        eve = shuttle("eve", datetime(2026, 3, 28, 22, 59))  # 23:59 on the 28th
        first = shuttle("first", datetime(2026, 3, 28, 23, 0))  # 00:00 on the 29th
        last = shuttle("last", datetime(2026, 3, 29, 21, 59))  # 23:59 on the 29th
        shuttle("next", datetime(2026, 3, 29, 22, 0))  # 00:00 on the 30th

        now = datetime(2026, 3, 1, tzinfo=UTC)
        days = {
            day: [one.departure_id for one in find("ALT", "BER", date(2026, 3, day), now=now)]
            for day in (28, 29)
        }
        assert days == {28: [eve.departure.pk], 29: [first.departure.pk, last.departure.pk]}

    def test_the_long_day_of_autumn_has_half_past_two_twice(self, shuttle):
        trips = [
            shuttle("first", datetime(2026, 10, 24, 22, 0)),  # 00:00
            shuttle("summer", datetime(2026, 10, 25, 0, 30)),  # 02:30 at +2
            shuttle("winter", datetime(2026, 10, 25, 1, 30)),  # 02:30 at +1
            shuttle("last", datetime(2026, 10, 25, 22, 59)),  # 23:59
        ]
        shuttle("next", datetime(2026, 10, 25, 23, 0))

        found = find("ALT", "BER", date(2026, 10, 25), now=datetime(2026, 10, 1, tzinfo=UTC))

        assert [one.departure_id for one in found] == [trip.departure.pk for trip in trips]

    def test_a_call_after_midnight_is_found_on_its_own_day(self, coach, noon):
        # N 42 leaves Hamburg at 22:00 and Berlin at 01:05.
        assert numbers(find("HAM-ZOB", "Munich", TRAVEL_DAY, now=noon)) == ["N 42"]
        assert find("Berlin", "Munich", TRAVEL_DAY, now=noon) == []
        (onward,) = find("Berlin", "Munich", date(2026, 6, 3), now=noon)
        assert onward.departs_at == datetime(2026, 6, 2, 23, 5, tzinfo=UTC)

    def test_each_station_has_its_own_day(self, db):
        # 23:30 in London is 00:30 in Paris: the same train, found under two days.
        carrier = make_carrier("tunnel")
        service = make_service(make_tariff(carrier), "T 9")
        london = make_station(make_city("London", country="GB"), "LON", tz="Europe/London")
        lille = make_station(make_city("Lille", country="FR"), "LIL", tz="Europe/Paris")
        paris = make_station(make_city("Paris", country="FR"), "PAR", tz="Europe/Paris")
        make_trip(
            service,
            make_vehicle(carrier),
            starts_at=datetime(2026, 6, 2, 22, 30, tzinfo=UTC),
            stops=[Stop(london, 0), Stop(lille, 60, 250), Stop(paris, 130, 470)],
        )
        now = datetime(2026, 6, 1, tzinfo=UTC)
        assert numbers(find("LON", "PAR", date(2026, 6, 2), now=now)) == ["T 9"]
        assert find("LIL", "PAR", date(2026, 6, 2), now=now) == []
        assert numbers(find("LIL", "PAR", date(2026, 6, 3), now=now)) == ["T 9"]


class TestStationsCalledTwice:
    def loop(self, shuttle, *stations):
        stops = [Stop(station, 30 * n, 10 * n) for n, station in enumerate(stations)]
        return shuttle("loop", datetime(2026, 6, 2, 6, 0), stops)

    def ways(self, origin, destination, noon):
        return [(one.from_position, one.to_position) for one in find(origin, destination, now=noon)]

    def test_the_shortest_ride_is_taken(self, shuttle, noon):
        a, b = shuttle.start, shuttle.end
        c = make_station(make_city("Celle"), "CEL")
        self.loop(shuttle, a, c, a, b, c, b)

        # Who waits for the second call at Altdorf arrives as early.
        assert self.ways("ALT", "BER", noon) == [(2, 3)]
        assert self.ways("CEL", "BER", noon) == [(1, 3), (4, 5)]

    def test_each_round_of_a_loop_is_a_ride_of_its_own(self, shuttle, noon):
        a, b = shuttle.start, shuttle.end
        self.loop(shuttle, a, b, a, b)

        assert self.ways("ALT", "BER", noon) == [(0, 1), (2, 3)]
        assert self.ways("BER", "ALT", noon) == [(1, 2)]


class TestPriceRules:
    def test_the_newest_version_that_has_begun_counts(self, train, noon):
        saver = train.fares[0]
        for hours, base in ((-1, 700), (1, 900)):
            FareVersion.objects.create(
                fare=saver, valid_from=noon + timedelta(hours=hours), base_minor=base
            )
        rules = search.price_rules([saver.tariff_id], now=noon)[saver.tariff_id]

        assert [(rule.number, rule.base_minor) for rule in rules] == [
            (0, 700),
            (1, 1000),
            (2, 2000),
        ]

    def test_a_version_begins_at_its_instant(self, train, noon):
        FareVersion.objects.create(fare=train.fares[0], valid_from=noon, base_minor=700)
        tariff = train.fares[0].tariff_id

        before = search.price_rules([tariff], now=noon - timedelta(microseconds=1))[tariff]
        assert [
            before[0].base_minor,
            search.price_rules([tariff], now=noon)[tariff][0].base_minor,
        ] == [
            500,
            700,
        ]

    def test_a_fare_that_is_off_sale_has_none(self, train, noon):
        Fare.objects.filter(pk=train.fares[1].pk).update(is_on_sale=False)
        tariff = train.fares[0].tariff_id
        assert [rule.number for rule in search.price_rules([tariff], now=noon)[tariff]] == [0, 2]


class TestMainStations:
    """Asked for a city, a train is shown once: at the station that most of the trains serve."""

    @staticmethod
    def facts(*stations):
        return [
            places.StationFacts(one.pk, one.code, one.name, one.kind, one.tz, one.city_id)
            for one in stations
        ]

    def test_the_main_station_comes_before_a_suburb_that_one_more_train_serves(self, train, noon):
        hamburg, suburb, *_, munich = [call.station for call in train.calls]
        unserved = make_station(hamburg.city, "HH-0", name="Hamburg Nowhere")
        type(suburb).objects.filter(pk=suburb.pk).update(name="Hamburg Hbf (tief)")
        suburb.refresh_from_db()

        found = search.find_stretches(
            origins=self.facts(hamburg, suburb, unserved),
            destinations=self.facts(munich),
            day=TRAVEL_DAY,
            now=noon,
        )

        # Hbf and Hbf (tief) are parts of one station: the shorter ride of the two is shown.
        assert [one.from_station_id for one in found] == [suburb.pk]

    def test_no_train_is_lost_where_they_serve_different_stations(self, train, noon):
        first, second, third, *_ = [call.station for call in train.calls]

        found = search.find_stretches(
            origins=self.facts(second),
            destinations=self.facts(first, third),
            day=TRAVEL_DAY,
            now=noon,
        )

        assert [(one.from_station_id, one.to_station_id) for one in found] == [
            (second.pk, third.pk)
        ]


class TestStatements:
    def test_one_statement_finds_all_stretches(self, timetable, noon, django_assert_num_queries):
        origins, destinations = places.resolve("Hamburg"), places.resolve("Munich")
        with django_assert_num_queries(1):
            search.find_stretches(
                origins=origins.stations,
                destinations=destinations.stations,
                day=TRAVEL_DAY,
                now=noon,
            )

    @pytest.mark.sqlite
    def test_the_join_goes_by_the_indexes(self, timetable, noon):
        with CaptureQueriesContext(connection) as captured:
            find("Hamburg", "Munich", now=noon)
        statement = next(q["sql"] for q in captured if "inventory_call" in q["sql"])
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {statement}")
            steps = [row[3] for row in cursor.fetchall()]

        # Who leaves is read by station and time, who arrives by departure, station and position.
        by_time = "call_station_time (station_id=? AND departs_at>? AND departs_at<?)"
        by_way = "call_way (departure_id=? AND station_id=? AND position>?)"
        assert not [step for step in steps if step.startswith("SCAN")], steps
        assert sum(by_time in step for step in steps) == 3, steps
        assert sum(by_way in step for step in steps) == 1, steps
