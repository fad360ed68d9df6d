"""What the office refuses to start with."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from django.core.checks import run_checks
from django.db import connection, models
from django.test.utils import isolate_apps

from tests.plugins import servers
from travel import checks
from travel.environment import Fault

ROOT = Path(__file__).resolve().parent.parent.parent
GOOD = {
    "character_set_client": "utf8mb4",
    "character_set_connection": "utf8mb4",
    "character_set_database": "utf8mb4",
    "transaction_isolation": "READ-COMMITTED",
    "sql_mode": "STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION",
    "innodb_flush_log_at_trx_commit": "1",
    "default_storage_engine": "InnoDB",
}


def judge(version=(10, 11, 6), *, is_mariadb=True, **changed):
    found = {**GOOD, **changed}
    return [fault.id for fault in checks.judge_mysql(found, is_mariadb=is_mariadb, version=version)]


def deployment_faults():
    return {
        fault.id
        for fault in run_checks(include_deployment_checks=True)
        if (fault.id or "").startswith("travel.") and fault.is_serious()
    }


class TestJudgeMysql:
    def test_a_good_server_passes(self):
        assert judge() == []
        assert judge((8, 4, 0), is_mariadb=False) == []

    def test_an_older_mariadb_names_its_isolation_differently(self):
        found = dict(GOOD)
        found["tx_isolation"] = found.pop("transaction_isolation")
        assert list(checks.judge_mysql(found, is_mariadb=True, version=(10, 6, 1))) == []

    @pytest.mark.parametrize(
        ("changed", "expected"),
        [
            ({"character_set_database": "latin1"}, ["travel.E021"]),
            ({"character_set_client": "utf8mb3"}, ["travel.E021"]),
            ({"transaction_isolation": "REPEATABLE-READ"}, ["travel.E022"]),
            ({"sql_mode": "ANSI_QUOTES"}, ["travel.E023"]),
            ({"innodb_flush_log_at_trx_commit": "0"}, ["travel.E024"]),
            ({"innodb_flush_log_at_trx_commit": "2"}, ["travel.E024"]),
            ({"default_storage_engine": "MyISAM"}, ["travel.E025"]),
            ({"log_bin": "ON", "sync_binlog": "0"}, ["travel.E026"]),
            ({"log_bin": "ON", "sync_binlog": "1000"}, ["travel.E026"]),
            ({"log_bin": "ON", "sync_binlog": "1"}, []),
            ({"log_bin": "OFF", "sync_binlog": "0"}, []),
            ({"innodb_doublewrite": "OFF"}, ["travel.W022"]),
            ({"innodb_doublewrite": "DETECT_ONLY"}, ["travel.W022"]),
            ({"innodb_doublewrite": "DETECT_AND_RECOVER"}, []),
            ({"innodb_flush_method": "nosync"}, ["travel.W023"]),
            ({"innodb_flush_method": "O_DIRECT"}, []),
        ],
    )
    def test_a_wrong_setting_is_named(self, changed, expected):
        assert judge(**changed) == expected

    def test_an_old_server_is_refused(self):
        assert judge((10, 5, 20)) == ["travel.E020"]
        assert judge((5, 7, 44), is_mariadb=False) == ["travel.E020"]


@pytest.mark.django_db
@pytest.mark.mariadb
@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("SET SESSION transaction_isolation = 'REPEATABLE-READ'", "travel.E022"),
        ("SET SESSION tx_isolation = 'REPEATABLE-READ'", "travel.E022"),
        ("SET SESSION sql_mode = ''", "travel.E023"),
        ("SET NAMES latin1", "travel.E021"),
    ],
)
def test_a_real_session_with_a_wrong_setting_is_refused(statement, expected):
    name = "tx_isolation" if "tx_isolation" in statement else "transaction_isolation"
    with connection.cursor() as cursor:
        cursor.execute("SHOW VARIABLES LIKE %s", [name])
        if "isolation" in statement and cursor.fetchone() is None:
            pytest.skip(f"this server has no variable {name}")
    assert expected not in ids_of_database()
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
        assert expected in ids_of_database()
    finally:
        # The session is this test's alone; the next test gets another.
        connection.close()


@pytest.mark.django_db
@pytest.mark.mariadb
@pytest.mark.parametrize(
    "options", ["ENGINE MyISAM CHARACTER SET utf8mb4", "ENGINE InnoDB CHARACTER SET latin1"]
)
def test_a_table_of_another_kind_is_named(options):
    assert "travel.E027" not in ids_of_database()
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE strange_table (name VARCHAR(10)) {options}")
    try:
        (error,) = [
            fault
            for fault in checks.check_database(None, databases=["default"])
            if fault.id == "travel.E027"
        ]
        assert "strange_table" in error.msg
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE strange_table")


def ids_of_database():
    return [fault.id for fault in checks.check_database(None, databases=["default"])]


class TestSettings:
    def test_a_fault_of_the_environment_is_an_error_with_its_hint(self, settings):
        settings.ENVIRONMENT_FAULTS = [Fault("DEBUG", "'x' is neither.", "Write 1 or 0.")]
        (error,) = checks.check_environment(None)
        assert error.msg == "DEBUG: 'x' is neither."
        assert error.hint == "Write 1 or 0."

    @pytest.mark.parametrize(
        ("name", "value", "expected"),
        [
            ("SECRET_KEY", "short", "travel.E002"),
            ("TOKEN_KEYS", ["k" * 32, "k" * 31], "travel.E002"),
            ("TICKET_SIGNING_KEYS", ["k" * 43, "k" * 42], "travel.E008"),
            ("SITE_URL", "tickets.example.org", "travel.E003"),
            ("SMS_BACKEND", "travel.nowhere.Sms", "travel.E004"),
            ("EMAIL_BACKEND", "anymail.backends.nowhere.EmailBackend", "travel.E004"),
            ("SMS_BACKEND", "travel.common.twilio.TwilioSms", "travel.E005"),
        ],
    )
    def test_a_wrong_setting_is_an_error(self, settings, name, value, expected):
        assert checks.check_settings(None) == []
        setattr(settings, name, value)
        assert [error.id for error in checks.check_settings(None)] == [expected]


class TestConstraints:
    def test_the_tables_hold_only_what_every_database_can_guard(self):
        assert checks.check_constraints(None) == []

    @isolate_apps("bookings")
    def test_a_partial_unique_key_is_an_error(self, monkeypatch):
        class Berth(models.Model):
            number = models.IntegerField()

            class Meta:
                app_label = "bookings"
                constraints = [
                    models.UniqueConstraint(
                        fields=["number"], condition=models.Q(number__gt=0), name="berth_once"
                    )
                ]

        monkeypatch.setattr(checks.apps, "get_models", lambda: [Berth])
        (error,) = checks.check_constraints(None)
        assert error.id == "travel.E010"
        assert "berth_once" in error.msg


class TestDeployment:
    @pytest.fixture
    def owner(self, settings):
        """A careful owner's settings."""
        settings.SECRET_KEY = "k" * 60
        settings.DEMO = False
        settings.THROTTLES = "on"
        settings.STAFF_2FA = "required"
        settings.MAIL_DELIVERY = "email"
        settings.REDIS_URL = "redis://127.0.0.1:6379/0"
        settings.PAYMENT_GATEWAYS = {"Bank Card": "stripe", "Cryptocurrency": "none"}
        settings.STRIPE_SECRET_KEY = settings.STRIPE_WEBHOOK_SECRET = "of the owner"
        settings.TICKET_SIGNING_KEYS = ["k" * 43]
        return settings

    def test_a_careful_owner_passes(self, owner):
        assert deployment_faults() == set()

    @pytest.mark.parametrize(
        ("name", "value", "expected"),
        [
            ("DEMO", True, "travel.E041"),
            ("THROTTLES", "off", "travel.E042"),
            ("STAFF_2FA", "optional", "travel.E043"),
            ("MAIL_DELIVERY", "outbox", "travel.E044"),
            ("PAYMENT_GATEWAYS", {"Bank Card": "sandbox"}, "travel.E047"),
            ("TICKET_SIGNING_KEYS", [], "travel.E048"),
            ("STRIPE_WEBHOOK_SECRET", "", "travel.E006"),
            ("PAYMENT_GATEWAYS", {"Cryptocurrency": "btcpay"}, "travel.E006"),
        ],
    )
    def test_what_is_for_a_first_look_is_refused(self, owner, name, value, expected):
        setattr(owner, name, value)
        assert deployment_faults() == {expected}

    def test_the_public_key_is_refused(self, owner):
        owner.SECRET_KEY = owner.INSECURE_SECRET_KEY
        assert deployment_faults() == {"travel.E040"}


@pytest.mark.sqlite
class TestStart:
    """The web and the worker run no command, so they check for themselves."""

    @pytest.mark.parametrize("module", ["travel.wsgi", "travel.asgi"])
    def test_a_wrong_variable_stops_the_web(self, module, outside_environment, tmp_path):
        environment = {
            **outside_environment,
            "VAR_DIR": str(tmp_path),
            "DATABASE_URL": f"sqlite:///{tmp_path / 'office.sqlite3'}",
            "TRUSTED_PROXIES": "many",
        }
        run = subprocess.run(
            [sys.executable, "-c", f"import {module}"],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert run.returncode == checks.WORKER_BOOT_ERROR
        assert "TRUSTED_PROXIES: 'many' is not a whole number." in run.stderr
        assert "Traceback" not in run.stderr

    def test_a_wrong_variable_stops_a_command_in_words(self, outside_environment, tmp_path):
        run = subprocess.run(
            [sys.executable, "manage.py", "migrate"],
            cwd=ROOT,
            env={**outside_environment, "VAR_DIR": str(tmp_path), "DATABASE_URL": "oracle://x/y"},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert run.returncode == 1
        assert "DATABASE_URL: This is no address of a database." in run.stderr
        assert "Traceback" not in run.stderr
        assert not list(tmp_path.glob("*.sqlite3"))


@pytest.fixture(scope="module")
def server() -> Iterator[servers.MariaDB]:
    """A MariaDB of this module's own, whose settings a test may spoil."""
    with servers.short_folder() as folder:
        binary_log = [f"--log-bin={folder / 'binlog'}", "--sync-binlog=1"]
        one = servers.MariaDB(folder, binary_log)
        try:
            one.start()
            one.execute("CREATE DATABASE office")
            yield one
        finally:
            one.stop()


@pytest.mark.mariadb
class TestStartOnAServer:
    """The web is started in earnest, on a server with one wrong setting."""

    @pytest.fixture
    def start(self, server, outside_environment, tmp_path):
        def run(**options: str) -> subprocess.CompletedProcess[str]:
            address = servers.address_of(server.socket)
            if options:
                address += f"&{urlencode(options)}"
            return subprocess.run(
                [sys.executable, "-c", "import travel.wsgi"],
                cwd=ROOT,
                env={**outside_environment, "VAR_DIR": str(tmp_path), "DATABASE_URL": address},
                capture_output=True,
                text=True,
                timeout=120,
            )

        return run

    def test_as_it_should_be(self, start):
        run = start()
        assert run.returncode == 0, run.stderr

    @pytest.mark.parametrize(
        ("spoil", "mend", "expected"),
        [
            (
                "ALTER DATABASE office CHARACTER SET latin1",
                "ALTER DATABASE office CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
                "travel.E021",
            ),
            (
                "SET GLOBAL innodb_flush_log_at_trx_commit = 0",
                "SET GLOBAL innodb_flush_log_at_trx_commit = 1",
                "travel.E024",
            ),
            (
                "SET GLOBAL innodb_flush_log_at_trx_commit = 2",
                "SET GLOBAL innodb_flush_log_at_trx_commit = 1",
                "travel.E024",
            ),
            (
                "SET GLOBAL default_storage_engine = 'MyISAM'",
                "SET GLOBAL default_storage_engine = 'InnoDB'",
                "travel.E025",
            ),
            ("SET GLOBAL sync_binlog = 0", "SET GLOBAL sync_binlog = 1", "travel.E026"),
        ],
    )
    def test_a_wrong_setting_of_the_server(self, start, server, spoil, mend, expected):
        server.execute(spoil)
        try:
            run = start()
        finally:
            server.execute(mend)
        assert run.returncode == checks.WORKER_BOOT_ERROR
        assert expected in run.stderr
        assert "HINT" in run.stderr
        assert "Traceback" not in run.stderr

    @pytest.mark.parametrize(
        ("options", "expected"),
        [
            ({"isolation_level": "repeatable read"}, "travel.E022"),
            ({"init_command": "SET sql_mode=''"}, "travel.E023"),
            ({"charset": "latin1"}, "travel.E021"),
        ],
    )
    def test_a_wrong_setting_of_the_address(self, start, options, expected):
        run = start(**options)
        assert run.returncode == checks.WORKER_BOOT_ERROR
        assert expected in run.stderr

    def test_a_server_that_does_not_ask_for_it_still_gets_ours(self, start, server):
        """The session's isolation and strictness are the settings', whatever the server's are."""
        server.execute("SET GLOBAL TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        server.execute("SET GLOBAL sql_mode = ''")
        try:
            assert start().returncode == 0
        finally:
            server.execute("SET GLOBAL TRANSACTION ISOLATION LEVEL READ COMMITTED")

    def test_missing_time_zones_are_only_a_warning(self, server, outside_environment, tmp_path):
        run = subprocess.run(
            [sys.executable, "manage.py", "check", "--database", "default"],
            cwd=ROOT,
            env={
                **outside_environment,
                "VAR_DIR": str(tmp_path),
                "DATABASE_URL": servers.address_of(server.socket),
            },
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert run.returncode == 0
        assert "travel.W021" in run.stderr
