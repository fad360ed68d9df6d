"""
SQLite has one writer at a time: eight processes sell at once, and nobody is told of a lock.

Threads of one process are raced in test_races; these share nothing but the file.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from pathlib import Path

import pytest
from django.db import connection

from accounts.viewers import Viewer
from bookings import services
from bookings.engine.contract import SYSTEM
from bookings.errors import SoldOut
from bookings.models import Claim, Reservation
from tests.faults.crashing import answers_of, at_once_in_processes, fork, wait_for_child
from tests.selling import audit, reserve

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.sqlite]

PROCESSES = 8
EACH = 12


class TestEightProcesses:
    def test_never_meet_a_locked_database(self, train, noon, tmp_path):
        """Each wants twelve seats of four segments; every segment has eight."""

        def sell(number: int) -> list[str]:
            answers = []
            for turn in range(EACH):
                start = (number + turn) % 4
                ticket = train.ticket_id(start, start + 1)
                try:
                    reserve(f"b{number}-{turn}@example.org", ticket, now=noon)
                except SoldOut as refusal:
                    answers.append(refusal.code)
                else:
                    answers.append("done")
            return answers

        told = at_once_in_processes(sell, PROCESSES, folder=tmp_path)

        tally = Counter(answer for answers in answers_of(told) for answer in answers)
        assert tally == {"done": 32, "sold_out": PROCESSES * EACH - 32}
        assert Claim.objects.count() == 32
        audit()


class TestKilledAtAnyMoment:
    def test_leaves_a_sound_file_with_all_that_was_acknowledged(self, train, noon, tmp_path):
        def sell(number: int, notes: Path) -> None:
            """Reserve and release for a minute at most, and note down what is done."""
            with notes.open("w") as told:
                for turn in range(2_000):
                    start = (number + turn) % 4
                    held = reserve(
                        f"b{number}@example.org",
                        train.ticket_id(start, start + 1),
                        now=noon,
                    )
                    told.write(f"{held.locator} held\n")
                    told.flush()
                    services.release(
                        viewer=Viewer(is_support=True),
                        reservation_id=held.id,
                        now=noon,
                        actor=SYSTEM,
                    )
                    told.write(f"{held.locator} cancelled\n")
                    told.flush()

        luck = random.Random(8)
        notes = [tmp_path / str(number) for number in range(PROCESSES)]
        children = [
            fork(lambda number=number: sell(number, notes[number]))  # type: ignore[misc]
            for number in range(PROCESSES)
        ]
        time.sleep(1)
        for child in children:
            time.sleep(luck.uniform(0, 0.2))
            os.kill(child, signal.SIGKILL)
        # None had met a fault before.
        assert {wait_for_child(child) for child in children} == {-signal.SIGKILL}

        with connection.cursor() as cursor:
            cursor.execute("PRAGMA integrity_check")
            assert cursor.fetchall() == [("ok",)]
        audit()
        stored = dict(Reservation.objects.values_list("locator", "state"))
        told = [line.split() for path in notes for line in path.read_text().splitlines()]
        assert len(told) > PROCESSES
        for locator, state in told:
            assert stored[locator] in {state, "cancelled"}
