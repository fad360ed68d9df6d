"""
Reading the environment without falling over it.

A variable that makes no sense is written down as a fault, and its default is used instead; the
start-up checks (travel/checks.py) then refuse to start and say which variable is wrong and how to
mend it. A database that cannot be understood becomes no database at all, never another one.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import tempfile
import zoneinfo
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

YES = frozenset({"true", "on", "ok", "y", "yes", "1"})
NO = frozenset({"false", "off", "n", "no", "0", ""})
DATABASE_HINT = "Write sqlite:////full/path/office.sqlite3 or mysql://user:password@host/name."
DRIVER_HINT = (
    "Install the whole office: pip install --require-hashes -r requirements.txt (a compiler and "
    "the client headers are needed: docs/OPERATIONS.md)."
)
JSON_HINT = 'Write a JSON object: {"MAILGUN_API_KEY": "..."}'
EMAIL_HINT = "Write smtp+tls://user:password@host:587, filemail:///a/folder or consolemail://."
REDIS_HINT = "Write redis://host:6379/0, rediss://... or unix:///path/redis.sock?db=0."
BROKER_HINT = "Write redis://host:6379/1, amqp://user:password@host/ or filesystem://."
BROKER_SCHEMES = frozenset(
    {"redis", "rediss", "redis+socket", "unix", "sentinel", "amqp", "amqps", "filesystem", "memory"}
)
FILES = "filesystem://"
NO_DATABASE = {"ENGINE": "django.db.backends.dummy", "NAME": ""}


@dataclass(frozen=True)
class Fault:
    """One variable of the environment that makes no sense, and what to write instead."""

    name: str
    problem: str
    hint: str


class Environment(environ.Env):  # type: ignore[misc]
    """django-environ's reader, which collects faults instead of raising them."""

    def __init__(self, **scheme: Any) -> None:
        super().__init__(**scheme)
        self.faults: list[Fault] = []

    def get_value(
        self,
        var: str,
        cast: Any = None,
        default: Any = environ.Env.NOTSET,
        parse_default: bool = False,
    ) -> Any:
        """Return the variable as `cast`, or its default and a fault when it cannot be read so."""
        raw = os.environ.get(var)
        if cast is bool and raw is not None and raw.strip().lower() not in YES | NO:
            self._fault(var, f"{raw!r} is neither yes nor no.", "Write 1 or 0.")
            return default
        try:
            return super().get_value(var, cast=cast, default=default, parse_default=parse_default)
        except (ValueError, ImproperlyConfigured):
            kind = "a whole number" if cast is int else "what is expected here"
            self._fault(var, f"{raw!r} is not {kind}.", "See .env.example for what it takes.")
            return default

    def one_of(self, var: str, *words: str, default: str) -> str:
        """Return the variable, which must be one of these words."""
        value: str = self.str(var, default=default)
        if value in words:
            return value
        self._fault(var, f"{value!r} is unknown.", f"Write one of: {', '.join(words)}.")
        return default

    def time_zone(self, var: str, *, default: str) -> str:
        """Read the IANA name of a time zone."""
        value: str = self.str(var, default=default)
        if value not in zoneinfo.available_timezones():
            self._fault(
                var, "This is no time zone.", "Write the name of one, such as Europe/Berlin."
            )
            return default
        return value

    def database(self, var: str, *, default: str) -> dict[str, Any]:
        """Return Django's settings for a database address: SQLite, MySQL or MariaDB."""
        url = self.str(var, default=default)
        settings: dict[str, Any] = {}
        try:
            scheme = urlsplit(url).scheme
            if scheme in {"sqlite", "mysql"}:
                settings = self.db_url_config(url)
        except (ValueError, ImproperlyConfigured):
            settings = {}
        # The address may hold a password, so a fault never repeats it.
        if not settings.get("NAME"):
            self._fault(var, "This is no address of a database.", DATABASE_HINT)
            return dict(NO_DATABASE)
        if scheme == "mysql" and importlib.util.find_spec("MySQLdb") is None:
            self._fault(var, "The driver for MySQL and MariaDB is not installed.", DRIVER_HINT)
            return dict(NO_DATABASE)
        return settings

    def folder(self, var: str, *, default: Path) -> Path:
        """Return a folder to write into; it is made when it is not there."""
        path = Path(self.str(var, default=str(default)))
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as problem:
            self._fault(var, f"{path}: {problem.strerror}.", "Name a folder that may be written.")
            return Path(tempfile.mkdtemp(prefix="office-"))
        return path

    def redis(self, var: str) -> str:
        """Return the address of a Redis, or an empty text when there is none."""
        url: str = self.str(var, default="")
        if not url or urlsplit(url).scheme in {"redis", "rediss", "unix"}:
            return url
        self._fault(var, "This is no address of a Redis.", REDIS_HINT)
        return ""

    def broker(self, var: str, *, redis: str) -> str:
        """Return the address of the jobs' broker: as told, else the Redis, else plain files."""
        url: str = self.str(var, default="") or redis or FILES
        if urlsplit(url).scheme not in BROKER_SCHEMES:
            self._fault(var, "This is no address of a broker.", BROKER_HINT)
            return FILES
        # Celery spells a socket differently from the cache.
        return re.sub(r"^unix://([^?]*)\?db=", r"redis+socket://\1?virtual_host=", url)

    def mail(self, var: str, *, default: str) -> dict[str, Any]:
        """Return Django's settings for sending e-mail."""
        try:
            settings: dict[str, Any] = self.email_url_config(self.str(var, default=default))
        except (ValueError, KeyError, ImproperlyConfigured):
            self._fault(var, "This is no address of a mail server.", EMAIL_HINT)
            settings = self.email_url_config(default)
        return settings

    def options(self, var: str) -> dict[str, Any]:
        """Return a JSON object; nothing written is an empty one."""
        try:
            options = json.loads(self.str(var, default="{}"))
        except ValueError:
            options = None
        if not isinstance(options, dict):
            self._fault(var, "This is no JSON object.", JSON_HINT)
            return {}
        return options

    def _fault(self, name: str, problem: str, hint: str) -> None:
        self.faults.append(Fault(name=name, problem=problem, hint=hint))
