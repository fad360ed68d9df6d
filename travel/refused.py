"""
Pages that are not there or not for the reader, in the house where they were asked for.

Staff who ask for a page of the back office stay in the back office: its menu leads on from there.
Everybody else, whoever may not come in there too, gets the travellers' pages.
"""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext
from django.views import defaults


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 404."""
    if _is_at_work(request):
        return _told(request, "admin/404.html", gettext("Not found"), 404)
    return defaults.page_not_found(request, exception)


def not_allowed(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 403."""
    if _is_at_work(request):
        return _told(request, "admin/403.html", gettext("Not allowed"), 403)
    return defaults.permission_denied(request, exception)


def _is_at_work(request: HttpRequest) -> bool:
    # What was refused before anybody was asked for a name has no user.
    return (
        hasattr(request, "user")
        and request.path.startswith(reverse("admin:index"))
        and admin.site.has_permission(request)
    )


def _told(request: HttpRequest, template: str, title: str, status: int) -> HttpResponse:
    context: dict[str, Any] = {**admin.site.each_context(request), "title": title}
    return render(request, template, context, status=status)
