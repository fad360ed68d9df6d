"""The demo network as one edition of a timetable."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta

from inventory.timetable.demo_network.carriers import CARRIERS
from inventory.timetable.demo_network.fares import tariffs
from inventory.timetable.demo_network.fleet import seat_maps, vehicles
from inventory.timetable.demo_network.lines import Run, runs
from inventory.timetable.demo_network.places import FOLDER, load_places
from inventory.timetable.draft import CallDraft, DepartureDraft, TimetableDraft

#: The code of the feed under which the network is published.
FEED = "demo"
#: Beyond it, departures of a line would follow each other every few minutes.
LARGEST_SCALE = 30.0
LONGEST_WINDOW_DAYS = 400


def demo_timetable(*, first_date: date, last_date: date, scale: float = 1.0) -> TimetableDraft:
    """
    The network for the days from first_date to last_date, both included.

    At scale 1 some 660 departures leave on each day. At scale N every line runs N times as often;
    what runs at a smaller whole scale runs at a larger one at the same times. Below 1 every line
    still runs once a day in either direction.

    :raises ValueError: the scale is not above 0 and at most LARGEST_SCALE, or the window is empty
        or longer than LONGEST_WINDOW_DAYS.
    """
    if not 0 < scale <= LARGEST_SCALE:
        raise ValueError(f"the scale must be above 0 and at most {LARGEST_SCALE:g}")
    days = (last_date - first_date).days + 1
    if not 1 <= days <= LONGEST_WINDOW_DAYS:
        raise ValueError(f"the window must have 1 to {LONGEST_WINDOW_DAYS} days")

    places = load_places()
    every_run = runs(places, scale=scale)
    return TimetableDraft(
        feed=FEED,
        feed_name="Demo network",
        first_date=first_date,
        last_date=last_date,
        cities=places.cities,
        stations=tuple(places.stations.values()),
        carriers=tuple(CARRIERS.values()),
        tariffs=tariffs(),
        seat_maps=seat_maps(),
        vehicles=vehicles(),
        services=tuple(run.service for run in every_run),
        departures=lambda: _departures(every_run, first_date, days),
        minimum_changes=places.minimum_changes,
        departure_count=len(every_run) * days,
    )


def edition_digest(*, first_date: date, last_date: date, scale: float = 1.0) -> str:
    """A digest of everything that the network of these days is made from: tables, code, scale."""
    digest = hashlib.sha256(f"{first_date} {last_date} {scale:g}".encode())
    for path in sorted(FOLDER.iterdir()):
        if path.suffix in {".csv", ".toml", ".py"}:
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _departures(every_run: Sequence[Run], first: date, days: int) -> Iterator[DepartureDraft]:
    for offset in range(days):
        day = first + timedelta(days=offset)
        for run in every_run:
            yield _departure(run, day)


def _departure(run: Run, day: date) -> DepartureDraft:
    """
    The start is a local time of the day; from there on minutes are counted, whatever clocks do.

    So a train that is under way while the clocks change takes as long as in any other night, and
    arrives an hour earlier or later by the clock.
    """
    start = datetime.combine(day, run.leaves, run.zone).astimezone(UTC)
    last = len(run.stops) - 1
    return DepartureDraft(
        service=run.service.ref,
        travel_date=day,
        vehicle=run.vehicle,
        calls=tuple(
            CallDraft(
                station=stop.station,
                arrives_at=None if stop.arrives is None else start + stop.arrives,
                departs_at=None if stop.departs is None else start + stop.departs,
                may_board=position < last,
                may_alight=position > 0,
                platform=stop.platform,
                distance_m=stop.distance_m,
            )
            for position, stop in enumerate(run.stops)
        ),
    )
