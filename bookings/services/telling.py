"""
Telling travellers that their departure is late or does not run: once for each change that matters.

What was told last stands in the reservation's story, under the reservation's lock, so that however
often somebody looks, and however many look at once, nobody is told the same thing twice.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q

from accounts.viewers import Viewer
from bookings import disruption, notifications, selectors
from bookings.engine import holds, records
from bookings.engine.contract import SYSTEM, Actor
from bookings.models import Coupon, Reservation, ReservationEvent
from bookings.selectors import ReservationDetail
from inventory.models import Call, Departure
from inventory.selectors import TicketFacts
from travel.common.ids import digest
from travel.common.models import Job
from travel.common.transactions import in_transaction

# A change of times that is smaller than this is not worth a message.
STEP = timedelta(minutes=10)
KIND = "bookings.told_of_departure"
# Departures of these days, from today, are looked at for changed times; cancelled ones for longer.
LOOKS_BACK, LOOKS_AHEAD, LOOKS_FAR = timedelta(days=1), timedelta(days=2), timedelta(days=370)
# What was told of longer ago is not taken back by itself.
TOLD_WITHIN = timedelta(days=3)
Event = ReservationEvent.Kind


@dataclass(frozen=True, slots=True)
class News:
    """What is to be told of a ticket: late or called off, and whether one may choose anew."""

    kind: str
    ticket: TicketFacts
    leaves_late: int
    arrives_late: int
    may_choose: bool

    def details(self) -> dict[str, object]:
        """Answer it as the story keeps it; the lateness is in minutes."""
        return {
            "ticket": self.ticket.id,
            "leaves_late": self.leaves_late,
            "arrives_late": self.arrives_late,
            "leaves_at": self.ticket.leaves_at.isoformat(),
            "may_choose": self.may_choose,
        }


def tell_of_changes(*, departure_id: int, now: datetime) -> int:
    """
    Tell all who are to travel on a departure what has changed since they were told last.

    Answer how many reservations were told. Each stands in a transaction of its own; who is told by
    e-mail or text message reads it in the language of the reservation.
    """
    waiting = (
        Reservation.objects.filter(
            state=Reservation.State.PAID,
            passengers__coupons__state=Coupon.State.OPEN,
            passengers__coupons__ticket__departure_id=departure_id,
        )
        .order_by("id")
        .values_list("id", flat=True)
        .distinct()
    )
    return sum(
        tell(reservation_id=one, departure_id=departure_id, now=now) for one in list(waiting)
    )


def tell_everybody(*, now: datetime, limit: int = 100) -> int:
    """
    Look for departures whose times or state have changed since this looked last, and tell of them.

    Answer how many reservations were told.
    """
    told = looked_at = 0
    for departure_id, mark in _changed(now):
        if looked_at == limit:
            break
        job, _is_new = Job.objects.get_or_create(
            kind=KIND,
            reference=str(departure_id),
            defaults={"created_at": now, "due_at": now, "payload": {}},
        )
        if job.payload.get("mark") == mark:
            continue
        looked_at += 1
        told += tell_of_changes(departure_id=departure_id, now=now)
        Job.objects.filter(id=job.pk).update(payload={"mark": mark}, done_at=now)
    return told


def _changed(now: datetime) -> list[tuple[int, str]]:
    """
    Answer the sold departures that do not run as planned, each with a mark of how they run.

    Those of which something was told are among them: they may run as planned again.
    """
    today = now.date()
    told = Job.objects.filter(kind=KIND, done_at__gte=now - TOLD_WITHIN)
    told_of = [int(one) for one in told.values_list("reference", flat=True)]
    calls = Call.objects.filter(departure=OuterRef("pk")).filter(
        Q(expected_arrives_at__isnull=False)
        | Q(expected_departs_at__isnull=False)
        | Q(is_skipped=True)
    )
    soon = Q(Exists(calls), travel_date__lte=today + LOOKS_AHEAD)
    rows = Departure.objects.filter(
        soon | Q(state=Departure.State.CANCELLED) | Q(pk__in=told_of),
        frozen_at__isnull=False,
        travel_date__gte=today - LOOKS_BACK,
        travel_date__lte=today + LOOKS_FAR,
    )
    states = dict(rows.order_by("id").values_list("id", "state"))
    marks: dict[int, list[str]] = {one: [state] for one, state in states.items()}
    for departure_id, *facts in (
        Call.objects.filter(departure_id__in=states)
        .order_by("departure_id", "position")
        .values_list("departure_id", "expected_arrives_at", "expected_departs_at", "is_skipped")
    ):
        marks[departure_id].append(str(facts))
    return [(one, digest("\n".join(facts))[:32]) for one, facts in sorted(marks.items())]


@in_transaction
def tell(
    *,
    reservation_id: int,
    departure_id: int,
    now: datetime,
    reason: str = "",
    is_settled: bool = False,
) -> bool:
    """
    Tell the holder of one paid reservation what has changed since the last time; say whether so.

    `reason` is told with it. Where it `is_settled` already, by a refund or another departure that
    comes with it, the holder is not asked to choose.
    """
    row = holds.lock_reservation(reservation_id)
    if row is None or row.state != Reservation.State.PAID:
        return False
    reservation = selectors.get_reservation(
        viewer=Viewer(is_support=True), reservation_id=reservation_id, now=now
    )
    told = [
        news
        for ticket in reservation.journey
        if ticket.parts.departure_id == departure_id and reservation.open_on(ticket.id)
        for news in _news(reservation, ticket, now)
    ]
    if is_settled:
        told = [replace(news, may_choose=False) for news in told]
    for news in told:
        records.record(
            reservation_id,
            news.kind,
            (row.state, row.state),
            now=now,
            actor=Actor(SYSTEM.kind, None, reason),
            details=news.details(),
        )
        notifications.departure_changed(reservation=reservation, news=news, reason=reason, now=now)
    return bool(told)


def _news(reservation: ReservationDetail, ticket: TicketFacts, now: datetime) -> list[News]:
    """Answer what is to be told of a ticket: one thing or nothing."""
    last = _last_told(reservation.id, ticket.id)
    told_off = last is not None and last[0] == Event.CALLED_OFF
    choice = bool(disruption.disruptions(reservation, now=now))
    if disruption.is_off(ticket):
        return [] if told_off else [News(Event.CALLED_OFF, ticket, 0, 0, choice)]
    leaves_late = _minutes(ticket.leaves_at - ticket.departs_at)
    expected = ticket.destination.expected_arrives_at or ticket.arrives_at
    arrives_late = _minutes(expected - ticket.arrives_at)
    if expected <= now:
        return []
    details = {} if last is None or told_off else last[1]
    moved = max(
        abs(leaves_late - int(details.get("leaves_late", 0))),
        abs(arrives_late - int(details.get("arrives_late", 0))),
    )
    newly_choosing = choice and not details.get("may_choose", False) and moved > 0
    if told_off or newly_choosing or moved >= _minutes(STEP):
        return [News(Event.DELAYED, ticket, leaves_late, arrives_late, choice)]
    return []


def _last_told(reservation_id: int, ticket_id: int) -> tuple[str, dict[str, Any]] | None:
    rows = ReservationEvent.objects.filter(
        reservation_id=reservation_id, kind__in=[Event.DELAYED, Event.CALLED_OFF]
    ).order_by("-id")
    return next(
        (
            (kind, details)
            for kind, details in rows.values_list("kind", "details")[:1000]
            if details.get("ticket") == ticket_id
        ),
        None,
    )


def _minutes(span: timedelta) -> int:
    return span // timedelta(minutes=1)
