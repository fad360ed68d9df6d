"""The doctor says what is in use and what is wrong, and never faints."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from travel.common.management.commands.doctor import one_line, without_password

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def doctor(outside_environment, tmp_path):
    """Run the doctor in a house of its own with these variables; returns (exit code, words)."""

    def run(*, command: str = "doctor", **variables: str) -> tuple[int, str]:
        environment = {
            **outside_environment,
            "VAR_DIR": str(tmp_path),
            "DATABASE_URL": f"sqlite:///{tmp_path / 'office.sqlite3'}",
            "REDIS_URL": "",
            "CELERY_BROKER_URL": "",
            "TESTING": "1",
            **variables,
        }
        answer = subprocess.run(
            [sys.executable, "manage.py", command],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert "Traceback" not in answer.stdout + answer.stderr
        return answer.returncode, answer.stdout

    return run


@pytest.mark.sqlite
def test_tells_of_tables_that_lag_behind_and_then_of_none(doctor):
    code, words = doctor()
    assert code == 1
    assert "migrations are pending" in words
    assert doctor(command="migrate")[0] == 0
    code, words = doctor()
    assert code == 0, words
    assert "Nothing is wrong." in words
    assert "SQLite" in words
    assert "transactions IMMEDIATE" in words


@pytest.mark.sqlite
def test_a_dead_redis_is_told_and_hides_nothing_else(doctor):
    # Port 1 is nobody's on a machine that runs no server of the 1980s.
    code, words = doctor(REDIS_URL="redis://:secret@127.0.0.1:1/0")
    assert code == 1
    assert "Redis at redis://127.0.0.1:1/0 does not answer" in words
    assert "Is the server running, and is REDIS_URL right?" in words
    assert "secret" not in words
    assert "Demo" in words


@pytest.mark.sqlite
def test_a_dead_mail_server_is_told(doctor):
    code, words = doctor(EMAIL_URL="smtp://office:secret@127.0.0.1:1")
    assert code == 1
    assert "SMTP at 127.0.0.1:1 does not answer" in words
    assert "secret" not in words


@pytest.mark.sqlite
def test_a_dead_database_is_told(doctor):
    pytest.importorskip("MySQLdb")
    code, words = doctor(DATABASE_URL="mysql://office:secret@127.0.0.1:1/office")
    assert code == 1
    assert "MySQL or MariaDB at 127.0.0.1:1/office does not answer" in words
    assert "secret" not in words


@pytest.mark.sqlite
def test_a_demo_is_told(doctor):
    assert "Demo        ON" in doctor(DEMO="1")[1]
    assert "Demo        off" in doctor(DEMO="0")[1]


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://name:secret@cache:6379/0", "redis://cache:6379/0"),
        ("unix:///run/r.sock?db=0&password=secret", "unix:///run/r.sock"),
    ],
)
def test_addresses_are_shown_without_passwords(url, expected):
    assert without_password(url) == expected


@pytest.mark.sqlite
def test_an_error_without_words_is_named_by_its_kind():
    assert one_line(TimeoutError()) == "TimeoutError."
    assert one_line(ValueError("a\n  b")) == "a b."


@pytest.mark.mariadb
def test_the_server_in_use_is_told(doctor):
    _, words = doctor(DATABASE_URL=os.environ["DATABASE_URL"], REDIS_URL=os.environ["REDIS_URL"])
    assert "utf8mb4 (utf8mb4_bin), isolation READ-COMMITTED" in words
    assert "answered in" in words
    assert "does not answer" not in words
