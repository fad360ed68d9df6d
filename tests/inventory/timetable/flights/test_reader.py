"""Routes, read: which of them are flown, when, by whom and in what."""

from __future__ import annotations

from datetime import UTC, date, datetime
from itertools import permutations
from zoneinfo import ZoneInfo

import pytest

from inventory.timetable.draft import FlightFacts
from inventory.timetable.flights import numbers
from inventory.timetable.reading import Reading
from inventory.timetable.report import SourceBroken
from tests.inventory.timetable.flights.conftest import OUT_AND_BACK

BERLIN = ZoneInfo("Europe/Berlin")
OUT = "AX,1,QQA,1,QQB,2,,0,320\n"


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


def departures(reading: Reading):
    return list(reading.draft.departures())


def only(reading: Reading):
    [departure] = departures(reading)
    return departure


def times(reading: Reading) -> tuple[datetime, datetime]:
    first, last = only(reading).calls
    assert (first.arrives_at, last.departs_at) == (None, None)
    return first.departs_at, last.arrives_at


def reasons(reading: Reading):
    return {finding.reason: finding.count for finding in reading.report}


def at(clock: str) -> dict[str, str]:
    return {'earliest = "10:00", latest = "10:00"': f'earliest = "{clock}", latest = "{clock}"'}


class TestAFlight:
    def test_takes_its_ground_time_and_the_great_circle(self, fly):
        # 9 degrees are 1000.756 km, at 600 km/h 100.08 minutes, so 101; with 30 on the ground 131,
        # in steps of five 135. Ten o'clock in Berlin in January is nine UTC.
        departure = only(fly(OUT))
        first, last = departure.calls
        assert (first.station, last.station) == ("QQA", "QQB")
        assert first.departs_at == utc(2026, 1, 14, 9, 0)
        assert last.arrives_at == utc(2026, 1, 14, 11, 15)
        assert last.distance_m == pytest.approx(1_000_756, abs=2)
        assert (first.may_board, first.may_alight) == (True, False)
        assert (last.may_board, last.may_alight) == (False, True)

    def test_is_as_slow_as_its_aircraft(self, fly):
        # At 300 km/h 200.15 minutes, so 201; with 30 on the ground 231, in steps of five 235.
        reading = fly(OUT.replace("320", "JU5"))
        assert times(reading) == (utc(2026, 1, 14, 9, 0), utc(2026, 1, 14, 12, 55))

    def test_arrives_the_day_after(self, fly):
        leaves, arrives = times(fly(OUT, at("23:30")))
        assert (leaves, arrives) == (utc(2026, 1, 14, 22, 30), utc(2026, 1, 15, 0, 45))
        assert arrives.astimezone(BERLIN).date() == date(2026, 1, 15)

    def test_arrives_the_day_before_across_the_date_line(self, fly):
        # 10 degrees are 1111.951 km: 112 and 30 minutes, so 145. New Zealand is 12 hours ahead in
        # July, Hawaii 10 behind: 1 July, ten o'clock, is 30 June, 22:00 UTC, and it arrives on
        # 1 July at 00:25 UTC: on 30 June, 14:25, in Hawaii.
        reading = fly("AX,1,QQC,1,QQD,2,,0,320\n", first_day=date(2026, 7, 1))
        assert only(reading).travel_date == date(2026, 7, 1)
        leaves, arrives = times(reading)
        assert (leaves, arrives) == (utc(2026, 6, 30, 22, 0), utc(2026, 7, 1, 0, 25))
        there = arrives.astimezone(ZoneInfo("Pacific/Honolulu"))
        assert (there.day, there.hour, there.minute) == (30, 14, 25)

    @pytest.mark.parametrize(
        ("day", "clock", "leaves", "arrives"),
        [
            # In the night to 29 March 2026 02:00 becomes 03:00.
            (date(2026, 3, 29), "01:30", utc(2026, 3, 29, 0, 30), utc(2026, 3, 29, 2, 45)),
            (date(2026, 3, 29), "02:30", utc(2026, 3, 29, 1, 30), utc(2026, 3, 29, 3, 45)),
            (date(2026, 3, 29), "10:00", utc(2026, 3, 29, 8, 0), utc(2026, 3, 29, 10, 15)),
            # In the night to 25 October 2026 03:00 becomes 02:00: the first 02:30 is taken.
            (date(2026, 10, 25), "01:30", utc(2026, 10, 24, 23, 30), utc(2026, 10, 25, 1, 45)),
            (date(2026, 10, 25), "02:30", utc(2026, 10, 25, 0, 30), utc(2026, 10, 25, 2, 45)),
            (date(2026, 10, 25), "10:00", utc(2026, 10, 25, 9, 0), utc(2026, 10, 25, 11, 15)),
        ],
    )
    def test_leaves_by_the_clock_when_the_clocks_change(self, fly, day, clock, leaves, arrives):
        reading = fly(OUT, at(clock), first_day=day)
        assert only(reading).travel_date == day
        assert times(reading) == (leaves, arrives)

    def test_has_facts(self, fly):
        draft = fly(OUT).draft
        [service], [vehicle] = draft.services, draft.vehicles
        assert service.facts == FlightFacts(aircraft="Airbus A320", checked_bags=1)
        assert (service.mode, service.tariff, service.facilities) == ("Plane", "air", ("meal",))
        assert (vehicle.code, vehicle.name, vehicle.seat_map) == ("320", "Airbus A320", "jet")
        assert len(draft.seat_maps[0].coaches[0].seats) == 40

    def test_runs_on_its_days_only(self, fly):
        every = '{ earliest = "10:00", latest = "10:00" }'
        work = '{ earliest = "10:00", latest = "10:00", weekdays = [1, 2, 3, 4, 5] }'
        # 14 January 2026 is a Wednesday.
        reading = fly(OUT, {every: work}, days=7)
        assert [d.travel_date.day for d in departures(reading)] == [14, 15, 16, 19, 20]
        assert (reading.draft.departure_count, reading.call_count) == (5, 10)
        assert (reading.draft.first_date, reading.draft.last_date) == (
            date(2026, 1, 14),
            date(2026, 1, 20),
        )

    def test_departures_are_in_order_and_come_again(self, fly):
        reading = fly(OUT_AND_BACK + "BX,2,QQA,1,QQE,2,,0,320\n", days=3)
        order = [(d.travel_date, d.service) for d in departures(reading)]
        assert order == sorted(order)
        assert len(order) == 9
        assert departures(reading) == departures(reading)


class TestNumbers:
    def test_there_and_back_follow_each_other(self, fly):
        there, back = sorted(int(s.number.split()[1]) for s in fly().draft.services)
        assert there % 2 == 1
        assert back == there + 1

    def test_a_route_keeps_its_number_whatever_else_is_read(self, fly):
        def number(reading: Reading) -> str:
            ends = {
                departure.service: (departure.calls[0].station, departure.calls[1].station)
                for departure in departures(reading)
            }
            [found] = [s for s in reading.draft.services if ends[s.ref] == ("QQA", "QQB")]
            return found.number

        more = "AX,1,QQC,1,QQD,2,,0,320\nBX,2,QQA,1,QQE,2,,0,320\n"
        plain = number(fly(OUT))
        assert plain.startswith("AX ")
        assert number(fly(more + OUT_AND_BACK)) == plain
        assert number(fly(more + OUT_AND_BACK, airports=("QQB",))) == plain
        assert number(fly(OUT + more, limit=1)) == plain
        assert number(fly(OUT, days=30, first_day=date(2026, 5, 1))) == plain

    def test_routes_that_compete_for_numbers_keep_them_when_others_are_left_out(
        self, fly, monkeypatch
    ):
        # Ten pairs for twelve numbers: many draw one that is taken.
        monkeypatch.setattr(numbers, "SHORT_PAIRS", 12)
        codes = ("BRU", "CDG", "HAM", "MUC", "ORY")
        routes = "".join(
            f"AX,1,{origin},1,{destination},2,,0,320\n"
            for origin, destination in permutations(codes, 2)
        )

        def by_route(reading: Reading) -> dict[tuple[str, ...], str]:
            return {
                tuple(call.station for call in departure.calls): departure.service
                for departure in departures(reading)
            }

        everything = by_route(fly(routes))
        assert len(set(everything.values())) == 20
        for code in codes:
            of_airport = by_route(fly(routes, airports=(code,)))
            assert len(of_airport) == 8
            assert of_airport.items() <= everything.items()

    def test_a_second_flight_of_the_day_has_its_own(self, fly):
        one = 'flights = [{ earliest = "10:00", latest = "10:00" }]'
        two = one.replace("]", ', { earliest = "18:00", latest = "18:00" }]')
        first = {service.number for service in fly(OUT).draft.services}
        both = {service.number for service in fly(OUT, {one: two}).draft.services}
        assert len(both) == 2
        assert first < both


class TestWhoFlies:
    def test_an_airline_with_its_country_and_clocks(self, fly):
        [carrier] = fly(OUT).draft.carriers
        assert (carrier.code, carrier.name, carrier.country) == ("iata:AX", "Alpha Air", "DE")
        assert (carrier.currency, carrier.tz) == ("EUR", "Europe/Berlin")

    def test_sells_in_its_countrys_currency(self, fly):
        # 29.00 * 0.86 = 24.94, rounded to whole pounds 25; 39.00 is 33.54, so 34; 18.00 is 15.48,
        # so 15; a kilometre 0.043 pounds, 4.3 pence; 10.00 is 8.60, so 9.
        draft = fly("BX,2,QQA,1,QQB,2,,0,320\n").draft
        assert draft.carriers[0].currency == "GBP"
        [version] = draft.tariffs[0].fares[0].versions
        assert (version.base_minor, version.minimum_minor, version.fee_minor) == (2500, 3400, 1500)
        assert (version.per_km_micro, version.rounding_minor) == (4_300_000, 100)
        assert version.penalty_tiers[0].minimum_minor == 900

    def test_sells_in_a_currency_without_cents(self, fly):
        # 29.00 * 165 = 4785, so 4800; 39.00 is 6435, so 6400; a kilometre is 8.25 yen.
        draft = fly("JX,\\N,QQA,1,QQB,2,,0,320\n").draft
        assert (draft.carriers[0].name, draft.carriers[0].currency) == ("Juliet Air", "JPY")
        [version] = draft.tariffs[0].fares[0].versions
        assert (version.base_minor, version.minimum_minor) == (4800, 6400)
        assert (version.per_km_micro, version.rounding_minor) == (8_250_000, 100)

    def test_a_country_that_is_none_is_that_of_its_hub(self, fly):
        reading = fly("CX,3,QQA,1,QQE,2,,0,320\nCX,3,QQE,2,QQA,1,,0,320\n")
        assert reading.draft.carriers[0].country == "DE"

    def test_without_a_list_airlines_are_named_by_their_codes(self, fly, folder):
        (folder / "airlines.dat").unlink()
        reading = fly("ZZ,77,QQA,1,QQB,2,,0,320\n")
        assert reading.draft.carriers[0].name == "ZZ"
        assert reasons(reading) == {"an airline is named by its code": 1}


class TestPlaces:
    def test_airports_are_stations_of_their_cities(self, fly):
        draft = fly(OUT).draft
        alpha, beta = draft.stations
        assert (alpha.code, alpha.name, alpha.kind) == ("QQA", "Alphastadt Airport", "airport")
        assert (alpha.tz, alpha.city) == ("Europe/Berlin", "de-alphastadt")
        assert {(code.scheme, code.code) for code in alpha.codes} == {
            ("iata", "QQA"),
            ("icao", "QQAA"),
        }
        assert [city.name for city in draft.cities] == ["Alphastadt", "Betastadt"]
        assert beta.codes[0].code == "QQB"

    def test_airports_of_one_city_are_of_one_city(self, fly):
        draft = fly("AX,1,CDG,1,ORY,2,,0,320\n").draft
        assert {station.city for station in draft.stations} == {"fr-paris"}
        pairs = {(c.from_station, c.to_station) for c in draft.minimum_changes}
        assert {("CDG", "ORY"), ("ORY", "CDG")} <= pairs

    def test_a_correction_moves_an_airport(self, fly, folder):
        rows = (folder / "airports.csv").read_text() + "BRU,,,,,50.9014,4.4844,\n"
        (folder / "airports.csv").write_text(rows, encoding="utf-8")
        stations = fly("AX,1,BRU,1,CDG,2,,0,320\n").draft.stations
        brussels = next(station for station in stations if station.code == "BRU")
        assert (brussels.latitude, brussels.longitude) == (50.9014, 4.4844)
        assert brussels.name == "Brussels Airport"


class TestWhatIsSkipped:
    @pytest.mark.parametrize(
        ("row", "reason"),
        [
            ("BX,2,QQA,1,QQB,2,Y,0,320", "a codeshare: another airline flies it"),
            ("BX,2,QQA,1,QQB,2,x,0,320", "codeshare is neither empty nor Y"),
            ("BX,2,QQA,1,QQB,2,,1,320", "a route with stops: the file does not say where"),
            ("BX,2,QQA,1,QQB,2,,many,320", "stops is no number"),
            ("BX,2,QQA,1,QQA,1,,0,320", "a route goes nowhere"),
            ("BX,2,QQA,1,XQX,1,,0,320", "the airport is not known"),
            ("BX,2,QQA,1,QQ,1,,0,320", "an airport's code is three letters"),
            ("B,2,QQA,1,QQB,1,,0,320", "an airline's code is two or three letters or digits"),
            ("BX,99,QQA,1,QQB,1,,0,320", "the airline is not known"),
            ("YY,\\N,QQA,1,QQB,1,,0,320", "the airline is not known"),
            ("AX,1,QQA,1,QQB,2,,0,738", "a route stands twice"),
            ("BX,2,QQA,1,QQE,2,,0", "a row has 9 values"),
            ("BX,2,QQA,1,QQC,2,,0,320", "longer than any band of the profile"),
        ],
    )
    def test_with_its_line_and_reason(self, fly, row, reason):
        reading = fly(OUT + row + "\n")
        assert len(departures(reading)) == 1
        [finding] = reading.report
        assert (finding.file, finding.reason, finding.severity) == ("routes.dat", reason, "skipped")
        assert [example.line for example in finding.examples] == [2]

    def test_an_airline_without_id_is_found_by_its_code(self, fly):
        reading = fly("BX,\\N,QQA,1,QQB,2,,0,320\n")
        assert reading.draft.carriers[0].name == "Bravo Airways"
        assert reasons(reading) == {}

    def test_the_first_known_aircraft_is_taken(self, fly):
        reading = fly("AX,1,QQA,1,QQB,2,,0,XXX JU5 320\n")
        assert reading.draft.vehicles[0].code == "JU5"
        assert reasons(reading) == {}

    def test_an_unknown_aircraft_is_the_bands(self, fly):
        reading = fly("AX,1,QQA,1,QQB,2,,0,XXX\n")
        assert reading.draft.vehicles[0].name == "Jet"
        assert reasons(reading) == {"no aircraft of the profile: its band's is taken": 1}


class TestWhatIsAskedFor:
    ROUTES = OUT_AND_BACK + "BX,2,QQA,1,QQE,2,,0,320\nBX,2,QQB,1,QQE,2,,0,320\n"

    def ends(self, reading: Reading):
        return {(d.calls[0].station, d.calls[1].station) for d in departures(reading)}

    def test_an_airline(self, fly):
        reading = fly(self.ROUTES, airlines=("BX",))
        assert self.ends(reading) == {("QQA", "QQE"), ("QQB", "QQE")}
        assert [carrier.code for carrier in reading.draft.carriers] == ["iata:BX"]
        assert {station.code for station in reading.draft.stations} == {"QQA", "QQB", "QQE"}

    def test_an_airport_from_and_to(self, fly):
        assert self.ends(fly(self.ROUTES, airports=("QQA",))) == {
            ("QQA", "QQB"),
            ("QQB", "QQA"),
            ("QQA", "QQE"),
        }

    def test_the_first_so_many(self, fly):
        assert self.ends(fly(self.ROUTES, limit=1)) == {("QQA", "QQB")}

    @pytest.mark.parametrize(
        ("options", "reason"),
        [
            ({"airlines": ("BX", "ZZ")}, "no route of this airline"),
            ({"airports": ("JFK",)}, "no route of this airport"),
        ],
    )
    def test_in_vain_is_refused(self, fly, options, reason):
        with pytest.raises(SourceBroken) as refused:
            fly(self.ROUTES, **options)
        assert [finding.reason for finding in refused.value.report] == [reason]


class TestABrokenFile:
    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            (b"AX,1,QQA,1,QQB,2,,0,320\nAX,1,M\xfc,1\n", "is not UTF-8"),
            (b"AX,1,\x00", "holds a NUL character"),
            (b"", "no departure in the window"),
            (b"x" * 300_000, "is longer than 262144 bytes"),
            (b'"' + b"x\n" * 140_000, "is not valid CSV"),
        ],
    )
    def test_is_refused(self, fly, content, reason):
        with pytest.raises(SourceBroken) as refused:
            fly(content)
        assert reason in {finding.reason for finding in refused.value.report}

    def test_a_wrong_feed_code_is_refused(self, fly):
        with pytest.raises(SourceBroken):
            fly(feed="Not A Code")

    def test_the_digest_tells_editions_apart(self, fly):
        assert fly().digest == fly().digest
        assert fly().digest != fly(OUT).digest
        assert fly().digest != fly(days=2).digest
