from __future__ import annotations

import pytest

from inventory.timetable.seating import lay_out_coach


def coach(**options):
    return lay_out_coach(
        **{"label": "1", "travel_class": "Economy", "layout": "AB|CD", "rows": 2, **options}
    )


class TestLayOutCoach:
    def test_labels_rows_and_places(self):
        seats = coach().seats
        assert [seat.label for seat in seats] == ["1A", "1B", "1C", "1D", "2A", "2B", "2C", "2D"]
        assert [(seat.row, seat.column) for seat in seats[:4]] == [(1, 0), (1, 1), (1, 3), (1, 4)]

    def test_tells_windows_from_aisles(self):
        window = [seat.label for seat in coach(rows=1).seats if seat.is_window]
        aisle = [seat.label for seat in coach(rows=1).seats if seat.is_aisle]
        assert (window, aisle) == (["1A", "1D"], ["1B", "1C"])

    def test_a_single_seat_is_at_both(self):
        first = coach(layout="A|CD", rows=1).seats[0]
        assert (first.is_window, first.is_aisle) == (True, True)

    def test_the_middle_of_three_is_at_neither(self):
        middle = coach(layout="ABC|DEF", rows=1).seats[1]
        assert (middle.is_window, middle.is_aisle) == (False, False)

    def test_numbers_as_in_trains(self):
        labels = [seat.label for seat in coach(labels="number", first_row=3, rows=1).seats]
        assert labels == ["31", "32", "33", "34"]

    def test_leaves_out_what_is_missing_and_marks_rows(self):
        seats = coach(missing=["1A"], tables=[2], features=["quiet"]).seats
        assert len(seats) == 7
        assert {seat.features for seat in seats if seat.row == 2} == {("quiet", "table")}
        assert {seat.features for seat in seats if seat.row == 1} == {("quiet",)}

    @pytest.mark.parametrize(
        "wrong", [{"layout": "|"}, {"layout": "AA"}, {"rows": 0}, {"first_row": 99, "rows": 2}]
    )
    def test_refuses_what_cannot_be_built(self, wrong):
        with pytest.raises(ValueError):
            coach(**wrong)
