"""
Changes of what is booked: other seats on the same departure, the same party on another one.

Locks are those of every act: departures by id, then the reservation. What is given back and what is
taken stand in one transaction, and the guard stands in the statement that takes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from bookings.engine import holds, records, seating, stock
from bookings.engine.contract import (
    Actor,
    ExchangeCommand,
    Outcome,
    Result,
    SeatChange,
)
from bookings.engine.holds import Locked
from bookings.engine.placement import Part
from bookings.engine.stock import ClaimRow, NamedSeat
from bookings.models import Coupon, Reservation, ReservationEvent
from inventory import services as inventory
from inventory.models import Departure
from inventory.ticket_ids import unpack
from travel.common import sql

State = Reservation.State
Kind = ReservationEvent.Kind


class Sitting(NamedTuple):
    """A coupon of the reservation as it stands under the lock."""

    id: int
    state: str
    ticket_id: int
    travel_class: str

    @property
    def departure_id(self) -> int:
        return unpack(self.ticket_id).departure_id


def change_seats(
    reservation_id: int, changes: Sequence[SeatChange], *, now: datetime, actor: Actor
) -> Result:
    """See bookings.engine.contract.Engine."""
    departures = holds.departures_of([reservation_id])
    dead = holds.ended(departures, now)
    locked = holds.lock_departures({*departures, *holds.departures_of(dead)})
    holds.expire(dead, now)
    row = holds.lock_reservation(reservation_id)
    if row is None:
        return Result(Outcome.NOT_FOUND)
    refusal = None if row.state == State.PAID else holds.refusal_of_not_held(row, now)
    if refusal is not None:
        return Result(refusal, reservation_id=reservation_id)
    coupons = _coupons_of(reservation_id)
    refused = _refusal_of_changes(changes, coupons, locked)
    if refused is not None:
        return refused
    seats = stock.seats_named(
        {coupons[one.coupon_id].departure_id for one in changes}, {one.seat_id for one in changes}
    )
    refused = _refusal_of_seats(changes, coupons, seats)
    if refused is not None:
        return refused
    before = stock.claims_of_coupons([one.coupon_id for one in changes])
    moves = _moves(changes, coupons, seats, before)
    if not moves:
        return Result(Outcome.DONE, reservation_id=reservation_id, details={"changed": False})
    return _swap(row.id, row.state, moves, before, coupons, now=now, actor=actor)


def exchange(command: ExchangeCommand, *, now: datetime, actor: Actor) -> Result:
    """See bookings.engine.contract.Engine."""
    leg = command.leg
    own = holds.departures_of([command.reservation_id])
    dead = holds.ended([leg.departure_id], now)
    locked = holds.lock_departures({*own, leg.departure_id, *holds.departures_of(dead)})
    holds.expire(dead, now)
    row = holds.lock_reservation(command.reservation_id)
    if row is None:
        return Result(Outcome.NOT_FOUND)
    refusal = _refusal_of_exchange(command, row.state, _coupons_of(row.id))
    if refusal is not None:
        return Result(refusal, reservation_id=row.id)
    target = locked.get(leg.departure_id)
    if not _runs(target) or now >= leg.closes_at:
        return Result(Outcome.DEPARTURE_CLOSED, ticket_id=leg.ticket_id)
    assert target is not None
    stock.lay_out([target], now)
    before = stock.claims_of_coupons(sorted(command.coupons.values()))
    stock.give_back(before)
    answer = seating.seat(leg, command.wishes, accept_change=False)
    if isinstance(answer, Result):
        return Result(answer.outcome, ticket_id=leg.ticket_id)
    if not stock.take(answer.all_parts):
        return Result(Outcome.SOLD_OUT, ticket_id=leg.ticket_id)
    inventory.ensure_tickets(fares={leg.ticket_id: leg.fare_id})
    fresh = records.exchange_coupons(command)
    claims = [
        (fresh[passenger], part.seat.stock_id, part.first_segment, part.last_segment)
        for passenger, parts in answer.parts.items()
        for part in parts
    ]
    records.insert_claims(claims)
    stock.count_change({leg.departure_id, unpack(command.from_ticket_id).departure_id})
    after = stock.claims_of_coupons(list(fresh.values()))
    records.record(
        row.id,
        Kind.REBOOKED,
        (row.state, row.state),
        now=now,
        actor=actor,
        details={
            "from_ticket": command.from_ticket_id,
            "to_ticket": leg.ticket_id,
            "coupons": [[command.coupons[key], fresh[key]] for key in sorted(fresh)],
            "before": stock.remembered(before).get(row.id, []),
            "seats": stock.remembered(after).get(row.id, []),
        },
    )
    return Result(Outcome.DONE, reservation_id=row.id, ticket_id=leg.ticket_id)


# --- changing seats -------------------------------------------------------------------------------


def _coupons_of(reservation_id: int) -> dict[int, Sitting]:
    return {
        row[0]: Sitting(*row)
        for row in sql.rows(
            "SELECT coupon.id, coupon.state, coupon.ticket_id, fare.travel_class "
            "FROM bookings_passenger passenger "
            "JOIN bookings_coupon coupon ON coupon.passenger_id = passenger.id "
            "JOIN inventory_ticket ticket ON ticket.id = coupon.ticket_id "
            "JOIN inventory_fare fare ON fare.id = ticket.fare_id "
            "WHERE passenger.reservation_id = %s",
            [reservation_id],
        )
    }


def _refusal_of_changes(
    changes: Sequence[SeatChange], coupons: Mapping[int, Sitting], locked: Mapping[int, Locked]
) -> Result | None:
    for one in changes:
        coupon = coupons.get(one.coupon_id)
        if coupon is None:
            return Result(Outcome.NOT_FOUND)
        if coupon.state == Coupon.State.CANCELLED:
            return Result(Outcome.ALREADY_CANCELLED, ticket_id=coupon.ticket_id)
        departure = locked.get(coupon.departure_id)
        runs = departure is not None and departure.state == Departure.State.SCHEDULED
        if coupon.state != Coupon.State.OPEN or not runs:
            return Result(Outcome.NOT_CHANGEABLE, ticket_id=coupon.ticket_id)
    return None


def _refusal_of_seats(
    changes: Sequence[SeatChange],
    coupons: Mapping[int, Sitting],
    seats: Mapping[tuple[int, int], NamedSeat],
) -> Result | None:
    """Refuse a seat that the departure does not have, or not in the coupon's class."""
    for one in changes:
        coupon = coupons[one.coupon_id]
        named = seats.get((coupon.departure_id, one.seat_id))
        if named is None or named.travel_class != coupon.travel_class:
            return Result(Outcome.SEAT_TAKEN, ticket_id=coupon.ticket_id)
    return None


def _moves(
    changes: Sequence[SeatChange],
    coupons: Mapping[int, Sitting],
    seats: Mapping[tuple[int, int], NamedSeat],
    before: Sequence[ClaimRow],
) -> dict[int, Part]:
    """Answer the coupons that are to sit elsewhere, each with its seat all the way."""
    sits = {(row.coupon_id, row.stock_id, row.first_segment, row.last_segment) for row in before}
    moves: dict[int, Part] = {}
    for one in changes:
        coupon = coupons[one.coupon_id]
        seat = seats[(coupon.departure_id, one.seat_id)].seat
        way = unpack(coupon.ticket_id)
        part = Part(seat, way.from_position, way.to_position - 1)
        place = (coupon.id, seat.stock_id, part.first_segment, part.last_segment)
        if place not in sits:
            moves[coupon.id] = part
    return moves


def _swap(
    reservation_id: int,
    state: str,
    moves: Mapping[int, Part],
    before: Sequence[ClaimRow],
    coupons: Mapping[int, Sitting],
    *,
    now: datetime,
    actor: Actor,
) -> Result:
    given = [row for row in before if row.coupon_id in moves]
    stock.give_back(given)
    for coupon_id, part in sorted(moves.items(), key=lambda one: one[1].seat.stock_id):
        if not stock.take([part]):
            return Result(Outcome.SEAT_TAKEN, ticket_id=coupons[coupon_id].ticket_id)
    records.insert_claims(
        (coupon_id, part.seat.stock_id, part.first_segment, part.last_segment)
        for coupon_id, part in sorted(moves.items())
    )
    stock.count_change({coupons[coupon_id].departure_id for coupon_id in moves})
    records.issue_anew(moves, now=now)
    after = stock.claims_of_coupons(sorted(moves))
    records.record(
        reservation_id,
        Kind.SEATS_CHANGED,
        (state, state),
        now=now,
        actor=actor,
        details={
            "before": stock.remembered(given).get(reservation_id, []),
            "seats": stock.remembered(after).get(reservation_id, []),
        },
    )
    return Result(Outcome.DONE, reservation_id=reservation_id, details={"changed": True})


# --- another departure ----------------------------------------------------------------------------


def _refusal_of_exchange(
    command: ExchangeCommand, state: str, coupons: Mapping[int, Sitting]
) -> Outcome | None:
    if state != State.PAID:
        refusal = holds.refusal_of_not_paid(state)
        return Outcome.NOT_CHANGEABLE if refusal is Outcome.NOT_CANCELLABLE else refusal
    for coupon_id in command.coupons.values():
        coupon = coupons.get(coupon_id)
        if coupon is None:
            return Outcome.NOT_FOUND
        if coupon.state == Coupon.State.CANCELLED:
            return Outcome.ALREADY_CANCELLED
        if coupon.state != Coupon.State.OPEN or coupon.ticket_id != command.from_ticket_id:
            return Outcome.NOT_CHANGEABLE
    still_open = {
        one.id
        for one in coupons.values()
        if one.ticket_id == command.from_ticket_id and one.state == Coupon.State.OPEN
    }
    return None if still_open == set(command.coupons.values()) else Outcome.NOT_CHANGEABLE


def _runs(departure: Locked | None) -> bool:
    return (
        departure is not None
        and departure.state == Departure.State.SCHEDULED
        and departure.sales_closed_at is None
    )
