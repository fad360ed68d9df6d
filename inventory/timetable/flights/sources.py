"""The files of routes, airlines and aircraft, row by row."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from inventory.timetable.report import Report, SourceBroken
from inventory.timetable.tables import text_lines
from travel.common.ids import normal_text

#: What stands where nothing is known.
NOTHING = "\\N"
MOST_ROWS = 1_000_000
ROUTE_COLUMNS, AIRLINE_COLUMNS, PLANE_COLUMNS = 9, 8, 3
LONGEST_NAME = 120
SHARED = "Y"

_AIRLINE_CODE = re.compile(r"[A-Z0-9]{2,3}")
_AIRPORT_CODE = re.compile(r"[A-Z0-9]{3}")


class Route(NamedTuple):
    """A row of the routes: who flies from where to where, with which types of aircraft."""

    line: int
    airline: str
    airline_id: str
    origin: str
    destination: str
    equipment: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.airline} {self.origin}-{self.destination}"


@dataclass(frozen=True, slots=True)
class Airline:
    """A row of the airlines; `country` is a name in English, or empty."""

    airline_id: str
    name: str
    country: str


@dataclass(frozen=True, slots=True)
class Airlines:
    """The airlines by their ids, and by the codes that only one active airline has."""

    by_id: dict[str, Airline]
    by_code: dict[str, Airline]

    def find(self, route: Route) -> Airline | None:
        """The airline of a route; None: it is not in the list."""
        if route.airline_id != NOTHING:
            return self.by_id.get(route.airline_id)
        return self.by_code.get(route.airline)


def read_routes(path: Path, report: Report) -> Iterator[Route]:
    """
    The routes that an airline flies itself and without a stop; the others are reported.

    :raises SourceBroken: the file cannot be opened, or is not UTF-8 CSV.
    """
    seen: set[tuple[str, str, str]] = set()
    for line, row in _rows(path, ROUTE_COLUMNS, report):
        airline, airline_id, origin, _, destination, _, shared, stops, equipment = row
        route = Route(line, airline, airline_id, origin, destination, tuple(equipment.split()))
        if (reason := _why_not(route, shared, stops)) is not None:
            report.skip(path.name, line, reason, ",".join(row))
        elif (airline, origin, destination) in seen:
            report.skip(path.name, line, "a route stands twice", str(route))
        else:
            seen.add((airline, origin, destination))
            yield route


def _why_not(route: Route, shared: str, stops: str) -> str | None:
    if _AIRLINE_CODE.fullmatch(route.airline) is None:
        return "an airline's code is two or three letters or digits"
    if not all(_AIRPORT_CODE.fullmatch(code) for code in (route.origin, route.destination)):
        return "an airport's code is three letters"
    if route.origin == route.destination:
        return "a route goes nowhere"
    if shared not in ("", SHARED):
        return "codeshare is neither empty nor Y"
    if shared == SHARED:
        return "a codeshare: another airline flies it"
    if re.fullmatch("[0-9]{1,2}", stops) is None:
        return "stops is no number"
    if int(stops) > 0:
        return "a route with stops: the file does not say where"
    return None


def read_airlines(path: Path, report: Report) -> Airlines:
    """
    Airlines by id, and by code where only one that is active has it.

    :raises SourceBroken: the file cannot be opened, or is not UTF-8 CSV.
    """
    by_id: dict[str, Airline] = {}
    by_code: dict[str, list[Airline]] = {}
    for line, row in _rows(path, AIRLINE_COLUMNS, report):
        airline_id, name, _, iata, icao, _, country, active = row
        name = normal_text(name)[:LONGEST_NAME]
        if not name or airline_id in by_id:
            report.skip(path.name, line, "an airline without a name, or twice", ",".join(row))
            continue
        airline = Airline(airline_id, name, "" if country == NOTHING else normal_text(country))
        by_id[airline_id] = airline
        if active == "Y":
            for code in {iata, icao} - {"", NOTHING, "-", "N/A"}:
                by_code.setdefault(code, []).append(airline)
    only = {code: found[0] for code, found in by_code.items() if len(found) == 1}
    return Airlines(by_id, only)


def read_planes(path: Path, report: Report) -> dict[str, str]:
    """
    Names of types of aircraft by their IATA codes.

    :raises SourceBroken: the file cannot be opened, or is not UTF-8 CSV.
    """
    names: dict[str, str] = {}
    for _, (name, iata, _) in _rows(path, PLANE_COLUMNS, report):
        if iata not in ("", NOTHING) and normal_text(name):
            names.setdefault(iata, normal_text(name)[:80])
    return names


def _rows(path: Path, width: int, report: Report) -> Iterator[tuple[int, list[str]]]:
    """Rows have no header, and as many values as the format says."""
    try:
        stream = path.open("rb")
    except OSError as error:
        report.fault(path.name, None, "cannot be opened", error.strerror or "")
        raise SourceBroken(report) from error
    with stream:
        rows = csv.reader(text_lines(stream, path.name, report))
        try:
            for number, row in enumerate(rows):
                if number == MOST_ROWS:
                    report.fault(path.name, rows.line_num, f"has more than {MOST_ROWS} rows")
                    raise SourceBroken(report)
                if not row:
                    continue
                if len(row) != width:
                    report.skip(
                        path.name, rows.line_num, f"a row has {width} values", ",".join(row)
                    )
                    continue
                yield rows.line_num, [value.strip() for value in row]
        except (csv.Error, OSError) as error:
            report.fault(path.name, rows.line_num, "is not valid CSV", str(error))
            raise SourceBroken(report) from error
