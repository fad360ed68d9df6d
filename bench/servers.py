"""
A private MariaDB that writes every commit through to the disk, and a Redis, for a benchmark.

    python -m bench.servers [--memory 2G] python -m bench.claims

The benchmarks start it themselves where no DATABASE_URL names a server. Unlike the servers of the
tests it waits for the disk at each commit (`innodb_flush_log_at_trx_commit = 1`, O_DIRECT), because
that is what a claim costs in production.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from tests.plugins.servers import private_servers, run

MEMORY = "1G"


def options(memory: str = MEMORY) -> list[str]:
    """Answer what a durable MariaDB with so large a buffer pool is started with."""
    return [
        "--innodb-flush-log-at-trx-commit=1",
        "--innodb-flush-method=O_DIRECT",
        "--innodb-doublewrite=ON",
        "--innodb-log-file-size=1G",
        f"--innodb-buffer-pool-size={memory}",
        "--max-connections=300",
    ]


def run_durably(command: Sequence[str], *, memory: str = MEMORY) -> int:
    """Run a command on servers of its own, as tests.plugins.servers does; answer its exit code."""
    with private_servers(options(memory)) as variables:
        return run(command, variables)


def give_me_servers(module: str, *, memory: str = MEMORY) -> None:
    """
    See that a benchmark has a database: where none is named, run it again on servers of its own.

    Must be called before Django reads its settings.
    """
    if "DATABASE_URL" not in os.environ:
        sys.exit(run_durably([sys.executable, "-m", module, *sys.argv[1:]], memory=memory))


def main(arguments: Sequence[str]) -> int:
    memory = MEMORY
    if arguments[:1] == ["--memory"]:
        memory, arguments = arguments[1], arguments[2:]
    if not arguments:
        sys.stderr.write(f"{__doc__}\n")
        return 2
    return run_durably(arguments, memory=memory)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
