"""A traveller's reservations in a list: what is to be paid, what comes, what was, what is off."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from bookings import selectors
from bookings.pages import shown
from bookings.pages.access import viewer_of
from bookings.selectors import ReservationDetail
from payments import selectors as money
from travel.common import clock
from travel.common.money import Money
from travel.common.paging import read_page
from travel.common.templatetags.look import money_text

TRIPS_A_PAGE = 10


@dataclass(frozen=True, slots=True)
class Booking:
    """A reservation in the list; see components/booked_trip.html."""

    locator: str
    title: str
    day: datetime
    tone: str
    state: str
    trips: list[shown.Ride]
    price: Money
    passengers: int
    remark: str
    pay_href: str


@never_cache
@require_safe
def my_trips(request: HttpRequest) -> HttpResponse:
    """List the viewer's reservations: what is held and not paid first, then one of three tabs."""
    viewer, now = viewer_of(request), clock.now()
    if viewer.user_id is None and not viewer.guest_digests:
        return render(request, "bookings/my_trips.html", {"is_unknown": True})
    when = request.GET.get("when", "")
    when = when if when in money.WHEN else "upcoming"
    found: list[selectors.Trips] = []

    def read(offset: int, limit: int) -> tuple[int, list[ReservationDetail]]:
        trips = selectors.list_trips(viewer=viewer, now=now, when=when, offset=offset, limit=limit)
        found.append(trips)
        return trips.counts[when], trips.found

    page, rows = read_page(request, read, size=TRIPS_A_PAGE)
    trips = found[-1]
    refunds = money.payments_of([row.id for row in rows]) if when == "cancelled" else {}
    context = {
        "when": when,
        "tabs": _tabs(when, trips.counts),
        "held": [_booking(row, now) for row in trips.held],
        "bookings": [_booking(row, now, refunds.get(row.id, [])) for row in rows],
        "page": page,
    }
    return render(request, "bookings/my_trips.html", context)


def _tabs(when: str, counts: dict[str, int]) -> list[dict[str, object]]:
    names = {
        "upcoming": gettext("Upcoming"),
        "past": gettext("Past"),
        "cancelled": gettext("Cancelled"),
    }
    return [
        {"name": name, "href": f"?when={key}", "count": counts[key], "current": key == when}
        for key, name in names.items()
    ]


def _booking(
    row: ReservationDetail, now: datetime, payments: list[money.PaymentDetail] | None = None
) -> Booking:
    state, tone = shown.status_words(row)
    rides = shown.rides(row, now=now)
    origin, destination = shown.way(row)
    to_pay = row.is_live_hold
    if row.status == "Paid" and all(ride.is_over for ride in rides):
        state, tone = gettext("Travelled"), ""
    return Booking(
        locator=row.locator,
        title=gettext("%(origin)s to %(destination)s")
        % {"origin": origin, "destination": destination},
        day=rides[0].departs_at,
        tone=tone,
        state=state,
        trips=rides,
        price=row.price,
        passengers=len(row.passengers),
        remark=_returned(row, payments or []),
        pay_href=reverse("payments:payment", args=[row.locator]) if to_pay else "",
    )


def _returned(row: ReservationDetail, payments: list[money.PaymentDetail]) -> str:
    paid = sum(one.amount.minor for one in payments if one.state == "captured")
    back = sum(refund.amount.minor for one in payments for refund in one.refunds)
    if not paid:
        return ""
    return gettext("%(back)s of %(paid)s given back") % {
        "back": money_text(Money(back, row.currency)),
        "paid": money_text(Money(paid, row.currency)),
    }
