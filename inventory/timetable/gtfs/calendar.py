"""On which days the services of a feed run: calendar.txt and calendar_dates.txt."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta

from inventory.timetable.gtfs.archive import Archive
from inventory.timetable.gtfs.tables import read_table
from inventory.timetable.gtfs.times import parse_date
from inventory.timetable.report import Report

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
ADDED, REMOVED = "1", "2"


@dataclass(slots=True)
class Running:
    """The days of one service_id: a weekly rule between two days, and exceptions to it."""

    weekdays: tuple[bool, ...] = (False,) * 7
    first: date | None = None
    last: date | None = None
    added: set[date] = field(default_factory=set)
    removed: set[date] = field(default_factory=set)

    def runs_on(self, day: date) -> bool:
        """Exceptions come before the rule."""
        if day in self.added:
            return True
        if day in self.removed or self.first is None or self.last is None:
            return False
        return self.first <= day <= self.last and self.weekdays[day.weekday()]

    def span(self) -> Iterator[date]:
        """The outermost days that may be running days."""
        if self.first is not None and self.last is not None and any(self.weekdays):
            yield from (self.first, self.last)
        if self.added:
            yield from (min(self.added), max(self.added))


class Calendar:
    """All service_ids of a feed."""

    def __init__(self, runnings: dict[str, Running]) -> None:
        self._runnings = runnings

    def __contains__(self, service_id: str) -> bool:
        return service_id in self._runnings

    def running_on(self, day: date) -> set[str]:
        """The service_ids that run on a day."""
        return {key for key, running in self._runnings.items() if running.runs_on(day)}

    def first_and_last(self) -> tuple[date, date] | None:
        """The first and the last day on which anything runs; None if nothing ever does."""
        days = [day for running in self._runnings.values() for day in running.span()]
        if not days:
            return None
        first, last = min(days), max(days)
        while first <= last and not self._anything(first):
            first += timedelta(days=1)
        while last > first and not self._anything(last):
            last -= timedelta(days=1)
        return (first, last) if first <= last else None

    def _anything(self, day: date) -> bool:
        return any(running.runs_on(day) for running in self._runnings.values())


def read_calendar(archive: Archive, report: Report) -> Calendar:
    """Reads both files; either may be missing."""
    runnings: dict[str, Running] = {}
    _read_rules(archive, report, runnings)
    _read_exceptions(archive, report, runnings)
    return Calendar(runnings)


def _read_rules(archive: Archive, report: Report, runnings: dict[str, Running]) -> None:
    file = "calendar.txt"
    columns = ("service_id", *WEEKDAYS, "start_date", "end_date")
    for line, row in read_table(archive, file, required=columns, report=report):
        service_id, flags, first, last = row[0], row[1:8], parse_date(row[8]), parse_date(row[9])
        if not service_id or any(flag not in ("0", "1") for flag in flags):
            report.skip(file, line, "weekdays are not 0 or 1", ",".join(row))
        elif first is None or last is None:
            report.skip(file, line, "not a date", ",".join(row[8:]))
        elif last < first:
            report.skip(file, line, "ends before it starts", ",".join(row))
        elif service_id in runnings:
            report.skip(file, line, "a service_id stands twice", service_id)
        else:
            runnings[service_id] = Running(tuple(flag == "1" for flag in flags), first, last)


def _read_exceptions(archive: Archive, report: Report, runnings: dict[str, Running]) -> None:
    file = "calendar_dates.txt"
    days: dict[str, date | None] = {}
    columns = ("service_id", "date", "exception_type")
    for line, (service_id, text, kind) in read_table(
        archive, file, required=columns, report=report
    ):
        if text not in days:
            days[text] = parse_date(text)
        day = days[text]
        if day is None:
            report.skip(file, line, "not a date", text)
        elif not service_id or kind not in (ADDED, REMOVED):
            report.skip(file, line, "exception_type is not 1 or 2", f"{service_id},{kind}")
        else:
            running = runnings.setdefault(service_id, Running())
            if day in running.added or day in running.removed:
                report.skip(
                    file, line, "a day of a service_id stands twice", f"{service_id},{text}"
                )
            elif kind == ADDED:
                running.added.add(day)
            else:
                running.removed.add(day)
