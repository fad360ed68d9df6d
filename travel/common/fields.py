"""Column types that mean the same on SQLite, MariaDB and MySQL."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper


class CodeField(models.CharField):  # type: ignore[type-arg]
    """
    Text compared byte by byte: codes, e-mail addresses, locators, digests, state words.

    MariaDB's default collation takes `josé` for `jose` and `a ` for `a`; these columns are
    utf8mb4_bin there. SQLite compares bytes by itself. Whoever writes a value normalises it first.
    """

    def db_parameters(self, connection: BaseDatabaseWrapper) -> dict[str, Any]:
        parameters = super().db_parameters(connection)
        if connection.vendor == "mysql":
            parameters["collation"] = "utf8mb4_bin"
        return parameters
