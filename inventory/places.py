"""
Finding a place by what somebody typed: a code, a name in any language, with a slip of the finger.

The names live in the memory of each process, some ten thousand short strings, read again once a
minute and after each import in this process.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from inventory.models import City, CityName, MinimumChange, Station, StationCode, StationName
from travel.common.ids import search_key

STALE_AFTER_SECONDS = 60.0
# Below this length a typo would fit too much.
SHORTEST_WITH_TYPO = 4
MAX_SUGGESTIONS = 100


@dataclass(frozen=True, slots=True)
class StationFacts:
    """What is told of a station everywhere."""

    id: int
    code: str
    name: str
    kind: str
    tz: str
    city_id: int
    latitude: float = 0.0
    longitude: float = 0.0


@dataclass(slots=True)
class CityFacts:
    """A city with its stations."""

    id: int
    code: str
    name: str
    country: str
    stations: list[StationFacts] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)

    def name_in(self, language: str) -> str:
        """Answer the city's name in the language, else its own."""
        return self.names.get(language.split("-")[0], self.name)


@dataclass(frozen=True, slots=True)
class Place:
    """What a text means: a whole city, or one station of it."""

    city: CityFacts
    stations: tuple[StationFacts, ...]

    @property
    def is_city(self) -> bool:
        return len(self.stations) != 1 or len(self.city.stations) == 1

    @property
    def name(self) -> str:
        return self.city.name if self.is_city else self.stations[0].name


@dataclass(slots=True)
class _Index:
    cities: dict[int, CityFacts]
    stations: dict[int, StationFacts]
    # (key, place) of each name; the place is a city's id or, negative, a station's.
    names: list[tuple[str, int]]
    codes: dict[str, int]
    # Station -> those from which one may change to it, each with the minutes that takes at least.
    changes: dict[int, list[tuple[int, int]]]
    read_at: float


_lock = threading.Lock()
_index: _Index | None = None


def forget() -> None:
    """Read the names again at the next question."""
    global _index
    _index = None


def resolve(text: str) -> Place | None:
    """
    Answer the one place that the text means best, or None.

    A code wins over a name, the whole of a name over its beginning, that over a name with one typo.
    """
    return next(iter(_matches(text)), None)


def suggest(text: str, limit: int = 10) -> list[Place]:
    """Answer the places that the text may mean, best first."""
    found: list[Place] = []
    for place in _matches(text):
        found.append(place)
        if len(found) == min(limit, MAX_SUGGESTIONS):
            break
    return found


def cities_like(text: str) -> list[CityFacts]:
    """Answer the cities that the text may mean, best first; all, by name, for an empty text."""
    if not text.strip():
        served = [city for city in _current().cities.values() if city.stations]
        return sorted(served, key=lambda city: (city.name, city.id))
    unique: dict[int, CityFacts] = {}
    for place in suggest(text, MAX_SUGGESTIONS):
        unique.setdefault(place.city.id, place.city)
    return list(unique.values())


def station(station_id: int) -> StationFacts:
    """Answer the facts of a station by its id."""
    index = _current()
    if station_id not in index.stations:
        forget()
        index = _current()
    return index.stations[station_id]


def changes_to(station_id: int) -> list[tuple[int, int]]:
    """
    Answer the stations from which one may change to this one, each with the least minutes for it.

    The station itself comes first. Where no time is known between two stations one may not change.
    """
    return _current().changes.get(station_id, [])


def city(city_id: int) -> CityFacts:
    """Answer the facts of a city by its id."""
    return _current().cities[city_id]


def _matches(text: str) -> Iterator[Place]:
    index = _current()
    key = search_key(text)[:120]
    seen: set[int] = set()
    exact = index.codes.get(text.strip().upper()[:120])
    candidates: list[int] = [exact] if exact is not None else []
    if key:
        candidates += _by_name(index, key)
    for candidate in candidates:
        if candidate in seen:
            continue
        seen.add(candidate)
        yield _place(index, candidate)


def _by_name(index: _Index, key: str) -> list[int]:
    ranked: list[tuple[int, int, int, str, int]] = []
    with_typo = len(key) >= SHORTEST_WITH_TYPO
    for name, place in index.names:
        rank = _rank(name, key, with_typo=with_typo)
        if rank is not None:
            # Cities come before their stations, big cities before small ones.
            ranked.append((rank, place < 0, -_size(index, place), name, place))
    ranked.sort()
    return [place for *_, place in ranked]


def _rank(name: str, key: str, *, with_typo: bool) -> int | None:
    if name == key:
        return 0
    if name.startswith(key):
        return 1
    if f" {key}" in name:
        return 2
    if with_typo and abs(len(name) - len(key)) <= 1 and _one_slip(name, key):
        return 3
    if with_typo and len(name) > len(key) and _begins_with_slip(name, key):
        return 4
    return None


def _begins_with_slip(name: str, key: str) -> bool:
    size = len(key)
    return any(_one_slip(name[:length], key) for length in (size - 1, size, size + 1))


def _one_slip(left: str, right: str) -> bool:
    """Say whether one letter missing, extra, wrong or swapped with its neighbour parts the two."""
    if left == right:
        return True
    short, long = sorted((left, right), key=len)
    if len(long) - len(short) > 1:
        return False
    start = 0
    while start < len(short) and short[start] == long[start]:
        start += 1
    if len(short) != len(long):
        return short[start:] == long[start + 1 :]
    if short[start + 1 :] == long[start + 1 :]:
        return True
    return (
        short[start : start + 2] == long[start : start + 2][::-1]
        and short[start + 2 :] == long[start + 2 :]
    )


def _size(index: _Index, place: int) -> int:
    city_id = place if place > 0 else index.stations[-place].city_id
    return len(index.cities[city_id].stations)


def _place(index: _Index, candidate: int) -> Place:
    if candidate > 0:
        found = index.cities[candidate]
        return Place(found, tuple(found.stations))
    facts = index.stations[-candidate]
    return Place(index.cities[facts.city_id], (facts,))


def _current() -> _Index:
    global _index
    index = _index
    if index is not None and time.monotonic() - index.read_at < STALE_AFTER_SECONDS:
        return index
    with _lock:
        if _index is index:
            _index = _read()
        assert _index is not None
        return _index


def _read() -> _Index:
    """
    Read all places; only those that are active are found by a text.

    A closed station keeps its facts: trains pass it, and tickets to it were sold.
    """
    stations: dict[int, StationFacts] = {}
    active: dict[int, StationFacts] = {}
    changes: dict[int, list[tuple[int, int]]] = {}
    for is_active, minutes, latitude, longitude, *rest in Station.objects.values_list(
        "is_active",
        "minimum_change_minutes",
        "latitude",
        "longitude",
        "id",
        "code",
        "name",
        "kind",
        "tz",
        "city_id",
    ):
        facts: list[Any] = [*rest, float(latitude), float(longitude)]
        station = StationFacts(*facts)
        stations[station.id] = station
        if is_active:
            active[station.id] = station
            changes[station.id] = [(station.id, minutes)]
    cities = {
        row[0]: CityFacts(*row) for row in City.objects.values_list("id", "code", "name", "country")
    }
    for station in sorted(active.values(), key=lambda facts: (facts.name, facts.id)):
        cities[station.city_id].stations.append(station)
    for start, end, minutes in MinimumChange.objects.order_by("id").values_list(
        "from_station_id", "to_station_id", "minutes"
    ):
        if start in active and end in active:
            changes[end].append((start, minutes))
    return _Index(
        cities=cities,
        stations=stations,
        names=list(_names(cities, active)),
        codes=_codes(active),
        changes=changes,
        read_at=time.monotonic(),
    )


def _names(
    cities: dict[int, CityFacts], stations: dict[int, StationFacts]
) -> Iterator[tuple[str, int]]:
    served = {facts.id for facts in cities.values() if facts.stations}
    for city_id in served:
        yield search_key(cities[city_id].name), city_id
    for facts in stations.values():
        yield search_key(facts.name), -facts.id
    for city_id, language, name, key in CityName.objects.order_by("id").values_list(
        "city_id", "language", "name", "key"
    ):
        cities[city_id].names.setdefault(language, name)
        if city_id in served:
            yield key, city_id
    for station_id, key in StationName.objects.values_list("station_id", "key"):
        if station_id in stations:
            yield key, -station_id


def _codes(stations: dict[int, StationFacts]) -> dict[str, int]:
    codes: dict[str, int] = {}
    for station_id, code in StationCode.objects.order_by("id").values_list("station_id", "code"):
        if station_id in stations:
            codes.setdefault(code.upper(), -station_id)
    for facts in stations.values():
        codes[facts.code.upper()] = -facts.id
    return codes
