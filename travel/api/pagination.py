"""Lists in pages: `page` and `pageSize` in; `count`, `next`, `previous` and `results` out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from travel.common.errors import InvalidInput, PageTooDeep

if TYPE_CHECKING:
    # The framework's views read the settings that name this module.
    from rest_framework.views import APIView

DEFAULT_SIZE = 20
MAX_SIZE = 100
MAX_ROWS = 10_000


@dataclass(frozen=True)
class Page:
    """Which part of a list is wanted. `offset` and `limit` are what a selector slices by."""

    number: int
    size: int

    @property
    def offset(self) -> int:
        return (self.number - 1) * self.size

    @property
    def limit(self) -> int:
        return self.size

    def has_next(self, count: int) -> bool:
        return self.number * self.size < count and (self.number + 1) * self.size <= MAX_ROWS


def read_page(request: Request, *, parameter: str = "page") -> Page:
    """
    Read the page from the query.

    :raises InvalidInput: `page` or `pageSize` is no number in its range.
    :raises PageTooDeep: the list is not read beyond 10,000 rows.
    """
    errors: dict[str, list[str]] = {}
    number = _whole(request, parameter, default=1, most=MAX_ROWS**2, errors=errors)
    size = _whole(request, "pageSize", default=DEFAULT_SIZE, most=MAX_SIZE, errors=errors)
    if errors:
        raise InvalidInput(errors=errors)
    if number * size > MAX_ROWS:
        raise PageTooDeep
    return Page(number=number, size=size)


def page_body(
    request: Request,
    page: Page,
    *,
    count: int,
    results: Sequence[Any],
    parameter: str = "page",
) -> dict[str, Any]:
    """Write the answer's body around results that a selector has sliced already."""
    url = request.build_absolute_uri()
    return {
        "count": count,
        "next": (
            replace_query_param(url, parameter, page.number + 1) if page.has_next(count) else None
        ),
        "previous": (
            replace_query_param(url, parameter, page.number - 1) if page.number > 1 else None
        ),
        "results": list(results),
    }


def page_schema(results: Mapping[str, Any]) -> dict[str, Any]:
    """Describe the answer for the schema."""
    return {
        "type": "object",
        "required": ["count", "next", "previous", "results"],
        "properties": {
            "count": {"type": "integer", "minimum": 0},
            "next": {"type": ["string", "null"], "format": "uri"},
            "previous": {"type": ["string", "null"], "format": "uri"},
            "results": results,
        },
    }


class PagePagination(BasePagination):
    """The same for the framework's own list views, over a queryset with a unique last order."""

    page: Page
    count: int
    request: Request

    def paginate_queryset(
        self, queryset: Any, request: Request, view: APIView | None = None
    ) -> list[Any]:
        self.request = request
        self.page = read_page(request)
        self.count = queryset.count()
        return list(queryset[self.page.offset : self.page.offset + self.page.limit])

    def get_paginated_response(self, data: Sequence[Any]) -> Response:
        return Response(page_body(self.request, self.page, count=self.count, results=data))

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return page_schema(schema)


def _whole(
    request: Request, name: str, *, default: int, most: int, errors: dict[str, list[str]]
) -> int:
    text = request.query_params.get(name, "")
    if not text:
        return default
    # Eight digits are enough for anything, and keep int() from long work.
    if text.isascii() and text.isdigit() and len(text) <= 8 and 1 <= int(text) <= most:
        return int(text)
    errors[name] = [_("Write a whole number from 1 to %(most)d.") % {"most": min(most, MAX_ROWS)}]
    return default
