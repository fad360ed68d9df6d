"""
The answer is lost: the client was killed, or the connection to the database broke at COMMIT.

The same request under the same key finds out what became of the first one; nothing is guessed, and
nothing is done twice.
"""

from __future__ import annotations

import json
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection

from accounts.viewers import Viewer
from bookings import services
from bookings.engine.contract import SYSTEM
from bookings.models import Claim, Reservation
from tests.conftest import ApiClient
from tests.faults.crashing import Steps, in_a_process
from tests.faults.racing import at_once
from tests.selling import audit
from travel.common.models import IdempotencyKey

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("audited")]

RESERVE = "/reservations/reserve"
MOST_STEPS = 120


@pytest.fixture
def me(api: ApiClient, traveller: Any) -> ApiClient:
    return api.by(traveller)


def ask(client: ApiClient, ticket_id: int, *, key: str = "one and the same") -> Any:
    return client.post(RESERVE, {"ticketID": ticket_id}, headers={"Idempotency-Key": key})


def twin_of(client: ApiClient) -> ApiClient:
    twin = type(client)(client.clock)
    twin.credentials(**client._credentials)
    return twin


class TestFiftyTwins:
    def test_have_one_effect_and_one_answer(self, me, train):
        def send() -> tuple[int, bytes]:
            answer = ask(twin_of(me), train.ticket_id())
            return answer.status_code, answer.content

        answers = at_once([send] * 50)

        told = {content for status, content in answers if status == 201}
        # Who waited for too long was told so, and told nothing else.
        waiting = [json.loads(content) for status, content in answers if status != 201]
        assert {one["code"] for one in waiting} <= {"request_in_progress"}
        assert len(told) == 1
        assert Reservation.objects.count() == Claim.objects.count() == 1
        assert ask(me, train.ticket_id()).content == told.pop()


class TestKilledBeforeItReadTheAnswer:
    def test_the_same_key_gives_the_first_answer_whenever_it_was_killed(self, me, train, tmp_path):
        """At every statement of the request, on both sides of COMMIT, and with the answer read."""
        told = tmp_path / "answer"
        replayed = []
        for step in range(MOST_STEPS):

            def send(step: int = step) -> None:
                with Steps(at=step):
                    answer = ask(me, train.ticket_id(), key=f"key {step}")
                    told.write_bytes(answer.content)

            code = in_a_process(send)
            again = ask(me, train.ticket_id(), key=f"key {step}")

            assert again.status_code == 201
            assert Reservation.objects.filter(state="held").count() == 1
            audit()
            replayed.append("Idempotency-Replayed" in again.headers)
            if code == 0:
                assert again.content == told.read_bytes()
                break
            assert code == -signal.SIGKILL
            self.give_back(again)

        # Done anew until COMMIT, then given again.
        assert replayed == sorted(replayed)
        assert replayed.count(False) > 5
        assert replayed.count(True) >= 2

    def give_back(self, answer: Any) -> None:
        held = Reservation.objects.get(state="held")
        assert answer.json()["locator"] == held.locator
        services.release(
            viewer=Viewer(is_support=True),
            reservation_id=held.id,
            now=held.created_at,
            actor=SYSTEM,
        )


@contextmanager
def connection_lost(*, seconds_after_commit: float | None) -> Iterator[list[str]]:
    """
    Break this thread's connection at its next COMMIT: before it is sent, or so long after.

    The server is told COMMIT, or is not; the driver finds a dead socket in either case.
    """
    broken: list[str] = []
    commit = connection._commit  # type: ignore[attr-defined]

    def lose() -> None:
        if broken:
            commit()
            return
        broken.append("COMMIT")
        raw = connection.connection
        if seconds_after_commit is not None:
            raw.send_query(b"COMMIT")
            time.sleep(seconds_after_commit)
        with socket.socket(fileno=raw.fileno()) as line:
            line.shutdown(socket.SHUT_RDWR)
            line.detach()
        with connection.wrap_database_errors:
            if seconds_after_commit is None:
                raw.query(b"COMMIT")
            else:
                raw.read_query_result()

    connection._commit = lose  # type: ignore[attr-defined]
    try:
        yield broken
    finally:
        del connection._commit  # type: ignore[attr-defined]


@pytest.mark.mariadb
class TestConnectionLostAtCommit:
    @pytest.mark.parametrize("after", [None, 0, 0.2], ids=["before", "during", "after"])
    def test_is_found_out_by_the_key(self, me, train, after):
        with connection_lost(seconds_after_commit=after) as broken:
            answer = ask(me, train.ticket_id())

        assert broken
        assert answer.status_code == 201
        assert Reservation.objects.get().locator == answer.json()["locator"]
        assert Claim.objects.count() == 1
        again = ask(me, train.ticket_id())
        assert again.content == answer.content
        assert again.headers["Idempotency-Replayed"] == "true"

    @pytest.mark.parametrize(("after", "made"), [(None, 0), (0.2, 1)], ids=["before", "after"])
    def test_without_a_key_it_is_said_that_nobody_knows(self, me, train, after, made):
        with connection_lost(seconds_after_commit=after):
            answer = me.post(RESERVE, {"ticketID": train.ticket_id()})

        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert answer.json()["detail"].startswith("It is not known whether this was done.")
        # Nobody is invited to send it again blindly.
        assert "Retry-After" not in answer.headers
        assert Reservation.objects.count() == made
        assert not IdempotencyKey.objects.exists()

    def test_before_commit_is_begun_again(self, me, train):
        """What was written on a connection that broke is rolled back with it."""
        lost = []

        def lose(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
            if sql.startswith("INSERT INTO `bookings_claim`") and not lost:
                lost.append(sql)
                raw = context["connection"].connection
                with socket.socket(fileno=raw.fileno()) as line:
                    line.shutdown(socket.SHUT_RDWR)
                    line.detach()
            return execute(sql, params, many, context)

        with connection.execute_wrapper(lose):
            answer = me.post(RESERVE, {"ticketID": train.ticket_id()})

        assert answer.status_code == 201
        assert Reservation.objects.count() == Claim.objects.count() == 1
