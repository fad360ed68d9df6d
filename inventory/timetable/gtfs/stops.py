"""Stops of a feed, folded into the stations that the office knows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from inventory.timetable.draft import CodeDraft, NameDraft, StationDraft, StationKind
from inventory.timetable.gtfs.archive import Archive
from inventory.timetable.gtfs.tables import read_table
from inventory.timetable.places import StationPlace, spelt_out
from inventory.timetable.profile import Profile
from inventory.timetable.reading import own_code
from inventory.timetable.report import Report
from inventory.timetable.zones import zone_or_none
from travel.common.ids import normal_text

FILE = "stops.txt"
LONGEST_NAME = 120
LONGEST_PLATFORM = 20
LONGEST_ID = 120
PLATFORM_TYPES = ("", "0")
STATION_TYPE = "1"

#: The two digits that begin a station's UIC number (UIC leaflet 920-14), as countries.
UIC_COUNTRIES = {
    "10": "FI", "20": "RU", "21": "BY", "22": "UA", "23": "MD", "24": "LT", "25": "LV", "26": "EE",
    "28": "GE", "41": "AL", "44": "BA", "49": "BA", "50": "BA", "51": "PL", "52": "BG", "53": "RO",
    "54": "CZ", "55": "HU", "56": "SK", "60": "IE", "62": "ME", "65": "MK", "70": "GB", "71": "ES",
    "72": "RS", "73": "GR", "74": "SE", "75": "TR", "76": "NO", "78": "HR", "79": "SI", "80": "DE",
    "81": "AT", "82": "LU", "83": "IT", "84": "NL", "85": "CH", "86": "DK", "87": "FR", "88": "BE",
    "94": "PT",
}  # fmt: skip
#: Stop ids are taken for UIC numbers when this share of them looks so.
UIC_SHARE = 0.9

_UIC = re.compile(r"\d{7}")
_IATA = re.compile(r"[A-Z]{3}")


@dataclass(frozen=True, slots=True)
class Stop:
    """A row of stops.txt at which trips may call, or a station that holds such rows."""

    stop_id: str
    code: str
    name: str
    latitude: float
    longitude: float
    tz: str
    parent: str
    platform: str
    is_station: bool


class Stops:
    """All usable stops of a feed, by their ids."""

    def __init__(self, stops: dict[str, Stop]) -> None:
        self._stops = stops
        self._children: dict[str, list[Stop]] = {}
        for stop in stops.values():
            self._children.setdefault(self.station_id(stop.stop_id), []).append(stop)

    def __contains__(self, stop_id: str) -> bool:
        return stop_id in self._stops

    def __iter__(self) -> Iterator[Stop]:
        return iter(self._stops.values())

    def __getitem__(self, stop_id: str) -> Stop:
        return self._stops[stop_id]

    def station_id(self, stop_id: str) -> str:
        """The stop_id of the station that a stop is folded into: its parent's, else its own."""
        return self._stops[stop_id].parent or stop_id

    def folded(self, station_id: str) -> list[Stop]:
        """The stops that make up a station, itself included."""
        return self._children[station_id]


def read_stops(archive: Archive, report: Report) -> Stops:
    """Reads platforms and stations; entrances and nodes within stations are nobody's call."""
    stops: dict[str, Stop] = {}
    lines: dict[str, int] = {}
    rows = read_table(
        archive,
        FILE,
        required=("stop_id",),
        optional=(
            "stop_name", "stop_lat", "stop_lon", "stop_code", "stop_timezone", "location_type",
            "parent_station", "platform_code",
        ),
        report=report,
    )  # fmt: skip
    for line, row in rows:
        stop_id, name, latitude, longitude, code, tz, kind, parent, platform = row
        if kind not in (*PLATFORM_TYPES, STATION_TYPE):
            continue
        place = _position(latitude, longitude)
        if not stop_id or len(stop_id) > LONGEST_ID:
            report.skip(FILE, line, "stop_id is empty or too long", stop_id)
        elif stop_id in stops:
            report.skip(FILE, line, "a stop_id stands twice", stop_id)
        elif not normal_text(name):
            report.skip(FILE, line, "a stop has no name", stop_id)
        elif place is None:
            report.skip(FILE, line, "a stop is nowhere on earth", f"{latitude},{longitude}")
        else:
            if tz and zone_or_none(tz) is None:
                report.note(FILE, line, "stop_timezone is no time zone", tz)
                tz = ""
            if len(normal_text(name)) > LONGEST_NAME:
                report.note(FILE, line, "a name is cut short", name)
            stops[stop_id] = Stop(
                stop_id=stop_id,
                code=code,
                name=normal_text(name)[:LONGEST_NAME],
                latitude=place[0],
                longitude=place[1],
                tz=tz,
                parent=parent if kind != STATION_TYPE else "",
                platform=platform[:LONGEST_PLATFORM],
                is_station=kind == STATION_TYPE,
            )
            lines[stop_id] = line
    return Stops(_with_known_parents(stops, lines, report))


def _with_known_parents(
    stops: dict[str, Stop], lines: Mapping[str, int], report: Report
) -> dict[str, Stop]:
    """A stop whose parent is not there, or is no station, stands for itself."""
    known = {}
    for stop in stops.values():
        parent = stops.get(stop.parent) if stop.parent else None
        if stop.parent and (parent is None or not parent.is_station):
            reason = "parent_station is not known" if parent is None else "parent is no station"
            report.note(FILE, lines[stop.stop_id], reason, f"{stop.stop_id}: {stop.parent}")
            stop = Stop(
                stop.stop_id, stop.code, stop.name, stop.latitude, stop.longitude, stop.tz,
                "", stop.platform, stop.is_station,
            )  # fmt: skip
        known[stop.stop_id] = stop
    return known


def _position(latitude: str, longitude: str) -> tuple[float, float] | None:
    try:
        place = float(latitude), float(longitude)
    except ValueError:
        return None
    # NaN fails every comparison; 0, 0 is a forgotten position, not a stop in the Atlantic.
    if -90 <= place[0] <= 90 and -180 <= place[1] <= 180 and place != (0.0, 0.0):
        return round(place[0], 6), round(place[1], 6)
    return None


class StationMaker:
    """Makes stations of the stops that trips call at."""

    def __init__(self, stops: Stops, *, profile: Profile, feed: str, agency_zone: str) -> None:
        self._stops = stops
        self._profile = profile
        self._feed = feed
        self._agency_zone = agency_zone
        self._trusts_uic = self._ids_are_uic()

    def code(self, station_id: str, kind: StationKind) -> str:
        """IATA for airports, UIC for railways where the feed has them, else the feed's own."""
        if kind == "airport" and (iata := self._iata(station_id)):
            return iata
        if kind == "railStation" and (uic := self._uic(station_id)):
            return uic
        return own_code(self._feed, station_id)

    def country(self, station_id: str) -> str:
        """The country by the station's UIC number, or empty."""
        uic = self._uic(station_id)
        return UIC_COUNTRIES[uic[:2]] if uic else ""

    def zone(self, station_id: str) -> str:
        """The stop's own time zone, else its country's by the profile, else the agency's."""
        own = self._stops[station_id].tz
        if not own:
            own = next((stop.tz for stop in self._stops.folded(station_id) if stop.tz), "")
        return (
            own or self._profile.time_zones.get(self.country(station_id), "") or self._agency_zone
        )

    def place(self, station_id: str, kind: StationKind) -> StationPlace:
        """What the search for its city needs."""
        stop = self._stops[station_id]
        return StationPlace(
            code=self.code(station_id, kind),
            name=stop.name,
            country=self.country(station_id),
            latitude=stop.latitude,
            longitude=stop.longitude,
        )

    def draft(self, station_id: str, kind: StationKind, city: str) -> StationDraft:
        """The station, known by the codes of all stops that are folded into it."""
        stop = self._stops[station_id]
        codes = [
            CodeDraft(f"gtfs:{self._feed}", child.stop_id)
            for child in self._stops.folded(station_id)
        ]
        if uic := self._uic(station_id):
            codes.append(CodeDraft("uic", uic))
        if kind == "airport" and (iata := self._iata(station_id)):
            codes.append(CodeDraft("iata", iata))
        spelling = spelt_out(stop.name)
        return StationDraft(
            code=self.code(station_id, kind),
            city=city,
            kind=kind,
            name=stop.name,
            tz=self.zone(station_id),
            latitude=stop.latitude,
            longitude=stop.longitude,
            names=(NameDraft("", spelling[:LONGEST_NAME]),) if spelling else (),
            codes=tuple(codes),
        )

    def _ids_are_uic(self) -> bool:
        if self._profile.uic_stops != "auto":
            return self._profile.uic_stops == "yes"
        stops = [stop for stop in self._stops if not stop.parent]
        like = sum(1 for stop in stops if self._as_uic(stop) is not None)
        return bool(stops) and like >= UIC_SHARE * len(stops)

    def _uic(self, station_id: str) -> str | None:
        return self._as_uic(self._stops[station_id]) if self._trusts_uic else None

    @staticmethod
    def _as_uic(stop: Stop) -> str | None:
        for text in (stop.stop_id, stop.code):
            if _UIC.fullmatch(text) and text[:2] in UIC_COUNTRIES:
                return text
        return None

    def _iata(self, station_id: str) -> str | None:
        stop = self._stops[station_id]
        return next((text for text in (stop.code, stop.stop_id) if _IATA.fullmatch(text)), None)
