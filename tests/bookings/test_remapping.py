"""
Who sits where when the seats have changed, against every way there is.

The model tries all ways to seat small parties on small maps. What matters most (nobody without a
seat who could have one, who has paid before who has not, no change of seat on the way, wheelchair
spaces for who needs them) has to be as good as the best way; the rest comes close to it.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from bookings.engine.placement import FreeSeat, Part
from bookings.engine.remapping import ABOARD, HELD, PAID, Sitter, remap
from inventory.ticket_ids import segments_mask

pytestmark = pytest.mark.sqlite


def seat(number: int, name: str, *, accessible: bool = False) -> FreeSeat:
    """A seat `1/2A`: two on each side of the aisle, A and D at the windows."""
    coach, _, label = name.partition("/")
    row, letter = int(label[:-1]), label[-1]
    return FreeSeat(
        stock_id=number,
        seat_id=number,
        coach_label=coach,
        label=label,
        coach=int(coach),
        row=row,
        column="AB|CD".index(letter),
        is_window=letter in "AD",
        is_aisle=letter in "BC",
        is_quiet=False,
        is_accessible=accessible,
    )


def seats(*names: str) -> list[tuple[FreeSeat, int]]:
    """Free seats in the order given; a name with a star is a wheelchair space."""
    return [
        (seat(number, name.rstrip("*"), accessible=name.endswith("*")), 0)
        for number, name in enumerate(names, start=1)
    ]


def sitter(coupon: int, had: str = "", *, party: int = 0, **fields) -> Sitter:
    return Sitter(
        coupon_id=coupon,
        party=party or coupon,
        first_segment=fields.pop("first", 0),
        last_segment=fields.pop("last", 1),
        had=seat(100 + coupon, had) if had else None,
        **fields,
    )


def names(placed: dict[int, list[Part]]) -> dict[int, str]:
    return {
        coupon: " ".join(f"{part.seat.coach_label}/{part.seat.label}" for part in parts)
        for coupon, parts in placed.items()
    }


class TestWhereOneSits:
    def test_everybody_keeps_the_seat_of_the_same_name(self):
        people = [sitter(1, "1/1B"), sitter(2, "1/2D"), sitter(3, "1/1A")]
        board = seats("1/1A", "1/1B", "1/2A", "1/2D")
        assert names(remap(people, board)) == {1: "1/1B", 2: "1/2D", 3: "1/1A"}

    def test_whoever_loses_a_seat_takes_none_that_another_keeps(self):
        people = [sitter(1, "1/9A"), sitter(2, "1/1A")]
        assert names(remap(people, seats("1/1A", "1/1B"))) == {1: "1/1B", 2: "1/1A"}

    def test_nor_one_that_somebody_keeps_who_boards_later(self):
        people = [sitter(1, "1/9A", first=0, last=3), sitter(2, "1/1A", first=2, last=3)]
        assert names(remap(people, seats("1/1A", "1/1B"))) == {1: "1/1B", 2: "1/1A"}

    def test_a_family_that_loses_its_seats_sits_together(self):
        family = [sitter(1, "9/1A", party=7), sitter(2, "9/1B", party=7), sitter(3, party=7)]
        others = [sitter(4, "1/1A"), sitter(5, "1/2A"), sitter(6, "1/3D")]
        board = seats("1/1A", "1/1B", "1/2A", "1/2B", "1/3A", "1/3B", "1/3C", "1/3D")
        placed = names(remap([*others, *family], board))
        assert {placed[1], placed[2], placed[3]} == {"1/3A", "1/3B", "1/3C"}
        assert [placed[one] for one in (4, 5, 6)] == ["1/1A", "1/2A", "1/3D"]

    def test_a_family_does_not_keep_names_that_are_torn_apart(self):
        family = [sitter(one, f"1/1{letter}", party=7) for one, letter in enumerate("ABCD", 1)]
        board = seats("1/1A", "1/1B", "1/2A", "1/2B")
        # The new map has all four names, but 1C and 1D stand eight rows behind.
        for number, letter in [(8, "C"), (9, "D")]:
            far = replace(seat(number, f"1/9{letter}"), label=f"1{letter}")
            board.append((far, 0))
        placed = remap(family, board)
        assert {placed[one][0].seat.row for one in (1, 2, 3, 4)} == {1, 2}

    def test_wheelchair_spaces_are_kept_for_who_needs_them(self):
        people = [sitter(1, "1/1A"), sitter(2, "1/2A", wish="accessible")]
        placed = names(remap(people, seats("1/1A*", "1/1B")))
        assert placed == {1: "1/1B", 2: "1/1A"}

    def test_also_when_who_needs_it_boards_later(self):
        people = [
            sitter(1, "1/1A", first=0, last=3),
            sitter(2, first=2, last=3, wish="accessible"),
        ]
        assert names(remap(people, seats("1/1A*", "1/1B"))) == {1: "1/1B", 2: "1/1A"}

    def test_where_nobody_needs_it_a_space_is_a_seat(self):
        assert names(remap([sitter(1, "1/1A")], seats("1/1A*", "1/1B"))) == {1: "1/1A"}
        both = remap([sitter(1), sitter(2)], seats("1/1A*", "1/1B"))
        assert sorted(names(both).values()) == ["1/1A", "1/1B"]

    def test_wishes_are_met_before_habits(self):
        people = [sitter(1, "9/1A", wish="aisle"), sitter(2, "9/1A")]
        assert names(remap(people, seats("1/1A", "1/1B"))) == {1: "1/1B", 2: "1/1A"}

    def test_who_sat_at_a_window_sits_at_one_again(self):
        people = [sitter(1, "9/1B"), sitter(2, "9/2D")]
        placed = names(remap(people, seats("1/1A", "1/1B")))
        assert placed == {1: "1/1B", 2: "1/1A"}


class TestWhoHasASeat:
    def test_who_has_paid_before_who_holds(self):
        people = [sitter(1, "1/1A", rank=HELD), sitter(2, rank=PAID)]
        assert names(remap(people, seats("1/1A"))) == {2: "1/1A"}

    def test_who_is_aboard_before_all(self):
        people = [sitter(1, rank=PAID), sitter(2, rank=ABOARD, last=3)]
        assert set(remap(people, seats("1/1A"))) == {2}

    def test_who_booked_first_where_all_else_is_equal(self):
        assert set(remap([sitter(1), sitter(2), sitter(3)], seats("1/1A", "1/1B"))) == {1, 2}

    def test_two_short_rides_before_one_long(self):
        people = [
            sitter(1, first=0, last=3),
            sitter(2, first=0, last=1),
            sitter(3, first=2, last=3),
        ]
        assert set(remap(people, seats("1/1A"))) == {2, 3}

    def test_nobody_where_the_class_is_gone(self):
        assert remap([sitter(1, "1/1A")], []) == {}

    def test_seats_that_are_not_to_be_had_are_left_alone(self):
        first, second = seats("1/1A", "1/1B")
        board = [(first[0], 0b01), (second[0], 0b10)]
        # Only by changing seats is there one all the way.
        placed = remap([sitter(1, first=0, last=1)], board)
        assert names(placed) == {1: "1/1B 1/1A"}


# --- against every way there is -------------------------------------------------------------------

NAMES = ["1/1A*", "1/1B", "1/1C", "1/2A", "1/2B", "2/1A", "2/1B"]
Score = tuple[int, ...]


def score(people: Sequence[Sitter], placed: dict[int, FreeSeat | None]) -> Score:
    """How bad it is, the worst first: no seat (by rank), no space, a space wasted; then comfort."""
    nowhere = [
        sum(placed[one.coupon_id] is None for one in people if one.rank == rank)
        for rank in (PAID, HELD)
    ]
    needing = [one for one in people if one.wish == "accessible"]
    unmet = sum(
        placed[one.coupon_id] is not None and not placed[one.coupon_id].is_accessible
        for one in needing
    )
    return (*nowhere, unmet, *comfort(people, placed))


def comfort(people: Sequence[Sitter], placed: dict[int, FreeSeat | None]) -> Score:
    """Parties torn apart, and people who move."""
    torn = 0
    for _, group in itertools.groupby(
        sorted(people, key=lambda one: one.party), key=lambda one: one.party
    ):
        own = [placed[one.coupon_id] for one in group]
        sitting = [one for one in own if one is not None]
        torn += any(
            abs(left.coach - right.coach) > 0 or abs(left.row - right.row) > 1
            for left, right in itertools.combinations(sitting, 2)
        )
    moved = sum(
        one.had is not None
        and (
            placed[one.coupon_id] is None
            or placed[one.coupon_id].label != one.had.label
            or placed[one.coupon_id].coach_label != one.had.coach_label
        )
        for one in people
    )
    return torn, moved


def every_way(
    people: Sequence[Sitter], board: Sequence[tuple[FreeSeat, int]]
) -> Iterator[dict[int, FreeSeat | None]]:
    """All ways to give each one seat or none, nobody on another's lap."""

    def place(index: int, taken: list[int]) -> Iterator[dict[int, FreeSeat | None]]:
        if index == len(people):
            yield {}
            return
        one = people[index]
        for at, (free, _) in enumerate(board):
            if not taken[at] & one.mask:
                taken[at] |= one.mask
                for rest in place(index + 1, taken):
                    yield {one.coupon_id: free, **rest}
                taken[at] &= ~one.mask
        for rest in place(index + 1, taken):
            yield {one.coupon_id: None, **rest}

    yield from place(0, [bits for _, bits in board])


def a_case(seed: int) -> tuple[list[Sitter], list[tuple[FreeSeat, int]]]:
    """Up to five people on up to five seats and three segments, in parties of one to three."""
    draw = random.Random(seed)
    board = seats(*sorted(draw.sample(NAMES, draw.randint(2, 5))))
    olds = draw.sample([name.rstrip("*") for name in NAMES], 5)
    people: list[Sitter] = []
    party = 0
    while len(people) < draw.randint(2, 5):
        party += 1
        first = draw.randint(0, 2)
        last = draw.randint(first, 2)
        rank = draw.choice([PAID, PAID, HELD])
        for _ in range(draw.choice([1, 1, 2, 3])):
            if len(people) == 5:
                break
            people.append(
                sitter(
                    len(people) + 1,
                    olds[len(people)],
                    party=party,
                    first=first,
                    last=last,
                    rank=rank,
                    wish=draw.choice(["", "", "", "window", "accessible"]),
                )
            )
    return people, board


def test_is_as_good_as_the_best_way_where_it_matters() -> None:
    torn = moved = best_torn = best_moved = 0
    for seed in range(400):
        people, board = a_case(seed)
        placed = remap(people, board)
        # Everybody's seats are free all the way, and lead all the way.
        bits = {one.seat_id: 0 for one, _ in board}
        for one in people:
            way = 0
            for part in placed.get(one.coupon_id, []):
                mask = segments_mask(part.first_segment, part.last_segment)
                assert not bits[part.seat.seat_id] & mask, seed
                bits[part.seat.seat_id] |= mask
                way |= mask
            assert way in (0, one.mask), seed
        ours = {
            one.coupon_id: placed[one.coupon_id][0].seat if one.coupon_id in placed else None
            for one in people
        }
        best = min(score(people, way) for way in every_way(people, board))
        mine = score(people, ours)
        assert mine[:2] == best[:2], (seed, mine, best, names(placed))
        if not any(len(parts) > 1 for parts in placed.values()):
            assert mine[2] <= best[2] + 1, (seed, mine, best, names(placed))
        torn += mine[3]
        moved += mine[4]
        best_torn += best[3]
        best_moved += best[4]
    # Comfort is not proven, but close to the best way even where the seats are scarce: of 400
    # small cases 65 parties have to be torn apart, and 986 people have to move.
    assert (best_torn, best_moved) == (65, 986)
    assert torn <= 110
    assert moved <= 1_060


def test_nobody_changes_seats_when_all_are_seated_anew() -> None:
    """On a new vehicle, as many seats as the fullest segment has people are always enough."""
    for seed in range(300):
        draw = random.Random(seed)
        rows = range(1, draw.randint(2, 6))
        board = seats(*(f"1/{row}{letter}" for row in rows for letter in "ABCD"))
        people = []
        for coupon in range(1, 4 * len(board)):
            first = draw.randint(0, 8)
            people.append(sitter(coupon, first=first, last=draw.randint(first, 9)))
        placed = remap(people, board)
        assert all(len(parts) == 1 for parts in placed.values())
