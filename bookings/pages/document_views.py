"""The ticket as documents: page, PDF, calendar, wallet pass; and the keys that prove barcodes."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from bookings import barcodes

KEYS_FRESH_SECONDS = 3600


@require_safe
@cache_control(public=True, max_age=KEYS_FRESH_SECONDS)
def ticket_keys(request: HttpRequest) -> HttpResponse:
    """Publish the keys by which anybody proves a ticket's barcode, without the office."""
    answer = JsonResponse(barcodes.key_set())
    # A reader in a browser of any site may take them.
    answer["Access-Control-Allow-Origin"] = "*"
    return answer
