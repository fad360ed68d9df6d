"""
The engine by stored procedures, for MySQL and MariaDB: an act is one round trip.

Seats for a party, with a quota, or one after another on the way are chosen here by the same code as
in the portable engine, under the departures' locks, and handed to the procedure, which takes them
with its guard. A single traveller's seat is found by the procedure itself.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.utils import OperationalError

from bookings.engine import seating
from bookings.engine.contract import Actor, LegRow, Outcome, ReserveCommand, Result
from bookings.engine.portable import PortableEngine, prepare
from bookings.engine.seating import Seating
from bookings.engine.stock import StockMismatch
from travel.common.procedures import call

_SWEEP = "sweep"
# What SIGNAL raises; the procedures do so for a defect only, never to refuse.
_SIGNALLED = 1644


class ProcedureEngine(PortableEngine):
    """See bookings.engine.contract.Engine; what else there is is the portable engine's."""

    def reserve(self, command: ReserveCommand, *, now: datetime, actor: Actor) -> Result:
        departures = sorted({leg.departure_id for leg in command.legs})
        settled: list[Seating] = []
        if not _is_simple(command):
            refused = prepare(command, departures, now)
            if refused is not None:
                return refused
            for leg in seating.in_lock_order(command):
                answer = _seat(leg, command)
                if isinstance(answer, Result):
                    return answer
                settled.append(answer)
        arguments = [now, *_actor(actor), _written(command, settled)]
        outcome, reservation_id, ticket_id = _call("bookings_reserve_1", arguments)
        if outcome == _SWEEP:
            _call("bookings_expire_1", [now, 0, json.dumps(departures)])
            outcome, reservation_id, ticket_id = _call("bookings_reserve_1", arguments)
        if outcome == Outcome.SOLD_OUT or outcome == Outcome.SEAT_TAKEN:
            return _explained(command, ticket_id)
        return Result(Outcome(outcome), reservation_id=reservation_id, ticket_id=ticket_id)

    def confirm(self, reservation_id: int, *, now: datetime, actor: Actor) -> Result:
        return _answer("bookings_confirm_1", reservation_id, now=now, actor=actor)

    def release(self, reservation_id: int, *, now: datetime, actor: Actor) -> Result:
        return _answer("bookings_release_1", reservation_id, now=now, actor=actor)

    def expire(self, *, now: datetime, limit: int) -> int:
        _, expired = _call("bookings_expire_1", [now, limit, None])
        return int(expired)


def _is_simple(command: ReserveCommand) -> bool:
    """Say whether the procedure can find the seats by itself: one a leg, nothing to weigh."""
    return not command.accept_seat_change and all(
        leg.quota is None and sum(coupon.needs_seat for coupon in leg.coupons) <= 1
        for leg in command.legs
    )


def _answer(name: str, reservation_id: int, *, now: datetime, actor: Actor) -> Result:
    (outcome,) = _call(name, [now, *_actor(actor), reservation_id])
    if outcome == Outcome.NOT_FOUND:
        return Result(Outcome.NOT_FOUND)
    return Result(Outcome(outcome), reservation_id=reservation_id)


def _call(name: str, arguments: Sequence[Any]) -> tuple[Any, ...]:
    try:
        return call(name, arguments)
    except OperationalError as error:
        if error.args and error.args[0] == _SIGNALLED:
            raise StockMismatch(*arguments) from error
        raise


def _actor(actor: Actor) -> tuple[str, int | None, str]:
    return actor.kind, actor.user_id, actor.reason


def _explained(command: ReserveCommand, ticket_id: int) -> Result:
    """Answer why the leg found no seats, with an offer to change seats on the way where one is."""
    leg = next(leg for leg in command.legs if leg.ticket_id == ticket_id)
    answer = _seat(leg, command)
    if isinstance(answer, Result):
        return answer
    return Result(Outcome.SOLD_OUT, ticket_id=ticket_id)


def _seat(leg: LegRow, command: ReserveCommand) -> Seating | Result:
    return seating.seat(leg, seating.wishes_of(command), accept_change=command.accept_seat_change)


def _written(command: ReserveCommand, settled: Sequence[Seating]) -> str:
    """Write the command down for the procedure; legs come in the order of the locks."""
    holder = command.holder
    parts = _parts(command, settled)
    return json.dumps(
        {
            "locator": command.locator,
            "user": holder.user_id,
            "guest": holder.guest_digest,
            "email": holder.contact_email,
            "phone": holder.contact_phone,
            "language": holder.language,
            "currency": command.currency,
            "until": _instant(command.hold_until),
            "until_told": command.hold_until.isoformat(),
            "holds": command.max_live_holds,
            **_optional("holds_there", command.max_live_holds_there),
            "passengers": [
                {
                    "position": one.position,
                    "first_name": one.first_name,
                    "last_name": one.last_name,
                    "kind": one.kind,
                    "born": one.date_of_birth and one.date_of_birth.isoformat(),
                    "wish": one.seat_wish,
                    "with": one.accompanied_by,
                }
                for one in command.passengers
            ],
            "legs": [
                _leg(leg, command, parts=parts, picks=not settled)
                for leg in seating.in_lock_order(command)
            ],
            "coupons": [
                {
                    "passenger": coupon.passenger,
                    "leg": position,
                    "ticket": leg.ticket_id,
                    "version": coupon.fare_version_id,
                    "barcode": coupon.barcode,
                }
                for position, leg in enumerate(command.legs)
                for coupon in leg.coupons
            ],
            "lines": [
                {
                    "passenger": coupon.passenger,
                    "leg": position,
                    "position": number,
                    "kind": line.kind,
                    "label": line.label,
                    "amount": line.amount_minor,
                }
                for position, leg in enumerate(command.legs)
                for coupon in leg.coupons
                for number, line in enumerate(coupon.price_lines)
            ],
            "parts": parts,
        },
        ensure_ascii=False,
    )


def _leg(
    leg: LegRow, command: ReserveCommand, *, parts: Sequence[dict[str, int]], picks: bool
) -> dict[str, object]:
    position = command.legs.index(leg)
    row: dict[str, object] = {
        "position": position,
        "ticket": leg.ticket_id,
        "departure": leg.departure_id,
        "fare": leg.fare_id,
        "first": leg.first_segment,
        "last": leg.last_segment,
        "class": leg.travel_class,
        "closes": _instant(leg.closes_at),
        "parts": len({part["seat"] for part in parts if part["leg"] == position}),
    }
    if picks:
        wishes = {one.position: one.seat_wish for one in command.passengers}
        for coupon in leg.coupons:
            if coupon.needs_seat and coupon.seat_id is None:
                row |= {"passenger": coupon.passenger, "wish": wishes[coupon.passenger]}
    return row


def _parts(command: ReserveCommand, settled: Sequence[Seating]) -> list[dict[str, int]]:
    """Answer the seats that are known: those settled here, or else those that were chosen."""
    if settled:
        return [
            {
                "leg": command.legs.index(one.leg),
                "passenger": passenger,
                "departure": one.leg.departure_id,
                "seat": part.seat.seat_id,
                "first": part.first_segment,
                "last": part.last_segment,
            }
            for one in settled
            for passenger, parts in one.parts.items()
            for part in parts
        ]
    return [
        {
            "leg": position,
            "passenger": coupon.passenger,
            "departure": leg.departure_id,
            "seat": coupon.seat_id,
            "first": leg.first_segment,
            "last": leg.last_segment,
        }
        for position, leg in enumerate(command.legs)
        for coupon in leg.coupons
        if coupon.needs_seat and coupon.seat_id is not None
    ]


def _optional(name: str, value: int | None) -> dict[str, int]:
    return {} if value is None else {name: value}


def _instant(moment: datetime) -> str:
    return str(connection.ops.adapt_datetimefield_value(moment))
