"""The rides of a day: each at its lowest price, with what it is best at."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from bookings.pages.journey import Journey
from bookings.pages.offered import Remark, Trip, trip_of_found
from bookings.search import Found
from travel.common.templatetags.look import money_text


@dataclass(frozen=True, slots=True)
class Card:
    """A ride in the list, and where it leads."""

    trip: Trip
    href: str


def by_ride(found: Iterable[Found]) -> dict[tuple[int, int, int], list[Found]]:
    """Put the tickets of one ride together; rides stay in the order of their first ticket."""
    rides: dict[tuple[int, int, int], list[Found]] = {}
    for one in found:
        stretch = one.stretch
        key = (stretch.departure_id, stretch.from_position, stretch.to_position)
        rides.setdefault(key, []).append(one)
    return rides


def cards(
    rides: Iterable[Sequence[Found]], marks: dict[int, list[Remark]], journey: Journey
) -> list[Card]:
    """Show rides at their lowest price, with their other classes and what they are best at."""
    made = []
    for ride in rides:
        cheapest = min(ride, key=lambda one: (one.price.minor, one.id))
        notes = [*marks.get(cheapest.id, []), *_other_classes(ride, cheapest)]
        price_for = _("%(class)s from") % {"class": cheapest.class_name}
        trip = trip_of_found(
            cheapest, price_for=price_for, notes=notes, for_several=journey.party.total > 1
        )
        made.append(Card(trip, journey.to_ticket(cheapest.id)))
    return made


def _other_classes(ride: Sequence[Found], cheapest: Found) -> list[Remark]:
    others: dict[str, Found] = {}
    for one in sorted(ride, key=lambda one: (one.price.minor, one.id)):
        if one.rule.travel_class != cheapest.rule.travel_class:
            others.setdefault(one.rule.travel_class, one)
    text = _("%(class)s from %(price)s")
    return [
        Remark("", text % {"class": one.class_name, "price": money_text(one.price)}, "seat")
        for one in others.values()
    ]


def marks(found: Sequence[Found]) -> dict[int, list[Remark]]:
    """Say of which ticket its ride is the cheapest or the fastest, where there is a choice."""
    rides = list(by_ride(found).values())
    if len(rides) < 2:
        return {}
    lowest = [min(ride, key=lambda one: (one.price.minor, one.id)) for ride in rides]
    made: dict[int, list[Remark]] = {}
    # Prices in different currencies cannot be compared.
    if len({one.price.currency for one in lowest}) == 1:
        price = min(one.price.minor for one in lowest)
        _mark(made, [one for one in lowest if one.price.minor == price], "good", _("Cheapest"), "")
    quickest = min(one.stretch.duration for one in lowest)
    fastest = [one for one in lowest if one.stretch.duration == quickest]
    _mark(made, fastest, "info", _("Fastest"), "clock")
    return made


def _mark(
    made: dict[int, list[Remark]], best: Sequence[Found], tone: str, text: str, icon_name: str
) -> None:
    """Mark the best, unless it is nothing special to be among them."""
    if len(best) <= 2:
        for one in best:
            made.setdefault(one.id, []).append(Remark(tone, text, icon_name))
