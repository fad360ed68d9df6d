"""Reads of departures: those of a day, and one with its calls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from bookings.engine import reseating
from bookings.models import Coupon, Unseated
from inventory.models import Call, Departure, PendingChange
from inventory.reach import Reach
from support.desk.calls import delay_of
from support.desk.concerns import booked_coupons
from support.desk.limits import PER_PAGE
from travel.common.errors import NotFound


@dataclass(frozen=True, slots=True)
class Row:
    """A departure in the list of a day."""

    departure: Departure
    first: Call
    last: Call
    delay: timedelta
    skipped: int
    people: int
    waiting: int
    changes: int

    @property
    def delay_minutes(self) -> int:
        """The largest delay that is expected at any call, in minutes."""
        return self.delay // timedelta(minutes=1)


def departures(
    *,
    reach: Reach,
    day: date,
    number: str = "",
    carrier_id: int | None = None,
    stations: Collection[int] | None = None,
    only_booked: bool = False,
    only_disrupted: bool = False,
    offset: int = 0,
    limit: int = PER_PAGE,
) -> tuple[int, list[Row]]:
    """
    Answer how many departures of a day there are, and a page of them in the order of their time.

    `number` is the beginning of a service's number; `stations` are those of which one is called
    at, also where that call is left out; `only_booked` leaves those that passengers are booked on.
    Those that a newer timetable has replaced are left out.
    """
    rows = reach.narrow(
        Departure.objects.filter(travel_date=day).exclude(
            state__in=[Departure.State.REPLACED, Departure.State.WITHDRAWN]
        ),
        "service__carrier",
    )
    if number:
        # Codes are compared byte by byte; people type them in small letters too.
        rows = rows.filter(
            Q(service__number__startswith=number) | Q(service__number__startswith=number.upper())
        )
    if carrier_id is not None:
        rows = rows.filter(service__carrier=carrier_id)
    if stations is not None:
        theirs = Call.objects.filter(departure=OuterRef("pk"), station__in=stations)
        rows = rows.filter(Exists(theirs))
    if only_booked:
        rows = rows.filter(Exists(booked_coupons().filter(ticket__departure=OuterRef("pk"))))
    if only_disrupted:
        rows = rows.filter(_is_disrupted())
    first_call = Call.objects.filter(departure=OuterRef("pk"), position=0)
    page = (
        rows.select_related("service__carrier", "vehicle")
        .annotate(starts_at=first_call.values("departs_at")[:1])
        .order_by("starts_at", "id")[offset : offset + limit]
    )
    return rows.count(), _rows(list(page))


def _is_disrupted() -> Q:
    calls = Call.objects.filter(departure=OuterRef("pk")).filter(
        Q(is_skipped=True)
        | Q(expected_departs_at__isnull=False)
        | Q(expected_arrives_at__isnull=False)
    )
    return (
        Q(state=Departure.State.CANCELLED)
        | Q(sales_closed_at__isnull=False)
        | Q(Exists(calls))
        | Q(Exists(PendingChange.objects.filter(departure=OuterRef("pk"), settled_at=None)))
        | Q(Exists(Unseated.objects.filter(departure=OuterRef("pk"))))
    )


def _rows(found: Sequence[Departure]) -> list[Row]:
    ids = [one.pk for one in found]
    calls: dict[int, list[Call]] = {one: [] for one in ids}
    for call in (
        Call.objects.filter(departure_id__in=ids)
        .select_related("station")
        .order_by("departure_id", "position")
    ):
        calls[call.departure_id].append(call)
    people = _counted(booked_coupons().filter(ticket__departure_id__in=ids))
    waiting: Counter[int] = Counter(
        reseating.waiting(Unseated.objects.filter(departure_id__in=ids)).values_list(
            "departure_id", flat=True
        )
    )
    changes = Counter(
        PendingChange.objects.filter(departure_id__in=ids, settled_at=None).values_list(
            "departure_id", flat=True
        )
    )
    return [
        Row(
            departure=one,
            first=calls[one.pk][0],
            last=calls[one.pk][-1],
            delay=max((delay_of(call) for call in calls[one.pk]), default=timedelta(0)),
            skipped=sum(call.is_skipped for call in calls[one.pk]),
            people=people.get(one.pk, 0),
            waiting=waiting[one.pk],
            changes=changes[one.pk],
        )
        for one in found
        if calls[one.pk]
    ]


def _counted(coupons: QuerySet[Coupon]) -> dict[int, int]:
    return dict(
        coupons.order_by()
        .values_list("ticket__departure_id")
        .annotate(people=Count("id"))
        .values_list("ticket__departure_id", "people")
    )


def get_departure(*, reach: Reach, departure_id: int) -> Departure:
    """
    Answer a departure with its service, carrier and vehicle.

    :raises NotFound: there is none, or it is another carrier's.
    """
    rows = reach.narrow(Departure.objects.all(), "service__carrier")
    row = (
        rows.select_related("service__carrier", "vehicle__seat_map").filter(pk=departure_id).first()
    )
    if row is None:
        raise NotFound()
    return row
