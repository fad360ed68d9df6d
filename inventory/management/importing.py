"""What all commands have in common that bring a timetable in."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import IntegrityError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from inventory.timetable.places import SHIPPED, PlacesBroken
from inventory.timetable.profile import ProfileBroken
from inventory.timetable.publish import Counts, DraftRefused, publish
from inventory.timetable.reading import Reading
from inventory.timetable.report import SourceBroken
from travel.common import clock

MOST_DAYS = 3_660
#: How many days of a source that has no last one are imported.
USUAL_DAYS = 30
FIRST_YEAR, LAST_YEAR = 1970, 2199


class ImportCommand(BaseCommand):
    """
    Reads a source whole and checks it, then publishes it, then says what came of it.

    A command of this kind says what it reads in `reading`, and its own arguments.
    """

    def reading(
        self, options: dict[str, Any], step: Callable[[str], None]
    ) -> AbstractContextManager[Reading]:
        """The source, read and checked, while the context lasts; `step` is told what is read."""
        raise NotImplementedError

    def add_common_arguments(self, parser: ArgumentParser, *, profile: Path) -> None:
        """The feed's code, the window, the profile, the places, and the dry run."""
        parser.add_argument(
            "--feed",
            help="the feed's code (a-z, 0-9, - and _); its file's name otherwise",
        )
        parser.add_argument(
            "--from",
            dest="first_day",
            type=day,
            metavar="DATE",
            help="first day to import, YYYY-MM-DD",
        )
        parser.add_argument("--days", type=days, metavar="N", help="how many days to import")
        parser.add_argument(
            "--profile",
            type=Path,
            default=profile,
            metavar="FILE",
            help="what the source lacks (TOML)",
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
        try:
            with (
                self._progress() as (step, advance),
                self.reading(options, step) as reading,
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

    def _publish(self, reading: Reading, advance: Callable[[int, int], None]) -> Counts:
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

    def _tell(self, reading: Reading, counts: Counts | None) -> None:
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


def day(text: str) -> date:
    """A day of the command line, in a century that timetables are made for."""
    try:
        given = date.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is no day, write YYYY-MM-DD") from error
    if not FIRST_YEAR <= given.year <= LAST_YEAR:
        raise ArgumentTypeError(f"{text!r} is not of the years {FIRST_YEAR} to {LAST_YEAR}")
    return given


def days(text: str) -> int:
    """A number of days of the command line."""
    if not text.isdecimal() or not 1 <= int(text) <= MOST_DAYS:
        raise ArgumentTypeError(f"{text!r} is no number of 1 to {MOST_DAYS}")
    return int(text)
