"""
A database server is killed under load, and started again on what it left.

Whatever was acknowledged is there with its seats; nothing is there by half, and nothing twice. The
sellers go on by themselves: they ask again under the same keys until they are answered.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.crowd import Crowd, office
from tests.plugins.servers import (
    MariaDB,
    ServerMissing,
    address_of,
    find_program,
    short_folder,
)

pytestmark = pytest.mark.mariadb

SELLERS = 4
# A sale is written out and waited for, as in production.
DURABLE = ("--innodb-flush-log-at-trx-commit=1", "--innodb-flush-method=fsync")
BACK_WITHIN_SECONDS = 20
# On a busy machine a seller takes its time to begin.
BEGIN_SECONDS = 180


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDB]:
    """A server of these tests' own, with a timetable and people with money."""
    with short_folder() as folder:
        one = MariaDB(folder)
        try:
            find_program("mariadbd")
        except ServerMissing as missing:
            # A run on a MySQL of somebody's own needs no MariaDB for the rest.
            pytest.skip(str(missing))
        try:
            # The disk is waited for only once everything is laid out.
            one.start()
            one.execute("CREATE DATABASE office")
            crowd_at(one, tmp_path_factory.mktemp("office")).prepare()
            one.stop()
            one.options = DURABLE
            one.start()
            yield one
        finally:
            one.stop()


@pytest.fixture
def crowd(server: MariaDB, tmp_path: Path) -> Crowd:
    """Sellers of that server."""
    return crowd_at(server, tmp_path)


def crowd_at(server: MariaDB, folder: Path) -> Crowd:
    variables = {"DATABASE_URL": address_of(server.socket), "VAR_DIR": str(folder / "var")}
    return Crowd(office(variables), folder, sellers=SELLERS)


@pytest.mark.parametrize(
    "kills", [2, pytest.param(25, marks=pytest.mark.slow)], ids=["twice", "25 times"]
)
def test_nothing_acknowledged_is_lost_when_the_server_is_killed(crowd, server, kills):
    luck = random.Random(kills)
    with crowd:
        crowd.wait_for_sales(20, since=time.time(), seconds=BEGIN_SECONDS)
        for _ in range(kills):
            time.sleep(luck.uniform(0, 0.5))
            server.kill()
            server.start()
            crowd.wait_for_sales(10, since=time.time(), seconds=BACK_WITHIN_SECONDS)

    found = crowd.compare()

    assert found["acknowledged"] > 10 * kills
    assert (found["lost"], found["double"], found["audit"]) == ([], [], [])


@pytest.mark.parametrize(
    "kills", [4, pytest.param(40, marks=pytest.mark.slow)], ids=["4 times", "40 times"]
)
def test_nothing_is_there_by_half_when_sellers_are_killed(crowd, kills):
    luck = random.Random(kills)
    with crowd:
        for _ in range(kills):
            crowd.wait_for_sales(5, since=time.time(), seconds=BEGIN_SECONDS)
            time.sleep(luck.uniform(0, 0.05))
            crowd.kill_a_seller(luck.randrange(SELLERS))
        crowd.wait_for_sales(5, since=time.time(), seconds=BEGIN_SECONDS)

    found = crowd.compare()

    assert found["acknowledged"] > kills
    assert (found["lost"], found["audit"]) == ([], [])
    assert found["double"] == []
