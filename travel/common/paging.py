"""Pages of a list that its reader answers piece by piece, with the count of all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from django.core.paginator import Page, Paginator
from django.http import HttpRequest

Row = TypeVar("Row")

# Nobody turns over more pages than that, and a database should not have to.
LAST_PAGE = 500


def read_page(
    request: HttpRequest,
    read: Callable[[int, int], tuple[int, Sequence[Row]]],
    *,
    size: int,
    parameter: str = "page",
) -> tuple[Page[int], Sequence[Row]]:
    """
    Answer the page that the address asks for, and its rows.

    `read` takes offset and limit, and answers how many rows there are and those. An address beyond
    the end shows the last page, one that is no number the first.
    """
    wanted = _number(request.GET.get(parameter, ""))
    count, rows = read((wanted - 1) * size, size)
    page = Paginator(range(min(count, LAST_PAGE * size)), size).get_page(wanted)
    if page.number != wanted:
        count, rows = read((page.number - 1) * size, size)
    return page, rows


def _number(text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) <= 4:
        return min(max(int(text), 1), LAST_PAGE)
    return 1
