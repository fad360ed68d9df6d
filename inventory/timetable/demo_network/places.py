"""The cities and stations of the demo network, and how long changing between stations takes."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import permutations
from pathlib import Path
from typing import get_args

import airportsdata

from inventory.timetable.distance import great_circle_metres
from inventory.timetable.draft import (
    CityDraft,
    CodeDraft,
    MinimumChangeDraft,
    NameDraft,
    StationDraft,
    StationKind,
)
from inventory.timetable.places import city_code

FOLDER = Path(__file__).resolve().parent

#: Minutes that a change needs within one station.
_WITHIN: dict[StationKind, int] = {"airport": 60, "railStation": 8, "coachStop": 15}
#: Minutes that an airport takes on top of the way there (security, bags) and of the way from it.
_CHECK_IN = 75
_BAGGAGE = 20


@dataclass(frozen=True, slots=True)
class Places:
    """All cities and stations, and the minutes of each change within a city."""

    cities: tuple[CityDraft, ...]
    stations: dict[str, StationDraft]
    minimum_changes: tuple[MinimumChangeDraft, ...]

    def metres(self, origin: str, destination: str) -> int:
        """The great-circle distance of two stations, in metres."""
        here, there = self.stations[origin], self.stations[destination]
        return great_circle_metres(here.latitude, here.longitude, there.latitude, there.longitude)


@lru_cache(maxsize=1)
def load_places() -> Places:
    """Reads the two tables; airports take position, codes and time zone from airportsdata."""
    cities = {row["key"]: _city(row) for row in _rows("cities.csv")}
    rows = list(_rows("stations.csv"))
    airports = airportsdata.load("IATA")
    # A city lies in one time zone, so all its stations keep its airport's.
    zones = {row["city"]: airports[row["code"]]["tz"] for row in rows if row["kind"] == "airport"}
    stations = {
        row["code"]: _station(
            row,
            city=cities[row["city"]].code,
            tz=zones[row["city"]],
            airport=airports[row["code"]] if row["kind"] == "airport" else None,
        )
        for row in rows
    }
    return Places(
        cities=tuple(cities.values()),
        stations=stations,
        minimum_changes=tuple(_minimum_changes(stations)),
    )


def _rows(name: str) -> Iterator[dict[str, str]]:
    with (FOLDER / name).open(encoding="utf-8", newline="") as stream:
        yield from csv.DictReader(stream)


def _city(row: dict[str, str]) -> CityDraft:
    names = (part.partition(":") for part in row["names"].split(";"))
    return CityDraft(
        code=city_code(row["country"], row["name"]),
        name=row["name"],
        country=row["country"],
        names=tuple(NameDraft(language, name) for language, _, name in names),
    )


def _station(
    row: dict[str, str], *, city: str, tz: str, airport: airportsdata.Airport | None
) -> StationDraft:
    kind = next(kind for kind in get_args(StationKind) if kind == row["kind"])
    if airport is None:
        latitude, longitude = float(row["latitude"]), float(row["longitude"])
        codes: tuple[CodeDraft, ...] = ()
        names: tuple[NameDraft, ...] = ()
    else:
        # A position in our own table corrects the package's.
        latitude = float(row["latitude"] or airport["lat"])
        longitude = float(row["longitude"] or airport["lon"])
        codes = (CodeDraft("iata", airport["iata"]), CodeDraft("icao", airport["icao"]))
        names = (NameDraft("en", airport["name"]),) if airport["name"] != row["name"] else ()
    return StationDraft(
        code=row["code"],
        city=city,
        kind=kind,
        name=row["name"],
        tz=tz,
        latitude=latitude,
        longitude=longitude,
        names=names,
        codes=codes,
    )


def _minimum_changes(stations: dict[str, StationDraft]) -> Iterator[MinimumChangeDraft]:
    of_city: dict[str, list[StationDraft]] = defaultdict(list)
    for station in stations.values():
        of_city[station.city].append(station)
        yield MinimumChangeDraft(station.code, station.code, _WITHIN[station.kind])
    for neighbours in of_city.values():
        for here, there in permutations(neighbours, 2):
            yield MinimumChangeDraft(here.code, there.code, _minutes_between(here, there))


def _minutes_between(here: StationDraft, there: StationDraft) -> int:
    """Ten minutes to find one's way and two for each kilometre, in steps of five minutes."""
    metres = great_circle_metres(here.latitude, here.longitude, there.latitude, there.longitude)
    minutes = 10 + metres * 2 // 1000
    if there.kind == "airport":
        minutes += _CHECK_IN
    if here.kind == "airport":
        minutes += _BAGGAGE
    return -(-minutes // 5) * 5
