"""
Stored procedures: their text lies in `<app>/sql/<name>.sql` and is installed by migrations.

A released procedure is never changed: a new text is a new name, and the old one goes a release
later, so that a rolling deployment never calls one that is not there. A procedure answers with one
row and leaves the transaction to its caller.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from django.apps import apps
from django.db import connection, migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def text_of(app_label: str, name: str) -> str:
    """Answer the text that creates the procedure `<app_label>_<name>`."""
    path = Path(apps.get_app_config(app_label).path) / "sql" / f"{name}.sql"
    return path.read_text(encoding="utf-8")


def installed_by(app_label: str, *names: str) -> migrations.RunPython:
    """Answer a migration's step that installs these procedures where the server has any."""

    def install(_apps: Any, editor: BaseDatabaseSchemaEditor) -> None:
        if editor.connection.vendor != "mysql":
            return
        with editor.connection.cursor() as cursor:
            for name in names:
                cursor.execute(f"DROP PROCEDURE IF EXISTS {app_label}_{name}")
                cursor.execute(text_of(app_label, name))

    def remove(_apps: Any, editor: BaseDatabaseSchemaEditor) -> None:
        if editor.connection.vendor != "mysql":
            return
        with editor.connection.cursor() as cursor:
            for name in names:
                cursor.execute(f"DROP PROCEDURE IF EXISTS {app_label}_{name}")

    return migrations.RunPython(install, remove, elidable=False)


def call(name: str, arguments: Sequence[Any]) -> tuple[Any, ...]:
    """Call a procedure in the caller's transaction and answer its one row; instants are adapted."""
    return call_rows(name, arguments)[0]


def call_rows(name: str, arguments: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Call a procedure that answers with rows; arguments are values, never text of the call."""
    values = [
        connection.ops.adapt_datetimefield_value(value) if isinstance(value, datetime) else value
        for value in arguments
    ]
    marks = ", ".join(["%s"] * len(values))
    with connection.cursor() as cursor:
        cursor.execute(f"CALL {name}({marks})", values)
        rows = list(cursor.fetchall())
        # What follows is the call's own status, without rows.
        while cursor.nextset():
            continue
    return rows
