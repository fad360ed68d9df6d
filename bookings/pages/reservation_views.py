"""One reservation: its page, its confirmation, and more time to pay for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from bookings import selectors, services
from bookings.errors import AlreadyPaid, HoldExpired, NotExtendable
from bookings.notifications import contact_of
from bookings.pages import shown
from bookings.pages.access import take_key, viewer_of
from bookings.pages.happened import Happening
from bookings.pages.happened import story as told
from bookings.pages.refusals import missing_is_404
from bookings.selectors import ReservationDetail
from payments import selectors as money
from payments.receipts import receipts_of
from payments.selectors import Overview
from support import story
from travel.common import clock
from travel.common.errors import Refusal
from travel.common.money import Money


@never_cache
@require_safe
@missing_is_404
def reservation(request: HttpRequest, locator: str) -> HttpResponse:
    """Show a reservation with its tickets, money and story; a guest's link opens it."""
    now = clock.now()
    if way_on := take_key(request, locator, now=now):
        return way_on
    viewer = viewer_of(request)
    overview = money.get_overview(viewer=viewer, locator=locator, now=now)
    booked = overview.reservation
    is_looker = not selectors.may_change(viewer, booked.id)
    context = common(booked, now) | {
        "overview": overview,
        "payments": _payments(overview),
        # A receipt says who bought: that is for whoever did.
        "receipts": [] if is_looker else receipts_of([booked.id]).get(booked.id, []),
        "actions": overview.available_actions,
        "events": _story(request, overview, is_looker=is_looker, now=now),
        "is_looker": is_looker,
        "contact": _contact(booked, is_looker=is_looker),
        "hold": hold_of(booked, now),
    }
    return render(request, "bookings/reservation.html", context)


def _story(
    request: HttpRequest, overview: Overview, *, is_looker: bool, now: datetime
) -> list[Happening]:
    """Tell what happened; letters and reports only to whom they were written."""
    booked = overview.reservation
    entries = story.read(booked.id, paid=overview.payments, public=True)
    if is_looker:
        entries = [one for one in entries if one.source in (story.EVENT, story.REFUND)]
    return told(booked, entries, reader_id=request.user.pk, now=now)


def _contact(booked: ReservationDetail, *, is_looker: bool) -> str:
    contact = contact_of(booked)
    if contact is None:
        return ""
    return contact.masked if is_looker else contact.address


@never_cache
@require_safe
@missing_is_404
def done(request: HttpRequest, locator: str) -> HttpResponse:
    """Confirm what has just been paid; what is not paid is shown on its own page."""
    now = clock.now()
    viewer = viewer_of(request)
    booked = selectors.get_reservation(viewer=viewer, locator=locator, now=now)
    if booked.status != "Paid":
        return redirect("bookings:reservation", booked.locator)
    is_looker = not selectors.may_change(viewer, booked.id)
    email = _contact(booked, is_looker=is_looker) if booked.contact_email else ""
    return render(request, "bookings/done.html", common(booked, now) | {"email": email})


@require_POST
@missing_is_404
def extend(request: HttpRequest, locator: str) -> HttpResponse:
    """Give the holder more time to pay, once, and go back to paying."""
    viewer, now = viewer_of(request), clock.now()
    held = selectors.get_reservation(viewer=viewer, locator=locator, now=now)
    try:
        services.extend_hold(viewer=viewer, reservation_id=held.id, now=now)
    except (HoldExpired, AlreadyPaid):
        # The page of paying says so by itself.
        pass
    except NotExtendable as refusal:
        messages.warning(request, str(refusal.detail))
    except Refusal as refusal:
        messages.warning(request, str(refusal.detail))
        return redirect("bookings:reservation", held.locator)
    else:
        messages.success(request, gettext("You have ten more minutes to pay."))
    return redirect("payments:payment", held.locator)


def common(booked: ReservationDetail, now: datetime) -> dict[str, object]:
    origin, destination = shown.way(booked)
    state, tone = shown.status_words(booked)
    return {
        "reservation": booked,
        "rides": shown.rides(booked, now=now),
        "origin": origin,
        "destination": destination,
        "state": state,
        "tone": tone,
        "lines": shown.bill(booked),
        "zone": f"{now.astimezone(shown.home_zone(booked)):%Z}",
        "today": now.astimezone(shown.home_zone(booked)),
    }


def hold_of(booked: ReservationDetail, now: datetime) -> dict[str, object] | None:
    """Answer what components/hold.html wants, or None when nothing is held."""
    if not booked.is_live_hold:
        return None
    left = booked.hold_until - now
    return {
        "until": booked.hold_until.astimezone(shown.home_zone(booked)),
        "seconds_left": left // timedelta(seconds=1),
        "seconds": max(left, timedelta(minutes=10)) // timedelta(seconds=1),
    }


@dataclass(frozen=True, slots=True)
class Movement:
    """A payment or a refund as the page tells it."""

    at: datetime
    label: str
    state: str
    tone: str
    note: str
    amount: Money


def _payments(overview: Overview) -> list[Movement]:
    zone = shown.home_zone(overview.reservation)
    found = []
    for one in overview.payments:
        state, tone = _payment_state(one.state)
        found.append(
            Movement(
                one.created_at.astimezone(zone),
                shown.method_name(one.method),
                state,
                tone,
                shown.reason_text(one.failure),
                one.amount,
            )
        )
        for refund in one.refunds:
            word, refund_tone = _refund_state(refund.state, refund.destination)
            found.append(
                Movement(
                    (refund.done_at or refund.created_at).astimezone(zone),
                    gettext("Refund"),
                    word,
                    refund_tone,
                    "",
                    -refund.amount,
                )
            )
    return found


def _payment_state(state: str) -> tuple[str, str]:
    return {
        "started": (gettext("Waiting for the provider"), "info"),
        "pending": (gettext("Waiting for the provider"), "info"),
        "captured": (gettext("Paid"), "good"),
        "failed": (gettext("Refused, nothing charged"), "bad"),
        "voided": (gettext("Dropped, nothing charged"), ""),
    }[state]


def _refund_state(state: str, destination: str) -> tuple[str, str]:
    if state == "done" and destination == "wallet":
        return gettext("In your wallet"), "good"
    return {
        "pendingApproval": (gettext("Being checked"), "info"),
        "queued": (gettext("On its way"), "info"),
        "done": (gettext("Paid back"), "good"),
        "failed": (gettext("With our staff"), "warn"),
    }[state]
