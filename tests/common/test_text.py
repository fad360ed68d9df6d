"""Text from outside: composed, trimmed, and without characters that deceive."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from travel.common.ids import normal_locator
from travel.common.text import CardNumber, clean_text, is_forbidden


class TestCleanText:
    @pytest.mark.parametrize(
        ("typed", "kept"),
        [
            ("  Ada ", "Ada"),
            ("Jose\u0301", "José"),
            ("نمی\u200cخواهم", "نمی\u200cخواهم"),
            ("O’Neill-Ðorđević", "O’Neill-Ðorđević"),
            ("🚀 \U0001f469\u200d\U0001f680", "🚀 \U0001f469\u200d\U0001f680"),
        ],
    )
    def test_keeps_what_names_are_written_with(self, typed, kept):
        assert clean_text(typed) == kept

    @pytest.mark.parametrize(
        "character",
        [
            *("\0", "\x07", "\x7f", "\x85", "\n", "\t", "\r", "\u2028", "\u2029"),
            *("\u202a", "\u202b", "\u202c", "\u202d", "\u202e"),
            *("\u00ad", "\u200b", "\u2060", "\ufeff", "\ue000", "\ud800"),
        ],
    )
    def test_refuses_what_deceives(self, character):
        with pytest.raises(ValueError):
            clean_text(f"a{character}b")

    @pytest.mark.parametrize(
        "mark", ["\u061c", "\u200e", "\u200f", "\u2066", "\u2067", "\u2068", "\u2069"]
    )
    def test_drops_the_marks_that_keyboards_write_by_themselves(self, mark):
        assert clean_text(f"{mark}سلام {mark}(VM7UAA){mark}") == "سلام (VM7UAA)"
        # The accent still finds its letter, blanks at the end are at the end.
        assert clean_text(f"Jose{mark}\u0301 {mark}") == "José"

    def test_a_booking_code_is_found_with_them(self):
        assert normal_locator("\u200evm7-uaa\u200f") == "VM7UAA"

    def test_a_card_is_found_between_marks(self):
        with pytest.raises(CardNumber):
            clean_text("4111\u200e1111\u200f1111\u20661111")

    def test_keeps_lines_where_lines_may_be(self):
        assert clean_text("a\r\nb\rc\td", lines=True) == "a\nb\nc\td"

    @given(st.text())
    def test_what_is_kept_is_kept_unchanged_the_second_time(self, text):
        try:
            kept = clean_text(text, lines=True)
        except ValueError:
            return
        assert clean_text(kept, lines=True) == kept
        assert unicodedata.is_normalized("NFC", kept)
        assert not any(is_forbidden(c) for c in kept if c not in "\n\t")
