"""
Pages that are not there or not for the reader, in the house where they were asked for.

Staff who ask for a page of the back office stay in the back office: its menu leads on from there.
Everybody else, whoever may not come in there too, gets the travellers' pages.
"""

from __future__ import annotations

from http import HTTPStatus

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext
from django.views import defaults


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 404."""
    if _is_at_work(request):
        says = gettext("There is no such page or row, or it is gone. The address may have a slip.")
        return _told(request, gettext("Not found"), says, HTTPStatus.NOT_FOUND)
    return defaults.page_not_found(request, exception)


def not_allowed(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 403."""
    if _is_at_work(request):
        says = gettext("Your role does not open this page, or not this row. Nothing was changed.")
        return _told(request, gettext("Not allowed"), says, HTTPStatus.FORBIDDEN)
    return defaults.permission_denied(request, exception)


def _is_at_work(request: HttpRequest) -> bool:
    # What was refused before anybody was asked for a name has no user.
    return (
        hasattr(request, "user")
        and request.path.startswith(reverse("admin:index"))
        and admin.site.has_permission(request)
    )


def _told(request: HttpRequest, title: str, says: str, status: int) -> HttpResponse:
    context = {**admin.site.each_context(request), "title": title, "says": says}
    return render(request, "admin/refused.html", context, status=status)
