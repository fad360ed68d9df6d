"""What tests of travellers' pages do again and again: sign in, fill a wallet, hold, pay."""

from __future__ import annotations

from datetime import datetime

from django.test import Client

from accounts.models import User
from accounts.viewers import Viewer
from bookings import services as booking
from bookings.selectors import ReservationDetail
from payments import services as money
from tests import selling
from travel.common.money import parse_amount


def signed_in(user: User) -> Client:
    """Answer a browser in which the user has signed in."""
    client = Client()
    client.force_login(user)
    return client


def fill_wallet(user: User, amount: str, *, now: datetime) -> None:
    """Give the user's wallet so many euros."""
    money.open_with(user_id=user.pk, amount=parse_amount(amount, "EUR"), now=now)


def hold_as_guest(*ticket_ids: int, now: datetime) -> tuple[ReservationDetail, str]:
    """Reserve without an account; answer the reservation and the secret of its link."""
    reserved = booking.reserve(
        holder=booking.Holder(email="guest@example.org"),
        ticket_ids=ticket_ids,
        passengers=selling.adults(1),
        now=now,
    )
    assert reserved.guest_secret is not None
    return reserved.reservation, reserved.guest_secret


def paid(
    user: User, *ticket_ids: int, now: datetime, adults: int = 1, method: str = "Bank Card"
) -> ReservationDetail:
    """Reserve and pay; nothing of the sandbox's money is real."""
    held = selling.reserve(user, *ticket_ids, now=now, passengers=adults)
    money.pay(
        viewer=Viewer(user_id=user.pk),
        reservation_id=held.id,
        method=method,
        token=None,
        now=now,
    )
    return held


def text_of(answer: object) -> str:
    """Answer a page as text with its blanks in a row made one."""
    return " ".join(answer.content.decode().split())  # type: ignore[attr-defined]
