"""
Tables of the timetable as carriers' own staff see them: the rows of their carriers, and no others.

Whoever has one of the office's roles sees all rows, as far as the role's rights go. A table of
another app that belongs to carriers uses the same guard.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import HttpRequest

from inventory.reach import Reach, reach_of


class OwnCarriers:
    """Narrows a table to the carriers that the reader reaches; `carrier` is the path to one."""

    carrier_path: ClassVar[str] = "service__carrier"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request)  # type: ignore[misc]
        return _reach(request).narrow(rows, self.carrier_path)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed = super().has_view_permission(request, obj)  # type: ignore[misc]
        return bool(allowed) or bool(_reach(request).sees)


def _reach(request: HttpRequest) -> Reach:
    """Answer what the reader reaches, asked once a request."""
    known: Reach | None = getattr(request, "_reach", None)
    if known is None:
        known = reach_of(request.user)
        request._reach = known  # type: ignore[attr-defined]
    return known
