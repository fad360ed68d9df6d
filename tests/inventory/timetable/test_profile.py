from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from inventory.timetable.profile import PLAIN, ProfileBroken, load_profile

SMALL = """
name = "Small"
country = "DE"
currency = "EUR"

[[seat_maps]]
code = "one"
name = "One coach"
[[seat_maps.coaches]]
labels = ["1", "2"]
travel_class = "Economy"
layout = "AB|CD"
rows = 10

[[tariffs]]
code = "t"
name = "T"
[[tariffs.fares]]
number = 7
travel_class = "Economy"
name = "Saver"
valid_from = 2026-01-01
base = "7.90"
per_km = "0.085"
minimum = "12.90"
rounding = "0.10"
tax_percent = "7"
penalties = [{ hours_before = 24, percent = "12.5", minimum = "5.00" }]

[[services]]
mode = "Train"
tariff = "t"
seat_map = "one"
vehicle = "V"
route_types = ["2", "100-117"]
categories = ["ICE"]
"""


@pytest.fixture
def profile_of(tmp_path):
    def load(text):
        path = tmp_path / "profile.toml"
        path.write_text(text, encoding="utf-8")
        return load_profile(path)

    return load


class TestLoadProfile:
    def test_money_becomes_minor_units(self, profile_of):
        fare = (
            profile_of(SMALL)
            .tariffs[0]
            .fares[0]
            .draft(currency="EUR", zone=ZoneInfo("Europe/Berlin"))
        )
        version = fare.versions[0]
        assert (fare.number, version.base_minor, version.minimum_minor) == (7, 790, 1290)
        # 0.085 EUR are 8.5 cents, which are 8,500,000 millionths of a cent.
        assert version.per_km_micro == 8_500_000
        assert (version.rounding_minor, version.tax_basis_points) == (10, 700)
        assert version.valid_from == datetime(2025, 12, 31, 23, tzinfo=UTC)
        tier = version.penalty_tiers[0]
        assert (tier.minutes_before, tier.basis_points, tier.minimum_minor) == (1440, 1250, 500)

    def test_like_coaches_are_written_once(self, profile_of):
        coaches = profile_of(SMALL).seat_maps[0].draft().coaches
        assert [(coach.label, len(coach.seats)) for coach in coaches] == [("1", 40), ("2", 40)]

    def test_rules_match_by_type_and_category(self, profile_of):
        profile = profile_of(SMALL)
        assert profile.rule_for(route_type=105, agency="X", category="ice") is not None
        assert profile.rule_for(route_type=118, agency="X", category="ICE") is None
        assert profile.rule_for(route_type=2, agency="X", category="IC") is None

    @pytest.mark.parametrize(
        ("old", "new", "told"),
        [
            ('tariff = "t"', 'tariff = "x"', "no tariff 'x'"),
            ('seat_map = "one"', 'seat_map = "x"', "no seat map 'x'"),
            ('name = "Small"', "", "Profile"),
            ("rows = 10", 'rows = "10"', "must be int"),
            ("rows = 10", "rows = 100", "not within"),
            ("rows = 10", "rows = 10\nwheels = 4", "wheels"),
            ('travel_class = "Economy"', 'travel_class = "First"', "one of"),
            ('base = "7.90"', 'base = "7.905"', "decimal"),
            ('base = "7.90"', 'base = "-1"', "negative"),
            ('per_km = "0.085"', 'per_km = "cheap"', "decimal"),
            ('percent = "12.5"', 'percent = "101"', "percentage"),
            ("number = 7", "number = 64", "0 to 63"),
            ('"100-117"', '"rail"', "route type"),
            ('currency = "EUR"', "currency = EUR", "profile.toml"),
        ],
    )
    def test_refuses_what_cannot_hold(self, profile_of, old, new, told):
        with pytest.raises(ProfileBroken, match=told if told != "Profile" else "name"):
            profile_of(SMALL.replace(old, new, 1))

    def test_refuses_a_file_that_is_not_there(self, tmp_path):
        with pytest.raises(ProfileBroken, match=r"none\.toml"):
            load_profile(tmp_path / "none.toml")


class TestPlainProfile:
    def test_trains_are_of_a_believable_size(self):
        sizes = {
            rule.code: sum(len(coach.seats) for coach in rule.draft().coaches)
            for rule in load_profile(PLAIN).seat_maps
        }
        assert 400 <= sizes["intercity"] <= 800
        assert 400 <= sizes["high-speed"] <= 800
        assert 400 <= sizes["night"] <= 800
        assert sizes["coach"] == 53

    def test_every_class_of_a_seat_map_has_a_fare(self):
        profile = load_profile(PLAIN)
        seat_maps = {rule.code: rule for rule in profile.seat_maps}
        tariffs = {rule.code: rule for rule in profile.tariffs}
        for rule in profile.services:
            seats = {coach.travel_class for coach in seat_maps[rule.seat_map].coaches}
            fares = {fare.travel_class for fare in tariffs[rule.tariff].fares}
            assert seats == fares, rule

    @pytest.mark.parametrize(
        ("route_type", "category", "mode", "seat_map"),
        [
            (2, "ICE", "Train", "high-speed"),
            (101, "TGV", "Train", "high-speed"),
            (2, "IC", "Train", "intercity"),
            (2, "NJ", "Train", "night"),
            (106, "RE", "Train", "regional"),
            (2, "Bus", "Bus", "coach"),
            (3, "", "Bus", "coach"),
            (200, "", "Bus", "coach"),
            (1101, "LH", "Plane", "narrow-body"),
        ],
    )
    def test_what_runs_as_what(self, route_type, category, mode, seat_map):
        rule = load_profile(PLAIN).rule_for(route_type=route_type, agency="", category=category)
        assert (rule.mode, rule.seat_map) == (mode, seat_map)

    def test_local_transport_is_not_sold(self):
        assert load_profile(PLAIN).rule_for(route_type=0, agency="", category="") is None
