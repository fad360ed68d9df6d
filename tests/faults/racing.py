"""Many at once: real threads, each with a connection of its own."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import pytest
from django.db import connections

from tests.selling import reserve
from travel.common import transactions
from travel.common.errors import Refusal


def at_once(acts: Sequence[Callable[[], Any]]) -> list[Any]:
    """
    Do all of it at the same time; answer what each returned, or the refusal it met.

    Whatever is no refusal is raised here: a deadlock that was not tried again, a lost lock, a key
    that was there already.
    """
    start = threading.Barrier(len(acts))
    results: list[Any] = [None] * len(acts)
    faults: list[BaseException] = []

    def run(index: int, act: Callable[[], Any]) -> None:
        try:
            start.wait(timeout=60)
            results[index] = act()
        except Refusal as refusal:
            results[index] = refusal
        except BaseException as fault:  # noqa: BLE001 - told in the test's own thread
            faults.append(fault)
        finally:
            connections.close_all()

    threads = [
        threading.Thread(target=run, args=(index, act), daemon=True)
        for index, act in enumerate(acts)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=90)
    assert not any(thread.is_alive() for thread in threads), "somebody waits for ever"
    if faults:
        raise faults[0]
    return results


def tally(results: Sequence[Any]) -> dict[str, int]:
    """Count the refusals by their code, and the rest as `done`."""
    return dict(Counter(one.code if isinstance(one, Refusal) else "done" for one in results))


def buyer(number: int, *ticket_ids: int, now: datetime, **options: Any) -> Callable[[], Any]:
    """Answer what a guest of this number does: reserve these tickets."""
    return lambda: reserve(f"buyer{number}@example.org", *ticket_ids, now=now, **options)


@contextmanager
def begun_again() -> Iterator[list[tuple[Any, ...]]]:
    """
    Note each error after which a transaction was begun again: yields their numbers and words.

    What nobody outside sees is seen here: that two ways lock in two orders.
    """
    seen: list[tuple[Any, ...]] = []
    passes = transactions.passes

    def note(error: Any) -> bool:
        seen.append(error.args)
        return passes(error)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transactions, "passes", note)
        yield seen
