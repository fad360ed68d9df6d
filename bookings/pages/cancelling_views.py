"""Cancelling: what it is to be, what it costs, and exactly that."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from http import HTTPStatus

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext, ngettext
from django.views.decorators.cache import never_cache

from bookings.engine.contract import Actor
from bookings.pages import shown
from bookings.pages.access import asks_for_proof, booked_to_change, viewer_of
from bookings.pages.manage_forms import CancelForm, cancellable
from bookings.pages.refusals import missing_is_404
from bookings.pages.reservation_views import common
from bookings.selectors import ReservationDetail
from inventory.selectors import Tier
from payments.errors import QuoteExpired
from payments.pages.conditions import Step, refund_steps
from payments.selectors import available_actions
from payments.services import Quote, cancel_and_refund, quote_for
from travel.common import clock
from travel.common.errors import InvalidInput, Refusal
from travel.common.locales import in_a_row
from travel.common.money import Money
from travel.common.templatetags.look import money_text

WALLET = "wallet"


@never_cache
@missing_is_404
@asks_for_proof
def cancel(request: HttpRequest, locator: str) -> HttpResponse:
    """
    Choose what to cancel, see what it costs, and do exactly that.

    The choice and the amounts are shown on one page after the other, so that the button always does
    what stands beside it.
    """
    now = clock.now()
    booked = booked_to_change(request, locator, now=now)
    if "cancel" not in available_actions(booked, now=now):
        messages.info(request, _why_not(booked))
        return redirect("bookings:reservation", booked.locator)
    if booked.is_live_hold:
        return _cancel_hold(request, booked, now)
    rides = shown.rides(booked, now=now)
    form_for = partial(
        CancelForm, reservation=booked, coupons=cancellable(booked, rides), trips=rides
    )
    given = request.POST if request.method == "POST" else request.GET
    form = form_for(given)
    if form.is_choice and "passengers" not in given and "tickets" not in given:
        return _choose(request, booked, form_for(), now)
    if not form.is_valid():
        return _choose(request, booked, form, now, status=HTTPStatus.BAD_REQUEST)
    if request.method == "POST":
        return _cancel_now(request, booked, form, now)
    return _offer(request, booked, form, now)


def _why_not(booked: ReservationDetail) -> str:
    return {
        "Cancelled": gettext("This is already cancelled."),
        "Expired": gettext("The hold has ended. There is nothing left to cancel."),
    }.get(booked.status, gettext("This can no longer be cancelled."))


def _choose(
    request: HttpRequest,
    booked: ReservationDetail,
    form: CancelForm,
    now: datetime,
    *,
    status: int = HTTPStatus.OK,
) -> HttpResponse:
    context = common(booked, now) | {"form": form}
    return render(request, "bookings/cancel_choose.html", context, status=status)


def _offer(
    request: HttpRequest,
    booked: ReservationDetail,
    form: CancelForm,
    now: datetime,
    *,
    has_changed: bool = False,
) -> HttpResponse:
    try:
        quote = quote_for(
            booked,
            passenger_ids=form.passenger_ids(),
            ticket_ids=form.ticket_ids(),
            now=now,
        )
    except InvalidInput:
        raise
    except Refusal as refusal:
        messages.warning(request, str(refusal.detail))
        return redirect("bookings:reservation", booked.locator)
    context = common(booked, now) | {
        "form": form,
        "quote": quote,
        "quoted": _quoted(quote),
        "paid": quote.penalty + quote.refund,
        "fee": -quote.penalty,
        "until": quote.valid_until.astimezone(shown.home_zone(quote.reservation)),
        "rest": len(quote.reservation.open_coupons) - len(quote.coupons),
        "to_wallet": WALLET in quote.ways_back and len(quote.ways_back) == 1,
        "ways": _ways(quote, request.POST.get("refund_to", "")),
        "has_changed": has_changed,
        "steps": _later(quote, now),
    }
    status = HTTPStatus.CONFLICT if has_changed else HTTPStatus.OK
    return render(request, "bookings/cancel.html", context, status=status)


def _cancel_now(
    request: HttpRequest, booked: ReservationDetail, form: CancelForm, now: datetime
) -> HttpResponse:
    viewer = viewer_of(request)
    try:
        cancelled = cancel_and_refund(
            viewer=viewer,
            reservation_id=booked.id,
            actor=Actor("holder", viewer.user_id),
            quote_id=request.POST.get("quote", ""),
            passenger_ids=form.passenger_ids(),
            ticket_ids=form.ticket_ids(),
            refund_to=request.POST.get("refund_to") or "source",
            now=now,
        )
    except (QuoteExpired, InvalidInput):
        return _offer(request, booked, form, now, has_changed=True)
    except Refusal as refusal:
        messages.warning(request, str(refusal.detail))
        return redirect("bookings:reservation", booked.locator)
    messages.success(
        request,
        _cancelled_text(cancelled.refund, to_wallet=cancelled.refund_to == WALLET),
    )
    return redirect("bookings:reservation", booked.locator)


def _cancelled_text(refund: Money, *, to_wallet: bool) -> str:
    if not refund:
        return gettext("Cancelled. Nothing comes back.")
    if to_wallet:
        text = gettext("Cancelled. %(amount)s is back in your wallet.")
    else:
        text = gettext("Cancelled. %(amount)s is on its way back to where it came from.")
    return text % {"amount": money_text(refund)}


def _cancel_hold(request: HttpRequest, booked: ReservationDetail, now: datetime) -> HttpResponse:
    if request.method != "POST":
        return render(request, "bookings/give_up.html", common(booked, now))
    viewer = viewer_of(request)
    try:
        cancel_and_refund(
            viewer=viewer,
            reservation_id=booked.id,
            actor=Actor("holder", viewer.user_id),
            now=now,
        )
    except Refusal as refusal:
        messages.warning(request, str(refusal.detail))
    else:
        messages.success(request, gettext("Your seats are given up. Nothing was charged."))
    return redirect("bookings:reservation", booked.locator)


@dataclass(frozen=True, slots=True)
class Way:
    """A way back for the money, as components/option.html shows it."""

    value: str
    icon_name: str
    title: str
    text: str
    checked: bool


def _ways(quote: Quote, chosen: str) -> list[Way]:
    """Answer the ways to choose from; none where there is one only, or nothing comes back."""
    if len(quote.ways_back) < 2 or not quote.refund:
        return []
    words = {
        "source": (
            "card",
            gettext("To where you paid from"),
            gettext("It takes a few days."),
        ),
        WALLET: (
            "wallet",
            gettext("To your wallet"),
            gettext("At once, for your next journey."),
        ),
    }
    first = chosen if chosen in quote.ways_back else quote.ways_back[0]
    return [Way(way, *words[way], checked=way == first) for way in quote.ways_back]


def _later(quote: Quote, now: datetime) -> list[Step]:
    """Answer what cancelling later gives back; nothing where a carrier's cancellation counts."""
    booked = quote.reservation
    if any(one.disruption for one in quote.coupons):
        return []
    return refund_steps(
        booked,
        [one.coupon for one in quote.coupons],
        {one.coupon.fare_version_id: one.tiers for one in quote.coupons},
        now=now,
        zone=shown.home_zone(booked),
    )


@dataclass(frozen=True, slots=True)
class QuotedTicket:
    """What cancelling one passenger's ticket costs, and the rule that says so."""

    name: str
    ticket: str
    seat: str
    price: Money
    rule: str


def _quoted(quote: Quote) -> list[QuotedTicket]:
    booked = quote.reservation
    return [
        QuotedTicket(
            name=booked.passenger_of(one.coupon).full_name,
            ticket=_ticket_text(booked, one.coupon.ticket_id),
            seat=shown.seat_on_the_way(one.coupon, booked.tickets[one.coupon.ticket_id]),
            price=one.coupon.price,
            rule=_rule(
                one.tier,
                one.tiers,
                one.basis_points,
                trouble=one.disruption,
            ),
        )
        for one in quote.coupons
    ]


def _ticket_text(booked: ReservationDetail, ticket_id: int) -> str:
    ticket = booked.tickets[ticket_id]
    start, end = ticket.origin.station.name, ticket.destination.station.name
    return in_a_row([ticket.service.number, f"{start} – {end}"])


def _rule(tier: Tier | None, tiers: list[Tier], basis_points: int, *, trouble: str) -> str:
    """Say in words why so much is kept."""
    if trouble:
        return {
            "cancelled": gettext("The carrier cancelled this departure: all of it comes back."),
            "skipped": gettext("The departure passes your stop by: all of it comes back."),
            "delayed": gettext("The departure is very late: all of it comes back."),
            "missed": gettext("The connection is broken: all of it comes back."),
        }[trouble]
    if tier is None:
        last = min((one.minutes_before for one in tiers), default=0)
        if not last:
            return gettext("This fare gives nothing back.")
        return gettext("Less than %(span)s before departure nothing comes back.") % {
            "span": span_text(last)
        }
    percent = f"{basis_points / 100:g}"
    if basis_points == 0:
        return gettext("Free until %(span)s before departure.") % {
            "span": span_text(tier.minutes_before)
        }
    return gettext("Fee of %(percent)s %% until %(span)s before departure.") % {
        "percent": percent,
        "span": span_text(tier.minutes_before),
    }


def span_text(minutes: int) -> str:
    """Write a span of time in the largest unit that fits: `2 days`, `24 hours`, `90 minutes`."""
    if minutes % 1440 == 0 and minutes >= 2880:
        days = minutes // 1440
        return ngettext("%(n)s day", "%(n)s days", days) % {"n": days}
    if minutes % 60 == 0 and minutes:
        hours = minutes // 60
        return ngettext("%(n)s hour", "%(n)s hours", hours) % {"n": hours}
    return ngettext("%(n)s minute", "%(n)s minutes", minutes) % {"n": minutes}
