"""
Departures that the carrier has cancelled: coupons stay open until the traveller chooses.

After a week the office gives the price back by itself, in full. That it will is a Job, one for each
departure, so that neither a worker that was dead nor two that live make a difference.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, QuerySet

from accounts.viewers import Viewer
from bookings.engine.contract import SYSTEM
from bookings.errors import AlreadyCancelled, NotCancellable
from bookings.models import Coupon, Reservation
from inventory.models import Departure
from payments.models import Reason
from payments.services.cancelling import cancel_and_refund
from travel.common.models import Job
from travel.common.transactions import in_transaction

KIND = "payments.called_off"
# So long the traveller may choose between another departure and the money.
WAITS = timedelta(days=7)
# Departures of the time before are settled.
LOOKS_BACK = timedelta(days=30)
# So many reservations are refunded at a time.
BATCH = 100
OFFICE = Viewer(is_support=True)


@in_transaction
def note_called_off(*, now: datetime, limit: int) -> int:
    """
    Write down when the money of newly cancelled departures goes back; answer how many there are.

    It is seven days from when this first sees them.
    """
    found = [str(one) for one in _called_off(now)]
    noted = Job.objects.filter(kind=KIND, reference__in=found)
    known = set(noted.values_list("reference", flat=True))
    fresh = [one for one in found if one not in known][:limit]
    Job.objects.bulk_create(
        [Job(kind=KIND, reference=one, created_at=now, due_at=now + WAITS) for one in fresh],
        ignore_conflicts=True,
    )
    return len(fresh)


def due_departures(*, now: datetime, limit: int) -> list[int]:
    """Answer the cancelled departures whose travellers have had their time, the oldest first."""
    jobs = Job.objects.filter(kind=KIND, done_at=None, due_at__lte=now)
    return [
        int(reference)
        for reference in jobs.order_by("due_at", "id").values_list("reference", flat=True)[:limit]
    ]


def refund_called_off(*, departure_id: int, now: datetime) -> int:
    """
    Give back in full what is still open of a cancelled departure; answer how many reservations.

    Each stands in a transaction of its own. A departure that runs after all is forgotten.
    """
    if not Departure.objects.filter(id=departure_id, state=Departure.State.CANCELLED).exists():
        Job.objects.filter(kind=KIND, reference=str(departure_id)).delete()
        return 0
    done = 0
    open_now = _open_coupons(departure_id)
    for reservation_id in open_now.values_list("passenger__reservation_id", flat=True).distinct()[
        :BATCH
    ]:
        done += _refund(reservation_id, departure_id, now)
    if not _open_coupons(departure_id).exists():
        Job.objects.filter(kind=KIND, reference=str(departure_id)).update(done_at=now)
    return done


def _refund(reservation_id: int, departure_id: int, now: datetime) -> int:
    tickets = set(
        _open_coupons(departure_id)
        .filter(passenger__reservation_id=reservation_id)
        .values_list("ticket_id", flat=True)
    )
    try:
        cancel_and_refund(
            viewer=OFFICE,
            reservation_id=reservation_id,
            ticket_ids=tickets,
            reason_code=Reason.CARRIER,
            actor=SYSTEM,
            now=now,
        )
    except (AlreadyCancelled, NotCancellable):
        # The traveller was quicker.
        return 0
    return 1


def _open_coupons(departure_id: int) -> QuerySet[Coupon]:
    return Coupon.objects.filter(
        state=Coupon.State.OPEN,
        ticket__departure_id=departure_id,
        passenger__reservation__state=Reservation.State.PAID,
    ).order_by("passenger__reservation_id")


def _called_off(now: datetime) -> list[int]:
    """Answer cancelled departures, sold and not long gone, with coupons that are open."""
    sold = Coupon.objects.filter(
        state=Coupon.State.OPEN,
        ticket__departure=OuterRef("pk"),
        passenger__reservation__state=Reservation.State.PAID,
    )
    rows = Departure.objects.filter(
        Exists(sold),
        state=Departure.State.CANCELLED,
        frozen_at__isnull=False,
        travel_date__gte=(now - LOOKS_BACK).date(),
    )
    return list(rows.order_by("id").values_list("id", flat=True))
