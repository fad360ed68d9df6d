"""The search of the overview: whatever somebody reads out leads to the reservation."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _

from support import finding
from support.admin.reservation.desk import Hand, shown
from support.admin.reservation.explaining import state_word
from travel.common import clock


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
    )
