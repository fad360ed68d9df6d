"""
The audit: facts about seats and money that must hold at any time, each proven by one query.

A query answers the rows that break its fact, so that an empty answer is the proof. Queries are
plain SQL that SQLite, MariaDB and MySQL read alike; each sees one moment, so that selling may go on
meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from django.db import connection
from django.db.backends.utils import CursorWrapper

from support.audit import books, money, numbers, seats, states
from support.audit.facts import Fact, Finding

__all__ = ["FACTS", "MAX_ROWS", "Fact", "Finding", "findings"]

MAX_ROWS = 100
FACTS: tuple[Fact, ...] = (
    *seats.FACTS,
    *money.FACTS,
    *books.FACTS,
    *numbers.FACTS,
    *states.FACTS,
)
# Millions of events are sorted in memory; what is not needed is not taken.
_ROOM = {
    "sort_buffer_size": 64 * 2**20,
    "tmp_table_size": 2**30,
    "max_heap_table_size": 2**30,
}


def findings(facts: Sequence[Fact] = FACTS, *, jobs: int = 1) -> list[Finding]:
    """
    Answer the facts that do not hold, each with its first hundred rows.

    With several `jobs` as many queries run at once, each on a connection of its own, which is for
    large offices on servers with several processors.
    """
    if jobs == 1:
        found = [_finding(fact) for fact in facts]
    else:
        with ThreadPoolExecutor(jobs) as pool:
            found = list(pool.map(_finding_apart, facts))
    return [finding for finding in found if finding is not None]


def _finding(fact: Fact) -> Finding | None:
    with connection.cursor() as cursor, _room(cursor):
        cursor.execute(f"{fact.sql.strip()} LIMIT {MAX_ROWS}")
        rows = cursor.fetchall()
    return Finding(fact, [tuple(row) for row in rows]) if rows else None


def _finding_apart(fact: Fact) -> Finding | None:
    try:
        return _finding(fact)
    finally:
        connection.close()


@contextmanager
def _room(cursor: CursorWrapper) -> Iterator[None]:
    """Let MySQL or MariaDB use more memory than usual for this one query."""
    if connection.vendor != "mysql":
        yield
        return
    cursor.execute("SET SESSION " + ", ".join(f"{name} = {size}" for name, size in _ROOM.items()))
    try:
        yield
    finally:
        cursor.execute("SET SESSION " + ", ".join(f"{name} = DEFAULT" for name in _ROOM))
