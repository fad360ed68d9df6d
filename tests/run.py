"""
Every part of script/test, one after the other, and a summary at the end.

A part is a command. One that cannot run, because a server or a browser is not installed, is said
to be missing; after --provision that is a failure too. The last line sums up what pytest counted,
with every failed part that is no test counted as one failure.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from tests.plugins.browser import find_chromium
from tests.plugins.servers import ServerMissing, find_program

ROOT = Path(__file__).resolve().parent.parent
WORKERS = 2
LINT_SECONDS = 600
SUITE_SECONDS = {"quick": 1_200, "full": 2_700}
# What a database of another make might do in another way.
SOLD_ON_MYSQL = ("tests/contracts", "tests/faults", "tests/bookings", "tests/payments")
# pytest's exit code when its arguments chose no test.
NO_TESTS = 5
COUNTED = ("passed", "failed", "errors", "error", "skipped", "xfailed")
# pytest's closing line: "== 3 failed, 120 passed, 2 skipped in 12.3s ==", colours taken away.
CLOSING_LINE = re.compile(r"^=* ?((?:\d+ [a-z]+(?:, )?)+) in [\d.]+s.*$")
COLOURS = re.compile(r"\x1b\[[\d;]*m")


@dataclass
class Part:
    """One command of the run: what it needs, and how it went."""

    group: str
    name: str
    command: Sequence[str]
    environment: dict[str, str] = field(default_factory=dict)
    seconds_allowed: int = LINT_SECONDS
    lacks: str = ""
    is_suite: bool = False
    may_be_empty: bool = False
    outcome: str = "not run"
    seconds: float = 0.0
    counts: dict[str, int] = field(default_factory=dict)


class Runner:
    """Runs parts; a TERM or INT ends the part at work and then the run."""

    def __init__(self, base: dict[str, str]) -> None:
        self._base = base
        self._process: subprocess.Popen[str] | None = None
        self._stopped_by: int | None = None
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._stop)

    def run(self, part: Part) -> None:
        """Run one part and note its outcome: ok, failed, missing or stopped."""
        if part.lacks:
            part.outcome = "missing"
            say(f"\n--- {part.group}: {part.name}: NOT RUN, {part.lacks}")
            return
        if self._stopped_by is not None:
            return
        say(f"\n--- {part.group}: {part.name}")
        started = time.monotonic()
        self._process = subprocess.Popen(
            part.command,
            cwd=ROOT,
            env={**self._base, **part.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        limit = threading.Timer(part.seconds_allowed, self._process.terminate)
        limit.start()
        assert self._process.stdout is not None
        for line in self._process.stdout:
            sys.stdout.write(line)
            sys.stdout.flush()
            note_counts(part, line)
        code = self._process.wait()
        limit.cancel()
        part.seconds = time.monotonic() - started
        part.outcome = "ok" if code == 0 else "failed"
        if code == NO_TESTS and part.may_be_empty:
            part.outcome = "empty"
        if part.seconds > part.seconds_allowed:
            say(f"Stopped after {part.seconds_allowed} s.")
        if part.is_suite and code == 0 and not part.counts.get("passed"):
            say("Not one test ran.")
            part.outcome = "failed"

    @property
    def stopped(self) -> bool:
        """Whether somebody stopped the run."""
        return self._stopped_by is not None

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self._stopped_by = number
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()


def note_counts(part: Part, line: str) -> None:
    """Note the numbers of pytest's closing line."""
    if part.is_suite and (found := CLOSING_LINE.match(COLOURS.sub("", line).strip())):
        part.counts = {
            word: int(number) for number, word in re.findall(r"(\d+) ([a-z]+)", found.group(1))
        }


def lint_parts(scratch: Path) -> list[Part]:
    """What is judged without running a test."""
    python = sys.executable
    tool = str(Path(python).parent)
    commands = {
        "ruff check": [f"{tool}/ruff", "check", "--output-format", "concise", "."],
        "ruff format": [f"{tool}/ruff", "format", "--check", "--output-format", "concise", "."],
        "import contracts": [f"{tool}/lint-imports"],
        "types": [f"{tool}/mypy", "--no-pretty"],
        "templates": [f"{tool}/djlint", "--lint", "--quiet", "templates"],
        "migrations": [python, "manage.py", "makemigrations", "--check", "--dry-run"],
        "deployment": [python, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
    }
    environments = {"deployment": deployment_environment(scratch)}
    return [
        Part("lint", name, command, environment=environments.get(name, {"TESTING": "1"}))
        for name, command in commands.items()
    ]


def deployment_environment(scratch: Path) -> dict[str, str]:
    """Return what a careful owner would set: the deployment's checks must then be silent."""
    return {
        "VAR_DIR": str(scratch),
        "SECRET_KEY": secrets.token_urlsafe(50),
        "TICKET_SIGNING_KEYS": secrets.token_urlsafe(32),
        "DATABASE_URL": f"sqlite:///{scratch / 'deployment.sqlite3'}",
        "REDIS_URL": "redis://127.0.0.1:6379/0",
        "SITE_URL": "https://tickets.example.org",
        "ALLOWED_HOSTS": "tickets.example.org",
        "EMAIL_URL": "smtp+tls://office:secret@mail.example.org:587",
        "DEBUG": "0",
        "DEMO": "0",
        "THROTTLES": "on",
        "STAFF_2FA": "required",
        "MAIL_DELIVERY": "email",
        "CARD_GATEWAY": "none",
        "CRYPTO_GATEWAY": "none",
        "TESTING": "0",
    }


def suite_parts(*, full: bool, extra: Sequence[str]) -> list[Part]:
    """
    The suite on SQLite, the pages in a browser, and the suite again on MariaDB with Redis.

    What sells and pays runs on MySQL as well, when MYSQL_URL names one.
    """
    pytest = [sys.executable, "-m", "pytest", "-n", str(WORKERS), "--durations=10"]
    # A worker that is done takes over from the other, so that neither waits at the end.
    pytest += ["--dist", "worksteal"]
    if full:
        pytest.append("--slow")
    if sys.stdout.isatty():
        pytest.append("--color=yes")
    servers = [sys.executable, "-m", "tests.plugins.servers"]
    without_browser = ["-m", "not browser"]
    browser_lacks = "" if find_chromium() else "not installed: chromium"
    parts = [
        Part("sqlite", "suite on SQLite", [*pytest, *without_browser, *extra]),
        Part(
            "sqlite",
            "pages in Chromium",
            [*pytest, "-m", "browser", *extra],
            environment={"REQUIRE_BROWSER": "1"},
            lacks=browser_lacks,
        ),
        Part(
            "mariadb",
            "suite on MariaDB and Redis",
            [*servers, *pytest, *without_browser, *extra],
            lacks=what_mariadb_lacks(),
        ),
    ]
    if mysql := os.environ.get("MYSQL_URL"):
        parts.append(
            Part(
                "mysql",
                "sales on MySQL",
                [*pytest, *without_browser, *extra, *SOLD_ON_MYSQL],
                environment={"DATABASE_URL": mysql},
            )
        )
    for part in parts:
        part.is_suite = True
        part.may_be_empty = bool(extra)
        part.seconds_allowed = SUITE_SECONDS["full" if full else "quick"]
    return parts


def what_mariadb_lacks() -> str:
    """Return what is not installed for the run on MariaDB, or an empty text."""
    lacking = []
    for program in ("mariadbd", "mariadb-install-db", "redis-server", "redis-cli"):
        try:
            find_program(program)
        except ServerMissing:
            lacking.append(program)
    if importlib.util.find_spec("MySQLdb") is None:
        lacking.append("mysqlclient (needs gcc, pkg-config, python3-dev, the client headers)")
    return f"not installed: {', '.join(lacking)}" if lacking else ""


def clean_environment(scratch: Path) -> dict[str, str]:
    """Return this environment without the office's own variables: a run depends on none."""
    documented = re.findall(r"^#?\s?([A-Z][A-Z0-9_]+)=", (ROOT / ".env.example").read_text(), re.M)
    kept = {name: value for name, value in os.environ.items() if name not in documented}
    # What a test leaves behind, even one that was killed, goes with the scratch folder.
    places = {"VAR_DIR": str(scratch / "var"), "TMPDIR": str(scratch)}
    return {**kept, **places, "PYTHONUNBUFFERED": "1"}


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def summarise(parts: Sequence[Part], *, strict: bool) -> int:
    """Print one line a part and the closing count; returns the exit code."""
    say("\n=== summary")
    for part in parts:
        counts = ", ".join(f"{number} {word}" for word, number in part.counts.items())
        words = counts or (part.lacks if part.outcome == "missing" else "")
        say(f"{part.outcome:<8} {part.group:<8} {part.name:<27} {part.seconds:6.1f} s  {words}")

    bad = {"failed", "not run", *({"missing"} if strict else ())}
    failed_parts = [part for part in parts if part.outcome in bad]
    missing = [part for part in parts if part.outcome == "missing"]
    if missing and not strict:
        say("\n!! Parts did not run; the lines above say what to install, or use --provision.")
    totals = {word: sum(part.counts.get(word, 0) for part in parts) for word in COUNTED}
    failed = totals["failed"] + totals["errors"] + totals["error"]
    # A broken lint, or a suite that broke without counting, is a failure as well.
    failed += sum(1 for part in failed_parts if not failures_of(part))
    passed = totals["passed"] + sum(
        1 for part in parts if not part.is_suite and part.outcome == "ok"
    )
    say(f"{passed} passed, {failed} failed, {totals['skipped']} skipped")
    return 1 if failed else 0


def failures_of(part: Part) -> int:
    """Return how many failures pytest counted in a part."""
    return sum(part.counts.get(word, 0) for word in ("failed", "errors", "error"))


def choose(parts: Iterable[Part], only: str | None) -> list[Part]:
    """Return the parts of one group, or all of them."""
    return [part for part in parts if only in (None, part.group)]


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="script/test")
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--provision", action="store_true")
    parser.add_argument("--only", choices=["lint", "sqlite", "mariadb", "mysql"])
    options, extra = parser.parse_known_args(arguments)
    if options.only == "mysql" and not os.environ.get("MYSQL_URL"):
        parser.error("MYSQL_URL names no MySQL")

    scratch = Path(tempfile.mkdtemp(prefix="office-run-"))
    try:
        runner = Runner(clean_environment(scratch))
        suites = suite_parts(full=options.full, extra=extra)
        parts = choose([*lint_parts(scratch), *suites], options.only)
        for part in parts:
            runner.run(part)
        return summarise(parts, strict=options.provision)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
