"""The words for who travels, from where to where, and where one sits: for pages and documents."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from zoneinfo import ZoneInfo

from django.utils.text import get_text_list
from django.utils.translation import get_language, gettext, ngettext, pgettext

from bookings.selectors import CouponDetail, ReservationDetail
from inventory.places import CityFacts
from inventory.selectors import TicketFacts
from travel.common.locales import in_a_row, in_groups, one_after_another, own_digits, reader_locale


def kind_name(kind: str) -> str:
    """Answer what a kind of passenger is called."""
    return {
        "adult": gettext("Adult"),
        "young": gettext("Young person"),
        "child": gettext("Child"),
        "infant": gettext("Infant"),
    }[kind]


def platform_word(mode: str) -> str:
    """Answer what the place is called where one boards."""
    return {"Plane": gettext("Gate"), "Bus": gettext("Bay")}.get(mode, gettext("Platform"))


def coach_word(mode: str) -> str:
    """Answer what a part of the vehicle is called that has seats of its own."""
    return {"Plane": gettext("Cabin"), "Bus": gettext("Deck")}.get(
        mode, pgettext("part of a train", "Coach")
    )


def stops_text(stops: int) -> str:
    """Write how many stops lie between: `2 stops`, `direct`."""
    if not stops:
        return gettext("direct")
    return ngettext("%(stops)s stop", "%(stops)s stops", stops) % {"stops": figures(stops)}


def figures(number: int | str) -> str:
    """Write a number in the reader's own digits."""
    return own_digits(str(number), reader_locale())


def seats_text(coupons: Sequence[CouponDetail]) -> str:
    """
    Write the seats of coupons, by coach: `Coach 7, seats 41 and 43`.

    Seats without labels are free seating. A seat that changes on the way stands in the order of
    the way.
    """
    by_coach: dict[str, list[str]] = {}
    count = 0
    for coupon in coupons:
        for place in coupon.seats:
            count += 1
            labels = by_coach.setdefault(place.coach, [])
            if place.seat and place.seat not in labels:
                labels.append(place.seat)
    if count and not any(by_coach.values()):
        return gettext("Free seating")
    return in_groups(seat_in_coach(coach, labels) for coach, labels in by_coach.items() if labels)


def seat_on_the_way(coupon: CouponDetail, ticket: TicketFacts) -> str:
    """Write where one passenger sits, and where the seat changes: `seat 12 to Kassel, then 31`."""
    if len(coupon.seats) < 2:
        return seats_text([coupon])
    changes = [
        gettext("%(seat)s to %(station)s")
        % {
            "seat": seat_in_coach(place.coach, [place.seat]),
            "station": ticket.way[place.last_segment + 1].station.name,
        }
        for place in coupon.seats
    ]
    return one_after_another(changes)


def seat_in_coach(coach: str, labels: Sequence[str]) -> str:
    """Write seats of one coach: `Coach 7, seats 41 and 43`."""
    listed = get_text_list(list(labels), gettext("and"))
    seats = ngettext("seat %(seats)s", "seats %(seats)s", len(labels)) % {"seats": listed}
    if coach.isdigit():
        return gettext("Coach %(coach)s, %(seats)s") % {"coach": coach, "seats": seats}
    return in_a_row([coach, seats]) if coach else seats


def way(reservation: ReservationDetail) -> tuple[str, str]:
    """Answer the names of the cities a reservation leads from and to; a return leads out."""
    return _city(reservation.journey[0].origin.city), _city(far_end(reservation))


def far_end(reservation: ReservationDetail) -> CityFacts:
    """Answer where a reservation leads: to the end of its way out."""
    tickets = reservation.journey
    first, last = tickets[0].origin.city, tickets[-1].destination.city
    if first.id != last.id or len(tickets) == 1:
        return last
    # Who comes back stays longest where the way out ends; at changes one waits less.
    longest, _after = max(pairwise(tickets), key=lambda two: two[1].departs_at - two[0].arrives_at)
    return longest.destination.city


def _city(city: CityFacts) -> str:
    return city.name_in(get_language() or "en")


def home_zone(reservation: ReservationDetail) -> ZoneInfo:
    """Answer the zone in which the reservation's own times are told: that of its first station."""
    return ZoneInfo(reservation.journey[0].origin.station.tz)
