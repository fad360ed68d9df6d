"""The one way to write: the outermost call opens the transaction and is retried as a whole."""

from __future__ import annotations

import functools
import random
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from django.db import DatabaseError, InterfaceError, OperationalError, connection, transaction

from travel.common.errors import OutcomeUnknown, Unavailable

P = ParamSpec("P")
R = TypeVar("R")

ATTEMPTS = 5
# MariaDB: deadlock, lock wait timeout, record changed since last read.
_PASSING_NUMBERS = {1213, 1205, 1020}
# SQLite says it in words only.
_PASSING_WORDS = ("database is locked", "database table is locked")
# The server went away, before or during a statement; it shuts down; somebody ended the connection.
_LOST_NUMBERS = {2006, 2013, 2055, 1053, 1927}


def in_transaction(function: Callable[P, R]) -> Callable[P, R]:
    """
    Run the function in one transaction; retry the outermost one where the database asks for it.

    A nested call simply joins. After a deadlock, a lock timeout or a stale read the whole
    transaction is begun again, five times at most, with a growing random pause; also when the
    connection is lost before COMMIT, once. A refused COMMIT is covered; one whose answer was lost
    is not guessed at.

    :raises Unavailable: the database kept refusing.
    :raises OutcomeUnknown: the answer to COMMIT was lost.
    """
    return _retried(function, repeatable=False)


def in_repeatable_transaction(function: Callable[P, R]) -> Callable[P, R]:
    """
    As in_transaction, for a function that does no harm when it runs again after it was committed.

    It takes its idempotency key first, or writes what it would write again. When the answer to
    COMMIT is lost it runs once more, and so finds out what became of the first time.

    :raises OutcomeUnknown: the answer to COMMIT was lost, and the database did not come back.
    """
    return _retried(function, repeatable=True)


def _retried(function: Callable[P, R], *, repeatable: bool) -> Callable[P, R]:
    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        if is_open():
            return function(*args, **kwargs)
        in_doubt = was_lost = False
        for attempt in range(1, ATTEMPTS + 1):
            is_committing = False
            try:
                with transaction.atomic():
                    result = function(*args, **kwargs)
                    is_committing = True
                return result
            except (DatabaseError, InterfaceError) as error:
                _forget_lost_connection(error)
                in_doubt = in_doubt or (is_committing and leaves_doubt(error))
                # A server that goes away twice is away.
                may_pass = passes(error) or (_is_lost(error) and not was_lost)
                was_lost = was_lost or _is_lost(error)
                if in_doubt and not repeatable:
                    raise OutcomeUnknown from error
                if attempt == ATTEMPTS or not may_pass:
                    if in_doubt:
                        raise OutcomeUnknown(retry_after=1) from error
                    if may_pass:
                        raise Unavailable(retry_after=1) from error
                    raise
                time.sleep(random.uniform(0, 0.02 * 2**attempt))  # noqa: S311 - no secret
        raise AssertionError("the loop returns or raises")

    return run


def is_open() -> bool:
    """Say whether a transaction of the office is open, in which rows may be locked."""
    # The transaction that a test rolls back is none of the office's: within it the outermost call
    # still takes back what it wrote before it refuses.
    blocks = connection.atomic_blocks
    return any(not block._from_testcase for block in blocks)  # type: ignore[attr-defined]


def _forget_lost_connection(error: DatabaseError | InterfaceError) -> None:
    if _is_lost(error) and not connection.in_atomic_block:
        connection.close()


def passes(error: DatabaseError | InterfaceError) -> bool:
    """Say whether the same transaction may succeed when it is tried again."""
    if not isinstance(error, OperationalError) or not error.args:
        return False
    first = error.args[0]
    if isinstance(first, int):
        return first in _PASSING_NUMBERS
    return any(words in str(first) for words in _PASSING_WORDS)


def leaves_doubt(error: DatabaseError | InterfaceError) -> bool:
    """
    Say whether COMMIT may have been carried out although it failed with this error.

    The database says of a deadlock or a broken constraint that nothing was kept. Of a lost
    connection, a node that has left its cluster or a failing disk nobody knows.
    """
    return isinstance(error, OperationalError | InterfaceError) and not passes(error)


def _is_lost(error: DatabaseError | InterfaceError) -> bool:
    """Say whether the connection is gone; what was not committed on it is rolled back."""
    return (
        isinstance(error, OperationalError) and bool(error.args) and error.args[0] in _LOST_NUMBERS
    )
