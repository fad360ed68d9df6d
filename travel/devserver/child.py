"""
One process of the office under a supervisor: `python -m travel.devserver.child ROLE`.

A child ends on TERM and when its standard input, a pipe that only the supervisor holds open,
closes. Ctrl-C is the supervisor's business: the terminal sends it to the whole process group, so a
child blocks it for good, whatever handlers its server installs later.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Collection, Sequence

# A child whose supervisor is gone ends within this time, even when it is busy.
LAST_SECONDS = 4.0
WORKER_THREADS = 4


def block_interrupts() -> None:
    """Leave Ctrl-C to the supervisor; the mask holds for threads and forked workers too."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})


def end_with_supervisor(process_id: int) -> None:
    """Ask this process to end when standard input closes, and end it when it does not."""

    def watch() -> None:
        while os.read(0, 1024):
            pass
        os.kill(process_id, signal.SIGTERM)
        time.sleep(LAST_SECONDS)
        os.kill(process_id, signal.SIGKILL)
        os._exit(1)

    threading.Thread(target=watch, name="supervisor-watch", daemon=True).start()


def run_web(*, socket: int, threads: int) -> None:
    """Serve the pages and the API on a socket that is already bound and listening."""
    from gunicorn.app.base import BaseApplication

    class Web(BaseApplication):  # type: ignore[misc]
        def load_config(self) -> None:
            # The watch runs in the worker: a master with threads could not fork safely.
            options = {
                "bind": f"fd://{socket}",
                "worker_class": "gthread",
                "workers": 1,
                "threads": threads,
                "graceful_timeout": 2,
                "timeout": 60,
                "loglevel": "warning",
                "control_socket_disable": True,
                "post_worker_init": lambda worker: end_with_supervisor(worker.ppid),
            }
            for name, value in options.items():
                self.cfg.set(name, value)

        def load(self) -> object:
            from travel.wsgi import application

            return application

    Web().run()


def run_worker(*, catch_up: bool = False) -> int:
    """
    Run the jobs, and the clock that asks for them, in one process.

    With `catch_up` the practice's sales are made first: their holds and refunds lie in the past,
    and nobody else may find them due before they are paid or pushed at their own moment.
    """
    import django

    django.setup()
    end_with_supervisor(os.getpid())
    if catch_up:
        _make_practice_sales()
    from celery import signals
    from celery.beat import EmbeddedService
    from celery.platforms import SecurityWarning
    from celery.worker import state

    from travel.celery import app

    # Its warning against root is about pickled messages; the office's are JSON alone.
    warnings.filterwarnings("ignore", category=SecurityWarning)
    logging.getLogger("kombu.connection").setLevel(logging.ERROR)
    beat = EmbeddedService(app, thread=True)
    beat.start()
    worker = app.Worker(
        pool="threads",
        concurrency=WORKER_THREADS,
        loglevel="WARNING",
        quiet=True,
        # One worker alone has nobody to talk to.
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
    )

    # Celery looks up from its broker every two seconds only; a demo that is told to stop does not
    # wait for that. No job is cut off, and a message left unread is only a reminder of due rows.
    @signals.worker_shutting_down.connect(weak=False)
    def leave_when_idle(**kwargs: object) -> None:
        beat.service.stop()
        threading.Thread(target=_exit_when_idle, args=(state.active_requests,), daemon=True).start()

    worker.start()
    return int(worker.exitcode or 0)


def _make_practice_sales() -> None:
    from django.core.management import call_command

    try:
        call_command("seed_sales")
    except Exception:
        # The office works without them.
        logging.getLogger(__name__).exception("The practice's sales could not be made.")


def _exit_when_idle(active: Collection[object]) -> None:
    deadline = time.monotonic() + LAST_SECONDS
    while active and time.monotonic() < deadline:
        time.sleep(0.05)
    os._exit(0)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m travel.devserver.child")
    roles = parser.add_subparsers(dest="role", required=True)
    web = roles.add_parser("web")
    web.add_argument("--socket", type=int, required=True)
    web.add_argument("--threads", type=int, default=8)
    worker = roles.add_parser("worker")
    worker.add_argument("--catch-up", action="store_true", help="make the practice's sales first")
    options = parser.parse_args(arguments)

    block_interrupts()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "travel.settings")
    if options.role == "web":
        run_web(socket=options.socket, threads=options.threads)
        return 0
    return run_worker(catch_up=options.catch_up)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
