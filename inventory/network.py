"""
The timetable of some days in memory: what runs, and when it calls where, for finding connections.

Two statements read it, whatever is asked: the departures by their days, then their calls. What is
compared a great many times is in whole seconds since 1970.
"""

from __future__ import annotations

import gc
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from django.db import connection

from inventory.search import Stretch
from travel.common import sql

# Ten times the long-distance trains of a large country; what is beyond is left out, and logged.
MAX_RUNS = 30_000
MAX_CALLS = 300_000
# A departure is looked for from the day on that so long before was: a night train of the evening
# before is found, and what has been under way for longer than a day and a half may not be.
EVENING_BEFORE = timedelta(hours=12)

log = logging.getLogger(__name__)


class Halt(NamedTuple):
    """
    A call as connections see it.

    `alights` is when one is off at the latest, `boards` until when one has to be there, in seconds,
    by timetable and by what is expected of the day; None where one may not. The other instants are
    as the database writes them, in UTC: few of them are ever asked for.
    """

    position: int
    station_id: int
    alights: int | None
    boards: int | None
    arrives: str | None
    departs: str | None
    expected_in: str | None
    expected_out: str | None
    distance_m: int

    @property
    def arrives_at(self) -> int:
        assert self.arrives is not None
        return _seconds(self.arrives)

    @property
    def departs_at(self) -> int:
        assert self.departs is not None
        return _seconds(self.departs)

    @property
    def leaves_at(self) -> int | None:
        """When it really leaves, as far as is known."""
        leaves = self.expected_out or self.departs
        return None if leaves is None else _seconds(leaves)


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
    stations: frozenset[int]

    def stretch(self, start: int, end: int) -> Stretch:
        """Answer the ride from one of the halts to another, by their indexes."""
        first, last = self.halts[start], self.halts[end]
        values = (
            self.departure_id,
            first.position,
            last.position,
            first.station_id,
            last.station_id,
            sql.moment(first.departs),
            sql.moment(last.arrives),
            last.distance_m - first.distance_m,
            *self.facts,
            sql.moment(first.expected_out),
            sql.moment(last.expected_in),
        )
        return Stretch(*values)

    def part(self, start: int, end: int) -> Run:
        """Answer the part from one of the halts to another, both with it."""
        halts = self.halts[start : end + 1]
        return replace(self, halts=halts, stations=stations_of(halts))


@contextmanager
def without_collecting() -> Iterator[None]:
    """
    Leave the garbage collector out of the block, which makes some ten thousand rows and no cycles.

    It would look through them again and again, for a third of the time. Where several threads do
    this at once, whoever found it switched on does so again.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def read_runs(*, first: datetime, last: datetime) -> list[Run]:
    """
    Answer what runs from the one instant to the other, on sale and with calls in that time.

    Cancelled, closed, replaced and withdrawn departures are left out, and so are skipped calls.
    """
    days = (first - EVENING_BEFORE).date(), last.date()
    departures = sql.rows(_DEPARTURES, [*days, MAX_RUNS])
    calls = sql.rows(
        _CALLS.format(**_WORDS["sqlite" if connection.vendor == "sqlite" else "mysql"]),
        [*days, first, last, MAX_CALLS],
    )
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
            stations=stations_of(halts[key]),
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
# Instants come as text, so that no driver makes each of them out anew.
_CALLS = """
SELECT {in_this_order} stop.departure_id, stop.position, stop.station_id,
       CASE WHEN stop.may_alight THEN CAST({later}(
           stop.arrives_at, COALESCE(stop.expected_arrives_at, stop.arrives_at)
       ) AS CHAR) END,
       CASE WHEN stop.may_board THEN CAST({earlier}(
           stop.departs_at, COALESCE(stop.expected_departs_at, stop.departs_at)
       ) AS CHAR) END,
       CAST(stop.arrives_at AS CHAR), CAST(stop.departs_at AS CHAR),
       CAST(stop.expected_arrives_at AS CHAR), CAST(stop.expected_departs_at AS CHAR),
       stop.distance_m
FROM inventory_departure departure
{then} inventory_call stop ON {calls}
WHERE departure.travel_date BETWEEN %s AND %s
  AND departure.state = 'scheduled' AND departure.sales_closed_at IS NULL
  AND NOT stop.is_skipped
  AND COALESCE(stop.departs_at, stop.arrives_at) >= %s
  AND COALESCE(stop.arrives_at, stop.departs_at) < %s
LIMIT %s
"""
_WORDS = {
    "sqlite": {
        "in_this_order": "",
        "then": "CROSS JOIN",
        "calls": "stop.id BETWEEN departure.id * 64 AND departure.id * 64 + 63",
        "later": "MAX",
        "earlier": "MIN",
    },
    "mysql": {
        "in_this_order": "STRAIGHT_JOIN",
        "then": "JOIN",
        "calls": "stop.departure_id = departure.id",
        "later": "GREATEST",
        "earlier": "LEAST",
    },
}


def _halts(calls: Sequence[tuple[Any, ...]]) -> dict[int, list[Halt]]:
    """Put the calls of each departure in order, what is compared as seconds."""
    seconds = _Seconds({None: None})
    halts: dict[int, list[Halt]] = {}
    for departure_id, position, station_id, alights, boards, *rest in calls:
        halt = Halt._make((position, station_id, seconds[alights], seconds[boards], *rest))
        if departure_id in halts:
            halts[departure_id].append(halt)
        else:
            halts[departure_id] = [halt]
    for stops in halts.values():
        stops.sort()
    return halts


def stations_of(halts: Sequence[Halt]) -> frozenset[int]:
    """Answer where halts are."""
    return frozenset([halt[1] for halt in halts])


def _seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


class _Seconds(dict["str | None", "int | None"]):
    """Seconds by the text of an instant; timetables name the same minutes again and again."""

    def __missing__(self, text: str) -> int:
        seconds = self[text] = _seconds(text)
        return seconds
