"""
Which seats a party gets: a pure choice among the free ones.

First-fit in the order of the seat map packs a train as well as anything dearer; within that, a
party sits in one row if it can, then in neighbouring rows, then in one coach, then wherever there
is room.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise


@dataclass(frozen=True, slots=True)
class FreeSeat:
    """A seat that is free over the whole stretch, with where it stands."""

    stock_id: int
    seat_id: int
    coach_label: str
    label: str
    coach: int
    row: int
    column: int
    is_window: bool
    is_aisle: bool
    is_quiet: bool
    is_accessible: bool


def place(free: Sequence[FreeSeat], wishes: Sequence[str]) -> list[FreeSeat] | None:
    """
    Answer a seat for each wish, in their order, or None when there are too few.

    `free` comes in the order of the seat map. Wheelchair spaces go to those who wish for one, to
    others only when nothing else is left.
    """
    if len(free) < len(wishes):
        return None
    ordinary = [seat for seat in free if not seat.is_accessible]
    special = [seat for seat in free if seat.is_accessible]
    needing = [index for index, wish in enumerate(wishes) if wish == "accessible"]
    others = [index for index, wish in enumerate(wishes) if wish != "accessible"]

    chosen: dict[int, FreeSeat] = {}
    for index in needing:
        chosen[index] = special.pop(0) if special else ordinary.pop(0)
    # Whatever ordinary seats there are go first, so that no space more is used than must be.
    lacking = max(0, len(others) - len(ordinary))
    pool = sorted(
        ordinary + special[:lacking], key=lambda seat: (seat.coach, seat.row, seat.column)
    )
    party = _together(pool, [wishes[index] for index in others])
    for index, seat in zip(others, party, strict=True):
        chosen[index] = seat
    return [chosen[index] for index in range(len(wishes))]


def _together(pool: Sequence[FreeSeat], wishes: Sequence[str]) -> list[FreeSeat]:
    if not wishes:
        return []
    best = _best_group(pool, wishes)
    return _seat_by_wish(best, wishes)


def _best_group(pool: Sequence[FreeSeat], wishes: Sequence[str]) -> list[FreeSeat]:
    """Answer the closest group that is big enough, of equals the one that meets more wishes."""
    size = len(wishes)
    for groups in (_rows(pool), _neighbouring_rows(pool), _coaches(pool)):
        fitting = [group for group in groups if len(group) >= size]
        if fitting:
            return max(fitting, key=_score(wishes))
    return list(pool)


def _score(wishes: Sequence[str]) -> Callable[[list[FreeSeat]], int]:
    wanted = [wish for wish in wishes if wish]

    def count(group: list[FreeSeat]) -> int:
        return sum(any(_meets(seat, wish) for seat in group) for wish in wanted)

    return count


def _rows(pool: Iterable[FreeSeat]) -> list[list[FreeSeat]]:
    return [list(group) for _, group in groupby(pool, key=lambda seat: (seat.coach, seat.row))]


def _neighbouring_rows(pool: Sequence[FreeSeat]) -> list[list[FreeSeat]]:
    rows = _rows(pool)
    return [
        first + second
        for first, second in pairwise(rows)
        if first[0].coach == second[0].coach and second[0].row - first[0].row == 1
    ]


def _coaches(pool: Iterable[FreeSeat]) -> list[list[FreeSeat]]:
    return [list(group) for _, group in groupby(pool, key=lambda seat: seat.coach)]


def _seat_by_wish(group: Sequence[FreeSeat], wishes: Sequence[str]) -> list[FreeSeat]:
    """Give each wish the first seat that meets it, the rest what is left, side by side."""
    left = list(group)
    chosen: dict[int, FreeSeat] = {}
    for index, wish in enumerate(wishes):
        seat = next((seat for seat in left if wish and _meets(seat, wish)), None)
        if seat is not None:
            chosen[index] = seat
            left.remove(seat)
    for index in range(len(wishes)):
        if index not in chosen:
            chosen[index] = left.pop(0)
    return [chosen[index] for index in range(len(wishes))]


def _meets(seat: FreeSeat, wish: str) -> bool:
    return {
        "window": seat.is_window,
        "aisle": seat.is_aisle,
        "quiet": seat.is_quiet,
        "accessible": seat.is_accessible,
    }.get(wish, True)


@dataclass(frozen=True, slots=True)
class Part:
    """A seat from a segment to a segment, both counted in."""

    seat: FreeSeat
    first_segment: int
    last_segment: int


def place_with_changes(
    seats: Sequence[tuple[FreeSeat, int]], *, first: int, last: int, size: int
) -> list[list[Part]] | None:
    """
    Answer for each of so many passengers the seats to sit on, one after another, or None.

    `seats` are all of the class with their taken bits, in the order of the seat map. Each passenger
    in turn takes, wherever a seat is needed, the one that stays free the longest: nobody changes
    more often than must be, and whoever can sit still does. It ends in None only when some segment
    has too few free seats.
    """
    taken = [bits for _, bits in seats]
    party: list[list[Part]] = []
    for _ in range(size):
        parts: list[Part] = []
        segment = first
        while segment <= last:
            ends = [_free_until(bits, segment, last) for bits in taken]
            best = max(range(len(seats)), key=ends.__getitem__, default=None)
            if best is None or ends[best] < segment:
                return None
            parts.append(Part(seats[best][0], segment, ends[best]))
            taken[best] |= (1 << ends[best] + 1) - (1 << segment)
            segment = ends[best] + 1
        party.append(parts)
    return party


def _free_until(bits: int, segment: int, last: int) -> int:
    """Answer the last segment to which the seat is free from this one on, or one before it."""
    end = segment - 1
    while end < last and not bits >> end + 1 & 1:
        end += 1
    return end
