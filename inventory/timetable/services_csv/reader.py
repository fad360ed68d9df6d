"""Reads the sheets of a carrier and gives them as a draft."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

from inventory.timetable.changes import ChangeMaker
from inventory.timetable.distance import great_circle_metres
from inventory.timetable.draft import (
    BusFacts,
    CallDraft,
    CarrierClassDraft,
    CarrierDraft,
    CityDraft,
    CodeDraft,
    DepartureDraft,
    FlightFacts,
    SeatMapDraft,
    ServiceDraft,
    StationDraft,
    TariffDraft,
    TimetableDraft,
    TrainFacts,
    VehicleDraft,
)
from inventory.timetable.places import CityFinder, KnownCity, StationPlace, with_spelling
from inventory.timetable.profile import Profile, TariffRule
from inventory.timetable.reading import Progress, Reading, check_feed_code, own_code
from inventory.timetable.report import Report, SourceBroken
from inventory.timetable.services_csv.tables import (
    COMPANY,
    DEPARTURES,
    FARES,
    LINES,
    STOPS,
    VEHICLES,
    Departure,
    LineStop,
    Tables,
    Vehicle,
    read_tables,
)
from inventory.timetable.zones import instant

SHEETS = (COMPANY, STOPS, VEHICLES, LINES, DEPARTURES, FARES)


@dataclass(frozen=True, slots=True)
class ServicesOptions:
    """What to read, under which name, and for which days; the profile gives words and changes."""

    feed: str
    profile: Profile
    first_day: date
    days: int
    places: tuple[KnownCity, ...] = ()


@contextmanager
def read_services(
    path: Path, options: ServicesOptions, *, progress: Progress = lambda _step: None
) -> Iterator[Reading]:
    """
    Reads a folder of sheets whole, checks it, and gives the departures of the window.

    :raises SourceBroken: anything is wrong in any sheet; the report says all of it.
    """
    report = Report()
    check_feed_code(options.feed, path=path, report=report)
    progress("sheets")
    tables = read_tables(path, report)
    progress("departures")
    window = _Window(tables, options)
    count, calls = window.check(report)
    yield Reading(_draft(tables, options, window, count), report, _digest(path, options), calls)


def _draft(tables: Tables, options: ServicesOptions, window: _Window, count: int) -> TimetableDraft:
    stations, cities = _places(tables, options)
    used = {departure.vehicle.code: departure.vehicle for departure in window.departing}
    return TimetableDraft(
        feed=options.feed,
        feed_name=tables.company.name,
        first_date=options.first_day,
        last_date=window.last,
        cities=tuple(cities),
        stations=tuple(stations.values()),
        carriers=(_carrier(tables, options.profile, window),),
        tariffs=tuple(_tariffs(tables, window)),
        seat_maps=tuple(
            SeatMapDraft(code=vehicle.code, name=vehicle.name, coaches=vehicle.coaches)
            for vehicle in used.values()
        ),
        vehicles=tuple(
            VehicleDraft(
                ref=vehicle.code,
                carrier=tables.company.code,
                name=vehicle.name,
                seat_map=vehicle.code,
                code=vehicle.code,
            )
            for vehicle in used.values()
        ),
        services=tuple(_services(tables, window)),
        departures=window.departures,
        minimum_changes=tuple(ChangeMaker({}, options.profile.changes).changes(stations)),
        departure_count=count,
    )


class _Window:
    """The departures of some days."""

    def __init__(self, tables: Tables, options: ServicesOptions) -> None:
        self._tables = tables
        self._feed = options.feed
        self._first = options.first_day
        self._days = options.days
        self._distances = {line: _distances(way) for line, way in tables.lines.items()}
        #: In the order of their numbers, as departures of a day are given.
        self._by_number = sorted(tables.departures, key=lambda departure: departure.number)
        self.departing: tuple[Departure, ...] = ()

    @property
    def last(self) -> date:
        """The last day."""
        return self._first + timedelta(days=self._days - 1)

    def check(self, report: Report) -> tuple[int, int]:
        """
        Counts departures and calls, and tells which rows depart at all.

        :raises SourceBroken: a number departs twice on a day, or nothing departs.
        """
        departures = calls = 0
        departing: dict[int, Departure] = {}
        for day, of_day in self._travel_days():
            for before, departure in pairwise(of_day):
                if before.number == departure.number:
                    report.fault(
                        DEPARTURES.file,
                        departure.line,
                        "column number: departs twice on a day; write another, or other days",
                        f"{departure.number} on {day}, and in line {before.line}",
                    )
            for departure in of_day:
                departing[departure.line] = departure
                departures += 1
                calls += len(self._tables.lines[departure.way])
        if not departures:
            days = f"{self._first} to {self.last}"
            report.fault(DEPARTURES.file, None, "no departure in the window", days)
        if report.has_faults:
            raise SourceBroken(report)
        self.departing = tuple(departing[line] for line in sorted(departing))
        return departures, calls

    def departures(self) -> Iterator[DepartureDraft]:
        """All departures, day by day."""
        for day, of_day in self._travel_days():
            for departure in of_day:
                yield DepartureDraft(
                    service=departure.number,
                    travel_date=day,
                    vehicle=departure.vehicle.code,
                    calls=tuple(self._calls(departure, day)),
                )

    def _travel_days(self) -> Iterator[tuple[date, list[Departure]]]:
        for offset in range(self._days):
            day = self._first + timedelta(days=offset)
            yield day, [one for one in self._by_number if one.runs_on(day)]

    def _calls(self, departure: Departure, day: date) -> Iterator[CallDraft]:
        """It leaves by the clocks of its first stop; from there minutes count, as they pass."""
        way = self._tables.lines[departure.way]
        start = instant(day, departure.leaves, way[0].stop.zone)
        distances = self._distances[departure.way]
        for place, (stop, metres) in enumerate(zip(way, distances, strict=True)):
            yield CallDraft(
                station=own_code(self._feed, stop.stop.code),
                arrives_at=start + timedelta(minutes=stop.arrives) if place > 0 else None,
                departs_at=start + timedelta(minutes=stop.departs)
                if place < len(way) - 1
                else None,
                may_board=stop.may_board,
                may_alight=stop.may_alight,
                platform="",
                distance_m=metres,
            )


def _distances(way: tuple[LineStop, ...]) -> tuple[int, ...]:
    """Metres from the first stop, along the stops."""
    metres = [0]
    for here, there in pairwise(way):
        step = great_circle_metres(
            here.stop.latitude, here.stop.longitude, there.stop.latitude, there.stop.longitude
        )
        metres.append(metres[-1] + step)
    return tuple(metres)


def _places(
    tables: Tables, options: ServicesOptions
) -> tuple[dict[str, StationDraft], list[CityDraft]]:
    """The stops of all lines, and the cities that the sheet names, as far as they are known."""
    used = {stop.stop.code: stop.stop for way in tables.lines.values() for stop in way}
    finder = CityFinder(
        known=options.places,
        # A sheet names cities, not stations: no word of a name is to be left out.
        rule=replace(options.profile.places, station_words=(), airport_words=(), pass_through=()),
        default_country=tables.company.country,
    )
    cities, city_of = finder.find(
        [
            StationPlace(stop.code, stop.city, stop.country, stop.latitude, stop.longitude)
            for stop in used.values()
        ]
    )
    stations = {
        code: StationDraft(
            code=own_code(options.feed, code),
            city=city_of[code],
            kind=stop.kind,
            name=stop.name,
            tz=stop.zone.key,
            latitude=stop.latitude,
            longitude=stop.longitude,
            codes=(CodeDraft(f"csv:{options.feed}", code),),
        )
        for code, stop in sorted(used.items())
    }
    return stations, [with_spelling(city) for city in cities]


def _carrier(tables: Tables, profile: Profile, window: _Window) -> CarrierDraft:
    company = tables.company
    modes = {departure.vehicle.mode for departure in window.departing}
    mode = next(mode for mode in ("Plane", "Train", "Bus") if mode in modes)
    return CarrierDraft(
        code=company.code,
        name=company.name,
        currency=company.currency,
        tz=company.zone.key,
        country=company.country,
        classes=tuple(
            CarrierClassDraft(word, name) for word, name in profile.classes.get(mode, {}).items()
        ),
    )


def _tariffs(tables: Tables, window: _Window) -> Iterator[TariffDraft]:
    company = tables.company
    for prices in sorted({departure.prices for departure in window.departing}):
        rule = TariffRule(code=prices, name=prices.capitalize(), fares=tables.fares[prices])
        yield rule.draft(carrier=company.code, currency=company.currency, zone=company.zone)


def _services(tables: Tables, window: _Window) -> Iterator[ServiceDraft]:
    first: dict[str, Departure] = {}
    for departure in window.departing:
        first.setdefault(departure.number, departure)
    for number, departure in sorted(first.items()):
        yield ServiceDraft(
            ref=number,
            carrier=tables.company.code,
            mode=departure.vehicle.mode,
            number=number,
            tariff=departure.prices,
            facts=_facts(departure.vehicle, number),
            facilities=departure.vehicle.facilities,
        )


def _facts(vehicle: Vehicle, number: str) -> BusFacts | TrainFacts | FlightFacts:
    if vehicle.mode == "Plane":
        return FlightFacts(aircraft=vehicle.name)
    if vehicle.mode == "Train":
        category = re.match(r"[^\W\d_]*", number)
        return TrainFacts(category=category.group() if category is not None else "")
    abreast = max(
        sum(seat.row == row for seat in coach.seats)
        for coach in vehicle.coaches
        for row in {seat.row for seat in coach.seats}
    )
    return BusFacts(kind=vehicle.name, seats_per_row=min(abreast, 6))


def _digest(path: Path, options: ServicesOptions) -> str:
    """Of all that the draft depends on: the sheets, the profile, the places, the window."""
    digest = hashlib.sha256()
    for sheet in SHEETS:
        digest.update((path / sheet.file).read_bytes())
    digest.update(repr(options).encode())
    return digest.hexdigest()
