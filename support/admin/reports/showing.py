"""How the reports desk shows things: due times in words, the thread, the reservation beside it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from bookings.documents.words import home_zone, seats_text
from bookings.selectors import ReservationDetail
from inventory.selectors import TicketFacts
from payments import selectors as payments
from payments.selectors import Overview
from support import reports
from support.admin.reservation.buttons import Button, buttons
from support.admin.words import Word
from support.models import Report, ReportMessage
from support.reports import MOST_ROWS, QueueRow
from support.selectors import MessageDetail, ReportDetail
from support.story import books, words
from support.story.words import Told
from travel.common.money import Money
from travel.common.templatetags.look import duration

# What is due within this time is marked.
SOON = timedelta(hours=4)
MINUTE = timedelta(minutes=1)
# So much of the reservation's story is told beside a report, the newest first.
LATELY = 6
ARROW = " → "
Event = ReportMessage.Event
STATES = dict(Report.State.choices)
CATEGORIES = dict(Report.Category.choices)


def state(word: str) -> Word:
    """Answer a report's state."""
    return Word.of(STATES[word], word)


def due(at: datetime | None, now: datetime, *, closes_at: datetime | None = None) -> Word:
    """
    Say how long there is left for the answer, or how late it is.

    Where none is owed and the passenger's turn has an end, say when that is.
    """
    if closes_at is not None:
        left = max(closes_at - now, MINUTE)
        return Word(_("closes itself in %(time)s") % {"time": duration(-(-left // MINUTE))})
    if at is None:
        return Word(_("No answer owed"))
    if at <= now:
        late = duration((now - at) // MINUTE)
        return Word(_("%(time)s late") % {"time": late}, "bad", "warning")
    left = _("due in %(time)s") % {"time": duration(-((now - at) // MINUTE))}
    return Word(left, "warn" if at - now <= SOON else "info", "clock")


# --- the queue ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Tab:
    """A tab: where it leads, and how many reports it has."""

    name: str
    title: str
    number: str
    href: str
    is_alert: bool


def tabs(counts: dict[str, int], asked: dict[str, str]) -> list[Tab]:
    """Answer the tabs of the queue; a filter stays when the tab changes."""
    titles = {
        reports.MINE: _("Mine"),
        reports.FREE: _("Nobody's"),
        reports.OPEN: _("All open"),
        reports.OVERDUE: _("Overdue"),
        reports.ANSWERED: _("Waiting for the passenger"),
        reports.CLOSED: _("Closed"),
    }
    return [
        Tab(
            name,
            title,
            _("over %(number)d") % {"number": MOST_ROWS}
            if counts[name] > MOST_ROWS
            else str(counts[name]),
            f"?{query({**asked, 'tab': name})}",
            name == reports.OVERDUE and counts[name] > 0,
        )
        for name, title in titles.items()
    ]


def query(asked: dict[str, str]) -> str:
    """Write tab and filters as an address has them."""
    return urlencode({name: value for name, value in asked.items() if value})


@dataclass(frozen=True, slots=True)
class Line:
    """A report in the queue with its due time and its state in words."""

    row: QueueRow
    due: Word
    state: Word
    age: str


def line(row: QueueRow, now: datetime) -> Line:
    """Answer a report of the queue in words."""
    return Line(
        row,
        due(row.due_at, now, closes_at=row.closes_at),
        state(row.state),
        duration((now - row.created_at) // MINUTE),
    )


# --- the thread -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Said:
    """
    A message of the thread, or what staff did. `side` is passenger, answer, note or event.

    `from_report` is the number of the merged report that it was written to, None for this one.
    """

    message: MessageDetail
    author: str
    side: str
    text: str
    at: datetime
    from_report: int | None


def thread(report: ReportDetail, *, zone: ZoneInfo) -> list[Said]:
    """Answer the conversation in order, its times in the zone of the journey."""
    return [
        Said(
            message=one,
            author=one.known_as,
            side=_side(one),
            text=_told(one) if one.event else one.body,
            at=one.created_at.astimezone(zone),
            from_report=one.report_id if one.report_id != report.id else None,
        )
        for one in report.messages
        # What was done to a report that was merged stands on its own page.
        if not one.event or one.report_id == report.id
    ]


def _side(message: MessageDetail) -> str:
    if message.event:
        return "event"
    if message.is_internal:
        return "note"
    return "answer" if message.is_from_staff else "passenger"


def _told(message: MessageDetail) -> str:
    """Say what somebody did to the report; the words of it may have been erased."""
    old, _arrow, new = message.body.partition(ARROW)
    number = message.body.lstrip("#")
    return {
        Event.MOVED: _("%(old)s → %(new)s")
        % {"old": STATES.get(old, old), "new": STATES.get(new, new)},
        Event.TAKEN: _("took the report"),
        Event.GIVEN: _("gave the report to %(name)s") % {"name": message.body},
        Event.RETURNED: _("gave the report back to the queue"),
        Event.FILED: _("filed it elsewhere: %(old)s → %(new)s")
        % {"old": CATEGORIES.get(old, old), "new": CATEGORIES.get(new, new)},
        Event.MERGED: _("merged it into report %(number)s") % {"number": number},
        Event.JOINED: _("merged report %(number)s into this one") % {"number": number},
        Event.PARTED: _("took it out of report %(number)s again") % {"number": number},
        Event.LAPSED: _("closed by itself: nobody wrote after the answer"),
    }[Event(message.event)]


# --- the reservation beside it --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Traveller:
    """A passenger of the reservation, and the seats on each ticket that is still open."""

    name: str
    seats: str


@dataclass(frozen=True, slots=True)
class Leg:
    """A ticket of the journey. `is_meant`: the report is about it."""

    ticket: TicketFacts
    travellers: list[Traveller]
    is_meant: bool


@dataclass(frozen=True, slots=True)
class Beside:
    """A reservation as it is shown beside a report."""

    reservation: ReservationDetail
    state: Word
    zone: ZoneInfo
    legs: list[Leg]
    price: Money
    paid: Money
    refunded: Money
    lately: list[Told]
    acts: list[Button]
    href: str


def reservation(
    request: HttpRequest,
    found: ReservationDetail,
    report: ReportDetail,
    *,
    powers: Collection[str],
    now: datetime,
) -> Beside:
    """Answer the reservation that a report is about, with what happened to it lately."""
    told = books.read_all(found)
    overview = Overview(found, told.payments, payments.available_actions(found, now=now))
    user: Any = request.user
    sees = user.has_perm("bookings.view_reservation")
    captured = sum(one.amount.minor for one in told.payments if one.state == "captured")
    return Beside(
        reservation=found,
        state=_reservation_state(found),
        zone=home_zone(found) if found.journey else ZoneInfo(report.ticket.origin.station.tz),
        legs=[_leg(found, ticket, report) for ticket in found.journey],
        price=found.price,
        paid=Money(captured, found.currency),
        refunded=overview.refunded,
        lately=_lately(found, told),
        acts=[
            one
            for one in (buttons(overview, powers=powers, holder=None) if sees else [])
            if not one.why_not
        ],
        href=reverse("admin:bookings_reservation_change", args=[found.id]) if sees else "",
    )


def _reservation_state(found: ReservationDetail) -> Word:
    text = {
        "Reserved": _("Held"),
        "Paid": _("Paid"),
        "Cancelled": _("Cancelled"),
        "Expired": _("Expired"),
    }.get(found.status, found.status)
    return Word.of(text, found.state)


def _leg(found: ReservationDetail, ticket: TicketFacts, report: ReportDetail) -> Leg:
    coupons = [one for one in found.coupons if one.ticket_id == ticket.id and not one.is_exchanged]
    return Leg(
        ticket=ticket,
        travellers=[
            Traveller(found.passenger_of(one).full_name, seats_text([one])) for one in coupons
        ],
        is_meant=ticket.id == report.ticket.id,
    )


def _lately(found: ReservationDetail, told: books.Books) -> list[Told]:
    """Answer the latest of what happened, without what bookkeeping notes and without reports."""
    reports_own = (books.REPORT, books.ANSWER, books.NOTE, books.LETTER)
    entries = [
        one
        for one in words.tell_all(found, told)
        if not one.is_quiet
        and one.entry.source not in reports_own
        and not one.entry.kind.startswith("support.report")
    ]
    return entries[-LATELY:][::-1]
