"""Seat plans: the seats of a coach put in rows, with the aisles where no row has a seat."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from django.utils.translation import gettext as _

AISLE = "aisle"
# The plans that css/components.css can draw; another one is shown as a list only.
ONE_AISLE = ("1-1", "1-2", "2-1", "2-2", "2-3", "3-2", "3-3")
TWO_AISLES = ("1-2-1", "2-2-2", "2-3-2", "2-4-2", "3-3-3", "3-4-3")
DRAWN = frozenset([*ONE_AISLE, *TWO_AISLES, "4"])


@dataclass(frozen=True, slots=True)
class PlannedSeat:
    """A seat as a plan shows it; `row` and `column` are its place, gaps counted."""

    value: str
    label: str
    row: int
    column: int
    taken: bool = False
    chosen: bool = False
    is_window: bool = False
    is_aisle: bool = False
    has_table: bool = False
    is_quiet: bool = False
    accessible: bool = False
    faces_back: bool = False

    @property
    def features(self) -> list[str]:
        """What a reader wants to hear of it, in words."""
        told = [
            (self.is_window, _("window")),
            (self.is_aisle, _("aisle")),
            (self.has_table, _("table")),
            (self.is_quiet, _("quiet zone")),
        ]
        return [word for holds, word in told if holds]


@dataclass(frozen=True, slots=True)
class PlannedRow:
    """Seats side by side: a seat, the word `aisle`, or nothing where this row has none."""

    number: str
    cells: list[PlannedSeat | str | None]
    faces_back: bool
    table_behind: bool


@dataclass(frozen=True, slots=True)
class PlannedCoach:
    """A coach, a cabin or a deck, ready to be drawn."""

    mode: str
    name: str
    plan: str
    rows: list[PlannedRow] = field(default_factory=list)

    @property
    def drawable(self) -> bool:
        """Whether the stylesheet knows the plan."""
        return self.plan in DRAWN

    @property
    def seats(self) -> list[PlannedSeat]:
        """The seats in order."""
        return [cell for row in self.rows for cell in row.cells if isinstance(cell, PlannedSeat)]

    @property
    def free(self) -> int:
        """How many may still be chosen."""
        return sum(not seat.taken for seat in self.seats)


def lay_out(*, mode: str, name: str, seats: Iterable[PlannedSeat]) -> PlannedCoach:
    """
    Put the seats of one coach in rows.

    A column that no row sits in is an aisle; a place that only some rows use is a gap. Tables stand
    between a row that faces back and the next one that does not.
    """
    by_row: dict[int, dict[int, PlannedSeat]] = {}
    for seat in seats:
        by_row.setdefault(seat.row, {})[seat.column] = seat
    used = sorted({column for row in by_row.values() for column in row})
    if not used:
        return PlannedCoach(mode, name, "", [])
    columns = range(used[0], used[-1] + 1)
    aisles = frozenset(columns) - frozenset(used)
    ordered = [by_row[number] for number in sorted(by_row)]
    rows = [
        _row(row, ordered[index + 1] if index + 1 < len(ordered) else {}, columns, aisles)
        for index, row in enumerate(ordered)
    ]
    return PlannedCoach(mode, name, _plan(columns, aisles), rows)


def _row(
    row: dict[int, PlannedSeat],
    behind: dict[int, PlannedSeat],
    columns: Sequence[int],
    aisles: frozenset[int],
) -> PlannedRow:
    faces_back = all(seat.faces_back for seat in row.values())
    met = faces_back and bool(behind) and not any(seat.faces_back for seat in behind.values())
    return PlannedRow(
        number=_number(row),
        cells=[AISLE if column in aisles else row.get(column) for column in columns],
        faces_back=faces_back,
        table_behind=met and any(seat.has_table for seat in row.values()),
    )


def _number(row: dict[int, PlannedSeat]) -> str:
    """Answer the number that the labels of a row share, as in 12A to 12F; else nothing."""
    numbers = {seat.label.rstrip("ABCDEFGHJKL") for seat in row.values()}
    lettered = all(seat.label[-1:].isalpha() for seat in row.values())
    return numbers.pop() if lettered and len(numbers) == 1 else ""


def _plan(columns: Sequence[int], aisles: frozenset[int]) -> str:
    """Answer how many seats stand between the aisles: `2-2`, `3-4-3`."""
    widths, width = [], 0
    for column in columns:
        if column in aisles:
            widths.append(width)
            width = 0
        else:
            width += 1
    return "-".join(str(wide) for wide in [*widths, width] if wide)
