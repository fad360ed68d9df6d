"""An office of a benchmark's own: an empty database beside the office's, and what it sells."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import django

if TYPE_CHECKING:
    from inventory.models import Service, Station, Vehicle

DATABASE = "office_bench"
STATIONS = 12
SEGMENTS = STATIONS - 1
COACH = "AB|CD"
SEATS_PER_ROW = 4
ROWS_PER_COACH = 20
SEATS_PER_COACH = SEATS_PER_ROW * ROWS_PER_COACH


@contextmanager
def own_database(name: str = DATABASE, *, drop: bool = True) -> Iterator[str]:
    """
    Make an empty database on the server in use, run the block in it, and drop it if told so.

    The office's own database is never touched. Yields the address for programs that the block
    starts.
    """
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "travel.settings")
    django.setup()
    from django.conf import settings
    from django.db import connection

    before = settings.DATABASES["default"]["NAME"]
    with tempfile.TemporaryDirectory(prefix="office-bench-") as folder:
        is_file = connection.vendor == "sqlite"
        mine = str(Path(folder) / f"{name}.sqlite3") if is_file else name
        connection.settings_dict["TEST"]["NAME"] = mine
        connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
        try:
            yield f"sqlite:///{mine}" if is_file else _renamed(os.environ["DATABASE_URL"], mine)
        finally:
            connection.creation.destroy_test_db(before, verbosity=0, keepdb=not drop)


def _renamed(url: str, name: str) -> str:
    parts = urlsplit(url)
    query = f"?{parts.query}" if parts.query else ""
    return f"{parts.scheme}://{parts.netloc}/{name}{query}"


@dataclass(frozen=True)
class Line:
    """A train that runs from end to end of twelve stations, with vehicle, fare and price."""

    service: Service
    vehicle: Vehicle
    stations: Sequence[Station]
    fare_id: int
    fare_version_id: int
    seats: int


def make_line(*, seats: int, number: str) -> Line:
    """Make a train with so many seats, a multiple of a coach's 80, and one fare."""
    from tests import factories

    assert seats % SEATS_PER_COACH == 0, f"{seats} seats do not fill coaches of {SEATS_PER_COACH}"
    carrier = factories.make_carrier(f"bench-{number}")
    plans = [
        factories.CoachPlan(str(label), layout=COACH, rows=ROWS_PER_COACH)
        for label in range(1, seats // SEATS_PER_COACH + 1)
    ]
    tariff = factories.make_tariff(
        carrier, fares=[factories.FarePlan(version={"tax_basis_points": 700})]
    )
    city = factories.make_city(f"City of {number}")
    stations = [factories.make_station(city, f"{number}-{n}") for n in range(STATIONS)]
    fare = tariff.fares.get()
    return Line(
        service=factories.make_service(tariff, number),
        vehicle=factories.make_vehicle(carrier, coaches=plans),
        stations=stations,
        fare_id=fare.pk,
        fare_version_id=fare.versions.get().pk,
        seats=seats,
    )


def make_departures(line: Line, *, count: int, first_run: int = 0) -> list[int]:
    """
    Put so many departures of the line on sale, all thirty days ahead; answer their ids, rising.
    """
    from inventory.models import Call, Departure

    day = datetime.now(UTC).replace(hour=6, minute=0, second=0, microsecond=0) + timedelta(days=30)
    runs = [f"{first_run + index:08}" for index in range(count)]
    Departure.objects.bulk_create(
        [
            Departure(service=line.service, vehicle=line.vehicle, travel_date=day.date(), run=run)
            for run in runs
        ],
        batch_size=1_000,
    )
    ids = list(
        Departure.objects.filter(service=line.service, run__gte=runs[0], run__lte=runs[-1])
        .order_by("id")
        .values_list("id", flat=True)
    )
    Call.objects.bulk_create(
        [
            Call(
                id=departure_id * 64 + position,
                departure_id=departure_id,
                position=position,
                station=station,
                arrives_at=day + timedelta(minutes=30 * position) if position else None,
                departs_at=(
                    day + timedelta(minutes=30 * position + 2) if position < SEGMENTS else None
                ),
                may_board=position < SEGMENTS,
                may_alight=position > 0,
                distance_m=position * 60_000,
            )
            for departure_id in ids
            for position, station in enumerate(line.stations)
        ],
        batch_size=2_000,
    )
    return ids


def lay_out(line: Line, departure_ids: Sequence[int]) -> None:
    """Lay out the seats of all these departures in one statement, as their first claims would."""
    from django.db import connection, transaction

    from inventory.models import Departure

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO bookings_seatstock (departure_id, seat_id, travel_class, taken) "
            "SELECT departure.id, seat.id, seat.travel_class, 0 "
            "FROM inventory_departure departure "
            "JOIN inventory_vehicle vehicle ON vehicle.id = departure.vehicle_id "
            "JOIN inventory_coach coach ON coach.seat_map_id = vehicle.seat_map_id "
            "JOIN inventory_seat seat ON seat.coach_id = coach.id "
            "WHERE departure.service_id = %s AND departure.id BETWEEN %s AND %s "
            "ORDER BY departure.id, coach.position, seat.row, seat.column",
            [line.service.pk, departure_ids[0], departure_ids[-1]],
        )
        Departure.objects.filter(
            service=line.service, id__gte=departure_ids[0], id__lte=departure_ids[-1]
        ).update(frozen_at=datetime.now(UTC), stock_version=1)
