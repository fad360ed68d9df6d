"""A database of the simulator's own: made, migrated, and dropped at the end."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import django


@contextmanager
def own_database(*, keep: bool) -> Iterator[str]:
    """
    Set Django up with a new and empty database; yields where it is.

    A file in a temporary folder, or a schema of its own on the server that DATABASE_URL names.
    With `keep` it stays. Nothing is cached outside this process: a Redis would mix the departures
    of this database with those of another.
    """
    folder = Path(tempfile.mkdtemp(prefix="office-simulator-"))
    os.environ.update(
        DJANGO_SETTINGS_MODULE="travel.settings",
        TESTING="1",
        VAR_DIR=str(folder),
        REDIS_URL="",
        LOG_LEVEL="WARNING",
    )
    try:
        django.setup()
        with _database(folder, keep=keep) as place:
            yield place
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _database(folder: Path, *, keep: bool) -> Iterator[str]:
    from django.db import connection

    name = folder.name.replace("-", "_")
    settings = connection.settings_dict
    if connection.vendor == "sqlite":
        name = str(folder / "office.sqlite3")
        # The file is thrown away, so nobody waits for the disk.
        options = settings["OPTIONS"]
        options["init_command"] = options["init_command"].replace(
            "synchronous=FULL", "synchronous=OFF"
        )
    settings["TEST"]["NAME"] = name
    before = settings["NAME"]
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    try:
        yield name
    finally:
        connection.close()
        if not keep:
            connection.creation.destroy_test_db(before, verbosity=0)
