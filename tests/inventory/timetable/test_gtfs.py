"""Whole feeds, read: what becomes of their files, and what is said of their faults."""

from __future__ import annotations

import itertools
import random
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from inventory.timetable.draft import BusFacts, FlightFacts, TrainFacts
from inventory.timetable.reading import Reading
from inventory.timetable.report import SourceBroken
from tests.inventory.timetable.conftest import FEED, STOP_TIMES, STOPS, TRIPS

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = date(2026, 6, 1)


def departures(reading: Reading):
    return list(reading.draft.departures())


def dates_of(reading: Reading):
    return [departure.travel_date for departure in departures(reading)]


def reasons(reading: Reading):
    return {(finding.file, finding.reason): finding.count for finding in reading.report}


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


class TestAPlainFeed:
    def test_a_departure_with_its_calls(self, read):
        reading = read()
        [departure] = departures(reading)
        assert (departure.service, departure.travel_date) == ("DB/Train/ICE 1", MONDAY)
        assert departure.run == ""
        first, middle, last = departure.calls
        # Summer time in Germany is two hours ahead of UTC.
        assert (first.station, first.arrives_at, first.departs_at) == (
            "8002549", None, utc(2026, 6, 1, 6, 0),
        )  # fmt: skip
        assert (middle.arrives_at, middle.departs_at) == (
            utc(2026, 6, 1, 7, 15), utc(2026, 6, 1, 7, 18),
        )  # fmt: skip
        assert (last.arrives_at, last.departs_at) == (utc(2026, 6, 1, 11, 30), None)
        assert [(call.may_board, call.may_alight) for call in departure.calls] == [
            (True, False),
            (True, True),
            (False, True),
        ]
        # As the crow flies: Hamburg to Hannover 132 km, Hannover to München 488 km.
        assert [round(call.distance_m / 1000) for call in departure.calls] == [0, 132, 620]

    def test_counts_and_days(self, read):
        reading = read()
        assert (reading.draft.departure_count, reading.call_count) == (1, 3)
        assert (reading.draft.first_date, reading.draft.last_date) == (MONDAY, MONDAY)
        assert reasons(reading) == {}

    def test_stations_with_codes_zone_and_city(self, read):
        draft = read().draft
        munich = next(station for station in draft.stations if station.name == "München Hbf")
        assert (munich.code, munich.kind, munich.tz) == ("8000261", "railStation", "Europe/Berlin")
        assert {(code.scheme, code.code) for code in munich.codes} == {
            ("gtfs:test", "8000261"),
            ("uic", "8000261"),
        }
        assert [name.name for name in munich.names] == ["Muenchen Hbf"]
        assert [city.name for city in draft.cities] == ["Hamburg", "Hannover", "München"]

    def test_carrier_service_and_what_it_is_sold_by(self, read):
        draft = read().draft
        [carrier], [service], [vehicle] = draft.carriers, draft.services, draft.vehicles
        assert (carrier.code, carrier.name, carrier.currency) == ("DB", "Deutsche Bahn", "EUR")
        assert service.facts == TrainFacts("ICE", stars=5)
        assert (service.number, service.tariff) == ("ICE 1", "rail")
        assert (vehicle.carrier, vehicle.seat_map) == ("DB", "high-speed")
        assert [tariff.code for tariff in draft.tariffs] == ["rail"]
        assert [seat_map.code for seat_map in draft.seat_maps] == ["high-speed"]

    def test_it_may_be_gone_through_again(self, read):
        reading = read()
        assert departures(reading) == departures(reading)

    def test_the_digest_tells_windows_apart(self, make_feed, read):
        path = make_feed()
        assert read(path).digest == read(path).digest
        assert read(path).digest != read(path, days=7).digest


class TestHowFilesAreWritten:
    def test_byte_order_mark_quotes_crlf_blanks_and_more_columns(self, read):
        stops = (
            "\ufeffstop_name,stop_id,zone_id,stop_lon,stop_lat\r\n"
            '"Hamburg, Hbf",8002549,,10.006909, 53.552733\r\n'
            '"Hannover ""Hbf""","8000152",z,9.741017,52.376764\r\n'
            "\r\n"
            "München Hbf ,8000261,z,11.558339,48.140229"
        )
        reading = read({"stops.txt": stops.encode()})
        assert [station.name for station in reading.draft.stations] == [
            'Hannover "Hbf"',
            "München Hbf",
            "Hamburg, Hbf",
        ]
        assert len(departures(reading)) == 1

    def test_every_file_may_have_a_mark(self, read):
        marked = {name: "\ufeff" + text for name, text in FEED.items()}
        assert departures(read(marked)) == departures(read())

    @pytest.mark.parametrize(
        ("name", "content", "reason"),
        [
            ("stops.txt", b"stop_id,stop_name\n1,M\xfcnchen\n", "is not UTF-8"),
            ("stops.txt", b"stop_id,stop_name\n1,a\x00b\n", "holds a NUL character"),
            ("stops.txt", b"x" * 300_000, "is longer than 262144 bytes"),
            ("trips.txt", b"route_id,trip_id\nr,t\n", "a required column is missing"),
            ("trips.txt", b"route_id,service_id,trip_id,trip_id\n", "a column stands twice"),
            ("agency.txt", b"agency_name,agency_timezone\nX,Mars/Base\n",
             "agency_timezone is no time zone"),
            ("agency.txt", b"agency_name,agency_timezone\n", "names no agency"),
            ("stop_times.txt", b"", "a required column is missing"),
            ("calendar_dates.txt", b"service_id,date,exception_type\n", "no day of service"),
            ("trips.txt", b"route_id,service_id,trip_id\n", "no departure in the window"),
        ],
    )  # fmt: skip
    def test_a_broken_file_stops_the_reading(self, read, name, content, reason):
        with pytest.raises(SourceBroken) as refused:
            read({name: content})
        assert reason in {finding.reason for finding in refused.value.report}

    def test_a_wrong_feed_code_stops_it(self, read):
        with pytest.raises(SourceBroken):
            read(feed="no spaces please")


class TestDays:
    def test_a_weekly_rule_with_exceptions(self, read):
        reading = read(
            {
                "calendar.txt": "service_id,monday,tuesday,wednesday,thursday,friday,saturday,"
                "sunday,start_date,end_date\ns,1,0,0,0,0,0,0,20260601,20260630\n",
                "calendar_dates.txt": "service_id,date,exception_type\n"
                "s,20260608,2\ns,20260610,1\n",
            }
        )
        assert dates_of(reading) == [
            MONDAY, date(2026, 6, 10), date(2026, 6, 15), date(2026, 6, 22), date(2026, 6, 29),
        ]  # fmt: skip

    def test_against_a_plain_calendar(self, read):
        """Any rule and any exceptions: the days are those that a simple loop finds."""
        dice = random.Random(20260601)
        for _ in range(25):
            week = [dice.randint(0, 1) for _ in range(7)]
            start = MONDAY + timedelta(days=dice.randrange(30))
            end = start + timedelta(days=dice.randrange(40))
            touched = dice.sample(range(-5, 75), 12)
            exceptions = {MONDAY + timedelta(days=n): dice.choice("12") for n in touched}
            expected = [
                day
                for day in (MONDAY + timedelta(days=n) for n in range(-10, 90))
                if exceptions.get(day) == "1"
                or (exceptions.get(day) != "2" and start <= day <= end and week[day.weekday()])
            ]
            if not expected:
                continue
            reading = read(
                {
                    "calendar.txt": "service_id,monday,tuesday,wednesday,thursday,friday,saturday,"
                    f"sunday,start_date,end_date\ns,{','.join(map(str, week))},"
                    f"{start:%Y%m%d},{end:%Y%m%d}\n",
                    "calendar_dates.txt": "service_id,date,exception_type\n"
                    + "".join(f"s,{day:%Y%m%d},{kind}\n" for day, kind in exceptions.items()),
                }
            )
            assert dates_of(reading) == expected
            assert (reading.draft.first_date, reading.draft.last_date) == (
                expected[0], expected[-1],
            )  # fmt: skip

    DAILY = {
        "calendar.txt": "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,"
        "start_date,end_date\ns,1,1,1,1,1,1,1,20260601,20260630\n",
        "calendar_dates.txt": None,
    }

    def test_a_window(self, read):
        reading = read(self.DAILY, first_day=date(2026, 6, 10), days=3)
        assert dates_of(reading) == [date(2026, 6, day) for day in (10, 11, 12)]
        assert (reading.draft.first_date, reading.draft.last_date) == (
            date(2026, 6, 10), date(2026, 6, 12),
        )  # fmt: skip

    def test_a_window_never_reaches_beyond_the_feed(self, read):
        reading = read(self.DAILY, first_day=date(2026, 6, 29), days=10)
        assert reading.draft.last_date == date(2026, 6, 30)

    def test_a_window_after_the_feed_is_refused(self, read):
        with pytest.raises(SourceBroken):
            read(self.DAILY, first_day=date(2026, 7, 1), days=3)

    def test_shifting_keeps_weekdays(self, read):
        # The feed begins on a Monday; 2027-01-06 is a Wednesday, so its first Wednesday goes there.
        reading = read(self.DAILY, shift_to=date(2027, 1, 6), days=2)
        assert dates_of(reading) == [date(2027, 1, 6), date(2027, 1, 7)]
        # Winter now: eight o'clock in Hamburg is seven o'clock UTC.
        assert departures(reading)[0].calls[0].departs_at == utc(2027, 1, 6, 7, 0)

    def test_shifting_to_the_first_weekday_loses_nothing(self, read):
        reading = read(self.DAILY, shift_to=date(2027, 1, 4))
        assert dates_of(reading) == [date(2027, 1, 4) + timedelta(days=n) for n in range(30)]


def night_train(first: str, second: str, days: str = "s,20260328,1\n") -> dict[str, str]:
    return {
        "stop_times.txt": "trip_id,arrival_time,departure_time,stop_id,stop_sequence\n"
        f"t,{first},{first},8002549,1\nt,{second},{second},8000261,2\n",
        "calendar_dates.txt": "service_id,date,exception_type\n" + days,
    }


class TestTimes:
    def test_past_midnight(self, read):
        [departure] = departures(read(night_train("23:50:00", "31:05:00", "s,20260601,1\n")))
        assert departure.travel_date == MONDAY
        assert departure.calls[1].arrives_at == utc(2026, 6, 2, 5, 5)

    def test_a_start_past_midnight_is_found_under_its_own_day(self, read):
        reading = read(night_train("25:30:00", "31:05:00", "s,20260601,1\ns,20260602,1\n"))
        # The service days are the 1st and 2nd; the second train leaves after the feed's last day.
        [departure] = departures(reading)
        assert departure.travel_date == date(2026, 6, 2)
        assert departure.calls[0].departs_at == utc(2026, 6, 1, 23, 30)

    def test_the_night_of_23_hours(self, read):
        # Leaves 28 March 2026 23:30 CET = 22:30 UTC; at 30:00:00, noon less 12 h is 23:00 UTC of
        # the 27th, so it arrives at 05:00 UTC: seven o'clock, not six, by clocks gone forward.
        [departure] = departures(read(night_train("23:30:00", "30:00:00")))
        first, last = departure.calls
        assert first.departs_at == utc(2026, 3, 28, 22, 30)
        assert last.arrives_at == utc(2026, 3, 29, 5, 0)
        assert last.arrives_at.astimezone(BERLIN).hour == 7

    def test_the_day_of_23_hours(self, read):
        [departure] = departures(read(night_train("08:00:00", "14:00:00", "s,20260329,1\n")))
        assert departure.calls[0].departs_at == utc(2026, 3, 29, 6, 0)
        assert departure.travel_date == date(2026, 3, 29)

    def test_the_day_of_25_hours(self, read):
        [departure] = departures(read(night_train("08:00:00", "14:00:00", "s,20261025,1\n")))
        assert departure.calls[0].departs_at == utc(2026, 10, 25, 7, 0)
        assert departure.travel_date == date(2026, 10, 25)

    def test_the_night_of_25_hours(self, read):
        [departure] = departures(read(night_train("23:30:00", "30:00:00", "s,20261024,1\n")))
        first, last = departure.calls
        # On 24 October noon is 10:00 UTC: 23:30 is 21:30 UTC, 30:00:00 is 04:00 UTC, five o'clock.
        assert first.departs_at == utc(2026, 10, 24, 21, 30)
        assert last.arrives_at == utc(2026, 10, 25, 4, 0)
        assert last.arrives_at.astimezone(BERLIN).hour == 5

    def test_the_agency_of_the_route_sets_the_clock(self, read):
        reading = read(
            {
                "agency.txt": "agency_id,agency_name,agency_timezone\n"
                "DB,DB,Europe/Berlin\nGB,British,Europe/London\n",
                "routes.txt": "route_id,agency_id,route_short_name,route_type\n"
                "r,DB,ICE 1,2\nq,GB,EST 9,2\n",
                "trips.txt": TRIPS + "q,s,u\n",
                "stop_times.txt": STOP_TIMES
                + "u,08:00:00,08:00:00,8002549,1\nu,10:00:00,10:00:00,8000261,2\n",
            }
        )
        starts = {d.service: d.calls[0].departs_at for d in departures(reading)}
        assert starts == {
            "DB/Train/ICE 1": utc(2026, 6, 1, 6, 0),
            "GB/Train/EST 9": utc(2026, 6, 1, 7, 0),
        }

    def test_the_zone_of_a_stop_is_for_its_clock_and_its_day_only(self, read):
        stops = (
            "stop_id,stop_name,stop_lat,stop_lon,stop_timezone\n"
            "a,Moskva,55.776673,37.579809,Europe/Moscow\nb,Smolensk,54.798,32.034,\n"
        )
        files = {
            "stops.txt": stops,
            "stop_times.txt": "trip_id,arrival_time,departure_time,stop_id,stop_sequence\n"
            "t,23:30:00,23:30:00,a,1\nt,28:00:00,28:00:00,b,2\n",
            "calendar_dates.txt": "service_id,date,exception_type\ns,20260601,1\ns,20260602,1\n",
        }
        [departure] = departures(read(files, first_day=date(2026, 6, 2)))
        # 23:30 in Berlin is 00:30 in Moscow: the instant is by Berlin's clock, the day by Moscow's.
        assert departure.calls[0].departs_at == utc(2026, 6, 1, 21, 30)
        assert departure.travel_date == date(2026, 6, 2)

    def test_blank_times_are_worked_out_by_the_way(self, read):
        stops = (
            "stop_id,stop_name,stop_lat,stop_lon\na,Aa,0.0,10.0\nb,Bb,0,11\nc,Cc,0,14\nd,Dd,0,15\n"
        )
        reading = read(
            {
                "stops.txt": stops,
                "stop_times.txt": "trip_id,arrival_time,departure_time,stop_id,stop_sequence\n"
                "t,08:00:00,08:00:00,a,1\nt,,,b,2\nt,,,c,3\nt,,10:30:00,d,4\n",
            }
        )
        [departure] = departures(reading)
        # One, three and one degrees of five: 150 minutes are 30, 90 and 30.
        moments = [call.arrives_at or call.departs_at for call in departure.calls]
        start = utc(2026, 6, 1, 6, 0)
        minutes = [round((moment - start).total_seconds() / 60) for moment in moments]
        assert minutes == [0, 30, 120, 150]

    def test_blank_times_never_go_back(self, read):
        dice = random.Random(7)
        for _ in range(20):
            count = dice.randint(3, 12)
            stops = "stop_id,stop_name,stop_lat,stop_lon\n" + "".join(
                f"s{n},Stop{n},{dice.choice([50.0, 50.1, 50.2])},8.5\n" for n in range(count)
            )
            moment, lines = 6 * 60, []
            for n in range(count):
                moment += dice.randint(0, 20)
                blank = 0 < n < count - 1 and dice.random() < 0.6
                text = "" if blank else f"{moment // 60:02}:{moment % 60:02}:00"
                lines.append(f"t,{text},{text},s{n},{n}\n")
            reading = read(
                {
                    "stops.txt": stops,
                    "stop_times.txt": "trip_id,arrival_time,departure_time,stop_id,stop_sequence\n"
                    + "".join(lines),
                }
            )
            [departure] = departures(reading)
            order = [
                moment
                for call in departure.calls
                for moment in (call.arrives_at, call.departs_at)
                if moment is not None
            ]
            assert order == sorted(order)
            assert len(order) == 2 * count - 2


class TestCalls:
    def test_who_may_board_and_alight(self, read):
        stop_times = (
            "trip_id,arrival_time,departure_time,stop_id,stop_sequence,pickup_type,drop_off_type\n"
            "t,08:00:00,08:00:00,8002549,1,0,0\n"
            "t,09:15:00,09:18:00,8000152,2,1,3\n"
            "t,13:30:00,13:30:00,8000261,3,,\n"
        )
        [departure] = departures(read({"stop_times.txt": stop_times}))
        assert [(call.may_board, call.may_alight) for call in departure.calls] == [
            (True, False),
            (False, True),
            (False, True),
        ]

    def test_a_trip_that_nobody_can_use(self, read):
        stop_times = STOP_TIMES + ("u,08:00:00,08:00:00,8002549,1\nu,10:00:00,10:00:00,8000261,2\n")
        stop_times = "\n".join(
            line + (",pickup_type" if n == 0 else ",1" if line.startswith("u") else ",0")
            for n, line in enumerate(stop_times.splitlines())
        )
        reading = read({"trips.txt": TRIPS + "r,s,u\n", "stop_times.txt": stop_times})
        assert len(departures(reading)) == 1
        assert reasons(reading) == {("stop_times.txt", "nobody may board and alight later"): 1}

    def test_a_station_called_twice(self, read):
        stop_times = STOP_TIMES + "t,14:00:00,14:05:00,8000152,4\nt,15:00:00,15:00:00,8002549,5\n"
        [departure] = departures(read({"stop_times.txt": stop_times}))
        assert [call.station for call in departure.calls] == [
            "8002549", "8000152", "8000261", "8000152", "8002549",
        ]  # fmt: skip

    def test_order_is_by_sequence_not_by_line(self, read):
        header, *lines = STOP_TIMES.splitlines()
        for order in itertools.permutations(lines):
            reading = read({"stop_times.txt": "\n".join([header, *order])})
            assert departures(reading) == departures(read())

    def test_platforms_fold_into_their_station(self, read):
        stops = (
            "stop_id,stop_name,stop_lat,stop_lon,location_type,parent_station,platform_code\n"
            "H,Hamburg Hbf,53.552733,10.006909,1,,\n"
            "H7,Hamburg Hbf Gleis 7,53.5527,10.0069,0,H,7\n"
            "H8,Hamburg Hbf Gleis 8,53.5527,10.0070,,H,8\n"
            "E,Hamburg entrance,,,2,H,\n"
            "M,München Hbf,48.140229,11.558339,,,\n"
        )
        stop_times = (
            "trip_id,arrival_time,departure_time,stop_id,stop_sequence\n"
            "t,08:00:00,08:00:00,H7,1\nt,13:30:00,13:30:00,M,2\n"
            "u,09:00:00,09:00:00,H8,1\nu,14:30:00,14:30:00,M,2\n"
        )
        reading = read(
            {"stops.txt": stops, "stop_times.txt": stop_times, "trips.txt": TRIPS + "r,s,u\n"}
        )
        assert {call.station for d in departures(reading) for call in d.calls[:1]} == {"test:H"}
        assert [d.calls[0].platform for d in departures(reading)] == ["7", "8"]
        hamburg = next(s for s in reading.draft.stations if s.code == "test:H")
        assert [code.code for code in hamburg.codes] == ["H", "H7", "H8"]
        assert hamburg.name == "Hamburg Hbf"

    def test_64_calls_are_the_most(self, read):
        def feed(count: int) -> dict[str, str]:
            lines = "".join(
                f"t,{8 + n // 60:02}:{n % 60:02}:00,{8 + n // 60:02}:{n % 60:02}:00,"
                f"{('8002549', '8000152')[n % 2]},{n}\n"
                for n in range(count)
            )
            others = "u,08:00:00,08:00:00,8002549,1\nu,10:00:00,10:00:00,8000261,2\n"
            return {
                "stop_times.txt": STOP_TIMES.splitlines()[0] + "\n" + lines + others,
                "trips.txt": TRIPS + "r,s,u\n",
            }

        assert max(len(d.calls) for d in departures(read(feed(64)))) == 64
        reading = read(feed(65))
        assert [len(d.calls) for d in departures(reading)] == [2]
        assert reasons(reading) == {("stop_times.txt", "a trip has more than 64 stops"): 1}

    def test_nobody_boards_at_a_timing_point(self, read):
        stops = STOPS + "8000001,Aachen Süd(Gr),50.73,6.04\n"
        stop_times = STOP_TIMES + "t,15:00:00,15:00:00,8000001,4\nt,16:00:00,16:00:00,8000152,5\n"
        [departure] = departures(read({"stops.txt": stops, "stop_times.txt": stop_times}))
        assert [(c.may_board, c.may_alight) for c in departure.calls][3] == (False, False)

    def test_one_time_that_goes_back_closes_that_stop_only(self, read):
        stop_times = STOP_TIMES.replace("09:15:00,09:18:00", "07:15:00,07:18:00")
        reading = read({"stop_times.txt": stop_times})
        [departure] = departures(reading)
        middle = departure.calls[1]
        assert (middle.may_board, middle.may_alight) == (False, False)
        assert departure.calls[0].departs_at < middle.arrives_at < departure.calls[2].arrives_at
        assert reasons(reading) == {
            ("stop_times.txt", "a time goes back: nobody may board or alight there"): 1
        }


BACK_AND_BACK = (
    "u,07:00:00,07:00:00,8000152,3\nu,06:00:00,06:00:00,8000261,4\nu,11:00:00,11:00:00,8000152,5\n"
)
TWO_TRIPS = {
    "trips.txt": TRIPS + "r,s,u\n",
    "stop_times.txt": STOP_TIMES + "u,08:00:00,08:00:00,8002549,1\nu,10:00:00,10:00:00,8000261,2\n",
}


class TestWhatIsSkipped:
    """One sound trip beside one that is not: the sound one is read, the other is reported."""

    @pytest.mark.parametrize(
        ("file", "text", "reason", "line"),
        [
            ("stop_times.txt", "u,08:00:00,08:00:00,NOWHERE,3\n", "stop_id is not known", 7),
            ("stop_times.txt", "u,8 o'clock,11:00:00,8000261,3\n", "not a time", 7),
            ("stop_times.txt", "u,12:00:00,11:00:00,8000261,3\n", "departs before it arrives", 7),
            ("stop_times.txt", "u,11:00:00,11:00:00,8000261,x\n", "stop_sequence is no number", 7),
            ("stop_times.txt", "u,11:00:00,11:00:00,8000152,2\n",
             "a stop_sequence stands twice in a trip", 5),
            ("stop_times.txt", "u,,,8000152,3\n", "the first or the last stop has no time", 5),
            ("stop_times.txt", BACK_AND_BACK, "times go back", 5),
            ("stop_times.txt", "v,11:00:00,11:00:00,8000152,3\n", "trip_id is not known", 7),
            ("trips.txt", "nobody,s,w\n", "route_id is not known", 4),
            ("trips.txt", "r,never,w\n", "service_id is not known", 4),
            ("trips.txt", "r,s,t\n", "a trip_id stands twice", 4),
            ("trips.txt", "r,s,\n", "trip_id is empty", 4),
            ("trips.txt", "r,s,w\n", "a trip has fewer than two stops", 4),
            ("trips.txt", "r,s,w,more,than,columns\n", "more values than columns", 4),
            ("stops.txt", "8000261,Again,1,1\n", "a stop_id stands twice", 5),
            ("stops.txt", "X,X,91,1\n", "a stop is nowhere on earth", 5),
            ("stops.txt", "X,X,,\n", "a stop is nowhere on earth", 5),
            ("stops.txt", "X,X,nan,1\n", "a stop is nowhere on earth", 5),
            ("stops.txt", "X,,1,1\n", "a stop has no name", 5),
            ("routes.txt", "q,NOBODY,,X 1,2\n", "agency_id is not known", 3),
            ("routes.txt", "q,DB,,X 1,tram\n", "route_type is no number", 3),
            ("routes.txt", "q,DB,,Tram 1,0\n", "route_type is not sold here", 3),
            ("calendar_dates.txt", "s,20260231,1\n", "not a date", 3),
            ("calendar_dates.txt", "s,20260602,3\n", "exception_type is not 1 or 2", 3),
            ("calendar_dates.txt", "s,20260601,2\n", "a day of a service_id stands twice", 3),
        ],
    )  # fmt: skip
    def test_is_reported_with_file_line_and_reason(self, read, file, text, reason, line):
        files = {**FEED, **TWO_TRIPS}
        reading = read({**files, file: files[file] + text})
        finding = next(found for found in reading.report if found.reason == reason)
        assert (finding.file, finding.count, finding.examples[0].line) == (file, 1, line)
        assert not reading.report.has_faults
        assert MONDAY in dates_of(reading)

    def test_a_bad_row_takes_its_trip_along_and_no_other(self, read):
        files = {**TWO_TRIPS}
        files["stop_times.txt"] += "u,12:00:00,12:00:00,NOWHERE,3\n"
        assert [len(d.calls) for d in departures(read(files))] == [3]

    def test_examples_are_few_however_much_is_wrong(self, read):
        stops = STOPS + "".join(f"x{n},Somewhere,100,0\n" for n in range(1000))
        [finding] = read({"stops.txt": stops}).report
        assert (finding.count, len(finding.examples)) == (1000, 5)

    def test_trips_of_a_left_out_route_are_one_finding_each(self, read):
        reading = read(
            {
                "routes.txt": FEED["routes.txt"] + "q,DB,,Tram 1,0\n",
                "trips.txt": TRIPS + "q,s,u\n",
                "stop_times.txt": TWO_TRIPS["stop_times.txt"],
            }
        )
        assert reasons(reading) == {
            ("routes.txt", "route_type is not sold here"): 1,
            ("trips.txt", "its route is left out"): 1,
        }


class TestDamage:
    def test_no_damage_is_a_crash(self, make_feed, read):
        """Whatever is damaged, the feed is read or refused with a report; nothing else happens."""
        dice = random.Random(42)
        files = {**FEED, **TWO_TRIPS}
        files["frequencies.txt"] = (
            "trip_id,start_time,end_time,headway_secs\nu,06:00:00,08:00:00,900\n"
        )
        files["transfers.txt"] = "from_stop_id,to_stop_id,transfer_type\n8002549,8000261,2\n"
        read_count = refused = 0
        for _ in range(150):
            damaged = dict(files)
            for _ in range(dice.randint(1, 4)):
                name = dice.choice(list(damaged))
                damaged[name] = self.damage(damaged[name], dice)
            try:
                found = departures(read(damaged))
            except SourceBroken as error:
                refused += error.report.has_faults
            else:
                assert all(2 <= len(departure.calls) <= 64 for departure in found)
                read_count += 1
        assert read_count + refused == 150
        assert read_count > 20
        assert refused > 20

    def damage(self, text, dice):
        data = bytearray(text if isinstance(text, bytes) else text.encode())
        place = dice.randrange(len(data) + 1)
        kind = dice.randrange(5)
        if kind == 0:
            data[place:] = b""
        elif kind == 1:
            data[place:place] = dice.choice(
                [b'"', b",", b"\n", b"\xff", b"\r", b"\x00", b"-", b"9" * 30]
            )
        elif kind == 2:
            data[place : place + dice.randint(1, 20)] = b""
        elif kind == 3:
            lines = bytes(data).splitlines(keepends=True)
            rows = dice.sample(lines[1:], len(lines[1:]))
            data = bytearray(b"".join([*lines[:1], *rows, *rows[:1]]))
        elif data:
            data[place % len(data)] = dice.randrange(256)
        return bytes(data)


class TestNumbers:
    @pytest.mark.parametrize(
        ("short", "long", "trip", "number"),
        [
            ("", "ICE 1672", "", "ICE 1672"),
            ("ICE", "Hamburg - München", "1672", "ICE 1672"),
            ("ICE", "", "ICE 1672", "ICE 1672"),
            ("S1", "", "38112", "38112"),
            ("042", "Airport bus", "", "042"),
            ("", "", "", "r"),
        ],
    )
    def test_what_people_know_a_service_by(self, read, short, long, trip, number):
        reading = read(
            {
                "routes.txt": "route_id,agency_id,route_short_name,route_long_name,route_type\n"
                f"r,DB,{short},{long},2\n",
                "trips.txt": f"route_id,service_id,trip_id,trip_short_name\nr,s,t,{trip}\n",
            }
        )
        assert [service.number for service in reading.draft.services] == [number]

    @pytest.mark.parametrize(
        ("route_type", "mode", "kind", "facts"),
        [
            ("2", "Train", "railStation", TrainFacts),
            ("106", "Train", "railStation", TrainFacts),
            ("3", "Bus", "coachStop", BusFacts),
            ("202", "Bus", "coachStop", BusFacts),
            ("715", "Bus", "coachStop", BusFacts),
            ("1102", "Plane", "airport", FlightFacts),
        ],
    )
    def test_route_types_and_their_extensions(self, read, route_type, mode, kind, facts):
        draft = read(
            {
                "routes.txt": "route_id,agency_id,route_short_name,route_type\n"
                f"r,DB,X 1,{route_type}\n"
            }
        ).draft
        assert (draft.services[0].mode, draft.stations[0].kind) == (mode, kind)
        assert isinstance(draft.services[0].facts, facts)

    def test_airports_by_their_iata_code(self, read):
        stops = (
            "stop_id,stop_code,stop_name,stop_lat,stop_lon\n"
            "1,HAM,Hamburg Airport,53.63,9.99\n2,MUC,München Airport,48.35,11.79\n"
        )
        draft = read(
            {
                "stops.txt": stops,
                "routes.txt": "route_id,agency_id,route_short_name,route_type\nr,DB,LH 1,1100\n",
                "stop_times.txt": "trip_id,arrival_time,departure_time,stop_id,stop_sequence\n"
                "t,08:00:00,08:00:00,1,1\nt,09:15:00,09:15:00,2,2\n",
            }
        ).draft
        assert [station.code for station in draft.stations] == ["HAM", "MUC"]
        assert "iata" in {code.scheme for code in draft.stations[0].codes}

    def test_two_trains_of_one_number_on_a_day_are_two_runs(self, read):
        files = dict(TWO_TRIPS)
        files["trips.txt"] += "r,s,v\n"
        files["stop_times.txt"] += "v,18:00:00,18:00:00,8002549,1\nv,20:00:00,20:00:00,8000261,2\n"
        found = departures(read(files))
        assert [d.run for d in found] == [
            "8002549-8000261", "8002549-8000261-2", "8002549-8000261-3",
        ]  # fmt: skip
        starts = [d.calls[0].departs_at for d in found]
        assert starts == sorted(starts)


class TestFrequencies:
    @pytest.mark.parametrize("exact", ["0", "1", ""])
    def test_every_so_often_becomes_dated_departures(self, read, exact):
        reading = read(
            {
                "frequencies.txt": "trip_id,start_time,end_time,headway_secs,exact_times\n"
                f"t,06:00:00,08:00:00,3600,{exact}\nt,20:30:00,20:31:00,600,{exact}\n"
            }
        )
        starts = [d.calls[0].departs_at for d in departures(reading)]
        # At 6, 7 and half past eight in the evening; 8 o'clock is the end, and not one of them.
        assert starts == [utc(2026, 6, 1, 4, 0), utc(2026, 6, 1, 5, 0), utc(2026, 6, 1, 18, 30)]
        # Each keeps the trip's own pace: an hour and a quarter to the second stop.
        assert all(
            d.calls[1].arrives_at - d.calls[0].departs_at == timedelta(minutes=75)
            for d in departures(reading)
        )
        assert len({d.run for d in departures(reading)}) == 3

    @pytest.mark.parametrize(
        "row", ["t,06:00:00,08:00:00,0", "t,06:00:00,30:00:00,1", "t,08:00:00,06:00:00,600",
                "nobody,06:00:00,08:00:00,600"],
    )  # fmt: skip
    def test_what_cannot_be_is_skipped(self, read, row):
        reading = read({"frequencies.txt": f"trip_id,start_time,end_time,headway_secs\n{row}\n"})
        assert len(departures(reading)) == 1
        assert [finding.file for finding in reading.report] == ["frequencies.txt"]


class TestTransfers:
    STOPS = STOPS + "8002553,Hamburg-Altona,53.552697,9.935175\n"
    TIMES = STOP_TIMES + "t,14:00:00,14:00:00,8002553,4\n"

    def changes(self, read, text):
        reading = read(
            {
                "stops.txt": self.STOPS,
                "stop_times.txt": self.TIMES,
                "transfers.txt": "from_stop_id,to_stop_id,transfer_type,min_transfer_time\n" + text,
            }
        )
        return {
            (change.from_station, change.to_station): change.minutes
            for change in reading.draft.minimum_changes
        }, reasons(reading)

    def test_the_profile_speaks_where_the_feed_is_silent(self, read):
        changes, _ = self.changes(read, "")
        assert changes["8002549", "8002549"] == 8
        # Hamburg Hbf and Altona are 4.74 km apart: 15 minutes and 4 for each kilometre, rounded up.
        assert changes["8002549", "8002553"] == 15 + 19
        assert ("8002549", "8000261") not in changes

    def test_the_feed_comes_first(self, read):
        changes, _ = self.changes(
            read,
            "8002549,8002549,2,601\n8002549,8002553,3,\n8002553,8002549,2,1200\n"
            "8002549,8000261,2,60\n8000261,8002549,0,\n",
        )
        # 601 seconds are more than ten minutes, so eleven.
        assert changes["8002549", "8002549"] == 11
        assert changes["8002549", "8002553"] is None
        assert changes["8002553", "8002549"] == 20
        assert changes["8002549", "8000261"] == 1
        assert ("8000261", "8002549") not in changes

    def test_nonsense_is_reported(self, read):
        _, found = self.changes(read, "8002549,NOBODY,2,60\n8002549,8002549,2,soon\n")
        assert found == {
            ("transfers.txt", "stop_id is not known"): 1,
            ("transfers.txt", "min_transfer_time is out of range"): 1,
        }
