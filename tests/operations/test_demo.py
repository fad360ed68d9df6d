"""`manage.py demo`, from its start to its end, as a person meets it."""

from __future__ import annotations

import contextlib
import http.client
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pytest

from tests.factories import make_user
from tests.operations.processes import is_running, wait_for
from travel.common.management.commands.demo import box
from travel.devserver import database
from travel.devserver.database import SeedStamp

ROOT = Path(__file__).resolve().parent.parent.parent
START_SECONDS = 120


@dataclass
class Demo:
    """A demo that runs in a folder of its own."""

    process: subprocess.Popen[str]
    port: int
    lines: list[str] = field(default_factory=list)

    def says(self, words: str) -> bool:
        return any(words in line for line in self.lines)

    def children(self) -> list[int]:
        found = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(number) for number in found.read_text().split()]

    def answers(self) -> bool:
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            client.request("GET", "/")
            return client.getresponse().status < 500
        except OSError:
            return False
        finally:
            client.close()


@pytest.fixture(scope="module")
def migrated(tmp_path_factory, clean):
    """A database file with empty tables, made once."""
    path = tmp_path_factory.mktemp("demo") / "office.sqlite3"
    environment = {**clean, "VAR_DIR": str(path.parent), "DATABASE_URL": f"sqlite:///{path}"}
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "-v0"],
        cwd=ROOT,
        env={**environment, "TESTING": "1"},
        check=True,
        timeout=180,
    )
    return path


@pytest.fixture(scope="module")
def clean():
    """This environment without the marks of a test run and without its servers."""
    ours = ("PYTEST_", "DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL", "DEMO")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


@pytest.fixture
def house(migrated, clean, tmp_path):
    """The environment of a demo whose tables are already there."""
    shutil.copy(migrated, tmp_path / "office.sqlite3")
    return {
        **clean,
        "VAR_DIR": str(tmp_path),
        "DATABASE_URL": f"sqlite:///{tmp_path / 'office.sqlite3'}",
        "TESTING": "1",
    }


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def command(port: int) -> list[str]:
    return [sys.executable, "manage.py", "demo", "--no-seed", "--port", str(port)]


@contextmanager
def running(environment: dict[str, str]) -> Iterator[Demo]:
    port = free_port()
    process = subprocess.Popen(
        command(port),
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    demo = Demo(process, port)
    reader = threading.Thread(target=lambda: demo.lines.extend(process.stdout), daemon=True)
    reader.start()
    try:
        assert wait_for(
            lambda: demo.says("Ctrl-C stops everything") or process.poll() is not None,
            seconds=START_SECONDS,
        )
        assert process.poll() is None, "".join(demo.lines)
        yield demo
    finally:
        process.kill()
        process.wait()
        reader.join(10)


@pytest.mark.sqlite
class TestDemo:
    def test_opens_refuses_a_second_and_stops_on_ctrl_c(self, house):
        with running(house) as demo:
            assert demo.answers()
            assert demo.says(f"http://127.0.0.1:{demo.port}/")
            children = demo.children()
            assert len(children) == 2

            second = subprocess.run(
                command(free_port()), cwd=ROOT, env=house, capture_output=True, text=True
            )
            assert second.returncode == 1
            assert "A demo is already running" in second.stderr
            assert str(demo.process.pid) in second.stderr

            os.killpg(demo.process.pid, signal.SIGINT)
            assert demo.process.wait(6) == 0
            assert not any(map(is_running, children))
            assert not demo.answers()

    def test_even_kill_9_leaves_nothing_behind(self, house):
        with running(house) as demo:
            children = demo.children()
            demo.process.kill()
            assert wait_for(lambda: not any(map(is_running, children)), seconds=10)
            assert wait_for(lambda: not demo.answers(), seconds=5)

    def test_a_port_in_use_is_said_in_words(self, house):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            run = subprocess.run(
                command(port), cwd=ROOT, env=house, capture_output=True, text=True, timeout=60
            )
        assert run.returncode == 1
        assert f"Port {port} is in use by another program." in run.stderr
        assert "Traceback" not in run.stderr

    def test_the_box_holds_its_lines(self):
        assert box(["a", "abc"]) == "┌─────┐\n│ a   │\n│ abc │\n└─────┘"


@pytest.mark.django_db
class TestWhoseDatabase:
    def test_an_empty_one_is_nobodys(self):
        assert not database.is_foreign()
        assert not database.has_demo_login()

    def test_one_with_the_demos_traveller_is_the_demos(self):
        make_user(email="somebody@example.org")
        make_user(email=database.DEMO_LOGIN)
        assert not database.is_foreign()

    def test_one_with_other_accounts_is_foreign(self):
        make_user(email="somebody@example.org")
        assert database.is_foreign()

    @pytest.mark.sqlite
    def test_one_with_another_programs_tables_is_foreign(self, clean, tmp_path):
        path = tmp_path / "other.sqlite3"
        with contextlib.closing(sqlite3.connect(path)) as other:
            other.execute("CREATE TABLE invoices (id INTEGER)")
            other.commit()
        environment = {**clean, "VAR_DIR": str(tmp_path), "DATABASE_URL": f"sqlite:///{path}"}
        run = subprocess.run(
            [*command(free_port()), "--reset"],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert run.returncode == 1
        assert "leaves it alone" in run.stderr
        with contextlib.closing(sqlite3.connect(path)) as other:
            assert other.execute("SELECT name FROM sqlite_master").fetchall() == [("invoices",)]

    def test_the_stamp_holds_for_one_day_one_scale_and_a_seeded_database(self, tmp_path):
        stamp = SeedStamp(tmp_path / "demo.json")
        today = date(2026, 3, 1)
        assert not stamp.matches(today=today, scale=1)
        stamp.write(today=today, scale=1)
        # The file alone is no proof: the database may have been emptied since.
        assert not stamp.matches(today=today, scale=1)
        make_user(email=database.DEMO_LOGIN)
        assert stamp.matches(today=today, scale=1)
        assert not stamp.matches(today=date(2026, 3, 2), scale=1)
        assert not stamp.matches(today=today, scale=2)
        stamp.forget()
        assert not stamp.matches(today=today, scale=1)
