"""
The office's counter as if it were an engine: the same acts, through the services and payments.

So the stream and the oracle stay what they are. What a service takes from the settings is set to
what the act asks for; what a service answers by raising is answered by its word.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from django.conf import settings

from accounts.viewers import Viewer
from bench.simulator.comparison import rows
from bookings import services
from bookings.engine.contract import (
    Actor,
    CouponRow,
    LegRow,
    Outcome,
    ReserveCommand,
    Result,
)
from bookings.errors import NotExtendable
from inventory.models import Seat
from payments import services as money
from payments.models import Method
from travel.common.errors import Refusal

DESK = Viewer(is_support=True)


class Counter:
    """See bookings.engine.contract.Engine; refusals come without their details."""

    def __init__(self) -> None:
        self._names: dict[int, tuple[str, str]] = {}

    def reserve(self, command: ReserveCommand, *, now: datetime, actor: Actor) -> Result:
        """Reserve as a traveller does; the command's prices and barcodes are of no interest."""
        settings.HOLD_DURATION = command.hold_until - now
        settings.MAX_LIVE_HOLDS = command.max_live_holds
        settings.MAX_LIVE_HOLDS_THERE = command.max_live_holds_there
        holder = command.holder

        def act() -> Result:
            reserved = services.reserve(
                holder=services.Holder(
                    holder.user_id, holder.contact_email, holder.contact_phone, holder.language
                ),
                ticket_ids=[leg.ticket_id for leg in command.legs],
                passengers=[
                    services.PassengerDetails(
                        one.first_name, one.last_name, kind=one.kind, seat_wish=one.seat_wish
                    )
                    for one in command.passengers
                ],
                seats=[
                    self._choice(leg, coupon)
                    for leg in command.legs
                    for coupon in leg.coupons
                    if coupon.seat_id is not None
                ],
                accept_seat_change=command.accept_seat_change,
                now=now,
            )
            return Result(Outcome.DONE, reservation_id=reserved.reservation.id)

        return _answered(act)

    def confirm(self, reservation_id: int, *, now: datetime, actor: Actor) -> Result:
        """Pay by a card of the sandbox, which never says no."""

        def act() -> Result:
            paid = money.pay(
                viewer=DESK,
                reservation_id=reservation_id,
                method=Method.CARD,
                token=None,
                now=now,
            )
            assert paid.state == "captured", paid
            return Result(Outcome.DONE, reservation_id=reservation_id)

        return _answered(act)

    def release(self, reservation_id: int, *, now: datetime, actor: Actor) -> Result:
        """Give up a hold."""

        def act() -> Result:
            services.release(viewer=DESK, reservation_id=reservation_id, now=now, actor=actor)
            return Result(Outcome.DONE, reservation_id=reservation_id)

        return _answered(act)

    def extend(
        self, reservation_id: int, *, until: datetime, mark: str, now: datetime, actor: Actor
    ) -> Result:
        """Extend as the holder does, or as a payment does that has begun."""
        settings.HOLD_DURATION = settings.HOLD_WHILE_PAYING = until - now
        before = _hold_of(reservation_id)

        def act() -> Result:
            if mark == "extended_at":
                try:
                    services.extend_hold(viewer=DESK, reservation_id=reservation_id, now=now)
                except NotExtendable:
                    return Result(Outcome.DONE, details={"changed": False})
            elif not services.lengthen_while_paying(reservation_id=reservation_id, now=now):
                return Result(_word_of(before))
            return Result(Outcome.DONE, details={"changed": _hold_of(reservation_id) != before})

        return _answered(act)

    def reclaim(
        self,
        reservation_id: int,
        *,
        until: datetime,
        other_seats: bool,
        now: datetime,
        actor: Actor,
    ) -> Result:
        """Take the seats of an ended hold again."""
        settings.HOLD_WHILE_PAYING = until - now

        def act() -> Result:
            services.reclaim(reservation_id=reservation_id, other_seats=other_seats, now=now)
            return Result(Outcome.DONE, reservation_id=reservation_id)

        return _answered(act)

    def cancel_coupons(
        self, reservation_id: int, coupon_ids: Sequence[int], *, now: datetime, actor: Actor
    ) -> Result:
        """Cancel coupons; what comes back for them is not this simulator's business."""

        def act() -> Result:
            whole = services.cancel_coupons(
                reservation_id=reservation_id, coupon_ids=coupon_ids, now=now, actor=actor
            )
            return Result(Outcome.DONE, details={"whole": whole})

        return _answered(act)

    def expire(self, *, now: datetime, limit: int) -> int:
        """Expire a batch."""
        return services.expire_holds(now=now, limit=limit)

    def _choice(self, leg: LegRow, coupon: CouponRow) -> services.SeatChoice:
        if not self._names:
            self._names = {
                key: (coach, label)
                for key, coach, label in Seat.objects.values_list("id", "coach__label", "label")
            }
        assert coupon.seat_id is not None
        coach, label = self._names[coupon.seat_id]
        return services.SeatChoice(leg.ticket_id, coupon.passenger, coach, label)


def _answered(act: Callable[[], Result]) -> Result:
    try:
        return act()
    except Refusal as refusal:
        ticket_id = refusal.details.get("ticketID")
        return Result(Outcome(refusal.code), ticket_id=ticket_id)


def _hold_of(reservation_id: int) -> tuple[object, ...] | None:
    found = rows(
        "SELECT state, hold_until FROM bookings_reservation WHERE id = %s", [reservation_id]
    )
    return found[0] if found else None


def _word_of(hold: tuple[object, ...] | None) -> Outcome:
    """Answer why a payment could not lengthen the hold: the service says no more than that."""
    if hold is None:
        return Outcome.NOT_FOUND
    words = {"paid": Outcome.ALREADY_PAID, "cancelled": Outcome.ALREADY_CANCELLED}
    return words.get(str(hold[0]), Outcome.HOLD_EXPIRED)
