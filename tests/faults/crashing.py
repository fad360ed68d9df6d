"""
Processes of their own that end in mid-sentence: kill -9 between two statements of one transaction.

A child is a fork of the test: it has the test's rows and timetable in its hands, and connections of
its own. It never comes back into the test; whatever it has to say it writes to a file.
"""

from __future__ import annotations

import json
import os
import signal
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from django.db import connection, connections

CHILD_SECONDS = 60


def in_a_process(act: Callable[[], Any]) -> int:
    """
    Do it in a process of its own; answer its exit code, or minus the signal that ended it.

    A fault that nobody caught is code 1, and its story is on the standard error.
    """
    return wait_for_child(fork(act))


def fork(act: Callable[[], Any]) -> int:
    """Begin to do it in a process of its own; answer the process's id."""
    # A connection that two processes speak on is of no use to either.
    connections.close_all()
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        act()
        connections.close_all()
        code = 0
    except BaseException:  # noqa: BLE001 - a child ends here, whatever happened
        traceback.print_exc()
    os._exit(code)


def wait_for_child(child: int) -> int:
    """Wait for a child; answer its exit code, or minus the signal that ended it."""
    deadline = time.monotonic() + CHILD_SECONDS
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.002)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    raise AssertionError("a child waits for ever")


def at_once_in_processes(
    act: Callable[[int], Any], number: int, *, folder: Path
) -> list[tuple[int, Path]]:
    """
    Do it in so many processes that begin together, each told its number.

    Answer for each its exit code, and the file with what it returned.
    """
    gate_out, gate_in = os.pipe()

    def child(index: int) -> None:
        os.close(gate_in)
        os.read(gate_out, 1)  # Answers when the parent has closed its end.
        (folder / f"{index}.json").write_text(json.dumps(act(index)))

    children = [fork(lambda index=index: child(index)) for index in range(number)]  # type: ignore[misc]
    os.close(gate_in)
    os.close(gate_out)
    return [(wait_for_child(one), folder / f"{index}.json") for index, one in enumerate(children)]


def answers_of(told: Sequence[tuple[int, Path]]) -> list[Any]:
    """Answer what each process returned; none of them may have failed."""
    assert [code for code, _ in told] == [0] * len(told)
    return [json.loads(path.read_text()) for _, path in told]


class Steps:
    """
    Counts what a connection asks of its database: each statement, and each side of COMMIT.

    `at` is the step to be killed at, before it is taken; None only counts.
    """

    def __init__(self, at: int | None = None) -> None:
        self.at = at
        self.names: list[str] = []

    def __enter__(self) -> Steps:
        connection.ensure_connection()
        self._commit = connection._commit  # type: ignore[attr-defined]
        self._wrapper = connection.execute_wrapper(self._execute)
        self._wrapper.__enter__()
        connection._commit = self._committing  # type: ignore[attr-defined]
        return self

    def __exit__(self, *error: object) -> None:
        del connection._commit  # type: ignore[attr-defined]
        self._wrapper.__exit__(None, None, None)

    def _execute(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        self._step(sql.split("(")[0][:60])
        return execute(sql, params, many, context)

    def _committing(self) -> None:
        self._step("COMMIT")
        self._commit()
        self._step("the answer to COMMIT")

    def _step(self, name: str) -> None:
        if len(self.names) == self.at:
            os.kill(os.getpid(), signal.SIGKILL)
        self.names.append(name)
