"""The demo network as plain data: believable, whole, and linked among any fourteen cities."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from itertools import combinations, pairwise, permutations
from zoneinfo import ZoneInfo

import pytest

from inventory.timetable.demo_network import demo_timetable, edition_digest
from inventory.timetable.demo_network.patterns import (
    Stop,
    copies,
    read_route,
    read_times,
    shifted,
    turned,
)
from inventory.timetable.draft import (
    BusFacts,
    DepartureDraft,
    FlightFacts,
    TimetableDraft,
    TrainFacts,
)
from inventory.timetable.places import load_places
from inventory.timetable.publish.reference import FACILITY_NAMES

MODES = ("Plane", "Train", "Bus")
KINDS = {"Plane": "airport", "Train": "railStation", "Bus": "coachStop"}

# Three days over the end of summer time in Europe (25 October 2026, 01:00 UTC).
FIRST, LAST = date(2026, 10, 24), date(2026, 10, 26)

Find = Callable[[str, date], DepartureDraft]


@pytest.fixture(scope="module")
def draft() -> TimetableDraft:
    return demo_timetable(first_date=FIRST, last_date=LAST)


@pytest.fixture(scope="module")
def departures(draft: TimetableDraft) -> list[DepartureDraft]:
    return list(draft.departures())


@pytest.fixture(scope="module")
def modes(draft: TimetableDraft) -> dict[str, str]:
    """The mode of each service."""
    return {service.ref: service.mode for service in draft.services}


def departure(number: str, day: date) -> DepartureDraft:
    """The departure of a service, by its number, on a day."""
    network = demo_timetable(first_date=day, last_date=day)
    (service,) = [service for service in network.services if service.number == number]
    (found,) = [one for one in network.departures() if one.service == service.ref]
    return found


def times(found: DepartureDraft) -> list[tuple[str, str, str]]:
    """Each call's station, arrival and departure in UTC; a dash where there is none."""
    return [
        (
            call.station,
            f"{call.arrives_at:%d %H:%M}" if call.arrives_at else "-",
            f"{call.departs_at:%d %H:%M}" if call.departs_at else "-",
        )
        for call in found.calls
    ]


class TestTimes:
    def test_a_flight_takes_its_great_circle_and_half_an_hour(self) -> None:
        # 600.02 km at 800 km/h are 45.002 minutes; with 30 on the ground and up to the next five
        # minutes that is 80. Berlin's winter time is an hour ahead of UTC.
        flight = departure("CV 250", date(2026, 12, 1))

        assert times(flight) == [("HAM", "-", "01 05:25"), ("MUC", "01 06:45", "-")]
        assert flight.calls[-1].distance_m == pytest.approx(600_020, abs=100)

    def test_a_flight_leaves_at_the_same_local_time_in_summer(self) -> None:
        flight = departure("CV 250", date(2026, 7, 1))

        assert times(flight) == [("HAM", "-", "01 04:25"), ("MUC", "01 05:45", "-")]

    def test_a_flight_to_another_zone(self) -> None:
        # 3,776 km at 860 km/h are 263.4 minutes; with 35 on the ground, up to the next five: 300.
        # 13:40 in Frankfurt is 12:40 UTC; 17:40 UTC is 21:10 in Tehran.
        flight = departure("CV 110", date(2026, 12, 1))

        assert times(flight) == [("FRA", "-", "01 12:40"), ("IKA", "01 17:40", "-")]
        arrival = flight.calls[1].arrives_at
        assert arrival is not None
        assert f"{arrival.astimezone(ZoneInfo('Asia/Tehran')):%H:%M}" == "21:10"

    def test_a_night_train_takes_as_long_in_the_night_of_25_hours(self) -> None:
        # 20:29 in Hamburg is 18:29 UTC, still in summer time. Ten hours later it is 04:29 UTC and
        # 05:29 in Munich, an hour earlier by the clock than in other nights.
        night = departure("OW 400", date(2026, 10, 24))

        assert times(night) == [
            ("HAM-R", "-", "24 18:29"),
            ("MUC-R", "25 04:29", "25 04:41"),
            ("SZG-R", "25 06:26", "-"),
        ]
        arrival = night.calls[1].arrives_at
        assert arrival is not None
        assert f"{arrival.astimezone(ZoneInfo('Europe/Berlin')):%H:%M}" == "05:29"

    def test_a_night_train_in_the_night_of_23_hours(self) -> None:
        # 20:29 is 19:29 UTC in winter time; ten hours later, 05:29 UTC, Munich has 07:29.
        night = departure("OW 400", date(2027, 3, 27))

        assert times(night)[:2] == [
            ("HAM-R", "-", "27 19:29"),
            ("MUC-R", "28 05:29", "28 05:41"),
        ]

    def test_a_night_coach_stands_at_its_stops(self) -> None:
        # From Hamburg at 20:15 (19:15 UTC): 3:15 to Berlin, 20 minutes there, 4:45 to Prague, 20
        # there, 4:15 to Vienna, 15 there, 2:45 to Budapest.
        coach = departure("SL 12", date(2026, 12, 1))

        assert times(coach) == [
            ("HAM-B", "-", "01 19:15"),
            ("BER-B", "01 22:30", "01 22:50"),
            ("PRG-B", "02 03:35", "02 03:55"),
            ("VIE-B", "02 08:10", "02 08:25"),
            ("BUD-B", "02 11:10", "-"),
        ]

    def test_the_train_to_tehran_is_under_way_for_two_days(self) -> None:
        # 07:20 in Istanbul is 04:20 UTC. 275 + 45 + 2,590 minutes are 48 hours and a half.
        train = departure("TA 70", date(2026, 12, 1))

        assert times(train) == [
            ("IST-S", "-", "01 04:20"),
            ("ANK-R", "01 08:55", "01 09:40"),
            ("THR-R", "03 04:50", "-"),
        ]

    def test_time_runs_forward_along_every_way(self, departures: list[DepartureDraft]) -> None:
        for found in departures:
            first, *_, last = found.calls
            assert first.arrives_at is None
            assert last.departs_at is None
            assert not first.may_alight
            assert not last.may_board
            for here, there in pairwise(found.calls):
                assert here.departs_at is not None
                assert there.arrives_at is not None
                assert here.departs_at < there.arrives_at
                assert there.departs_at is None or there.departs_at >= there.arrives_at
                assert here.distance_m < there.distance_m
                assert here.departs_at.tzinfo is UTC

    def test_speeds_are_believable(
        self, departures: list[DepartureDraft], modes: dict[str, str]
    ) -> None:
        # Great-circle kilometres an hour from start to end, stops and ferries included.
        bounds = {"Plane": (150, 800), "Train": (30, 260), "Bus": (35, 90)}
        for found in departures:
            start, end = found.calls[0].departs_at, found.calls[-1].arrives_at
            assert start is not None
            assert end is not None
            speed = found.calls[-1].distance_m / 1000 / ((end - start) / timedelta(hours=1))
            low, high = bounds[modes[found.service]]
            assert low <= speed <= high, (found.service, speed)

    def test_nothing_leaves_when_clocks_change(
        self, draft: TimetableDraft, departures: list[DepartureDraft]
    ) -> None:
        zones = {station.code: ZoneInfo(station.tz) for station in draft.stations}
        for found in departures:
            start = found.calls[0]
            assert start.departs_at is not None
            local = start.departs_at.astimezone(zones[start.station])
            assert local.date() == found.travel_date
            assert not 0 < local.hour < 5


class TestPlaces:
    def test_at_least_forty_cities_each_with_every_kind_of_station(
        self, draft: TimetableDraft
    ) -> None:
        kinds = defaultdict(set)
        for station in draft.stations:
            kinds[station.city].add(station.kind)

        assert len(draft.cities) == 52
        assert set(kinds) == {city.code for city in draft.cities}
        assert all(of_city == set(KINDS.values()) for of_city in kinds.values())

    def test_every_zone_is_known_and_its_countrys(self, draft: TimetableDraft) -> None:
        countries = {city.code: city.country for city in draft.cities}
        now = datetime(2026, 12, 1, 12, tzinfo=UTC)
        hours = {"GB": 0, "PT": 0, "BG": 2, "GR": 2, "RO": 2, "TR": 3, "IR": 3.5}
        for station in draft.stations:
            offset = now.astimezone(ZoneInfo(station.tz)).utcoffset()
            # Morocco and all others keep UTC+1 in winter.
            assert offset == timedelta(hours=hours.get(countries[station.city], 1)), station

    def test_stations_lie_in_their_city(self, draft: TimetableDraft) -> None:
        known = {entry.city.code: entry for entry in load_places()}
        for station in draft.stations:
            if entry := known.get(station.city):
                # Malpensa is the farthest, 0.46 degrees west of Milan.
                assert abs(station.latitude - entry.latitude) < 0.4, station
                assert abs(station.longitude - entry.longitude) < 0.5, station

    def test_cities_that_other_timetables_know_keep_their_name(self, draft: TimetableDraft) -> None:
        known = {entry.city.code: entry.city.name for entry in load_places()}
        shared = [city for city in draft.cities if city.code in known]

        assert len(shared) == 47
        assert [city.name for city in shared] == [known[city.code] for city in shared]

    def test_cities_have_names_in_the_offices_languages(self, draft: TimetableDraft) -> None:
        for city in draft.cities:
            assert {"en", "de", "fa"} <= {name.language for name in city.names}, city
        (munich,) = [city for city in draft.cities if city.code == "de-munchen"]
        assert {"München", "Munich", "Muenchen", "مونیخ"} <= {name.name for name in munich.names}

    def test_one_can_change_between_all_stations_of_a_city(self, draft: TimetableDraft) -> None:
        minutes = {
            (change.from_station, change.to_station): change.minutes
            for change in draft.minimum_changes
        }
        of_city = defaultdict(list)
        for station in draft.stations:
            of_city[station.city].append(station.code)
        pairs = {pair for stations in of_city.values() for pair in permutations(stations, 2)} | {
            (station.code, station.code) for station in draft.stations
        }

        assert set(minutes) == pairs
        # 2.7 km from Hbf to airport are no more than 29: 10 + 2 * 8.7 km + 75 to check in.
        assert minutes["HAM-R", "HAM"] == 105
        assert minutes["HAM", "HAM-R"] == 50


def linked(departures: list[DepartureDraft], city_of: dict[str, str]) -> dict[str, set[str]]:
    """For each city those to which, or from which, a stretch is sold."""
    links: dict[str, set[str]] = defaultdict(set)
    for found in departures:
        for here, there in combinations(found.calls, 2):
            if here.may_board and there.may_alight:
                links[city_of[here.station]].add(city_of[there.station])
                links[city_of[there.station]].add(city_of[here.station])
    return links


def largest_unlinked(cities: frozenset[str], links: dict[str, set[str]]) -> int:
    """How many cities there can be at most with no link between any two of them; exact."""
    if not cities:
        return 0
    degrees = {city: len(links[city] & cities) for city in sorted(cities)}
    city = min(degrees, key=lambda one: degrees[one])
    if degrees[city] <= 1:
        # Nothing is lost by taking a city that excludes at most one other.
        return 1 + largest_unlinked(cities - links[city] - {city}, links)
    city = max(degrees, key=lambda one: degrees[one])
    return max(
        1 + largest_unlinked(cities - links[city] - {city}, links),
        largest_unlinked(cities - {city}, links),
    )


class TestLinks:
    @pytest.mark.parametrize("scale", [0.05, 1.0])
    @pytest.mark.parametrize("mode", MODES)
    def test_every_mode_runs_among_any_fourteen_cities_on_every_day(
        self, mode: str, scale: float
    ) -> None:
        draft = demo_timetable(first_date=FIRST, last_date=LAST, scale=scale)
        of_mode = {service.ref for service in draft.services if service.mode == mode}
        city_of = {station.code: station.city for station in draft.stations}
        cities = frozenset(city_of.values())
        for day in (FIRST, FIRST + timedelta(days=1), LAST):
            of_day = [
                found
                for found in draft.departures()
                if found.travel_date == day and found.service in of_mode
            ]
            assert largest_unlinked(cities, linked(of_day, city_of)) < 14

    def test_the_measure_itself(self) -> None:
        ring = {"a": {"b", "e"}, "b": {"a", "c"}, "c": {"b", "d"}, "d": {"c", "e"}, "e": {"d", "a"}}
        star: dict[str, set[str]] = {"a": {"b", "c", "d"}, "b": {"a"}, "c": {"a"}, "d": {"a"}}

        assert largest_unlinked(frozenset(ring), ring) == 2
        assert largest_unlinked(frozenset(star), star) == 3
        assert largest_unlinked(frozenset("xyz"), defaultdict(set)) == 3

    def test_services_call_at_stations_of_their_mode(
        self, draft: TimetableDraft, departures: list[DepartureDraft], modes: dict[str, str]
    ) -> None:
        kinds = {station.code: station.kind for station in draft.stations}
        for found in departures:
            assert {kinds[call.station] for call in found.calls} == {KINDS[modes[found.service]]}

    def test_every_service_runs_back_as_well(
        self, departures: list[DepartureDraft], modes: dict[str, str]
    ) -> None:
        ways = Counter(
            (modes[found.service], tuple(call.station for call in found.calls))
            for found in departures
        )
        for mode, way in ways:
            assert (mode, way[::-1]) in ways


class TestWhatIsSold:
    def test_every_fare_has_a_price_and_tiers(self, draft: TimetableDraft) -> None:
        for tariff in draft.tariffs:
            assert 2 <= len(tariff.fares) <= 64
            for fare in tariff.fares:
                (version,) = fare.versions
                assert version.base_minor > 0
                assert version.per_km_micro > 0
                assert version.minimum_minor > 0
                minutes = [tier.minutes_before for tier in version.penalty_tiers]
                shares = [tier.basis_points for tier in version.penalty_tiers]
                assert len(minutes) >= 2
                assert minutes == sorted(set(minutes), reverse=True)
                assert shares == sorted(shares)
                assert shares[-1] <= 10_000

    def test_every_class_on_board_has_fares_and_the_carriers_word(
        self, draft: TimetableDraft
    ) -> None:
        on_board = {
            seat_map.code: {coach.travel_class for coach in seat_map.coaches}
            for seat_map in draft.seat_maps
        }
        sold = {
            tariff.code: {fare.travel_class for fare in tariff.fares} for tariff in draft.tariffs
        }
        words = {
            carrier.code: {named.travel_class for named in carrier.classes}
            for carrier in draft.carriers
        }
        seat_map_of = {vehicle.ref: vehicle.seat_map for vehicle in draft.vehicles}
        services = {service.ref: service for service in draft.services}
        for found in draft.departures():
            service = services[found.service]
            classes = on_board[seat_map_of[found.vehicle]]
            assert sold[service.tariff] == classes
            assert classes <= words[service.carrier]

    def test_sales_close_by_mode(self, draft: TimetableDraft) -> None:
        minutes = {"Plane": 45, "Train": 2, "Bus": 10}
        tariffs = {tariff.code: tariff for tariff in draft.tariffs}
        for service in draft.services:
            for fare in tariffs[service.tariff].fares:
                assert fare.versions[0].sales_close_minutes == minutes[service.mode]

    def test_a_second_and_a_third_currency(self, draft: TimetableDraft) -> None:
        currencies = Counter(carrier.currency for carrier in draft.carriers)

        assert set(currencies) == {"EUR", "GBP", "CHF"}
        # A rail Saver is 3.90 and 9 cents a kilometre in euros; 86 pence stand for a euro.
        (albion,) = [tariff for tariff in draft.tariffs if tariff.carrier == "albion-rail"]
        saver = albion.fares[0].versions[0]
        assert (saver.base_minor, saver.per_km_micro) == (330, 7_740_000)

    def test_seats(self, draft: TimetableDraft) -> None:
        seats = {
            seat_map.code: [seat for coach in seat_map.coaches for seat in coach.seats]
            for seat_map in draft.seat_maps
        }
        # 4 rows of 4 in Business and 24 rows of 6; 13 rows of 4 without the two at the door.
        assert len(seats["corvina-airlines:A320"]) == 160
        assert len(seats["seven-league-coaches:comfort"]) == 50
        # Two coaches of 42 seats, five of 72, two places of one kept for wheelchairs.
        assert len(seats["northline-rail:NX4"]) == 2 * 42 + 5 * 72 - 2
        features = {feature for seat in seats["northline-rail:NX4"] for feature in seat.features}
        assert features == {"table", "quiet", "accessible", "backward"}
        for code, of_map in seats.items():
            is_free_seating = code == "vagabond-coaches:plain"
            assert all(bool(seat.label) != is_free_seating for seat in of_map), code

    def test_labels_differ_within_a_coach(self, draft: TimetableDraft) -> None:
        for seat_map in draft.seat_maps:
            assert len({coach.label for coach in seat_map.coaches}) == len(seat_map.coaches)
            for coach in seat_map.coaches:
                labels = [seat.label for seat in coach.seats if seat.label]
                assert len(set(labels)) == len(labels)

    def test_facts_and_facilities_belong_to_the_mode(self, draft: TimetableDraft) -> None:
        kinds = {"Plane": FlightFacts, "Train": TrainFacts, "Bus": BusFacts}
        for service in draft.services:
            assert isinstance(service.facts, kinds[service.mode])
            assert service.facilities
            assert set(service.facilities) <= set(FACILITY_NAMES)


class TestEditions:
    def test_the_same_days_give_the_same_departures(self, draft: TimetableDraft) -> None:
        later = demo_timetable(first_date=FIRST + timedelta(days=1), last_date=LAST)

        assert later.services == draft.services
        assert later.tariffs == draft.tariffs
        assert list(later.departures()) == [
            found for found in draft.departures() if found.travel_date > FIRST
        ]

    def test_the_count_is_right(
        self, draft: TimetableDraft, departures: list[DepartureDraft]
    ) -> None:
        assert draft.departure_count == len(departures) == 3 * 660

    def test_a_larger_scale_adds_departures_and_moves_none(self, draft: TimetableDraft) -> None:
        larger = demo_timetable(first_date=FIRST, last_date=FIRST, scale=3)
        found = {one.service: one for one in larger.departures()}

        assert len(found) == 3 * 660
        for one in draft.departures():
            if one.travel_date == FIRST:
                assert found[one.service] == one

    @pytest.mark.parametrize("scale", [0, -1, 30.5, float("nan")])
    def test_refuses_a_scale_out_of_bounds(self, scale: float) -> None:
        with pytest.raises(ValueError, match="scale"):
            demo_timetable(first_date=FIRST, last_date=LAST, scale=scale)

    @pytest.mark.parametrize("days", [0, 401])
    def test_refuses_a_window_out_of_bounds(self, days: int) -> None:
        with pytest.raises(ValueError, match="window"):
            demo_timetable(first_date=FIRST, last_date=FIRST + timedelta(days=days - 1))

    def test_the_digest_tells_editions_apart(self) -> None:
        digests = [
            edition_digest(first_date=FIRST, last_date=LAST),
            edition_digest(first_date=FIRST, last_date=FIRST),
            edition_digest(first_date=FIRST, last_date=LAST, scale=2),
        ]

        assert len(set(digests)) == 3
        assert edition_digest(first_date=FIRST, last_date=LAST) == digests[0]


class TestNotation:
    def test_times(self) -> None:
        assert read_times("07:10 22:45") == (430, 1365)
        assert read_times("06:05-08:05/60 23:00") == (365, 425, 485, 1380)

    @pytest.mark.parametrize("text", ["7:10", "06:00-08:30/60", "08:00-06:00/60", "noon"])
    def test_refuses_what_is_no_time(self, text: str) -> None:
        with pytest.raises(ValueError):
            read_times(text)

    def test_a_way_and_the_way_back(self) -> None:
        way = read_route("HAM-R 108 BER-R+8 238 MUC-R")

        assert way == (
            Stop("HAM-R", None, 0),
            Stop("BER-R", 108, 116),
            Stop("MUC-R", 354, None),
        )
        assert turned(way) == (
            Stop("MUC-R", None, 0),
            Stop("BER-R", 238, 246),
            Stop("HAM-R", 354, None),
        )

    @pytest.mark.parametrize("text", ["HAM-R", "HAM-R 108", "HAM-R x MUC-R", "Hamburg 5 MUC-R"])
    def test_refuses_what_is_no_way(self, text: str) -> None:
        with pytest.raises(ValueError):
            read_route(text)

    @pytest.mark.parametrize(
        ("scale", "expected"),
        [
            (1.0, [1, 1, 1, 1]),
            (2.0, [2, 2, 2, 2]),
            (1.5, [2, 1, 2, 1]),
            (0.5, [1, 0, 1, 0]),
            (0.05, [1, 0, 0, 0]),
        ],
    )
    def test_copies(self, scale: float, expected: list[int]) -> None:
        assert [copies(index, scale) for index in range(4)] == expected

    def test_copies_at_a_scale_that_is_not_exact(self) -> None:
        # 1.1 times ten departures are eleven, although 10 * 1.1 is a little more in binary.
        assert sum(copies(index, 1.1) for index in range(10)) == 11

    def test_copies_leave_between_the_others(self) -> None:
        noon = 12 * 60
        assert [shifted(noon, copy) - noon for copy in range(5)] == [0, 90, 45, 135, 22]

    def test_copies_after_midnight_leave_in_the_morning(self) -> None:
        # 23:30 and 90 minutes would be 01:00; no departure leaves in the small hours.
        assert shifted(23 * 60 + 30, 1) == 6 * 60
