"""
Private, throw-away servers: a MariaDB and a Redis on sockets in a temporary folder.

    python -m tests.plugins.servers python -m pytest tests/bookings

starts both, runs the command with DATABASE_URL and REDIS_URL pointing at them, stops them whatever
happens, and exits as the command did. They listen on no port, so nothing else on the machine is in
their way and nobody else can reach them.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import IO

START_SECONDS = 60
STOP_SECONDS = 20
SYSTEM_FOLDERS = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/bin", "/opt/homebrew/sbin")

MARIADB_OPTIONS = (
    "--no-defaults",
    "--skip-networking",
    "--skip-log-bin",
    "--character-set-server=utf8mb4",
    "--collation-server=utf8mb4_bin",
    "--transaction-isolation=READ-COMMITTED",
    "--sql-mode=STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION",
    "--default-time-zone=+00:00",
    "--innodb-buffer-pool-size=256M",
    "--innodb-log-file-size=64M",
    "--max-connections=200",
    # Every commit is written out as in production, but the throw-away disk is not waited for.
    "--innodb-flush-log-at-trx-commit=1",
    "--innodb-flush-method=nosync",
)


class ServerMissing(Exception):
    """A server program is not installed."""


class ServerFailed(Exception):
    """A server did not start; the message carries the end of its log."""


def find_program(*names: str) -> str:
    """
    Return the path of the first of these programs, also from the folders of system programs.

    :raises ServerMissing: none of them is installed.
    """
    path = os.pathsep.join([os.environ.get("PATH", ""), *SYSTEM_FOLDERS])
    for name in names:
        if found := shutil.which(name, path=path):
            return found
    raise ServerMissing(f"{names[0]} is not installed.")


class MariaDB:
    """
    A MariaDB on a socket in `folder`, with `options` besides ours, started by way of `prefix`.

    It may be killed, and started again on what it left, with other options.
    """

    def __init__(
        self, folder: Path, options: Sequence[str] = (), *, prefix: Sequence[str] = ()
    ) -> None:
        self.socket = folder / "m.sock"
        self.options = options
        self._folder = folder
        self._prefix = prefix
        self._log = folder / "mariadb.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, on tables made new where there are none; returns when it answers."""
        server = find_program("mariadbd", "mysqld")
        data = self._folder / "data"
        with self._log.open("ab") as output:
            if not data.exists():
                _install_tables(data, output)
            self._process = subprocess.Popen(
                [
                    *self._prefix,
                    server,
                    *MARIADB_OPTIONS,
                    *self.options,
                    f"--datadir={data}",
                    f"--socket={self.socket}",
                    f"--pid-file={self._folder / 'm.pid'}",
                    f"--tmpdir={self._folder}",
                    # Of several users the first one counts.
                    *_as_root(),
                ],
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        _wait_for(self._process, self._log, [*self.client, "--execute=SELECT 1"])

    @property
    def client(self) -> list[str]:
        """The command of its client program."""
        return [
            find_program("mariadb", "mysql"),
            "--no-defaults",
            f"--socket={self.socket}",
            "--user=root",
        ]

    def execute(self, sql: str) -> str:
        """Run statements by its client program; returns what it prints, columns by tabs."""
        done = subprocess.run(
            [*self.client, "--batch", "--skip-column-names", f"--execute={sql}"],
            check=True,
            timeout=30,
            stdout=subprocess.PIPE,
            text=True,
        )
        return done.stdout

    def signal(self, number: int) -> None:
        """Send its process a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        """End it by kill -9, as a power cut would; it has no time to write anything down."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """Stop it in an orderly way, if it was ever started and even if it is paused."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            _stop(self._process)


@contextmanager
def mariadb(folder: Path, options: Sequence[str] = ()) -> Iterator[str]:
    """Run a MariaDB in `folder`, with `options` besides ours; yields the path of its socket."""
    server = MariaDB(folder, options)
    try:
        server.start()
        server.execute("CREATE DATABASE IF NOT EXISTS office")
        yield str(server.socket)
    finally:
        server.stop()


@contextmanager
def redis(folder: Path) -> Iterator[str]:
    """Run a Redis in `folder`; yields the path of its socket. Nothing is saved to disk."""
    socket, log = folder / "r.sock", folder / "redis.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                find_program("redis-server", "valkey-server"),
                *("--port", "0", "--unixsocket", str(socket), "--dir", str(folder)),
                *("--save", "", "--appendonly", "no", "--databases", "64"),
            ],
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
    with _running(process):
        _wait_for(
            process, log, [find_program("redis-cli", "valkey-cli"), "-s", str(socket), "ping"]
        )
        yield str(socket)


@contextmanager
def short_folder() -> Iterator[Path]:
    """Make a folder for a server: a socket's path may have at most 107 characters."""
    parent = tempfile.gettempdir()
    folder = Path(tempfile.mkdtemp(prefix="office-", dir=parent if len(parent) < 60 else "/tmp"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def address_of(socket: Path | str) -> str:
    """Return the DATABASE_URL of the office's database on a socket."""
    return f"mysql://root@/office?unix_socket={socket}"


@contextmanager
def private_servers(options: Sequence[str] = ()) -> Iterator[dict[str, str]]:
    """
    Run both servers; yields the variables that make the office use them.

    Of MariaDB's `options` one that is named twice counts as it is given here.
    """
    with ExitStack() as stack:
        folder = stack.enter_context(short_folder())
        database = stack.enter_context(mariadb(folder, options))
        cache = stack.enter_context(redis(folder))
        yield {
            "DATABASE_URL": address_of(database),
            "REDIS_URL": f"unix://{cache}?db=0",
            "CELERY_BROKER_URL": f"redis+socket://{cache}",
        }


def run(command: Sequence[str], extra: Mapping[str, str]) -> int:
    """Run a command with these variables; a TERM or INT to this process is passed on to it."""
    process = subprocess.Popen(command, env={**os.environ, **extra})

    def pass_on(number: int, frame: FrameType | None) -> None:
        process.send_signal(number)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, pass_on)
    return process.wait()


def _install_tables(data: Path, output: IO[bytes]) -> None:
    subprocess.run(
        [
            find_program("mariadb-install-db", "mysql_install_db"),
            "--no-defaults",
            f"--datadir={data}",
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
            "--skip-name-resolve",
            *_as_root(),
        ],
        stdout=output,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        check=True,
        timeout=120,
    )


def _as_root() -> list[str]:
    # MariaDB refuses to run as root unless told so by name.
    return ["--user=root"] if os.geteuid() == 0 else []


def _wait_for(process: subprocess.Popen[bytes], log: Path, question: Sequence[str]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        answer = subprocess.run(question, capture_output=True, timeout=30)
        if answer.returncode == 0:
            return
        time.sleep(0.1)
    tail = log.read_text(errors="replace")[-2_000:]
    raise ServerFailed(f"{process.args!r} did not start:\n{tail}")


@contextmanager
def _running(process: subprocess.Popen[bytes]) -> Iterator[None]:
    try:
        yield
    finally:
        _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def main(command: Sequence[str]) -> int:
    if not command:
        sys.stderr.write(f"{__doc__}\n")
        return 2

    def stop(number: int, frame: FrameType | None) -> None:
        # Leaving through an exception lets every server be stopped on the way.
        raise SystemExit(128 + number)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, stop)
    try:
        with private_servers() as variables:
            return run(command, variables)
    except (ServerMissing, ServerFailed) as problem:
        sys.stderr.write(f"{problem}\n")
        return 3


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
