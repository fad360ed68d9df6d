"""
A few processes that live and die together.

Every child holds the reading end of a pipe as its standard input and nobody but the supervisor
holds the writing end. However the supervisor ends, by Ctrl-C, TERM or kill -9, the pipe closes and
the child stops by itself (travel/devserver/child.py): nothing is left running behind.
"""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

# The children get this long to end by themselves; whoever is left is killed.
GRACE_SECONDS = 4.0
POLL_SECONDS = 0.1
# A program that ends more often than this has something that starting it again does not mend.
FALLS = 3
FALLS_SECONDS = 60.0


@dataclass(frozen=True)
class Program:
    """
    One process to run: the name before its lines, its command, the sockets it inherits.

    One that `may_fall` is started again when it ends by itself, FALLS times a minute at most.
    """

    name: str
    command: Sequence[str]
    sockets: tuple[int, ...] = ()
    may_fall: bool = False


class Supervisor:
    """Starts programs, shows their output line by line with their names, and stops them all."""

    def __init__(
        self,
        *,
        programs: Sequence[Program],
        environment: Mapping[str, str],
        folder: Path,
        show: Callable[[str, str], None],
    ) -> None:
        self._programs = programs
        self._environment = dict(environment)
        self._folder = folder
        self._show = show
        self._children: list[tuple[Program, subprocess.Popen[bytes]]] = []
        self._readers: list[threading.Thread] = []
        self._falls: list[float] = []
        # A plain flag: a signal handler must not take a lock that this very thread may hold.
        self._stopping = False

    def start(self) -> None:
        """Start every program, in the supervisor's own process group."""
        for program in self._programs:
            self._children.append((program, self._launch(program)))

    def _launch(self, program: Program) -> subprocess.Popen[bytes]:
        child = subprocess.Popen(
            program.command,
            cwd=self._folder,
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=program.sockets,
        )
        reader = threading.Thread(target=self._read, args=(program, child), daemon=True)
        reader.start()
        self._readers.append(reader)
        return child

    def stop_on_signals(self) -> None:
        """Take INT, TERM and HUP as the wish to stop; a second one changes nothing."""

        def wish(number: int, frame: FrameType | None) -> None:
            self._stopping = True

        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, wish)

    def wait_until(self, ready: Callable[[], bool], *, seconds: float) -> bool:
        """Wait for `ready`; False when a program ended, somebody wants to stop, or time is up."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not self._stopping and self._ended() is None:
            if ready():
                return True
            time.sleep(POLL_SECONDS)
        return False

    def run(self) -> Program | None:
        """
        Wait until somebody wants to stop (None) or a program ends for good (that program).
        """
        while not self._stopping:
            if (ended := self._ended()) is not None and not self._picked_up(ended):
                return ended
            time.sleep(POLL_SECONDS)
        return None

    def _picked_up(self, program: Program) -> bool:
        """Start a program that may fall again, unless it falls too often; say whether it was."""
        now = time.monotonic()
        self._falls = [fall for fall in self._falls if now - fall < FALLS_SECONDS] + [now]
        if not program.may_fall or len(self._falls) > FALLS:
            return False
        self._show(program.name, "ended by itself and is started again")
        self._children = [
            (one, self._launch(one) if one is program else child) for one, child in self._children
        ]
        return True

    @property
    def stopping(self) -> bool:
        """Whether somebody wants to stop."""
        return self._stopping

    def stop(self) -> None:
        """Ask every program to end, and end those that do not; takes GRACE_SECONDS at most."""
        for _, child in self._children:
            if child.poll() is None:
                child.terminate()
        deadline = time.monotonic() + GRACE_SECONDS
        for _, child in self._children:
            try:
                child.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        for reader in self._readers:
            reader.join(0.5)

    def _ended(self) -> Program | None:
        for program, child in self._children:
            if child.poll() is not None:
                return program
        return None

    def _read(self, program: Program, child: subprocess.Popen[bytes]) -> None:
        assert child.stdout is not None
        for line in child.stdout:
            self._show(program.name, line.decode(errors="replace").rstrip())
