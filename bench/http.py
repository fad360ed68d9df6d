"""
How many seats a second over HTTP: POST /reservations/reserve with JWTs on gunicorn.

    python -m bench.http [--clients 16] [--workers 2] [--rounds 2] [--scenes hot,cold]

The office runs as in production, on gunicorn with threads; each client keeps its connection, signs
in as a user who holds nothing yet and sends an Idempotency-Key. As in bench.claims the limit is
measured in the same run, in turns with the cells, and each round ends with the same proof.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from bench.claims import Cell, Run, Wish, numbers, table, words
from bench.office import own_database
from bench.servers import give_me_servers

if TYPE_CHECKING:
    from bench.clients import Act

SCENES = ("hot", "cold", "first")
START_SECONDS = 60
STOP_SECONDS = 20
CREATED = 201


@contextmanager
def gunicorn(database_url: str, *, workers: int, threads: int = 8) -> Iterator[int]:
    """Serve the office from this database; yields its port on this machine."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    environment = {
        **os.environ,
        "DATABASE_URL": database_url,
        "THROTTLES": "off",
        "MAIL_DELIVERY": "outbox",
        "LOG_LEVEL": "ERROR",
    }
    command = [
        *(sys.executable, "-m", "gunicorn", "travel.wsgi", "--log-level", "warning"),
        *("--workers", str(workers), "--threads", str(threads)),
        *("--keep-alive", "30", "--bind", f"127.0.0.1:{port}"),
    ]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            if not _starts(process, port):
                log.seek(0)
                raise RuntimeError(log.read().decode(errors="replace")[-2_000:])
            yield port
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _starts(process: subprocess.Popen[bytes], port: int) -> bool:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            asked = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            asked.request("GET", "/healthz")
            if asked.getresponse().status == http.client.OK:
                return True
        except OSError:
            time.sleep(0.1)
    return False


def over_http(port: int, wishes: Sequence[Wish], tokens: Sequence[str]) -> Act:
    """One seat by one request of one user; the word is the problem's code where it is refused."""
    from inventory.ticket_ids import pack

    kept: dict[int, http.client.HTTPConnection] = {}

    def act(number: int) -> tuple[str, int]:
        # A client is a process: each opens its own connection, and keeps it.
        connection = kept.setdefault(
            os.getpid(), http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        )
        wish = wishes[number]
        body = {"ticketID": pack(wish.departure_id, wish.first, wish.last + 1, 0)}
        connection.request(
            "POST",
            "/reservations/reserve",
            json.dumps(body),
            {
                "Authorization": f"Bearer {tokens[number]}",
                "Content-Type": "application/json",
                "Idempotency-Key": secrets.token_hex(16),
            },
        )
        answer = connection.getresponse()
        return word_of(answer.status, answer.read()), 0

    return act


def word_of(status: int, body: bytes) -> str:
    """Say how a request ended: done, the code of a refusal, or an error of the office."""
    if status == CREATED:
        return "done"
    told: Any = json.loads(body)
    return f"ERROR {status} {told}" if status >= http.client.INTERNAL_SERVER_ERROR else told["code"]


def tokens_for(count: int, *, first: int, now: datetime) -> list[str]:
    """Make so many users; answer an access token of each."""
    from accounts import tokens
    from accounts.models import User

    User.objects.bulk_create(
        [
            User(
                email=f"bench{first + index}@example.org",
                first_name="Ada",
                last_name="Lovelace",
                joined_at=now,
                email_verified_at=now,
            )
            for index in range(count)
        ],
        batch_size=1_000,
    )
    users = User.objects.filter(email__startswith="bench").order_by("-id")[:count]
    return [tokens.issue(user=user, now=now).access for user in users]


class HttpRun(Run):
    """The rounds of the limit and of requests over HTTP."""

    port = 0
    users = 0

    def act_of(self, cell: Cell, wishes: Sequence[Wish]) -> Act:
        users = tokens_for(len(wishes), first=self.users, now=datetime.now(UTC))
        self.users += len(wishes)
        return over_http(self.port, wishes, users)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clients", default="16", type=numbers)
    parser.add_argument("--workers", default=2, type=int)
    parser.add_argument("--rounds", default=2, type=int)
    parser.add_argument("--scenes", default="hot,cold", type=words(SCENES))
    parser.add_argument("--claims", default=800, type=int)
    parser.add_argument("--seats", default=400, type=int, help="of the hot train")
    parser.add_argument("--seed", default=1, type=int)
    asked = parser.parse_args()
    give_me_servers("bench.http")
    with own_database() as address, gunicorn(address, workers=asked.workers) as port:
        run = HttpRun(
            cells=["limit", "http"],
            scenes=asked.scenes,
            clients=asked.clients,
            rounds=asked.rounds,
            claims=asked.claims,
            departures=1_000,
            seed=asked.seed,
            hot_seats=asked.seats,
        )
        run.port = port
        run.go(lambda line: print(line, file=sys.stderr, flush=True))
        print("\n".join(table(run.done)))
        print("\n".join(run.verdict()))
    return 1 if run.faults else 0


if __name__ == "__main__":
    sys.exit(main())
