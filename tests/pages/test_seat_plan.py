"""Seats put in rows."""

from __future__ import annotations

from inventory.seat_plan import AISLE, PlannedSeat, lay_out


def seat(row: int, column: int, label: str = "", **facts: bool) -> PlannedSeat:
    return PlannedSeat(
        value=f"{row}/{column}", label=label or f"{row}{column}", row=row, column=column, **facts
    )


class TestLayOut:
    def test_a_column_nobody_sits_in_is_an_aisle(self) -> None:
        coach = lay_out(
            mode="Train", name="7", seats=[seat(row, col) for row in (1, 2) for col in (1, 2, 4, 5)]
        )

        assert coach.plan == "2-2"
        assert coach.drawable
        assert [getattr(cell, "label", cell) for cell in coach.rows[1].cells] == [
            "21", "22", AISLE, "24", "25",
        ]  # fmt: skip

    def test_a_place_only_some_rows_use_is_a_gap(self) -> None:
        coach = lay_out(mode="Bus", name="", seats=[seat(1, 1), seat(1, 3), seat(2, 1)])

        assert coach.plan == "1-1"
        assert coach.rows[1].cells[2] is None

    def test_wide_cabins_have_two_aisles(self) -> None:
        coach = lay_out(
            mode="Plane", name="", seats=[seat(1, col) for col in (1, 2, 3, 5, 6, 7, 8, 10, 11, 12)]
        )

        assert coach.plan == "3-4-3"

    def test_rows_of_lettered_seats_carry_their_number(self) -> None:
        coach = lay_out(mode="Plane", name="", seats=[seat(1, 1, "12A"), seat(1, 2, "12B")])

        assert coach.rows[0].number == "12"

    def test_a_table_stands_where_two_rows_look_at_each_other(self) -> None:
        rows = [
            seat(1, 1),
            seat(2, 1, faces_back=True, has_table=True),
            seat(3, 1, has_table=True),
            seat(4, 1, faces_back=True),
        ]

        coach = lay_out(mode="Train", name="", seats=rows)

        assert [row.table_behind for row in coach.rows] == [False, True, False, False]

    def test_counts_what_is_free(self) -> None:
        coach = lay_out(mode="Bus", name="", seats=[seat(1, 1), seat(1, 2, taken=True)])

        assert coach.free == 1

    def test_a_plan_nobody_drew_is_left_to_the_list(self) -> None:
        coach = lay_out(mode="Bus", name="", seats=[seat(1, col) for col in range(1, 8)])

        assert coach.plan == "7"
        assert not coach.drawable

    def test_a_coach_without_seats_has_no_plan(self) -> None:
        coach = lay_out(mode="Train", name="restaurant", seats=[])

        assert coach.rows == []
        assert not coach.drawable
