"""
Which city a station belongs to, and what cities are called.

A table of places (CSV) knows cities by position, names and stations; what it does not know is told
from the stations' names and the distance between them.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from inventory.timetable.distance import great_circle_metres
from inventory.timetable.draft import CityDraft, NameDraft
from inventory.timetable.profile import PlaceRule
from travel.common.ids import normal_text, search_key

#: The table that ships, with the large cities of Europe.
SHIPPED = Path(__file__).resolve().parent.parent / "profiles" / "places.csv"
COLUMNS = ("name", "country", "latitude", "longitude", "names", "stations")
MOST_ROWS = 100_000
LONGEST_NAME = 120

#: How German and Scandinavian letters are written where keyboards lack them.
_SPELT_OUT = str.maketrans(
    {
        "ä": "ae",
        "ö": "oe",
        "ü": "ue",
        "Ä": "Ae",
        "Ö": "Oe",
        "Ü": "Ue",
        "ø": "oe",
        "Ø": "Oe",
        "å": "aa",
        "Å": "Aa",
    }
)
_BRACKETS = re.compile(r"\(([^)]*)\)?")
_PLATFORM = re.compile(r"\b(Gl|Gleis|Platform|Steig|Bstg)\.?\s*\d.*$", re.IGNORECASE)
_WORD = re.compile(r"[^\W_]+")


class PlacesBroken(ValueError):
    """The table of places cannot be used; the message says where and why."""


@dataclass(frozen=True, slots=True)
class KnownCity:
    """A row of the table: the city, where its middle is, and stations that belong to it."""

    city: CityDraft
    latitude: float
    longitude: float
    stations: frozenset[str]


@dataclass(frozen=True, slots=True)
class StationPlace:
    """What is known of a station before it has a city; `country` is empty where it is not known."""

    code: str
    name: str
    country: str
    latitude: float
    longitude: float


def city_code(country: str, name: str) -> str:
    """The lasting code of a city: `de-munchen`."""
    return f"{country.lower()}-{search_key(name).replace(' ', '-')}"[:80]


def spelt_out(name: str) -> str | None:
    """The name as typed without umlauts (Muenchen), or None where that is nothing new."""
    spelling = normal_text(name).translate(_SPELT_OUT)
    return spelling if search_key(spelling) != search_key(name) else None


def with_spelling(city: CityDraft) -> CityDraft:
    """The city with the spelling that keyboards without umlauts give, where it has another."""
    spelling = spelt_out(city.name)
    if spelling is None or any(name.name == spelling for name in city.names):
        return city
    return CityDraft(city.code, city.name, city.country, (*city.names, NameDraft("", spelling)))


def load_places(path: Path = SHIPPED) -> tuple[KnownCity, ...]:
    """
    Reads a table of places.

    :raises PlacesBroken: the file is not there, or a row does not say what it must.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = csv.DictReader(stream)
            if missing := set(COLUMNS) - set(rows.fieldnames or ()):
                raise PlacesBroken(
                    f"{path.name}: columns are missing: {', '.join(sorted(missing))}"
                )
            known: list[KnownCity] = []
            for row in rows:
                if len(known) == MOST_ROWS:
                    raise PlacesBroken(f"{path.name}: more than {MOST_ROWS} rows")
                known.append(_known_city(row, f"{path.name}, line {rows.line_num}"))
    except OSError as error:
        raise PlacesBroken(f"{path}: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise PlacesBroken(f"{path.name}: {error}") from error
    codes = [entry.city.code for entry in known]
    if twice := {code for code in codes if codes.count(code) > 1}:
        raise PlacesBroken(f"{path.name}: a city stands twice: {', '.join(sorted(twice))}")
    return tuple(known)


def _known_city(row: dict[str, str | None], where: str) -> KnownCity:
    values = {column: (row.get(column) or "").strip() for column in COLUMNS}
    name, country = normal_text(values["name"]), values["country"]
    if not search_key(name) or len(name) > LONGEST_NAME or not re.fullmatch("[A-Z]{2}", country):
        raise PlacesBroken(f"{where}: a name and a country of two capitals are needed")
    try:
        latitude, longitude = float(values["latitude"]), float(values["longitude"])
    except ValueError as error:
        raise PlacesBroken(f"{where}: latitude and longitude are numbers") from error
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        raise PlacesBroken(f"{where}: latitude and longitude are not on earth")
    names = []
    for part in _parts(values["names"]):
        language, colon, text = part.partition(":")
        if not colon or not search_key(text) or len(text) > LONGEST_NAME or len(language) > 12:
            raise PlacesBroken(f"{where}: {part!r} is not language:name")
        names.append(NameDraft(language.strip(), normal_text(text)))
    return KnownCity(
        city=CityDraft(city_code(country, name), name, country, tuple(names)),
        latitude=latitude,
        longitude=longitude,
        stations=frozenset(search_key(part) for part in _parts(values["stations"])),
    )


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(";") if part.strip()]


@dataclass(frozen=True, slots=True)
class _Stem:
    """The words of a station's name that name its city, and how the city is written there."""

    words: tuple[str, ...]
    text: str


class CityFinder:
    """Groups stations into cities, by a table of places and a profile's words."""

    def __init__(
        self, *, known: Iterable[KnownCity], rule: PlaceRule, default_country: str
    ) -> None:
        self._rule = rule
        self._default_country = default_country
        self._radius_m = rule.radius_km * 1000
        self._station_words = {tuple(search_key(w).split()) for w in rule.station_words}
        self._airport_words = {search_key(word) for word in rule.airport_words}
        self._marks = [re.compile(expression) for expression in rule.pass_through]
        self._by_station: dict[str, list[KnownCity]] = {}
        self._by_name: dict[tuple[str, ...], list[KnownCity]] = {}
        for entry in known:
            for station in entry.stations:
                self._by_station.setdefault(station, []).append(entry)
            spellings = {entry.city.name, *(name.name for name in entry.city.names)}
            for words in {tuple(search_key(_no_brackets(text)).split()) for text in spellings}:
                self._by_name.setdefault(words, []).append(entry)

    def find(self, stations: Sequence[StationPlace]) -> tuple[list[CityDraft], dict[str, str]]:
        """The cities of the stations, and the city's code of each station's code."""
        cities: dict[str, CityDraft] = {}
        city_of: dict[str, str] = {}
        unknown: list[tuple[_Stem, StationPlace]] = []
        for station in stations:
            stem = self._stem(station.name)
            entry = self._known(station, stem)
            if entry is None:
                unknown.append((stem, station))
            else:
                cities[entry.city.code] = entry.city
                city_of[station.code] = entry.city.code
        self._group(unknown, cities, city_of)
        return sorted(cities.values(), key=lambda city: city.code), city_of

    def _known(self, station: StationPlace, stem: _Stem) -> KnownCity | None:
        """The known city that lists the station, or whose name the station's name begins with."""
        for key in (search_key(station.name), search_key(station.code)):
            # A listed station belongs to its city however far out it lies, within reason.
            near = self._nearest(self._by_station.get(key, []), station, 5 * self._radius_m)
            if near is not None:
                return near
        for length in range(len(stem.words), 0, -1):
            candidates = self._by_name.get(stem.words[:length], [])
            near = self._nearest(candidates, station, self._radius_m)
            if near is not None:
                return near
        return None

    def _nearest(
        self, entries: list[KnownCity], station: StationPlace, within_m: int
    ) -> KnownCity | None:
        distances = [
            (
                great_circle_metres(
                    entry.latitude, entry.longitude, station.latitude, station.longitude
                ),
                entry.city.code,
                entry,
            )
            for entry in entries
        ]
        near = min(distances, key=lambda found: found[:2], default=None)
        return near[2] if near is not None and near[0] <= within_m else None

    def _group(
        self,
        unknown: list[tuple[_Stem, StationPlace]],
        cities: dict[str, CityDraft],
        city_of: dict[str, str],
    ) -> None:
        """Shorter names come first: `Jena` takes in `Jena Göschwitz` when that is near enough."""
        unknown.sort(key=lambda found: (len(found[0].words), len(found[1].name), found[1].code))
        middles: dict[tuple[str, ...], list[tuple[StationPlace, str]]] = {}
        for stem, station in unknown:
            code = self._city_near(middles, stem, station)
            if code is None:
                city = self._new_city(stem, station, cities)
                cities[city.code] = city
                code = city.code
                middles.setdefault(stem.words, []).append((station, code))
            city_of[station.code] = code

    def _city_near(
        self,
        middles: dict[tuple[str, ...], list[tuple[StationPlace, str]]],
        stem: _Stem,
        station: StationPlace,
    ) -> str | None:
        for length in range(1, len(stem.words) + 1):
            for middle, code in middles.get(stem.words[:length], ()):
                metres = great_circle_metres(
                    middle.latitude, middle.longitude, station.latitude, station.longitude
                )
                if metres <= self._radius_m:
                    return code
        return None

    def _new_city(
        self, stem: _Stem, station: StationPlace, cities: dict[str, CityDraft]
    ) -> CityDraft:
        country = station.country or self._default_country
        city = CityDraft(city_code(country, stem.text), stem.text, country)
        if city.code in cities:
            # Two towns of one name far apart: the station's own code tells them apart for good.
            ending = "-" + search_key(station.code).replace(" ", "-")
            city = replace(city, code=city.code[: 80 - len(ending)] + ending)
        return city

    def _stem(self, name: str) -> _Stem:
        """Leaves out what tells a station: brackets, platforms, and words such as Hbf or Ost."""
        for mark in self._marks:
            name = mark.sub("", name)
        text = _PLATFORM.sub("", name.split(",")[0])
        bare = _BRACKETS.sub(lambda match: " " * len(match.group()), text).split("/")[0]
        words = [(search_key(match.group()), match) for match in _WORD.finditer(bare)]
        words = [(key, match) for key, match in words if key]
        kept = [(key, match) for key, match in words if key not in self._airport_words] or words
        while (shorter := self._without_station_word(kept)) is not None:
            kept = shorter
        if not kept:
            return _Stem((search_key(name) or name.casefold(),), name[:LONGEST_NAME])
        start, end = kept[0][1].start(), kept[-1][1].end()
        city = normal_text(bare[start:end])
        bracket = _BRACKETS.match(text, end)
        if bracket is not None and bracket.group(1):
            city = f"{city} ({bracket.group(1)})"
        return _Stem(tuple(part for key, _ in kept for part in key.split()), city[:LONGEST_NAME])

    def _without_station_word(
        self, words: list[tuple[str, re.Match[str]]]
    ) -> list[tuple[str, re.Match[str]]] | None:
        for length in (3, 2, 1):
            tail = tuple(key for key, _ in words[-length:])
            if len(words) > length and tail in self._station_words:
                return words[:-length]
        return None


def _no_brackets(text: str) -> str:
    return _BRACKETS.sub(" ", text)
