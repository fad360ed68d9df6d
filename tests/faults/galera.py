"""
A Galera cluster of three nodes under load, of which one after the other is killed, paused and cut.

    python -m tests.faults.galera [--rounds N] [--sellers N]

Every node lives in a network namespace of its own, joined to the others and to the sellers by a
bridge in one more: nothing of the machine's own network is touched. Sellers write to the first node
that is ready and turn to the next when it is not; see seller.py. In the end what was acknowledged
is compared with what is stored, the audit is run, and the three nodes are compared with each other.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from types import FrameType
from typing import Any

from tests.faults.crowd import Crowd, office
from tests.plugins.servers import (
    MariaDB,
    ServerFailed,
    ServerMissing,
    address_of,
    find_program,
    short_folder,
)

NODES = (1, 2, 3)
NETWORK = "10.77.0"
# Nodes send each other their data by an rsync that refuses to write as root.
OWNER = "mysql"
PROVIDERS = ("/usr/lib/galera/libgalera_smm.so", "/usr/lib64/galera-4/libgalera_smm.so")
# A node that is silent for two seconds is suspected, after four it is out.
PROVIDER_OPTIONS = (
    "evs.keepalive_period=PT0.5S;evs.inactive_check_period=PT0.5S;"
    "evs.suspect_timeout=PT2S;evs.inactive_timeout=PT4S;evs.install_timeout=PT4S"
)
FAULT_SECONDS = 12
AGAIN_WITHIN_SECONDS = 10
BEGIN_SECONDS = 300
SYNCED_SECONDS = 90
VIEW = "SHOW STATUS WHERE Variable_name IN ('wsrep_cluster_conf_id', 'wsrep_cluster_status')"
STATE = "SHOW STATUS LIKE 'wsrep_local_state_comment'"
SELLERS = "SELECT COUNT(*) FROM information_schema.processlist WHERE user = 'office'"


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, timeout=30)


# --- the cluster ----------------------------------------------------------------------------------


class Network:
    """A hub where the sellers are, and a namespace with one cable to it for each node."""

    def __init__(self) -> None:
        self.hub = f"office-{os.getpid()}-hub"

    def __enter__(self) -> Network:
        self.__exit__()
        ip("netns", "add", self.hub)
        ip("-n", self.hub, "link", "add", "bridge", "type", "bridge")
        ip("-n", self.hub, "address", "add", f"{NETWORK}.254/24", "dev", "bridge")
        ip("-n", self.hub, "link", "set", "bridge", "up")
        ip("-n", self.hub, "link", "set", "lo", "up")
        for node in NODES:
            self._plug_in(node)
        return self

    def __exit__(self, *error: object) -> None:
        for name in (self.hub, *map(self.name_of, NODES)):
            subprocess.run(["ip", "netns", "delete", name], stderr=subprocess.DEVNULL, timeout=30)

    def name_of(self, node: int) -> str:
        """Answer the name of a node's namespace."""
        return f"office-{os.getpid()}-{node}"

    def inside(self, name: str) -> tuple[str, ...]:
        """Answer the beginning of a command that is to run in a namespace."""
        return ("ip", "netns", "exec", name)

    def cut(self, node: int) -> None:
        """Cut a node's cable."""
        ip("-n", self.hub, "link", "set", f"node{node}", "down")

    def mend(self, node: int) -> None:
        """Mend it."""
        ip("-n", self.hub, "link", "set", f"node{node}", "up")

    def _plug_in(self, node: int) -> None:
        name, cable = self.name_of(node), f"node{node}"
        ip("netns", "add", name)
        ip("-n", self.hub, "link", "add", cable, "type", "veth", "peer", "eth0", "netns", name)
        ip("-n", self.hub, "link", "set", cable, "master", "bridge")
        ip("-n", self.hub, "link", "set", cable, "up")
        ip("-n", name, "address", "add", f"{address(node)}/24", "dev", "eth0")
        ip("-n", name, "link", "set", "eth0", "up")
        ip("-n", name, "link", "set", "lo", "up")


def address(node: int) -> str:
    """Answer the address of a node."""
    return f"{NETWORK}.{node}"


def provider() -> str:
    """
    Answer the path of Galera's library.

    :raises ServerMissing: it is not installed.
    """
    for path in PROVIDERS:
        if Path(path).exists():
            return path
    raise ServerMissing("galera-4 is not installed.")


def options_of(node: int) -> list[str]:
    """Answer the options by which a MariaDB is a node of the cluster."""
    return [
        f"--user={OWNER}",
        "--skip-networking=0",
        f"--bind-address={address(node)}",
        "--binlog-format=ROW",
        "--innodb-autoinc-lock-mode=2",
        "--innodb-flush-method=fsync",
        "--wsrep-on=ON",
        f"--wsrep-provider={provider()}",
        f"--wsrep-provider-options={PROVIDER_OPTIONS}",
        "--wsrep-cluster-name=office",
        f"--wsrep-cluster-address=gcomm://{','.join(map(address, NODES))}",
        f"--wsrep-node-address={address(node)}",
        f"--wsrep-node-name=node{node}",
        "--wsrep-sst-method=rsync",
        # Who gives a returning node its data stands still for it: rather not the one written to.
        "--wsrep-sst-donor=node3,node2,",
        # Who fails over reads nothing older than what was acknowledged elsewhere.
        "--wsrep-sync-wait=1",
    ]


class Cluster:
    """Three nodes; `network` may cut their cables."""

    def __init__(self, folder: Path, network: Network) -> None:
        self.network = network
        self._folder = folder
        self._nodes = {
            node: MariaDB(self._folder_of(node), prefix=network.inside(network.name_of(node)))
            for node in NODES
        }
        self._started: set[int] = set()

    def _folder_of(self, node: int) -> Path:
        folder = self._folder / str(node)
        folder.mkdir(exist_ok=True)
        return folder

    @contextmanager
    def laid_out(self, fill: Callable[[str], None]) -> Iterator[None]:
        """Let `fill` make the tables on a lone server, make a cluster of it, and end that."""
        first = self._nodes[NODES[0]]
        try:
            first.start()
            first.execute(
                "CREATE DATABASE office; CREATE USER office@'%';"
                " GRANT ALL ON office.* TO office@'%'"
            )
            fill(address_of(first.socket))
            first.stop()
            for node in NODES:
                self.start(node, is_first=node == NODES[0])
            yield
        finally:
            for one in self._nodes.values():
                one.stop()

    def start(self, node: int, *, is_first: bool = False) -> None:
        """Start a node, and wait until it has what the others have."""
        one = self._nodes[node]
        # A joining node is given its data; the folder must be there.
        (self._folder_of(node) / "data").mkdir(exist_ok=True)
        self._folder.chmod(0o711)
        subprocess.run(["chown", "-R", OWNER, str(self._folder_of(node))], check=True, timeout=60)
        one.options = options_of(node) + (["--wsrep-new-cluster"] if is_first else [])
        one.start()
        self._started.add(node)
        self.wait_for(node)

    def kill(self, node: int) -> None:
        self._nodes[node].kill()

    def pause(self, node: int) -> None:
        self._nodes[node].signal(signal.SIGSTOP)

    def go_on(self, node: int) -> None:
        self._nodes[node].signal(signal.SIGCONT)
        self.wait_for(node)

    def cut(self, node: int) -> None:
        self.network.cut(node)

    def mend(self, node: int) -> None:
        self.network.mend(node)
        self.wait_for(node)

    def wait_for(self, node: int) -> None:
        """
        Wait until the node is in step with the others that run.

        :raises ServerFailed: it does not come back.
        """
        deadline = time.monotonic() + SYNCED_SECONDS
        while time.monotonic() < deadline:
            views = {self._ask(one, VIEW) for one in self._started}
            # Right after a pause it still believes to be in the view that it was in.
            if len(views) == 1 and self._ask(node, STATE).endswith("Synced"):
                return
            time.sleep(0.2)
        raise ServerFailed(f"node {node} does not come back")

    def written_to(self) -> int:
        """Answer the node that most sellers write to."""
        return max(NODES, key=lambda node: int(self._ask(node, SELLERS) or 0))

    def differences(self) -> list[str]:
        """Answer the tables that are not the same on all nodes; nobody writes any more."""
        tables = self._nodes[NODES[0]].execute("SHOW TABLES FROM office").split()
        sums = f"CHECKSUM TABLE {', '.join(f'office.{table}' for table in tables)}"
        rows = [self._nodes[node].execute(sums).splitlines() for node in NODES]
        return [one[0] for one in zip(*rows, strict=True) if len(set(one)) > 1]

    def _ask(self, node: int, question: str) -> str:
        try:
            return self._nodes[node].execute(f"SET wsrep_sync_wait = 0; {question}").strip()
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            return ""


# --- faults ---------------------------------------------------------------------------------------


@dataclass
class Fault:
    """Something that was done to a node, and for how long nothing was sold."""

    name: str
    node: int
    role: str
    at: float
    heals_at: float = 0.0
    healed_at: float = 0.0
    silence: float = 0.0
    silence_while_healing: float = 0.0


@dataclass
class Run:
    """The faults of a run, one after the other, each on the node written to or on another."""

    cluster: Cluster
    crowd: Crowd
    faults: list[Fault] = field(default_factory=list)

    def go(self, rounds: int) -> None:
        kinds: list[tuple[str, Callable[[int], None], Callable[[int], None]]] = [
            ("kill -9", self.cluster.kill, self.cluster.start),
            ("pause", self.cluster.pause, self.cluster.go_on),
            ("cut", self.cluster.cut, self.cluster.mend),
        ]
        self.crowd.wait_for_sales(20, since=time.time(), seconds=BEGIN_SECONDS)
        for _ in range(rounds):
            for role in ("written to", "other"):
                for name, harm, heal in kinds:
                    self._once(name, role, harm, heal)

    def _once(
        self, name: str, role: str, harm: Callable[[int], None], heal: Callable[[int], None]
    ) -> None:
        written_to = self.cluster.written_to()
        node = written_to if role == "written to" else next(n for n in NODES if n != written_to)
        fault = Fault(name, node, role, at=time.time())
        self.faults.append(fault)
        harm(node)
        time.sleep(FAULT_SECONDS)
        fault.heals_at = time.time()
        heal(node)
        fault.healed_at = self.crowd.wait_for_sales(20, since=time.time(), seconds=60)
        self._measure(fault)
        say(
            f"{fault.name:<8} node {fault.node}, {fault.role:<11} "
            f"{fault.silence:5.1f} s without a sale; {fault.silence_while_healing:4.1f} s while it "
            f"came back, which took {fault.healed_at - fault.heals_at:4.1f} s"
        )

    def _measure(self, fault: Fault) -> None:
        sales = [fact["at"] for fact in self.crowd.facts()]
        fault.silence = longest_gap(sales, fault.at, fault.heals_at)
        fault.silence_while_healing = longest_gap(sales, fault.heals_at, fault.healed_at)


def longest_gap(moments: Sequence[float], begin: float, end: float) -> float:
    """Answer the longest time between two moments, of those between begin and end."""
    within = [begin, *(moment for moment in moments if begin < moment < end), end]
    return max(after - before for before, after in pairwise(within))


# --- the run --------------------------------------------------------------------------------------


def run(*, rounds: int, sellers: int) -> int:
    """Run all of it; answer the exit code."""
    with ExitStack() as stack:
        folder = stack.enter_context(short_folder())
        network = stack.enter_context(Network())
        cluster = Cluster(folder, network)
        variables = {
            "VAR_DIR": str(folder / "var"),
            # Who waits on a silent node must find out: it asks again under the same key.
            "DATABASE_URL": f"mysql://office@{address(NODES[0])}/office"
            "?connect_timeout=1&read_timeout=3&write_timeout=3",
        }
        crowd = Crowd(
            office(variables),
            folder,
            sellers=sellers,
            addresses=[address(node) for node in NODES],
            prefix=network.inside(network.hub),
        )

        def fill(database: str) -> None:
            there = office({**variables, "DATABASE_URL": database})
            Crowd(there, folder, sellers=sellers).prepare()

        say("Making the tables and a cluster of three nodes ...")
        with cluster.laid_out(fill):
            load = Run(cluster, crowd)
            started = time.time()
            with crowd:
                load.go(rounds)
            found = crowd.compare()
            differences = cluster.differences()
        return tell(load.faults, found, differences, seconds=time.time() - started)


def tell(
    faults: Sequence[Fault], found: dict[str, Any], differences: list[str], *, seconds: float
) -> int:
    """Print the figures; answer the exit code."""
    longest = max(fault.silence for fault in faults)
    say(
        f"\n{len(faults)} faults in {seconds:.0f} s; {found['acknowledged']} changes acknowledged,"
        f" {found['reservations']} of them reservations; refused: {found['refused']}\n"
        f"acknowledged and lost:       {len(found['lost'])}\n"
        f"made twice:                  {len(found['double'])}\n"
        f"facts of the audit broken:   {len(found['audit'])}\n"
        f"tables that differ by node:  {len(differences)}\n"
        f"longest time without a sale: {longest:.1f} s (at most {AGAIN_WITHIN_SECONDS})"
    )
    bad = [*found["lost"], *found["double"], *found["audit"], *differences]
    for one in bad[:20]:
        say(f"  {one}")
    return 1 if bad or longest > AGAIN_WITHIN_SECONDS else 0


def check_machine() -> None:
    """
    See that the run can begin.

    :raises ServerMissing: something is not installed, or is not allowed here.
    """
    provider()
    find_program("mariadbd")
    for program in ("ip", "rsync"):
        if shutil.which(program) is None:
            raise ServerMissing(f"{program} is not installed (Debian: iproute2, rsync).")
    name = f"office-{os.getpid()}-try"
    if subprocess.run(["ip", "netns", "add", name], timeout=30).returncode:
        raise ServerMissing("Network namespaces are not allowed here; run this as root.")
    ip("netns", "delete", name)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="script/galera")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--sellers", type=int, default=6)
    options = parser.parse_args(arguments)

    def stop(number: int, frame: FrameType | None) -> None:
        # Leaving through an exception ends every node and namespace on the way.
        raise SystemExit(128 + number)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, stop)
    try:
        check_machine()
        return run(rounds=options.rounds, sellers=options.sellers)
    except (ServerMissing, ServerFailed) as problem:
        sys.stderr.write(f"{problem}\n")
        return 3


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
