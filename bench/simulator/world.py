"""
A small and nasty world: few seats, many calls, and departures that come and go.

A train of twelve segments with two classes, quiet seats and wheelchair spaces; one of 63 segments,
which is as long as the stock's bits reach; a flight; a coach without seat labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import count
from random import Random

from django.apps import apps
from django.db import connection
from django.db.models import Model

from bench.simulator.oracle import FareFacts, SeatFacts, Trip
from bookings.models import Reservation
from inventory.models import (
    Call,
    Coach,
    Departure,
    Mode,
    Seat,
    SeatMap,
    Service,
    Station,
    StationKind,
    Tariff,
    TravelClass,
    Vehicle,
)
from tests import factories
from tests.factories import FarePlan
from travel.common.models import Job, OutboxMessage

ECONOMY, BUSINESS = str(TravelClass.ECONOMY), str(TravelClass.BUSINESS)
CURRENCY = "EUR"


@dataclass(frozen=True, slots=True)
class CoachPlan:
    """A coach: rows of `layout`, in which q is a quiet seat, w a wheelchair space, | the aisle."""

    layout: Sequence[str]
    travel_class: str = ECONOMY


@dataclass(frozen=True, slots=True)
class LinePlan:
    """
    A service to run: its coaches, its fares (class, quota), and the minutes between its calls.

    Its sales close so many minutes before a boarding call.
    """

    mode: str
    coaches: Sequence[CoachPlan]
    fares: Sequence[tuple[str, int | None]]
    segments: int
    minutes: int
    closes_before: int = 0
    has_labels: bool = True


PLANS = (
    LinePlan(
        Mode.TRAIN,
        [
            CoachPlan(["qq|qq", "qq|qq"]),
            CoachPlan(["sw|wx", "ss|ss", "ss|ss"]),
            CoachPlan(["s|ss", "q|qs"], BUSINESS),
        ],
        [(ECONOMY, 6), (ECONOMY, None), (BUSINESS, 3), (BUSINESS, None)],
        segments=12,
        minutes=9,
    ),
    LinePlan(
        Mode.TRAIN,
        [CoachPlan(["ss|s"]), CoachPlan(["w|s"], BUSINESS)],
        [(ECONOMY, None), (BUSINESS, None), (ECONOMY, 2)],
        segments=63,
        minutes=2,
        closes_before=1,
    ),
    LinePlan(
        Mode.PLANE,
        [CoachPlan(["sss"], BUSINESS), CoachPlan(["sss|sss", "sss|wss"])],
        [(ECONOMY, None), (ECONOMY, 4), (BUSINESS, None)],
        segments=1,
        minutes=75,
        closes_before=15,
    ),
    LinePlan(
        Mode.BUS,
        [CoachPlan(["ss|ss", "ss|sw"])],
        [(ECONOMY, None)],
        segments=3,
        minutes=40,
        has_labels=False,
    ),
)


@dataclass(frozen=True, slots=True)
class Line:
    """A plan with the rows that stand for it."""

    plan: LinePlan
    service: Service
    vehicle: Vehicle
    seats: dict[int, SeatFacts]
    fares: Sequence[FareFacts]


class World:
    """Lines that run, users who travel, and departures opened one after another."""

    def __init__(self) -> None:
        self._runs = count(1)
        city = factories.make_city("Simulated")
        self._stations = [
            factories.make_station(city, f"SIM-{number}", kind=StationKind.RAIL_STATION)
            for number in range(64)
        ]
        carrier = factories.make_carrier("simulated", currency=CURRENCY)
        self.lines = [
            _make_line(plan, carrier=carrier, number=number) for number, plan in enumerate(PLANS)
        ]
        self.user_ids = [int(factories.make_user(password=None).pk) for _ in range(6)]

    def open(self, rng: Random, *, number: int, now: datetime) -> Trip:
        """Put a departure on sale that starts within the next two hours and never sold before."""
        line = rng.choice(self.lines)
        starts_at = now + timedelta(seconds=rng.randrange(600, 7200))
        departure = Departure.objects.create(
            service=line.service,
            vehicle=line.vehicle,
            travel_date=starts_at.date(),
            run=f"run-{next(self._runs)}",
        )
        moments = [
            starts_at + timedelta(minutes=line.plan.minutes * position)
            for position in range(line.plan.segments + 1)
        ]
        Call.objects.bulk_create(
            _call(departure.pk, position, station, moment, last=line.plan.segments)
            for position, (station, moment) in enumerate(zip(self._stations, moments, strict=False))
        )
        early = timedelta(minutes=line.plan.closes_before)
        return Trip(
            number=number,
            departure_id=departure.pk,
            seat_map_id=line.vehicle.seat_map_id,
            seats=line.seats,
            fares=line.fares,
            closes_at=[moment - early for moment in moments[:-1]],
            planned=moments,
            closes_before=early,
            has_labels=line.plan.has_labels,
        )


def _call(
    departure_id: int, position: int, station: Station, moment: datetime, *, last: int
) -> Call:
    return Call(
        id=departure_id * 64 + position,
        departure_id=departure_id,
        position=position,
        station=station,
        arrives_at=moment if position else None,
        departs_at=moment if position < last else None,
        may_board=position < last,
        may_alight=position > 0,
        distance_m=position * 10_000,
    )


def _make_line(plan: LinePlan, *, carrier: factories.Carrier, number: int) -> Line:
    tariff = factories.make_tariff(
        carrier,
        fares=[
            FarePlan(
                f"Fare {index}",
                travel_class,
                version={"sales_close_minutes": plan.closes_before, "quota": quota},
            )
            for index, (travel_class, quota) in enumerate(plan.fares)
        ],
    )
    vehicle = _make_vehicle(plan, carrier=carrier, code=f"SIM-{number}")
    return Line(
        plan=plan,
        service=factories.make_service(tariff, f"SIM {number}", mode=plan.mode),
        vehicle=vehicle,
        seats=_seat_facts(vehicle),
        fares=_fare_facts(tariff, plan),
    )


def _fare_facts(tariff: Tariff, plan: LinePlan) -> list[FareFacts]:
    return [
        FareFacts(fare.number, fare.pk, fare.versions.get().pk, fare.travel_class, quota)
        for fare, (_, quota) in zip(tariff.fares.order_by("number"), plan.fares, strict=True)
    ]


def _make_vehicle(plan: LinePlan, *, carrier: factories.Carrier, code: str) -> Vehicle:
    seat_map = SeatMap.objects.create(carrier=carrier, code=code, name=code)
    for position, coach_plan in enumerate(plan.coaches):
        coach = Coach.objects.create(seat_map=seat_map, position=position, label=str(position + 1))
        Seat.objects.bulk_create(
            Seat(
                coach=coach,
                row=row,
                column=column,
                label=f"{row}{'ABCDEFGH'[column]}" if plan.has_labels else "",
                travel_class=coach_plan.travel_class,
                is_window=column in (0, len(layout) - 1),
                is_aisle="|" in layout[max(column - 1, 0) : column + 2],
                is_quiet=letter == "q",
                is_accessible=letter == "w",
            )
            for row, layout in enumerate(coach_plan.layout, 1)
            for column, letter in enumerate(layout)
            if letter != "|"
        )
    return Vehicle.objects.create(carrier=carrier, code=code, name=code, seat_map=seat_map)


def _seat_facts(vehicle: Vehicle) -> dict[int, SeatFacts]:
    seats = Seat.objects.filter(coach__seat_map=vehicle.seat_map_id).select_related("coach")
    return {
        seat.pk: SeatFacts(
            seat_id=seat.pk,
            travel_class=seat.travel_class,
            coach=seat.coach.position,
            row=seat.row,
            is_window=seat.is_window,
            is_aisle=seat.is_aisle,
            is_quiet=seat.is_quiet,
            is_accessible=seat.is_accessible,
        )
        for seat in seats.order_by("coach__position", "row", "column")
    }


def purge() -> None:
    """Remove every sale and every departure, so that a long run needs no more room than a short."""
    with connection.constraint_checks_disabled(), connection.cursor() as cursor:
        for table in _sales_tables():
            cursor.execute(f"DELETE FROM {table}")  # noqa: S608 - names of our own tables


@lru_cache(maxsize=1)
def _sales_tables() -> list[str]:
    """Answer the tables of departures, messages, and all that hangs on them."""
    found: set[type[Model]] = {Reservation, Departure, OutboxMessage, Job}
    size = 0
    while len(found) > size:
        size = len(found)
        found |= {
            model
            for model in apps.get_models()
            for one in model._meta.concrete_fields
            if one.related_model in found
        }
    return sorted(model._meta.db_table for model in found)
