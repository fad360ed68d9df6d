"""Other seats on what is booked: on the plan of a coach, or from a list for each passenger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from bookings import services
from bookings.pages import seat_choice, shown
from bookings.pages.access import asks_for_proof, booked_to_change, viewer_of
from bookings.pages.journey import ChosenSeat, seats_in_words
from bookings.pages.refusals import missing_is_404
from bookings.selectors import CouponDetail, PlannedSeat, ReservationDetail
from bookings.services import SeatChoice
from inventory.pricing import INFANT
from travel.common import clock
from travel.common.errors import InvalidInput, NotFound, Refusal
from travel.common.locales import in_a_row


@dataclass(frozen=True, slots=True)
class Sitter:
    """Somebody who has a seat, what it is, and the seats to choose from, by coach."""

    name: str
    seat: str
    coaches: list[tuple[str, list[seat_choice.Choice]]]


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@missing_is_404
@asks_for_proof
def change_seats(request: HttpRequest, locator: str) -> HttpResponse:
    """Show where the party of a ticket sits and what is free; move them to what they choose."""
    now = clock.now()
    booked = booked_to_change(request, locator, now=now)
    given = request.POST if request.method == "POST" else request.GET
    ride = _ride(booked, given.get("ticket", ""), now)
    if ride is None:
        messages.info(request, gettext("These seats can no longer be changed."))
        return redirect("bookings:reservation", booked.locator)
    coupons = _seated(booked, ride.ticket_id)
    plan = services.seats_to_choose(booked, ride.ticket_id, now=now)
    chosen = _chosen(
        given.getlist("seat"), coupons, ride.ticket_id, is_sent=bool(given.getlist("seat"))
    )
    if request.method == "POST" and "choose" in request.POST:
        faults = _faults(chosen, coupons, plan)
        if not faults:
            return _move(request, booked, ride, coupons, chosen, plan, now)
        return _show(request, booked, ride, coupons, chosen, plan, faults)
    return _show(request, booked, ride, coupons, chosen, plan, [])


def _ride(booked: ReservationDetail, asked: str, now: datetime) -> shown.Ride | None:
    """Answer the ticket that is asked for, or the only one whose seats may be changed."""
    rides = [one for one in shown.rides(booked, now=now) if one.may_reseat]
    if asked:
        return next((one for one in rides if str(one.ticket_id) == asked), None)
    return rides[0] if rides else None


def _seated(booked: ReservationDetail, ticket_id: int) -> list[CouponDetail]:
    return [one for one in booked.open_on(ticket_id) if booked.passenger_of(one).kind != INFANT]


def _chosen(
    given: Sequence[str], coupons: Sequence[CouponDetail], ticket_id: int, *, is_sent: bool
) -> list[ChosenSeat]:
    """Answer the seats that were chosen; before anything was, those that the party has."""
    if not is_sent:
        return [_present(one, ticket_id) for one in coupons if one.seats and one.seats[0].seat]
    read = (ChosenSeat.read(text) for text in given if text)
    return [one for one in read if one is not None and one.ticket_id == ticket_id]


def _present(coupon: CouponDetail, ticket_id: int) -> ChosenSeat:
    place = coupon.seats[0]
    return ChosenSeat(ticket_id, place.coach, place.seat)


def _faults(
    chosen: Sequence[ChosenSeat], coupons: Sequence[CouponDetail], plan: Sequence[PlannedSeat]
) -> list[str]:
    faults = []
    if len(set(chosen)) < len(chosen):
        faults.append(gettext("A seat is named twice. Everybody needs one of their own."))
    elif len(chosen) != len(coupons):
        said = ngettext(
            "Choose exactly %(most)s seat.", "Choose exactly %(most)s seats.", len(coupons)
        )
        faults.append(said % {"most": len(coupons)})
    free = {(one.seat.coach, one.seat.label) for one in plan if one.is_free}
    gone = [one for one in chosen if (one.coach, one.label) not in free]
    if gone:
        said = gettext("%(seats)s: not free any more. Please choose again.")
        faults.append(said % {"seats": seats_in_words(gone)})
    return faults


def _move(
    request: HttpRequest,
    booked: ReservationDetail,
    ride: shown.Ride,
    coupons: Sequence[CouponDetail],
    chosen: Sequence[ChosenSeat],
    plan: Sequence[PlannedSeat],
    now: datetime,
) -> HttpResponse:
    in_order = "in_order" in request.POST
    try:
        services.change_seats(
            viewer=viewer_of(request),
            reservation_id=booked.id,
            seats=[
                SeatChoice(ride.ticket_id, coupon.passenger, seat.coach, seat.label)
                for coupon, seat in zip(
                    coupons,
                    chosen if in_order else _shared(coupons, chosen, ride.ticket_id),
                    strict=True,
                )
            ],
            now=now,
        )
    except NotFound:
        raise
    except Refusal as refusal:
        texts = [text for every in refusal.errors.values() for text in every]
        faults = texts if isinstance(refusal, InvalidInput) else [str(refusal.detail)]
        fresh = services.seats_to_choose(booked, ride.ticket_id, now=now)
        return _show(request, booked, ride, coupons, chosen, fresh, faults or [str(refusal.detail)])
    messages.success(request, gettext("Your seats are changed. Please use the new tickets."))
    return redirect("bookings:reservation", booked.locator)


def _shared(
    coupons: Sequence[CouponDetail], chosen: Sequence[ChosenSeat], ticket_id: int
) -> list[ChosenSeat]:
    """Share seats of the plan out: whoever may keep the own seat does, the rest in their order."""
    left = list(chosen)
    kept: dict[int, ChosenSeat] = {}
    for coupon in coupons:
        own = _present(coupon, ticket_id)
        if len(coupon.seats) == 1 and own in left:
            left.remove(own)
            kept[coupon.id] = own
    return [kept[one.id] if one.id in kept else left.pop(0) for one in coupons]


# --- the page -------------------------------------------------------------------------------------


def _show(
    request: HttpRequest,
    booked: ReservationDetail,
    ride: shown.Ride,
    coupons: Sequence[CouponDetail],
    chosen: Sequence[ChosenSeat],
    plan: Sequence[PlannedSeat],
    faults: list[str],
) -> HttpResponse:
    given = request.POST if request.method == "POST" else request.GET
    free = {(one.seat.coach, one.seat.label) for one in plan if one.is_free}
    kept = [one for one in chosen if (one.coach, one.label) in free]
    coach = _shown_coach(given.get("coach", ""), given.get("at", ""), plan, kept)
    drawn = seat_choice.drawn(ride.ticket_id, ride.mode, coach, plan, kept)
    as_list = given.get("view") == "list" or not drawn.drawable
    context = {
        "reservation": booked,
        "ride": ride,
        "faults": faults,
        "coach": drawn,
        "coach_label": coach,
        "tabs": seat_choice.tabs(plan, coach),
        "elsewhere": [
            seat_choice.Choice(str(seat), seats_in_words([seat]))
            for seat in kept
            if seat.coach != coach
        ],
        "people": len(coupons),
        "limit": max(len(coupons) - sum(seat.coach != coach for seat in kept), 0),
        "chosen_names": in_a_row(seat.label for seat in kept if seat.coach == coach),
        "drawable": drawn.drawable,
        "sitters": _sitters(booked, ride, coupons, chosen, plan) if as_list else [],
        "now_at": [
            Sitter(
                booked.passenger_of(one).full_name,
                shown.seat_on_the_way(one, booked.tickets[ride.ticket_id]),
                [],
            )
            for one in coupons
        ],
    }
    name = "bookings/change_seats_list.html" if as_list else "bookings/change_seats.html"
    status = HTTPStatus.CONFLICT if faults else HTTPStatus.OK
    return render(request, name, context, status=status)


def _shown_coach(
    asked: str, before: str, plan: Sequence[PlannedSeat], kept: Sequence[ChosenSeat]
) -> str:
    """Answer the coach to look into: the one asked for, the one before, the one sat in."""
    labels = [one.seat.coach for one in plan]
    wanted = [asked, before, *(one.coach for one in kept), *labels]
    return next(one for one in wanted if one in labels)


def _sitters(
    booked: ReservationDetail,
    ride: shown.Ride,
    coupons: Sequence[CouponDetail],
    chosen: Sequence[ChosenSeat],
    plan: Sequence[PlannedSeat],
) -> list[Sitter]:
    ticket = booked.tickets[ride.ticket_id]
    return [
        Sitter(
            booked.passenger_of(one).full_name,
            shown.seat_on_the_way(one, ticket),
            seat_choice.choices(
                ride.ticket_id, plan, chosen[place] if place < len(chosen) else None
            ),
        )
        for place, one in enumerate(coupons)
    ]
