"""The list of results: what was asked, what may be narrowed, the rides and the days around."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import chain
from zoneinfo import ZoneInfo

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bookings import search
from bookings.pages.forms import MODES, SearchForm
from bookings.pages.journey import FILTER_KEYS, Journey
from bookings.pages.offered import Remark, Trip, city_name, place_name, trip_of_found
from bookings.search import Filters, Found, Query
from inventory import places
from inventory import search as timetable
from inventory.places import CityFacts, Place
from travel.common.money import Money
from travel.common.templatetags.look import facility_icon, facility_name, mode_icon, money_text

STRIP_DAYS = 7
# How far the office looks ahead when a week has nothing, and how many days it then offers.
LOOK_AHEAD_DAYS = 30
MOST_OFFERED_DAYS = 3
# Beyond this nobody sells, and calendars of databases end somewhere.
FURTHEST_DAYS = 730
MOST_HINTS = 4
# Places that are worth going to first, and how many of them are looked at and told.
NEAR_M = 150_000
FAR_M = 1e9
MOST_NEAR = 6
MOST_ELSEWHERE = 3
EARTH_M = 6_371_000

CLASSES = {
    "Economy": gettext_lazy("Economy or second class"),
    "Business": gettext_lazy("Business or first class"),
    "VIP": gettext_lazy("VIP"),
}
# Times of day, by the local departure: from, and to the last second before the next.
TIMES = {
    "early": (gettext_lazy("Before 8:00"), None, time(7, 59, 59)),
    "morning": (gettext_lazy("8:00 to 12:00"), time(8), time(11, 59, 59)),
    "afternoon": (gettext_lazy("12:00 to 18:00"), time(12), time(17, 59, 59)),
    "evening": (gettext_lazy("After 18:00"), time(18), None),
}
STOPS = {"0": gettext_lazy("Direct only"), "2": gettext_lazy("At most two stops")}


# --- what was asked -------------------------------------------------------------------------------


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


# --- what may be narrowed -------------------------------------------------------------------------


class PriceForm(forms.Form):
    """Between which prices; the amounts are in the currency of the tickets."""

    price_min = forms.DecimalField(label=gettext_lazy("from"), required=False, min_value=0)
    price_max = forms.DecimalField(label=gettext_lazy("up to"), required=False, min_value=0)

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        for field in self.fields.values():
            field.widget.attrs |= {"inputmode": "decimal", "step": "any"}

    def amount(self, name: str) -> Decimal | None:
        """Answer what was typed, or None where it is no amount."""
        self.is_valid()
        return self.cleaned_data.get(name)


@dataclass(frozen=True, slots=True)
class Option:
    """One thing to narrow by, and how many rides of the day have it."""

    value: str
    label: str
    icon_name: str
    count: int
    checked: bool


@dataclass(frozen=True, slots=True)
class Facet:
    """A group of options: checkboxes, of which several count, or radio buttons."""

    name: str
    legend: str
    kind: str
    options: list[Option]


@dataclass(frozen=True, slots=True)
class SortLink:
    """An order, and the same list in it."""

    key: str
    name: str
    href: str
    current: bool


def filters_of(journey: Journey, prices: PriceForm) -> Filters:
    """Read the filters from an address; a word that is none is left out."""
    query = journey.query
    _label, after, before = TIMES.get(query.get("time", ""), ("", None, None))
    stops, asked_class = query.get("stops", ""), query.get("class", "")
    return Filters(
        modes=_modes(journey),
        travel_class=asked_class if asked_class in CLASSES else None,
        price_min=prices.amount("price_min"),
        price_max=prices.amount("price_max"),
        depart_after=after,
        depart_before=before,
        carriers=tuple(query.getlist("carrier")),
        max_stops=int(stops) if stops in STOPS else None,
        facilities=tuple(query.getlist("facility")),
    )


def sort_of(journey: Journey) -> str:
    """Read the order from an address: by departure, unless it names another."""
    asked = journey.query.get("sort", "")
    return asked if asked in search.SORTS else search.SORTS[0]


def _modes(journey: Journey) -> tuple[str, ...]:
    """Answer the ways of travel asked for; all of them is as good as none."""
    known = {value for value, _label in MODES}
    asked = known & set(journey.query.getlist("mode"))
    return () if asked == known else tuple(sorted(asked))


def count_filters(journey: Journey) -> int:
    """Answer how many filters are on."""
    on = [key for key in FILTER_KEYS if key != "sort" and journey.query.get(key)]
    return len(on) + bool(_modes(journey))


def facets(found: Sequence[Found], filters: Filters, journey: Journey) -> list[Facet]:
    """Answer what the day's rides may be narrowed by; what all of them share is left out."""
    rides = list(by_ride(found).values())
    asked = set(journey.query.getlist("mode")) if filters.modes else {one for one, _l in MODES}
    made = [
        _facet(rides, "mode", _("Travel by"), lambda one: [one.stretch.mode], asked, _mode_words),
        _radio(rides, "time", _("Departure"), _times_of, journey, TIMES_WORDS),
        _radio(rides, "stops", _("Stops"), _stops_of, journey, STOPS),
        _radio(rides, "class", _("Class"), lambda one: [one.rule.travel_class], journey, CLASSES),
        _facet(
            rides,
            "facility",
            _("On board"),
            lambda one: one.facilities,
            set(filters.facilities),
            lambda word: (facility_name(word), facility_icon(word)),
        ),
        _facet(
            rides,
            "carrier",
            _("Carriers"),
            lambda one: [one.stretch.carrier_code],
            set(filters.carriers),
            lambda code: (_carrier_name(found, code), ""),
        ),
    ]
    return [facet for facet in made if len(facet.options) > 1]


TIMES_WORDS = {key: label for key, (label, _after, _before) in TIMES.items()}
Words = Callable[[str], tuple[str, str]]
ValuesOf = Callable[[Found], Iterable[str]]


def _facet(
    rides: Sequence[Sequence[Found]],
    name: str,
    legend: str,
    values_of: ValuesOf,
    chosen: set[str],
    words: Words,
) -> Facet:
    counts = _counts(rides, values_of)
    options = [
        Option(value, *words(value), count, value in chosen)
        for value, count in sorted(counts.items(), key=lambda one: (-one[1], one[0]))
        if count < len(rides) or value in chosen
    ]
    return Facet(name, legend, "checkbox", options)


def _radio(
    rides: Sequence[Sequence[Found]],
    name: str,
    legend: str,
    values_of: ValuesOf,
    journey: Journey,
    words: Mapping[str, object],
) -> Facet:
    counts = _counts(rides, values_of)
    asked = journey.query.get(name, "")
    options = [
        Option(value, str(label), "", counts[value], value == asked)
        for value, label in words.items()
        if counts.get(value)
    ]
    if len(options) == 1 and options[0].count == len(rides):
        options = []
    if options:
        anything = not any(option.checked for option in options)
        options.insert(0, Option("", _("Any"), "", len(rides), anything))
    return Facet(name, legend, "radio", options)


def _counts(rides: Sequence[Sequence[Found]], values_of: ValuesOf) -> dict[str, int]:
    counts: dict[str, int] = {}
    for ride in rides:
        for value in set(chain.from_iterable(values_of(one) for one in ride)):
            counts[value] = counts.get(value, 0) + 1
    return counts


def _times_of(found: Found) -> list[str]:
    clock = search.boards_at(found.stretch).time()
    return [
        key
        for key, (_label, after, before) in TIMES.items()
        if (after is None or clock >= after) and (before is None or clock <= before)
    ]


def _stops_of(found: Found) -> list[str]:
    return [key for key in STOPS if found.stretch.stops <= int(key)]


def _mode_words(mode: str) -> tuple[str, str]:
    return str(dict(MODES)[mode]), mode_icon(mode)


def _carrier_name(found: Sequence[Found], code: str) -> str:
    return next(one.stretch.carrier_name for one in found if one.stretch.carrier_code == code)


def sort_links(journey: Journey, sort: str) -> list[SortLink]:
    """Answer the orders that the list may be put in."""
    names = {
        "departure": _("Departure"),
        "price": _("Price"),
        "duration": _("Duration"),
        "arrival": _("Arrival"),
    }
    return [
        SortLink(key, name, journey.link("bookings:search", sort=key), key == sort)
        for key, name in names.items()
    ]


# --- other ways to get there -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Another pair of places near those asked for, which something leads between on the day."""

    origin: str
    destination: str
    href: str


@dataclass(frozen=True, slots=True)
class OtherMode:
    """A way of travel that the filters leave out, and how many rides of the day it has."""

    mode: str
    label: str
    count: int
    href: str


def other_modes(found: Sequence[Found], filters: Filters, journey: Journey) -> list[OtherMode]:
    """Answer the ways of travel that the day has beside those asked for, with no filter else."""
    counts = _counts(list(by_ride(found).values()), lambda one: [one.stretch.mode])
    free: dict[str, object] = dict.fromkeys(FILTER_KEYS, None)
    return [
        OtherMode(
            mode,
            str(label),
            counts[mode],
            journey.link("bookings:search", **{**free, "mode": mode}),
        )
        for mode, label in MODES
        if counts.get(mode) and filters.modes and mode not in filters.modes
    ]


def elsewhere(
    query: Query, around: Sequence[Day], journey: Journey, *, now: datetime
) -> list[Elsewhere]:
    """
    Answer the nearest cities to start from, or to go to, instead; in one statement.

    Only where the whole week has nothing: whoever can go a day later would rather do that.
    """
    if any(one.price for one in around):
        return []
    asked = (query.origin.city, query.destination.city)
    origins = [asked[0], *_near(asked[0], without=asked)]
    destinations = [asked[1], *_near(asked[1], without=asked)]
    rides = timetable.find_stretches(
        origins=[station for city in origins for station in city.stations],
        destinations=[station for city in destinations for station in city.stations],
        day=query.day,
        now=now,
    )
    found: set[tuple[int, int]] = set()
    for ride in rides:
        start, end = places.station(ride.from_station_id), places.station(ride.to_station_id)
        # One end stays: who wants to go from A to B is not helped from C to D.
        is_half = start.city_id == asked[0].id or end.city_id == asked[1].id
        if is_half and start.city_id != end.city_id:
            found.add((start.city_id, end.city_id))
    far = {
        (start.id, end.id): _distance(query.origin.city, start)
        + _distance(query.destination.city, end)
        for start in origins
        for end in destinations
    }
    names = _place_keys(journey)
    return [
        Elsewhere(
            city_name(places.city(start)),
            city_name(places.city(end)),
            journey.link(
                "bookings:search",
                **{
                    names[0]: city_name(places.city(start)),
                    names[1]: city_name(places.city(end)),
                },
            ),
        )
        for start, end in sorted(found, key=lambda ends: (far.get(ends, FAR_M), ends))
    ][:MOST_ELSEWHERE]


def _place_keys(journey: Journey) -> tuple[str, str]:
    """Answer which key holds where this way begins: on the way back they are turned round."""
    return ("destination", "origin") if journey.out is not None else ("origin", "destination")


def _near(here: CityFacts, *, without: Sequence[CityFacts]) -> list[CityFacts]:
    """Answer the other cities within reach, the nearest first; none where nobody knows where."""
    left_out = {city.id for city in without}
    near = [
        (_distance(here, city), city.id, city)
        for city in places.cities_like("")
        if city.id not in left_out and _is_placed(city) and _is_placed(here)
    ]
    near = [one for one in near if one[0] <= NEAR_M]
    return [city for _far, _id, city in sorted(near, key=lambda one: one[:2])[:MOST_NEAR]]


def _is_placed(city: CityFacts) -> bool:
    """Say whether it is known where the city is: nobody's station is off the coast of Ghana."""
    return bool(city.stations) and (city.stations[0].latitude, city.stations[0].longitude) != (0, 0)


def _distance(one: CityFacts, other: CityFacts) -> float:
    """Answer the metres between the first stations of two cities, over a round earth."""
    if one.id == other.id:
        return 0.0
    here, there = one.stations[0], other.stations[0]
    lat1, lat2 = math.radians(here.latitude), math.radians(there.latitude)
    along = math.radians(there.longitude - here.longitude)
    half = (
        math.sin((lat2 - lat1) / 2) ** 2
        + math.cos(lat1) * math.cos(lat2) * math.sin(along / 2) ** 2
    )
    return 2 * EARTH_M * math.asin(min(1.0, math.sqrt(half)))


# --- rides ----------------------------------------------------------------------------------------


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


# --- days -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Day:
    """A day of the strip, as components/dates.html wants it."""

    day: date
    href: str
    price: Money | None
    current: bool
    lowest: bool


def days_around(day: date, *, today: date) -> list[date]:
    """Answer a week with the day in its middle, but none that is over."""
    first = max(day - timedelta(days=STRIP_DAYS // 2), min(today, day))
    return [first + timedelta(days=offset) for offset in range(STRIP_DAYS)]


def strip(
    found: dict[date, list[Found]], filters: Filters, journey: Journey, chosen: date
) -> list[Day]:
    """Show days with their lowest price."""
    prices = {day: lowest(search.narrow(tickets, filters)) for day, tickets in found.items()}
    known = [price for price in prices.values() if price]
    comparable = len({price.currency for price in known}) == 1 and len(known) > 1
    least = min((price.minor for price in known), default=0) if comparable else None
    if all(price.minor == least for price in known):
        least = None
    return [
        Day(
            day=day,
            href=day_link(journey, day),
            price=price,
            current=day == chosen,
            lowest=price is not None and price.minor == least,
        )
        for day, price in prices.items()
    ]


def with_changes(days: Sequence[Day], price: Money | None) -> list[Day]:
    """Give the chosen day the price of its connections where nothing goes through."""
    return [replace(one, price=price) if one.current and one.price is None else one for one in days]


def lowest(found: Sequence[Found]) -> Money | None:
    """Answer the lowest price; of several currencies, that of the most tickets counts."""
    by_currency: dict[str, list[int]] = {}
    for one in found:
        by_currency.setdefault(one.price.currency, []).append(one.price.minor)
    if not by_currency:
        return None
    currency, minors = max(by_currency.items(), key=lambda one: (len(one[1]), one[0]))
    return Money(min(minors), currency)


def day_link(journey: Journey, day: date) -> str:
    """Answer the same search on another day; a way back never comes before the way out."""
    if journey.out is not None:
        return journey.link("bookings:search", return_date=day.isoformat())
    back = journey.query.get("return_date", "")
    later = {"return_date": day.isoformat()} if journey.is_return and back < day.isoformat() else {}
    return journey.link("bookings:search", date=day.isoformat(), seat=None, **later)


def other_days(
    query: Query, around: Sequence[Day], journey: Journey, *, now: datetime
) -> list[Day]:
    """Answer the nearest days that have something, when the chosen one has nothing."""
    near = [one for one in around if one.price and not one.current]
    if near:
        near.sort(key=lambda one: (abs(one.day - query.day), one.day))
        return sorted(near[:MOST_OFFERED_DAYS], key=lambda one: one.day)
    start = around[-1].day + timedelta(days=1) if around else query.day
    days = [start + timedelta(days=offset) for offset in range(LOOK_AHEAD_DAYS)]
    found = search.find_days(query, days=days, now=now)
    ahead = [
        Day(day, day_link(journey, day), lowest(tickets), current=False, lowest=False)
        for day, tickets in found.items()
        if tickets
    ]
    return ahead[:MOST_OFFERED_DAYS]
