"""
The engine in plain SQL, for SQLite and for servers without our procedures.

The departure's row is locked first, so that buyers of one departure come one after the other; the
guard against a double sale nevertheless stands in the statement that sets the bits.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from bookings.engine import changing, holds, reclaiming, records, seating, stock
from bookings.engine.contract import (
    Actor,
    ExchangeCommand,
    LegRow,
    Outcome,
    ReserveCommand,
    Result,
    SeatChange,
)
from bookings.engine.holds import Locked
from bookings.engine.seating import Seating
from bookings.models import Coupon, Reservation, ReservationEvent
from inventory import services as inventory
from inventory.models import Departure

State = Reservation.State
Kind = ReservationEvent.Kind


class PortableEngine:
    """See bookings.engine.contract.Engine."""

    def reserve(self, command: ReserveCommand, *, now: datetime, actor: Actor) -> Result:
        wanted = {leg.departure_id for leg in command.legs}
        refused = prepare(command, wanted, now)
        if refused is not None:
            return refused
        seated: list[Seating] = []
        wishes = seating.wishes_of(command)
        for leg in seating.in_lock_order(command):
            answer = seating.seat(leg, wishes, accept_change=command.accept_seat_change)
            if isinstance(answer, Result):
                return answer
            if not stock.take(answer.all_parts):
                return Result(Outcome.SOLD_OUT, ticket_id=leg.ticket_id)
            seated.append(answer)
        inventory.ensure_tickets(fares={leg.ticket_id: leg.fare_id for leg in command.legs})
        reservation_id = records.insert_reservation(command, now)
        coupons = records.insert_coupons(command, reservation_id)
        records.insert_claims(_claims(seated, coupons))
        stock.count_change(wanted, held_until=command.hold_until)
        records.record(
            reservation_id,
            Kind.RESERVED,
            ("", State.HELD),
            now=now,
            actor=actor,
            details={
                "seats": _remembered(seated, coupons),
                "until": command.hold_until.isoformat(),
            },
        )
        return Result(Outcome.DONE, reservation_id=reservation_id)

    def confirm(self, reservation_id: int, *, now: datetime, actor: Actor) -> Result:
        departures = holds.departures_of([reservation_id])
        holds.lock_departures(departures)
        row = holds.lock_reservation(reservation_id)
        if row is None:
            return Result(Outcome.NOT_FOUND)
        refusal = holds.refusal_of_not_held(row, now)
        if refusal is not None:
            return Result(refusal, reservation_id=reservation_id)
        records.move(reservation_id, State.HELD, State.PAID)
        holds.note_next_end(departures, row.hold_until)
        records.record(reservation_id, Kind.PAID, (State.HELD, State.PAID), now=now, actor=actor)
        return Result(Outcome.DONE, reservation_id=reservation_id)

    def release(self, reservation_id: int, *, now: datetime, actor: Actor) -> Result:
        departures = holds.departures_of([reservation_id])
        holds.lock_departures(departures)
        row = holds.lock_reservation(reservation_id)
        if row is None:
            return Result(Outcome.NOT_FOUND)
        refusal = holds.refusal_of_not_held(row, now)
        if refusal is not None:
            return Result(refusal, reservation_id=reservation_id)
        claims = stock.claims_of_reservations([reservation_id])
        stock.give_back(claims)
        Coupon.objects.filter(passenger__reservation_id=reservation_id).update(
            state=Coupon.State.CANCELLED
        )
        records.move(reservation_id, State.HELD, State.CANCELLED)
        stock.count_change(departures)
        holds.note_next_end(departures, row.hold_until)
        records.record(
            reservation_id,
            Kind.RELEASED,
            (State.HELD, State.CANCELLED),
            now=now,
            actor=actor,
            details={"seats": stock.remembered(claims).get(reservation_id, [])},
        )
        return Result(Outcome.DONE, reservation_id=reservation_id)

    def extend(
        self, reservation_id: int, *, until: datetime, mark: str, now: datetime, actor: Actor
    ) -> Result:
        departures = holds.departures_of([reservation_id])
        holds.lock_departures(departures)
        row = holds.lock_reservation(reservation_id)
        if row is None:
            return Result(Outcome.NOT_FOUND)
        refusal = holds.refusal_of_not_held(row, now)
        if refusal is not None:
            return Result(refusal, reservation_id=reservation_id)
        if getattr(row, mark) is not None or until <= row.hold_until:
            return Result(Outcome.DONE, reservation_id=reservation_id, details={"changed": False})
        Reservation.objects.filter(id=reservation_id).update(hold_until=until, **{mark: now})
        holds.note_next_end(departures, row.hold_until)
        records.record(
            reservation_id,
            Kind.EXTENDED,
            (State.HELD, State.HELD),
            now=now,
            actor=actor,
            details={"until": until.isoformat()},
        )
        return Result(Outcome.DONE, reservation_id=reservation_id, details={"changed": True})

    def cancel_coupons(
        self, reservation_id: int, coupon_ids: Sequence[int], *, now: datetime, actor: Actor
    ) -> Result:
        departures = holds.departures_of([reservation_id])
        holds.lock_departures(departures)
        row = holds.lock_reservation(reservation_id)
        if row is None:
            return Result(Outcome.NOT_FOUND)
        if row.state != State.PAID:
            return Result(holds.refusal_of_not_paid(row.state), reservation_id=reservation_id)
        states = dict(
            Coupon.objects.filter(passenger__reservation_id=reservation_id).values_list(
                "id", "state"
            )
        )
        refusal = _refusal_of_coupons(coupon_ids, states)
        if refusal is not None:
            return Result(refusal, reservation_id=reservation_id)
        claims = stock.claims_of_coupons(coupon_ids)
        stock.give_back(claims)
        Coupon.objects.filter(id__in=coupon_ids).update(state=Coupon.State.CANCELLED)
        kept = [key for key in states.keys() - set(coupon_ids) if states[key] != "cancelled"]
        whole = not kept
        if whole:
            records.move(reservation_id, State.PAID, State.CANCELLED)
        stock.count_change(departures)
        records.record(
            reservation_id,
            Kind.CANCELLED if whole else Kind.PART_CANCELLED,
            (State.PAID, State.CANCELLED if whole else State.PAID),
            now=now,
            actor=actor,
            details={
                "seats": stock.remembered(claims).get(reservation_id, []),
                "coupons": list(coupon_ids),
            },
        )
        return Result(Outcome.DONE, reservation_id=reservation_id, details={"whole": whole})

    def reclaim(
        self,
        reservation_id: int,
        *,
        until: datetime,
        other_seats: bool,
        now: datetime,
        actor: Actor,
    ) -> Result:
        departures = holds.departures_of([reservation_id])
        dead = holds.ended(departures, now)
        holds.lock_departures({*departures, *holds.departures_of(dead)})
        holds.expire(dead, now)
        row = holds.lock_reservation(reservation_id)
        if row is None:
            return Result(Outcome.NOT_FOUND)
        refusal = holds.refusal_of_not_held(row, now)
        if refusal is not Outcome.HOLD_EXPIRED:
            return Result(refusal or Outcome.DONE, reservation_id=reservation_id)
        lost = reclaiming.read(reservation_id)
        for leg in lost.legs:
            if not reclaiming.still_boards(leg, now):
                return Result(Outcome.DEPARTURE_CLOSED, ticket_id=leg.ticket_id)
        seated: list[Seating] = []
        for leg in lost.legs:
            answer = lost.seat(leg, other_seats=other_seats)
            if isinstance(answer, Result):
                return answer
            if not stock.take(answer.all_parts):
                return Result(Outcome.SOLD_OUT, ticket_id=leg.ticket_id)
            seated.append(answer)
        Coupon.objects.filter(passenger__reservation_id=reservation_id).update(
            state=Coupon.State.OPEN
        )
        records.insert_claims(_claims(seated, lost.coupons))
        Reservation.objects.filter(id=reservation_id).update(state=State.HELD, hold_until=until)
        stock.count_change(departures, held_until=until)
        records.record(
            reservation_id,
            Kind.RECLAIMED,
            (State.EXPIRED, State.HELD),
            now=now,
            actor=actor,
            details={"seats": _remembered(seated, lost.coupons), "until": until.isoformat()},
        )
        return Result(Outcome.DONE, reservation_id=reservation_id)

    def change_seats(
        self, reservation_id: int, changes: Sequence[SeatChange], *, now: datetime, actor: Actor
    ) -> Result:
        return changing.change_seats(reservation_id, changes, now=now, actor=actor)

    def exchange(self, command: ExchangeCommand, *, now: datetime, actor: Actor) -> Result:
        return changing.exchange(command, now=now, actor=actor)

    def expire(self, *, now: datetime, limit: int) -> int:
        dead = holds.ended_longest_ago(now, limit)
        holds.lock_departures(holds.departures_of(dead))
        return holds.expire(dead, now)


def prepare(command: ReserveCommand, wanted: Collection[int], now: datetime) -> Result | None:
    """
    Lock what a reserve needs, sweep, check, and lay out the stock; answer the refusal, if any.
    """
    dead = holds.ended(wanted, now)
    locked = holds.lock_departures({*wanted, *holds.departures_of(dead)})
    if command.holder.user_id is not None:
        holds.lock_holder(command.holder.user_id)
    holds.expire(dead, now)
    if holds.too_many(command, wanted, now):
        return Result(Outcome.TOO_MANY_HOLDS)
    for leg in command.legs:
        if not _is_on_sale(locked.get(leg.departure_id), leg, now):
            return Result(Outcome.DEPARTURE_CLOSED, ticket_id=leg.ticket_id)
    stock.lay_out([one for key, one in sorted(locked.items()) if key in wanted], now)
    return None


def _is_on_sale(departure: Locked | None, leg: LegRow, now: datetime) -> bool:
    return (
        departure is not None
        and departure.state == Departure.State.SCHEDULED
        and departure.sales_closed_at is None
        and now < leg.closes_at
    )


def _refusal_of_coupons(coupon_ids: Sequence[int], states: dict[int, str]) -> Outcome | None:
    for coupon_id in coupon_ids:
        if coupon_id not in states:
            return Outcome.NOT_FOUND
        if states[coupon_id] == Coupon.State.CANCELLED:
            return Outcome.ALREADY_CANCELLED
        if states[coupon_id] != Coupon.State.OPEN:
            return Outcome.NOT_CANCELLABLE
    return None


def _claims(
    seated: Sequence[Seating], coupons: Mapping[tuple[int, int], int]
) -> list[tuple[int, int, int, int]]:
    return [
        (
            coupons[(passenger, one.leg.ticket_id)],
            part.seat.stock_id,
            part.first_segment,
            part.last_segment,
        )
        for one in seated
        for passenger, parts in one.parts.items()
        for part in parts
    ]


def _remembered(
    seated: Sequence[Seating], coupons: Mapping[tuple[int, int], int]
) -> list[list[object]]:
    """Answer the claims as the history remembers them; see stock.remembered."""
    return sorted(
        [
            coupons[(passenger, one.leg.ticket_id)],
            one.leg.departure_id,
            part.seat.coach_label,
            part.seat.label,
            part.first_segment,
            part.last_segment,
        ]
        for one in seated
        for passenger, parts in one.parts.items()
        for part in parts
    )
