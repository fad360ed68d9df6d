"""Messages about reservations: outbox rows in the transaction of what they tell."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from bookings.selectors import ReservationDetail
from inventory.selectors import TicketFacts
from travel.common import outbox


def hold_notice(*, reservation: ReservationDetail, guest_secret: str | None, now: datetime) -> None:
    """
    Tell the holder until when the seats are held, and a guest the link that opens the reservation.
    """
    _send("hold_notice", _("Your seats are held"), reservation, guest_secret=guest_secret, now=now)


def confirmation(*, reservation: ReservationDetail, now: datetime) -> None:
    """Tell the holder that the reservation is paid."""
    _send("confirmation", _("Your tickets"), reservation, now=now)


def _send(
    kind: str,
    subject: str,
    reservation: ReservationDetail,
    *,
    now: datetime,
    guest_secret: str | None = None,
) -> None:
    recipient = reservation.contact_email
    if recipient is None:
        return
    with translation.override(reservation.language):
        outbox.write(
            kind=f"bookings.{kind}",
            channel="email",
            recipient=recipient,
            subject=f"{translation.gettext(subject)}: {reservation.locator}",
            body=render_to_string(
                f"emails/{kind}.txt", context(reservation, guest_secret=guest_secret)
            ),
            language=reservation.language,
            now=now,
            reference=f"bookings.{kind}:{reservation.id}",
            about=f"reservation:{reservation.id}",
        )


def context(
    reservation: ReservationDetail, *, guest_secret: str | None = None
) -> dict[str, object]:
    """Answer what the templates of messages about a reservation may show."""
    link = f"{settings.SITE_URL}/booking/{reservation.locator}/"
    if guest_secret:
        link += f"?key={guest_secret}"
    return {
        "site": settings.SITE_NAME,
        "link": link,
        "reservation": reservation,
        "price": reservation.price.format(reservation.language),
        "until": f"{reservation.hold_until:%H:%M} UTC",
        "tickets": [ticket_line(ticket) for ticket in reservation.tickets.values()],
        "passengers": [passenger.full_name for passenger in reservation.passengers],
    }


def ticket_line(ticket: TicketFacts) -> str:
    """
    Write a ticket as one line: day, time and station at both ends, each in its own zone, number.
    """
    start = ticket.departs_at.astimezone(ZoneInfo(ticket.origin.station.tz))
    end = ticket.arrives_at.astimezone(ZoneInfo(ticket.destination.station.tz))
    days = (end.date() - start.date()).days
    later = f" (+{days})" if days > 0 else ""
    return (
        f"{date_format(start, 'D j N Y')}, {start:%H:%M} {ticket.origin.station.name} - "
        f"{end:%H:%M}{later} {ticket.destination.station.name}, {ticket.service.number}"
    )
