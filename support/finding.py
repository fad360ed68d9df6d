"""
Finding a reservation by whatever somebody reads out on the telephone.

A booking code, an e-mail address, a telephone number, the number of a reservation, a coupon, a
payment or a refund, a receipt's number, a provider's reference: each is looked up by an index.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from accounts import selectors as people
from accounts.viewers import Viewer
from bookings import selectors as bookings
from bookings.models import Coupon, Reservation
from bookings.selectors import ReservationDetail
from payments.models import Payment, Receipt, Refund, WebhookEvent
from travel.common.ids import LOCATOR_LENGTH, normal_email, normal_locator, normal_text

# So many are listed; whoever has more is found by something narrower.
MOST = 50
LONGEST = 254
# Every gateway that an attempt may ever have gone through, the wallet among them.
GATEWAYS = ("sandbox", "stripe", "btcpay", "wallet")
_RECEIPT = re.compile(r"(?P<issuer>.+)-(?P<year>\d{4})-(?P<number>\d{1,9})")
_BIGGEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Found:
    """The reservations that a text leads to, the newest first, and whether there are more."""

    reservations: list[ReservationDetail]
    is_cut_off: bool


def find_reservations(*, viewer: Viewer, text: str, now: datetime) -> Found:
    """
    Answer the reservations that a text may mean, at most fifty.

    Only those that the viewer may see. A text that means nothing leads to none.
    """
    term = normal_text(text.replace("\0", ""))[:LONGEST]
    if not term:
        return Found([], is_cut_off=False)
    ids = _meant(term)
    rows = bookings.visible_to(viewer).filter(id__in=ids).order_by("-created_at", "-id")
    page = list(rows[: MOST + 1])
    return Found(bookings.load(page[:MOST], now=now), is_cut_off=len(page) > MOST)


def _meant(term: str) -> set[int]:
    found: set[int] = set()
    code = normal_locator(term)
    if len(code) == LOCATOR_LENGTH:
        found |= _reservations(Q(locator=code))
    if "@" in term:
        return found | _of_address(normal_email(term))
    digits = "".join(sign for sign in term if sign.isdigit())
    if term.startswith(("+", "00")) and len(digits) >= 6:
        return found | _reservations(Q(contact_phone=f"+{digits.removeprefix('00')}"))
    if term.isascii() and term.isdigit():
        return found | _of_number(int(term)) if int(term) <= _BIGGEST else found
    if match := _RECEIPT.fullmatch(term):
        found |= _of_receipt(match["issuer"], int(match["year"]), int(match["number"]))
    return found | _of_reference(term)


def _reservations(wanted: Q) -> set[int]:
    rows = Reservation.objects.filter(wanted).order_by("-created_at", "-id")
    return set(rows.values_list("id", flat=True)[: MOST + 1])


def _of_address(email: str) -> set[int]:
    found = _reservations(Q(contact_email=email))
    user = people.find_by_email(email=email)
    # Two look-ups by two indexes; a condition over both columns has none.
    return found | (_reservations(Q(user_id=user.pk)) if user is not None else set())


def _of_number(number: int) -> set[int]:
    """A number may be a reservation's, a ticket's (coupon's) or a payment's: all are offered."""
    found = _reservations(Q(id=number))
    found |= set(
        Coupon.objects.filter(id=number).values_list("passenger__reservation_id", flat=True)
    )
    return found | set(Payment.objects.filter(id=number).values_list("reservation_id", flat=True))


def _of_receipt(issuer: str, year: int, number: int) -> set[int]:
    rows = Receipt.objects.filter(
        series__issuer__in=[issuer, issuer.upper()], series__year=year, number=number
    )
    return set(rows.values_list("reservation_id", flat=True)[:2])


def _of_reference(term: str) -> set[int]:
    """
    Answer by the office's key for an attempt, or the provider's word for a payment or an event.

    The keys of each begin with the gateway, so all of them are named.
    """
    known = Payment.objects.filter(gateway__in=GATEWAYS)
    by_key = known.filter(gateway_reference=term).values_list("reservation_id", flat=True)
    by_word = known.filter(provider_reference=term).values_list("reservation_id", flat=True)
    refunds = Refund.objects.filter(reference=term).values_list(
        "payment__reservation_id", flat=True
    )
    events = WebhookEvent.objects.filter(gateway__in=GATEWAYS, event_id=term)
    told = events.values_list("payment__reservation_id", "refund__payment__reservation_id")
    return {
        one
        for one in [
            *by_key[:2],
            *by_word[:2],
            *refunds[:2],
            *(id_ for row in told[:2] for id_ in row),
        ]
        if one is not None
    }
