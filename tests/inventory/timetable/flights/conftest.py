"""
A small world on the equator, where distances can be reckoned by hand.

A degree there is 6371.009 km * pi / 180 = 111.195 km.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import airportsdata
import pytest

from inventory.timetable.flights import FlightOptions, read_flights
from inventory.timetable.flights.profile import load_flight_profile
from inventory.timetable.reading import Reading

#: QQA and QQB are nine degrees apart, QQC and QQD ten, across the date line.
AIRPORTS = """code,icao,name,city,country,latitude,longitude,tz
QQA,QQAA,Alphastadt Airport,Alphastadt,DE,0,0,Europe/Berlin
QQB,,Betastadt Airport,Betastadt,DE,0,9,Europe/Berlin
QQC,,Cape Airport,Capetown East,NZ,0,180,Pacific/Auckland
QQD,,Delta Airport,Deltaville,US,0,-170,Pacific/Honolulu
QQE,,Echo Airport,Echostadt,DE,0,40,Asia/Karachi
"""
AIRLINES = """1,"Alpha Air",\\N,"AX","ALX","ALPHA","Germany","Y"
2,"Bravo Airways",\\N,"BX","BRX","BRAVO","United Kingdom","Y"
3,"Charlie",\\N,"CX","CHX","CHARLIE","Nowhere Land","Y"
"""
PLANES = '"Airbus A320","320","A320"\n"Junkers 52","JU5","JU52"\n'
OUT_AND_BACK = "AX,1,QQA,1,QQB,2,,0,320\nAX,1,QQB,2,QQA,1,,0,320\n"

PROFILE = """
name = "Test"
currency = "EUR"
[classes]
Economy = "Economy"
[places]
radius_km = 50
[[bands]]
up_to_km = 2000
cruise_kmh = 600
ground_minutes = 30
aircraft = "jet"
flights = [{ earliest = "10:00", latest = "10:00" }]
[[bands]]
up_to_km = 5000
cruise_kmh = 900
ground_minutes = 30
aircraft = "jet"
flights = [{ earliest = "10:00", latest = "10:00" }]
[[aircraft]]
code = "jet"
name = "Jet"
seat_map = "jet"
tariff = "air"
equipment = ["32?"]
checked_bags = 1
facilities = ["meal"]
[[aircraft]]
code = "prop"
name = "Propeller aircraft"
seat_map = "jet"
tariff = "air"
equipment = ["JU*"]
cruise_kmh = 300
[[seat_maps]]
code = "jet"
name = "Jet"
[[seat_maps.coaches]]
labels = ["Cabin"]
travel_class = "Economy"
layout = "AB|CD"
rows = 10
seat_labels = "letter"
[[tariffs]]
code = "air"
name = "Air"
[[tariffs.fares]]
number = 0
travel_class = "Economy"
name = "Light"
valid_from = 2026-01-01
base = "29.00"
per_km = "0.05"
minimum = "39.00"
rounding = "1.00"
fee = "18.00"
penalties = [{ hours_before = 24, percent = "50", minimum = "10.00" }]
[[currencies]]
code = "GBP"
rate = "0.86"
rounding = "1.00"
countries = ["GB"]
[[currencies]]
code = "JPY"
rate = "165"
rounding = "100"
countries = ["JP"]
[airlines]
JX = { name = "Juliet Air", country = "JP" }
"""

Fly = Callable[..., Reading]


@cache
def few_airports() -> dict[str, Any]:
    """A handful of the package's airports: finding the cities of all of them takes its time."""
    airports = airportsdata.load("IATA")
    return {code: airports[code] for code in ("BRU", "CDG", "HAM", "JFK", "MUC", "ORY")}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The files of that world."""
    airports = few_airports()
    monkeypatch.setattr(airportsdata, "load", lambda _kind: airports)
    (tmp_path / "airports.csv").write_text(AIRPORTS, encoding="utf-8")
    (tmp_path / "airlines.dat").write_text(AIRLINES, encoding="utf-8")
    (tmp_path / "planes.dat").write_text(PLANES, encoding="utf-8")
    (tmp_path / "profile.toml").write_text(PROFILE, encoding="utf-8")
    (tmp_path / "routes.dat").write_text(OUT_AND_BACK, encoding="utf-8")
    return tmp_path


@pytest.fixture
def fly(folder: Path) -> Any:
    """Reads routes: their text, what to replace in the profile, then options of the reading."""
    with ExitStack() as stack:

        def read(
            routes: str | bytes = OUT_AND_BACK,
            replace: dict[str, str] | None = None,
            **options: Any,
        ) -> Reading:
            path = folder / "routes.dat"
            path.write_bytes(routes if isinstance(routes, bytes) else routes.encode())
            text = PROFILE
            for old, new in (replace or {}).items():
                assert old in text
                text = text.replace(old, new)
            (folder / "profile.toml").write_text(text, encoding="utf-8")
            given = FlightOptions(
                **{
                    "feed": "test",
                    "profile": load_flight_profile(folder / "profile.toml"),
                    "first_day": date(2026, 1, 14),
                    "days": 1,
                    "corrections": folder / "airports.csv",
                    **options,
                }
            )
            return stack.enter_context(read_flights(path, given))

        yield read
