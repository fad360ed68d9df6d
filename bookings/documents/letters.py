"""
What e-mails about tickets have besides their text: the same as HTML, the PDF, the calendar file.

It is made when the outbox sends, of what holds then, and is stored nowhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import get_language_bidi

from accounts.viewers import Viewer
from bookings import selectors
from bookings.documents import calendars, tickets
from bookings.documents.passes import Papers, Pass, has_documents, papers_of, per_ticket
from bookings.documents.words import way
from bookings.notifications import booking_link
from bookings.selectors import ReservationDetail
from travel.common.messaging import Attachment, Extras
from travel.common.money import Money
from travel.common.outbox import Dresser

PDF = "application/pdf"


@dataclass(frozen=True, slots=True)
class Ride:
    """A ticket of the letter: its first pass tells the way, each of them who travels."""

    journey: Pass
    passes: list[Pass]
    rules: Sequence[str]


def confirmation(about: str, language: str, now: datetime) -> Extras | None:
    """Answer HTML, PDF and calendar file of the tickets that a message brings."""
    reservation = _reservation(about, now)
    if not has_documents(reservation):
        return None
    papers = papers_of(reservation)
    with translation.override(language):
        return Extras(html=_html(papers, language), attachments=_files(papers))


def change(about: str, language: str, now: datetime) -> Extras | None:
    """
    Answer the files that take the place of older ones after a change.

    What was cancelled altogether has no tickets, and a calendar file that takes the trip out.
    """
    reservation = _reservation(about, now)
    if reservation.status not in ("Paid", "Cancelled"):
        return None
    with translation.override(language):
        if has_documents(reservation):
            return Extras(attachments=_files(papers_of(reservation)))
        events = selectors.events(reservation.id)
        if not any(event.kind == "paid" for event in events):
            return None
        return Extras(attachments=[_calendar(reservation)])


def files(about: str, language: str, now: datetime) -> Extras | None:
    """Answer the files of the tickets that hold, where there are any."""
    reservation = _reservation(about, now)
    if not has_documents(reservation):
        return None
    with translation.override(language):
        return Extras(attachments=_files(papers_of(reservation)))


DRESSERS: dict[str, Dresser] = {
    "bookings.confirmation": confirmation,
    "bookings.tickets": confirmation,
    "bookings.seats_changed": change,
    "bookings.name_corrected": change,
    "bookings.rebooked": change,
    "bookings.contact_link": files,
    "payments.cancellation": change,
}


def _reservation(about: str, now: datetime) -> ReservationDetail:
    return selectors.get_reservation(
        viewer=Viewer(is_support=True), reservation_id=int(about.partition(":")[2]), now=now
    )


def _files(papers: Papers) -> list[Attachment]:
    files = [_calendar(papers.reservation)]
    if papers.valid:
        name = tickets.file_name(papers.valid)
        files.insert(0, Attachment(name, PDF, tickets.tickets_pdf(papers.valid)))
    return files


def _calendar(reservation: ReservationDetail) -> Attachment:
    return Attachment(
        calendars.file_name(reservation.locator),
        "text/calendar",
        calendars.calendar_of(reservation, selectors.events(reservation.id)),
    )


def _html(papers: Papers, language: str) -> str:
    reservation = papers.reservation
    origin, destination = way(reservation)
    shown = [one for one in papers.passes if one.coupon_state != "cancelled"]
    link = booking_link(reservation)
    return render_to_string(
        "emails/confirmation.html",
        {
            "site": settings.SITE_NAME,
            "language": language,
            "direction": "rtl" if get_language_bidi() else "ltr",
            "start": "right" if get_language_bidi() else "left",
            "end": "left" if get_language_bidi() else "right",
            "origin": origin,
            "destination": destination,
            "reservation": reservation,
            "rides": [
                Ride(passes[0], passes, passes[0].rules) for passes in per_ticket(shown).values()
            ],
            "price": Money(sum(one.price.minor for one in shown), reservation.currency),
            "tickets_link": f"{link}tickets/" if reservation.user_id else link,
            "booking_link": link,
        },
    )
