"""
Jobs for everybody whom a change of a departure concerns: told, refunded in full, or rebooked.

A job is rows: itself, and an item for each reservation, which is due like any other work. An item's
state changes in the transaction of its effect, under the item's lock; so a worker that is killed
anywhere has done all of an item or nothing, and two workers do not do the same one. Who pays while
the job runs is found by looking again before it ends.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db.models import F, Min

from accounts.viewers import Viewer
from bookings import selectors as bookings
from bookings import services as booking
from bookings.engine import holds
from bookings.engine.contract import Actor
from bookings.errors import AlreadyCancelled, HoldExpired, NotCancellable
from bookings.selectors import ReservationDetail
from bookings.services import rebooking, telling
from inventory.models import Departure
from inventory.ticket_ids import unpack
from payments.models import Reason
from payments.penalties import Waiver
from payments.services.cancelling import cancel_and_refund
from support import desk, notifications
from support.desk import Concern
from support.models import DisruptionItem, DisruptionJob
from travel.common.errors import NotFound, Refusal
from travel.common.transactions import in_transaction

Cause = DisruptionJob.Cause
Deed = DisruptionJob.Deed
State = DisruptionItem.State
Outcome = DisruptionItem.Outcome

# Of these support writes itself; of delays, cancellations and calls left out bookings write.
TOLD_HERE = (Cause.PLATFORM, Cause.VEHICLE, Cause.TIMES, Cause.BLOCKED, Cause.SEATED)
OFFICE = Viewer(is_support=True)
# After so many failures a person looks at it.
ATTEMPTS = 5
FIRST_PAUSE = timedelta(seconds=20)


# --- beginning ------------------------------------------------------------------------------------


@in_transaction
def begin(
    *,
    departure_id: int,
    cause: str,
    deed: str,
    concern: Concern,
    reason: str,
    user_id: int,
    now: datetime,
    reservation_ids: Collection[int] | None = None,
) -> DisruptionJob:
    """
    Begin a job for all whom a change concerns, or for the reservations that are named.

    It is due at once. The caller has asked whether the user may, and writes it into the log.
    """
    job = DisruptionJob.objects.create(
        departure_id=departure_id,
        cause=cause,
        deed=deed,
        positions=list(concern.only_at),
        reason=reason,
        created_at=now,
        created_by_id=user_id,
        due_at=now,
    )
    if reservation_ids is None:
        reservation_ids = _concerned(departure_id, concern)
    _add_items(job, reservation_ids, now)
    return job


def _concerned(departure_id: int, concern: Concern) -> list[int]:
    rows = concern.narrow(desk.open_coupons(), departure_id)
    return list(
        rows.order_by("passenger__reservation_id")
        .values_list("passenger__reservation_id", flat=True)
        .distinct()
    )


def _add_items(job: DisruptionJob, reservation_ids: Collection[int], now: datetime) -> int:
    """Add items for reservations that have none yet; answer how many were new."""
    known = set(DisruptionItem.objects.filter(job=job).values_list("reservation_id", flat=True))
    fresh = [one for one in sorted(reservation_ids) if one not in known]
    DisruptionItem.objects.bulk_create(
        DisruptionItem(job=job, reservation_id=one, due_at=now) for one in fresh
    )
    return len(fresh)


# --- working --------------------------------------------------------------------------------------


def due_items(*, now: datetime, limit: int) -> list[int]:
    """Answer the items of running jobs that wait to be worked on, the oldest first."""
    return list(
        DisruptionItem.objects.filter(
            job__state=DisruptionJob.State.RUNNING, state=State.WAITING, due_at__lte=now
        )
        .order_by("due_at", "id")
        .values_list("id", flat=True)[:limit]
    )


def work_on(*, item_id: int, now: datetime) -> str:
    """
    Do what the job is for to one reservation; answer the state of its item afterwards.

    What is refused is tried again after growing pauses; in the end a person has to look at it.
    """
    try:
        return _work(item_id=item_id, now=now)
    except Refusal as refusal:
        return _put_off(item_id=item_id, why=refusal.code, now=now)


@in_transaction
def _work(*, item_id: int, now: datetime) -> str:
    item = _lock(item_id)
    if item is None:
        return ""
    job = item.job
    # The written order of locks: departures before the reservation, which telling takes.
    holds.lock_departures(holds.departures_of([item.reservation_id]))
    if job.deed == Deed.TELL:
        _tell(item, now)
    else:
        _settle(item, now)
    item.attempts += 1
    item.done_at = now
    item.last_error = ""
    item.save()
    return str(item.state)


def _lock(item_id: int) -> DisruptionItem | None:
    """Lock an item that waits, of a job that runs; None where there is nothing to do any more."""
    item = DisruptionItem.objects.select_for_update().filter(pk=item_id).first()
    if item is None or item.state != State.WAITING:
        return None
    item.job = DisruptionJob.objects.get(pk=item.job_id)
    return item if item.job.state == DisruptionJob.State.RUNNING else None


def _tell(item: DisruptionItem, now: datetime) -> None:
    """Tell the holder what has changed, once; who was told by others already is left alone."""
    item.is_told = _told(item, _reservation(item, now), now)
    item.state = State.DONE if item.is_told else State.LEFT
    item.outcome = Outcome.TOLD if item.is_told else Outcome.SETTLED


def _told(item: DisruptionItem, reservation: ReservationDetail, now: datetime) -> bool:
    job = item.job
    if not _tickets(job, reservation):
        return False
    if job.cause in TOLD_HERE:
        return notifications.disruption(
            reservation=reservation,
            job_id=job.pk,
            cause=job.cause,
            reason=job.reason,
            departure_id=job.departure_id,
            now=now,
        )
    return telling.tell(
        reservation_id=item.reservation_id,
        departure_id=job.departure_id,
        reason=job.reason,
        is_settled=job.deed != Deed.TELL,
        now=now,
    )


def _settle(item: DisruptionItem, now: datetime) -> None:
    """Give back what was paid for the departure, or move everybody to another one."""
    job = item.job
    reservation = _reservation(item, now)
    tickets = _tickets(job, reservation)
    if not tickets:
        # The traveller was quicker, or the hold has ended.
        item.state, item.outcome = State.LEFT, Outcome.SETTLED
        return
    if reservation.is_live_hold:
        _release(item, reservation, now)
        return
    item.is_told = _told(item, reservation, now)
    if job.deed == Deed.REBOOK and _rebook(item, reservation, tickets, now):
        return
    _refund(item, tickets, now)


def _release(item: DisruptionItem, reservation: ReservationDetail, now: datetime) -> None:
    """Give up a hold that nobody has paid: nothing was charged."""
    booking.release(viewer=OFFICE, reservation_id=reservation.id, now=now, actor=_actor(item.job))
    item.is_told = notifications.disruption(
        reservation=reservation,
        job_id=item.job_id,
        cause=item.job.cause,
        reason=item.job.reason,
        departure_id=item.job.departure_id,
        now=now,
    )
    item.state, item.outcome = State.DONE, Outcome.RELEASED


def _refund(item: DisruptionItem, tickets: Collection[int], now: datetime) -> None:
    job = item.job
    is_off = job.departure.state == Departure.State.CANCELLED
    try:
        done = cancel_and_refund(
            viewer=OFFICE,
            reservation_id=item.reservation_id,
            ticket_ids=tickets,
            reason_code=Reason.CARRIER,
            # A departure that was called off costs nothing by its own rule.
            waiver=None if is_off else Waiver(Reason.CARRIER.value),
            actor=_actor(job),
            now=now,
        )
    except (AlreadyCancelled, NotCancellable, HoldExpired):
        item.state, item.outcome = State.LEFT, Outcome.SETTLED
        return
    item.cancellation_id = done.cancellation_id
    item.state, item.outcome = State.DONE, Outcome.REFUNDED


def _rebook(
    item: DisruptionItem,
    reservation: ReservationDetail,
    tickets: Collection[int],
    now: datetime,
) -> bool:
    """
    Move the party to the next departure with room, on each of its tickets, or say there is none.

    All are looked for before any is taken. One that is sold meanwhile refuses the whole item, which
    is tried again.
    """
    moves: list[tuple[int, int]] = []
    for ticket_id in sorted(tickets):
        wanted = reservation.tickets[ticket_id].departs_at
        found = rebooking.find_alternatives(reservation=reservation, ticket_id=ticket_id, now=now)
        # Sooner than was booked is of no use to whoever is on the way to the station.
        later = [one for one in found if one.stretch.departs_at >= wanted and not one.needs_more]
        if not later:
            return False
        moves.append((ticket_id, later[0].ticket_id))
    for ticket_id, to_ticket_id in moves:
        rebooking.rebook(
            viewer=OFFICE,
            reservation_id=reservation.id,
            ticket_id=ticket_id,
            to_ticket_id=to_ticket_id,
            actor=_actor(item.job),
            now=now,
        )
    item.state, item.outcome = State.DONE, Outcome.REBOOKED
    return True


def _tickets(job: DisruptionJob, reservation: ReservationDetail) -> set[int]:
    """Answer the reservation's tickets on the departure that are open and concerned."""
    at = set(job.positions)
    found = set()
    for coupon in reservation.open_coupons:
        parts = unpack(coupon.ticket_id)
        ends = {parts.from_position, parts.to_position}
        if parts.departure_id == job.departure_id and (not at or ends & at):
            found.add(coupon.ticket_id)
    return found if reservation.status in ("Reserved", "Paid") else set()


def _reservation(item: DisruptionItem, now: datetime) -> ReservationDetail:
    return bookings.get_reservation(viewer=OFFICE, reservation_id=item.reservation_id, now=now)


def _actor(job: DisruptionJob) -> Actor:
    """
    The office does it, by the rule of what is called off; the log says who began the job.

    Staff's own words stand as the reason. What happened to the departure is the job's cause, a code
    that each reader reads in their own language.
    """
    return Actor("system", None, job.reason)


@in_transaction
def _put_off(*, item_id: int, why: str, now: datetime) -> str:
    item = _lock(item_id)
    if item is None:
        return ""
    item.attempts += 1
    item.last_error = why[:300]
    if item.attempts >= ATTEMPTS:
        item.state, item.done_at = State.FAILED, now
    else:
        item.due_at = now + FIRST_PAUSE * 2 ** (item.attempts - 1)
    item.save()
    return str(item.state)


def fail(*, item_id: int, error: Exception, now: datetime) -> str:
    """Note that the work on an item broke off by a fault of the office's own."""
    return _put_off(item_id=item_id, why=type(error).__name__, now=now)


# --- ending ---------------------------------------------------------------------------------------


def due_jobs(*, now: datetime, limit: int) -> list[int]:
    """Answer the running jobs that are to be looked at, the oldest first."""
    return list(
        DisruptionJob.objects.filter(state=DisruptionJob.State.RUNNING, due_at__lte=now)
        .order_by("due_at", "id")
        .values_list("id", flat=True)[:limit]
    )


@in_transaction
def look_after(*, job_id: int, now: datetime) -> str:
    """
    Add who has paid since the job began, and end the job when nobody waits; answer its state.

    Whoever holds seats unpaid has an item too, so that it does not end before they are given up.
    """
    job = DisruptionJob.objects.select_for_update().filter(pk=job_id).first()
    if job is None or job.state != DisruptionJob.State.RUNNING:
        return ""
    if job.deed != Deed.TELL:
        concern = Concern(only_at=tuple(job.positions))
        _add_items(job, _concerned(job.departure_id, concern), now)
    waiting = DisruptionItem.objects.filter(job=job, state=State.WAITING)
    next_due = waiting.aggregate(next=Min("due_at"))["next"]
    if next_due is None:
        job.state, job.finished_at = DisruptionJob.State.DONE, now
    else:
        job.due_at = max(now, next_due)
    job.save(update_fields=["state", "finished_at", "due_at"])
    return str(job.state)


@in_transaction
def stop(*, job_id: int, now: datetime) -> None:
    """
    Stop a running job: what is done stays, nobody else is worked on.

    :raises NotFound: it does not run.
    """
    stopped = DisruptionJob.objects.filter(pk=job_id, state=DisruptionJob.State.RUNNING).update(
        state=DisruptionJob.State.STOPPED, finished_at=now
    )
    if not stopped:
        raise NotFound()


@in_transaction
def retry(*, job_id: int, now: datetime) -> int:
    """
    Let everything that failed, and whatever a stopped job left, wait again; answer how many.

    :raises NotFound: there is nothing to try again.
    """
    job = DisruptionJob.objects.select_for_update().filter(pk=job_id).first()
    if job is None:
        raise NotFound()
    again = DisruptionItem.objects.filter(job=job, state=State.FAILED).update(
        state=State.WAITING, attempts=F("attempts") * 0, due_at=now, done_at=None
    )
    left = DisruptionItem.objects.filter(job=job, state=State.WAITING).count()
    if not left:
        raise NotFound()
    DisruptionJob.objects.filter(pk=job_id).update(
        state=DisruptionJob.State.RUNNING, finished_at=None, due_at=now
    )
    return again
