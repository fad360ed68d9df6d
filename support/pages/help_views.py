"""Help: a traveller's reports, one of them with its thread, and a new one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from http import HTTPStatus
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language, gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts.viewers import Viewer
from bookings import selectors as bookings
from bookings.pages.access import viewer_of
from bookings.pages.refusals import missing_is_404
from bookings.selectors import ReservationDetail
from inventory.selectors import TicketFacts
from support import selectors, services
from support.pages.forms import ReplyForm, ReportForm
from support.selectors import ReportDetail
from travel.common import clock
from travel.common.errors import NotFound, Refusal
from travel.common.paging import read_page
from travel.common.templatetags.look import moment_text, short_day

REPORTS_A_PAGE = 10
# The newest reservations whose tickets are offered to choose from.
TRIPS_OFFERED = 20
TONES = {
    "Pending": ("info", "clock"),
    "In Progress": ("info", "clock"),
    "Reviewed": ("good", "message"),
    "Closed": ("", "check"),
}


@dataclass(frozen=True, slots=True)
class Said:
    """A message of the thread as the page shows it."""

    author: str
    is_own: bool
    body: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Shown:
    """A report as the pages show it; its times are in the zone where the trip begins."""

    id: int
    title: str
    state: str
    tone: str
    icon_name: str
    locator: str
    trip: str
    created_at: datetime
    zone: str
    preview: str
    merged_into: int | None
    helper: str
    expected: str
    closing: str
    is_late: bool
    thread: list[Said]


# --- pages ----------------------------------------------------------------------------------------


@never_cache
@require_safe
@login_required
def reports(request: HttpRequest) -> HttpResponse:
    """List the traveller's reports, the newest first."""
    viewer = _viewer(request)
    page, rows = read_page(
        request,
        lambda offset, limit: selectors.list_reports(viewer=viewer, offset=offset, limit=limit),
        size=REPORTS_A_PAGE,
    )
    now = clock.now()
    return render(
        request,
        "support/reports.html",
        {"reports": [_shown(row, now) for row in rows], "page": page},
    )


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@missing_is_404
def submit(request: HttpRequest) -> HttpResponse:
    """Report a problem with a ticket; `?trip=` names the reservation it is about."""
    viewer, now = _viewer(request), clock.now()
    booked = _reservations(request, viewer, now)
    form = ReportForm(request.POST if request.method == "POST" else None, trips=_trips(booked))
    if request.method != "POST":
        return _ask(request, form, booked)
    if not form.is_valid():
        return _ask(request, form, booked, status=HTTPStatus.BAD_REQUEST)
    reservation_id, ticket_id = form.ids
    try:
        report = services.submit_report(
            viewer=viewer,
            reservation_id=reservation_id,
            ticket_id=ticket_id,
            category=form.cleaned_data["category"],
            text=form.cleaned_data["text"],
            now=now,
        )
    except NotFound:
        raise
    except Refusal as refusal:
        form.add_error(None, str(refusal.detail))
        return _ask(request, form, booked, status=refusal.status)
    messages.success(request, gettext("We have your report. Our answer comes by e-mail."))
    return redirect("support:report", report.id)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@missing_is_404
def report(request: HttpRequest, report_id: int) -> HttpResponse:
    """Show a report with its thread; write to staff, or say that it is settled."""
    viewer, now = _viewer(request), clock.now()
    found = selectors.get_report(viewer=viewer, report_id=report_id)
    if request.method != "POST" and found.merged_into is not None:
        messages.info(request, _led_on(found))
        return redirect("support:report", found.merged_into)
    if request.method != "POST":
        return _tell(request, found, ReplyForm(), now)
    if "close" in request.POST:
        services.close_report(viewer=viewer, report_id=found.id, now=now)
        messages.success(request, gettext("Thank you. The report is closed."))
        return redirect("support:report", found.id)
    form = ReplyForm(request.POST)
    if not form.is_valid():
        return _tell(request, found, form, now, status=HTTPStatus.BAD_REQUEST)
    try:
        reached = services.add_message(
            viewer=viewer, report_id=found.id, text=form.cleaned_data["text"], now=now
        )
    except NotFound:
        raise
    except Refusal as refusal:
        form.add_error(None, str(refusal.detail))
        return _tell(request, found, form, now, status=refusal.status)
    messages.success(request, gettext("Sent."))
    return redirect("support:report", reached.id)


# --- what they show -------------------------------------------------------------------------------


def _viewer(request: HttpRequest) -> Viewer:
    """
    Answer who looks: staff are travellers like others here, their desk is the admin.

    Whoever booked as a guest in this browser reports about that as well, once signed in; whoever
    knows no more than a booking's code and a name does not.
    """
    return replace(viewer_of(request), looked_up=frozenset())


def _ask(
    request: HttpRequest,
    form: ReportForm,
    booked: list[ReservationDetail],
    *,
    status: int = HTTPStatus.OK,
) -> HttpResponse:
    context = {"form": form, "has_trips": bool(booked)}
    return render(request, "support/submit.html", context, status=status)


def _tell(
    request: HttpRequest,
    found: ReportDetail,
    form: ReplyForm,
    now: datetime,
    *,
    status: int = HTTPStatus.OK,
) -> HttpResponse:
    context = {
        "report": _shown(found, now),
        "form": form,
        "actions": selectors.available_actions(found, now=now),
    }
    return render(request, "support/report.html", context, status=status)


def _reservations(request: HttpRequest, viewer: Viewer, now: datetime) -> list[ReservationDetail]:
    """Answer the reservation that the address names, else the newest ones."""
    locator = request.GET.get("trip", "")
    if locator:
        return [bookings.get_reservation(viewer=viewer, locator=locator, now=now)]
    _count, rows = bookings.list_reservations(viewer=viewer, now=now, limit=TRIPS_OFFERED)
    return rows


def _trips(booked: list[ReservationDetail]) -> list[tuple[str, str]]:
    return [
        (f"{one.id}-{ticket.id}", f"{one.locator}: {_way(ticket)}")
        for one in booked
        for ticket in sorted(one.tickets.values(), key=lambda ticket: ticket.departs_at)
    ]


def _way(ticket: TicketFacts) -> str:
    language = get_language() or "en"
    start = ticket.departs_at.astimezone(ZoneInfo(ticket.origin.station.tz))
    return gettext("%(origin)s to %(destination)s, %(service)s, %(day)s") % {
        "origin": ticket.origin.city.name_in(language),
        "destination": ticket.destination.city.name_in(language),
        "service": ticket.service.number,
        "day": short_day(start),
    }


def _led_on(found: ReportDetail) -> str:
    return gettext("Your report %(one)d is about the same, and is answered here.") % {
        "one": found.id
    }


def _expected(row: ReportDetail, now: datetime) -> str:
    """Say until when the traveller has an answer, in the zone where the trip begins."""
    if row.due_at is None:
        return ""
    if row.is_overdue(now):
        return gettext("Our answer is late. We are sorry, and have not forgotten you.")
    return gettext("We answer by %(moment)s.") % {
        "moment": moment_text(row.due_at, row.ticket.origin.station.tz)
    }


def _closing(row: ReportDetail) -> str:
    """Say when an answered report closes by itself, in the zone where the trip begins."""
    if row.closes_at is None:
        return ""
    return gettext("If nobody writes, this report closes on %(moment)s.") % {
        "moment": moment_text(row.closes_at, row.ticket.origin.station.tz)
    }


def _shown(row: ReportDetail, now: datetime) -> Shown:
    zone = ZoneInfo(row.ticket.origin.station.tz)
    tone, icon_name = TONES[row.state]
    return Shown(
        id=row.id,
        title=row.category_name,
        state=row.state_name,
        tone=tone,
        icon_name=icon_name,
        locator=row.locator,
        trip=_way(row.ticket),
        created_at=row.created_at.astimezone(zone),
        zone=f"{row.created_at.astimezone(zone):%Z}",
        preview=row.answer or row.text,
        merged_into=row.merged_into,
        helper=row.helper if row.closed_at is None else "",
        expected=_expected(row, now),
        closing=_closing(row),
        is_late=row.is_overdue(now),
        thread=[
            Said(
                author=_author(one),
                is_own=not one.is_from_staff,
                body=one.body,
                at=one.created_at.astimezone(zone),
            )
            for one in row.messages
        ],
    )


def _author(message: selectors.MessageDetail) -> str:
    if not message.is_from_staff:
        return gettext("You")
    if not message.author:
        return gettext("The support desk")
    return gettext("%(name)s, support") % {"name": message.author}
