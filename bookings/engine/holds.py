"""Holds: which ones live, which have ended, and the sweeping of those that have."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from bookings.engine import stock
from bookings.engine.contract import SYSTEM, HolderRow, Outcome, ReserveCommand
from bookings.models import Coupon, Reservation, ReservationEvent
from travel.common import sql

State = Reservation.State


class Locked(NamedTuple):
    """A departure under its lock."""

    id: int
    state: str
    sales_closed_at: object
    frozen_at: object


class LockedReservation(NamedTuple):
    """A reservation under its lock."""

    id: int
    state: str
    hold_until: datetime
    extended_at: datetime | None
    lengthened_at: datetime | None


def lock_departures(departure_ids: Collection[int]) -> dict[int, Locked]:
    """Lock departures in the order of their ids; SQLite's one writer needs no more than that."""
    if not departure_ids:
        return {}
    found = sql.rows(
        "SELECT id, state, sales_closed_at, frozen_at FROM inventory_departure "
        f"WHERE id IN ({sql.marks(len(departure_ids))}) "
        f"ORDER BY id{sql.for_update()}",
        sorted(departure_ids),
    )
    return {row[0]: Locked(*row) for row in found}


def lock_reservation(reservation_id: int) -> LockedReservation | None:
    """Lock a reservation; the locks of its departures are held."""
    for row_id, state, *instants in sql.rows(
        "SELECT id, state, hold_until, extended_at, lengthened_at FROM bookings_reservation "
        f"WHERE id = %s{sql.for_update()}",
        [reservation_id],
    ):
        hold_until, extended_at, lengthened_at = map(sql.moment, instants)
        assert hold_until is not None
        return LockedReservation(row_id, state, hold_until, extended_at, lengthened_at)
    return None


def lock_holder(user_id: int) -> None:
    """Let one user's reserves come one after the other, so that the holds' limit is exact."""
    sql.rows(f"SELECT id FROM accounts_user WHERE id = %s{sql.for_update()}", [user_id])


def departures_of(reservation_ids: Collection[int]) -> set[int]:
    """Answer the departures that these reservations have tickets on."""
    if not reservation_ids:
        return set()
    return {
        row[0]
        for row in sql.rows(
            "SELECT DISTINCT ticket.departure_id FROM bookings_passenger passenger "
            "JOIN bookings_coupon coupon ON coupon.passenger_id = passenger.id "
            "JOIN inventory_ticket ticket ON ticket.id = coupon.ticket_id "
            f"WHERE passenger.reservation_id IN ({sql.marks(len(reservation_ids))})",
            list(reservation_ids),
        )
    }


def too_many(command: ReserveCommand, departure_ids: Collection[int], now: datetime) -> bool:
    """Say whether the holder has as many live holds as one may, in all or on a departure."""
    rows = [
        row
        for column, value in _known_by(command.holder)
        for row in sql.rows(
            "SELECT DISTINCT held.id, ticket.departure_id FROM bookings_reservation held "
            "JOIN bookings_passenger passenger ON passenger.reservation_id = held.id "
            "JOIN bookings_coupon coupon ON coupon.passenger_id = passenger.id "
            "JOIN inventory_ticket ticket ON ticket.id = coupon.ticket_id "
            f"WHERE held.{column} = %s AND held.state = 'held' AND held.hold_until > %s "
            f"AND held.{_whose(command.holder)}",
            [value, now],
        )
    ]
    there: dict[int, set[int]] = defaultdict(set)
    every: set[int] = set()
    for reservation_id, departure_id in rows:
        every.add(reservation_id)
        there[departure_id].add(reservation_id)
    if len(every) >= command.max_live_holds:
        return True
    limit = command.max_live_holds_there
    return limit is not None and any(len(there[one]) >= limit for one in departure_ids)


def _known_by(holder: HolderRow) -> list[tuple[str, object]]:
    """
    A user is known by the account, a guest by the e-mail address or the phone number.

    Each is looked up by an index of its own: an OR over both would read every hold there is.
    """
    if holder.user_id is not None:
        return [("user_id", holder.user_id)]
    contacts = [
        ("contact_email", holder.contact_email),
        ("contact_phone", holder.contact_phone),
    ]
    return [(column, value) for column, value in contacts if value is not None]


def _whose(holder: HolderRow) -> str:
    return "user_id IS NULL" if holder.user_id is None else "user_id IS NOT NULL"


def refusal_of_not_held(row: LockedReservation, now: datetime) -> Outcome | None:
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
    return [
        row[0]
        for row in sql.rows(
            "SELECT DISTINCT ended.id FROM inventory_departure departure "
            "JOIN inventory_ticket ticket ON ticket.departure_id = departure.id "
            "JOIN bookings_coupon coupon ON coupon.ticket_id = ticket.id "
            "JOIN bookings_passenger passenger ON passenger.id = coupon.passenger_id "
            "JOIN bookings_reservation ended ON ended.id = passenger.reservation_id "
            f"WHERE departure.id IN ({sql.marks(len(departure_ids))}) "
            "AND departure.earliest_hold_end <= %s "
            "AND ended.state = 'held' AND ended.hold_until <= %s ORDER BY ended.id",
            [*departure_ids, now, now],
        )
    ]


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
    claims = stock.claims_of_reservations(still)
    seats = stock.remembered(claims)
    stock.give_back(claims)
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
    if not departure_ids:
        return
    sql.run(
        "UPDATE inventory_departure SET earliest_hold_end = ("
        "SELECT MIN(held.hold_until) FROM inventory_ticket ticket "
        "JOIN bookings_coupon coupon ON coupon.ticket_id = ticket.id "
        "JOIN bookings_passenger passenger ON passenger.id = coupon.passenger_id "
        "JOIN bookings_reservation held ON held.id = passenger.reservation_id "
        "WHERE ticket.departure_id = inventory_departure.id AND held.state = 'held') "
        f"WHERE id IN ({sql.marks(len(departure_ids))}) "
        "AND earliest_hold_end <= %s",
        [*departure_ids, ended],
    )
