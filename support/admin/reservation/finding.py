"""The search of the overview: whatever somebody reads out leads to the reservation."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _

from support import finding
from support.admin.reservation.desk import Hand, shown
from support.admin.reservation.explaining import state_word
from support.analytics import asking
from support.analytics.days import today
from support.analytics.rights import rights_of
from travel.common import clock

# Names have no index of their own: the look-up reads what was reserved in so many days.
PHRASES, DAYS_OF_NAMES = "tickets-by-phrase", 90


def find_view(site: Any, request: HttpRequest, hand: Hand) -> HttpResponse:
    """Go to the reservation that is meant, or list those that may be."""
    text = request.GET.get("q", "")[: finding.LONGEST]
    found = finding.find_reservations(viewer=hand.viewer, text=text, now=clock.now())
    if len(found.reservations) == 1:
        only = found.reservations[0]
        return HttpResponseRedirect(reverse("admin:bookings_reservation_change", args=[only.id]))
    return shown(
        site,
        request,
        "find",
        title=_("Find a booking"),
        text=text,
        found=[(one, state_word(one)) for one in found.reservations],
        is_cut_off=found.is_cut_off,
        by_name=_by_name(request, text) if text and not found.reservations else "",
        days=DAYS_OF_NAMES,
    )


def _by_name(request: HttpRequest, text: str) -> str:
    """Answer where somebody of this name is looked for, for those who may look; else nothing."""
    allowed = {one.name for one in asking.look_ups_for(rights_of(request.user))}  # type: ignore[arg-type]
    if PHRASES not in allowed or "@" in text or not any(map(str.isalpha, text)):
        return ""
    since = today(now=clock.now()) - timedelta(days=DAYS_OF_NAMES)
    address = reverse("admin:numbers_look_up", args=[PHRASES])
    return f"{address}?{urlencode({'phrase': text, 'since': since.isoformat()})}"
