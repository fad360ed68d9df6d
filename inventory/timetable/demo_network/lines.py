"""The services of the demo network: what runs under each number, on which way, and when."""

from __future__ import annotations

import csv
import tomllib
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from inventory.timetable.demo_network.carriers import DESIGNATORS
from inventory.timetable.demo_network.fares import tariff_ref
from inventory.timetable.demo_network.fleet import Model, model_of
from inventory.timetable.demo_network.patterns import (
    MINUTES_OF_DAY,
    Stop,
    copies,
    read_route,
    read_times,
    shifted,
    turned,
)
from inventory.timetable.demo_network.places import FOLDER, Places
from inventory.timetable.draft import BusFacts, FlightFacts, ServiceDraft, TrainFacts

#: Copies of a service at a larger scale are numbered so much higher, once for each copy.
NUMBERS_APART = 10_000

#: A day in winter, on which the times of flights back are worked out once for all days.
_USUAL_DAY = date(2026, 1, 14)
_TURNAROUND = timedelta(minutes=45)
_FIRST_START, _LAST_START, _MORNING = time(5, 30), time(22, 30), 6 * 60 + 40

#: Where flights leave from, at airports that have several terminals.
_TERMINALS = {
    "BCN": "1", "BER": "1", "CDG": "2E", "CMN": "2", "FCO": "1", "FRA": "1", "HAM": "1",
    "LHR": "5", "LIS": "1", "LYS": "1", "MAD": "4", "MAN": "2", "MUC": "2", "MXP": "1",
    "NCE": "2", "ARN": "5", "BUD": "2B", "CGN": "1", "PRG": "2", "STR": "1", "VIE": "3",
    "IKA": "1", "KRK": "1",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class TimedStop:
    """A stop as all departures of a service have it; spans count from the start."""

    station: str
    arrives: timedelta | None
    departs: timedelta | None
    platform: str
    distance_m: int


@dataclass(frozen=True, slots=True)
class Run:
    """A service with its daily departure: the local time at its first station, and its way."""

    service: ServiceDraft
    vehicle: str
    leaves: time
    zone: ZoneInfo
    stops: tuple[TimedStop, ...]


def runs(places: Places, *, scale: float) -> tuple[Run, ...]:
    """Every service at a scale, in a lasting order."""
    return (
        *_flights(places, scale),
        *_lines("trains.toml", _train, places, scale),
        *_lines("coaches.toml", _coach, places, scale),
    )


# --- trains and coaches ---------------------------------------------------------------------------


def _lines(
    name: str,
    service: Callable[[dict[str, Any], Model, str], ServiceDraft],
    places: Places,
    scale: float,
) -> Iterator[Run]:
    with (FOLDER / name).open("rb") as stream:
        lines = tomllib.load(stream)["line"]
    for line in lines:
        model = model_of(line["carrier"], line["vehicle"])
        way = read_route(line["route"])
        for stops, times, direction in ((way, line["out"], 0), (turned(way), line["back"], 1)):
            for number, leaves in _departures(times, line["number"] + direction, scale):
                yield _run(
                    service(line, model, f"{line['category']} {number}"),
                    f"{line['carrier']}:{line['vehicle']}",
                    leaves,
                    stops,
                    places,
                )


def _departures(times: str, number: int, scale: float) -> Iterator[tuple[int, int]]:
    """Numbers and minutes after midnight of one direction, with the copies that the scale asks."""
    for index, minutes in enumerate(read_times(times)):
        for copy in range(copies(index, scale)):
            yield number + 2 * index + NUMBERS_APART * copy, shifted(minutes, copy)


def _train(line: dict[str, Any], model: Model, number: str) -> ServiceDraft:
    return ServiceDraft(
        ref=f"{line['carrier']}:{number}",
        carrier=line["carrier"],
        mode="Train",
        number=number,
        tariff=tariff_ref(line["carrier"], model.tariff),
        facts=TrainFacts(
            category=line["category"],
            stars=line["stars"],
            has_compartments=line.get("compartments", False),
        ),
        facilities=model.facilities,
    )


def _coach(line: dict[str, Any], model: Model, number: str) -> ServiceDraft:
    return ServiceDraft(
        ref=f"{line['carrier']}:{number}",
        carrier=line["carrier"],
        mode="Bus",
        number=number,
        tariff=tariff_ref(line["carrier"], model.tariff),
        facts=BusFacts(kind=model.name, seats_per_row=model.seats_per_row),
        facilities=model.facilities,
    )


# --- flights --------------------------------------------------------------------------------------


def _flights(places: Places, scale: float) -> Iterator[Run]:
    with (FOLDER / "flights.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    for row in rows:
        model = model_of(row["carrier"], row["vehicle"])
        way = _in_the_air(places, row["origin"], row["destination"], model)
        for number, leaves in _departures(row["leaves"], int(row["number"]), scale):
            yield _flight(row, model, number, leaves, way, places)
            back = _leaves_back(places, way, leaves)
            yield _flight(row, model, number + 1, back, turned(way), places)


def _flight(
    row: dict[str, str],
    model: Model,
    number: int,
    leaves: int,
    way: tuple[Stop, ...],
    places: Places,
) -> Run:
    carrier = row["carrier"]
    name = f"{DESIGNATORS[carrier]} {number}"
    service = ServiceDraft(
        ref=f"{carrier}:{name}",
        carrier=carrier,
        mode="Plane",
        number=name,
        tariff=tariff_ref(carrier, model.tariff),
        facts=FlightFacts(
            aircraft=model.name,
            origin_terminal=_TERMINALS.get(way[0].station, ""),
            destination_terminal=_TERMINALS.get(way[-1].station, ""),
            checked_bags=0 if model.tariff == "airEconomy" else 1,
        ),
        facilities=model.facilities,
    )
    return _run(service, f"{carrier}:{row['vehicle']}", leaves, way, places)


def _in_the_air(places: Places, origin: str, destination: str, model: Model) -> tuple[Stop, ...]:
    """From gate to gate: the great circle at cruising speed and the ground time, up to 5 min."""
    metres = places.metres(origin, destination)
    minutes = model.minutes_on_ground + metres * 60 / (model.kilometres_per_hour * 1000)
    whole = int(-(-minutes // 5) * 5)
    return (Stop(origin, None, 0), Stop(destination, whole, None))


def _leaves_back(places: Places, way: tuple[Stop, ...], leaves: int) -> int:
    """Minutes after midnight at which the aircraft starts back; too late is the next morning."""
    start = datetime.combine(_USUAL_DAY, _clock(leaves), _zone(places, way[0].station))
    flight = timedelta(minutes=way[-1].arrives or 0)
    ready = (start.timestamp() + (flight + _TURNAROUND).total_seconds()) // 300 * 300
    there = datetime.fromtimestamp(ready, _zone(places, way[-1].station))
    if not _FIRST_START <= there.time() <= _LAST_START:
        return _MORNING
    return there.hour * 60 + there.minute


# --- both -----------------------------------------------------------------------------------------


def _run(
    service: ServiceDraft, vehicle: str, leaves: int, stops: Sequence[Stop], places: Places
) -> Run:
    return Run(
        service=service,
        vehicle=vehicle,
        leaves=_clock(leaves),
        zone=_zone(places, stops[0].station),
        stops=tuple(_timed(service, stops, places)),
    )


def _timed(service: ServiceDraft, stops: Sequence[Stop], places: Places) -> Iterator[TimedStop]:
    distance, before = 0, stops[0]
    for stop in stops:
        distance += places.metres(before.station, stop.station)
        before = stop
        yield TimedStop(
            station=stop.station,
            arrives=None if stop.arrives is None else timedelta(minutes=stop.arrives),
            departs=None if stop.departs is None else timedelta(minutes=stop.departs),
            platform=_platform(service, stop.station),
            distance_m=distance,
        )


def _platform(service: ServiceDraft, station: str) -> str:
    """Trains and coaches keep their platform; gates are given on the day of the flight."""
    if service.mode == "Plane":
        return ""
    most = 14 if service.mode == "Train" else 20
    return str(zlib.crc32(f"{service.number} {station}".encode()) % most + 1)


def _zone(places: Places, station: str) -> ZoneInfo:
    return ZoneInfo(places.stations[station].tz)


def _clock(minutes: int) -> time:
    hours, rest = divmod(minutes % MINUTES_OF_DAY, 60)
    return time(hours, rest)
