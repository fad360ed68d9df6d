"""One transaction, retried as a whole."""

from __future__ import annotations

import pytest
from django.db import OperationalError, connection

from travel.common import transactions
from travel.common.errors import NotFound, Unavailable
from travel.common.models import Job
from travel.common.transactions import in_transaction

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_pause(monkeypatch):
    monkeypatch.setattr(transactions.time, "sleep", lambda seconds: None)


def write(now):
    Job.objects.create(kind="test", reference="1", created_at=now, due_at=now)


class TestInTransaction:
    def test_takes_back_what_was_written_before_a_refusal(self, noon):
        @in_transaction
        def refuse():
            write(noon)
            raise NotFound

        with pytest.raises(NotFound):
            refuse()

        assert not Job.objects.exists()

    @pytest.mark.parametrize(
        "error",
        [
            OperationalError(1213, "deadlock"),
            OperationalError(1205, "lock wait timeout"),
            OperationalError(1020, "record has changed"),
            OperationalError("database is locked"),
        ],
    )
    def test_begins_again_where_the_database_asks_for_it(self, noon, error):
        tries = []

        @in_transaction
        def stumble():
            write(noon)
            tries.append(1)
            if len(tries) < 3:
                raise error

        stumble()

        assert (len(tries), Job.objects.count()) == (3, 1)

    def test_gives_up_after_five_tries(self):
        tries = []

        @in_transaction
        def fail():
            tries.append(1)
            raise OperationalError(1213, "deadlock")

        with pytest.raises(Unavailable):
            fail()

        assert len(tries) == 5

    def test_does_not_try_again_what_will_not_pass(self):
        tries = []

        @in_transaction
        def fail():
            tries.append(1)
            raise OperationalError(2013, "lost connection")

        with pytest.raises(OperationalError):
            fail()

        assert len(tries) == 1

    def test_a_nested_call_joins_and_leaves_the_retry_to_the_outermost(self):
        outer, inner = [], []

        @in_transaction
        def within():
            inner.append(len(connection.atomic_blocks))
            if len(inner) == 1:
                raise OperationalError(1213, "deadlock")

        @in_transaction
        def around():
            outer.append(len(connection.atomic_blocks))
            within()

        around()

        assert len(outer) == len(inner) == 2
        assert outer == inner
