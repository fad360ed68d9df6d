"""Airports and their corrections."""

from __future__ import annotations

from pathlib import Path

import pytest

from inventory.timetable.flights.airports import find_cities, load_airports
from inventory.timetable.flights.profile import load_flight_profile
from inventory.timetable.places import PlacesBroken, load_places

HEADER = "code,icao,name,city,country,latitude,longitude,tz\n"


def corrected(folder: Path, rows: str):
    path = folder / "airports.csv"
    path.write_text(HEADER + rows, encoding="utf-8")
    return load_airports(path)


class TestCorrections:
    def test_ship_with_the_airport_of_brussels(self):
        airport = load_airports()["BRU"]
        assert (airport.latitude, airport.longitude) == (50.9014, 4.4844)

    def test_what_is_empty_stays(self, tmp_path):
        airport = corrected(tmp_path, "HAM,,Hamburg-Fuhlsbüttel,,,,,\n")["HAM"]
        assert (airport.name, airport.city, airport.tz) == (
            "Hamburg-Fuhlsbüttel", "Hamburg", "Europe/Berlin",
        )  # fmt: skip

    def test_a_new_airport(self, tmp_path):
        airport = corrected(tmp_path, "QQQ,,New,Newtown,GB,51.5,0,Europe/London\n")["QQQ"]
        assert (airport.city, airport.latitude) == ("Newtown", 51.5)

    @pytest.mark.parametrize(
        ("row", "said"),
        [
            ("Q,,,,,,,\n", "line 2: code"),
            ("QQQ,,New,Newtown,GB,north,0,Europe/London\n", "line 2: latitude"),
            ("QQQ,,New,Newtown,GB,91,0,Europe/London\n", "on earth"),
            ("QQQ,,New,Newtown,GB,nan,0,Europe/London\n", "on earth"),
            ("QQQ,,New,Newtown,GB,,,Europe/London\n", "on earth"),
            ("QQQ,,New,Newtown,UK!,51,0,Europe/London\n", "country"),
            ("QQQ,,New,Newtown,GB,51,0,Mars/Base\n", "time zone"),
            ("QQQ,,,Newtown,GB,51,0,Europe/London\n", "name"),
        ],
    )
    def test_what_cannot_be_is_refused(self, tmp_path, row, said):
        with pytest.raises(PlacesBroken, match=said):
            corrected(tmp_path, row)

    def test_a_file_without_its_columns_is_refused(self, tmp_path):
        path = tmp_path / "airports.csv"
        path.write_text("code,name\nHAM,x\n", encoding="utf-8")
        with pytest.raises(PlacesBroken, match="columns are missing"):
            load_airports(path)

    def test_a_file_that_is_not_there_is_refused(self, tmp_path):
        with pytest.raises(PlacesBroken):
            load_airports(tmp_path / "none.csv")


class TestFindCities:
    def test_towns_of_one_name_keep_their_codes(self):
        airports = load_airports()
        rule = load_flight_profile().places
        _, city_of = find_cities(airports, known=load_places(), rule=rule)
        assert city_of["LHR"] == city_of["LTN"] == city_of["STN"] == "gb-london"
        assert city_of["MUC"] == "de-munchen"
        # Oregon and Maine; London is in Ontario as well.
        assert city_of["PDX"] != city_of["PWM"]
        assert city_of["YXU"] == "ca-london"
