"""Small feeds, made by hand: a train from Hamburg to München, and what a test changes of it."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from inventory.timetable.gtfs import GtfsOptions, read_gtfs
from inventory.timetable.places import load_places
from inventory.timetable.profile import load_profile
from inventory.timetable.reading import Reading

AGENCY = "agency_id,agency_name,agency_url,agency_timezone\nDB,DB,http://x,Europe/Berlin\n"
STOPS = """stop_id,stop_name,stop_lat,stop_lon
8002549,Hamburg Hbf,53.552733,10.006909
8000152,Hannover Hbf,52.376764,9.741017
8000261,München Hbf,48.140229,11.558339
"""
ROUTES = "route_id,agency_id,route_short_name,route_long_name,route_type\nr,DB,,ICE 1,2\n"
TRIPS = "route_id,service_id,trip_id\nr,s,t\n"
STOP_TIMES = """trip_id,arrival_time,departure_time,stop_id,stop_sequence
t,08:00:00,08:00:00,8002549,1
t,09:15:00,09:18:00,8000152,2
t,13:30:00,13:30:00,8000261,3
"""
CALENDAR_DATES = "service_id,date,exception_type\ns,20260601,1\n"

FEED = {
    "agency.txt": AGENCY,
    "stops.txt": STOPS,
    "routes.txt": ROUTES,
    "trips.txt": TRIPS,
    "stop_times.txt": STOP_TIMES,
    "calendar_dates.txt": CALENDAR_DATES,
}

profile = cache(load_profile)
places = cache(load_places)

MakeFeed = Callable[..., Path]
Read = Callable[..., Reading]


@pytest.fixture
def make_feed(tmp_path: Path) -> MakeFeed:
    """Writes a feed: the plain one, with files replaced, or left out where None is given."""

    def make(files: dict[str, str | bytes | None] | None = None, *, folder: str = "") -> Path:
        path = tmp_path / f"feed-{len(list(tmp_path.iterdir()))}.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in {**FEED, **(files or {})}.items():
                if content is not None:
                    archive.writestr(folder + name, content)
        return path

    return make


@pytest.fixture
def read(make_feed: MakeFeed) -> Any:
    """Reads a feed with the plain profile: the files to replace, then options of the reading."""
    with ExitStack() as stack:

        def read_feed(files: Any = None, **options: Any) -> Reading:
            path = files if isinstance(files, Path) else make_feed(files)
            reading_options = GtfsOptions(
                **{
                    "feed": "test",
                    "profile": profile(),
                    "places": places(),
                    **options,
                }
            )
            return stack.enter_context(read_gtfs(path, reading_options))

        yield read_feed
