"""What a search asks for: its form read into a query, and what may have been meant."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from bookings import search
from bookings.pages.forms import SearchForm
from bookings.pages.journey import Journey
from bookings.pages.offered import place_name
from bookings.search import Query
from inventory import places
from inventory.places import Place
from inventory.search import FURTHEST_DAYS

MOST_HINTS = 4


@dataclass(frozen=True, slots=True)
class Hint:
    """A place that may have been meant, and the search for it."""

    name: str
    href: str


def understand(form: SearchForm, journey: Journey, *, now: datetime) -> Query | None:
    """
    Turn a valid form into a search, that of the way back once the way out is chosen.

    Answer None with the form's errors set: an unknown place, the same place twice, a day that is
    over or beyond the timetable.
    """
    asked = form.cleaned_data
    origin, destination = places.resolve(asked["origin"]), places.resolve(asked["destination"])
    for field, place in (("origin", origin), ("destination", destination)):
        if place is None:
            form.add_error(field, _("The office knows no place of this name."))
    if origin is None or destination is None:
        return None
    if {one.id for one in origin.stations} & {one.id for one in destination.stations}:
        form.add_error("destination", _("This is the place you start from."))
    days = ["date", "return_date"] if journey.is_return else ["date"]
    for field, place in zip(days, (origin, destination), strict=False):
        _check_day(form, field, place, now)
    if form.errors:
        return None
    query = Query(
        origin=origin,
        destination=destination,
        day=asked["date"],
        passengers=journey.party.kinds,
        round_trip=journey.is_return,
    )
    if journey.out is not None:
        return search.reversed_query(query, asked["return_date"])
    return query


def _check_day(form: SearchForm, field: str, place: Place, now: datetime) -> None:
    day = form.cleaned_data[field]
    if search.is_past(place, day, now=now):
        form.add_error(field, _("This day is over."))
    elif day > now.date() + timedelta(days=FURTHEST_DAYS):
        form.add_error(field, _("Nothing is on sale that far ahead."))


def hints(journey: Journey) -> list[Hint]:
    """Answer the places that may have been meant where one is not known."""
    found = []
    for field in ("origin", "destination"):
        typed = journey.query.get(field, "")
        if typed and places.resolve(typed) is None:
            found += [
                Hint(name, journey.link("bookings:search", **{field: name}))
                for name in _similar(typed)
            ]
    return found


def _similar(typed: str) -> list[str]:
    """Answer names that begin like the text, as much of it as any name has."""
    for length in range(min(len(typed), 12), 1, -1):
        names = [place_name(place) for place in places.suggest(typed[:length], MOST_HINTS * 2)]
        if names:
            return list(dict.fromkeys(names))[:MOST_HINTS]
    return []


def zone_of(place: Place) -> ZoneInfo:
    """Answer the zone of a place: where it has several, that of its first station."""
    return ZoneInfo(place.stations[0].tz)
