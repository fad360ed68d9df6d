"""Tables as CSV files for spreadsheets, of which no cell is ever taken for a formula."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence

from django.http import StreamingHttpResponse

from travel.common.money import Money

Cell = str | int | Money | None
# What spreadsheets take for the beginning of a formula (OWASP, "CSV Injection"), in full width too.
_FORMULA = tuple("=+-@\t\r\n＝＋－＠")


def csv_file(
    name: str, head: Sequence[str], rows: Iterable[Sequence[Cell]]
) -> StreamingHttpResponse:
    """
    Answer a file that is written while it is sent, in UTF-8 with the mark that Excel looks for.

    Money is the plain decimal number of its amount; text that begins as a formula does is quoted by
    an apostrophe.
    """
    return StreamingHttpResponse(
        _written(head, rows),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def csv_bytes(head: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """Answer the same file as a whole, to go along with a message."""
    return "".join(_written(head, rows)).encode()


def cell_text(cell: Cell) -> str:
    """Write a cell so that a spreadsheet takes it for what it is."""
    if cell is None:
        return ""
    if isinstance(cell, Money):
        return cell.amount
    if isinstance(cell, int):
        return str(cell)
    return f"'{cell}" if cell.lstrip(" ").startswith(_FORMULA) else cell


def _written(head: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Iterator[str]:
    writer = csv.writer(_Echo(), lineterminator="\r\n")
    yield "\ufeff" + writer.writerow([cell_text(name) for name in head])
    for row in rows:
        yield writer.writerow([cell_text(cell) for cell in row])


class _Echo:
    """A file that gives back what is written to it."""

    def write(self, text: str) -> str:
        return text
