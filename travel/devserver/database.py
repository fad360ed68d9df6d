"""The demo's database: whose it is, whether it is up to date, and how it is thrown away."""

from __future__ import annotations

import hashlib
import json
from datetime import date
from pathlib import Path

from django.apps import apps
from django.contrib.auth import get_user_model
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder

DEMO_LOGIN = "traveller@demo.example"


def has_pending_migrations() -> bool:
    """Whether the tables lag behind the code."""
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def has_demo_login() -> bool:
    """Whether the demo's traveller has an account here."""
    return _count_accounts(email=DEMO_LOGIN) > 0


def is_foreign() -> bool:
    """Whether this is no demo's: another program's tables, or accounts without the demo's."""
    with connection.cursor() as cursor:
        tables = set(connection.introspection.table_names(cursor))
    if not tables:
        return False
    labels = {label for label, _ in MigrationRecorder(connection).applied_migrations()}
    # A start that was cut short leaves some of the tables, and those are the office's own.
    is_office = bool(labels) and labels <= set(apps.app_configs) and "auth_user" not in tables
    return not is_office or (_count_accounts() > 0 and not has_demo_login())


def forget() -> None:
    """Throw the whole database away: the file of SQLite, all tables of MySQL and MariaDB."""
    if connection.vendor == "sqlite":
        connection.close()
        path = Path(str(connection.settings_dict["NAME"]))
        for suffix in ("", "-wal", "-shm", "-journal"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        return
    with connection.constraint_checks_disabled(), connection.cursor() as cursor:
        for table in connection.introspection.get_table_list(cursor):
            kind = "VIEW" if table.type == "v" else "TABLE"
            cursor.execute(f"DROP {kind} IF EXISTS {connection.ops.quote_name(table.name)}")


class SeedStamp:
    """Remembers what was seeded where, so that a second start has nothing to do."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def matches(self, *, today: date, scale: float) -> bool:
        """Whether this very database was seeded today, at this scale at least."""
        try:
            stamp = json.loads(self._path.read_text())
        except (OSError, ValueError):
            return False
        return bool(stamp == self._content(today=today, scale=scale)) and has_demo_login()

    def write(self, *, today: date, scale: float) -> None:
        """Note that this database was seeded."""
        self._path.write_text(json.dumps(self._content(today=today, scale=scale)))

    def forget(self) -> None:
        """Make the next start seed again."""
        self._path.unlink(missing_ok=True)

    def _content(self, *, today: date, scale: float) -> dict[str, object]:
        place = [connection.settings_dict[key] for key in ("ENGINE", "NAME", "HOST", "PORT")]
        digest = hashlib.sha256(repr(place).encode()).hexdigest()
        return {"database": digest, "date": today.isoformat(), "scale": scale}


def _count_accounts(**only: str) -> int:
    try:
        return get_user_model()._default_manager.filter(**only).count()
    except DatabaseError:
        # The table is not there yet: nobody has an account.
        return 0
