"""What does not run as sold: another departure, or the money, chosen on one page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from bookings import services
from bookings.documents.words import stops_text
from bookings.engine.contract import Actor
from bookings.pages import shown
from bookings.pages.access import asks_for_proof, booked_to_change, viewer_of
from bookings.pages.offered import Remark
from bookings.pages.refusals import missing_is_404
from bookings.selectors import ReservationDetail
from bookings.services import Alternative
from inventory import places
from payments.errors import QuoteExpired
from payments.services import cancel_and_refund, quote_for
from travel.common import clock
from travel.common.errors import NotFound, Refusal
from travel.common.money import Money
from travel.common.templatetags.look import money_text

MONEY = "money"


@dataclass(frozen=True, slots=True)
class Offered:
    """Another departure: times in the zones of its stations, and what there is to know of it."""

    value: str
    mode: str
    service: str
    departs_at: datetime
    arrives_at: datetime
    days_later: int
    origin: str
    destination: str
    duration_minutes: int
    stops: str
    remarks: list[Remark]
    checked: bool


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@missing_is_404
@asks_for_proof
def rebook(request: HttpRequest, locator: str) -> HttpResponse:
    """
    Show what is wrong, the departures that may take its place, and what comes back instead.

    One ticket after the other: the first that is wrong, or the one that is asked for.
    """
    now = clock.now()
    booked = booked_to_change(request, locator, now=now)
    wrong = [one for one in shown.rides(booked, now=now) if one.trouble]
    if not wrong:
        messages.info(request, gettext("Everything on this booking runs as it was sold."))
        return redirect("bookings:reservation", booked.locator)
    given = request.POST if request.method == "POST" else request.GET
    asked = given.get("ticket", "")
    ride = next((one for one in wrong if str(one.ticket_id) == asked), wrong[0])
    if request.method == "POST":
        if request.POST.get("choice") == MONEY:
            return _give_back(request, booked, ride, wrong, now)
        return _move(request, booked, ride, wrong, now)
    return _show(request, booked, ride, wrong, now)


def _move(
    request: HttpRequest,
    booked: ReservationDetail,
    ride: shown.Ride,
    wrong: list[shown.Ride],
    now: datetime,
) -> HttpResponse:
    choice = request.POST.get("choice", "")
    if not (choice.isascii() and choice.isdigit() and len(choice) < 17):
        return _show(request, booked, ride, wrong, now, fault=gettext("Please choose one."))
    try:
        services.rebook(
            viewer=viewer_of(request),
            reservation_id=booked.id,
            ticket_id=ride.ticket_id,
            to_ticket_id=int(choice),
            now=now,
        )
    except Refusal as refusal:
        fault = (
            gettext("This departure is not offered any more.")
            if isinstance(refusal, NotFound)
            else str(refusal.detail)
        )
        return _show(request, booked, ride, wrong, now, fault=fault)
    messages.success(
        request, gettext("You are rebooked. Nothing was charged; your new tickets are below.")
    )
    return redirect("bookings:reservation", booked.locator)


def _give_back(
    request: HttpRequest,
    booked: ReservationDetail,
    ride: shown.Ride,
    wrong: list[shown.Ride],
    now: datetime,
) -> HttpResponse:
    """Cancel what is wrong, if all of it comes back and that is as much as was shown."""
    viewer = viewer_of(request)
    changed = gettext("The amounts have changed. Please look at them again.")
    try:
        quote = quote_for(booked, ticket_ids=[one.ticket_id for one in wrong], now=now)
        if quote.penalty or str(quote.refund.minor) != request.POST.get("back", ""):
            return _show(request, booked, ride, wrong, now, fault=changed)
        done = cancel_and_refund(
            viewer=viewer,
            reservation_id=booked.id,
            actor=Actor("holder", viewer.user_id),
            quote_id=quote.id,
            ticket_ids=[one.ticket_id for one in wrong],
            now=now,
        )
    except QuoteExpired:
        return _show(request, booked, ride, wrong, now, fault=changed)
    except NotFound:
        raise
    except Refusal as refusal:
        return _show(request, booked, ride, wrong, now, fault=str(refusal.detail))
    text = gettext("Cancelled. %(amount)s is on its way back to where it came from.")
    if done.refund_to == "wallet":
        text = gettext("Cancelled. %(amount)s is back in your wallet.")
    messages.success(request, text % {"amount": money_text(done.refund)})
    return redirect("bookings:reservation", booked.locator)


def _show(
    request: HttpRequest,
    booked: ReservationDetail,
    ride: shown.Ride,
    wrong: list[shown.Ride],
    now: datetime,
    *,
    fault: str = "",
) -> HttpResponse:
    try:
        found = services.find_alternatives(reservation=booked, ticket_id=ride.ticket_id, now=now)
    except NotFound:
        found = []
    choice = request.POST.get("choice", "")
    context = {
        "reservation": booked,
        "ride": ride,
        "wrong": wrong,
        "why": _why(ride),
        "offered": [_offered(one, choice) for one in found],
        "back": _paid_for(booked, wrong),
        "money_checked": choice == MONEY,
        "fault": fault,
    }
    status = HTTPStatus.CONFLICT if fault else HTTPStatus.OK
    return render(request, "bookings/rebook.html", context, status=status)


def _paid_for(booked: ReservationDetail, wrong: list[shown.Ride]) -> Money:
    """Answer what was paid for all that does not run as sold: all of it comes back."""
    tickets = {one.ticket_id for one in wrong}
    minor = sum(one.price.minor for one in booked.open_coupons if one.ticket_id in tickets)
    return Money(minor, booked.currency)


def _why(ride: shown.Ride) -> str:
    words = {"service": ride.service, "station": ride.origin}
    return {
        "cancelled": gettext("%(service)s was cancelled by the carrier."),
        "skipped": gettext("%(service)s does not stop where you board or alight."),
        "delayed": gettext("%(service)s is very late."),
        "missed": gettext("%(service)s from %(station)s is no longer reached in time."),
    }[ride.trouble] % words


def _offered(one: Alternative, choice: str) -> Offered:
    start, end = (
        places.station(station_id)
        for station_id in (one.stretch.from_station_id, one.stretch.to_station_id)
    )
    leaves_at, arrives_at = (
        one.stretch.leaves_at,
        one.stretch.expected_arrives_at or one.stretch.arrives_at,
    )
    start_at = leaves_at.astimezone(ZoneInfo(start.tz))
    end_at = arrives_at.astimezone(ZoneInfo(end.tz))
    return Offered(
        value=str(one.ticket_id),
        mode=one.stretch.mode,
        service=one.stretch.number,
        departs_at=start_at,
        arrives_at=end_at,
        days_later=(end_at.date() - start_at.date()).days,
        origin=start.name,
        destination=end.name,
        duration_minutes=(arrives_at - leaves_at) // timedelta(minutes=1),
        stops=stops_text(one.stretch.stops),
        remarks=_remarks(one),
        checked=choice == str(one.ticket_id),
    )


def _remarks(one: Alternative) -> list[Remark]:
    remarks = []
    if one.is_better_class:
        said = gettext("In a better class (%(name)s), for the price that you paid.")
        remarks.append(Remark("good", said % {"name": one.rule.name}))
    if one.needs_more:
        remarks.append(
            Remark("warn", gettext("Your next departure is not reached; you change it after this."))
        )
    return remarks
