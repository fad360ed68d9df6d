"""A ride in detail with its fares, and the choice of seats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from bookings import selectors
from bookings.pages import offered, seat_choice
from bookings.pages.forms import SEAT_WISHES
from bookings.pages.journey import ChosenSeat, Journey, seats_in_words
from bookings.pages.offered import FEW_SEATS, Bill, Remark, Step
from bookings.pages.refusals import missing_is_404
from bookings.selectors import FareLeft, PlannedSeat, SeatPlan
from inventory.errors import DepartureClosed
from travel.common import clock
from travel.common.locales import in_a_row
from travel.common.money import Money

# --- the ticket -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Fare:
    """A fare of the ride for this party, ready to be shown."""

    ticket_id: int
    name: str
    class_name: str
    conditions: str
    price: Money
    bill: Bill
    steps: list[Step]
    rules: list[Remark]
    seats_left: int
    is_open: bool
    is_chosen: bool

    @property
    def few_left(self) -> int:
        """How many seats are left all the way, when that is worth saying; else 0."""
        return self.seats_left if self.is_open and self.seats_left <= FEW_SEATS else 0


@require_safe
@missing_is_404
def ticket(request: HttpRequest, ticket_id: int) -> HttpResponse:
    """Show a ride with its fares; with a fare chosen, go on to the seats or past them."""
    now = clock.now()
    journey = Journey(request.GET)
    chosen = journey.tickets
    if chosen and chosen[0] >> 6 == ticket_id >> 6:
        if "place" in request.GET:
            return redirect(journey.after(chosen[0]))
        return redirect(journey.to_seats(chosen[0]))
    try:
        on_sale = [
            fare
            for fare in selectors.get_fares_with_seats(ticket_id, now=now)
            if fare.offer.is_on_sale(now)
        ]
    except DepartureClosed:
        on_sale = []
    if not on_sale:
        return closed(request, journey)
    fares = fares_of(on_sale, ticket_id, journey, now)
    offer = on_sale[0].offer
    return render(
        request,
        "bookings/ticket.html",
        {
            "journey": journey,
            "carried": journey.pairs(without=["ticket", "seat"])
            + [("seat", str(seat)) for seat in journey.seats if seat.ticket_id in journey.outs],
            "trip": offered.trip_of_offer(offer),
            "origin": offered.city_name(offer.ticket.origin.city),
            "destination": offered.city_name(offer.ticket.destination.city),
            "calls": offered.calls_of(offer),
            "details": offered.details_of(offer),
            "fares": fares,
            "is_open": any(fare.is_open for fare in fares),
            "is_way_out": journey.is_return and journey.out is None,
            "zone": offer.ticket.origin.station,
        },
    )


def closed(request: HttpRequest, journey: Journey) -> HttpResponse:
    """Say that a departure is no longer on sale, and where to go from there."""
    context = {"journey": journey, "text": DepartureClosed.title}
    return render(request, "bookings/closed.html", context, status=DepartureClosed.status)


def fares_of(
    on_sale: Sequence[FareLeft], asked: int, journey: Journey, now: datetime
) -> list[Fare]:
    """Show the fares of a ride; the one asked for is chosen if it has room, else the first."""
    needed = max(journey.party.seats, 1)
    open_ids = [fare.offer.ticket.id for fare in on_sale if fare.with_changes >= needed]
    chosen = asked if asked in open_ids else next(iter(open_ids), None)
    return [_fare(fare, needed, chosen, journey, now) for fare in on_sale]


def _fare(fare: FareLeft, needed: int, chosen: int | None, journey: Journey, now: datetime) -> Fare:
    offer, left = fare.offer, fare.seats
    kinds = journey.party.kinds
    steps = offered.refund_steps(offer, kinds, round_trip=journey.is_return, now=now)
    bill = offered.bill([offer], kinds, round_trip=journey.is_return)
    rules = [offered.refund_rule(steps)]
    if offer.rule.conditions:
        rules.append(Remark("", offer.rule.conditions))
    if fare.with_changes < needed:
        rules = [Remark("bad", _too_few(left))]
    elif left < needed:
        rules.append(Remark("warn", _("With a change of seat on the way; you are asked first.")))
    return Fare(
        ticket_id=offer.ticket.id,
        name=offer.ticket.fare_name,
        class_name=offer.ticket.class_name,
        conditions=offer.rule.conditions,
        price=bill.total,
        bill=bill,
        steps=steps,
        rules=rules,
        seats_left=left,
        is_open=fare.with_changes >= needed,
        is_chosen=offer.ticket.id == chosen,
    )


def _too_few(left: int) -> str:
    if not left:
        return _("Sold out")
    return ngettext("Only %(left)s seat left", "Only %(left)s seats left", left) % {"left": left}


# --- seats ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Sitter:
    """Somebody who needs a seat, and the seats to choose from, by coach."""

    name: str
    coaches: list[tuple[str, list[seat_choice.Choice]]]


@require_safe
@missing_is_404
def seats(request: HttpRequest, ticket_id: int) -> HttpResponse:
    """Show which seats are free, as a plan or as a list; take what was chosen."""
    now = clock.now()
    journey = Journey(request.GET)
    try:
        plan = selectors.seat_plan(ticket_id, now=now)
    except DepartureClosed:
        return closed(request, journey)
    if not plan.offer.is_on_sale(now):
        return closed(request, journey)
    mine = _seats_of_class(plan)
    if not mine or not journey.party.seats:
        return redirect(journey.after(ticket_id))
    chosen = journey.seats_on(ticket_id)
    faults = _faults(request, journey, chosen, mine)
    if "place" in request.GET:
        return redirect(journey.after(ticket_id))
    if "choose" in request.GET and not faults:
        return redirect(journey.after(ticket_id, chosen))
    kept = [seat for seat in chosen if _is_free(mine, seat)]
    shown = _shown_coach(request, mine, kept)
    ticket = plan.offer.ticket
    coach = seat_choice.drawn(ticket.id, ticket.service.mode, shown, mine, kept)
    as_list = request.GET.get("view") == "list" or not coach.drawable
    return render(
        request,
        "bookings/seats_list.html" if as_list else "bookings/seats.html",
        {
            "journey": journey,
            "ticket_id": ticket_id,
            "offer": plan.offer,
            "trip": offered.trip_of_offer(plan.offer),
            "trips": [offered.trip_of_offer(plan.offer, seats=seats_in_words(kept))],
            "bill": offered.bill([plan.offer], journey.party.kinds, round_trip=journey.is_return),
            "faults": faults,
            "carried": journey.pairs(without=["ticket", "seat"])
            + [("seat", str(seat)) for seat in journey.seats_elsewhere(ticket_id)],
            "coach": coach,
            "coach_label": shown,
            "tabs": seat_choice.tabs(mine, shown),
            "elsewhere": [
                seat_choice.Choice(str(seat), seats_in_words([seat]))
                for seat in kept
                if seat.coach != shown
            ],
            "sitters": _sitters(journey, ticket_id, mine, kept) if as_list else [],
            "limit": max(journey.party.seats - sum(seat.coach != shown for seat in kept), 0),
            "chosen_names": in_a_row(seat.label for seat in kept if seat.coach == shown),
            "drawable": coach.drawable,
            "skip_href": journey.after(ticket_id),
            "back_href": journey.to_ticket(ticket_id),
            "is_way_out": journey.is_return and journey.out is None,
            "has_more": ticket_id in journey.legs[:-1],
            "wishes": SEAT_WISHES[1:],
            "wish_carried": journey.pairs(without=["ticket", "seat", "wish"])
            + [("seat", str(seat)) for seat in journey.seats_elsewhere(ticket_id)],
        },
    )


def _seats_of_class(plan: SeatPlan) -> list[PlannedSeat]:
    """Answer the seats that the ticket is for and that can be named: free seating has none."""
    return [
        one
        for one in plan.seats
        if one.seat.label and one.seat.travel_class == plan.offer.ticket.travel_class
    ]


def _faults(
    request: HttpRequest,
    journey: Journey,
    chosen: Sequence[ChosenSeat],
    mine: Sequence[PlannedSeat],
) -> list[str]:
    """Say what is wrong with the seats in the address."""
    if not chosen:
        return []
    faults = []
    most = journey.party.seats
    if len(chosen) > most:
        said = ngettext(
            "You travel with %(most)s seat: choose no more than that.",
            "You need %(most)s seats: choose no more than that.",
            most,
        )
        faults.append(said % {"most": most})
    named = [value for value in request.GET.getlist("seat") if value]
    if len(named) != len(set(named)):
        faults.append(_("A seat is named twice. Everybody needs one of their own."))
    gone = [seat for seat in chosen if not _is_free(mine, seat)]
    if gone:
        said = _("%(seats)s: not free any more. Please choose again.")
        faults.append(said % {"seats": seats_in_words(gone)})
    return faults


def _is_free(mine: Sequence[PlannedSeat], seat: ChosenSeat) -> bool:
    return any(
        one.is_free and (one.seat.coach, one.seat.label) == (seat.coach, seat.label) for one in mine
    )


def _shown_coach(
    request: HttpRequest, mine: Sequence[PlannedSeat], chosen: Sequence[ChosenSeat]
) -> str:
    """Answer the coach to look into: the one asked for, the one chosen in, the emptiest."""
    free: dict[str, int] = {}
    for one in mine:
        free[one.seat.coach] = free.get(one.seat.coach, 0) + one.is_free
    asked = request.GET.get("coach", "")
    if asked in free:
        return asked
    # The button of a tab says which coach comes next; `at` which one was looked into before.
    before = request.GET.get("at", "")
    if before in free:
        return before
    if chosen:
        return chosen[0].coach
    return max(free, key=lambda coach: free[coach])


def _sitters(
    journey: Journey, ticket_id: int, mine: Sequence[PlannedSeat], chosen: Sequence[ChosenSeat]
) -> list[Sitter]:
    names = who_travels(journey)[: journey.party.seats]
    return [
        Sitter(
            name,
            seat_choice.choices(ticket_id, mine, chosen[place] if place < len(chosen) else None),
        )
        for place, name in enumerate(names)
    ]


def who_travels(journey: Journey) -> list[str]:
    """Name the passengers before their names are known: `Adult 1`, `Child`."""
    kinds = journey.party.kinds
    names = {
        "adult": _("Adult"),
        "young": _("Young person"),
        "child": _("Child"),
        "infant": _("Infant"),
    }
    said = []
    for place, kind in enumerate(kinds):
        number = kinds[: place + 1].count(kind)
        several = kinds.count(kind) > 1
        said.append(f"{names[kind]} {number}" if several else names[kind])
    return said
