"""Brings a small carrier's timetable in: `manage.py import_services FOLDER`."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from inventory.management.importing import USUAL_DAYS, ImportCommand
from inventory.timetable.places import load_places
from inventory.timetable.profile import PLAIN, load_profile
from inventory.timetable.reading import Reading, feed_code
from inventory.timetable.services_csv import ServicesOptions, read_services
from travel.common import clock


class Command(ImportCommand):
    help = (
        "Reads a carrier's timetable from a folder of CSV sheets whole, checks it, and writes its "
        "departures. Every mistake is told with its sheet, line and column, and what to write "
        "instead; while there is one, nothing changes."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, metavar="FOLDER")
        self.add_common_arguments(parser, profile=PLAIN)

    def reading(
        self, options: dict[str, Any], step: Callable[[str], None]
    ) -> AbstractContextManager[Reading]:
        path: Path = options["folder"].resolve()
        reading_options = ServicesOptions(
            feed=options["feed"] or feed_code(path),
            profile=load_profile(options["profile"]),
            places=load_places(options["places"]),
            first_day=options["first_day"] or clock.now().date(),
            days=options["days"] or USUAL_DAYS,
        )
        return read_services(path, reading_options, progress=step)
