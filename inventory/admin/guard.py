"""
Tables of the timetable as carriers' own staff see them: the rows of their carriers, and no others.

Whoever has one of the office's roles sees all rows, as far as the role's rights go. Carriers' staff
have no role and need no rights: a membership shows them these tables, to look at; what they change,
they change at the departures desk. A table of another app that belongs to carriers uses the same
guard.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import HttpRequest

from inventory.reach import Reach, reach_of
from travel.common.admin_bases import follow


class OwnCarriers:
    """Narrows a table to the carriers that the reader reaches; `carrier` is the path to one."""

    carrier_path: ClassVar[str] = "service__carrier"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request)  # type: ignore[misc]
        return _reach(request).narrow(rows, self.carrier_path)

    def has_module_permission(self, request: HttpRequest) -> bool:
        allowed = super().has_module_permission(request)  # type: ignore[misc]
        return bool(allowed) or bool(_reach(request).sees)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed = super().has_view_permission(request, obj)  # type: ignore[misc]
        reach = _reach(request)
        if not (allowed or reach.sees):
            return False
        # Asked of rows that no list shows, too: old versions of one that is deleted, say.
        return obj is None or reach.may_see(follow(obj, f"{self.carrier_path}_id"))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return _changes_all(request) and super().has_add_permission(request)  # type: ignore[misc]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed = super().has_change_permission(request, obj)  # type: ignore[misc]
        return _changes_all(request) and bool(allowed)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed = super().has_delete_permission(request, obj)  # type: ignore[misc]
        return _changes_all(request) and bool(allowed)


class OfOwnCarriers:
    """Rows that belong to a row of such a table, and are seen with it."""

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed = super().has_view_permission(request, obj)  # type: ignore[misc]
        return bool(allowed) or bool(_reach(request).sees)


def _changes_all(request: HttpRequest) -> bool:
    """Tables are written by whoever changes every carrier's departures."""
    return _reach(request).changes is None


def _reach(request: HttpRequest) -> Reach:
    """Answer what the reader reaches, asked once a request."""
    known: Reach | None = getattr(request, "_reach", None)
    if known is None:
        known = reach_of(request.user)
        request._reach = known  # type: ignore[attr-defined]
    return known
