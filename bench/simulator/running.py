"""A whole run: era after era, lines of progress, and a short story of what went wrong."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from bench.simulator.stream import AT_THE_END, ERA, FEATURES, FULL, WORDS, Era, Failure
from bench.simulator.world import World
from bookings.engine.contract import Engine

PROGRESS_SECONDS = 10.0
# How long is looked for a shorter story.
SHRINK_SECONDS = 120.0


@dataclass(slots=True)
class Report:
    """
    How a run ended.

    After a failure `prefix` operations show it, and of these already the ones in `story`.
    """

    seed: int
    operations: int
    seconds: float = 0.0
    outcomes: Counter[str] = field(default_factory=Counter)
    features: Counter[str] = field(default_factory=Counter)
    failure: Failure | None = None
    prefix: int = 0
    story: Sequence[int] = ()

    @property
    def unseen(self) -> list[str]:
        """Answer the outcomes that never came and the features never met."""
        seen = self.outcomes + self.features
        return [word for word in (*WORDS, *FEATURES) if not seen[word]]

    def lines(self) -> list[str]:
        """Tell the run."""
        done = sum(self.outcomes.values())
        rate = done / self.seconds if self.seconds else 0.0
        told = [
            f"seed {self.seed}: {done} operations in {self.seconds:.0f} s, {rate:.0f}/s",
            f"  {_counts(self.outcomes)}",
            "  " + ", ".join(f"{word} {self.features[word]}" for word in FEATURES),
            f"  never came: {', '.join(self.unseen) or 'none'}",
        ]
        return told if self.failure is None else [*told, *self._failed(self.failure)]

    def _failed(self, failure: Failure) -> list[str]:
        return [
            f"FAILED: {failure.says}",
            f"  at operation {failure.index}: {failure.step}",
            f"  the shortest prefix that shows it: --seed {self.seed} --operations {self.prefix}",
            f"  {len(self.story)} of them do: --seed {self.seed} --only {written(self.story)}",
        ]


def _counts(outcomes: Counter[str]) -> str:
    return ", ".join(f"{word} {outcomes[word]}" for word in WORDS if outcomes[word])


def written(indexes: Sequence[int]) -> str:
    """Write numbers of operations down as the command line takes them: `3,17-20`."""
    runs: list[list[int]] = []
    for index in indexes:
        if runs and runs[-1][-1] == index - 1:
            runs[-1].append(index)
        else:
            runs.append([index])
    return ",".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


def read(text: str) -> list[int]:
    """Read numbers of operations as `written` writes them."""
    indexes: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        indexes += range(int(first), int(last or first) + 1)
    return indexes


class Runner:
    """Runs operations of a seed on an engine, in a world that is there for all of them."""

    def __init__(
        self,
        *,
        seed: int,
        engine: Engine,
        world: World,
        at_the_counter: bool = False,
        tell: Callable[[str], None] = print,
        shrink_seconds: float = SHRINK_SECONDS,
    ) -> None:
        self.seed = seed
        self.engine = engine
        self.world = world
        self.at_the_counter = at_the_counter
        self.tell = tell
        self.shrink_seconds = shrink_seconds

    def run(self, operations: int) -> Report:
        """Run so many operations, or up to the first failure, which is then told briefly."""
        return self._run([range(n, min(n + ERA, operations)) for n in range(0, operations, ERA)])

    def run_only(self, indexes: Sequence[int]) -> Report:
        """Run these operations, all of one era."""
        return self._run([indexes])

    def _run(self, eras: Sequence[Sequence[int]]) -> Report:
        report = Report(self.seed, sum(map(len, eras)))
        begun = time.monotonic()
        pace = _Pace(report, self.tell)
        for indexes in eras:
            era = self._era(indexes[0])
            failure = era.run(pace.follow(indexes, era))
            report.outcomes += era.outcomes
            report.features += era.features
            if failure is not None:
                report.seconds = time.monotonic() - begun
                self._narrow(report, failure, indexes)
                return report
        report.seconds = time.monotonic() - begun
        return report

    def _era(self, index: int) -> Era:
        return Era(
            seed=self.seed,
            number=index // ERA,
            engine=self.engine,
            world=self.world,
            at_the_counter=self.at_the_counter,
        )

    # --- the shortest prefix, and what of it is needed

    def _narrow(self, report: Report, failure: Failure, indexes: Sequence[int]) -> None:
        """
        Find out after which operation the failure could first be seen, and which ones it takes.

        What is compared only now and then is compared after each operation of the last stretch.
        """
        report.failure = failure
        report.story = [index for index in indexes if index <= failure.index]
        self.tell(f"failed at operation {failure.index}: {failure.says}; looking closer ...")
        again = self._again(report.story, full_from=failure.index - FULL)
        if again is None:
            report.prefix = failure.index + 1
            self.tell("its era alone does not show it: it takes all operations before")
            return
        if again.step == AT_THE_END:
            again = self._bisect(report.story, again)
        report.failure, report.prefix = again, again.index + 1
        report.story = self._shrink([n for n in report.story if n <= again.index])

    def _again(self, indexes: Sequence[int], *, full_from: int) -> Failure | None:
        return self._era(indexes[0]).run(indexes, full_from=full_from)

    def _bisect(self, story: Sequence[int], failure: Failure) -> Failure:
        """Halve the prefix that only the audit at its end finds fault with, as long as it does."""
        until = time.monotonic() + self.shrink_seconds
        sound, broken = 0, len(story)
        while broken - sound > 1 and time.monotonic() < until:
            middle = (sound + broken) // 2
            found = self._again(story[:middle], full_from=story[-1])
            if found is None:
                sound = middle
            else:
                failure, broken = found, middle
        return failure

    def _shrink(self, story: Sequence[int]) -> Sequence[int]:
        """Leave out what can be left out: halves first, then ever smaller pieces."""
        until = time.monotonic() + self.shrink_seconds
        size = len(story) // 2
        while size:
            end = len(story) - 1  # the last one shows the failure and stays
            while end > 0 and time.monotonic() < until:
                shorter = [*story[: max(0, end - size)], *story[end:]]
                if self._again(shorter, full_from=shorter[-1]) is not None:
                    story = shorter
                end -= size
            size //= 2
        return story


class _Pace:
    """Tells every ten seconds how far a run has come."""

    def __init__(self, report: Report, tell: Callable[[str], None]) -> None:
        self._report = report
        self._tell = tell
        self._begun = self._told = time.monotonic()
        self._done = 0

    def follow(self, indexes: Sequence[int], era: Era) -> Iterator[int]:
        """Hand the operations on, and tell now and then."""
        for index in indexes:
            yield index
            self._done += 1
            moment = time.monotonic()
            if moment - self._told >= PROGRESS_SECONDS:
                self._told = moment
                counts = _counts(self._report.outcomes + era.outcomes)
                rate = self._done / (moment - self._begun)
                self._tell(
                    f"seed {self._report.seed}: {self._done}/{self._report.operations}, "
                    f"{rate:.0f}/s: {counts}"
                )
