"""
SQLite has one writer at a time: eight processes sell at once, and nobody is told of a lock.

Threads of one process are raced in test_races; these share nothing but the file.
"""

from __future__ import annotations

from collections import Counter

import pytest

from bookings.errors import SoldOut
from bookings.models import Claim
from tests.faults.crashing import answers_of, at_once_in_processes
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
