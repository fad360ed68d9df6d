"""The rows of a reservation: itself, its passengers, coupons, price lines, claims and history."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from django.db.models import F

from bookings.engine.contract import Actor, ExchangeCommand, PassengerRow, ReserveCommand
from bookings.engine.stock import StockMismatch
from bookings.models import Coupon, Reservation
from travel.common import sql


def insert_reservation(command: ReserveCommand, now: datetime) -> int:
    """Insert the reservation with its passengers, adults before the infants on their laps."""
    holder = command.holder
    reservation_id = sql.insert(
        "bookings_reservation",
        (
            "locator",
            "user_id",
            "guest_digest",
            "contact_email",
            "contact_phone",
            "language",
            "currency_id",
            "state",
            "created_at",
            "hold_until",
        ),
        [
            (
                command.locator,
                holder.user_id,
                holder.guest_digest,
                holder.contact_email,
                holder.contact_phone,
                holder.language,
                command.currency,
                Reservation.State.HELD.value,
                now,
                command.hold_until,
            )
        ],
    )
    adults = [one for one in command.passengers if one.accompanied_by is None]
    infants = [one for one in command.passengers if one.accompanied_by is not None]
    _insert_passengers(reservation_id, adults, {})
    if infants:
        _insert_passengers(reservation_id, infants, _passenger_ids(reservation_id))
    return reservation_id


def _insert_passengers(
    reservation_id: int, people: Sequence[PassengerRow], companions: Mapping[int, int]
) -> None:
    sql.insert(
        "bookings_passenger",
        (
            "reservation_id",
            "position",
            "first_name",
            "last_name",
            "kind",
            "date_of_birth",
            "seat_wish",
            "accompanied_by_id",
        ),
        [
            (
                reservation_id,
                one.position,
                one.first_name,
                one.last_name,
                one.kind,
                one.date_of_birth,
                one.seat_wish,
                None if one.accompanied_by is None else companions[one.accompanied_by],
            )
            for one in people
        ],
    )


def _passenger_ids(reservation_id: int) -> dict[int, int]:
    return dict(
        sql.rows(
            "SELECT position, id FROM bookings_passenger WHERE reservation_id = %s",
            [reservation_id],
        )
    )


def insert_coupons(command: ReserveCommand, reservation_id: int) -> dict[tuple[int, int], int]:
    """Insert coupons with their price lines; answer their ids by passenger and ticket."""
    passengers = _passenger_ids(reservation_id)
    every = [
        (leg, position, coupon)
        for position, leg in enumerate(command.legs)
        for coupon in leg.coupons
    ]
    sql.insert(
        "bookings_coupon",
        ("passenger_id", "position", "ticket_id", "fare_version_id", "state", "barcode"),
        [
            (
                passengers[coupon.passenger],
                position,
                leg.ticket_id,
                coupon.fare_version_id,
                "open",
                coupon.barcode,
            )
            for leg, position, coupon in every
        ],
    )
    # Not every server hands out the ids of a multi-row insert: they are read by what is unique.
    stored = {
        (passenger_id, position): coupon_id
        for coupon_id, passenger_id, position in sql.rows(
            "SELECT coupon.id, coupon.passenger_id, coupon.position FROM bookings_coupon coupon "
            "JOIN bookings_passenger passenger ON passenger.id = coupon.passenger_id "
            "WHERE passenger.reservation_id = %s",
            [reservation_id],
        )
    }
    ids = {
        (coupon.passenger, leg.ticket_id): stored[(passengers[coupon.passenger], position)]
        for leg, position, coupon in every
    }
    sql.insert(
        "bookings_priceline",
        ("coupon_id", "position", "kind", "label", "amount_minor"),
        [
            (
                ids[(coupon.passenger, leg.ticket_id)],
                number,
                line.kind,
                line.label,
                line.amount_minor,
            )
            for leg, _, coupon in every
            for number, line in enumerate(coupon.price_lines)
        ],
    )
    return ids


def exchange_coupons(command: ExchangeCommand) -> dict[int, int]:
    """
    Put new coupons in the places of the old ones; answer the new ids by the passengers' positions.

    The old ones are cancelled, go to the end of their passengers' coupons, name the new ones, and
    leave them their price lines. The lock of the reservation is held.
    """
    fresh: dict[int, int] = {}
    for coupon in command.leg.coupons:
        old_id = command.coupons[coupon.passenger]
        ((passenger_id, position, last),) = sql.rows(
            "SELECT old.passenger_id, old.position, "
            "(SELECT MAX(own.position) FROM bookings_coupon own "
            "WHERE own.passenger_id = old.passenger_id) "
            "FROM bookings_coupon old WHERE old.id = %s",
            [old_id],
        )
        gone = sql.run(
            "UPDATE bookings_coupon SET state = 'cancelled', position = %s "
            "WHERE id = %s AND state = 'open' AND ticket_id = %s",
            [last + 1, old_id, command.from_ticket_id],
        )
        if gone != 1:
            raise StockMismatch([old_id])
        sql.insert(
            "bookings_coupon",
            ("passenger_id", "position", "ticket_id", "fare_version_id", "state", "barcode"),
            [
                (
                    passenger_id,
                    position,
                    command.leg.ticket_id,
                    coupon.fare_version_id,
                    "open",
                    coupon.barcode,
                )
            ],
        )
        ((new_id,),) = sql.rows(
            "SELECT id FROM bookings_coupon WHERE passenger_id = %s AND position = %s",
            [passenger_id, position],
        )
        sql.run("UPDATE bookings_coupon SET exchanged_for_id = %s WHERE id = %s", [new_id, old_id])
        sql.run(
            "UPDATE bookings_priceline SET coupon_id = %s WHERE coupon_id = %s", [new_id, old_id]
        )
        fresh[coupon.passenger] = new_id
    return fresh


def insert_claims(claims: Iterable[tuple[int, int, int, int]]) -> None:
    """Insert claims: coupon, seat of the stock, first and last segment of each."""
    sql.insert("bookings_claim", ("coupon_id", "stock_id", "first_segment", "last_segment"), claims)


def issue_anew(coupon_ids: Iterable[int], *, now: datetime) -> None:
    """
    Count one more issue of the tickets of these coupons, where they are paid and open.

    What their barcodes say (the seats, the name) has changed; those issued before are stale.
    """
    Coupon.objects.filter(
        id__in=sorted(coupon_ids),
        state=Coupon.State.OPEN,
        passenger__reservation__state=Reservation.State.PAID,
    ).update(issue=F("issue") + 1, reissued_at=now)


def move(reservation_id: int, before: str, after: str) -> None:
    """
    Move a reservation from one state to another.

    :raises StockMismatch: it was not in the first one, though its lock is held.
    """
    moved = sql.run(
        "UPDATE bookings_reservation SET state = %s WHERE id = %s AND state = %s",
        [str(after), reservation_id, str(before)],
    )
    if moved != 1:
        raise StockMismatch([reservation_id])


def record(
    reservation_id: int,
    kind: str,
    states: tuple[str, str],
    *,
    now: datetime,
    actor: Actor,
    details: Mapping[str, object] | None = None,
) -> None:
    """Write a move of state, or something else that happened, into the history."""
    sql.insert(
        "bookings_reservationevent",
        (
            "reservation_id",
            "at",
            "kind",
            "from_state",
            "to_state",
            "actor_kind",
            "actor_id",
            "reason",
            "details",
        ),
        [
            (
                reservation_id,
                now,
                str(kind),
                str(states[0]),
                str(states[1]),
                actor.kind,
                actor.user_id,
                actor.reason,
                json.dumps(details or {}),
            )
        ],
    )
