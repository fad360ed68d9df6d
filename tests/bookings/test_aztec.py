"""Aztec codes: every text that may be signed is drawn, and read back by another program."""

from __future__ import annotations

from random import Random

import pytest
from aztec_code_generator import optimal_sequence_to_bits
from hypothesis import given
from hypothesis import strategies as some
from PIL import Image

from bookings.barcodes import _BASE45 as BASE45
from bookings.documents import aztec
from tests.codes import read_codes

WHITE, BLACK, SCALE, MARGIN = 255, 0, 4, 4
LETTERS, DIGITS = frozenset(" ABCDEFGHIJKLMNOPQRSTUVWXYZ"), frozenset(" 0123456789,.")
NOWHERE = 10**6


def read_back(text: str) -> bytes:
    """Draw a text, and let a reader look at it."""
    rows = aztec.rows_of(text, repair_percent=23)
    side = len(rows) + 2 * MARGIN
    picture = Image.new("L", (side, side), WHITE)
    for y, row in enumerate(rows):
        for x, is_black in enumerate(row):
            picture.putpixel((x + MARGIN, y + MARGIN), BLACK if is_black else WHITE)
    larger = picture.resize((SCALE * side, SCALE * side), Image.Resampling.NEAREST)
    (found,) = read_codes(larger)
    return bytes(found.bytes)


def shortest(text: str) -> tuple[int, int]:
    """Answer the least bits that a text takes to end in capitals, and in digits: by trying all."""
    if not text:
        return 0, 5
    capitals, digits = shortest(text[:-1])
    char = text[-1]
    is_sign = char not in LETTERS and char not in "0123456789"
    capitals += 5 if char in LETTERS else 10 if is_sign else NOWHERE
    if char in DIGITS:
        digits += 4
    else:
        digits += 9
    return min(capitals, digits + 4), min(digits, capitals + 5)


class TestReading:
    @pytest.mark.parametrize(
        "text",
        [
            "TKT1:A. B",
            "TKT1:7. 8, 9: 0",
            ". , : ",
            "....    ::::",
            "A.1. B: C2, ",
            "0:  /+. 9",
            "A",
            "9",
            "Plain text, with small letters.",
            "Zoë Brontë",
        ],
    )
    def test_a_sign_before_a_blank_is_a_sign_and_a_blank(self, text: str) -> None:
        assert read_back(text) == text.encode("latin-1")

    def test_texts_as_long_as_signed_ones(self) -> None:
        random = Random(45)
        for _ in range(40):
            text = "TKT1:" + "".join(random.choices(BASE45, k=random.randrange(180, 300)))
            assert read_back(text) == text.encode()


class TestLength:
    @given(some.text(BASE45, max_size=60))
    def test_nothing_is_shorter(self, text: str) -> None:
        written = len(optimal_sequence_to_bits(aztec.tokens(text)))

        assert written == min(shortest(text))

    def test_what_no_code_has_room_for_is_refused(self) -> None:
        with pytest.raises(aztec.TooLong):
            aztec.rows_of("A" * 4_000, repair_percent=23)
