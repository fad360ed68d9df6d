"""Where the pages of a reservation stand."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path

from support import customers
from support.admin.reservation import acting, cancelling, customer, finding
from support.admin.reservation.desk import Hand, bound
from support.admin.reservation.explaining import explain_view


def urls(site: Any) -> list[URLPattern]:
    """Answer the pages of reservations, for the staff's site; one takes the table's own place."""

    def at(route: str, view: Any, name: str) -> URLPattern:
        return path(route, site.admin_view(bound(site, view)), name=name)

    return [
        at("find/", finding.find_view, "find"),
        at("customers/<int:pk>/", customer.customer_view, "customer"),
        at(
            "bookings/reservation/<path:object_id>/change/",
            reservation_view,
            "bookings_reservation_change",
        ),
        at(
            "bookings/reservation/<path:object_id>/cancel/",
            cancelling.cancel_view,
            "bookings_reservation_cancel",
        ),
        at(
            "bookings/reservation/<int:object_id>/acts/<slug:name>/",
            acting.act_view,
            "reservation_act",
        ),
    ]


def sees_customers(request: HttpRequest) -> bool:
    """Say whether the reader opens customers' pages: the templates of rows lead there then."""
    return customers.may_see(request.user)


def reservation_view(
    site: Any, request: HttpRequest, hand: Hand, *, object_id: str
) -> HttpResponse:
    """Explain a reservation; nothing is ever written to its row here."""
    if request.method not in ("GET", "HEAD"):
        raise PermissionDenied
    return explain_view(site, request, hand, object_id=object_id)
