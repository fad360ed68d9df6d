"""Departures that are added by hand: extra ones, like another."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from inventory.models import Call, Departure, Vehicle
from inventory.models.departures import MAX_CALLS
from travel.common.errors import InvalidInput, NotFound
from travel.common.transactions import in_transaction

RUN = "extra"
MOST_EXTRAS = 99


@in_transaction
def add_copy(
    *, departure_id: int, day: date, leaves: time, vehicle_id: int, now: datetime
) -> Departure:
    """
    Add a departure with the calls of another, that leaves its first call at a local time of a day.

    It is sold at the fares of its service, and no import changes it. Calls that the other one
    leaves out are left out here as well; what was expected of it is not.

    :raises NotFound: there is no such departure, or its carrier has no such vehicle.
    :raises InvalidInput: it would leave in the past, or there are too many extra ones that day.
    """
    # The lock of the departure that is copied lets extra ones of it be numbered one by one.
    like = Departure.objects.select_for_update().filter(pk=departure_id).first()
    if like is None:
        raise NotFound()
    vehicles = Vehicle.objects.filter(pk=vehicle_id, carrier=like.service.carrier_id)
    if not vehicles.exists():
        raise NotFound()
    calls = list(Call.objects.filter(departure=like).select_related("station").order_by("position"))
    if len(calls) < 2 or calls[0].departs_at is None:
        raise NotFound()
    starts_at = datetime.combine(day, leaves, ZoneInfo(calls[0].station.tz))
    if starts_at <= now:
        raise InvalidInput(errors={"leaves": [_("This is in the past.")]})
    copy = Departure.objects.create(
        service_id=like.service_id,
        travel_date=day,
        run=_free_run(like.service_id, day),
        vehicle_id=vehicle_id,
    )
    shift = starts_at - calls[0].departs_at
    Call.objects.bulk_create(_shifted(call, copy, shift) for call in calls)
    return copy


def _free_run(service_id: int, day: date) -> str:
    taken = set(
        Departure.objects.filter(
            service_id=service_id, travel_date=day, run__startswith=RUN
        ).values_list("run", flat=True)
    )
    for number in range(1, MOST_EXTRAS + 1):
        if f"{RUN}-{number}" not in taken:
            return f"{RUN}-{number}"
    raise InvalidInput(errors={"day": [_("There are too many extra departures on this day.")]})


def _shifted(call: Call, copy: Departure, shift: timedelta) -> Call:
    return Call(
        id=copy.pk * MAX_CALLS + call.position,
        departure=copy,
        position=call.position,
        station_id=call.station_id,
        arrives_at=call.arrives_at and call.arrives_at + shift,
        departs_at=call.departs_at and call.departs_at + shift,
        may_board=call.may_board,
        may_alight=call.may_alight,
        is_skipped=call.is_skipped,
        platform=call.platform,
        distance_m=call.distance_m,
    )
