"""Brings a timetable in: `manage.py import_gtfs FEED.zip`."""

from __future__ import annotations

import re
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import IntegrityError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from inventory.timetable.gtfs import GtfsOptions, GtfsReading, read_gtfs
from inventory.timetable.places import SHIPPED, PlacesBroken, load_places
from inventory.timetable.profile import PLAIN, ProfileBroken, load_profile
from inventory.timetable.publish import Counts, DraftRefused, publish
from inventory.timetable.report import SourceBroken
from travel.common import clock

MOST_DAYS = 3_660


class Command(BaseCommand):
    help = (
        "Reads a GTFS feed whole, checks it, says what it skips and why, and writes its "
        "departures. A broken feed changes nothing; run it again after a crash, and it finishes."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("feed_file", type=Path, metavar="FEED.zip")
        parser.add_argument(
            "--feed",
            help="the feed's code (a-z, 0-9, - and _); its file's name otherwise",
        )
        parser.add_argument(
            "--from",
            dest="first_day",
            type=_day,
            metavar="DATE",
            help="first day to import, YYYY-MM-DD (after shifting)",
        )
        parser.add_argument("--days", type=_days, metavar="N", help="how many days to import")
        parser.add_argument(
            "--shift-to",
            type=_day,
            metavar="DATE",
            help="lay the feed's first day that has DATE's weekday on DATE",
        )
        parser.add_argument(
            "--profile", type=Path, default=PLAIN, metavar="FILE", help="what the feed lacks (TOML)"
        )
        parser.add_argument(
            "--places",
            type=Path,
            default=SHIPPED,
            metavar="FILE",
            help="cities, their names and stations (CSV)",
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="read, check and report; write nothing"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["feed_file"]
        try:
            reading_options = GtfsOptions(
                feed=options["feed"] or feed_code(path),
                profile=load_profile(options["profile"]),
                places=load_places(options["places"]),
                first_day=options["first_day"],
                days=options["days"],
                shift_to=options["shift_to"],
            )
            with (
                self._progress() as (step, advance),
                read_gtfs(path, reading_options, progress=step) as reading,
            ):
                counts = None
                if not options["dry_run"]:
                    step("writing")
                    counts = self._publish(reading, advance)
        except SourceBroken as error:
            raise CommandError(f"Nothing was imported.\n{error}") from error
        except (ProfileBroken, PlacesBroken, DraftRefused) as error:
            raise CommandError(f"Nothing was imported: {error}.") from error
        self._tell(reading, counts)

    def _publish(self, reading: GtfsReading, advance: Callable[[int, int], None]) -> Counts:
        total = reading.draft.departure_count or 0
        try:
            return publish(
                reading.draft,
                now=clock.now(),
                digest=reading.digest,
                findings=reading.report.as_data(),
                progress=lambda done: advance(done, total),
            )
        except IntegrityError as error:
            raise CommandError(
                "Another import changed the same departures meanwhile. Run this one again."
            ) from error

    @contextmanager
    def _progress(self) -> Iterator[tuple[Callable[[str], None], Callable[[int, int], None]]]:
        """A bar on a terminal, silence elsewhere."""
        if not self.stdout.isatty():
            yield (lambda _step: None), (lambda _done, _total: None)
            return
        columns = (
            TextColumn("{task.description:<16}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task("reading", total=None)
            yield (
                lambda step: bar.update(task, description=step),
                lambda done, total: bar.update(task, completed=done, total=total),
            )

    def _tell(self, reading: GtfsReading, counts: Counts | None) -> None:
        draft = reading.draft
        for line in reading.report.lines():
            self.stdout.write(line)
        self.stdout.write(
            f"{draft.feed}: {draft.first_date} to {draft.last_date}, "
            f"{draft.departure_count} departures with {reading.call_count} calls, "
            f"{len(draft.services)} services, {len(draft.stations)} stations, "
            f"{len(draft.cities)} cities."
        )
        if counts is None:
            self.stdout.write("Nothing was written: this was a dry run.")
            return
        self.stdout.write(
            self.style.SUCCESS(
                f"Added {counts.added}, replaced {counts.replaced}, withdrawn {counts.withdrawn}, "
                f"unchanged {counts.unchanged}; {counts.pending} wait for the departures desk."
            )
        )


def feed_code(path: Path) -> str:
    """A feed's code from its file's name: `db-fernverkehr` of `DB Fernverkehr.gtfs.zip`."""
    name = path.name.split(".")[0].casefold()
    return re.sub(r"[^a-z0-9_-]+", "-", name).strip("-_")[:30] or "feed"


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is no day, write YYYY-MM-DD") from error


def _days(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MOST_DAYS:
        raise ArgumentTypeError(f"{text!r} is no number of 1 to {MOST_DAYS}")
    return int(text)
