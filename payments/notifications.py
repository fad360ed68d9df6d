"""Messages about money: outbox rows in the transaction of what they tell."""

from __future__ import annotations

from datetime import datetime

from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _

from bookings.notifications import context
from bookings.selectors import ReservationDetail
from travel.common import outbox
from travel.common.money import Money


def cancellation(
    *,
    reservation: ReservationDetail,
    cancellation_id: int,
    penalty: Money,
    refund: Money,
    now: datetime,
) -> None:
    """Tell the holder what was cancelled, what it cost and what comes back."""
    if reservation.contact_email is None:
        return
    language = reservation.language
    with translation.override(language):
        outbox.write(
            kind="payments.cancellation",
            channel="email",
            recipient=reservation.contact_email,
            subject=f"{_('Your cancellation')}: {reservation.locator}",
            body=render_to_string(
                "emails/cancellation.txt",
                context(reservation)
                | {"penalty": penalty.format(language), "refund": refund.format(language)},
            ),
            language=language,
            now=now,
            reference=f"payments.cancellation:{cancellation_id}",
            about=f"reservation:{reservation.id}",
        )


def money_back(
    *, reservation: ReservationDetail, payment_id: int, amount: Money, cause: str, now: datetime
) -> None:
    """Tell the holder that what was paid bought nothing, why, and that it is on its way back."""
    if reservation.contact_email is None:
        return
    language = reservation.language
    with translation.override(language):
        why = {
            "late_capture": _("Your payment came after the time to pay had ended."),
            "double_capture": _("Your reservation had been paid before."),
            "underpaid": _("Less than the price arrived before the time to pay had ended."),
        }[cause]
        outbox.write(
            kind="payments.money_back",
            channel="email",
            recipient=reservation.contact_email,
            subject=f"{_('Your money is on its way back')}: {reservation.locator}",
            body=render_to_string(
                "emails/money_back.txt",
                context(reservation) | {"amount": amount.format(language), "why": why},
            ),
            language=language,
            now=now,
            reference=f"payments.money_back:{payment_id}",
            about=f"reservation:{reservation.id}",
        )


def refund_rejected(
    *, reservation: ReservationDetail, refund_id: int, owed: Money, now: datetime
) -> None:
    """Tell the holder that the fee stays after all, and what goes back by the fare's rules."""
    if reservation.contact_email is None:
        return
    language = reservation.language
    with translation.override(language):
        outbox.write(
            kind="payments.refund_rejected",
            channel="email",
            recipient=reservation.contact_email,
            subject=f"{_('Your refund')}: {reservation.locator}",
            body=render_to_string(
                "emails/refund_rejected.txt",
                context(reservation) | {"owed": owed.format(language)},
            ),
            language=language,
            now=now,
            reference=f"payments.refund_rejected:{refund_id}",
            about=f"reservation:{reservation.id}",
        )


def refund_claim(
    *,
    reservation: ReservationDetail,
    refund_id: int,
    amount: Money,
    claim_url: str,
    now: datetime,
) -> None:
    """Tell the holder on which page of the provider a refund in a cryptocurrency is claimed."""
    if reservation.contact_email is None:
        return
    language = reservation.language
    with translation.override(language):
        outbox.write(
            kind="payments.refund_claim",
            channel="email",
            recipient=reservation.contact_email,
            subject=f"{_('Your refund')}: {reservation.locator}",
            body=render_to_string(
                "emails/refund_claim.txt",
                context(reservation) | {"amount": amount.format(language), "claim_url": claim_url},
            ),
            language=language,
            now=now,
            reference=f"payments.refund_claim:{refund_id}",
            about=f"reservation:{reservation.id}",
        )
