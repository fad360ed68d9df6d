"""Many clients at once, each a process with a connection of its own, and what they measured."""

from __future__ import annotations

import math
import multiprocessing
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

from django.db import DatabaseError, connections

from travel.common.errors import Refusal, Unavailable

# Forked clients inherit the work as it is; nothing has to be sent to them.
_context = multiprocessing.get_context("fork")
PATIENCE_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Sample:
    """
    One act: its number, when it began and ended (seconds of one clock), and how.

    `is_first` is a client's first, which fills what a process keeps: no measure of the others.
    """

    number: int
    began: float
    ended: float
    word: str
    retries: int
    is_first: bool = False

    @property
    def seconds(self) -> float:
        return self.ended - self.began


@dataclass
class Round:
    """What all clients did between one start and the last end."""

    samples: list[Sample] = field(default_factory=list)
    seconds: float = 0.0


# Does the act with this number; answers how it ended and how often it was tried again.
Act = Callable[[int], tuple[str, int]]


def together(act: Act, *, numbers: range, clients: int) -> Round:
    """
    Let the clients do the acts with these numbers, each taking the next one that is left.

    They connect first and start at once. A refusal is an answer, by its code; an error that reaches
    a client, a database that kept refusing among them, is noted as `ERROR ...`.
    """
    connections.close_all()
    start = _context.Barrier(clients)
    following = _context.Value("q", numbers.start)
    pipes = []
    for _ in range(clients):
        mine, theirs = _context.Pipe(duplex=False)
        process = _context.Process(
            target=_client, args=(act, numbers.stop, start, following, theirs), daemon=True
        )
        process.start()
        theirs.close()
        pipes.append((process, mine))
    done = Round()
    for process, pipe in pipes:
        done.samples += pipe.recv()
        process.join(PATIENCE_SECONDS)
    if done.samples:
        done.seconds = max(one.ended for one in done.samples) - min(
            one.began for one in done.samples
        )
    done.samples.sort(key=lambda one: one.number)
    return done


def _client(act: Act, stop: int, start: Any, following: Any, results: Connection) -> None:
    samples = []
    connections["default"].ensure_connection()
    start.wait(PATIENCE_SECONDS)
    while True:
        with following.get_lock():
            number = following.value
            following.value += 1
        if number >= stop:
            break
        began = time.monotonic()
        try:
            word, retries = act(number)
        except (DatabaseError, Unavailable) as error:
            word, retries = f"ERROR {error!r}", 0
        except Refusal as refusal:
            word, retries = refusal.code, 0
        samples.append(Sample(number, began, time.monotonic(), word, retries, not samples))
    results.send(samples)
    results.close()
    connections.close_all()


@dataclass
class Figures:
    """A cell's rounds, added up."""

    samples: list[Sample] = field(default_factory=list)
    seconds: float = 0.0

    def add(self, done: Round) -> None:
        self.samples += done.samples
        self.seconds += done.seconds

    @property
    def per_second(self) -> float:
        return len(self.samples) / self.seconds if self.seconds else 0.0

    def milliseconds(self, share: float) -> float:
        """
        Answer the time in which this share of the acts was done, by the nearest rank.

        The first of each client is left out.
        """
        return percentile([one.seconds for one in self.samples if not one.is_first], share) * 1_000

    @property
    def retries(self) -> int:
        return sum(one.retries for one in self.samples)

    @property
    def words(self) -> Counter[str]:
        return Counter(one.word for one in self.samples)

    @property
    def errors(self) -> int:
        return sum(number for word, number in self.words.items() if word.startswith("ERROR"))


def percentile(values: Sequence[float], share: float) -> float:
    """
    Answer the nearest-rank percentile: the least value that so large a share does not exceed.
    """
    if not values:
        return 0.0
    return sorted(values)[max(math.ceil(share * len(values)) - 1, 0)]
