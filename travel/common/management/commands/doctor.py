"""`manage.py doctor`: what the office runs on, and what is wrong with it, in words."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import kombu
import kombu.exceptions
from django.conf import settings
from django.core import mail
from django.core.cache import cache
from django.core.checks import run_checks
from django.core.management.base import BaseCommand
from django.db import DatabaseError, connection
from django.db.migrations.exceptions import BadMigrationError, InconsistentMigrationHistory
from django.db.migrations.executor import MigrationExecutor
from django.utils.module_loading import import_string

BROKER_SECONDS = 3
SHOWN_MIGRATIONS = 5
# Whatever a client library may raise when its service is down; a doctor never faints.
ANY_TROUBLE = (Exception,)


@dataclass
class Finding:
    """One line of the report: what is in use, and the faults found with it."""

    subject: str
    words: str
    faults: list[str] = field(default_factory=list)


class Command(BaseCommand):
    help = (
        "Say which database, cache, broker, mail, SMS and payments are in use, and what is wrong."
    )
    # A report on what is wrong must not be stopped by what is wrong.
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        faults = 0
        for finding in examine():
            faults += len(finding.faults)
            mark = self.style.ERROR("WRONG") if finding.faults else self.style.SUCCESS("ok   ")
            self.stdout.write(f"{mark} {finding.subject:<11} {finding.words}")
            for fault in finding.faults:
                self.stdout.write(f"{'':<18}{fault}")
        if faults:
            self.stdout.write(f"\n{faults} thing{'s' if faults > 1 else ''} to mend.")
            raise SystemExit(1)
        self.stdout.write("\nNothing is wrong.")


def examine() -> Iterator[Finding]:
    """Look at one thing after another; a thing that is down does not hide the others."""
    yield look_at_settings()
    database = look_at_database()
    yield database
    if not database.faults:
        yield look_at_migrations()
    yield guarded("Cache", look_at_cache)
    yield guarded("Broker", look_at_broker)
    yield guarded("Mail", look_at_mail)
    yield guarded("SMS", look_at_sms)
    yield guarded("Payments", look_at_payments)
    yield look_at_demo()


def guarded(subject: str, look: Callable[[], Finding]) -> Finding:
    """Return what `look` finds, or the words of whatever stopped it."""
    try:
        return look()
    except ANY_TROUBLE as problem:
        return Finding(subject, "does not answer", [one_line(problem)])


def look_at_settings() -> Finding:
    faults = [
        f"{fault.msg} {fault.hint or ''}".strip() for fault in run_checks() if fault.is_serious()
    ]
    where = settings.BASE_DIR / ".env"
    source = f"the environment and {where}" if where.is_file() else "the environment, no .env file"
    return Finding("Settings", source, faults)


def look_at_database() -> Finding:
    try:
        connection.ensure_connection()
        words = _describe_database()
    except ANY_TROUBLE as problem:
        # The connection's own display name would ask the database.
        kind = {"mysql": "MySQL or MariaDB", "sqlite": "SQLite"}.get(connection.vendor, "Database")
        return Finding(
            "Database",
            f"{kind} at {_place_of_database()} does not answer",
            [f"{one_line(problem)} Is the server running, and is DATABASE_URL right?"],
        )
    found = run_checks(tags=["database"], databases=["default"])
    faults = [f"{fault.msg} {fault.hint or ''}".strip() for fault in found if fault.is_serious()]
    hints = [f"{fault.msg}" for fault in found if not fault.is_serious()]
    return Finding("Database", "; ".join([words, *hints]), faults)


def _describe_database() -> str:
    place = connection.settings_dict
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT sqlite_version()")
            (version,) = cursor.fetchone()
            mode = place["OPTIONS"].get("transaction_mode", "DEFERRED")
            return f"SQLite {version}, file {_place_of_database()}, transactions {mode}"
        cursor.execute("SELECT VERSION(), @@character_set_database, @@collation_database")
        version, charset, collation = cursor.fetchone()
        cursor.execute(
            "SHOW VARIABLES WHERE Variable_name IN ('transaction_isolation', 'tx_isolation')"
        )
        isolation = cursor.fetchone()[1]
    return (
        f"{connection.display_name} {version.split('-')[0]}, {_place_of_database()}, "
        f"{charset} ({collation}), isolation {isolation}"
    )


def _place_of_database() -> str:
    place = connection.settings_dict
    where = place["HOST"] or place.get("OPTIONS", {}).get("unix_socket", "")
    port = f":{place['PORT']}" if place["PORT"] else ""
    return f"{where}{port}/{place['NAME']}" if where else str(place["NAME"])


def look_at_migrations() -> Finding:
    try:
        executor = MigrationExecutor(connection)
        executor.loader.check_consistent_history(connection)
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except (BadMigrationError, InconsistentMigrationHistory, DatabaseError) as problem:
        return Finding("Tables", "cannot be read", [one_line(problem)])
    if not plan:
        return Finding("Tables", "up to date")
    names = [f"{migration.app_label}.{migration.name}" for migration, _ in plan]
    shown = ", ".join(names[:SHOWN_MIGRATIONS]) + (", ..." if len(names) > SHOWN_MIGRATIONS else "")
    return Finding(
        "Tables",
        "lag behind the code",
        [f"{len(names)} migrations are pending ({shown}). Run: python manage.py migrate"],
    )


def look_at_cache() -> Finding:
    if not settings.REDIS_URL:
        return Finding("Cache", "memory of each process; enough for one web process")
    place = without_password(settings.REDIS_URL)
    started = time.perf_counter()
    try:
        cache.set("doctor", "well", timeout=10)
        answer = cache.get("doctor")
    except ANY_TROUBLE as problem:
        return Finding(
            "Cache",
            f"Redis at {place} does not answer",
            [f"{one_line(problem)} Is the server running, and is REDIS_URL right?"],
        )
    spent = (time.perf_counter() - started) * 1_000
    if answer != "well":
        return Finding("Cache", f"Redis at {place}", ["It forgot at once what it was told."])
    return Finding("Cache", f"Redis at {place}, answered in {spent:.1f} ms")


def look_at_broker() -> Finding:
    url = settings.CELERY_BROKER_URL
    if url.startswith("filesystem:"):
        folder = Path(str(settings.CELERY_BROKER_TRANSPORT_OPTIONS["data_folder_in"]))
        waiting = sum(1 for _ in folder.iterdir()) if folder.is_dir() else 0
        return Finding("Broker", f"files in {folder}, {waiting} messages waiting; one machine only")
    place = without_password(url)
    try:
        with kombu.Connection(url, connect_timeout=BROKER_SECONDS) as broker:  # type: ignore[no-untyped-call]
            broker.ensure_connection(max_retries=1, interval_start=0, timeout=BROKER_SECONDS)
    except ANY_TROUBLE as problem:
        return Finding(
            "Broker",
            f"{place} does not answer",
            [f"{one_line(problem)} Is the server running, and is CELERY_BROKER_URL right?"],
        )
    return Finding("Broker", f"{place}, answers")


def look_at_mail() -> Finding:
    if settings.MAIL_DELIVERY == "outbox":
        return Finding("Mail", "kept on the outbox page, nothing is sent")
    kind = settings.EMAIL_BACKEND.rsplit(".", 2)[-2]
    if kind != "smtp":
        return Finding("Mail", {"console": "printed to the console"}.get(kind, f"to {kind}"))
    place = f"{settings.EMAIL_HOST}:{settings.EMAIL_PORT}"
    try:
        with mail.get_connection(timeout=BROKER_SECONDS):
            return Finding("Mail", f"SMTP at {place}, answers")
    except ANY_TROUBLE as problem:
        return Finding(
            "Mail",
            f"SMTP at {place} does not answer",
            [f"{one_line(problem)} Is EMAIL_URL right?"],
        )


def look_at_sms() -> Finding:
    if settings.MAIL_DELIVERY == "outbox":
        return Finding("SMS", "kept on the outbox page, nothing is sent")
    import_string(settings.SMS_BACKEND)
    return Finding("SMS", f"by {settings.SMS_BACKEND}")


def look_at_payments() -> Finding:
    return Finding("Payments", "wallets, and the sandbox for cards and coins: no money moves")


def look_at_demo() -> Finding:
    if settings.DEMO:
        return Finding("Demo", f"ON: public logins and messages at {settings.SITE_URL}/outbox/")
    return Finding("Demo", "off")


def without_password(url: str) -> str:
    """Return an address as it may be shown: without the names and passwords inside it."""
    return re.sub(r"//[^/]*@", "//", url.split("?")[0])


def one_line(problem: BaseException) -> str:
    """Return an exception's words as one sentence, its kind when it has none."""
    words = " ".join(str(problem).split()) or type(problem).__name__
    return words if words.endswith((".", "!", "?")) else f"{words}."
