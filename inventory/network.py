"""
The timetable of some days in memory: what runs, and when it calls where, for finding connections.

Two statements read it, whatever is asked: the departures by their days, then their calls. Instants
are whole seconds since 1970 here, because connections compare a great many of them.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from django.db import connection

from inventory.search import Stretch
from travel.common import sql

# Ten times the long-distance trains of a large country; what is beyond is left out, and logged.
MAX_RUNS = 30_000
MAX_CALLS = 300_000
# A departure that is under way longer than this is met on its later days only as far as it goes.
LONGEST_RUN = timedelta(days=1)

log = logging.getLogger(__name__)


class Halt(NamedTuple):
    """
    A call as connections see it, in seconds.

    `alights` is when one is off at the latest, `boards` until when one has to be there, by
    timetable and by what is expected of the day; None where one may not.
    """

    position: int
    station_id: int
    alights: int | None
    boards: int | None
    arrives_at: int | None
    departs_at: int | None
    expected_arrives_at: int | None
    expected_departs_at: int | None
    distance_m: int

    @property
    def leaves_at(self) -> int | None:
        """When it really leaves, as far as is known."""
        return self.expected_departs_at or self.departs_at


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """
    A departure with its calls in order, or a part of one that may be sold.

    `facts` are the departure's columns as a Stretch has them, from service to earliest hold end.
    """

    departure_id: int
    mode: str
    carrier_code: str
    currency: str
    tariff_id: int
    service_id: int
    seat_map_id: int
    stock_version: int
    earliest_hold_end: datetime | None
    facts: tuple[Any, ...]
    halts: Sequence[Halt]

    def stretch(self, start: int, end: int) -> Stretch:
        """Answer the ride from one of the halts to another, by their indexes."""
        first, last = self.halts[start], self.halts[end]
        assert first.departs_at is not None
        assert last.arrives_at is not None
        late_out, late_in = first.expected_departs_at, last.expected_arrives_at
        values = (
            self.departure_id,
            first.position,
            last.position,
            first.station_id,
            last.station_id,
            instant(first.departs_at),
            instant(last.arrives_at),
            last.distance_m - first.distance_m,
            *self.facts,
            late_out and instant(late_out),
            late_in and instant(late_in),
        )
        return Stretch(*values)


def instant(seconds: int) -> datetime:
    """Answer the instant that many seconds after 1970 began."""
    return datetime.fromtimestamp(seconds, UTC)


def read_runs(*, first: datetime, last: datetime) -> list[Run]:
    """
    Answer what runs from the one instant to the other, on sale and with calls in that time.

    Cancelled, closed, replaced and withdrawn departures are left out, and so are skipped calls.
    """
    days = (first - LONGEST_RUN).date(), last.date()
    departures = sql.rows(_DEPARTURES, [*days, MAX_RUNS])
    statement = _CALLS.format(
        in_this_order="" if connection.vendor == "sqlite" else "STRAIGHT_JOIN",
        then="CROSS JOIN" if connection.vendor == "sqlite" else "JOIN",
        calls=(
            "stop.id BETWEEN departure.id * 64 AND departure.id * 64 + 63"
            if connection.vendor == "sqlite"
            else "stop.departure_id = departure.id"
        ),
    )
    calls = sql.rows(statement, [*days, first, last, MAX_CALLS])
    if len(departures) == MAX_RUNS or len(calls) == MAX_CALLS:
        log.warning("connections are looked for in a part of the timetable: it is too large")
    halts = _halts(calls)
    departures = [(*row[:-1], sql.moment(row[-1])) for row in departures]
    return [
        Run(
            departure_id=key,
            mode=row[2],
            carrier_code=row[5],
            currency=row[7],
            tariff_id=row[3],
            service_id=row[0],
            seat_map_id=row[10],
            stock_version=row[11],
            earliest_hold_end=row[12],
            facts=tuple(row),
            halts=halts[key],
        )
        for key, *row in departures
        if len(halts.get(key, ())) > 1
    ]


# In the order of Stretch's fields.
_DEPARTURES = """
SELECT departure.id, departure.service_id, service.number, service.mode, service.tariff_id,
       service.carrier_id, carrier.code, carrier.name, carrier.currency_id,
       departure.vehicle_id, vehicle.name, vehicle.seat_map_id,
       departure.stock_version, departure.earliest_hold_end
FROM inventory_departure departure
JOIN inventory_service service ON service.id = departure.service_id
JOIN inventory_carrier carrier ON carrier.id = service.carrier_id
JOIN inventory_vehicle vehicle ON vehicle.id = departure.vehicle_id
WHERE departure.travel_date BETWEEN %s AND %s
  AND departure.state = 'scheduled' AND departure.sales_closed_at IS NULL
ORDER BY departure.id
LIMIT %s
"""
# Instants come as text, so that no driver makes each of them out anew: see _Seconds.
_CALLS = """
SELECT {in_this_order} stop.departure_id, stop.position, stop.station_id,
       CAST(stop.arrives_at AS CHAR), CAST(stop.departs_at AS CHAR),
       CAST(stop.expected_arrives_at AS CHAR), CAST(stop.expected_departs_at AS CHAR),
       stop.may_board, stop.may_alight, stop.distance_m
FROM inventory_departure departure
{then} inventory_call stop ON {calls}
WHERE departure.travel_date BETWEEN %s AND %s
  AND departure.state = 'scheduled' AND departure.sales_closed_at IS NULL
  AND NOT stop.is_skipped
  AND COALESCE(stop.departs_at, stop.arrives_at) >= %s
  AND COALESCE(stop.arrives_at, stop.departs_at) < %s
LIMIT %s
"""


def _halts(calls: Sequence[tuple[Any, ...]]) -> dict[int, list[Halt]]:
    """Put the calls of each departure in order, their instants as seconds."""
    seconds = _Seconds({None: None})
    halts: dict[int, list[Halt]] = {}
    for row in calls:
        departure_id, position, station_id, arrives, departs, late_in, late_out, on, off, way = row
        arrives_at, departs_at = seconds[arrives], seconds[departs]
        really_in, really_out = seconds[late_in], seconds[late_out]
        alights = arrives_at if off else None
        if alights is not None and really_in is not None and really_in > alights:
            alights = really_in
        boards = departs_at if on else None
        if boards is not None and really_out is not None and really_out < boards:
            boards = really_out
        halts.setdefault(departure_id, []).append(
            Halt(
                position,
                station_id,
                alights,
                boards,
                arrives_at,
                departs_at,
                really_in,
                really_out,
                way,
            )
        )
    for stops in halts.values():
        stops.sort()
    return halts


class _Seconds(dict["str | None", "int | None"]):
    """Seconds by the text of an instant; timetables name the same minutes again and again."""

    def __missing__(self, text: str) -> int:
        moment = datetime.fromisoformat(text).replace(tzinfo=UTC)
        seconds = self[text] = int(moment.timestamp())
        return seconds
