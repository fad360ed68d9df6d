"""Schedule profiles: what they say, and what they may not say."""

from __future__ import annotations

from datetime import time

import pytest

from inventory.timetable.flights.profile import FlightRule, load_flight_profile
from inventory.timetable.profile import ProfileBroken
from tests.inventory.timetable.flights.conftest import PROFILE


class TestTheShippedOne:
    def test_reaches_around_the_globe(self):
        profile = load_flight_profile()
        # Half the earth's circumference: no airport is further from another.
        assert profile.band(20_016_000) is not None
        assert profile.band(1) is profile.bands[0]

    @pytest.mark.parametrize(
        ("equipment", "size"),
        [
            ("320", "narrow-body"), ("738", "narrow-body"), ("73H", "narrow-body"),
            ("77W", "long-range"), ("388", "long-range"), ("788", "wide-body"),
            ("763", "wide-body"), ("313", "wide-body"), ("AT7", "turboprop"),
            ("DH4", "turboprop"), ("DHT", "light"), ("CNA", "light"), ("E90", "large-regional-jet"),
            ("CR2", "regional-jet"), ("100", "large-regional-jet"),
        ],
    )  # fmt: skip
    def test_knows_the_size_of_types(self, equipment, size):
        found = load_flight_profile().aircraft_for(equipment)
        assert found is not None
        assert found.code == size


class TestFlightRule:
    def test_times_are_five_minutes_apart_and_hold_both_ends(self):
        rule = FlightRule(earliest="23:45", latest="23:55")
        assert rule.times() == [time(23, 45), time(23, 50), time(23, 55)]

    @pytest.mark.parametrize(
        ("days_a_week", "turn", "days"),
        [
            (7, 3, {1, 2, 3, 4, 5, 6, 7}),
            # (place + turn) * 2 mod 7 of Monday to Sunday: 0 2 4 6 1 3 5; below 2 it runs.
            (2, 0, {1, 5}),
            (2, 1, {4, 7}),
            # (place) * 4 mod 7: 0 4 1 5 2 6 3; below 4 it runs.
            (4, 0, {1, 3, 5, 7}),
        ],
    )
    def test_days_are_spread_over_the_week(self, days_a_week, turn, days):
        rule = FlightRule("10:00", "10:00", days_a_week=days_a_week)
        assert rule.running_days(turn) == days

    def test_of_working_days_only_working_days(self):
        # Two of five: (place) * 2 mod 5 is 0 2 4 1 3; below 2 are Monday and Thursday.
        rule = FlightRule("10:00", "10:00", weekdays=(1, 2, 3, 4, 5), days_a_week=2)
        assert rule.running_days(0) == {1, 4}


class TestWhatIsRefused:
    @pytest.mark.parametrize(
        ("old", "new", "said"),
        [
            ('aircraft = "jet"', 'aircraft = "zeppelin"', "no such aircraft"),
            ('seat_map = "jet"', 'seat_map = "none"', "no such seat map"),
            ('tariff = "air"', 'tariff = "none"', "no such tariff"),
            ('earliest = "10:00"', 'earliest = "10:60"', "no time of day"),
            ('earliest = "10:00"', 'earliest = "11:00"', "latest is before earliest"),
            ("up_to_km = 5000", "up_to_km = 1000", "from the shortest to the longest"),
            ("cruise_kmh = 600", "cruise_kmh = 0", "cruise_kmh is not above 0"),
            ("ground_minutes = 30", "ground_minutes = -1", "ground_minutes"),
            ('code = "GBP"', 'code = "XQX"', "no currency"),
            ('code = "GBP"', 'code = "EUR"', "a currency stands twice"),
            ('rate = "0.86"', 'rate = "0"', "rate is not above 0"),
            ('rate = "0.86"', 'rate = "much"', "profile.toml"),
            ('base = "29.00"', 'base = "-1"', "negative"),
            ('base = "29.00"', 'base = "cheap"', "profile.toml"),
            ('layout = "AB|CD"', 'layout = "||"', "layout"),
            ('name = "Test"', 'nom = "Test"', "not known"),
            ('country = "JP"', 'currency = "USD"', "its currency has no rate"),
        ],
    )
    def test_what_cannot_hold(self, tmp_path, old, new, said):
        assert old in PROFILE
        path = tmp_path / "profile.toml"
        path.write_text(PROFILE.replace(old, new), encoding="utf-8")
        with pytest.raises(ProfileBroken, match=said):
            load_flight_profile(path)

    def test_no_flights_at_all(self, tmp_path):
        path = tmp_path / "profile.toml"
        path.write_text(
            PROFILE.replace('[{ earliest = "10:00", latest = "10:00" }]', "[]"), encoding="utf-8"
        )
        with pytest.raises(ProfileBroken, match="flights are not 1 to 24"):
            load_flight_profile(path)
