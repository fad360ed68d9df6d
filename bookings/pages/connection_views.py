"""A connection in detail: all its rides with their calls, a fare for each, and the way on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from bookings import connections, selectors
from bookings.connections import Change
from bookings.pages import offered
from bookings.pages.connections import change_remark, change_words
from bookings.pages.journey import Journey
from bookings.pages.offered import Call, Trip
from bookings.pages.refusals import missing_is_404
from bookings.pages.ticket_views import Fare, closed, fares_of
from bookings.selectors import FareLeft
from inventory.errors import DepartureClosed
from inventory.selectors import Offer
from travel.common import clock
from travel.common.locales import in_a_row

# More rides than any connection has.
MOST_LEGS = 3


@dataclass(frozen=True, slots=True)
class Part:
    """A ride of the connection with its fares; `field` is the name under which one is chosen."""

    field: str
    trip: Trip
    fares: list[Fare]
    details: list[str]

    @property
    def chosen(self) -> Fare | None:
        return next((fare for fare in self.fares if fare.is_chosen), None)


@require_safe
@missing_is_404
def connection(request: HttpRequest) -> HttpResponse:
    """Show a connection; with its fares chosen, go on to the seats or past them."""
    now = clock.now()
    journey = Journey(request.GET)
    legs = journey.legs
    if not 1 < len(legs) <= MOST_LEGS:
        return redirect(journey.to_search())
    try:
        fares = [
            [fare for fare in every if fare.offer.is_on_sale(now)]
            for every in selectors.get_fares_with_seats_of(legs, now=now)
        ]
    except DepartureClosed:
        return closed(request, journey)
    if not all(fares):
        return closed(request, journey)
    offers = [every[0].offer for every in fares]
    changes = connections.changes_of([offer.ticket for offer in offers])
    if changes is None or len({offer.rule.currency for offer in offers}) > 1:
        return closed(request, journey)
    parts = _parts(request, journey, fares, now)
    chosen = [part.chosen for part in parts if part.chosen]
    is_open = len(chosen) == len(parts)
    ids = [fare.ticket_id for fare in chosen]
    if is_open and "place" in request.GET:
        return redirect(journey.placed(ids))
    if is_open and "seats" in request.GET:
        return redirect(journey.to_first_seats(ids))
    picked = [_offer_of(every, ids) for every in fares]
    trip = _whole(parts, changes)
    return render(
        request,
        "bookings/connection.html",
        {
            "journey": journey,
            "carried": journey.pairs(without=["ticket", "seat"])
            + [("seat", str(seat)) for seat in journey.seats if seat.ticket_id in journey.outs],
            "trip": trip,
            # Beside the bill there is no room for more than the line.
            "brief": replace(trip, change_words=""),
            "origin": offered.city_name(offers[0].ticket.origin.city),
            "destination": offered.city_name(offers[-1].ticket.destination.city),
            "parts": parts,
            "calls": _calls(offers, changes),
            "bill": offered.bill(picked, journey.party.kinds, round_trip=journey.is_return),
            "is_open": is_open,
            "is_way_out": journey.is_return and not journey.outs,
        },
    )


def _parts(
    request: HttpRequest, journey: Journey, fares: Sequence[Sequence[FareLeft]], now: datetime
) -> list[Part]:
    parts = []
    for number, (leg, every) in enumerate(zip(journey.legs, fares, strict=True)):
        field = f"fare-{number}"
        asked = request.GET.get(field, "")
        chosen = next((one for one in every if str(one.offer.ticket.id) == asked), None)
        offer = every[0].offer
        parts.append(
            Part(
                field=field,
                trip=offered.trip_of_offer(offer),
                fares=fares_of(every, chosen.offer.ticket.id if chosen else leg, journey, now),
                details=offered.details_of(offer),
            )
        )
    return parts


def _offer_of(every: Sequence[FareLeft], chosen: Sequence[int]) -> Offer:
    """Answer the chosen fare's offer; where all are full, any."""
    return next(
        (one.offer for one in every if one.offer.ticket.id in chosen),
        every[0].offer,
    )


def _whole(parts: Sequence[Part], changes: Sequence[Change]) -> Trip:
    """Show the rides as one trip."""
    first, last = parts[0].trip, parts[-1].trip
    return replace(
        first,
        service=" + ".join(part.trip.service for part in parts),
        arrives_at=last.arrives_at,
        destination=last.destination,
        duration_minutes=int((last.arrives_at - first.departs_at).total_seconds()) // 60,
        changes=[part.trip.mode for part in parts[1:]],
        change_words=change_words(changes),
    )


def _calls(offers: Sequence[Offer], changes: Sequence[Change]) -> list[Call]:
    """Show all stops of all rides; where one gets off to change, what that is like."""
    shown: list[Call] = []
    for index, offer in enumerate(offers):
        calls = offered.calls_of(offer)
        service = offer.ticket.service
        ride = _("%(service)s, %(carrier)s") % {
            "service": service.number,
            "carrier": service.carrier_name,
        }
        calls[0] = replace(calls[0], remark=in_a_row(filter(None, [ride, calls[0].remark])))
        if index < len(changes):
            remark = [change_remark(changes[index]), calls[-1].remark]
            calls[-1] = replace(calls[-1], role="wait", remark=in_a_row(filter(None, remark)))
        shown += calls
    return shown
