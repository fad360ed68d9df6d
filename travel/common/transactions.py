"""The one way to write: the outermost call opens the transaction and is retried as a whole."""

from __future__ import annotations

import functools
import random
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from django.db import DatabaseError, OperationalError, connection, transaction

from travel.common.errors import Unavailable

P = ParamSpec("P")
R = TypeVar("R")

ATTEMPTS = 5
# MariaDB: deadlock, lock wait timeout, record changed since last read.
_PASSING_NUMBERS = {1213, 1205, 1020}
# SQLite says it in words only.
_PASSING_WORDS = ("database is locked", "database table is locked")


def in_transaction(function: Callable[P, R]) -> Callable[P, R]:
    """
    Run the function in one transaction; retry the outermost one where the database asks for it.

    A nested call simply joins. After a deadlock, a lock timeout or a stale read the whole
    transaction is begun again, five times at most, with a growing random pause; COMMIT itself is
    covered.

    :raises Unavailable: the database kept refusing.
    """

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        if _is_open():
            return function(*args, **kwargs)
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with transaction.atomic():
                    return function(*args, **kwargs)
            except DatabaseError as error:
                if not passes(error):
                    raise
                if attempt == ATTEMPTS:
                    raise Unavailable(retry_after=1) from error
                time.sleep(random.uniform(0, 0.02 * 2**attempt))  # noqa: S311 - no secret
        raise AssertionError("the loop returns or raises")

    return run


def _is_open() -> bool:
    # The transaction that a test rolls back is none of the office's: within it the outermost call
    # still takes back what it wrote before it refuses.
    blocks = connection.atomic_blocks
    return any(not block._from_testcase for block in blocks)  # type: ignore[attr-defined]


def passes(error: DatabaseError) -> bool:
    """Say whether the same transaction may succeed when it is tried again."""
    if not isinstance(error, OperationalError) or not error.args:
        return False
    first = error.args[0]
    if isinstance(first, int):
        return first in _PASSING_NUMBERS
    return any(words in str(first) for words in _PASSING_WORDS)
