"""Other places to start from or to go to, where nothing leads from here to there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bookings.pages.days import Day
from bookings.pages.journey import Journey
from bookings.pages.offered import city_name
from bookings.search import Query
from inventory import places
from inventory import search as timetable
from inventory.places import CityFacts
from inventory.timetable.distance import great_circle_metres

# Places that are worth going to first, and how many of them are looked at and told.
NEAR_M = 150_000
FAR_M = 1e9
MOST_NEAR = 6
MOST_ELSEWHERE = 3


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Another pair of places near those asked for, which something leads between on the day."""

    origin: str
    destination: str
    href: str


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


def _distance(one: CityFacts, other: CityFacts) -> int:
    """Answer the metres between the first stations of two cities."""
    if one.id == other.id:
        return 0
    here, there = one.stations[0], other.stations[0]
    return great_circle_metres(here.latitude, here.longitude, there.latitude, there.longitude)
