"""A small network in which nothing goes through, for tests of connections at the doors."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from inventory import places
from inventory.models import MinimumChange, Station
from tests.factories import (
    FarePlan,
    Stop,
    Trip,
    make_carrier,
    make_city,
    make_service,
    make_station,
    make_tariff,
    make_trip,
    make_vehicle,
)

EIGHT = datetime(2026, 6, 2, 6, 0, tzinfo=UTC)


@dataclass
class Network:
    """
    R 1 leaves Altdorf at 08:00 and arrives at Bergen at 09:00. From its coach stop, fifteen minutes
    away, N 2 leaves at 09:20 and arrives at Celle at 10:20. On 4 June they run back: N 3 at 08:00,
    R 4 from Bergen at 09:20. Each 100 km: Saver 10.00, less 10 % for a return; Flex 30.00.
    """

    stations: dict[str, Station]
    first: Trip
    second: Trip
    back: tuple[Trip, Trip]

    def run(self, number: str, start: str, end: str, minutes: int, length: int = 60) -> Trip:
        """Let another one run, so many minutes after 08:00 on 2 June, for so many minutes."""
        return make_trip(
            make_service(self.first.departure.service.tariff, number),
            self.first.departure.vehicle,
            starts_at=EIGHT + timedelta(minutes=minutes),
            stops=[Stop(self.stations[start], 0), Stop(self.stations[end], length, 100)],
        )


def make_network() -> Network:
    """Build it."""
    bergen = make_city("Bergen")
    stations = {
        "ALT": make_station(make_city("Altdorf"), "ALT"),
        "BER": make_station(bergen, "BER"),
        "ZOB": make_station(bergen, "ZOB"),
        "CEL": make_station(make_city("Celle"), "CEL"),
    }
    for start, end in (("BER", "ZOB"), ("ZOB", "BER")):
        MinimumChange.objects.create(
            from_station=stations[start], to_station=stations[end], minutes=15
        )
    carrier = make_carrier("railway")
    tariff = make_tariff(
        carrier,
        fares=[
            FarePlan("Saver", version={"return_discount_basis_points": 1_000}),
            FarePlan("Flex", base_minor=2500),
        ],
    )
    vehicle = make_vehicle(carrier)

    def trip(number: str, start: str, end: str, at: datetime, mode: str = "Train") -> Trip:
        return make_trip(
            make_service(tariff, number, mode=mode),
            vehicle,
            starts_at=at,
            stops=[Stop(stations[start], 0), Stop(stations[end], 60, 100)],
        )

    change = timedelta(minutes=80)
    two_days = timedelta(days=2)
    places.forget()
    return Network(
        stations=stations,
        first=trip("R 1", "ALT", "BER", EIGHT),
        second=trip("N 2", "ZOB", "CEL", EIGHT + change, "Bus"),
        back=(
            trip("N 3", "CEL", "ZOB", EIGHT + two_days, "Bus"),
            trip("R 4", "BER", "ALT", EIGHT + two_days + change),
        ),
    )
