"""
Journeys as calendar files (iCalendar, RFC 5545): an event for each ticket, in its stations' zones.

An event keeps its UID as long as the reservation lives, and its SEQUENCE rises with everything that
happens to the reservation, so that opening a newer file changes the entry, and a cancelled trip
takes it out.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from accounts.viewers import Viewer
from bookings import selectors
from bookings.documents.words import seat_on_the_way
from bookings.errors import ProofNeeded
from bookings.notifications import booking_link
from bookings.selectors import CouponDetail, EventDetail, ReservationDetail
from inventory.selectors import TicketFacts
from travel.common.errors import NotFound
from travel.common.templatetags.look import clock_text

if TYPE_CHECKING:
    from icalendar import Alarm, Event

MEDIA_TYPE = "text/calendar; charset=utf-8"
DAY_BEFORE = timedelta(days=1)
YEAR = timedelta(days=366)
# When it is time to set out: to an airport earlier than to a station.
SET_OUT = {"Plane": timedelta(hours=3)}
SET_OUT_USUALLY = timedelta(hours=1)


def get_calendar(
    *, viewer: Viewer, locator: str, now: datetime, ticket_id: int | None = None
) -> bytes:
    """
    Answer the calendar file of a reservation, or of one of its tickets.

    What was paid once has one, also when it is cancelled: the file then takes the entries out.

    :raises NotFound: it is not the viewer's to see, was never paid, or has no such ticket.
    :raises ProofNeeded: the viewer has shown no more than its booking code and a name.
    """
    found = selectors.get_reservation(viewer=viewer, locator=locator, now=now)
    if not selectors.may_change(viewer, found.id):
        raise ProofNeeded()
    if ticket_id is not None and ticket_id not in found.tickets:
        raise NotFound()
    events = selectors.events(found.id)
    if found.status != "Paid" and not any(event.kind == "paid" for event in events):
        raise NotFound()
    return calendar_of(found, events, ticket_ids=None if ticket_id is None else [ticket_id])


def file_name(locator: str, ticket_id: int | None = None) -> str:
    """Answer what the file is called."""
    return f"trip-{locator}-{ticket_id}.ics" if ticket_id else f"trip-{locator}.ics"


def calendar_of(
    reservation: ReservationDetail,
    events: Sequence[EventDetail],
    *,
    ticket_ids: Sequence[int] | None = None,
) -> bytes:
    """
    Answer the file of these tickets, or of all; the caller may see the reservation already.

    `events` are all that happened to the reservation, the oldest first.
    """
    # It is wanted by few requests.
    from icalendar import Calendar

    calendar = Calendar()
    calendar.add("prodid", f"-//{settings.SITE_NAME}//Tickets//{(get_language() or 'en').upper()}")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", "PUBLISH")
    chosen = sorted(
        (one for one in reservation.tickets.values() if not ticket_ids or one.id in ticket_ids),
        key=lambda one: (one.departs_at, one.id),
    )
    for ticket in chosen:
        calendar.add_component(_event(reservation, ticket, events))
    # Of the zones' history no more is told than these trips need.
    calendar.add_missing_timezones(
        first_date=chosen[0].departs_at.date() - YEAR,
        last_date=max(one.arrives_at for one in chosen).date() + YEAR,
    )
    return calendar.to_ical()


def _event(
    reservation: ReservationDetail, ticket: TicketFacts, events: Sequence[EventDetail]
) -> Event:
    from icalendar import Event, vGeo

    travelling = [
        one
        for one in reservation.coupons
        if one.ticket_id == ticket.id and one.state != "cancelled"
    ]
    is_off = reservation.status != "Paid" or not travelling or ticket.departure_state == "cancelled"
    start, end = ticket.origin.station, ticket.destination.station
    event = Event()
    event.add("uid", f"{ticket.id}-{reservation.id}@{urlsplit(settings.SITE_URL).hostname}")
    event.add("sequence", len(events))
    changed_at = events[-1].at if events else reservation.created_at
    event.add("dtstamp", changed_at)
    event.add("last-modified", changed_at)
    event.add("dtstart", ticket.departs_at.astimezone(ZoneInfo(start.tz)))
    event.add("dtend", ticket.arrives_at.astimezone(ZoneInfo(end.tz)))
    event.add("status", "CANCELLED" if is_off else "CONFIRMED")
    event.add("summary", _summary(ticket, is_off=is_off))
    event.add("location", start.name)
    if start.latitude or start.longitude:
        event.add("geo", vGeo((start.latitude, start.longitude)))
    event.add("url", booking_link(reservation))
    event.add("description", "\n".join(_lines(reservation, ticket, travelling, is_off=is_off)))
    if not is_off:
        for before in (DAY_BEFORE, SET_OUT.get(ticket.service.mode, SET_OUT_USUALLY)):
            event.add_component(_alarm(ticket, before))
    return event


def _alarm(ticket: TicketFacts, before: timedelta) -> Alarm:
    from icalendar import Alarm

    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("trigger", -before)
    alarm.add("description", _summary(ticket, is_off=False))
    return alarm


def _summary(ticket: TicketFacts, *, is_off: bool) -> str:
    words = {
        "service": ticket.service.number,
        "origin": ticket.origin.station.name,
        "destination": ticket.destination.station.name,
    }
    if is_off:
        return _("Cancelled: %(service)s, %(origin)s – %(destination)s") % words
    return _("%(service)s, %(origin)s – %(destination)s") % words


def _lines(
    reservation: ReservationDetail,
    ticket: TicketFacts,
    travelling: Sequence[CouponDetail],
    *,
    is_off: bool,
) -> list[str]:
    lines = [_("Booking code: %(locator)s") % {"locator": reservation.locator}]
    if is_off:
        return [*lines, _("This trip is cancelled.")]
    if ticket.origin.platform:
        lines.append(_("From platform or gate %(name)s.") % {"name": ticket.origin.platform})
    expected = ticket.origin.expected_departs_at
    if expected and expected != ticket.departs_at:
        local = expected.astimezone(ZoneInfo(ticket.origin.station.tz))
        lines.append(_("Now expected to leave at %(time)s.") % {"time": clock_text(local)})
    for coupon in travelling:
        name = reservation.passenger_of(coupon).full_name
        seat = seat_on_the_way(coupon, ticket)
        lines.append(_("%(name)s: %(seat)s") % {"name": name, "seat": seat} if seat else name)
    return lines
