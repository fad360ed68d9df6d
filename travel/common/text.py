"""What text from outside may be: composed, trimmed, and free of characters that deceive readers."""

from __future__ import annotations

import unicodedata

# Unicode's Bidi_Control characters: they turn the writing direction and make one text look like
# another.
_BIDI_CONTROLS = frozenset(
    chr(code) for code in (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
)
# Seen by nobody, different for every comparison. The joiners U+200C and U+200D stay: Persian and
# Indic scripts are written with them.
_INVISIBLE = frozenset("\u00ad\u200b\u2060\ufeff")
_FORBIDDEN_CATEGORIES = frozenset({"Cc", "Cs", "Co", "Zl", "Zp"})
_LINE_BREAKS = frozenset("\n\t")


def clean_text(text: str, *, lines: bool = False) -> str:
    """
    Answer the text in NFC and trimmed; with `lines` it may hold line breaks and tabs.

    :raises ValueError: it holds a control, private, invisible or direction-turning character.
    """
    composed = unicodedata.normalize("NFC", text)
    if lines:
        composed = composed.replace("\r\n", "\n").replace("\r", "\n")
    for character in composed:
        if lines and character in _LINE_BREAKS:
            continue
        if is_forbidden(character):
            raise ValueError(f"U+{ord(character):04X} is not allowed in text")
    return composed.strip()


def is_forbidden(character: str) -> bool:
    """Say whether a character is one that no name and no message needs."""
    return (
        character in _BIDI_CONTROLS
        or character in _INVISIBLE
        or unicodedata.category(character) in _FORBIDDEN_CATEGORIES
    )
