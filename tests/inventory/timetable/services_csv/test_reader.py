"""Sheets, read: departures with their times, and what is said of every mistake."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from inventory.timetable.draft import BusFacts, FlightFacts, TrainFacts
from inventory.timetable.reading import Reading
from inventory.timetable.report import SourceBroken
from tests.inventory.timetable.services_csv.conftest import SHEETS

HEADER = "line,number,leaves,days,vehicle,from,to,except,also,prices\n"


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


def departures(reading: Reading):
    return list(reading.draft.departures())


def days(reading: Reading) -> list[str]:
    return [str(departure.travel_date)[5:] for departure in departures(reading)]


def one(read, day: date, row: str = "x,X 1,08:30,daily,big"):
    reading = read(
        {"departures.csv": "line,number,leaves,days,vehicle\n" + row + "\n"},
        first_day=day,
        days=1,
    )
    [departure] = departures(reading)
    return departure


class TestADeparture:
    def test_has_its_calls(self, read):
        # Half past eight in Berlin in January is 07:30 UTC.
        first, middle, last = one(read, date(2026, 1, 12)).calls
        assert [call.station for call in (first, middle, last)] == ["acme:A", "acme:B", "acme:C"]
        assert (first.arrives_at, first.departs_at) == (None, utc(2026, 1, 12, 7, 30))
        assert (middle.arrives_at, middle.departs_at) == (
            utc(2026, 1, 12, 8, 30),
            utc(2026, 1, 12, 8, 40),
        )
        assert (last.arrives_at, last.departs_at) == (utc(2026, 1, 12, 10, 40), None)
        # One degree, and then two more.
        assert [round(call.distance_m / 1000, 1) for call in (first, middle, last)] == [
            0, 111.2, 333.6,
        ]  # fmt: skip
        assert [(call.may_board, call.may_alight) for call in (first, middle, last)] == [
            (True, False), (True, True), (False, True),
        ]  # fmt: skip

    def test_arrives_the_day_after(self, read):
        # 22:30 in Berlin is 21:30 UTC; 190 minutes later it is 00:40 UTC of the next day.
        departure = one(read, date(2026, 1, 12), "x,X 1,22:30,daily,big")
        assert departure.travel_date == date(2026, 1, 12)
        assert departure.calls[-1].arrives_at == utc(2026, 1, 13, 0, 40)

    @pytest.mark.parametrize(
        ("day", "clock", "leaves", "arrives"),
        [
            # In the night to 29 March 2026 02:00 becomes 03:00; 190 minutes stay 190 minutes.
            (date(2026, 3, 28), "23:30", utc(2026, 3, 28, 22, 30), utc(2026, 3, 29, 1, 40)),
            (date(2026, 3, 29), "02:30", utc(2026, 3, 29, 1, 30), utc(2026, 3, 29, 4, 40)),
            (date(2026, 3, 29), "08:30", utc(2026, 3, 29, 6, 30), utc(2026, 3, 29, 9, 40)),
            # In the night to 25 October 2026 03:00 becomes 02:00: the first 02:30 is taken.
            (date(2026, 10, 24), "23:30", utc(2026, 10, 24, 21, 30), utc(2026, 10, 25, 0, 40)),
            (date(2026, 10, 25), "02:30", utc(2026, 10, 25, 0, 30), utc(2026, 10, 25, 3, 40)),
            (date(2026, 10, 25), "08:30", utc(2026, 10, 25, 7, 30), utc(2026, 10, 25, 10, 40)),
        ],
    )
    def test_leaves_by_the_clock_when_the_clocks_change(self, read, day, clock, leaves, arrives):
        departure = one(read, day, f"x,X 1,{clock},daily,big")
        assert departure.travel_date == day
        assert departure.calls[0].departs_at == leaves
        assert departure.calls[-1].arrives_at == arrives

    def test_lets_board_where_it_says(self, read):
        lines = "line,stop,minutes,boarding\nx,A,0,\nx,B,60,board\nx,B2,65,alight\nx,C,190,\n"
        stops = SHEETS["stops.csv"] + "B2,Beta,Beta,0,2.1,\n"
        calls = departures(read({"lines.csv": lines, "stops.csv": stops}))[0].calls
        assert [(call.may_board, call.may_alight) for call in calls] == [
            (True, False), (True, False), (False, True), (False, True),
        ]  # fmt: skip


class TestDays:
    @pytest.mark.parametrize(
        ("row", "expected"),
        [
            # 12 January 2026 is a Monday.
            ("x,X 1,08:30,daily,big,,,,,", "01-12 01-13 01-14 01-15 01-16 01-17 01-18"),
            ("x,X 1,08:30,Sat Sun,big,,,,,", "01-17 01-18"),
            ("x,X 1,08:30,Fri-Mon,big,,,,,", "01-12 01-16 01-17 01-18"),
            ("x,X 1,08:30,1-3,big,,,,,", "01-12 01-13 01-14"),
            ("x,X 1,08:30,daily,big,2026-01-17,,,,", "01-17 01-18"),
            ("x,X 1,08:30,daily,big,,13.01.2026,,,", "01-12 01-13"),
            ("x,X 1,08:30,Mon-Fri,big,,,13.1.2026..15.1.2026,,", "01-12 01-16"),
            ("x,X 1,08:30,Mon,big,,,,2026-01-14 2026-01-18,", "01-12 01-14 01-18"),
            ("x,X 1,08:30,Mon,big,2027-01-01,,,2026-01-14,", "01-14"),
        ],
    )
    def test_weekdays_spans_and_exceptions(self, read, row, expected):
        assert " ".join(days(read({"departures.csv": HEADER + row + "\n"}))) == expected

    def test_a_number_may_leave_at_other_times_on_other_days(self, read):
        rows = "x,X 1,08:30,Mon-Fri,big,,,,,\nx,X 1,10:00,Sat Sun,big,,,,,\n"
        reading = read({"departures.csv": HEADER + rows})
        assert len(departures(reading)) == 7
        assert [service.number for service in reading.draft.services] == ["X 1"]

    def test_counts_and_order(self, read):
        rows = "x,X 3,08:30,daily,big,,,,,\nx,X 1,10:00,Mon,big,,,,,\n"
        reading = read({"departures.csv": HEADER + rows})
        order = [(d.travel_date, d.service) for d in departures(reading)]
        assert order == sorted(order)
        assert (reading.draft.departure_count, reading.call_count) == (8, 24)
        assert departures(reading) == departures(reading)


class TestWhatIsSold:
    def test_seats_and_facts_of_a_coach(self, read):
        seats = "Business 2 A|CD + Economy 10 AB|CD without 12C 12D"
        draft = read({"vehicles.csv": f"vehicle,name,seats\nbig,Comfort coach,{seats}\n"}).draft
        business, economy = draft.seat_maps[0].coaches
        assert [seat.label for seat in business.seats] == ["1A", "1C", "1D", "2A", "2C", "2D"]
        assert len(economy.seats) == 38
        assert economy.seats[0].label == "3A"
        assert (business.label, economy.label) == ("Business", "Economy 2")
        assert draft.services[0].facts == BusFacts(kind="Comfort coach", seats_per_row=4)

    def test_free_seats_have_no_numbers(self, read):
        draft = read({"vehicles.csv": "vehicle,name,seats\nbig,Minibus,19 free\n"}).draft
        [coach] = draft.seat_maps[0].coaches
        assert len(coach.seats) == 19
        assert {seat.label for seat in coach.seats} == {""}
        assert len({(seat.row, seat.column) for seat in coach.seats}) == 19

    @pytest.mark.parametrize(
        ("kind", "mode", "facts"),
        [
            ("train", "Train", TrainFacts(category="X")),
            ("plane", "Plane", FlightFacts(aircraft="Thing")),
        ],
    )
    def test_trains_and_aircraft(self, read, kind, mode, facts):
        vehicles = f"vehicle,name,seats,kind,facilities\nbig,Thing,4 A|C,{kind},wifi toilet\n"
        [service] = read({"vehicles.csv": vehicles}).draft.services
        assert (service.mode, service.facts) == (mode, facts)
        assert service.facilities == ("wifi", "toilet")

    def test_a_fare(self, read):
        fares = (
            "number;fare;base;per_km;minimum;rounding;fee;tax_percent;child_percent;cancel\n"
            "7;Standard;3,90;0,085;6,90;0,10;0,5;19%;60;48h 0% | 2h 50% min 2,50 | 0h 100%\n"
        )
        [tariff] = read({"fares.csv": fares}).draft.tariffs
        [fare] = tariff.fares
        [version] = fare.versions
        assert (tariff.code, fare.number, fare.name) == ("standard", 7, "Standard")
        assert fare.travel_class == "Economy"
        assert (version.base_minor, version.minimum_minor, version.fee_minor) == (390, 690, 50)
        # 8.5 cents for a kilometre, in millionths.
        assert (version.per_km_micro, version.rounding_minor) == (8_500_000, 10)
        assert (version.tax_basis_points, version.child_percent) == (1900, 60)
        assert [
            (tier.minutes_before, tier.basis_points, tier.minimum_minor)
            for tier in version.penalty_tiers
        ] == [(2880, 0, 0), (120, 5000, 250), (0, 10000, 0)]

    def test_price_lists(self, read):
        fares = "number,fare,base,prices\n0,Day,3.90,\n0,Night,9.90,night\n1,Unused,1,other\n"
        rows = "x,X 1,08:30,daily,big,,,,,\nx,X 3,22:30,daily,big,,,,,night\n"
        draft = read({"fares.csv": fares, "departures.csv": HEADER + rows}).draft
        assert {tariff.code for tariff in draft.tariffs} == {"standard", "night"}
        assert {(s.number, s.tariff) for s in draft.services} == {
            ("X 1", "standard"),
            ("X 3", "night"),
        }

    def test_stops_and_cities(self, read):
        draft = read().draft
        assert [station.code for station in draft.stations] == ["acme:A", "acme:B", "acme:C"]
        assert [station.tz for station in draft.stations] == [
            "Europe/Berlin", "Europe/Berlin", "Europe/London",
        ]  # fmt: skip
        assert {station.kind for station in draft.stations} == {"coachStop"}
        assert {city.name for city in draft.cities} == {"Alpha", "Beta", "Gamma"}
        [carrier] = draft.carriers
        assert (carrier.code, carrier.name, carrier.currency) == ("acme", "Acme Coaches", "EUR")


class TestHowSheetsAreWritten:
    def test_marks_quotes_semicolons_and_blank_rows(self, read):
        stops = (
            "\ufefflongitude;latitude;city;name;stop;time_zone\r\n"
            '1;0;Alpha;"Alpha; ZOB";A;\r\n'
            ";;;;;\r\n"
            "\r\n"
            "2;0;Beta;Beta ZOB;B;\r\n"
            '4;0;Gamma;"Gamma ""Square""";C;Europe/London'
        )
        reading = read({"stops.csv": stops})
        assert [station.name for station in reading.draft.stations] == [
            "Alpha; ZOB", "Beta ZOB", 'Gamma "Square"',
        ]  # fmt: skip
        assert len(departures(reading)) == 5

    @pytest.mark.parametrize("mark", [";", "\t"])
    def test_columns_may_be_parted_by(self, read, mark):
        sheets = {name: text.replace(",", mark) for name, text in SHEETS.items()}
        assert departures(read(sheets)) == departures(read())


def faults(read, sheets) -> list[tuple[str, int | None, str, str]]:
    with pytest.raises(SourceBroken) as refused:
        read(sheets)
    return [
        (finding.file, example.line, finding.reason, example.quote)
        for finding in refused.value.report
        for example in finding.examples
    ]


class TestMistakes:
    """Each is told with its sheet, its line, its column, and what to write instead."""

    @pytest.mark.parametrize(
        ("sheet", "old", "new", "line", "said", "quote"),
        [
            ("company.csv", "EUR", "Euro", 2, "currency: write a currency's three", "Euro"),
            ("company.csv", "Europe/Berlin", "Berlin", 2, "time_zone: write a time zone", "Berlin"),
            ("company.csv", ",DE,", ",Germany,", 2, "country: write a country's two", "Germany"),
            ("company.csv", "acme", "a b", 2, "code: write at most 20", "a b"),
            ("stops.csv", "0,2,", "0,Ost,", 3, "longitude: write degrees", "Ost"),
            ("stops.csv", "0,2,", "91,2,", 3, "latitude: write degrees from -90", "91"),
            ("stops.csv", "B,Beta", "A,Beta", 3, "stop: stands twice", "A"),
            ("stops.csv", "Beta ZOB", "", 3, "name: must not be empty", ""),
            ("vehicles.csv", "10 AB|CD", "many", 2, "seats: write seats such as", "many"),
            ("vehicles.csv", "10 AB|CD", "10 AA|CD", 2, "seats: write one to nine", "10 AA|CD"),
            ("vehicles.csv", "10 AB|CD", "100 AB", 2, "seats: write seats such as", "100 AB"),
            ("vehicles.csv", "10 AB|CD", "0 AB", 2, "seats: write 1 to 99 rows", "0 AB"),
            ("vehicles.csv", "10 AB|CD", "2 A without 3A", 2, "seats: write after without", None),
            ("vehicles.csv", "10 AB|CD", "1 A without 1A", 2, "seats: leave a seat", None),
            ("vehicles.csv", "10 AB|CD", "999 free", 2, "seats: write 1 to 200", "999 free"),
            ("lines.csv", "x,B,60", "x,Q,60", 3, "stop: write one that stands in stops.csv", "Q"),
            ("lines.csv", "x,B,60", "x,A,60", 3, "stop: write another stop", "A"),
            ("lines.csv", "x,A,0", "x,A,5", 2, "minutes: write 0 at the first stop", "5"),
            ("lines.csv", "x,C,190", "x,C,69", 4, "at least 70", "69"),
            ("lines.csv", "x,C,190", "x,C,3h", 4, "minutes: write a whole number", "3h"),
            ("departures.csv", "08:30", "8.30", 2, "leaves: write a time as HH:MM", "8.30"),
            ("departures.csv", "08:30", "24:00", 2, "leaves: write a time as HH:MM", "24:00"),
            ("departures.csv", "Mon-Fri", "Mo-Fr", 2, "days: write daily, or days", "Mo-Fr"),
            ("departures.csv", "x,X", "y,X", 2, "line: write one that stands in lines.csv", "y"),
            ("departures.csv", "big", "huge", 2, "vehicle: write one that stands in", "huge"),
            ("departures.csv", "X 1", "", 2, "number: must not be empty", ""),
            ("fares.csv", "3.90", "3.905", 2, "base: write an amount in EUR such as", "3.905"),
            ("fares.csv", "3.90", "3.90 €", 2, "base: write an amount in EUR such as", "3.90 €"),
            ("fares.csv", "3.90", "-1", 2, "base: write an amount in EUR such as", "-1"),
            ("fares.csv", "0.085", "cheap", 2, "per_km: write an amount for each", "cheap"),
            ("fares.csv", "\n0,", "\n64,", 2, "number: write a whole number from 0 to 63", "64"),
        ],
    )
    def test_in_a_cell(self, read, sheet, old, new, line, said, quote):
        assert old in SHEETS[sheet]
        found = faults(read, {sheet: SHEETS[sheet].replace(old, new, 1)})
        [(reason, quoted)] = [place[2:] for place in found if place[:2] == (sheet, line)]
        assert said in reason
        assert quoted == (new if quote is None else quote)

    @pytest.mark.parametrize(
        ("row", "said"),
        [
            ("x,X 1,08:30,daily,big,24/12/2026,,,,", "column from: write a day as"),
            ("x,X 1,08:30,daily,big,30.2.2026,,,,", "column from: there is no such day"),
            ("x,X 1,08:30,daily,big,2026-02-01,2026-01-01,,,", "column to: write a day that"),
            ("x,X 1,08:30,daily,big,,,2026-02-02..2026-02-01,,", "column except: write the ear"),
            ("x,X 1,08:30,daily,big,,,,soon,", "column also: write a day as"),
            ("x,X 1,08:30,daily,big,,,,,cheap", "column prices: write a price list"),
        ],
    )
    def test_in_the_days_of_a_departure(self, read, row, said):
        [(file, line, reason, _)] = faults(read, {"departures.csv": HEADER + row + "\n"})
        assert (file, line) == ("departures.csv", 2)
        assert said in reason

    @pytest.mark.parametrize(
        ("column", "cell", "said"),
        [
            ("class", "Second", "write Economy, Business or VIP"),
            ("tax_percent", "120", "write a percentage from 0 to 100"),
            ("child_percent", "12.5", "write a whole percentage"),
            ("cancel", "free", "write tiers such as"),
            ("cancel", "0h 100% | 48h 0%", "from the most hours to the fewest"),
            ("sales_close_minutes", "-1", "write a whole number"),
            ("quota", "-1", "write a whole number"),
            ("valid_from", "always", "write a day as"),
        ],
    )
    def test_in_a_fare(self, read, column, cell, said):
        sheet = f"number,fare,base,{column}\n0,Standard,3.90,{cell}\n"
        [(file, line, reason, quote)] = faults(read, {"fares.csv": sheet})
        assert (file, line, quote) == ("fares.csv", 2, cell)
        assert reason.startswith(f"column {column}: ")
        assert said in reason

    @pytest.mark.parametrize(
        ("sheet", "content", "line", "said"),
        [
            ("fares.csv", None, None, "cannot be opened"),
            ("stops.csv", "stop,name\nA,Köln\n".encode("latin-1"), 2, "CSV UTF-8"),
            ("stops.csv", "stop,name\n", 1, "a required column is missing"),
            ("stops.csv", SHEETS["stops.csv"].replace("time_zone", "timezone"), 1, "is not known"),
            ("company.csv", SHEETS["company.csv"].splitlines()[0], None, "one row below"),
            ("lines.csv", "line,stop,minutes\nx,A,0\n", 2, "a row for each of its stops"),
            ("lines.csv", "line,stop,minutes,boarding\nx,A,0,alight\nx,B,60,\n", 2, "may board"),
            ("fares.csv", "number,fare,base\n0,Standard,3,90\n", 2, "more values than columns"),
            ("fares.csv", "number,fare,base\n0,A,3\n0,B,4\n", 3, "stands twice in this price list"),
            ("departures.csv", SHEETS["departures.csv"].splitlines()[0], None, "no departure in"),
        ],
    )
    def test_in_a_sheet(self, read, sheet, content, line, said):
        found = faults(read, {sheet: content})
        assert (sheet, line) in [(file, at) for file, at, _, _ in found]
        assert any(said in reason for _, _, reason, _ in found)

    def test_a_number_that_departs_twice_on_a_day(self, read):
        rows = "x,X 1,08:30,Mon-Fri,big,,,,,\nx,X 1,10:00,Fri Sat,big,,,,,\n"
        [(file, line, reason, quote)] = faults(read, {"departures.csv": HEADER + rows})
        assert (file, line) == ("departures.csv", 3)
        assert reason.startswith("column number: departs twice on a day")
        assert quote == "X 1 on 2026-01-16, and in line 2"

    def test_a_number_with_two_price_lists(self, read):
        rows = "x,X 1,08:30,Mon,big,,,,,\nx,X 1,10:00,Sat,big,,,,,night\n"
        fares = "number,fare,base,prices\n0,Day,3.90,\n0,Night,9.90,night\n"
        [(_, line, reason, _)] = faults(read, {"departures.csv": HEADER + rows, "fares.csv": fares})
        assert (line, reason) == (
            3,
            "column prices: write the same as in line 2, which has this number",
        )

    def test_all_of_them_are_told_at_once(self, read):
        sheets = {
            "stops.csv": SHEETS["stops.csv"].replace("0,1,", "x,y,"),
            "departures.csv": SHEETS["departures.csv"].replace("08:30,Mon-Fri", "noon,never"),
            "fares.csv": SHEETS["fares.csv"].replace("3.90", "cheap"),
        }
        assert {
            (file, reason.partition(":")[0]) for file, _, reason, _ in faults(read, sheets)
        } == {
            ("stops.csv", "column latitude"),
            ("stops.csv", "column longitude"),
            ("departures.csv", "column leaves"),
            ("departures.csv", "column days"),
            ("fares.csv", "column base"),
        }
