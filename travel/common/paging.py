"""Pages of a list that its reader answers piece by piece, with the count of all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from django.core.paginator import Page, Paginator
from django.http import HttpRequest

Row = TypeVar("Row")

# Nobody turns over more pages than that, and a database should not have to.
LAST_PAGE = 500
# Python reads no number from thousands of digits.
LONGEST = 9


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
    wanted = page_number(request, parameter=parameter)
    count, rows = read((wanted - 1) * size, size)
    page = Paginator(range(min(count, LAST_PAGE * size)), size).get_page(wanted)
    if page.number != wanted:
        count, rows = read((page.number - 1) * size, size)
    return page, rows


def page_number(request: HttpRequest, *, parameter: str = "page", last: int = LAST_PAGE) -> int:
    """
    Answer the number of the page that the address asks for, from 1 to `last`.

    What is no number, or one that nobody types, is the first; what is beyond the last is the last.
    """
    text = request.GET.get(parameter, "")
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= LONGEST else 1
    return min(max(number, 1), last)
