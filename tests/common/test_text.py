"""Text from outside: composed, trimmed, and without characters that deceive."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from travel.common.text import clean_text, is_forbidden


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
            *("\u061c", "\u200e", "\u200f", "\u202a", "\u202e", "\u2066", "\u2069"),
            *("\u00ad", "\u200b", "\u2060", "\ufeff", "\ue000", "\ud800"),
        ],
    )
    def test_refuses_what_deceives(self, character):
        with pytest.raises(ValueError):
            clean_text(f"a{character}b")

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
