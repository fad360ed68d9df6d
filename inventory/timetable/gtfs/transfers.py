"""Times to change: transfers.txt, and the profile's where it says nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from inventory.timetable.distance import great_circle_metres
from inventory.timetable.draft import MinimumChangeDraft, StationDraft
from inventory.timetable.gtfs.archive import Archive
from inventory.timetable.gtfs.stops import Stops
from inventory.timetable.gtfs.tables import read_table
from inventory.timetable.profile import ChangeRule
from inventory.timetable.report import Report

FILE = "transfers.txt"
RECOMMENDED, TIMED, MINIMUM, IMPOSSIBLE = "0", "1", "2", "3"
#: A change that needs more than a day is no change.
LONGEST_SECONDS = 24 * 3600

#: Minutes between two stations by their feed's ids; None: the feed says that it cannot be done.
Transfers = dict[tuple[str, str], int | None]


def read_transfers(archive: Archive, stops: Stops, report: Report) -> Transfers:
    """
    The feed's own times between stations; platforms are folded, and the slowest pair counts.

    Rules for single trips or routes say nothing of a pair of stations and are left aside.
    """
    transfers: Transfers = {}
    for line, row in read_table(
        archive,
        FILE,
        required=("transfer_type",),
        optional=(
            "from_stop_id", "to_stop_id", "min_transfer_time", "from_route_id", "to_route_id",
            "from_trip_id", "to_trip_id",
        ),
        report=report,
    ):  # fmt: skip
        kind, from_stop, to_stop, seconds = row[:4]
        if any(row[4:]) or kind not in ("", RECOMMENDED, TIMED, MINIMUM, IMPOSSIBLE):
            report.note(FILE, line, "a rule for trips or routes is left aside", ",".join(row))
            continue
        if from_stop not in stops or to_stop not in stops:
            report.skip(FILE, line, "stop_id is not known", f"{from_stop},{to_stop}")
            continue
        pair = stops.station_id(from_stop), stops.station_id(to_stop)
        if kind == IMPOSSIBLE:
            if pair[0] == pair[1]:
                report.note(FILE, line, "a change within one station stays possible", from_stop)
            else:
                transfers.setdefault(pair, None)
        elif kind == MINIMUM:
            if not re.fullmatch(r"\d{1,6}", seconds) or int(seconds) > LONGEST_SECONDS:
                report.skip(FILE, line, "min_transfer_time is out of range", seconds)
            else:
                minutes = -(-int(seconds) // 60)
                transfers[pair] = max(minutes, transfers.get(pair) or 0)
    return transfers


@dataclass(frozen=True, slots=True)
class ChangeMaker:
    """Puts the feed's times and the profile's together, for the stations that are imported."""

    transfers: Transfers
    rule: ChangeRule

    def changes(self, stations: Mapping[str, StationDraft]) -> Iterator[MinimumChangeDraft]:
        """By station; then between the stations of a city; then other pairs that the feed names."""
        by_city: dict[str, list[tuple[str, StationDraft]]] = {}
        for station_id, station in stations.items():
            by_city.setdefault(station.city, []).append((station_id, station))
            minutes = self.transfers.get((station_id, station_id))
            minutes = minutes if minutes is not None else self.rule.within.get(station.kind)
            if minutes is not None:
                yield MinimumChangeDraft(station.code, station.code, minutes)

        seen: set[tuple[str, str]] = set()
        for members in by_city.values():
            for from_id, start in members[:MOST_STATIONS_OF_A_CITY]:
                for to_id, end in members[:MOST_STATIONS_OF_A_CITY]:
                    if from_id != to_id:
                        seen.add((from_id, to_id))
                        yield MinimumChangeDraft(
                            start.code, end.code, self._minutes(from_id, to_id, start, end)
                        )
        for (from_id, to_id), minutes in self.transfers.items():
            is_new = from_id != to_id and (from_id, to_id) not in seen
            if is_new and from_id in stations and to_id in stations:
                yield MinimumChangeDraft(stations[from_id].code, stations[to_id].code, minutes)

    def _minutes(
        self, from_id: str, to_id: str, start: StationDraft, end: StationDraft
    ) -> int | None:
        if (from_id, to_id) in self.transfers:
            return self.transfers[from_id, to_id]
        metres = great_circle_metres(start.latitude, start.longitude, end.latitude, end.longitude)
        return self.rule.between_base + -(-metres * self.rule.between_per_km // 1000)


#: Beyond this the stops of a city are too many to walk between all of them.
MOST_STATIONS_OF_A_CITY = 40
