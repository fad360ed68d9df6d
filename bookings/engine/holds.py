"""Holds: which ones live, which have ended, and the sweeping of those that have."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime

from django.contrib.auth import get_user_model
from django.db.models import Min, Q

from bookings.engine import stock
from bookings.engine.contract import SYSTEM, HolderRow, Outcome, ReserveCommand
from bookings.models import Claim, Coupon, Reservation, ReservationEvent
from inventory.models import Departure

State = Reservation.State


def lock_departures(departure_ids: Collection[int]) -> dict[int, Departure]:
    """Lock departures in the order of their ids; SQLite's one writer needs no more than that."""
    rows = (
        Departure.objects.select_for_update()
        .filter(id__in=departure_ids)
        .order_by("id")
        .only("id", "state", "sales_closed_at", "frozen_at", "vehicle_id", "earliest_hold_end")
    )
    return {row.id: row for row in rows}


def lock_reservation(reservation_id: int) -> Reservation | None:
    """Lock a reservation; the locks of its departures are held."""
    return (
        Reservation.objects.select_for_update()
        .filter(id=reservation_id)
        .order_by("id")
        .only("id", "state", "hold_until", "extended_at", "lengthened_at")
        .first()
    )


def lock_holder(user_id: int) -> None:
    """Let one user's reserves come one after the other, so that the holds' limit is exact."""
    get_user_model().objects.select_for_update().order_by("id").values_list("id").get(id=user_id)


def departures_of(reservation_ids: Collection[int]) -> set[int]:
    """Answer the departures that these reservations have tickets on."""
    if not reservation_ids:
        return set()
    return set(
        Coupon.objects.filter(passenger__reservation_id__in=reservation_ids)
        .order_by()
        .values_list("ticket__departure_id", flat=True)
        .distinct()
    )


def too_many(command: ReserveCommand, departure_ids: Collection[int], now: datetime) -> bool:
    """Say whether the holder has as many live holds as one may, in all or on a departure."""
    rows = (
        Reservation.objects.filter(_held_by(command.holder), state=State.HELD, hold_until__gt=now)
        .order_by()
        .values_list("id", "passengers__coupons__ticket__departure_id")
        .distinct()
    )
    there: dict[int, set[int]] = defaultdict(set)
    every: set[int] = set()
    for reservation_id, departure_id in rows:
        every.add(reservation_id)
        there[departure_id].add(reservation_id)
    if len(every) >= command.max_live_holds:
        return True
    limit = command.max_live_holds_there
    return limit is not None and any(len(there[one]) >= limit for one in departure_ids)


def _held_by(holder: HolderRow) -> Q:
    """A user is known by the account, a guest by the e-mail address or the phone number."""
    if holder.user_id is not None:
        return Q(user_id=holder.user_id)
    mine = Q(pk__in=[])
    if holder.contact_email:
        mine |= Q(contact_email=holder.contact_email, user__isnull=True)
    if holder.contact_phone:
        mine |= Q(contact_phone=holder.contact_phone, user__isnull=True)
    return mine


def refusal_of_not_held(row: Reservation, now: datetime) -> Outcome | None:
    """Answer why the reservation is no live hold, or None when it is one."""
    if row.state == State.HELD:
        return Outcome.HOLD_EXPIRED if row.hold_until <= now else None
    return {
        State.EXPIRED: Outcome.HOLD_EXPIRED,
        State.PAID: Outcome.ALREADY_PAID,
        State.CANCELLED: Outcome.ALREADY_CANCELLED,
    }[State(row.state)]


def refusal_of_not_paid(state: str) -> Outcome:
    """Answer why a reservation in this state has nothing to cancel."""
    if state == State.CANCELLED:
        return Outcome.ALREADY_CANCELLED
    return Outcome.HOLD_EXPIRED if state == State.EXPIRED else Outcome.NOT_CANCELLABLE


def ended(departure_ids: Collection[int], now: datetime) -> list[int]:
    """
    Answer the reservations that hold seats on these departures and ended by `now`.

    All of them: one left out would be a free seat that is refused. There are no more than the
    departures have seats and segments.
    """
    due = list(
        Departure.objects.filter(id__in=departure_ids, earliest_hold_end__lte=now).values_list(
            "id", flat=True
        )
    )
    if not due:
        return []
    return list(
        Reservation.objects.filter(
            state=State.HELD,
            hold_until__lte=now,
            passengers__coupons__ticket__departure_id__in=due,
        )
        .order_by("id")
        .values_list("id", flat=True)
        .distinct()
    )


def ended_longest_ago(now: datetime, limit: int) -> list[int]:
    """Answer so many reservations whose hold ended by `now`, the oldest end first."""
    return list(
        Reservation.objects.filter(state=State.HELD, hold_until__lte=now)
        .order_by("hold_until", "id")
        .values_list("id", flat=True)[:limit]
    )


def expire(reservation_ids: Sequence[int], now: datetime) -> int:
    """
    Expire those that are still held and ended; the departures' locks are held.

    Between the reading of the ids and the locks somebody may have paid or extended one.
    """
    if not reservation_ids:
        return 0
    still = list(
        Reservation.objects.select_for_update()
        .filter(id__in=reservation_ids, state=State.HELD, hold_until__lte=now)
        .order_by("id")
        .values_list("id", flat=True)
    )
    if not still:
        return 0
    seats = stock.named_seats(Claim.objects.filter(coupon__passenger__reservation_id__in=still))
    stock.give_back(stock.claims_of_reservations(still))
    Coupon.objects.filter(passenger__reservation_id__in=still).update(state=Coupon.State.CANCELLED)
    Reservation.objects.filter(id__in=still, state=State.HELD).update(state=State.EXPIRED)
    departures = departures_of(still)
    stock.count_change(departures)
    note_next_end(departures, now)
    ReservationEvent.objects.bulk_create(
        ReservationEvent(
            reservation_id=reservation_id,
            at=now,
            kind=ReservationEvent.Kind.EXPIRED,
            from_state=State.HELD,
            to_state=State.EXPIRED,
            actor_kind=SYSTEM.kind,
            details={"seats": seats.get(reservation_id, [])},
        )
        for reservation_id in still
    )
    return len(still)


def note_next_end(departure_ids: Collection[int], ended: datetime) -> None:
    """
    Read again when the first hold ends, where one that ended at `ended` or before was the first.

    The departures' locks are held, so that no hold comes in between.
    """
    due = sorted(
        Departure.objects.filter(id__in=departure_ids, earliest_hold_end__lte=ended).values_list(
            "id", flat=True
        )
    )
    if not due:
        return
    ends: dict[int, datetime] = dict(
        Reservation.objects.filter(
            state=State.HELD, passengers__coupons__ticket__departure_id__in=due
        )
        .order_by()
        .values_list("passengers__coupons__ticket__departure_id")
        .annotate(end=Min("hold_until"))
    )
    for departure_id in due:
        Departure.objects.filter(id=departure_id).update(earliest_hold_end=ends.get(departure_id))
