"""Home, and the way from a search to a list of rides."""

from __future__ import annotations

from datetime import datetime, timedelta
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_POST, require_safe

from bookings import search as finder
from bookings.pages import (
    alternatives,
    asked,
    connections,
    days,
    narrowing,
    offered,
    popular,
    recent,
    results,
)
from bookings.pages.forms import MODES, PEOPLE, WAYS, SearchForm
from bookings.pages.journey import FILTER_KEYS, Journey
from bookings.search import Found, Query
from inventory import places
from travel.common import clock

RIDES_A_PAGE = 20
# Names that a browser without scripts offers while one types.
MOST_NAMES = 60


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Show the search card and how the office works."""
    now = clock.now()
    tomorrow = now.date() + timedelta(days=1)
    lines = popular.busiest_ways(tomorrow, now=now)
    half = (len(lines) + 1) // 2
    context = {
        "form": _fresh_form(now),
        "places": _names(),
        "boards": [lines[:half], lines[half:]] if half > 1 else [lines],
        "tomorrow": tomorrow,
        "recent": recent.read(request, now=now),
        "hold_minutes": offered.hold_minutes(),
    }
    return render(request, "bookings/home.html", context)


@require_POST
def forget_searches(request: HttpRequest) -> HttpResponse:
    """Drop the recent searches of this browser."""
    answer = redirect("home")
    recent.forget(answer)
    return answer


@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """Show the rides of a day, or what is to be put right in the search."""
    now = clock.now()
    journey = Journey(request.GET)
    if "swap" in request.GET:
        there, back = journey.query.get("origin"), journey.query.get("destination")
        return redirect(journey.link("bookings:search", origin=back, destination=there, out=None))
    if not any(journey.query.get(key) for key in ("origin", "destination", "date")):
        return _ask_again(request, _fresh_form(now), journey)
    form = _dated(SearchForm(_completed(request.GET)), now)
    query = asked.understand(form, journey, now=now) if form.is_valid() else None
    if query is None:
        return _ask_again(request, form, journey)
    return _show_results(request, form, journey, query, now)


def _ask_again(request: HttpRequest, form: SearchForm, journey: Journey) -> HttpResponse:
    context = {
        "form": form,
        "places": _names(),
        "hints": asked.hints(journey),
        "recent": recent.read(request, now=clock.now()),
    }
    return render(request, "bookings/search.html", context)


def _show_results(
    request: HttpRequest, form: SearchForm, journey: Journey, query: Query, now: datetime
) -> HttpResponse:
    prices = narrowing.PriceForm(journey.query)
    filters = narrowing.filters_of(journey, prices)
    sort = narrowing.sort_of(journey)
    today = now.astimezone(asked.zone_of(query.origin)).date()
    week = days.days_around(query.day, today=today)
    found = finder.find_days(query, days=week, now=now)
    chosen = connections.way_out(journey, query, now=now) if journey.outs else None
    if chosen:
        found = {day: _after(chosen, tickets) for day, tickets in found.items()}
    wanted = finder.narrow(found[query.day], filters, sort=sort)
    page = Paginator(list(results.by_ride(wanted).values()), RIDES_A_PAGE).get_page(
        request.GET.get("page")
    )
    strip = days.strip(found, filters, journey, query.day)
    nothing = not found[query.day]
    changing = (
        connections.find(query, filters=filters, sort=sort, direct=wanted, after=chosen, now=now)
        if page.number == 1
        else []
    )
    answer = render(
        request,
        "bookings/results.html",
        {
            "form": form,
            "places": _names(),
            "journey": journey,
            "origin": offered.place_name(query.origin),
            "destination": offered.place_name(query.destination),
            "day": query.day,
            "is_back": journey.out is not None,
            "chosen": chosen and chosen.trip,
            "chosen_fare": chosen and chosen.fare,
            "days": days.with_changes(strip, connections.lowest(changing)),
            "other_days": []
            if changing or not nothing
            else days.other_days(query, strip, journey, now=now),
            "elsewhere": []
            if changing or not nothing
            else alternatives.elsewhere(query, strip, journey, now=now),
            "other_modes": []
            if wanted
            else narrowing.other_modes(found[query.day], filters, journey),
            "facets": narrowing.facets(found[query.day], filters, journey),
            "prices": prices,
            "filters_on": narrowing.count_filters(journey),
            "carried": journey.pairs(without=(*FILTER_KEYS, "mode")),
            "clear_href": journey.link(
                "bookings:search", **dict.fromkeys((*FILTER_KEYS, "mode"), None)
            ),
            "sorts": narrowing.sort_links(journey, sort),
            "sort": sort,
            "cards": results.cards(page.object_list, results.marks(found[query.day]), journey),
            "page": page,
            "page_query": journey.string().removeprefix("?"),
            "nothing": nothing,
            "connections": connections.cards(changing, journey, beside=bool(wanted)),
        },
    )
    if request.headers.get("HX-Request"):
        # The address without what the form sends empty.
        here = {"page": page.number} if page.number > 1 else {}
        answer["HX-Push-Url"] = _with_page(journey.link("bookings:search"), **here)
    elif journey.out is None:
        recent.remember(request, answer, journey)
    # The list alone is no page to be shown from a cache of the whole one.
    patch_vary_headers(answer, ["HX-Request"])
    return answer


def _with_page(address: str, **page: int) -> str:
    return f"{address}&{urlencode(page)}" if page else address


def _after(chosen: connections.WayOut, tickets: list[Found]) -> list[Found]:
    """Leave out what departs before the way out has arrived."""
    return [one for one in tickets if one.stretch.departs_at >= chosen.arrives_at]


def _completed(query: QueryDict) -> QueryDict:
    """Fill in what an address may leave out: every way of travel, one way."""
    completed = query.copy()
    if not query.get("way"):
        completed["way"] = WAYS[0][0]
    if not query.getlist("mode"):
        completed.setlist("mode", [mode for mode, _name in MODES])
    if not any(query.get(kind) for kind in PEOPLE):
        completed[PEOPLE[0]] = "1"
    return completed


def _fresh_form(now: datetime) -> SearchForm:
    tomorrow = now.date() + timedelta(days=1)
    return _dated(SearchForm(initial={"date": tomorrow, "adult": 1}), now)


def _dated(form: SearchForm, now: datetime) -> SearchForm:
    """Let the browser's calendar begin today."""
    for name in ("date", "return_date"):
        form.fields[name].widget.attrs["min"] = now.date().isoformat()
    return form


def _names() -> list[str]:
    """Answer the names of the cities with the most stations."""
    cities = sorted(places.cities_like(""), key=lambda city: (-len(city.stations), city.name))
    return sorted(offered.city_name(city) for city in cities[:MOST_NAMES])
