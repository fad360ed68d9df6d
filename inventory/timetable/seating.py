"""Laying out the seats of a coach or a cabin from a few words."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

from inventory.timetable.draft import CoachDraft, SeatDraft, SeatFeature, TravelClass

#: `letter` labels a seat 12C, as in aircraft and coaches; `number` labels it 123, as in trains.
Labels = Literal["letter", "number"]

AISLE = "|"
MOST_ROWS = 99
MOST_SEATS_ABREAST = 9


def lay_out_coach(
    *,
    label: str,
    travel_class: TravelClass,
    layout: str,
    rows: int,
    first_row: int = 1,
    labels: Labels = "letter",
    tables: Collection[int] = (),
    accessible: Collection[int] = (),
    missing: Collection[str] = (),
    backward: Collection[int] = (),
    features: Collection[SeatFeature] = (),
) -> CoachDraft:
    """
    A coach with the same layout in every row.

    `layout` draws one row from left to right, letters for seats and a bar for the aisle:
    `AB|CD`, `A|CD`, `ABC|DEF`. Row numbers in `tables`, `accessible` and `backward` get that
    feature; seats whose label is in `missing` are not there (a door, a rack, a wheelchair space);
    `features` hold for every seat.

    :raises ValueError: a layout without seats, with a letter twice, or too many rows or seats.
    """
    letters = layout.replace(AISLE, "")
    if not letters or len(set(letters)) != len(letters) or len(letters) > MOST_SEATS_ABREAST:
        raise ValueError(f"the layout {layout!r} does not draw 1 to {MOST_SEATS_ABREAST} seats")
    if rows < 1 or first_row < 1 or first_row + rows - 1 > MOST_ROWS:
        raise ValueError(f"rows {first_row} to {first_row + rows - 1} are not within 1 to 99")

    seats = []
    for row in range(first_row, first_row + rows):
        of_row: list[SeatFeature] = []
        if row in tables:
            of_row.append("table")
        if row in accessible:
            of_row.append("accessible")
        if row in backward:
            of_row.append("backward")
        for column, letter in enumerate(layout):
            if letter == AISLE:
                continue
            seat_label = _label(row=row, number=letters.index(letter) + 1, letter=letter, by=labels)
            if seat_label not in missing:
                seats.append(
                    SeatDraft(
                        label=seat_label,
                        row=row,
                        column=column,
                        is_window=column in (0, len(layout) - 1),
                        is_aisle=AISLE in layout[max(column - 1, 0) : column + 2],
                        features=(*features, *of_row),
                    )
                )
    return CoachDraft(label=label, travel_class=travel_class, seats=tuple(seats))


def _label(*, row: int, number: int, letter: str, by: Labels) -> str:
    return f"{row}{letter}" if by == "letter" else f"{row}{number}"
