"""Departures that are added by hand: extra ones, like another."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from inventory.errors import DepartureChanged
from inventory.models import Call, Departure, Service, Vehicle
from inventory.models.departures import MAX_CALLS
from inventory.search import FURTHEST_DAYS
from inventory.timetable.zones import instant
from travel.common.errors import InvalidInput, NotFound
from travel.common.transactions import in_transaction

RUN = "extra"
MOST_EXTRAS = 99


@dataclass(frozen=True, slots=True)
class ExtraPlan:
    """
    An extra departure before it is added: its calls, in order and not stored, and its vehicle.

    `twins` is how many departures of the service leave there at the very minute. `is_twice` says
    that clocks show the time of leaving twice on the day; the first of the two is meant.
    """

    like: Departure
    day: date
    vehicle: Vehicle
    calls: list[Call]
    twins: int
    is_twice: bool


def plan_copy(
    *, departure_id: int, day: date, leaves: time, vehicle_id: int, second: bool, now: datetime
) -> ExtraPlan:
    """
    Answer what add_copy would add; nothing is written.

    Refused is what add_copy refuses, but that there are too many extra ones.
    """
    like = Departure.objects.select_related("service").filter(pk=departure_id).first()
    if like is None:
        raise NotFound()
    return _plan(like, day=day, leaves=leaves, vehicle_id=vehicle_id, second=second, now=now)


@in_transaction
def add_copy(
    *,
    departure_id: int,
    day: date,
    leaves: time,
    vehicle_id: int,
    now: datetime,
    second: bool = False,
    revision: int | None = None,
) -> Departure:
    """
    Add a departure with the calls of another, that leaves its first call at a local time of a day.

    It is sold at the fares of its service, and no import changes it. Calls that the other one
    leaves out are left out here as well; what was expected of it is not. A time that clocks show
    twice on the day is the first of the two. Seconds are dropped.

    :raises NotFound: there is no such departure, or its carrier has no such vehicle.
    :raises DepartureChanged: the other one is not at the revision that was shown (None: any does).
    :raises InvalidInput: it would leave in the past, or farther ahead than anybody can search; no
        clock shows that time on the day; a departure of the service leaves at that minute already
        and no `second` one is asked for; or there are too many extra ones that day.
    """
    like = Departure.objects.select_for_update().filter(pk=departure_id).first()
    if like is None:
        raise NotFound()
    if revision is not None and like.revision != revision:
        raise DepartureChanged()
    # Extra ones of a service are added one by one, whichever departures they are copied from: so
    # that they are numbered without a gap, and none overlooks another at the same minute.
    Service.objects.select_for_update().get(pk=like.service_id)
    plan = _plan(like, day=day, leaves=leaves, vehicle_id=vehicle_id, second=second, now=now)
    copy = Departure.objects.create(
        service_id=like.service_id,
        travel_date=day,
        run=_free_run(like.service_id, day),
        vehicle=plan.vehicle,
    )
    for call in plan.calls:
        call.id, call.departure = copy.pk * MAX_CALLS + call.position, copy
    Call.objects.bulk_create(plan.calls)
    return copy


def _plan(
    like: Departure, *, day: date, leaves: time, vehicle_id: int, second: bool, now: datetime
) -> ExtraPlan:
    vehicle = Vehicle.objects.filter(pk=vehicle_id, carrier=like.service.carrier_id).first()
    calls = list(Call.objects.filter(departure=like).select_related("station").order_by("position"))
    if vehicle is None or len(calls) < 2 or calls[0].departs_at is None:
        raise NotFound()
    first, minute = calls[0], leaves.replace(second=0, microsecond=0)
    starts_at, is_twice = _start(first, day, minute, now)
    twins = _twins(like.service_id, first.station_id, day, starts_at)
    if twins and not second:
        raise InvalidInput(
            errors={
                "second": [
                    _("The same service leaves at this time already: departure %(ids)s.")
                    % {"ids": ", ".join(map(str, twins))}
                ]
            }
        )
    shift = starts_at - calls[0].departs_at
    moved = [_shifted(call, shift) for call in calls]
    return ExtraPlan(like, day, vehicle, moved, len(twins), is_twice)


def _start(first: Call, day: date, leaves: time, now: datetime) -> tuple[datetime, bool]:
    """Answer the instant of leaving, and whether clocks show that time twice on the day."""
    if day > now.date() + timedelta(days=FURTHEST_DAYS):
        raise InvalidInput(errors={"day": [_("Nothing is on sale that far ahead.")]})
    if day < now.date() - timedelta(days=1):
        raise InvalidInput(errors={"day": [_("This is in the past.")]})
    zone = ZoneInfo(first.station.tz)
    starts_at = instant(day, leaves, zone)
    if starts_at <= now:
        raise InvalidInput(errors={"leaves": [_("This is in the past.")]})
    if starts_at.astimezone(zone).replace(tzinfo=None) != datetime.combine(day, leaves):
        raise InvalidInput(
            errors={
                "leaves": [_("No clock shows this time on the day: clocks are put forward then.")]
            }
        )
    again = datetime.combine(day, leaves.replace(fold=1), zone)
    return starts_at, again.utcoffset() != starts_at.astimezone(zone).utcoffset()


def _twins(service_id: int, station_id: int, day: date, starts_at: datetime) -> list[int]:
    """Answer the departures of a service that leave their first call there at that instant."""
    # A timetable may count a ride after midnight, or of a far zone, to the day beside.
    days = (day - timedelta(days=1), day + timedelta(days=1))
    return list(
        Call.objects.filter(
            departure__service=service_id,
            departure__travel_date__range=days,
            departure__state=Departure.State.SCHEDULED,
            position=0,
            station=station_id,
            departs_at__gte=starts_at,
            departs_at__lt=starts_at + timedelta(minutes=1),
        )
        .order_by("departure")
        .values_list("departure", flat=True)
    )


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


def _shifted(call: Call, shift: timedelta) -> Call:
    return Call(
        position=call.position,
        station=call.station,
        arrives_at=call.arrives_at and call.arrives_at + shift,
        departs_at=call.departs_at and call.departs_at + shift,
        may_board=call.may_board,
        may_alight=call.may_alight,
        is_skipped=call.is_skipped,
        platform=call.platform,
        distance_m=call.distance_m,
    )
