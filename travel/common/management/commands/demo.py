"""`manage.py demo`: the whole office on one machine, with a made-up network to try it on."""

from __future__ import annotations

import http.client
import os
import sys
from argparse import ArgumentParser
from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path
from socket import socket
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection

from travel.devserver import address, database
from travel.devserver.lock import LockHeld, exclusive
from travel.devserver.static import collect_if_changed
from travel.devserver.supervisor import Program, Supervisor

READY_SECONDS = 60
PASSWORD = "travel-demo"
COLOURS = {"web": "36", "worker": "35"}


class Command(BaseCommand):
    help = "Start the whole office on this machine, with a demo network, until Ctrl-C."
    # The checks run once, with the database, before anything is written.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=8000, help="where to listen (8000)")
        parser.add_argument("--bind", default="127.0.0.1", help="the address to listen on")
        parser.add_argument("--reset", action="store_true", help="throw the demo's data away first")
        parser.add_argument("--no-seed", action="store_true", help="start without demo data")
        parser.add_argument("--scale", type=float, default=1.0, help="size of the demo network (1)")
        parser.add_argument("--threads", type=int, default=8, help="requests served at once (8)")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO:
            start_again_as_demo()
        if not 1 <= options["port"] <= 65_535:
            raise CommandError("A port is a number from 1 to 65535.")
        url = address.url(host=options["bind"], port=options["port"])
        try:
            with exclusive(settings.VAR_DIR / "demo.lock", note=f"{os.getpid()} at {url}"):
                self._run(url=url, **options)
        except LockHeld as holder:
            raise CommandError(f"A demo is already running: process {holder}.") from holder
        except KeyboardInterrupt:
            self._say("Stopped before the start was finished.")

    def _run(self, *, url: str, **options: Any) -> None:
        try:
            listener = address.listen(host=options["bind"], port=options["port"])
        except address.AddressRefused as refusal:
            raise CommandError(str(refusal)) from refusal
        with listener:
            if not address.is_loopback(options["bind"]):
                self._warn_of_the_world(options["bind"])
            self._prepare(reset=options["reset"], seed=not options["no_seed"], **_size(options))
            self._serve(listener, url=url, **options)

    # --- before the start -------------------------------------------------------------------------

    def _prepare(self, *, reset: bool, seed: bool, scale: float) -> None:
        self._reach_database()
        today = datetime.now(UTC).date()
        stamp = database.SeedStamp(settings.VAR_DIR / "demo.json")
        if database.is_foreign():
            raise CommandError(
                "This database holds tables or accounts that are not the demo's, so the demo "
                "leaves it alone. Point DATABASE_URL at another one."
            )
        if reset:
            self._say("Throwing the demo's data away.")
            stamp.forget()
            database.forget()
        if database.has_pending_migrations():
            self._say("Laying out the tables.")
            call_command("migrate", interactive=False, verbosity=0)
            stamp.forget()
        self.check(databases=["default"])
        if seed:
            self._seed(stamp, today=today, scale=scale)
        if collect_if_changed(settings.VAR_DIR / "static.json"):
            self._say("Collected the style sheets and scripts.")

    def _reach_database(self) -> None:
        self.check()
        try:
            connection.ensure_connection()
        except DatabaseError as problem:
            raise CommandError(
                f"The database does not answer: {problem}. `manage.py doctor` tells more."
            ) from problem

    def _seed(self, stamp: database.SeedStamp, *, today: date, scale: float) -> None:
        if stamp.matches(today=today, scale=scale):
            return
        self._say("Making the demo network.")
        call_command("seed_demo", scale=scale, verbosity=1)
        stamp.write(today=today, scale=scale)

    # --- from the start to the end ----------------------------------------------------------------

    def _serve(self, listener: socket, *, url: str, **options: Any) -> None:
        child = [sys.executable, "-m", "travel.devserver.child"]
        number, threads = listener.fileno(), str(options["threads"])
        catch_up = [] if options["no_seed"] else ["--catch-up"]
        supervisor = Supervisor(
            programs=[
                Program(
                    "web",
                    [*child, "web", "--socket", str(number), "--threads", threads],
                    sockets=(number,),
                ),
                # Its queue is a folder here, and a message may be read before it is written whole.
                # Nothing is lost by that: what is due stands in the database.
                Program("worker", [*child, "worker", *catch_up], may_fall=True),
            ],
            environment=_environment(url=url, host=options["bind"]),
            folder=Path(settings.BASE_DIR),
            show=self._show,
        )
        supervisor.stop_on_signals()
        supervisor.start()
        # The children hold the socket and the database now; this process only watches.
        listener.close()
        connection.close()
        try:
            if supervisor.wait_until(lambda: _answers(url), seconds=READY_SECONDS):
                self._say(box(_lines(url=url, seeded=not options["no_seed"])))
            elif not supervisor.stopping:
                raise CommandError("The office did not start; the lines above say why.")
            if (ended := supervisor.run()) is not None:
                raise CommandError(f"{ended.name} ended by itself; the lines above say why.")
        finally:
            self._say("Stopping.")
            supervisor.stop()
        self._say("Stopped.")

    # --- words ------------------------------------------------------------------------------------

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()

    def _show(self, name: str, line: str) -> None:
        label = f"{name:<6} |"
        if self.stdout.isatty():
            label = f"\033[{COLOURS.get(name, '0')}m{label}\033[0m"
        self._say(f"{label} {line}")

    def _warn_of_the_world(self, host: str) -> None:
        self.stderr.write(
            f"WARNING: bound to {host}, so others can reach this demo. Its passwords are public "
            "and its messages can be read by anybody."
        )


def start_again_as_demo() -> None:
    """Replace this process by the same command with DEMO=1, which the settings read at start."""
    arguments = [sys.executable, *sys.argv]
    os.execve(sys.executable, arguments, {**os.environ, "DEMO": "1"})  # noqa: S606


def box(lines: Iterable[str]) -> str:
    """Return the lines inside a frame."""
    lines = list(lines)
    width = max(len(line) for line in lines)
    rule = "─" * (width + 2)
    body = "\n".join(f"│ {line:<{width}} │" for line in lines)
    return f"┌{rule}┐\n{body}\n└{rule}┘"


def _lines(*, url: str, seeded: bool) -> list[str]:
    logins = [
        "",
        f"Traveller   traveller@demo.example   {PASSWORD}   (the wallet is full)",
        f"Support     support@demo.example     {PASSWORD}   {url}/admin/",
        f"Finance     finance@demo.example     {PASSWORD}   {url}/admin/",
        f"Operations  operations@demo.example  {PASSWORD}   {url}/admin/",
        f"Admin       admin@demo.example       {PASSWORD}   {url}/admin/",
        "",
    ]
    return [
        f"{settings.SITE_NAME} is open:  {url}/",
        *(logins if seeded else [""]),
        f"E-mails and SMS   {url}/outbox/",
        f"API               {url}/api/docs",
        "",
        "Ctrl-C stops everything.",
    ]


def _size(options: dict[str, Any]) -> dict[str, float]:
    if options["scale"] <= 0:
        raise CommandError("--scale is a number above 0.")
    return {"scale": options["scale"]}


def _environment(*, url: str, host: str) -> dict[str, str]:
    defaults = {"SITE_URL": url, "PYTHONUNBUFFERED": "1"}
    if not address.is_loopback(host):
        # Whoever binds to the world is reached under names that nobody can know beforehand.
        defaults["ALLOWED_HOSTS"] = "*"
    return {**defaults, **os.environ, "DEMO": "1"}


def _answers(url: str) -> bool:
    parts = urlsplit(url)
    connection_ = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=5)
    try:
        connection_.request("GET", "/")
        return connection_.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection_.close()
