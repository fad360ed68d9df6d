"""Messages about reservations: outbox rows in the transaction of what they tell."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext, gettext_noop

from accounts.selectors import Topic, chosen_channels
from bookings.documents.words import home_zone
from bookings.selectors import ReservationDetail
from inventory.selectors import TicketFacts
from travel.common import outbox
from travel.common.calendars import write_day, write_time
from travel.common.contacts import EMAIL, SMS, Contact
from travel.common.locales import own_digits, reader_locale


class DepartureNews(Protocol):
    """What is told of a departure: late or called off, by how many minutes, with what choice."""

    @property
    def kind(self) -> str: ...
    @property
    def ticket(self) -> TicketFacts: ...
    @property
    def leaves_late(self) -> int: ...
    @property
    def arrives_late(self) -> int: ...
    @property
    def may_choose(self) -> bool: ...


def hold_notice(*, reservation: ReservationDetail, guest_secret: str | None, now: datetime) -> None:
    """
    Tell the holder until when the seats are held, and a guest the link that opens the reservation.
    """
    _send(
        "hold_notice",
        gettext_noop("Your seats are held"),
        reservation,
        guest_secret=guest_secret,
        once=True,
        now=now,
    )


def phone_notice(
    *, reservation: ReservationDetail, guest_secret: str | None, now: datetime
) -> None:
    """
    Tell the holder what staff booked by phone, and where and until when to pay: by text, too.
    """
    _send(
        "phone_notice",
        gettext_noop("Booked for you by phone"),
        reservation,
        guest_secret=guest_secret,
        by_text=True,
        once=True,
        now=now,
    )


def confirmation(*, reservation: ReservationDetail, now: datetime) -> None:
    """Tell the holder that the reservation is paid."""
    _send("confirmation", gettext_noop("Your tickets"), reservation, once=True, now=now)


def tickets_again(*, reservation: ReservationDetail, now: datetime) -> None:
    """Send the tickets once more, because somebody asked for them."""
    _send("tickets", gettext_noop("Your tickets"), reservation, template="confirmation", now=now)


def payment_link(*, reservation: ReservationDetail, now: datetime) -> None:
    """Tell the holder once more where and until when to pay: by text where there is no e-mail."""
    _send(
        "payment_link",
        gettext_noop("Your reservation waits to be paid"),
        reservation,
        by_text=True,
        now=now,
    )


def seats_changed(*, reservation: ReservationDetail, now: datetime) -> None:
    """Tell the holder the new seats, and that tickets kept elsewhere still show the old ones."""
    _send(
        "seats_changed",
        gettext_noop("Your seats have changed"),
        reservation,
        shown=lambda: {"seats": seat_lines(reservation)},
        now=now,
    )


def name_corrected(
    *, reservation: ReservationDetail, before: str, after: str, now: datetime
) -> None:
    """Tell the holder whose name was corrected, so that nobody does it behind their back."""
    _send(
        "name_corrected",
        gettext_noop("A name was corrected"),
        reservation,
        shown=lambda: {"before": before, "after": after},
        now=now,
    )


def contact_corrected(
    *,
    reservation: ReservationDetail,
    to: Sequence[Contact],
    before: Sequence[Contact],
    after: Sequence[Contact],
    now: datetime,
) -> None:
    """
    Tell the former contacts, and those that stay, that the contact was corrected: by text, too.

    Neither sees an address whole that is not its own, and nobody gets a way to the booking by it.
    """
    _send(
        "contact_corrected",
        gettext_noop("The contact of your booking was changed"),
        reservation,
        shown=lambda: {
            "before": [one.masked for one in before],
            "after": [one.masked for one in after],
            "address": settings.SITE_URL,
        },
        by_text=True,
        to=to,
        now=now,
    )


def contact_link(
    *, reservation: ReservationDetail, guest_secret: str | None, has_tickets: bool, now: datetime
) -> None:
    """
    Give the new contact what a holder has: the way to the booking, and the tickets with an e-mail.
    """
    _send(
        "contact_link",
        gettext_noop("Your booking"),
        reservation,
        guest_secret=guest_secret,
        shown=lambda: {"has_tickets": has_tickets},
        by_text=True,
        now=now,
    )


def rebooked(
    *, reservation: ReservationDetail, before: TicketFacts, after: TicketFacts, now: datetime
) -> None:
    """Tell the holder which departure took the place of which, and where they sit."""
    _send(
        "rebooked",
        gettext_noop("Your new departure"),
        reservation,
        shown=lambda: {
            "before": ticket_line(before),
            "after": ticket_line(after),
            "seats": seat_lines(reservation),
        },
        now=now,
    )


def departure_changed(
    *, reservation: ReservationDetail, news: DepartureNews, now: datetime, reason: str = ""
) -> None:
    """
    Tell the holder that a departure is late, on time again, or does not run: by text, too.

    `reason` is what the departures desk wrote, in its own words. Of mere delays a holder with an
    account is told as they chose; what does not run, or lets them choose anew, always reaches them.
    """
    is_off = news.kind == "called_off"
    is_late = news.leaves_late > 0 or news.arrives_late > 0
    subject = gettext_noop("Your departure is late")
    if is_off:
        subject = gettext_noop("Your departure was cancelled")
    elif not is_late:
        subject = gettext_noop("Your departure runs on time again")
    ticket = news.ticket
    _send(
        "departure_changed",
        subject,
        reservation,
        shown=lambda: {
            "is_off": is_off,
            "is_late": is_late,
            "reason": reason,
            "news": news,
            "ticket": ticket_line(ticket),
            "service": ticket.service.number,
            "leaves_at": _clock(ticket.leaves_at, ticket.origin.station.tz),
            "arrives_at": _clock(
                ticket.destination.expected_arrives_at or ticket.arrives_at,
                ticket.destination.station.tz,
            ),
            "station": ticket.origin.station.name,
        },
        by_text=True,
        to=None if is_off or news.may_choose else _as_chosen(reservation),
        now=now,
    )


def _as_chosen(reservation: ReservationDetail) -> list[Contact] | None:
    """Answer where the holder wants to hear of delays; None where nothing was chosen."""
    chosen = chosen_channels(user_id=reservation.user_id, topic=Topic.JOURNEY)
    if chosen is None:
        return None
    every = {EMAIL: reservation.contact_email, SMS: reservation.contact_phone}
    return [
        Contact(channel, address)
        for channel, address in every.items()
        if address and channel in chosen
    ]


def proof_code(
    *,
    contact: Contact,
    reservation_id: int,
    locator: str,
    digits: str,
    language: str,
    now: datetime,
) -> None:
    """Send the code by which somebody shows that a booking is theirs; it stands in the body."""
    with translation.override(language):
        outbox.write(
            kind="bookings.proof_code",
            channel=contact.channel,
            recipient=contact.address,
            subject=gettext("Your code for booking %(locator)s") % {"locator": locator},
            body=render_to_string(
                "emails/proof_code.txt",
                {"site": settings.SITE_NAME, "code": digits, "locator": locator},
            ).strip(),
            language=language,
            now=now,
            about=f"reservation:{reservation_id}",
        )


def _send(
    kind: str,
    subject: str,
    reservation: ReservationDetail,
    *,
    now: datetime,
    guest_secret: str | None = None,
    shown: Callable[[], dict[str, object]] = dict,
    once: bool = False,
    by_text: bool = False,
    to: Sequence[Contact] | None = None,
    template: str | None = None,
) -> None:
    """
    Write to the reservation's address, in its language; `by_text` to its number if it has no other.

    What is `shown` is put into words in that language. `once` is for what happens to a reservation
    once. `to` names other contacts than the usual one, `template` another kind's text, where both
    say the same.
    """
    usual = contact_of(reservation)
    for contact in ([usual] if usual else []) if to is None else to:
        if contact.is_phone and not by_text:
            continue
        with translation.override(reservation.language):
            outbox.write(
                kind=f"bookings.{kind}",
                channel=contact.channel,
                recipient=contact.address,
                subject=f"{gettext(subject)}: {reservation.locator}",
                body=render_to_string(
                    f"emails/{template or kind}.txt",
                    context(reservation, guest_secret=guest_secret)
                    | {"is_text": contact.is_phone}
                    | shown(),
                ).strip(),
                language=reservation.language,
                now=now,
                reference=f"bookings.{kind}:{reservation.id}" if once else None,
                about=f"reservation:{reservation.id}",
            )


def contact_of(reservation: ReservationDetail) -> Contact | None:
    """Answer how the holder is reached: by e-mail, else by telephone, else not at all."""
    if reservation.contact_email:
        return Contact(EMAIL, reservation.contact_email)
    if reservation.contact_phone:
        return Contact(SMS, reservation.contact_phone)
    return None


def booking_link(reservation: ReservationDetail, *, guest_secret: str | None = None) -> str:
    """
    Answer the address by which the holder comes to a reservation from a message.

    A guest whose secret is not known any more finds it by its code and a name.
    """
    page = f"{settings.SITE_URL}/booking/{reservation.locator}/"
    if guest_secret:
        return f"{page}?key={guest_secret}"
    if reservation.user_id is None:
        return f"{settings.SITE_URL}/find-booking/?code={reservation.locator}"
    return page


def context(
    reservation: ReservationDetail, *, guest_secret: str | None = None
) -> dict[str, object]:
    """Answer what the templates of messages about a reservation may show."""
    link = booking_link(reservation, guest_secret=guest_secret)
    return {
        "site": settings.SITE_NAME,
        "link": link,
        "tickets_link": f"{link}tickets/" if reservation.user_id else link,
        "reservation": reservation,
        "price": reservation.price.format(reservation.language),
        "until": _until(reservation),
        "tickets": [ticket_line(ticket) for ticket in reservation.journey],
        "passengers": [passenger.full_name for passenger in reservation.passengers],
    }


def _until(reservation: ReservationDetail) -> str:
    """Write until when the seats are held as the pages do, on the first station's clock."""
    # A journey whose tickets were all exchanged has no first station.
    zone = home_zone(reservation) if reservation.journey else UTC
    until = reservation.hold_until.astimezone(zone)
    return f"{write_time(until, reader_locale())} {until:%Z}"


def ticket_line(ticket: TicketFacts) -> str:
    """
    Write a ticket as one line: day, time and station at both ends, each in its own zone, number.
    """
    start = ticket.departs_at.astimezone(ZoneInfo(ticket.origin.station.tz))
    end = ticket.arrives_at.astimezone(ZoneInfo(ticket.destination.station.tz))
    locale = reader_locale()
    days = (end.date() - start.date()).days
    later = f" (+{days})" if days > 0 else ""
    return gettext("%(day)s, %(leaves)s %(origin)s - %(arrives)s %(destination)s, %(service)s") % {
        "day": write_day(start.date(), "yMMMEd", locale),
        "leaves": write_time(start, locale),
        "origin": ticket.origin.station.name,
        "arrives": write_time(end, locale) + own_digits(later, locale),
        "destination": ticket.destination.station.name,
        "service": ticket.service.number,
    }


def seat_lines(reservation: ReservationDetail) -> list[str]:
    """Write who sits where: a line for each passenger and seat that has a name."""
    return [
        gettext("%(service)s, %(name)s: coach %(coach)s, seat %(seat)s")
        % {
            "service": reservation.tickets[coupon.ticket_id].service.number,
            "name": reservation.passenger_of(coupon).full_name,
            "coach": place.coach,
            "seat": place.seat,
        }
        for coupon in reservation.open_coupons
        for place in coupon.seats
        if place.seat
    ]


def _clock(moment: datetime, tz: str) -> str:
    return f"{moment.astimezone(ZoneInfo(tz)):%H:%M}"
