"""The rows of a reservation: itself, its passengers, coupons, price lines and history."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bookings.engine.contract import Actor, PassengerRow, ReserveCommand
from bookings.engine.stock import StockMismatch
from bookings.models import Coupon, Passenger, PriceLine, Reservation, ReservationEvent


def insert_reservation(command: ReserveCommand, now: datetime) -> Reservation:
    """Insert the reservation with its passengers, adults before the infants on their laps."""
    holder = command.holder
    reservation = Reservation.objects.create(
        locator=command.locator,
        user_id=holder.user_id,
        guest_digest=holder.guest_digest,
        contact_email=holder.contact_email,
        contact_phone=holder.contact_phone,
        language=holder.language,
        currency_id=command.currency,
        state=Reservation.State.HELD,
        created_at=now,
        hold_until=command.hold_until,
    )
    adults = [one for one in command.passengers if one.accompanied_by is None]
    infants = [one for one in command.passengers if one.accompanied_by is not None]
    _insert_passengers(reservation, adults, {})
    if infants:
        _insert_passengers(reservation, infants, _passenger_ids(reservation.id))
    return reservation


def _insert_passengers(
    reservation: Reservation, rows: Sequence[PassengerRow], companions: dict[int, int]
) -> None:
    Passenger.objects.bulk_create(
        Passenger(
            reservation_id=reservation.id,
            position=row.position,
            first_name=row.first_name,
            last_name=row.last_name,
            kind=row.kind,
            date_of_birth=row.date_of_birth,
            seat_wish=row.seat_wish,
            accompanied_by_id=(
                None if row.accompanied_by is None else companions[row.accompanied_by]
            ),
        )
        for row in rows
    )


def _passenger_ids(reservation_id: int) -> dict[int, int]:
    return dict(
        Passenger.objects.filter(reservation_id=reservation_id).values_list("position", "id")
    )


def insert_coupons(
    command: ReserveCommand, reservation: Reservation
) -> dict[tuple[int, int], Coupon]:
    """Insert coupons with their price lines; answer them by passenger and ticket."""
    passengers = _passenger_ids(reservation.id)
    rows = [
        (leg, position, coupon)
        for position, leg in enumerate(command.legs)
        for coupon in leg.coupons
    ]
    Coupon.objects.bulk_create(
        Coupon(
            passenger_id=passengers[coupon.passenger],
            position=position,
            ticket_id=leg.ticket_id,
            fare_version_id=coupon.fare_version_id,
            barcode=coupon.barcode,
        )
        for leg, position, coupon in rows
    )
    # Not every server hands out the ids of a multi-row insert: they are read by what is unique.
    stored = {
        coupon.barcode: coupon
        for coupon in Coupon.objects.filter(passenger__reservation_id=reservation.id)
    }
    PriceLine.objects.bulk_create(
        PriceLine(
            coupon=stored[coupon.barcode],
            position=number,
            kind=line.kind,
            label=line.label,
            amount_minor=line.amount_minor,
        )
        for _, _, coupon in rows
        for number, line in enumerate(coupon.price_lines)
    )
    return {(coupon.passenger, leg.ticket_id): stored[coupon.barcode] for leg, _, coupon in rows}


def move(reservation_id: int, before: str, after: str) -> None:
    """
    Move a reservation from one state to another.

    :raises StockMismatch: it was not in the first one, though its lock is held.
    """
    moved = Reservation.objects.filter(id=reservation_id, state=before).update(state=after)
    if moved != 1:
        raise StockMismatch([reservation_id])


def record(
    reservation_id: int,
    kind: str,
    states: tuple[str, str],
    *,
    now: datetime,
    actor: Actor,
    details: dict[str, object] | None = None,
) -> None:
    """Write a move of state, or something else that happened, into the history."""
    ReservationEvent.objects.create(
        reservation_id=reservation_id,
        at=now,
        kind=kind,
        from_state=states[0],
        to_state=states[1],
        actor_kind=actor.kind,
        actor_id=actor.user_id,
        reason=actor.reason,
        details=details or {},
    )
