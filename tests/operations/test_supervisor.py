"""The office's processes live and die together, however the supervisor ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.operations.processes import is_running, wait_for
from travel.devserver.supervisor import GRACE_SECONDS, Program, Supervisor

pytestmark = pytest.mark.sqlite

ROOT = Path(__file__).resolve().parent.parent.parent

# A child as the office's are: it blocks Ctrl-C and watches its standard input.
CHILD = """
import os, time
from travel.devserver.child import block_interrupts, end_with_supervisor
block_interrupts()
end_with_supervisor(os.getpid())
print(os.getpid(), flush=True)
time.sleep(60)
"""
# A child that will not listen: it takes no notice of TERM.
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN);" + CHILD
# A supervisor of two such children, which prints their process ids.
SUPERVISOR = f"""
import os, sys
from pathlib import Path
from travel.devserver.supervisor import Program, Supervisor
supervisor = Supervisor(
    programs=[Program("one", [sys.executable, "-c", {CHILD!r}]),
              Program("two", [sys.executable, "-c", {CHILD!r}])],
    environment=os.environ, folder=Path("."),
    show=lambda name, line: print(line, flush=True),
)
supervisor.stop_on_signals()
supervisor.start()
supervisor.run()
supervisor.stop()
"""


def supervise(
    code: str, environment: dict[str, str], *, may_fall: bool = False
) -> tuple[Supervisor, list[str]]:
    lines: list[str] = []
    supervisor = Supervisor(
        programs=[Program("child", [sys.executable, "-c", code], may_fall=may_fall)],
        environment=environment,
        folder=ROOT,
        show=lambda name, line: lines.append(f"{name}: {line}"),
    )
    supervisor.start()
    return supervisor, lines


@pytest.fixture
def outside(outside_environment):
    """A supervisor in a process group of its own, and the process ids of its two children."""
    process = subprocess.Popen(
        [sys.executable, "-c", SUPERVISOR],
        cwd=ROOT,
        env=outside_environment,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    children = [int(process.stdout.readline()) for _ in range(2)]
    yield process, children
    process.kill()
    process.wait()


class TestFalling:
    def test_a_program_that_may_fall_is_started_again_three_times(self, outside_environment):
        supervisor, lines = supervise("print('up')", outside_environment, may_fall=True)
        ended = supervisor.run()
        supervisor.stop()
        assert ended is not None
        assert ended.name == "child"
        assert lines.count("child: up") == 4
        assert lines.count("child: ended by itself and is started again") == 3

    def test_another_ends_everything(self, outside_environment):
        supervisor, lines = supervise("print('up')", outside_environment)
        ended = supervisor.run()
        supervisor.stop()
        assert ended is not None
        assert lines == ["child: up"]


class TestSupervisor:
    def test_shows_lines_with_the_name_of_their_program(self, outside_environment):
        supervisor, lines = supervise("print('one'); print('two')", outside_environment)
        assert wait_for(lambda: len(lines) == 2, seconds=10)
        supervisor.stop()
        assert lines == ["child: one", "child: two"]

    def test_says_which_program_ended_by_itself(self, outside_environment):
        supervisor, _ = supervise("raise SystemExit(7)", outside_environment)
        ended = supervisor.run()
        assert ended is not None
        assert ended.name == "child"
        supervisor.stop()

    def test_is_not_ready_when_a_program_ended(self, outside_environment):
        supervisor, _ = supervise("raise SystemExit(7)", outside_environment)
        assert not supervisor.wait_until(lambda: False, seconds=10)
        supervisor.stop()

    def test_kills_a_child_that_does_not_listen(self, outside_environment):
        supervisor, lines = supervise(STUBBORN, outside_environment)
        assert wait_for(lambda: bool(lines), seconds=10)
        child = int(lines[0].split()[-1])
        started = time.monotonic()
        supervisor.stop()
        assert not is_running(child)
        assert time.monotonic() - started < GRACE_SECONDS + 30


class TestTheEndOfASupervisor:
    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
    def test_a_signal_ends_all(self, outside, number):
        process, children = outside
        process.send_signal(number)
        assert process.wait(10) == 0
        assert not any(map(is_running, children))

    def test_ctrl_c_at_the_terminal_leaves_the_end_to_the_supervisor(self, outside):
        process, children = outside
        os.kill(children[0], signal.SIGINT)
        time.sleep(0.3)
        assert is_running(children[0])
        # A terminal sends it to the whole group.
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(10) == 0
        assert not any(map(is_running, children))

    def test_even_kill_9_leaves_nothing_behind(self, outside):
        process, children = outside
        assert all(map(is_running, children))
        process.kill()
        assert wait_for(lambda: not any(map(is_running, children)), seconds=5)
