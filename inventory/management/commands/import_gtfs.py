"""Brings a timetable in: `manage.py import_gtfs FEED.zip`."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from inventory.management.importing import ImportCommand, day
from inventory.timetable.gtfs import GtfsOptions, read_gtfs
from inventory.timetable.places import load_places
from inventory.timetable.profile import PLAIN, load_profile
from inventory.timetable.reading import Reading, feed_code


class Command(ImportCommand):
    help = (
        "Reads a GTFS feed whole, checks it, says what it skips and why, and writes its "
        "departures. A broken feed changes nothing; run it again after a crash, and it finishes."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("feed_file", type=Path, metavar="FEED.zip")
        self.add_common_arguments(parser, profile=PLAIN)
        parser.add_argument(
            "--shift-to",
            type=day,
            metavar="DATE",
            help="lay the feed's first day that has DATE's weekday on DATE",
        )

    def reading(
        self, options: dict[str, Any], step: Callable[[str], None]
    ) -> AbstractContextManager[Reading]:
        path: Path = options["feed_file"]
        reading_options = GtfsOptions(
            feed=options["feed"] or feed_code(path),
            profile=load_profile(options["profile"]),
            places=load_places(options["places"]),
            first_day=options["first_day"],
            days=options["days"],
            shift_to=options["shift_to"],
        )
        return read_gtfs(path, reading_options, progress=step)
