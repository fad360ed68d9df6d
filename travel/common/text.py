"""What text from outside may be: composed, trimmed, and free of characters that deceive readers."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

# Unicode's Bidi_Control characters. Embeddings and overrides turn the writing direction and make
# one text look like another: they are refused.
_TURNING = frozenset(chr(code) for code in range(0x202A, 0x202F))
# Marks and isolates order what stands beside them and deceive nobody; Persian and Arabic keyboards,
# word processors and messengers write them by themselves. They are dropped: every page isolates
# what people wrote, and names compare alike with them and without.
_MARKS = dict.fromkeys((0x061C, 0x200E, 0x200F, *range(0x2066, 0x206A)))
# Seen by nobody, different for every comparison. The joiners U+200C and U+200D stay: Persian and
# Indic scripts are written with them.
_INVISIBLE = frozenset("\u00ad\u200b\u2060\ufeff")
_FORBIDDEN_CATEGORIES = frozenset({"Cc", "Cs", "Co", "Zl", "Zp"})
_LINE_BREAKS = frozenset("\n\t")


class CardNumber(ValueError):
    """A text holds the number of a payment card, which has no business anywhere in the office."""


def clean_text(text: str, *, lines: bool = False) -> str:
    """
    Answer the text in NFC, trimmed, without marks of direction; `lines` lets lines and tabs be.

    :raises ValueError: it holds a control, private, invisible or direction-turning character.
    :raises CardNumber: it holds the number of a payment card.
    """
    composed = unicodedata.normalize("NFC", drop_marks(text))
    if lines:
        composed = composed.replace("\r\n", "\n").replace("\r", "\n")
    for character in composed:
        if lines and character in _LINE_BREAKS:
            continue
        if is_forbidden(character):
            raise ValueError(f"U+{ord(character):04X} is not allowed in text")
    if has_card_number(composed):
        raise CardNumber("the number of a card is not allowed in text")
    return composed.strip()


def drop_marks(text: str) -> str:
    """Answer the text without the marks and isolates of direction, which nobody sees."""
    return text.translate(_MARKS)


def plain_digits(text: str) -> str:
    """Answer a typed code without blanks, dashes and marks, its digits as 0 to 9 (`۱۲` is 12)."""
    typed = "".join(drop_marks(text).split()).replace("-", "")
    return "".join(str(unicodedata.decimal(one, one)) for one in typed)


def is_forbidden(character: str) -> bool:
    """Say whether a character is one that no name and no message needs."""
    return (
        character in _TURNING
        or ord(character) in _MARKS
        or character in _INVISIBLE
        or unicodedata.category(character) in _FORBIDDEN_CATEGORIES
    )


# Digits in groups, as they stand on cards.
_DIGITS = re.compile(r"(?<![\d+])\d+(?:[ -]\d+)*")
_CARD_LENGTHS = range(13, 20)


def has_card_number(text: str) -> bool:
    """
    Say whether a text holds what may be the number of a payment card, together or in groups.

    Such a number has 13 to 19 digits, begins as those of the card schemes do, and its last digit
    checks the others (ISO/IEC 7812-1, annex B).
    """
    return any(_is_card(number) for found in _DIGITS.finditer(text) for number in _runs(found))


def _runs(found: re.Match[str]) -> Iterator[str]:
    """Answer the neighbouring groups that are together as long as a card's number."""
    groups = re.split("[ -]", found.group())
    for first in range(len(groups)):
        number = ""
        for group in groups[first:]:
            number += group
            if len(number) > _CARD_LENGTHS[-1]:
                break
            if len(number) in _CARD_LENGTHS:
                yield number


def _is_card(number: str) -> bool:
    digits = [int(character) for character in number]
    doubled = [digit * 2 - 9 if digit > 4 else digit * 2 for digit in digits[-2::-2]]
    return number[0] in "23456" and (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0
