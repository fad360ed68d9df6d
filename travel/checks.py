"""
What the office refuses to start with: a wrong environment, a wrong database, an unsafe deployment.

Django runs these before its commands, `check --database default` and `migrate` add the database's,
`check --deploy` adds the deployment's. The web and the workers, which run no command, call
`refuse_a_wrong_start`. Every message says what is wrong and its hint how to mend it; a database
that does not answer is no fault of the settings and is left to the health pages.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig, apps
from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, register, run_checks
from django.db import DatabaseError, connections
from django.db.models import UniqueConstraint
from django.utils import timezone
from django.utils.module_loading import import_string

from bookings.barcodes import seed_of

OUR_APPS = frozenset({"common", "api", "accounts", "inventory", "bookings", "payments", "support"})
WORKER_BOOT_ERROR = 3
# RFC 7518, section 3.2: a key for HS256 has at least the 256 bits of the hash.
KEY_BYTES = 32
TWILIO = "travel.common.twilio.TwilioSms"
OLDEST_MARIADB = (10, 6)
OLDEST_MYSQL = (8, 0, 11)
# Flush methods with which a power cut loses what the server said was written.
UNSAFE_FLUSH_METHODS = frozenset({"nosync", "littlesync"})
UNSAFE_DOUBLEWRITES = frozenset({"off", "0", "detect_only"})
# Parts of a UniqueConstraint that MySQL and MariaDB leave out without a word.
LEFT_OUT_BY_MYSQL = ("condition", "deferrable", "include", "nulls_distinct", "expressions")


def refuse_a_wrong_start() -> None:
    """
    Run the checks, the database's too, for a process that no command has checked.

    :raises SystemExit: something is wrong, and standard error says what, with hints. The code is
        the one by which gunicorn's worker says that starting it again would not help.
    """
    faults = [fault for fault in run_checks(databases=["default"]) if fault.is_serious()]
    if faults:
        sys.stderr.write("The office does not start:\n")
        sys.stderr.writelines(f"{fault}\n" for fault in faults)
        raise SystemExit(WORKER_BOOT_ERROR)


# --- the environment ------------------------------------------------------------------------------


@register()
def check_environment(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Every variable can be read."""
    return [
        Error(f"{fault.name}: {fault.problem}", hint=fault.hint, id="travel.E001")
        for fault in settings.ENVIRONMENT_FAULTS
    ]


@register()
def check_settings(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Keys are long enough, addresses are addresses, named code exists."""
    return [
        *_check_keys(),
        *_check_site_url(),
        *_check_message_backends(),
        *_check_gateways(),
        *_check_wallet_passes(),
    ]


def _check_keys() -> Iterable[CheckMessage]:
    keys = {"SECRET_KEY": [settings.SECRET_KEY], "TOKEN_KEYS": settings.TOKEN_KEYS}
    for name, values in keys.items():
        if any(len(str(value).encode()) < KEY_BYTES for value in values):
            yield Error(
                f"{name}: a key is shorter than {KEY_BYTES} bytes.",
                hint="Make one: python3 -c 'import secrets; print(secrets.token_urlsafe(50))'",
                id="travel.E002",
            )
    for key in settings.TICKET_SIGNING_KEYS:
        try:
            seed_of(key)
        except ValueError:
            yield Error(
                "TICKET_SIGNING_KEYS: a key is not 32 bytes in base64url.",
                hint="Make one: python manage.py ticket_keys",
                id="travel.E008",
            )


def _check_site_url() -> Iterable[CheckMessage]:
    url = urlsplit(settings.SITE_URL)
    if url.scheme not in {"http", "https"} or not url.netloc:
        yield Error(
            f"SITE_URL: {settings.SITE_URL!r} is no address of a site.",
            hint="Write the address that travellers see: https://tickets.example.org",
            id="travel.E003",
        )


def _check_message_backends() -> Iterable[CheckMessage]:
    for name in ("SMS_BACKEND", "EMAIL_BACKEND"):
        path = getattr(settings, name)
        try:
            import_string(path)
        except ImportError:
            yield Error(
                f"{name}: {path!r} cannot be loaded.",
                hint="Name an installed class by its dotted path; .env.example tells of some.",
                id="travel.E004",
            )
    if settings.SMS_BACKEND == TWILIO and not (
        settings.TWILIO_ACCOUNT_SID and settings.TWILIO_AUTH_TOKEN and settings.TWILIO_SENDER
    ):
        yield Error(
            "SMS_BACKEND is Twilio's, but account, token or sender is missing.",
            hint="Set TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN and TWILIO_SENDER.",
            id="travel.E005",
        )


def _check_gateways() -> Iterable[CheckMessage]:
    needed = {
        "stripe": ["STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET"],
        "btcpay": ["BTCPAY_URL", "BTCPAY_STORE", "BTCPAY_API_KEY", "BTCPAY_WEBHOOK_SECRET"],
    }
    chosen = set(settings.PAYMENT_GATEWAYS.values())
    for gateway in sorted(chosen & set(needed)):
        missing = [name for name in needed[gateway] if not getattr(settings, name)]
        if missing:
            yield Error(
                f"{gateway} is to take payments, but {', '.join(missing)} is missing.",
                hint="docs/PAYMENTS.md says where to find it.",
                id="travel.E006",
            )
    if "stripe" in chosen and find_spec("stripe") is None:
        yield Error(
            "Stripe is to take cards, but its SDK is not installed.",
            hint="pip install --require-hashes -r requirements-stripe.txt",
            id="travel.E007",
        )


def _check_wallet_passes() -> Iterable[CheckMessage]:
    if not settings.WALLET_PASS_PEM:
        return
    # It wants the tables' models, which are not there yet when this module is loaded.
    from bookings.documents.wallet import signer_of

    try:
        signer = signer_of(settings.WALLET_PASS_PEM, settings.WALLET_PASS_PASSWORD)
    except (OSError, ValueError, TypeError) as failure:
        yield Error(
            f"WALLET_PASS_PEM: {getattr(failure, 'strerror', None) or failure}",
            hint="Name a PEM file with the pass type's key and certificate, and Apple's WWDR.",
            id="travel.E009",
        )
        return
    if signer.certificate.not_valid_after_utc <= timezone.now():
        yield checks.Warning(
            "WALLET_PASS_PEM: the certificate has run out; no phone takes passes that it signs.",
            hint="Renew the Pass Type ID certificate with Apple.",
            id="travel.W009",
        )


# --- the tables -----------------------------------------------------------------------------------


@register(Tags.models)
def check_constraints(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """No unique constraint is of a kind that MySQL and MariaDB silently leave out (models.W036)."""
    return [
        Error(
            f"{constraint.name} would not exist on MySQL and MariaDB: it has {part}.",
            hint="Guard the fact by a plain unique key, if need be over a nullable column.",
            obj=model,
            id="travel.E010",
        )
        for model in apps.get_models()
        if model._meta.app_label in OUR_APPS
        for constraint in model._meta.constraints
        if isinstance(constraint, UniqueConstraint)
        for part in LEFT_OUT_BY_MYSQL
        if getattr(constraint, part, None) not in (None, ())
    ]


# --- the database ---------------------------------------------------------------------------------


@register(Tags.database)
def check_database(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """The database keeps what it is told, all of it, and reads only what was committed."""
    faults: list[CheckMessage] = []
    for alias in databases or ():
        vendor = connections[alias].vendor
        try:
            if vendor == "mysql":
                faults += _check_mysql(alias)
            elif vendor == "sqlite":
                faults += _check_sqlite(alias)
        except DatabaseError:
            # It does not answer: an outage, which `doctor` and the health pages tell of.
            continue
    return faults


def _check_mysql(alias: str) -> Iterable[CheckMessage]:
    connection = connections[alias]
    with connection.cursor() as cursor:
        cursor.execute("SHOW VARIABLES")
        found = {str(name).lower(): str(value) for name, value in cursor.fetchall()}
        cursor.execute("SELECT CONVERT_TZ('2026-07-01 12:00:00', 'UTC', 'Europe/Berlin')")
        (converted,) = cursor.fetchone()
        cursor.execute(
            "SELECT table_name FROM information_schema.tables "
            "WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE' "
            "AND (engine <> 'InnoDB' OR table_collation NOT LIKE 'utf8mb4%') "
            "ORDER BY table_name LIMIT 5"
        )
        strange = [str(name) for (name,) in cursor.fetchall()]
    yield from judge_mysql(
        found,
        is_mariadb=connection.mysql_is_mariadb,  # type: ignore[attr-defined]
        version=connection.mysql_version,  # type: ignore[attr-defined]
    )
    if strange:
        yield Error(
            f"Tables without transactions or with another character set: {', '.join(strange)}.",
            hint="ALTER TABLE ... ENGINE InnoDB, CONVERT TO CHARACTER SET utf8mb4 "
            "COLLATE utf8mb4_bin.",
            id="travel.E027",
        )
    if converted is None:
        yield checks.Warning(
            "The database server has no time zone tables.",
            hint="Load them: mariadb-tzinfo-to-sql /usr/share/zoneinfo | mariadb mysql",
            id="travel.W021",
        )


def judge_mysql(
    found: dict[str, str], *, is_mariadb: bool, version: tuple[int, ...]
) -> Iterable[CheckMessage]:
    """Yield what is wrong with these variables of a MySQL or MariaDB session."""
    name, oldest = ("MariaDB", OLDEST_MARIADB) if is_mariadb else ("MySQL", OLDEST_MYSQL)
    if version < oldest:
        yield Error(
            f"{name} {_dotted(version)} is too old.",
            hint=f"{name} {_dotted(oldest)} is the oldest that will do.",
            id="travel.E020",
        )
    for variable in ("character_set_client", "character_set_connection", "character_set_database"):
        if found.get(variable) != "utf8mb4":
            yield Error(
                f"{variable} is {found.get(variable)}: names in many scripts would be lost.",
                hint="ALTER DATABASE ... CHARACTER SET utf8mb4 COLLATE utf8mb4_bin, then migrate.",
                id="travel.E021",
            )
    isolation = found.get("transaction_isolation") or found.get("tx_isolation")
    if isolation != "READ-COMMITTED":
        yield Error(
            f"The isolation level is {isolation}: sales would wait for gaps nobody sells.",
            hint="Take isolation_level out of DATABASE_URL; the settings ask for READ COMMITTED.",
            id="travel.E022",
        )
    if not {"STRICT_TRANS_TABLES", "STRICT_ALL_TABLES"} & set(found.get("sql_mode", "").split(",")):
        yield Error(
            "sql_mode is not strict: what does not fit would be cut off silently.",
            hint="Take sql_mode out of DATABASE_URL; the settings ask for STRICT_TRANS_TABLES.",
            id="travel.E023",
        )
    flush = found.get("innodb_flush_log_at_trx_commit")
    if flush != "1":
        yield Error(
            f"innodb_flush_log_at_trx_commit is {flush}: a crash would lose sales that were told.",
            hint="Set innodb_flush_log_at_trx_commit = 1 in the server's configuration.",
            id="travel.E024",
        )
    # What the binary log has lost is rolled back when the server recovers, though it was committed.
    if found.get("log_bin") == "ON" and found.get("sync_binlog") != "1":
        yield Error(
            f"sync_binlog is {found.get('sync_binlog')}: a power cut would take back sales that "
            "were told.",
            hint="Set sync_binlog = 1 in the server's configuration, or write no binary log.",
            id="travel.E026",
        )
    if (engine := found.get("default_storage_engine")) != "InnoDB":
        yield Error(
            f"The default storage engine is {engine}: it has no transactions.",
            hint="Set default_storage_engine = InnoDB in the server's configuration.",
            id="travel.E025",
        )
    yield from _judge_writing(found)


def _judge_writing(found: dict[str, str]) -> Iterable[CheckMessage]:
    """Yield what is right only on special disks, or on servers that are thrown away."""
    if found.get("innodb_doublewrite", "ON").lower() in UNSAFE_DOUBLEWRITES:
        yield checks.Warning(
            "innodb_doublewrite is off: a power cut may leave half a page, which nobody can mend.",
            hint="Set innodb_doublewrite = ON, unless the disk writes whole pages or none.",
            id="travel.W022",
        )
    method = found.get("innodb_flush_method", "")
    if method.lower() in UNSAFE_FLUSH_METHODS:
        yield checks.Warning(
            f"innodb_flush_method is {method}: nobody waits for the disk, a power cut loses sales.",
            hint="Set innodb_flush_method = O_DIRECT; this is for servers that are thrown away.",
            id="travel.W023",
        )


def _check_sqlite(alias: str) -> Iterable[CheckMessage]:
    connection = connections[alias]
    if connection.settings_dict["OPTIONS"].get("transaction_mode") != "IMMEDIATE":
        yield Error(
            "SQLite's transactions do not begin IMMEDIATE: two sales at once would fail.",
            hint='Set OPTIONS["transaction_mode"] = "IMMEDIATE" in the settings.',
            id="travel.E030",
        )
    wanted = {"journal_mode": ("wal", "memory"), "synchronous": (2, 3), "foreign_keys": (1,)}
    with connection.cursor() as cursor:
        for pragma, good in wanted.items():
            cursor.execute(f"PRAGMA {pragma}")
            (value,) = cursor.fetchone()
            if value not in good:
                yield Error(
                    f"SQLite's {pragma} is {value}: a power cut or a crash would lose sales.",
                    hint=f"The settings' init_command sets PRAGMA {pragma}; leave it there.",
                    id="travel.E031",
                )


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


# --- the deployment -------------------------------------------------------------------------------


@register(Tags.security, deploy=True)
def check_deployment(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Nothing that is only good for a first look, for tests or for benchmarks is left on."""
    wrong = {
        "travel.E040": (
            settings.SECRET_KEY == settings.INSECURE_SECRET_KEY,
            "SECRET_KEY is the one that everybody knows.",
            "Make one: python3 -c 'import secrets; print(secrets.token_urlsafe(50))'",
        ),
        "travel.E048": (
            not settings.TICKET_SIGNING_KEYS,
            "TICKET_SIGNING_KEYS is not set: tickets would not outlive a new SECRET_KEY.",
            "Make one: python manage.py ticket_keys",
        ),
        "travel.E041": (
            settings.DEMO,
            "DEMO is on: its logins and everybody's messages are public.",
            "Set DEMO=0.",
        ),
        "travel.E042": (
            settings.THROTTLES == "off",
            "THROTTLES is off: nothing slows down whoever guesses passwords.",
            "Set THROTTLES=on.",
        ),
        "travel.E043": (
            settings.STAFF_2FA == "optional",
            "STAFF_2FA is optional: one stolen password opens the back office.",
            "Set STAFF_2FA=required.",
        ),
        "travel.E047": (
            "sandbox" in settings.PAYMENT_GATEWAYS.values(),
            "The sandbox takes payments: whoever likes travels for nothing.",
            "Set CARD_GATEWAY and CRYPTO_GATEWAY to a provider, or to none.",
        ),
        "travel.E044": (
            settings.MAIL_DELIVERY != "email",
            "MAIL_DELIVERY keeps every message on this machine: travellers get none.",
            "Set MAIL_DELIVERY=email and EMAIL_URL.",
        ),
    }
    faults: list[CheckMessage] = [
        Error(text, hint=hint, id=name)
        for name, (is_wrong, text, hint) in wrong.items()
        if is_wrong
    ]
    if not settings.REDIS_URL:
        faults.append(
            checks.Warning(
                "REDIS_URL is not set: one-time codes and throttles live in one process only.",
                hint="Set REDIS_URL, or run the web as one process.",
                id="travel.W045",
            )
        )
    return faults
