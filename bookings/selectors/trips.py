"""A traveller's trips: what is held, what is ahead, what is over."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Exists, Min, OuterRef, Q

from accounts.viewers import Viewer
from bookings.models import Coupon
from bookings.selectors.access import visible_to
from bookings.selectors.details import ReservationDetail
from bookings.selectors.loading import load
from bookings.selectors.statuses import State, with_status


@dataclass(frozen=True, slots=True)
class Trips:
    """A traveller's reservations: holds that live, how many there are of each kind, a page."""

    held: list[ReservationDetail]
    counts: dict[str, int]
    found: list[ReservationDetail]


def list_trips(
    *, viewer: Viewer, now: datetime, when: str, offset: int = 0, limit: int = 20
) -> Trips:
    """
    Answer the viewer's live holds (at most 20, the first to end before), and a page of the rest.

    `upcoming` are paid and have a departure ahead, the nearest first; `past` are paid and have
    none; `cancelled` were cancelled, released or ran out. Both begin with the newest.
    """
    rows = visible_to(viewer)
    held = rows.filter(with_status("Reserved", now)).order_by("hold_until", "id")[:20]
    ahead = Coupon.objects.filter(
        ~Q(state=Coupon.State.CANCELLED),
        passenger__reservation=OuterRef("pk"),
        ticket__from_call__departs_at__gt=now,
    )
    rows = rows.annotate(is_ahead=Exists(ahead))
    kinds = {
        "upcoming": Q(state=State.PAID, is_ahead=True),
        "past": Q(state=State.PAID, is_ahead=False),
        "cancelled": with_status("Cancelled", now) | with_status("Expired", now),
    }
    counts = rows.aggregate(**{name: Count("pk", filter=kind) for name, kind in kinds.items()})
    page = rows.filter(kinds[when])
    if when == "upcoming":
        leaves = "passengers__coupons__ticket__from_call__departs_at"
        still_going = ~Q(passengers__coupons__state=Coupon.State.CANCELLED)
        page = page.annotate(
            next_departure=Min(leaves, filter=Q(**{f"{leaves}__gt": now}) & still_going)
        ).order_by("next_departure", "id")
    else:
        page = page.order_by("-created_at", "-id")
    first = list(held)
    loaded = load([*first, *page[offset : offset + limit]], now=now)
    return Trips(loaded[: len(first)], counts, loaded[len(first) :])
