"""What tests of boarding do again and again: sell, sign, show at a door."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from accounts.models import User
from bookings import barcodes, manifest, services
from bookings.barcodes import BarcodeFacts
from bookings.models import Coupon, Scan
from bookings.selectors import ReservationDetail
from bookings.services import Answer, Showing
from payments import services as money
from payments.models import Payment
from tests import factories, selling
from travel.common.errors import Refusal

_ids = itertools.count(1)
A, B = "device-a", "device-b"


def sold(
    who: User | str,
    trip: factories.Trip,
    *,
    now: datetime,
    kinds: Sequence[str] = ("adult",),
    start: int = 0,
    end: int = -1,
    **options: Any,
) -> ReservationDetail:
    """Reserve for people of these kinds and pay by card."""
    from accounts.viewers import Viewer

    held = selling.reserve(
        who, trip.ticket_id(start, end), now=now, passengers=selling.party(*kinds), **options
    )
    money.pay(
        viewer=Viewer(is_support=True),
        reservation_id=held.id,
        method="Bank Card",
        token=None,
        now=now,
    )
    assert Payment.objects.get(settles_id=held.id).state == "captured"
    return held


def coupons(reservation: ReservationDetail) -> list[int]:
    return [one.id for one in reservation.coupons]


def state_of(coupon_id: int) -> str:
    return Coupon.objects.values_list("state", flat=True).get(id=coupon_id)


def code_of(coupon_id: int, **changes: Any) -> str:
    """Sign a ticket's barcode as the office does."""
    coupon = Coupon.objects.select_related("passenger__reservation", "ticket__fare").get(
        id=coupon_id
    )
    seats = tuple(
        coupon.claims.order_by("first_segment").values_list(
            "stock__seat__coach__label", "stock__seat__label"
        )
    )
    facts = {
        "barcode": coupon.barcode,
        "ticket_id": coupon.ticket_id,
        "issue": coupon.issue,
        "locator": coupon.passenger.reservation.locator,
        "name": "ROE A",
        "seats": seats,
        "travel_class": coupon.ticket.fare.travel_class,
        "issued_at": coupon.passenger.reservation.created_at,
    }
    return barcodes.sign(BarcodeFacts(**(facts | changes)))


def show(
    staff: User,
    trip: factories.Trip,
    *,
    now: datetime,
    device: str = A,
    stop: int = 0,
    client_id: str = "",
    **told: Any,
) -> Answer:
    """Show a ticket at a door, by a code or a coupon."""
    return services.scan(
        keeper=manifest.keeper_of(user_id=staff.pk),
        departure_id=trip.departure.pk,
        showing=Showing(
            client_id=client_id or f"client-{next(_ids):06}",
            device=device,
            at=told.pop("at", now),
            stop=stop,
            **told,
        ),
        now=now,
    )


def merged(
    staff: User, trip: factories.Trip, *, now: datetime, at: datetime, **told: Any
) -> Answer:
    """Send what a device let in while it was offline."""
    return show(staff, trip, now=now, at=at, let_in=told.pop("let_in", True), **told)


def outcomes() -> list[tuple[str, bool]]:
    """Answer what was written down, in the order in which the office heard of it."""
    return list(Scan.objects.order_by("id").values_list("outcome", "let_in"))


def refused(act: Any) -> str:
    """Answer the code of the refusal that an act meets."""
    try:
        act()
    except Refusal as refusal:
        return refusal.code
    return "done"
