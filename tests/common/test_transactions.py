"""One transaction, retried as a whole."""

from __future__ import annotations

import pytest
from django.db import OperationalError, connection

from travel.common import transactions
from travel.common.errors import NotFound, OutcomeUnknown, Unavailable
from travel.common.models import Job
from travel.common.transactions import in_repeatable_transaction, in_transaction

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
            raise OperationalError(1054, "unknown column")

        with pytest.raises(OperationalError):
            fail()

        assert len(tries) == 1

    def test_begins_again_when_the_connection_is_lost_before_commit(self, noon):
        tries = []

        @in_transaction
        def stumble():
            write(noon)
            tries.append(1)
            if len(tries) == 1:
                raise OperationalError(2013, "lost connection")

        stumble()

        assert (len(tries), Job.objects.count()) == (2, 1)

    def test_does_not_wait_for_a_server_that_goes_away_again(self):
        tries = []

        @in_transaction
        def fail():
            tries.append(1)
            raise OperationalError(2013, "lost connection")

        with pytest.raises(OperationalError):
            fail()

        assert len(tries) == 2

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


class Commit:
    """A COMMIT that goes wrong with these errors; `done` says whether it was carried out anyway."""

    def __init__(self, errors, *, done):
        self.errors, self.done = list(errors), done

    def __enter__(self):
        self.real = connection._commit
        connection._commit = self
        return self

    def __exit__(self, *_):
        del connection._commit

    def __call__(self):
        if not self.errors:
            return self.real()
        if self.done:
            self.real()
        else:
            connection._rollback()
        # As the driver's errors are: bare, for Django to wrap.
        with connection.wrap_database_errors:
            raise connection.Database.OperationalError(*self.errors.pop(0))


REFUSED = (1213, "deadlock")
LOST = (2013, "lost connection")


@pytest.mark.django_db(transaction=True)
class TestCommit:
    def test_is_begun_again_where_it_was_refused(self, noon):
        with Commit([REFUSED, REFUSED], done=False):
            in_transaction(write)(noon)

        assert Job.objects.count() == 1

    @pytest.mark.parametrize("done", [True, False])
    def test_whose_answer_was_lost_is_not_guessed_at(self, noon, done):
        with Commit([LOST], done=done), pytest.raises(OutcomeUnknown) as refused:
            in_transaction(write)(noon)

        assert Job.objects.count() == done
        assert refused.value.retry_after is None

    @pytest.mark.parametrize("done", [True, False])
    def test_whose_answer_was_lost_is_repeated_where_that_does_no_harm(self, noon, done):
        @in_repeatable_transaction
        def once():
            if not Job.objects.exists():
                write(noon)

        with Commit([LOST], done=done):
            once()

        assert Job.objects.count() == 1

    def test_is_in_doubt_as_long_as_the_database_does_not_come_back(self, noon):
        tries = []

        @in_repeatable_transaction
        def once():
            tries.append(1)
            if len(tries) > 1:
                raise OperationalError(2002, "can't connect")
            write(noon)

        with Commit([LOST], done=True), pytest.raises(OutcomeUnknown) as refused:
            once()

        assert refused.value.retry_after == 1

    def test_of_a_node_that_left_its_cluster_is_in_doubt(self, noon):
        with Commit([(1047, "not prepared")], done=True), pytest.raises(OutcomeUnknown):
            in_transaction(write)(noon)
