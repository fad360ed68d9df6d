"""Seats for the passengers of a leg: chosen ones, placed ones, or one after another on the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bookings.engine import stock
from bookings.engine.contract import CouponRow, LegRow, Outcome, ReserveCommand, Result, SeatPart
from bookings.engine.placement import FreeSeat, Part, place, place_with_changes
from inventory.ticket_ids import segments_mask


@dataclass(frozen=True, slots=True)
class Seating:
    """The seats of a leg's passengers by their position, each with the parts of the way."""

    leg: LegRow
    parts: dict[int, list[Part]]

    @property
    def all_parts(self) -> list[Part]:
        return [part for parts in self.parts.values() for part in parts]


def in_lock_order(command: ReserveCommand) -> list[LegRow]:
    """Answer the legs as departures are locked: by their ids, then along the way."""
    return sorted(command.legs, key=lambda one: (one.departure_id, one.first_segment))


def wishes_of(command: ReserveCommand) -> dict[int, str]:
    """Answer the passengers' wishes by their positions."""
    return {passenger.position: passenger.seat_wish for passenger in command.passengers}


def seat(leg: LegRow, wishes: Mapping[int, str], *, accept_change: bool) -> Seating | Result:
    """
    Choose seats for the leg's passengers, or answer the refusal; nothing is written.

    `wishes` are the passengers', by position.
    """
    seated = [coupon for coupon in leg.coupons if coupon.needs_seat]
    if not seated:
        return Seating(leg, {})
    quota = stock.quota_left(leg)
    if quota is not None and quota < len(seated):
        return Result(Outcome.SOLD_OUT, ticket_id=leg.ticket_id)
    mask = segments_mask(leg.first_segment, leg.last_segment)
    free = stock.free_seats(leg, mask)
    chosen = _choose(seated, wishes, free)
    if chosen is None:
        return _with_changes(leg, seated, free, accept_change=accept_change)
    return Seating(
        leg,
        {
            coupon.passenger: [Part(one, leg.first_segment, leg.last_segment)]
            for coupon, one in zip(seated, chosen, strict=True)
        },
    )


def refusal(leg: LegRow, seated: Sequence[CouponRow], free: Sequence[FreeSeat]) -> Outcome:
    """Answer whose fault it is: a chosen seat that is gone or chosen twice, or too few seats."""
    available = {seat.seat_id for seat in free}
    chosen = [coupon.seat_id for coupon in seated if coupon.seat_id is not None]
    is_gone = not available.issuperset(chosen) or len(set(chosen)) < len(chosen)
    return Outcome.SEAT_TAKEN if is_gone else Outcome.SOLD_OUT


def _choose(
    seated: Sequence[CouponRow], wishes: Mapping[int, str], free: Sequence[FreeSeat]
) -> list[FreeSeat] | None:
    """Answer a seat for each coupon: the chosen ones as chosen, the others placed together."""
    by_seat = {seat.seat_id: seat for seat in free}
    fixed: dict[int, FreeSeat] = {}
    for index, coupon in enumerate(seated):
        if coupon.seat_id is not None:
            if coupon.seat_id not in by_seat:
                return None
            fixed[index] = by_seat.pop(coupon.seat_id)
    rest = [index for index in range(len(seated)) if index not in fixed]
    placed = place(
        [seat for seat in free if seat.seat_id in by_seat],
        [wishes[seated[index].passenger] for index in rest],
    )
    if placed is None:
        return None
    fixed.update(zip(rest, placed, strict=True))
    return [fixed[index] for index in range(len(seated))]


def _with_changes(
    leg: LegRow,
    seated: Sequence[CouponRow],
    free: Sequence[FreeSeat],
    *,
    accept_change: bool,
) -> Seating | Result:
    """
    Seat the party with changes on the way where the traveller agreed, or offer that.

    Who chose a seat wants that one: the others may be placed around it only by somebody who looks
    at the map, so nothing is offered then.
    """
    if any(coupon.seat_id is not None for coupon in seated):
        return Result(refusal(leg, seated, free), ticket_id=leg.ticket_id)
    party = place_with_changes(
        stock.seats_with_bits(leg),
        first=leg.first_segment,
        last=leg.last_segment,
        size=len(seated),
    )
    if party is None:
        return Result(Outcome.SOLD_OUT, ticket_id=leg.ticket_id)
    parts = {coupon.passenger: own for coupon, own in zip(seated, party, strict=True)}
    if accept_change:
        return Seating(leg, parts)
    return Result(
        Outcome.SOLD_OUT,
        ticket_id=leg.ticket_id,
        details={
            "seat_changes": [
                SeatPart(
                    passenger=passenger,
                    ticket_id=leg.ticket_id,
                    seat_id=part.seat.seat_id,
                    coach=part.seat.coach_label,
                    seat=part.seat.label,
                    first_segment=part.first_segment,
                    last_segment=part.last_segment,
                )
                for passenger, own in parts.items()
                for part in own
            ]
        },
    )
