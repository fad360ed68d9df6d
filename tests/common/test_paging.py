"""Which page an address asks for."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from django.test import RequestFactory

from travel.common.paging import LAST_PAGE, page_number, read_page


def asking(query: str) -> int:
    return page_number(RequestFactory().get(f"/?{query}"), last=20)


@pytest.mark.parametrize(
    ("query", "number"),
    [
        ("", 1),
        ("page=1", 1),
        ("page=7", 7),
        ("page=007", 7),
        ("page=20", 20),
        # Beyond the last, the last.
        ("page=21", 20),
        ("page=999999999", 20),
        # No number, or none of a page.
        ("page=0", 1),
        ("page=-3", 1),
        ("page=two", 1),
        ("page=2.5", 1),
        ("page=%D9%A3", 1),
        ("page=%C2%B2", 1),
        ("page=" + "9" * 5000, 1),
    ],
)
def test_the_number_of_a_page(query: str, number: int) -> None:
    assert asking(query) == number


def test_the_parameter_is_the_lists_own() -> None:
    request = RequestFactory().get("/?p=3&page=5")

    assert page_number(request, parameter="p") == 3
    assert page_number(request) == 5
    assert page_number(RequestFactory().get("/?page=9999")) == LAST_PAGE


def test_a_page_beyond_the_end_shows_the_last() -> None:
    rows = list(range(45))
    asked: list[tuple[int, int]] = []

    def read(offset: int, limit: int) -> tuple[int, Sequence[int]]:
        asked.append((offset, limit))
        return len(rows), rows[offset : offset + limit]

    page, found = read_page(RequestFactory().get("/?page=12345"), read, size=20)

    assert (page.number, list(found)) == (3, [40, 41, 42, 43, 44])
    assert asked[-1] == (40, 20)
