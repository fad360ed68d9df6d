"""
How near one name is to another: what is a slip of the pen, and what another person.

Names are compared without case, accents and blanks, as a passport's machine-readable line and a
traveller's keyboard write them differently.
"""

from __future__ import annotations

import unicodedata

# As many wrong, missing, extra or swapped letters as carriers commonly correct free of charge.
MOST_SLIPS = 3


def name_key(text: str) -> str:
    """
    Reduce a name to what comparing sees: `Müller-Lüdenscheidt` becomes `mullerludenscheidt`.

    Letters that Unicode does not take apart are written as passports write them (`ø` as `o`).
    """
    folded = unicodedata.normalize("NFKD", text.casefold().translate(_LETTERS))
    return "".join(c for c in folded if c.isalnum())


def name_keys(text: str) -> frozenset[str]:
    """Answer every key that a name may be typed as: umlauts with and without their `e`."""
    folded = unicodedata.normalize("NFC", text.casefold())
    return frozenset({name_key(text), name_key(folded.translate(_UMLAUTS))})


_LETTERS = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "ð": "d", "æ": "ae", "œ": "oe", "þ": "th", "ı": "i"}
)
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe"})


def is_slip(before: tuple[str, str], after: tuple[str, str]) -> bool:
    """
    Say whether first and last name are still those of the same person.

    At most three letters are wrong, missing, extra or swapped, in no name half of it or more of
    what it is; first and last name may have been swapped.
    """
    first, last = (name_key(part) for part in before)
    new_first, new_last = (name_key(part) for part in after)
    if (new_first, new_last) == (last, first):
        return True
    return _near((first, new_first), (last, new_last))


def _near(*pairs: tuple[str, str]) -> bool:
    slips = [distance(*pair) for pair in pairs]
    return sum(slips) <= MOST_SLIPS and all(
        2 * count <= max(len(old), len(new)) for count, (old, new) in zip(slips, pairs, strict=True)
    )


def distance(left: str, right: str) -> int:
    """
    Answer how many letters must be put in, taken out, replaced or swapped with their neighbour.

    It is the optimal string alignment distance: no letter is touched twice.
    """
    before: list[int] = []
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, start=1):
        above, row = row, [i]
        for j, b in enumerate(right, start=1):
            best = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and left[i - 2] == b:
                best = min(best, before[j - 2] + 1)
            row.append(best)
        before = above
    return row[-1]
