"""
Plain statements, for the few places where an ORM's building of queries costs more than the query.

Text is constant, values are parameters. Instants come back as SQLite and MySQL keep them, and are
made aware here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from typing import Any

from django.db import connection


def rows(statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """Answer all rows of a SELECT."""
    with connection.cursor() as cursor:
        cursor.execute(statement, [adapted(value) for value in values])
        return list(cursor.fetchall())


def run(statement: str, values: Sequence[Any] = ()) -> int:
    """Run a statement that writes; answer how many rows it met."""
    with connection.cursor() as cursor:
        cursor.execute(statement, [adapted(value) for value in values])
        return int(cursor.rowcount)


def insert(table: str, columns: Sequence[str], values: Iterable[Sequence[Any]]) -> int:
    """Insert rows by one statement; answer the id of the first where the table counts its ids."""
    every = [[adapted(value) for value in row] for row in values]
    if not every:
        return 0
    names = ", ".join(columns)
    row = f"({marks(len(columns))})"
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} ({names}) "  # noqa: S608 - names from the code
            f"VALUES {', '.join([row] * len(every))}",
            [value for row_values in every for value in row_values],
        )
        return int(cursor.lastrowid or 0)


def marks(number: int) -> str:
    """Answer the placeholders of so many values; of none, what no value is in."""
    return ", ".join(["%s"] * number) if number else "NULL"


def for_update() -> str:
    """Answer what locks the rows of a SELECT; SQLite's one writer needs nothing."""
    return " FOR UPDATE" if connection.features.has_select_for_update else ""


def adapted(value: Any) -> Any:
    """Answer a value as the database takes it."""
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    if isinstance(value, date):
        return connection.ops.adapt_datefield_value(value)
    return value


def moment(value: Any) -> datetime | None:
    """Answer a stored instant, aware, or None."""
    if value is None:
        return None
    naive = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    return naive.replace(tzinfo=UTC)
