"""
Search of stretches: which departures run from one of these stations to one of those, on a day.

The join goes by two indexes: (station, departs_at) finds who leaves, (departure, station, position)
who arrives. Rows come as tuples; no model instance is made.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import QuerySet

from inventory.models import (
    Bus,
    FareVersion,
    Flight,
    Mode,
    Service,
    Train,
)
from inventory.places import StationFacts
from inventory.pricing import PriceRule
from travel.common.ids import search_key

# More direct departures between two places on one day than any timetable has.
MAX_STRETCHES = 2_000
# Beyond so many days nobody sells, and calendars of databases end somewhere.
FURTHEST_DAYS = 730


@dataclass(frozen=True, slots=True)
class Stretch:
    """A ride from one call to another of a departure, as search reads it."""

    departure_id: int
    from_position: int
    to_position: int
    from_station_id: int
    to_station_id: int
    departs_at: datetime
    arrives_at: datetime
    distance_m: int
    service_id: int
    number: str
    mode: str
    tariff_id: int
    carrier_id: int
    carrier_code: str
    carrier_name: str
    currency: str
    vehicle_id: int
    vehicle_name: str
    seat_map_id: int
    stock_version: int
    earliest_hold_end: datetime | None
    expected_departs_at: datetime | None
    expected_arrives_at: datetime | None

    @property
    def leaves_at(self) -> datetime:
        """When it really leaves, as far as is known."""
        return self.expected_departs_at or self.departs_at

    @property
    def duration(self) -> timedelta:
        return self.arrives_at - self.departs_at

    @property
    def stops(self) -> int:
        """How many calls lie between."""
        return self.to_position - self.from_position - 1


def day_range(day: date, tz: str) -> tuple[datetime, datetime]:
    """Answer the instants at which the local day begins and ends: 23 to 25 hours apart."""
    zone = ZoneInfo(tz)
    return (
        datetime.combine(day, time.min, zone).astimezone(UTC),
        datetime.combine(day + timedelta(days=1), time.min, zone).astimezone(UTC),
    )


def find_stretches(
    *,
    origins: Sequence[StationFacts],
    destinations: Sequence[StationFacts],
    day: date,
    now: datetime,
    last_day: date | None = None,
) -> list[Stretch]:
    """
    Answer the rides that leave an origin on its local day and have not left by `now`.

    With `last_day` the days from the one to the other are searched, both counted in.

    Where a departure calls twice at a station, a ride that contains another one between the same
    stations is left out; the order is by departure time.
    """
    days: list[tuple[int, datetime, datetime]] = []
    for facts in origins:
        first, _ = day_range(day, facts.tz)
        _, last = day_range(last_day or day, facts.tz)
        if last > now:
            days.append((facts.id, first, last))
    if not days or not destinations:
        return []
    leaving = " OR ".join(
        ["(start.station_id = %s AND start.departs_at >= %s AND start.departs_at < %s)"] * len(days)
    )
    arriving = ", ".join(["%s"] * len(destinations))
    stretches = _read(
        by="call_station_time",
        arriving=f"finish.station_id IN ({arriving})",
        leaving=leaving,
        parameters=[
            *(facts.id for facts in destinations),
            *(value for one in days for value in (one[0], _adapt(one[1]), _adapt(one[2]))),
        ],
        now=now,
    )
    return _at_main_stations(stretches, origins, destinations)


def find_rides(rides: Sequence[tuple[int, int, int]], *, now: datetime) -> list[Stretch]:
    """
    Answer several rides, each a departure with two positions, in one statement.

    Those that do not exist or have left by `now` are missing.
    """
    if not rides:
        return []
    one = "(start.departure_id = %s AND start.position = %s AND finish.position = %s)"
    return _read(
        by="call_way",
        leaving=" OR ".join([one] * len(rides)),
        arriving="finish.position > 0",
        parameters=[value for ride in rides for value in ride],
        now=now,
    )


# The order of the tables is written down, and so are the calls' indexes: statistics that are out of
# date, as after an import, lead planners to read whole timetables.
_RIDES = """
SELECT {in_this_order} start.departure_id, start.position, finish.position,
       start.station_id, finish.station_id, start.departs_at, finish.arrives_at,
       finish.distance_m - start.distance_m,
       departure.service_id, service.number, service.mode, service.tariff_id, service.carrier_id,
       carrier.code, carrier.name, carrier.currency_id,
       departure.vehicle_id, vehicle.name, vehicle.seat_map_id,
       departure.stock_version, departure.earliest_hold_end,
       start.expected_departs_at, finish.expected_arrives_at
FROM inventory_call start {start_index}
{then} inventory_call finish {finish_index}
    ON finish.departure_id = start.departure_id AND finish.position > start.position
       AND {arriving}
{then} inventory_departure departure ON departure.id = start.departure_id
{then} inventory_service service ON service.id = departure.service_id
{then} inventory_carrier carrier ON carrier.id = service.carrier_id
{then} inventory_vehicle vehicle ON vehicle.id = departure.vehicle_id
WHERE ({leaving})
  AND start.may_board AND NOT start.is_skipped AND finish.may_alight AND NOT finish.is_skipped
  AND departure.state = 'scheduled' AND departure.sales_closed_at IS NULL
ORDER BY start.departs_at, start.departure_id, start.position DESC, finish.position
LIMIT {most}
"""
_INSTANTS = (5, 6, 20, 21, 22)


def _read(
    *, by: str, leaving: str, arriving: str, parameters: Sequence[Any], now: datetime
) -> list[Stretch]:
    """Read the rides, from who leaves (by that index) to who arrives (by departure and station)."""
    if connection.vendor == "sqlite":
        words = {
            "in_this_order": "",
            "then": "CROSS JOIN",
            "start_index": f"INDEXED BY {by}",
            "finish_index": "INDEXED BY call_way",
        }
    else:
        words = {
            "in_this_order": "STRAIGHT_JOIN",
            "then": "JOIN",
            "start_index": f"FORCE INDEX ({by})",
            "finish_index": "FORCE INDEX (call_way)",
        }
    sql = _RIDES.format(leaving=leaving, arriving=arriving, most=MAX_STRETCHES, **words)
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        stretches = [Stretch(*_with_instants(row)) for row in cursor.fetchall()]
    return _without_detours([one for one in stretches if one.leaves_at > now])


def _with_instants(row: Sequence[Any]) -> list[Any]:
    """Turn what the drivers give for an instant into one: text on SQLite, naive UTC elsewhere."""
    values = list(row)
    for index in _INSTANTS:
        value = values[index]
        if isinstance(value, str):
            value = datetime.fromisoformat(value)
        values[index] = value and value.replace(tzinfo=UTC)
    return values


def _adapt(moment: datetime) -> object:
    return connection.ops.adapt_datetimefield_value(moment)


def _at_main_stations(
    stretches: list[Stretch], origins: Sequence[StationFacts], destinations: Sequence[StationFacts]
) -> list[Stretch]:
    """
    Keep one ride of each departure: from and to the stations that most of the departures serve.

    A train that calls at three stations of a city is one train to whoever asks for the city; who
    wants to board elsewhere asks for the station.
    """
    starts = importance(origins, {(one.departure_id, one.from_station_id) for one in stretches})
    ends = importance(destinations, {(one.departure_id, one.to_station_id) for one in stretches})
    rides: dict[int, list[Stretch]] = {}
    for one in stretches:
        rides.setdefault(one.departure_id, []).append(one)
    kept: list[Stretch] = []
    for group in rides.values():
        main = max(
            group,
            key=lambda one: (
                starts[one.from_station_id] + ends[one.to_station_id],
                -one.stops,
                -one.from_position,
            ),
        )
        kept += [one for one in group if _same_ends(one, main)]
    return sorted(kept, key=_by_departure)


def importance(stations: Sequence[StationFacts], served: set[tuple[int, int]]) -> dict[int, float]:
    """
    Answer how many departures each station serves, the plainer name first among about as many.

    Parts of one station count together: `Berlin Hbf (tief)` is where `Berlin Hbf` is. A suburb that
    one train more calls at does not outdo the main station.
    """
    names = {station.id: search_key(station.name) for station in stations}
    roots = {
        station_id: min(
            (other for other in names.values() if f"{name} ".startswith(f"{other} ")), key=len
        )
        for station_id, name in names.items()
    }
    departures = Counter(root for _, root in {(one, roots[station]) for one, station in served})
    most = max(departures.values(), default=0)
    counted = {root: most if 5 * n >= 4 * most else n for root, n in departures.items()}
    return {key: counted.get(root, 0) - len(root) / 1000 for key, root in roots.items()}


def _same_ends(left: Stretch, right: Stretch) -> bool:
    return (left.from_station_id, left.to_station_id) == (
        right.from_station_id,
        right.to_station_id,
    )


def _by_departure(one: Stretch) -> tuple[datetime, int, int, int]:
    return one.departs_at, one.departure_id, one.from_position, one.to_position


def _without_detours(stretches: list[Stretch]) -> list[Stretch]:
    """
    Drop the rides that contain another one between the same stations: they go round a loop.

    The latest boarding comes first, so that a ride is met before those that contain it.
    """
    kept: dict[tuple[int, int, int], list[Stretch]] = {}
    for one in sorted(stretches, key=lambda one: (-one.from_position, one.to_position)):
        known = kept.setdefault((one.departure_id, one.from_station_id, one.to_station_id), [])
        if all(one.to_position < other.to_position for other in known):
            known.append(one)
    return sorted((one for rides in kept.values() for one in rides), key=_by_departure)


def price_rules(tariff_ids: Iterable[int], *, now: datetime) -> dict[int, list[PriceRule]]:
    """Answer, for each tariff, the rules on sale at `now` in the order of their numbers."""
    rows = FareVersion.objects.filter(
        fare__tariff_id__in=set(tariff_ids), fare__is_on_sale=True, valid_from__lte=now
    ).order_by("fare_id", "-valid_from")
    rules: dict[int, list[PriceRule]] = {}
    for _, versions in groupby(read_rules(rows), key=lambda rule: rule.fare_id):
        newest = next(versions)
        rules.setdefault(newest.tariff_id, []).append(newest)
    return rules


# What a price rule is read from, in the order of its fields.
RULE_COLUMNS = (
    "id",
    "fare_id",
    "fare__tariff_id",
    "fare__number",
    "fare__name",
    "fare__travel_class",
    "fare__tariff__carrier__currency_id",
    "base_minor",
    "per_km_micro",
    "minimum_minor",
    "rounding_minor",
    "tax_basis_points",
    "fee_minor",
    "young_percent",
    "child_percent",
    "infant_percent",
    "return_discount_basis_points",
    "young_until_age",
    "child_until_age",
    "infant_until_age",
    "sales_close_minutes",
    "conditions",
    "quota",
)


def read_rules(versions: QuerySet[FareVersion]) -> Iterable[PriceRule]:
    """Turn fare versions into rules, without their tiers."""
    return (PriceRule(*row) for row in versions.values_list(*RULE_COLUMNS))


def facilities(service_ids: Iterable[int]) -> dict[int, list[str]]:
    """Answer the codes of what each service has on board."""
    found: dict[int, list[str]] = {}
    for service_id, code in (
        Service.facilities.through.objects.filter(service_id__in=set(service_ids))
        .order_by("service_id", "facility__code")
        .values_list("service_id", "facility__code")
    ):
        found.setdefault(service_id, []).append(code)
    return found


def mode_details(stretches: Iterable[Stretch]) -> dict[int, dict[str, object]]:
    """Answer what each service's mode row has to say, in one statement a mode that occurs."""
    by_mode: dict[str, set[int]] = {}
    for stretch in stretches:
        by_mode.setdefault(stretch.mode, set()).add(stretch.service_id)
    found: dict[int, dict[str, object]] = {}
    for mode, service_ids in by_mode.items():
        model, names = MODE_FACTS[mode]
        for service_id, *values in model.objects.filter(service_id__in=service_ids).values_list(
            "service_id", *names.values()
        ):
            found[service_id] = dict(zip(names, values, strict=True))
    return found


# The mode rows' columns, under the names that are told of them.
MODE_FACTS: dict[str, tuple[Any, dict[str, str]]] = {
    Mode.PLANE: (
        Flight,
        {
            "aircraft": "aircraft",
            "origin_terminal": "origin_terminal",
            "destination_terminal": "destination_terminal",
            "checked_bags": "checked_bags",
        },
    ),
    Mode.TRAIN: (
        Train,
        {"category": "category", "stars": "stars", "compartments": "has_compartments"},
    ),
    Mode.BUS: (Bus, {"kind": "kind", "seats_per_row": "seats_per_row"}),
}
