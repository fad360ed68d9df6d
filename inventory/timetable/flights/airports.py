"""Airports by their IATA codes: positions, time zones, and the cities that they belong to."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path

import airportsdata

from inventory.timetable.draft import CityDraft, CodeDraft, StationDraft
from inventory.timetable.places import (
    CityFinder,
    KnownCity,
    PlacesBroken,
    StationPlace,
    with_spelling,
)
from inventory.timetable.profile import PlaceRule
from inventory.timetable.zones import zone_or_none
from travel.common.ids import normal_text

#: Corrections that ship, in the shape of any file of corrections.
CORRECTIONS = Path(__file__).resolve().parents[2] / "profiles" / "airports.csv"
MOST_CORRECTIONS = 20_000
LONGEST_NAME = 120


@dataclass(frozen=True, slots=True)
class Airport:
    """An airport; `city` may be empty, `country` is ISO 3166-1 alpha-2."""

    code: str
    icao: str
    name: str
    city: str
    country: str
    latitude: float
    longitude: float
    tz: str


COLUMNS = tuple(field.name for field in fields(Airport))


def load_airports(corrections: Path = CORRECTIONS) -> dict[str, Airport]:
    """
    The airports of the package `airportsdata`, with the corrections of a CSV file.

    :raises PlacesBroken: the corrections cannot be read, or give an airport that cannot be.
    """
    airports = {
        code: Airport(
            code=code,
            icao=row["icao"],
            name=normal_text(row["name"])[:LONGEST_NAME],
            city=normal_text(row["city"]),
            country=row["country"],
            latitude=row["lat"],
            longitude=row["lon"],
            tz=row["tz"],
        )
        for code, row in airportsdata.load("IATA").items()
    }
    try:
        with corrections.open(encoding="utf-8-sig", newline="") as stream:
            _correct(airports, csv.DictReader(stream), corrections.name)
    except OSError as error:
        raise PlacesBroken(f"{corrections}: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise PlacesBroken(f"{corrections.name}: {error}") from error
    return airports


def _correct(airports: dict[str, Airport], rows: csv.DictReader[str], file: str) -> None:
    """What a row leaves empty stays as it is; a code that is not known is a new airport."""
    if missing := set(COLUMNS) - set(rows.fieldnames or ()):
        raise PlacesBroken(f"{file}: columns are missing: {', '.join(sorted(missing))}")
    for number, row in enumerate(rows):
        where = f"{file}, line {rows.line_num}"
        if number == MOST_CORRECTIONS:
            raise PlacesBroken(f"{file}: more than {MOST_CORRECTIONS} rows")
        texts = {column: normal_text(row[column] or "") for column in COLUMNS}
        if re.fullmatch("[A-Z0-9]{3}", texts["code"]) is None:
            raise PlacesBroken(f"{where}: code is an IATA code of three letters")
        try:
            position = {
                column: float(texts.pop(column))
                for column in ("latitude", "longitude")
                if texts[column]
            }
        except ValueError as error:
            raise PlacesBroken(f"{where}: latitude and longitude are numbers") from error
        given = {column: text for column, text in texts.items() if text}
        known = airports.get(texts["code"], Airport(texts["code"], "", "", "", "", 91.0, 181.0, ""))
        airport = replace(known, **given, **position)  # type: ignore[arg-type]
        if (fault := airport_fault(airport)) is not None:
            raise PlacesBroken(f"{where}: {fault}")
        airports[airport.code] = airport


def airport_fault(airport: Airport) -> str | None:
    """What an airport lacks to be a station; None if nothing."""
    if not airport.name or len(airport.name) > LONGEST_NAME:
        return f"an airport needs a name of at most {LONGEST_NAME} characters"
    if re.fullmatch("[A-Z]{2}", airport.country) is None:
        return "an airport needs a country of two capitals"
    if not (-90 <= airport.latitude <= 90 and -180 <= airport.longitude <= 180):
        return "an airport needs a latitude and a longitude on earth"
    if zone_or_none(airport.tz) is None:
        return "an airport needs a time zone such as Europe/Berlin"
    return None


def find_cities(
    airports: Mapping[str, Airport], *, known: Iterable[KnownCity], rule: PlaceRule
) -> tuple[dict[str, CityDraft], dict[str, str]]:
    """
    Cities by their codes, and the code of each airport's city.

    All airports of the world are looked at, whichever are flown to: of two towns of one name each
    keeps its code, whatever an import leaves out.
    """
    finder = CityFinder(known=known, rule=rule, default_country="")
    cities, city_of = finder.find(
        [
            StationPlace(
                code=airport.code,
                name=(airport.city or airport.name)[:LONGEST_NAME],
                country=airport.country,
                latitude=airport.latitude,
                longitude=airport.longitude,
            )
            for airport in airports.values()
            if airport_fault(airport) is None
        ]
    )
    return {city.code: with_spelling(city) for city in cities}, city_of


def station(airport: Airport, *, city: str) -> StationDraft:
    """The airport as a station, known by its IATA and ICAO codes."""
    codes = [CodeDraft("iata", airport.code)]
    if airport.icao:
        codes.append(CodeDraft("icao", airport.icao))
    return StationDraft(
        code=airport.code,
        city=city,
        kind="airport",
        name=airport.name,
        tz=airport.tz,
        latitude=airport.latitude,
        longitude=airport.longitude,
        codes=tuple(codes),
    )
