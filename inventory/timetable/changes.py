"""Times to change: those that a source names, and the profile's where it says nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from inventory.timetable.distance import great_circle_metres
from inventory.timetable.draft import MinimumChangeDraft, StationDraft
from inventory.timetable.profile import ChangeRule

#: Beyond this the stops of a city are too many to walk between all of them.
MOST_STATIONS_OF_A_CITY = 40

#: Minutes between two stations by their source's ids; None: the source says it cannot be done.
Transfers = dict[tuple[str, str], int | None]


@dataclass(frozen=True, slots=True)
class ChangeMaker:
    """Puts a source's times and the profile's together, for the stations that are imported."""

    transfers: Transfers
    rule: ChangeRule

    def changes(self, stations: Mapping[str, StationDraft]) -> Iterator[MinimumChangeDraft]:
        """By station; then between the stations of a city; then other pairs of the source."""
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
