"""Brings flights in: `manage.py import_flights ROUTES.dat`."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from inventory.management.importing import USUAL_DAYS, ImportCommand
from inventory.timetable.flights import FlightOptions, read_flights
from inventory.timetable.flights.airports import CORRECTIONS
from inventory.timetable.flights.profile import SHIPPED, load_flight_profile
from inventory.timetable.places import load_places
from inventory.timetable.reading import Reading, feed_code
from travel.common import clock

MOST_ROUTES = 1_000_000


class Command(ImportCommand):
    help = (
        "Reads airline routes in the format of OpenFlights whole, checks them, says what it skips "
        "and why, and writes flights on them, as a schedule profile makes them. A broken file "
        "changes nothing; run it again after a crash, and it finishes."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("routes_file", type=Path, metavar="ROUTES.dat")
        self.add_common_arguments(parser, profile=SHIPPED)
        parser.add_argument(
            "--airlines",
            type=Path,
            metavar="FILE",
            help="names and countries of airlines; airlines.dat beside the routes otherwise",
        )
        parser.add_argument(
            "--planes",
            type=Path,
            metavar="FILE",
            help="names of types of aircraft; planes.dat beside the routes otherwise",
        )
        parser.add_argument(
            "--airports",
            type=Path,
            default=CORRECTIONS,
            metavar="FILE",
            help="airports that are missing or wrong (CSV)",
        )
        parser.add_argument(
            "--airline",
            action="append",
            type=_airline,
            default=[],
            metavar="CODE",
            help="only routes of this airline; may be given several times",
        )
        parser.add_argument(
            "--airport",
            action="append",
            type=_airport,
            default=[],
            metavar="CODE",
            help="only routes from or to this airport; may be given several times",
        )
        parser.add_argument("--limit", type=_limit, metavar="N", help="only the first N of them")

    def reading(
        self, options: dict[str, Any], step: Callable[[str], None]
    ) -> AbstractContextManager[Reading]:
        path: Path = options["routes_file"]
        reading_options = FlightOptions(
            feed=options["feed"] or feed_code(path),
            profile=load_flight_profile(options["profile"]),
            places=load_places(options["places"]),
            corrections=options["airports"],
            first_day=options["first_day"] or clock.now().date(),
            days=options["days"] or USUAL_DAYS,
            airlines_file=options["airlines"],
            planes_file=options["planes"],
            airlines=tuple(options["airline"]),
            airports=tuple(options["airport"]),
            limit=options["limit"],
        )
        return read_flights(path, reading_options, progress=step)


def _airline(text: str) -> str:
    return _code(text, lengths=(2, 3), what="an airline's code of two or three letters")


def _airport(text: str) -> str:
    return _code(text, lengths=(3,), what="an airport's code of three letters")


def _code(text: str, *, lengths: tuple[int, ...], what: str) -> str:
    if len(text) not in lengths or not (text.isascii() and text.isalnum()):
        raise ArgumentTypeError(f"{text!r} is not {what}")
    return text.upper()


def _limit(text: str) -> int:
    if not text.isdecimal() or len(text) > 7 or not 1 <= int(text) <= MOST_ROUTES:
        raise ArgumentTypeError(f"{text!r} is no number of 1 to {MOST_ROUTES}")
    return int(text)
