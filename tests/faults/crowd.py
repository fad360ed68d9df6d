"""A crowd of sellers, each a process of its own; see seller.py for what they do and note down."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
PYTHON = (sys.executable, "-W", "ignore")
SELLER = (*PYTHON, "-m", "tests.faults.seller")
PREPARE_SECONDS = 240


def office(variables: Mapping[str, str]) -> dict[str, str]:
    """Return an environment in which the office uses these variables, and no test's servers."""
    ours = ("PYTEST_", "DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {**kept, "TESTING": "1", "LOG_LEVEL": "ERROR", **variables}


class Crowd:
    """
    Sellers at work on one database.

    `addresses` are hosts of which a seller turns to the first that is ready, when its own does not
    answer; `prefix` is the command by which sellers are started.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        folder: Path,
        *,
        sellers: int,
        addresses: Sequence[str] = (),
        prefix: Sequence[str] = (),
    ) -> None:
        self._environment = dict(environment)
        self._folder = folder
        self._sellers = sellers
        self._addresses = addresses
        self._prefix = prefix
        self._processes: list[subprocess.Popen[bytes]] = []
        self._notes: list[Path] = []

    def prepare(self) -> None:
        """Make the tables, a timetable, and people with money."""
        self._run(*PYTHON, "manage.py", "migrate", "-v0")
        self._run(*SELLER, "prepare", str(self._sellers))

    def __enter__(self) -> Crowd:
        for number in range(self._sellers):
            self._processes.append(self._start(number))
        return self

    def __exit__(self, *error: object) -> None:
        for process in self._processes:
            process.kill()
        for process in self._processes:
            process.wait()

    def kill_a_seller(self, number: int) -> None:
        """End a seller by kill -9, and let another take its place."""
        self._processes[number].send_signal(signal.SIGKILL)
        self._processes[number].wait()
        self._processes[number] = self._start(number)

    def facts(self) -> list[dict[str, Any]]:
        """Answer what has been acknowledged, in the order of time."""
        found = [fact for path in self._notes for fact in _facts_in(path) if "at" in fact]
        return sorted(found, key=lambda fact: fact["at"])

    def wait_for_sales(self, number: int, *, since: float, seconds: float) -> float:
        """
        Wait until so many changes were acknowledged after an instant; answer when the last was.

        :raises TimeoutError: they were not, in so many seconds from the instant.
        """
        while True:
            after = [fact["at"] for fact in self.facts() if fact["at"] > since]
            if len(after) >= number:
                return float(after[number - 1])
            if dead := [one for one in self._processes if one.poll() is not None]:
                raise RuntimeError(f"{len(dead)} sellers have given up")
            if time.time() > since + seconds:
                raise TimeoutError(f"{len(after)} changes in {seconds:.0f} s")
            time.sleep(0.05)

    def compare(self) -> dict[str, Any]:
        """Compare what was acknowledged with what is stored; see seller.compare."""
        done = self._run(*SELLER, "compare", *map(str, self._notes), check=False)
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def _start(self, number: int) -> subprocess.Popen[bytes]:
        notes = self._folder / f"notes-{len(self._notes)}.jsonl"
        self._notes.append(notes)
        return subprocess.Popen(
            [*self._prefix, *SELLER, "sell", str(number), str(notes), *self._addresses],
            cwd=ROOT,
            env=self._environment,
            stdin=subprocess.DEVNULL,
        )

    def _run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self._prefix, *command],
            cwd=ROOT,
            env=self._environment,
            stdout=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
            check=check,
            timeout=PREPARE_SECONDS,
        )


def _facts_in(path: Path) -> Iterator[dict[str, Any]]:
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
            if line.endswith("\n"):
                yield json.loads(line)
