"""What the rides of a day may be narrowed by, and the orders that they may be put in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import time
from decimal import Decimal
from itertools import chain

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from bookings import search
from bookings.pages.forms import MODES
from bookings.pages.journey import FILTER_KEYS, Journey
from bookings.pages.results import by_ride
from bookings.search import Filters, Found
from travel.common.templatetags.look import facility_icon, facility_name, mode_icon

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
            pgettext("what a vehicle offers", "On board"),
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
