"""
Sell, pay, extend, expire and cancel at random, and compare every step with a brute-force model.

    python -m bench.simulate --operations 100000 --seed 1 --engine portable

It makes a database of its own: a file of SQLite, or a schema on the MariaDB or MySQL that
DATABASE_URL names. After each operation the departures it touched are compared with the model,
after every thousandth all of them. A failure prints the seed, the shortest prefix of operations
that shows it and which of them it takes; the exit status is 1 then.
"""

from __future__ import annotations

import argparse
import gc
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bookings.engine.contract import Engine

ENGINES = ("portable", "procedures")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the simulator as the command line says; answer the exit status."""
    options = _options(arguments)
    # Leaving through an exception drops the database on the way.
    signal.signal(signal.SIGTERM, _stop)
    if options.workers > 1:
        return _run_workers(options)
    return _run(options)


def _stop(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.simulate", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--operations", type=int, default=5_000, help="how many in all")
    parser.add_argument("--seed", type=int, default=1, help="what they are drawn from")
    parser.add_argument("--engine", choices=ENGINES, default=None, help="default: the database's")
    parser.add_argument("--through", choices=["engine", "services"], default="engine")
    parser.add_argument("--only", default="", help="only these, of one era: 3,17-20")
    parser.add_argument("--workers", type=int, default=1, help="so many seeds side by side")
    parser.add_argument("--keep", action="store_true", help="leave the database as it is")
    return parser.parse_args(arguments)


def _run(options: argparse.Namespace) -> int:
    from bench.simulator.database import own_database

    with own_database(keep=options.keep) as place:
        from bench.simulator.running import Runner, read
        from bench.simulator.world import World
        from bookings import engine

        name = options.engine or engine.current_name()
        # What is here now stays to the end: the collector need not look at it time and again.
        gc.freeze()
        gc.set_threshold(50_000, 20, 50)
        _tell(f"seed {options.seed}: {name} engine on {place}")
        runner = Runner(
            seed=options.seed,
            engine=_counter(name) if options.through == "services" else engine.named(name),
            world=World(),
            at_the_counter=options.through == "services",
            tell=_tell,
        )
        if options.only:
            report = runner.run_only(read(options.only))
        else:
            report = runner.run(options.operations)
        for line in report.lines():
            _tell(line)
        if options.keep:
            _tell(f"the database is left at {place}")
        return 1 if report.failure else 0


def _counter(name: str) -> Engine:
    """Answer the services as an engine, on the engine of this name."""
    from django.conf import settings

    from bench.simulator.counter import Counter

    settings.SEAT_ENGINE = name
    return Counter()


def _run_workers(options: argparse.Namespace) -> int:
    """Share the operations among processes, each with the next seed and a database of its own."""
    share = -(-options.operations // options.workers)
    processes = []
    for number in range(options.workers):
        command = [sys.executable, "-m", "bench.simulate", "--operations", str(share)]
        command += ["--seed", str(options.seed + number)]
        command += ["--engine", options.engine] if options.engine else []
        command += ["--through", options.through]
        command += ["--keep"] if options.keep else []
        processes.append(
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        )
    readers = [threading.Thread(target=_pass_on, args=[process]) for process in processes]
    try:
        for reader in readers:
            reader.start()
        return max(process.wait() for process in processes)
    finally:
        for process in processes:
            process.terminate()
        for reader in readers:
            reader.join()


def _pass_on(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        _tell(line.rstrip("\n"))


def _tell(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
