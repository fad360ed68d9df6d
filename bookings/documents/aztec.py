"""
Aztec codes of barcodes' texts.

The library draws them: layers, check words, finder. Which of the symbol's modes a text is written
in is decided here, since the library's own search for the shortest way ends in an error for two of
a hundred signed texts (a full stop, comma or colon before a blank: docs/decisions/0017).
"""

from __future__ import annotations

from aztec_code_generator import (
    AztecCode,
    Latch,
    Mode,
    Shift,
    code_chars,
    configs,
    get_data_codewords,
    optimal_sequence_to_bits,
)

Token = object
# A way to write the text so far: its bits, and its tokens, the last one first.
Way = tuple[int, tuple[object, object] | None]
UPPER, DIGIT = Mode.UPPER, Mode.DIGIT
# Bits of a token in the mode that it is written in (ISO/IEC 24778, table 2).
BITS = {UPPER: 5, DIGIT: 4}
_LETTERS, _DIGITS, _SIGNS = (
    frozenset(one for one in code_chars[mode] if isinstance(one, int))
    for mode in (UPPER, DIGIT, Mode.PUNCT)
)


class TooLong(ValueError):
    """No Aztec code has room for the text."""


def rows_of(text: str, *, repair_percent: int) -> list[list[bool]]:
    """
    Answer the units of the smallest code with room for a text, black ones true.

    :raises TooLong: no code has room for it.
    :raises UnicodeEncodeError: it has characters that are not Latin-1.
    """
    sequence = tokens(text)
    size, is_compact = _smallest(sequence, repair_percent)
    code = _Code(text, sequence=sequence, size=size, compact=is_compact)
    return [[bool(unit) for unit in row] for row in code.matrix]


def tokens(text: str) -> list[Token]:
    """
    Answer the shortest way to write a text in capitals, in digits, and by a shift for what is
    neither.

    Base 45, which barcodes' texts are in, has nothing else; other characters are written as bytes.
    """
    best: dict[Mode, Way] = {UPPER: (0, None)}
    for char in text.encode("latin-1"):
        _latch(best)
        best = {
            mode: _add(way, said, BITS[mode] * len(said) + more)
            for mode, way in best.items()
            for said, more in [_said(char, mode)]
            if said
        }
    _bits, last = min(best.values(), key=lambda way: way[0])
    found: list[Token] = []
    while last is not None:
        last, token = last  # type: ignore[assignment]
        found.append(token)
    return found[::-1]


def _latch(best: dict[Mode, Way]) -> None:
    """Let each mode be come to from the other one, where that is shorter."""
    ways = dict(best)
    for mode, other, token in ((UPPER, DIGIT, Latch.UPPER), (DIGIT, UPPER, Latch.DIGIT)):
        if other not in ways:
            continue
        way = _add(ways[other], [token], BITS[other])
        if mode not in ways or way[0] < ways[mode][0]:
            best[mode] = way


def _said(char: int, mode: Mode) -> tuple[list[Token], int]:
    """Answer the tokens of a character in a mode, none where it has no place there, and the bits
    that they take beyond one token's each."""
    if char in (_LETTERS if mode == UPPER else _DIGITS):
        return [char], 0
    if char in _SIGNS:
        return [Shift.PUNCT, char], BITS[UPPER] - BITS[mode]
    if mode == DIGIT:
        return ([Shift.UPPER, char], BITS[UPPER] - BITS[DIGIT]) if char in _LETTERS else ([], 0)
    # One byte: its count in five bits, then its eight.
    return ([], 0) if char in _DIGITS else ([Shift.BINARY, 1, char], 3)


def _add(way: Way, said: list[Token], bits: int) -> Way:
    length, last = way
    for token in said:
        last = (last, token)
    return length + bits, last


def _smallest(sequence: list[Token], repair_percent: int) -> tuple[int, bool]:
    bits = optimal_sequence_to_bits(sequence)
    for (size, is_compact), config in configs.items():
        words = len(get_data_codewords(bits, config.cw_bits))
        # Three words more than the share: what the standard wants for small codes.
        if (words + 3) * 100 / (100 - repair_percent) < config.codewords:
            return size, is_compact
    raise TooLong()


class _Code(AztecCode):  # type: ignore[misc]
    """The library's code with a sequence that is given, not searched for."""

    def __init__(self, text: str, *, sequence: list[Token], size: int, compact: bool) -> None:
        self._sequence = sequence
        super().__init__(text, size=size, compact=compact)

    @property
    def sequence(self) -> list[Token]:
        return self._sequence

    @sequence.setter
    def sequence(self, _searched: object) -> None:
        """The library has none of its own where a size is asked for."""
