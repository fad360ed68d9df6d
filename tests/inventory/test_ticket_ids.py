"""A ticket's id is a published number: it is reckoned here by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory.ticket_ids import MAX_TICKET_ID, TicketParts, pack, segments_mask, unpack

positions = st.integers(0, 63)


class TestPack:
    @pytest.mark.parametrize(
        ("parts", "number"),
        [
            # 262,144 + 4 * 64
            (TicketParts(1, 0, 4, 0), 262_400),
            # 7 * 262,144 + 2 * 4,096 + 5 * 64 + 3
            (TicketParts(7, 2, 5, 3), 1_843_523),
            # The last of everything: the next id belongs to the next departure.
            (TicketParts(1, 63, 63, 63), 2 * 262_144 - 1),
        ],
    )
    def test_is_the_published_sum(self, parts, number):
        assert pack(*parts) == number
        assert unpack(number) == parts

    @given(st.integers(1, 2**35 - 1), positions, positions, positions)
    def test_every_part_comes_back_from_a_number_that_javascript_keeps(
        self, departure, start, end, fare
    ):
        number = pack(departure, start, end, fare)

        assert number <= MAX_TICKET_ID == 2**53 - 1
        assert unpack(number) == (departure, start, end, fare)


class TestSegmentsMask:
    @pytest.mark.parametrize(
        ("first", "last", "mask"),
        [(0, 0, 0b1), (2, 4, 0b11100), (0, 3, 0b1111), (62, 62, 2**62), (0, 62, 2**63 - 1)],
    )
    def test_has_a_bit_for_each_segment(self, first, last, mask):
        assert segments_mask(first, last) == mask

    @given(st.integers(0, 62), st.integers(0, 62))
    def test_is_the_sum_of_its_segments_and_fits_a_signed_bigint(self, one, other):
        first, last = min(one, other), max(one, other)

        assert segments_mask(first, last) == sum(2**n for n in range(first, last + 1)) < 2**63

    @given(st.sets(st.integers(0, 62), min_size=3, max_size=3))
    def test_stretches_that_adjoin_share_no_segment(self, calls):
        start, change, end = sorted(calls)

        assert not segments_mask(start, change - 1) & segments_mask(change, end)
