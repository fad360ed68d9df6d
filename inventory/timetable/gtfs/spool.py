"""
Trips and their stop times, on disk while they are sorted, checked and read out again.

A national feed has tens of millions of stop times in any order. They go through a temporary SQLite
file that nobody else opens, so that memory stays the same for every feed.
"""

from __future__ import annotations

import json
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

BATCH = 20_000
PATTERNS_IN_MEMORY = 20_000

_TABLES = """
CREATE TABLE trip (
    id INTEGER PRIMARY KEY, trip_id TEXT NOT NULL UNIQUE, calendar TEXT NOT NULL,
    service INTEGER NOT NULL, line INTEGER NOT NULL, is_bad INTEGER NOT NULL DEFAULT 0,
    has_frequencies INTEGER NOT NULL DEFAULT 0,
    starts INTEGER, origin TEXT, terminus TEXT, pattern TEXT
);
CREATE TABLE left_out (trip_id TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE stop_time (
    trip INTEGER NOT NULL, sequence INTEGER NOT NULL, stop TEXT NOT NULL, arrives INTEGER,
    departs INTEGER, may_board INTEGER NOT NULL, may_alight INTEGER NOT NULL, line INTEGER NOT NULL
);
CREATE TABLE frequency (
    trip INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, headway INTEGER NOT NULL
);
CREATE TEMP TABLE running (calendar TEXT PRIMARY KEY);
"""


class StopTime(NamedTuple):
    """A row of stop_times.txt, read; times in seconds of the service day, None where blank."""

    trip: int
    sequence: int
    stop: str
    arrives: int | None
    departs: int | None
    may_board: bool
    may_alight: bool
    line: int


class PatternCall(NamedTuple):
    """A call of a checked trip: what is the same on every day."""

    station: str
    arrives: int | None
    departs: int | None
    may_board: bool
    may_alight: bool
    platform: str
    distance_m: int


class SpooledTrip(NamedTuple):
    """A trip of one day: which, of which service, from when to where."""

    trip: int
    service: int
    starts: int
    origin: str
    terminus: str
    has_frequencies: bool


class Spool:
    """The temporary file; close it to remove it."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="timetable-")
        self._db = sqlite3.connect(
            str(Path(self._folder.name) / "spool.sqlite3"), isolation_level=None
        )
        # The file is thrown away whatever happens: nothing needs to survive a crash.
        self._db.executescript(
            "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA temp_store=FILE;" + _TABLES
        )
        self._db.execute("BEGIN")
        self._waiting: list[StopTime] = []
        self.pattern = lru_cache(maxsize=PATTERNS_IN_MEMORY)(self._load_pattern)

    def close(self) -> None:
        """Removes the file."""
        self.pattern.cache_clear()
        self._db.close()
        self._folder.cleanup()

    def add_trip(self, trip_id: str, *, calendar: str, service: int, line: int) -> bool:
        """False when the trip_id is there already."""
        cursor = self._db.execute(
            "INSERT OR IGNORE INTO trip (trip_id, calendar, service, line) VALUES (?, ?, ?, ?)",
            (trip_id, calendar, service, line),
        )
        return cursor.rowcount == 1

    def leave_out(self, trip_id: str) -> None:
        """Remembers a trip that is skipped."""
        self._db.execute("INSERT OR IGNORE INTO left_out VALUES (?)", (trip_id,))

    def is_left_out(self, trip_id: str) -> bool:
        """Whether a trip was skipped, and is known to be."""
        found = self._db.execute("SELECT 1 FROM left_out WHERE trip_id = ?", (trip_id,))
        return found.fetchone() is not None

    def find_trip(self, trip_id: str) -> int | None:
        """The trip's number in the file."""
        row = self._db.execute("SELECT id FROM trip WHERE trip_id = ?", (trip_id,)).fetchone()
        return row[0] if row else None

    def mark_bad(self, trip: int) -> None:
        """Leaves a trip out of everything that follows."""
        self._db.execute("UPDATE trip SET is_bad = 1 WHERE id = ?", (trip,))

    def add_stop_time(self, row: StopTime) -> None:
        """Rows may come in any order."""
        self._waiting.append(row)
        if len(self._waiting) >= BATCH:
            self._write_waiting()

    def _write_waiting(self) -> None:
        self._db.executemany("INSERT INTO stop_time VALUES (?, ?, ?, ?, ?, ?, ?, ?)", self._waiting)
        self._waiting = []

    def add_frequency(self, trip: int, *, first: int, last: int, headway: int) -> None:
        """The trip starts every `headway` seconds from first to before last."""
        self._db.execute("INSERT INTO frequency VALUES (?, ?, ?, ?)", (trip, first, last, headway))
        self._db.execute("UPDATE trip SET has_frequencies = 1 WHERE id = ?", (trip,))

    def trips_with_stop_times(self) -> Iterator[tuple[int, int, str, list[StopTime]]]:
        """(trip, line, trip_id, stop times in their order) of every trip that is not bad."""
        self._write_waiting()
        for trip, line, trip_id in self._db.execute(
            "SELECT id, line, trip_id FROM trip WHERE is_bad = 0"
            " AND id NOT IN (SELECT trip FROM stop_time)"
        ):
            yield trip, line, trip_id, []
        rows = self._db.execute(
            "SELECT s.*, t.line, t.trip_id FROM stop_time s JOIN trip t ON t.id = s.trip"
            " WHERE t.is_bad = 0 ORDER BY s.trip, s.sequence, s.line"
        )
        for trip, group in groupby(rows, key=lambda row: row[0]):
            members = list(group)
            yield trip, members[0][8], members[0][9], [StopTime._make(row[:8]) for row in members]

    def save_patterns(self, patterns: Iterable[tuple[int, list[PatternCall]]]) -> None:
        """Keeps what has been checked; trips without a pattern are bad."""
        self._db.executemany(
            "UPDATE trip SET starts = ?, origin = ?, terminus = ?, pattern = ? WHERE id = ?",
            (
                (calls[0].departs, calls[0].station, calls[-1].station, json.dumps(calls), trip)
                for trip, calls in patterns
            ),
        )

    def seal(self) -> None:
        """All is read and checked; what follows only reads."""
        self._db.execute("DELETE FROM trip WHERE pattern IS NULL OR is_bad = 1")
        self._db.execute("DELETE FROM stop_time")
        self._db.execute("CREATE INDEX trip_calendar ON trip (calendar, service, starts, id)")
        self._db.execute("CREATE INDEX frequency_trip ON frequency (trip, first)")
        self._db.execute("COMMIT")

    def services(self) -> Iterator[int]:
        """The services that have a usable trip."""
        for (service,) in self._db.execute("SELECT DISTINCT service FROM trip ORDER BY service"):
            yield service

    def stations(self) -> Iterator[tuple[int, list[PatternCall]]]:
        """(service, calls) of every usable trip, to tell which stations serve what."""
        for service, text in self._db.execute("SELECT service, pattern FROM trip ORDER BY id"):
            yield service, [PatternCall._make(call) for call in json.loads(text)]

    def running(self, calendars: Iterable[str]) -> list[SpooledTrip]:
        """The usable trips of a day, given the service_ids that run on it."""
        self._db.execute("DELETE FROM running")
        self._db.executemany("INSERT INTO running VALUES (?)", ((key,) for key in calendars))
        rows = self._db.execute(
            "SELECT t.id, t.service, t.starts, t.origin, t.terminus, t.has_frequencies"
            " FROM running r CROSS JOIN trip t ON t.calendar = r.calendar"
            " ORDER BY t.service, t.starts, t.id"
        )
        return [SpooledTrip._make(row) for row in rows]

    def frequencies(self, trip: int) -> list[tuple[int, int, int]]:
        """(first, last, headway) of a trip, by first."""
        return self._db.execute(
            "SELECT first, last, headway FROM frequency WHERE trip = ? ORDER BY first, last",
            (trip,),
        ).fetchall()

    def _load_pattern(self, trip: int) -> list[PatternCall]:
        (text,) = self._db.execute("SELECT pattern FROM trip WHERE id = ?", (trip,)).fetchone()
        return [PatternCall._make(call) for call in json.loads(text)]
