"""
Search of stretches: which departures run from one of these stations to one of those, on a day.

The join goes by two indexes: (station, departs_at) finds who leaves, (departure, station, position)
who arrives. Rows come as tuples; no model instance is made.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import F, FilteredRelation, Q, QuerySet

from inventory.models import (
    Bus,
    Call,
    Departure,
    FareVersion,
    Flight,
    Mode,
    Service,
    Train,
)
from inventory.places import StationFacts
from inventory.pricing import PriceRule

# More direct departures between two places on one day than any timetable has.
MAX_STRETCHES = 2_000


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
    leaving = Q(pk__in=[])
    for facts in origins:
        first, _ = day_range(day, facts.tz)
        _, last = day_range(last_day or day, facts.tz)
        if last > now:
            leaving |= Q(station_id=facts.id, departs_at__gte=first, departs_at__lt=last)
    arriving = Q(end__station_id__in=[facts.id for facts in destinations])
    return _read(leaving, arriving, now=now)


def find_stretch(
    departure_id: int, from_position: int, to_position: int, *, now: datetime
) -> Stretch | None:
    """Answer one ride by its positions, or None when it does not exist or has left by `now`."""
    return next(
        iter(
            _read(
                Q(departure_id=departure_id, position=from_position),
                Q(end__position=to_position),
                now=now,
            )
        ),
        None,
    )


def _read(leaving: Q, arriving: Q, *, now: datetime) -> list[Stretch]:
    rows = (
        Call.objects.filter(
            leaving,
            may_board=True,
            is_skipped=False,
            departure__state=Departure.State.SCHEDULED,
            departure__sales_closed_at__isnull=True,
        )
        .annotate(end=FilteredRelation("departure__calls"))
        .filter(
            arriving,
            end__position__gt=F("position"),
            end__may_alight=True,
            end__is_skipped=False,
        )
        .order_by("departs_at", "departure_id", "-position", "end__position")
        .values_list(
            "departure_id",
            "position",
            "end__position",
            "station_id",
            "end__station_id",
            "departs_at",
            "end__arrives_at",
            F("end__distance_m") - F("distance_m"),
            "departure__service_id",
            "departure__service__number",
            "departure__service__mode",
            "departure__service__tariff_id",
            "departure__service__carrier_id",
            "departure__service__carrier__code",
            "departure__service__carrier__name",
            "departure__service__carrier__currency_id",
            "departure__vehicle_id",
            "departure__vehicle__name",
            "departure__vehicle__seat_map_id",
            "departure__stock_version",
            "departure__earliest_hold_end",
            "expected_departs_at",
            "end__expected_arrives_at",
        )[:MAX_STRETCHES]
    )
    stretches = [stretch for stretch in (Stretch(*row) for row in rows) if stretch.leaves_at > now]
    return _without_detours(stretches)


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
    return sorted(
        (one for rides in kept.values() for one in rides),
        key=lambda one: (one.departs_at, one.departure_id, one.from_position, one.to_position),
    )


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


def read_rules(versions: QuerySet[FareVersion]) -> Iterable[PriceRule]:
    """Turn fare versions into rules, without their tiers."""
    return (
        PriceRule(*row)
        for row in versions.values_list(
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
        )
    )


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
