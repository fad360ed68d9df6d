"""The six sheets of a carrier, read into what they say."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, time
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

from inventory.timetable.draft import MOST_CALLS, MOST_FARES, CoachDraft, Mode, StationKind
from inventory.timetable.profile import FareRule
from inventory.timetable.report import Report, SourceBroken
from inventory.timetable.services_csv import cells
from inventory.timetable.services_csv.sheets import Row, Sheet, read_sheet

T = TypeVar("T")

COMPANY = Sheet("company.csv", ("code", "name", "country", "currency", "time_zone"))
STOPS = Sheet(
    "stops.csv",
    ("stop", "name", "city", "latitude", "longitude"),
    ("country", "time_zone", "kind"),
)
VEHICLES = Sheet("vehicles.csv", ("vehicle", "name", "seats"), ("kind", "facilities"))
LINES = Sheet("lines.csv", ("line", "stop", "minutes"), ("stand", "boarding"))
DEPARTURES = Sheet(
    "departures.csv",
    ("line", "number", "leaves", "days", "vehicle"),
    ("from", "to", "except", "also", "prices"),
)
FARES = Sheet(
    "fares.csv",
    ("number", "fare", "base"),
    (
        "prices", "class", "per_km", "minimum", "rounding", "fee", "tax_percent", "young_percent",
        "child_percent", "infant_percent", "return_discount_percent", "sales_close_minutes",
        "quota", "cancel", "conditions", "valid_from",
    ),
)  # fmt: skip

#: Where a fare does not say from when on it is sold, it is from this day on.
ON_SALE_FROM = date(2020, 1, 1)
USUAL_PRICES = "standard"
LONGEST_MINUTES = 14 * 24 * 60
NO_WEEKDAYS: frozenset[int] = frozenset()
NO_DAYS: frozenset[date] = frozenset()
FIRST_DAY, LAST_DAY = date(1970, 1, 1), date(2199, 12, 31)

_MODES: dict[str, Mode] = {"coach": "Bus", "train": "Train", "plane": "Plane"}
_KINDS: dict[str, StationKind] = {
    "coach": "coachStop",
    "train": "railStation",
    "plane": "airport",
}
_BOARDING = {"both": "both", "board": "board", "alight": "alight", "none": "none"}


@dataclass(frozen=True, slots=True)
class Company:
    """Who runs it all."""

    code: str
    name: str
    country: str
    currency: str
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class Stop:
    """A place where one boards; `city` is a city's name."""

    code: str
    name: str
    city: str
    country: str
    latitude: float
    longitude: float
    zone: ZoneInfo
    kind: StationKind


@dataclass(frozen=True, slots=True)
class Vehicle:
    """A kind of vehicle with its seats."""

    code: str
    name: str
    mode: Mode
    coaches: tuple[CoachDraft, ...]
    facilities: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LineStop:
    """A stop of a line; minutes count from the start of the line."""

    stop: Stop
    arrives: int
    departs: int
    may_board: bool
    may_alight: bool


@dataclass(frozen=True, slots=True)
class Departure:
    """A row of departures: one number on its days, by the clocks of the line's first stop."""

    line: int
    way: str
    number: str
    leaves: time
    weekdays: frozenset[int]
    vehicle: Vehicle
    first: date
    last: date
    excepted: frozenset[date]
    added: frozenset[date]
    prices: str

    def runs_on(self, day: date) -> bool:
        """Whether it leaves on a day."""
        if day in self.added:
            return True
        return (
            self.first <= day <= self.last
            and day.isoweekday() in self.weekdays
            and day not in self.excepted
        )


@dataclass(frozen=True, slots=True)
class Tables:
    """All that the sheets say, and it fits together."""

    company: Company
    stops: dict[str, Stop]
    vehicles: dict[str, Vehicle]
    lines: dict[str, tuple[LineStop, ...]]
    departures: tuple[Departure, ...]
    fares: dict[str, tuple[FareRule, ...]]


def read_tables(folder: Path, report: Report) -> Tables:
    """
    Reads the sheets of a folder.

    :raises SourceBroken: anything is wrong with any of them; the report says all of it.
    """
    company = _company(folder, report)
    stops = _stops(folder, report, company)
    vehicles = _vehicles(folder, report)
    lines = _lines(folder, report, stops)
    fares = _fares(folder, report, company)
    departures = _departures(folder, report, lines, vehicles, fares)
    if report.has_faults:
        raise SourceBroken(report)
    return Tables(company, stops, vehicles, lines, tuple(departures), fares)


def _company(folder: Path, report: Report) -> Company:
    """
    The one row of the sheet; without it nothing else can be read.

    :raises SourceBroken: there is no such row, or it is wrong.
    """
    rows = list(read_sheet(folder, COMPANY, report))
    if len(rows) != 1:
        report.fault(COMPANY.file, None, "write one row below the header: one company")
        raise SourceBroken(report)
    row = rows[0]
    company = Company(
        code=row.read("code", cells.code, ""),
        name=row.read("name", cells.words(120), ""),
        country=row.read("country", cells.country, ""),
        currency=row.read("currency", cells.currency, ""),
        zone=row.read("time_zone", cells.zone, ZoneInfo("UTC")),
    )
    if report.has_faults:
        raise SourceBroken(report)
    return company


def _stops(folder: Path, report: Report, company: Company) -> dict[str, Stop]:
    def read(row: Row) -> Stop:
        return Stop(
            code=row.read("stop", cells.code, ""),
            name=row.read("name", cells.words(120), ""),
            city=row.read("city", cells.words(120), ""),
            country=row.read("country", cells.country, company.country),
            latitude=row.read("latitude", cells.degrees(90), 0.0),
            longitude=row.read("longitude", cells.degrees(180), 0.0),
            zone=row.read("time_zone", cells.zone, company.zone),
            kind=row.read("kind", cells.one_of(_KINDS), "coachStop"),
        )

    return _by_code(read_sheet(folder, STOPS, report), "stop", read)


def _vehicles(folder: Path, report: Report) -> dict[str, Vehicle]:
    def read(row: Row) -> Vehicle:
        return Vehicle(
            code=row.read("vehicle", cells.code, ""),
            name=row.read("name", cells.words(40), ""),
            mode=row.read("kind", cells.one_of(_MODES), "Bus"),
            coaches=row.read("seats", cells.seats, ()),
            facilities=row.read("facilities", cells.facilities, ()),
        )

    return _by_code(read_sheet(folder, VEHICLES, report), "vehicle", read)


def _by_code(rows: Iterable[Row], column: str, read: Callable[[Row], T]) -> dict[str, T]:
    """Things by their codes; what is wrong in part is kept, so that what names it is not."""
    found: dict[str, T] = {}
    for row in rows:
        thing = read(row)
        code = row.cells[column]
        if code in found:
            row.fault(column, "stands twice; write another")
        found[code] = thing
    return found


# --- lines ----------------------------------------------------------------------------------------


def _lines(folder: Path, report: Report, stops: dict[str, Stop]) -> dict[str, tuple[LineStop, ...]]:
    """The ways of the lines, in the order of their rows."""
    rows: dict[str, list[Row]] = {}
    for row in read_sheet(folder, LINES, report):
        rows.setdefault(row.read("line", cells.code, ""), []).append(row)
    return {line: _way(members, stops) for line, members in rows.items()}


def _way(rows: list[Row], stops: dict[str, Stop]) -> tuple[LineStop, ...]:
    if not 2 <= len(rows) <= MOST_CALLS:
        rows[0].fault("line", f"write a row for each of its stops, 2 to {MOST_CALLS}")
    way: list[LineStop] = []
    clock, before = 0, ""
    for place, row in enumerate(rows):
        stop = row.known("stop", stops, STOPS.file)
        arrives = row.read("minutes", cells.whole(0, LONGEST_MINUTES), clock)
        stand = row.read("stand", cells.whole(0, LONGEST_MINUTES), 0)
        boarding = row.read("boarding", cells.one_of(_BOARDING), "both")
        if place == 0 and arrives != 0:
            row.fault("minutes", "write 0 at the first stop of a line")
        elif arrives < clock:
            row.fault("minutes", f"write minutes since the start of the line, at least {clock}")
        if row.cells["stop"] == before:
            row.fault("stop", "write another stop than the one before")
        clock, before = max(clock, arrives) + stand, row.cells["stop"]
        if stop is not None:
            is_last = place == len(rows) - 1
            way.append(
                LineStop(
                    stop=stop,
                    arrives=arrives,
                    departs=clock,
                    may_board=not is_last and boarding in ("both", "board"),
                    may_alight=place > 0 and boarding in ("both", "alight"),
                )
            )
    _check_boarding(rows, way)
    return tuple(way)


def _check_boarding(rows: list[Row], way: list[LineStop]) -> None:
    """Somebody must be able to travel."""
    boards = [place for place, stop in enumerate(way) if stop.may_board]
    alights = [place for place, stop in enumerate(way) if stop.may_alight]
    if way and (not boards or not alights or boards[0] >= alights[-1]):
        rows[0].fault("boarding", "leave stops where one may board, and alight after them")


# --- fares ----------------------------------------------------------------------------------------


def _fares(folder: Path, report: Report, company: Company) -> dict[str, tuple[FareRule, ...]]:
    """The fares of each price list."""
    lists: dict[str, dict[int, FareRule]] = {}
    for row in read_sheet(folder, FARES, report):
        fare = _fare(row, company.currency)
        fares = lists.setdefault(row.read("prices", cells.code, USUAL_PRICES), {})
        if fare.number in fares and row.is_sound:
            row.fault("number", "stands twice in this price list; write another")
        fares[fare.number] = fare
    return {prices: tuple(fares.values()) for prices, fares in lists.items()}


def _fare(row: Row, currency: str) -> FareRule:
    amount = cells.amount(currency)
    return FareRule(
        number=row.read("number", cells.whole(0, MOST_FARES - 1), 0),
        travel_class=row.read("class", cells.travel_class, "Economy"),
        name=row.read("fare", cells.words(80), ""),
        valid_from=row.read("valid_from", cells.day, ON_SALE_FROM),
        base=row.read("base", amount, "0"),
        per_km=row.read("per_km", cells.per_kilometre, "0"),
        minimum=row.read("minimum", amount, "0"),
        rounding=row.read("rounding", amount, "0"),
        fee=row.read("fee", amount, "0"),
        tax_percent=row.read("tax_percent", cells.percent, "0"),
        young_percent=row.read("young_percent", cells.whole_percent, 100),
        child_percent=row.read("child_percent", cells.whole_percent, 50),
        infant_percent=row.read("infant_percent", cells.whole_percent, 0),
        return_discount_percent=row.read("return_discount_percent", cells.percent, "0"),
        sales_close_minutes=row.read("sales_close_minutes", cells.whole(0, 100_000), 5),
        quota=row.read("quota", cells.whole(0, 10_000), None),
        penalties=row.read("cancel", cells.penalties(currency), ()),
        conditions=row.read("conditions", cells.words(2_000), ""),
    )


# --- departures -----------------------------------------------------------------------------------


def _departures(
    folder: Path,
    report: Report,
    lines: dict[str, tuple[LineStop, ...]],
    vehicles: dict[str, Vehicle],
    fares: dict[str, tuple[FareRule, ...]],
) -> list[Departure]:
    found: list[Departure] = []
    by_number: dict[str, Departure] = {}
    for row in read_sheet(folder, DEPARTURES, report):
        departure = _departure(row, lines, vehicles, fares)
        if departure is None:
            continue
        _check_number(row, by_number.setdefault(departure.number, departure), departure)
        found.append(departure)
    return found


def _departure(
    row: Row,
    lines: dict[str, tuple[LineStop, ...]],
    vehicles: dict[str, Vehicle],
    fares: dict[str, tuple[FareRule, ...]],
) -> Departure | None:
    row.known("line", lines, LINES.file)
    vehicle = row.known("vehicle", vehicles, VEHICLES.file)
    prices = row.cells["prices"] or USUAL_PRICES
    if prices not in fares:
        row.fault("prices", f"write a price list that stands in {FARES.file}")
    first = row.read("from", cells.day, FIRST_DAY)
    last = row.read("to", cells.day, LAST_DAY)
    if last < first:
        row.fault("to", "write a day that is not before the one in column from")
    number = row.read("number", cells.words(40), "")
    leaves = row.read("leaves", cells.clock, time())
    weekdays = row.read("days", cells.weekdays, NO_WEEKDAYS)
    excepted = row.read("except", cells.days, NO_DAYS)
    added = row.read("also", cells.days, NO_DAYS)
    if vehicle is None or not row.is_sound:
        return None
    return Departure(
        row.line, row.cells["line"], number, leaves, weekdays, vehicle, first, last,
        excepted, added, prices,
    )  # fmt: skip


def _check_number(row: Row, first: Departure, departure: Departure) -> None:
    """What people know by one number is sold by one price list, and is one kind of vehicle."""
    if departure.prices != first.prices:
        row.fault("prices", f"write the same as in line {first.line}, which has this number")
    if departure.vehicle.mode != first.vehicle.mode:
        row.fault("vehicle", f"write one of the kind of line {first.line}, which has this number")
