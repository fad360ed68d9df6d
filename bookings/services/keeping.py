"""A reservation once its seats are held: extend, confirm, cancel, release, expire, note."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from accounts.viewers import Viewer
from bookings import engine, notifications, selectors
from bookings.engine.contract import SYSTEM, Actor
from bookings.errors import NotExtendable, refusal
from bookings.models import Reservation, ReservationEvent
from bookings.selectors import ReservationDetail
from travel.common.transactions import in_transaction


@in_transaction
def extend_hold(
    *, viewer: Viewer, reservation_id: int, now: datetime, actor: Actor | None = None
) -> ReservationDetail:
    """
    Give the holder ten minutes from now to pay, once a reservation; staff are named as the actor.

    :raises NotFound: it is not the viewer's.
    :raises NotExtendable: it was extended before, or is held for as long already.
    :raises HoldExpired, AlreadyPaid, AlreadyCancelled: it is no live hold.
    """
    reservation = selectors.get_reservation(viewer=viewer, reservation_id=reservation_id, now=now)
    result = engine.current().extend(
        reservation.id,
        until=now + settings.HOLD_DURATION,
        mark="extended_at",
        now=now,
        actor=actor or Actor("holder", viewer.user_id),
    )
    if not result.done:
        raise refusal(result.outcome)
    if not result.details["changed"]:
        raise _not_extendable(_fresh(reservation.id, now))
    return _fresh(reservation.id, now)


def _not_extendable(held: ReservationDetail) -> NotExtendable:
    """Say which of the two rules refused: an extension is given once, and never shortens."""
    if held.extended_at is not None:
        return NotExtendable()
    return NotExtendable(_("It is held for as long already as an extension would give."))


@in_transaction
def lengthen_while_paying(*, reservation_id: int, now: datetime) -> bool:
    """
    See that a payment that has begun has five minutes to end, once a reservation.

    Answer whether the hold is still live.
    """
    result = engine.current().extend(
        reservation_id,
        until=now + settings.HOLD_WHILE_PAYING,
        mark="lengthened_at",
        now=now,
        actor=SYSTEM,
    )
    return result.done


@in_transaction
def reclaim(*, reservation_id: int, other_seats: bool, now: datetime) -> None:
    """
    Take the seats of an expired hold again, for a payment that came late; a live hold stays.

    With `other_seats` any of the same class will do where one of them has been sold meanwhile.

    :raises SeatTaken, SoldOut: they are no longer to be had.
    :raises DepartureClosed: it is too late to board, or the departure is not on sale.
    :raises AlreadyPaid, AlreadyCancelled: it is no hold that ended.
    """
    result = engine.current().reclaim(
        reservation_id,
        until=now + settings.HOLD_WHILE_PAYING,
        other_seats=other_seats,
        now=now,
        actor=SYSTEM,
    )
    if not result.done:
        raise refusal(result.outcome)


@in_transaction
def release(*, viewer: Viewer, reservation_id: int, now: datetime, actor: Actor) -> None:
    """
    Give up a hold that is not paid; its seats are free at once.

    :raises NotFound: it is not the viewer's.
    :raises ProofNeeded: the viewer has shown no more than its booking code and a name.
    :raises HoldExpired, AlreadyPaid, AlreadyCancelled: it is no live hold.
    """
    reservation = selectors.get_to_change(viewer=viewer, reservation_id=reservation_id, now=now)
    result = engine.current().release(reservation.id, now=now, actor=actor)
    if not result.done:
        raise refusal(result.outcome)


@in_transaction
def confirm(*, reservation_id: int, now: datetime, actor: Actor) -> None:
    """
    Turn a live hold into a paid reservation; payments calls it in the transaction of the capture.

    :raises HoldExpired, AlreadyPaid, AlreadyCancelled: it is no live hold.
    """
    result = engine.current().confirm(reservation_id, now=now, actor=actor)
    if not result.done:
        raise refusal(result.outcome)
    notifications.confirmation(reservation=_fresh(reservation_id, now), now=now)


@in_transaction
def cancel_coupons(
    *, reservation_id: int, coupon_ids: Sequence[int], now: datetime, actor: Actor
) -> bool:
    """
    Cancel coupons of a paid reservation and free their seats; payments calls it with the refund.

    Answer whether the whole reservation is cancelled by it.

    :raises AlreadyCancelled, NotCancellable, HoldExpired: a coupon or the reservation is not open.
    """
    result = engine.current().cancel_coupons(reservation_id, coupon_ids, now=now, actor=actor)
    if not result.done:
        raise refusal(result.outcome)
    return bool(result.details["whole"])


@in_transaction
def expire_holds(*, now: datetime, limit: int = 200) -> int:
    """Expire one batch of holds that ended by `now`; answer how many. Two at once do no harm."""
    return engine.current().expire(now=now, limit=limit)


@in_transaction
def note(
    *,
    reservation_id: int,
    kind: str,
    now: datetime,
    reason: str = "",
    details: dict[str, object] | None = None,
    actor: Actor = SYSTEM,
) -> None:
    """Add something that happened to a reservation without a move of its state to its story."""
    state = Reservation.objects.values_list("state", flat=True).get(id=reservation_id)
    ReservationEvent.objects.create(
        reservation_id=reservation_id,
        at=now,
        kind=kind,
        from_state=state,
        to_state=state,
        actor_kind=actor.kind,
        actor_id=actor.user_id,
        reason=reason,
        details=details or {},
    )


def _fresh(reservation_id: int, now: datetime) -> ReservationDetail:
    return selectors.get_reservation(
        viewer=Viewer(is_support=True), reservation_id=reservation_id, now=now
    )
