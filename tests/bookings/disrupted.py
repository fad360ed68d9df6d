"""What tests of departures that do not run as sold do again and again."""

from __future__ import annotations

from datetime import datetime, timedelta

from inventory.models import Call, Departure, Service, Vehicle
from tests.factories import Stop, Trip, make_trip


def another(
    trip: Trip,
    *,
    starts_at: datetime,
    run: str,
    service: Service | None = None,
    vehicle: Vehicle | None = None,
    start: int = 0,
    end: int = -1,
) -> Trip:
    """Answer a departure like this one at another time, from one of its calls to another."""
    last = end if end >= 0 else len(trip.calls) + end
    calls = trip.calls[start : last + 1]
    began = _when(calls[0])
    return make_trip(
        service or trip.departure.service,
        vehicle or trip.departure.vehicle,
        starts_at=starts_at,
        stops=[
            Stop(
                call.station,
                int(((call.arrives_at or _when(call)) - began) / timedelta(minutes=1)),
                call.distance_m // 1000,
            )
            for call in calls
        ],
        travel_date=starts_at.date(),
        run=run,
    )


def _when(call: Call) -> datetime:
    moment = call.departs_at or call.arrives_at
    assert moment is not None
    return moment


def call_off(trip: Trip) -> None:
    """Let the carrier cancel a departure."""
    Departure.objects.filter(pk=trip.departure.pk).update(state="cancelled")


def delay(trip: Trip, minutes: int, *, since: int = 0) -> None:
    """Let every call from this one on be so late; zero takes an earlier delay back."""
    late = timedelta(minutes=minutes)
    for call in trip.calls[since:]:
        Call.objects.filter(pk=call.pk).update(
            expected_arrives_at=call.arrives_at and call.arrives_at + late,
            expected_departs_at=call.departs_at and call.departs_at + late,
        )
