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
        )
