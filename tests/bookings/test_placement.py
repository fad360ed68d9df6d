"""Who sits where: a pure choice among free seats, drawn here as small plans."""

from __future__ import annotations

from itertools import pairwise, product

from hypothesis import given, settings
from hypothesis import strategies as st

from bookings.engine.placement import FreeSeat, place, place_with_changes


def seats(*rows: str) -> list[FreeSeat]:
    """
    Draw the free seats of coaches, row by row.

    A row is written as `AB|CD`; a dot is a seat that is not free, a lower-case letter a wheelchair
    space, and `-` alone begins the next coach.
    """
    drawn: list[FreeSeat] = []
    coach, number = 1, 0
    for row in rows:
        if row == "-":
            coach, number = coach + 1, 0
            continue
        number += 1
        for column, letter in enumerate(row):
            if letter in ".|":
                continue
            drawn.append(
                FreeSeat(
                    stock_id=1000 * coach + 10 * number + column,
                    seat_id=1000 * coach + 10 * number + column,
                    coach_label=str(coach),
                    label=f"{number}{letter}",
                    coach=coach,
                    row=number,
                    column=column,
                    is_window=column in (0, len(row) - 1),
                    is_aisle="|" in row[max(column - 1, 0) : column + 2],
                    is_quiet=coach == 2,
                    is_accessible=letter.islower(),
                )
            )
    return drawn


def seat(number: int, *where: int | bool) -> FreeSeat:
    """A seat by its number and where it stands."""
    return FreeSeat(number, number, str(where[0]), f"{where[1]}/{where[2]}", *where)


def names(chosen: list[FreeSeat] | None) -> list[str]:
    """Answer coach, row and letter of each seat: `1.2B`."""
    assert chosen is not None
    return [f"{one.coach}.{one.row}{'AB|CD'[one.column]}" for one in chosen]


NONE_WISHED = ["", "", ""]


class TestPlace:
    def test_too_few_seats_place_nobody(self):
        assert place(seats("A.|..", "..|.D"), NONE_WISHED) is None
        assert place([], [""]) is None

    def test_nobody_needs_nothing(self):
        assert place(seats("AB|CD"), []) == []

    def test_one_gets_the_first_seat(self):
        assert names(place(seats("..|.D", "AB|CD"), [""])) == ["1.1D"]

    def test_a_party_sits_in_one_row_if_it_can(self):
        assert names(place(seats("AB|..", "A.|..", "AB|C."), NONE_WISHED)) == [
            "1.3A",
            "1.3B",
            "1.3C",
        ]

    def test_then_in_neighbouring_rows(self):
        # Rows 1 and 3 do not touch; 3 and 4 do.
        assert names(place(seats("AB|..", "..|..", "A.|..", "..|CD"), NONE_WISHED)) == [
            "1.3A",
            "1.4C",
            "1.4D",
        ]

    def test_the_last_row_of_a_coach_is_no_neighbour_of_the_next_coach(self):
        free = seats("..|CD", "-", "A.|..", "..|..", "A.|..", "..|..", "A.|..")
        assert names(place(free, NONE_WISHED)) == ["2.1A", "2.3A", "2.5A"]

    def test_then_in_one_coach_then_wherever_there_is_room(self):
        split = seats("A.|..", "..|..", "A.|..", "-", "A.|..")
        assert names(place(split, NONE_WISHED)) == ["1.1A", "1.3A", "2.1A"]

    def test_wishes_are_met_where_they_can_be(self):
        free = seats("AB|CD")
        assert names(place(free, ["window"])) == ["1.1A"]
        assert names(place(free, ["aisle"])) == ["1.1B"]
        assert names(place(free, ["aisle", "window"])) == ["1.1B", "1.1A"]
        assert names(place(free, ["", "", "window"])) == ["1.1B", "1.1C", "1.1A"]

    def test_a_wish_chooses_among_groups_that_are_as_close(self):
        assert names(place(seats(".B|..", "A.|.."), ["window"])) == ["1.2A"]
        assert names(place(seats("A.|..", "-", "A.|.."), ["quiet"])) == ["2.1A"]

    def test_a_wish_that_cannot_be_met_is_no_refusal(self):
        assert names(place(seats(".B|.."), ["window"])) == ["1.1B"]

    def test_company_is_worth_more_than_a_window(self):
        free = seats("AB|..", "..|..", "..|.D")
        assert names(place(free, ["window", "window"])) == ["1.1A", "1.1B"]


class TestWheelchairSpaces:
    def test_are_for_those_who_need_them(self):
        free = seats("ab|CD", "AB|CD")
        assert names(place(free, [""])) == ["1.1C"]
        assert names(place(free, ["accessible"])) == ["1.1A"]
        assert names(place(free, ["", "accessible"])) == ["1.1C", "1.1A"]

    def test_who_needs_one_is_not_left_behind_when_all_are_taken(self):
        assert names(place(seats("..|CD"), ["accessible"])) == ["1.1C"]

    def test_others_get_them_when_nothing_else_is_left(self):
        assert names(place(seats("ab|.."), ["", ""])) == ["1.1A", "1.1B"]

    def test_others_get_no_more_of_them_than_they_must(self):
        # Two spaces side by side tempt, yet one ordinary seat is free elsewhere.
        assert names(place(seats("ab|..", "..|.D"), ["", ""])) == ["1.1A", "1.2D"]


places_ = st.lists(
    st.tuples(st.integers(1, 3), st.integers(1, 5), st.sampled_from([0, 1, 3, 4]), st.booleans()),
    max_size=14,
    unique_by=lambda seat: seat[:3],
)
wishes_ = st.lists(
    st.sampled_from(["", "window", "aisle", "quiet", "accessible"]), min_size=1, max_size=9
)


class TestAnyPlan:
    @settings(max_examples=300)
    @given(places_, wishes_)
    def test_everybody_has_a_seat_of_their_own_or_nobody_has_any(self, drawn, wishes):
        free = [
            seat(n, coach, row, column, column in (0, 4), column in (1, 3), False, special)
            for n, (coach, row, column, special) in enumerate(sorted(drawn))
        ]
        chosen = place(free, wishes)

        if len(free) < len(wishes):
            assert chosen is None
            return
        assert chosen is not None
        assert len(chosen) == len(wishes) == len({seat.seat_id for seat in chosen})
        assert set(chosen) <= set(free)

    @settings(max_examples=300)
    @given(places_, wishes_)
    def test_wheelchair_spaces_go_to_others_only_for_want_of_seats(self, drawn, wishes):
        free = [
            seat(n, coach, row, column, column in (0, 4), column in (1, 3), False, special)
            for n, (coach, row, column, special) in enumerate(sorted(drawn))
        ]
        if len(free) < len(wishes):
            return
        spaces = sum(seat.is_accessible for seat in free)
        needing = wishes.count("accessible")
        ordinary = len(free) - spaces

        chosen = place(free, wishes)

        pairs = list(zip(chosen, wishes, strict=True))
        met = sum(seat.is_accessible for seat, wish in pairs if wish == "accessible")
        others = sum(seat.is_accessible for seat, wish in pairs if wish != "accessible")
        seats_for_others = ordinary - max(0, needing - spaces)
        assert met == min(needing, spaces)
        assert others == max(0, len(wishes) - needing - seats_for_others)

    @given(st.permutations(list(range(8))), st.integers(1, 4))
    def test_a_party_that_fits_a_row_gets_one(self, order, size):
        # Which rows have room is drawn: each of eight rows has as many free seats as it is told.
        rows = ["AB|CD"[: [1, 2, 4, 5][n % 4]] for n in order]
        chosen = place(seats(*rows), [""] * size)
        assert len({(seat.coach, seat.row) for seat in chosen}) == 1


def parts_of(bits: list[str], *, size: int = 1) -> list[list[str]] | None:
    """
    Place a party on seats drawn as segments, `.` free and `x` taken: `0:0-2` is seat 0 on 0 to 2.
    """
    seats = [
        (
            seat(number, 1, number, 0, False, False, False, False),
            sum(1 << segment for segment, mark in enumerate(drawn) if mark == "x"),
        )
        for number, drawn in enumerate(bits)
    ]
    party = place_with_changes(seats, first=0, last=len(bits[0]) - 1, size=size)
    return party and [
        [f"{one.seat.seat_id}:{one.first_segment}-{one.last_segment}" for one in parts]
        for parts in party
    ]


class TestPlaceWithChanges:
    def test_one_change_where_two_seats_meet(self):
        assert parts_of(["..xx", "xx.."]) == [["0:0-1", "1:2-3"]]

    def test_nobody_changes_who_can_sit_still(self):
        assert parts_of(["..xx", "....", "xx.."]) == [["1:0-3"]]

    def test_as_few_changes_as_can_be(self):
        # Seat 0 is the first free one, but from seat 1 it is one change less.
        assert parts_of([".xxx", "..xx", "xx.x", "xx..", "x..x"]) == [["1:0-1", "3:2-3"]]

    def test_a_party_shares_what_there_is(self):
        assert parts_of(["..xx", "....", "xx.."], size=2) == [["1:0-3"], ["0:0-1", "2:2-3"]]

    def test_a_full_segment_stops_everybody(self):
        assert parts_of(["..x.", "x.xx"]) is None
        assert parts_of(["..xx", "....", "xx.."], size=3) is None

    @settings(max_examples=200)
    @given(st.lists(st.integers(0, 2**5 - 1), min_size=1, max_size=5), st.integers(1, 3))
    def test_it_fails_only_where_some_segment_has_too_few_seats(self, taken, size):
        seats = [
            (seat(number, 1, number, 0, False, False, False, False), bits)
            for number, bits in enumerate(taken)
        ]
        free_on = [sum(not bits >> segment & 1 for bits in taken) for segment in range(5)]

        party = place_with_changes(seats, first=0, last=4, size=size)

        assert (party is None) == (min(free_on) < size)
        used: set[tuple[int, int]] = set()
        for parts in party or []:
            ridden = []
            for part in parts:
                for segment in range(part.first_segment, part.last_segment + 1):
                    ridden.append(segment)
                    assert not taken[part.seat.seat_id] >> segment & 1
                    assert (part.seat.seat_id, segment) not in used
                    used.add((part.seat.seat_id, segment))
            assert ridden == [0, 1, 2, 3, 4]

    @settings(max_examples=200)
    @given(st.lists(st.integers(0, 2**5 - 1), min_size=1, max_size=4))
    def test_a_single_traveller_changes_no_more_than_must_be(self, taken):
        seats = [
            (seat(number, 1, number, 0, False, False, False, False), bits)
            for number, bits in enumerate(taken)
        ]
        # Every way of sitting somewhere on each segment, tried out.
        ways = [
            way
            for way in product(range(len(taken)), repeat=5)
            if not any(taken[number] >> segment & 1 for segment, number in enumerate(way))
        ]
        party = place_with_changes(seats, first=0, last=4, size=1)
        if not ways:
            assert party is None
            return
        fewest = min(sum(a != b for a, b in pairwise(way)) for way in ways)
        assert party is not None
        assert len(party[0]) - 1 == fewest
