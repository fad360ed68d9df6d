"""
Connections: ways with one or two changes, found in a timetable that is in memory.

A round of the search rides each run once, from wherever it is best boarded: at each call the label
of those who may change to it counts that left its origin latest. So a round costs one look at each
call, and what comes out is exactly what no other way beats in leaving later, arriving earlier and
changing less. The rounds are made for each currency (a reservation has one) and for each set of
modes, so that a coach that is cheaper stays beside a plane that is faster.

Nothing here reads a table or knows of money; instants are seconds since 1970.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, pairwise
from operator import itemgetter
from typing import NamedTuple

from inventory.network import Halt, Run

MOST_CHANGES = 2
# Nobody is under way for longer than that by one connection.
LONGEST_SECONDS = 24 * 3600
# A change with so much time beyond the least is an easy one.
EASY_SECONDS = 10 * 60

# A wait that is longer is nobody's idea of a connection, and neither is a way that takes more than
# twice as long as the fastest, and an hour.
LONGEST_WAIT_SECONDS = 6 * 3600
# So much later to leave, or earlier to arrive, than by any direct trip is worth a change.
WORTH_A_CHANGE_SECONDS = 30 * 60

# Station -> those from which one may change to it, with the seconds that takes at least.
Changes = Mapping[int, Sequence[tuple[int, int]]]


# A departure and two positions of its calls.
Ride = tuple[int, int, int]


class Leg(NamedTuple):
    """A ride of a connection: from one halt of a run to another, by their indexes."""

    run: Run
    start: int
    end: int

    @property
    def ride(self) -> Ride:
        """Departure and positions: parts of one departure may have the same ride."""
        return self.run.departure_id, self.first.position, self.last.position

    @property
    def first(self) -> Halt:
        return self.run.halts[self.start]

    @property
    def last(self) -> Halt:
        return self.run.halts[self.end]


Legs = tuple[Leg, ...]


@dataclass(frozen=True, slots=True)
class Search:
    """
    What is asked: where from and when, where to, with how many changes.

    `origins` are stations with the first and last second in which one may leave there, the last
    not counted in; nothing leaves by `now`. Of several stations the one with the highest number in
    `importance` is taken where a run calls at more than one.
    """

    origins: Mapping[int, tuple[int, int]]
    destinations: frozenset[int]
    now: int
    changes: Changes
    max_changes: int = MOST_CHANGES
    importance: Mapping[int, float] = field(default_factory=dict)

    def rank(self, halt: Halt) -> float:
        return self.importance.get(halt.station_id, 0.0)


class _Label(NamedTuple):
    """
    Somebody on the way: got off at `alights`, left the origin at `leaves`, came by a departure.

    The last ride is on `run` from one of its halts to another; `before` is who boarded it, None
    where it is the first.
    """

    alights: int
    leaves: int
    departure_id: int
    before: _Label | None
    run: Run
    start: int
    end: int

    @property
    def changes(self) -> int:
        return 0 if self.before is None else self.before.changes + 1

    @property
    def legs(self) -> Legs:
        last = Leg(self.run, self.start, self.end)
        return (last,) if self.before is None else (*self.before.legs, last)


def find(runs: Sequence[Run], search: Search) -> list[Legs]:
    """
    Answer the connections that no other one with the same modes beats, each once, as they leave.

    One is beaten by another that leaves no earlier, arrives no later and has no more changes. Legs
    that follow one another are of different departures; nobody changes at a place the search is
    from or to. Where two runs meet at several stations, the change is the easiest one that they
    have: at one station, with time to spare, with the least way.
    """
    found: dict[tuple[Ride, ...], Legs] = {}
    for some in _kinds(runs):
        for label in _best(_rounds(some, search)):
            legs = _with_easy_changes(label.legs, search)
            found.setdefault(tuple(leg.ride for leg in legs), legs)
    return sorted(found.values(), key=_order)


def departs(legs: Legs) -> int:
    """Answer when a connection leaves."""
    return legs[0].first.departs_at


def arrives(legs: Legs) -> int:
    """Answer when a connection arrives."""
    return legs[-1].last.arrives_at


def _order(legs: Legs) -> tuple[int, ...]:
    ids = (value for leg in legs for value in leg.ride)
    return departs(legs), arrives(legs), len(legs), *ids


def _kinds(runs: Sequence[Run]) -> Iterator[list[Run]]:
    """Answer the runs of each currency, by each set of their modes."""
    for currency in sorted({run.currency for run in runs}):
        sold = [run for run in runs if run.currency == currency]
        modes = sorted({run.mode for run in sold})
        for size in range(len(modes), 0, -1):
            for some in combinations(modes, size):
                yield sold if size == len(modes) else [run for run in sold if run.mode in some]


# --- rounds ---------------------------------------------------------------------------------------


def _rounds(runs: Sequence[Run], search: Search) -> Iterator[_Label]:
    """Ride once more in each round; answer whoever arrives, with one change or more."""
    last_rides = [run for run in runs if not search.destinations.isdisjoint(run.stations)]
    reached = _first_rides(runs, search) if last_rides else {}
    onwards = _stations_before(last_rides, search)
    for number in range(1, search.max_changes + 1):
        if not reached:
            return
        is_last = number == search.max_changes
        waiting = _who_may_board(reached, search)
        reached = {}
        for run in last_rides if is_last else runs:
            if run.stations.isdisjoint(waiting):
                continue
            yield from _ride(run, waiting, search, reached, frozenset() if is_last else onwards)


def _who_may_board(
    reached: Mapping[int, list[_Label]], search: Search
) -> dict[int, list[tuple[_Waiting, int]]]:
    """Answer for each station who may change to it, and how long before a departure."""
    waiting = {station: _Waiting(labels) for station, labels in reached.items()}
    boarding = {
        station: [(waiting[start], least) for start, least in changes if start in waiting]
        for station, changes in search.changes.items()
        if station not in search.origins and station not in search.destinations
    }
    return {station: queues for station, queues in boarding.items() if queues}


def _first_rides(runs: Sequence[Run], search: Search) -> dict[int, list[_Label]]:
    """Leave the origin; answer where one gets to, but for the places the search is from or to."""
    reached: dict[int, list[_Label]] = {}
    for run in runs:
        start = None if run.stations.isdisjoint(search.origins) else _main_start(run, search)
        if start is None:
            continue
        leaves = run.halts[start].departs_at
        for end in range(start + 1, len(run.halts)):
            halt = run.halts[end]
            if halt.alights is None or halt.alights - leaves > LONGEST_SECONDS:
                continue
            if halt.station_id not in search.destinations and halt.station_id not in search.origins:
                label = _Label(halt.alights, leaves, run.departure_id, None, run, start, end)
                reached.setdefault(halt.station_id, []).append(label)
    return reached


def _main_start(run: Run, search: Search) -> int | None:
    """Answer where one boards: at the main one of the stations asked for, the latest of equals."""
    best: int | None = None
    for index, halt in enumerate(run.halts):
        window = search.origins.get(halt.station_id)
        if window is None or halt.boards is None:
            continue
        really = halt.leaves_at
        in_time = window[0] <= halt.departs_at < window[1] and (really or 0) > search.now
        if in_time and (best is None or search.rank(halt) >= search.rank(run.halts[best])):
            best = index
    return best


def _stations_before(runs: Iterable[Run], search: Search) -> frozenset[int]:
    """Answer the stations from which one may change to a run to the destination."""
    boarding: set[int] = set()
    for run in runs:
        ahead = False
        for halt in reversed(run.halts):
            if ahead and halt.boards is not None:
                boarding.add(halt.station_id)
            ahead = ahead or halt.station_id in search.destinations
    before = {start for station in boarding for start, _least in search.changes.get(station, ())}
    return frozenset(before - search.destinations - set(search.origins))


def _ride(
    run: Run,
    waiting: Mapping[int, Sequence[tuple[_Waiting, int]]],
    search: Search,
    reached: dict[int, list[_Label]],
    onwards: frozenset[int],
) -> Iterator[_Label]:
    """
    Ride a run from its first call to its last with whoever left the origin latest.

    Answer those who arrive at the destination; who gets off at one of `onwards` is put into
    `reached`.
    """
    best: _Label | None = None
    boarded = 0
    departure = run.departure_id
    for index, halt in enumerate(run.halts):
        station, alights, boards = halt[1], halt[2], halt[3]
        if (
            best is not None
            and alights is not None
            and (station in onwards or station in search.destinations)
            and alights - best.leaves <= LONGEST_SECONDS
        ):
            label = _Label(alights, best.leaves, departure, best, run, boarded, index)
            if station in onwards:
                reached.setdefault(station, []).append(label)
            elif index == _main_end(run, boarded, search):
                yield label
        if boards is not None and station in waiting:
            for queue, least in waiting[station]:
                if boards - least < queue.first or (best is not None and queue.top <= best[1]):
                    continue
                found = queue.latest(boards - least, other_than=departure)
                if found is not None and (best is None or found[1] > best[1]):
                    best, boarded = found, index


def _main_end(run: Run, boarded: int, search: Search) -> int | None:
    """Answer where one gets off: at the main one of the stations asked for, the first of equals."""
    best: int | None = None
    for index in range(boarded + 1, len(run.halts)):
        halt = run.halts[index]
        if halt.alights is None or halt.station_id not in search.destinations:
            continue
        if best is None or search.rank(halt) > search.rank(run.halts[best]):
            best = index
    return best


class _Waiting:
    """Who has got off at a station: by a moment, who left the origin latest."""

    __slots__ = ("_best", "_moments", "_other", "first", "top")

    def __init__(self, labels: list[_Label]) -> None:
        labels.sort(key=_ALIGHTS)
        self._moments: list[int] = []
        self._best: list[_Label] = []
        # The best one who came by another departure than the best.
        self._other: list[_Label | None] = []
        best: _Label = labels[0]
        other: _Label | None = None
        least = -1
        for label in labels:
            leaves = label[1]
            if leaves <= least and label is not best:
                continue
            if label[2] == best[2]:
                best = label if leaves > best[1] else best
            elif leaves > best[1]:
                best, other = label, best
            else:
                other = label
            # Who left no later than both of them changes nothing.
            least = other[1] if other is not None else -1
            self._moments.append(label[0])
            self._best.append(best)
            self._other.append(other)
        # When the first of them is here, and when the last of them left the origin.
        self.first = self._moments[0]
        self.top = best[1]

    def latest(self, moment: int, *, other_than: int) -> _Label | None:
        """Answer who left latest of those here by the moment, by another departure than that."""
        index = bisect_right(self._moments, moment) - 1
        if index < 0:
            return None
        best = self._best[index]
        return best if best[2] != other_than else self._other[index]


_ALIGHTS = itemgetter(0)


# --- what is best ---------------------------------------------------------------------------------


def _best(labels: Iterable[_Label]) -> list[_Label]:
    """Keep whom nobody beats in leaving later, arriving earlier and changing less."""
    ordered = sorted(labels, key=lambda one: (-one.leaves, one.alights, one.changes))
    earliest: dict[int, int] = {}
    kept = []
    for one in ordered:
        number = one.changes
        if all(moment > one.alights for less, moment in earliest.items() if less <= number):
            earliest[number] = one.alights
            kept.append(one)
    return kept


def _with_easy_changes(legs: Legs, search: Search) -> Legs:
    """Change where it is easiest, of all the places at which the runs meet."""
    for index in range(len(legs) - 1):
        before, after = _easiest(legs[index], legs[index + 1], search)
        legs = (*legs[:index], before, after, *legs[index + 2 :])
    return legs


def _easiest(before: Leg, after: Leg, search: Search) -> tuple[Leg, Leg]:
    gets_off = {
        halt.station_id: index
        for index, halt in enumerate(before.run.halts)
        if index > before.start and halt.alights is not None
    }
    choices: list[tuple[tuple[float, ...], Leg, Leg]] = []
    for index in range(after.end):
        halt = after.run.halts[index]
        here = halt.station_id
        if halt.boards is None or here in search.origins or here in search.destinations:
            continue
        if not _leads_to(after.run, index, after.end, search):
            continue
        for start, least in search.changes.get(halt.station_id, ()):
            end = gets_off.get(start)
            if end is None or start in search.origins or start in search.destinations:
                continue
            spare = halt.boards - least - (before.run.halts[end].alights or 0)
            if spare >= 0:
                one, two = before._replace(end=end), after._replace(start=index)
                way = _way(one) + _way(two)
                key = (start != halt.station_id, spare < EASY_SECONDS, way, -spare, end, index)
                choices.append((key, one, two))
    return min(choices, key=lambda one: one[0])[1:] if choices else (before, after)


def _leads_to(run: Run, start: int, end: int, search: Search) -> bool:
    """Say whether who boards there gets off here: at the destination it is at the main station."""
    halt = run.halts[end]
    return halt.station_id not in search.destinations or end == _main_end(run, start, search)


def _way(leg: Leg) -> int:
    return leg.last.distance_m - leg.first.distance_m


# --- what is worth it -----------------------------------------------------------------------------


def worth_it(connections: Sequence[Legs], direct: Sequence[tuple[int, int]]) -> list[Legs]:
    """
    Leave out what is absurd, and what is not clearly better than a direct trip.

    `direct` are the departures and arrivals of direct trips that may be had. A connection stays
    when none of them leaves nearly as late and arrives nearly as early: less than half an hour for
    each change.
    """
    durations = [arrives(legs) - departs(legs) for legs in connections]
    durations += [end - start for start, end in direct]
    fastest = min(durations, default=0)
    return [
        legs
        for legs in connections
        if arrives(legs) - departs(legs) <= 2 * fastest + 3600
        and max(waits(legs)) <= LONGEST_WAIT_SECONDS
        and not any(_will_do(start, end, legs) for start, end in direct)
    ]


def _will_do(start: int, end: int, legs: Legs) -> bool:
    """Say whether a direct trip is about as good as the connection, or better."""
    margin = (len(legs) - 1) * WORTH_A_CHANGE_SECONDS
    return start > departs(legs) - margin and end < arrives(legs) + margin


def waits(legs: Legs) -> list[int]:
    """Answer how many seconds lie between the rides, by the timetable."""
    return [after.first.departs_at - before.last.arrives_at for before, after in pairwise(legs)]
