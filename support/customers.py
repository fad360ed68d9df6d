"""What the office has with one customer: bookings, reports, money given, and who looked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from accounts.models import User
from accounts.viewers import Viewer
from bookings import selectors as bookings
from bookings.selectors import ReservationDetail
from payments.models import Goodwill
from support.models import Report, Serving
from travel.common.errors import NotFound

# So many rows of everything but bookings, the newest first.
MOST = 20


def may_see(user: Any) -> bool:
    """Say whether a member of staff opens customers' pages: who sees people and bookings."""
    return bool(user.has_perm("accounts.view_user") and user.has_perm("bookings.view_reservation"))


def get_customer(*, user_id: int) -> User:
    """
    Answer the account of a customer.

    :raises NotFound: there is none of this number.
    """
    user = User.objects.filter(pk=user_id).first()
    if user is None:
        raise NotFound()
    return user


def bookings_of(
    *, viewer: Viewer, user_id: int, now: datetime, offset: int, limit: int
) -> tuple[int, list[ReservationDetail]]:
    """
    Answer how many reservations an account holds, and a page of them, the newest first.

    Only those that the viewer may see; what was booked as a guest is nobody's account's.
    """
    rows = bookings.visible_to(viewer).filter(user_id=user_id).order_by("-created_at", "-id")
    return rows.count(), bookings.load(list(rows[offset : offset + limit]), now=now)


def reports_of(*, user_id: int) -> Sequence[Report]:
    """Answer the customer's reports with their reservations."""
    rows = Report.objects.filter(user_id=user_id).select_related("reservation").order_by("-id")
    return list(rows[:MOST])


def goodwill_of(*, user_id: int) -> Sequence[Goodwill]:
    """Answer what staff gave to the customer's wallets, or want to, and who asked for it."""
    rows = Goodwill.objects.filter(account__user_id=user_id).order_by("-created_at", "-id")
    return list(rows.select_related("account", "reservation", "requested_by")[:MOST])


def servings_of(*, user_id: int) -> Sequence[Serving]:
    """Answer who looked as the customer or booked by phone, when and why."""
    rows = Serving.objects.filter(traveller_id=user_id).select_related("staff")
    return list(rows.order_by("-began_at", "-id")[:MOST])
