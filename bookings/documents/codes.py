"""
Barcodes as pictures: Aztec on rails and in the air, QR on the road.

A picture is a path of black squares in a grid of units; pages draw it as SVG, and so do PDFs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

AZTEC, QR = "Aztec", "QR"
# Inspectors' readers on trains and at gates look for Aztec (UIC 918.9, IATA Resolution 792).
SYMBOLS = {"Train": AZTEC, "Plane": AZTEC, "Bus": QR}
# Units of white that a reader needs around it (ISO/IEC 18004 wants four; Aztec needs none, and a
# little helps on dark screens).
QUIET = {AZTEC: 2, QR: 4}
# How much of an Aztec code repairs the rest, in per cent; the usual share (ISO/IEC 24778).
AZTEC_REPAIR = 23
REMEMBERED = 512


@dataclass(frozen=True, slots=True)
class Picture:
    """A barcode of `size` units a side, white margins included, and its black as an SVG path."""

    symbol: str
    size: int
    path: str

    @property
    def svg(self) -> str:
        """The picture as a file of its own, black on white."""
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.size} {self.size}" '
            'shape-rendering="crispEdges">'
            f'<path fill="#fff" d="M0 0h{self.size}v{self.size}h-{self.size}z"/>'
            f'<path d="{self.path}"/></svg>'
        )


def symbol_of(mode: str) -> str:
    """Answer the kind of barcode that belongs to a way of travel: `Aztec` or `QR`."""
    return SYMBOLS[mode]


@lru_cache(maxsize=REMEMBERED)
def picture(text: str, symbol: str) -> Picture:
    """Draw a text as an Aztec or QR code."""
    rows = _aztec(text) if symbol == AZTEC else _qr(text)
    margin = QUIET[symbol]
    path = "".join(_runs(rows, margin))
    return Picture(symbol, len(rows) + 2 * margin, path)


def _aztec(text: str) -> list[list[bool]]:
    # Both are wanted by few requests.
    from bookings.documents import aztec

    return aztec.rows_of(text, repair_percent=AZTEC_REPAIR)


def _qr(text: str) -> list[list[bool]]:
    import segno

    code = segno.make_qr(text, error="q", boost_error=False)
    return [[bool(unit) for unit in row] for row in code.matrix]


def _runs(rows: Sequence[Sequence[bool]], margin: int) -> Iterable[str]:
    """Yield each run of black units of a row as a rectangle."""
    for y, row in enumerate(rows):
        x = 0
        while x < len(row):
            end = x
            while end < len(row) and row[end]:
                end += 1
            if end > x:
                yield f"M{x + margin} {y + margin}h{end - x}v1h-{end - x}z"
            x = end + 1
