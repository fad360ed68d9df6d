"""The demo's letter box: what the office would have sent by e-mail and SMS."""

from __future__ import annotations

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from travel.common import outbox
from travel.common.paging import read_page

MESSAGES_A_PAGE = 20


@never_cache
@require_safe
def messages(request: HttpRequest) -> HttpResponse:
    """
    List the messages, the newest first. They open reservations, so only the demo shows them.
    """
    if not settings.DEMO:
        raise Http404
    page, found = read_page(
        request,
        lambda offset, limit: outbox.list_messages(offset=offset, limit=limit),
        size=MESSAGES_A_PAGE,
    )
    return render(request, "support/outbox.html", {"page": page, "letters": found})
