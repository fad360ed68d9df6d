"""Settling what an import found for departures that have sold: taken over, or left as it is."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bookings.services import vehicle_swap
from inventory.models import PendingChange
from inventory.services import pending, running
from support.desk import EVERYBODY, Concern
from support.models import DeskEntry
from support.services import disruptions
from support.services.departures import (
    Act,
    Cause,
    Deed,
    Hand,
    check_may_change,
    check_not_arrived,
    log,
)
from travel.common.errors import NotFound
from travel.common.transactions import in_transaction

Kind = PendingChange.Kind
APPLIED, REJECTED = "Taken over.", "Left as it is."


@in_transaction
def apply_change(*, hand: Hand, change_id: int, deed: str, now: datetime) -> DeskEntry:
    """
    Take a change over, and tell those whom it concerns; `deed` is done for who cannot travel.

    A departure that is no longer in the timetable is called off; another vehicle is swapped in;
    other calls are expected as they are now, and those that are gone are left out.

    :raises NotFound: there is no such change that waits.
    :raises NotAllowed: the departure is not this user's to change.
    :raises HasArrived: it has reached its last call; the change can only be left.

    and whatever the act itself raises.
    """
    change = _waiting(change_id)
    check_may_change(hand.user_id, change.departure_id)
    entry, is_new = log(Act.SETTLE, hand, departure_id=change.departure_id, now=now)
    if not is_new:
        return entry
    act = {
        Kind.WITHDRAWN: _call_off,
        Kind.VEHICLE: _swap,
        Kind.CALLS: _other_calls,
    }[Kind(change.kind)]
    check_not_arrived(change.departure_id, now)
    details = act(entry, hand, change, deed, now)
    pending.settle(
        change_id=change.pk,
        user_id=hand.user_id,
        decision=f"{APPLIED} {hand.reason}".strip(),
        now=now,
    )
    entry.details = {"change": change.pk, "decision": "applied", **details}
    entry.save(update_fields=["details", "job"])
    return entry


@in_transaction
def reject_change(*, hand: Hand, change_id: int, now: datetime) -> DeskEntry:
    """
    Leave a departure as it was sold; the same change is not asked for again.

    :raises NotFound: there is no such change that waits.
    :raises NotAllowed: the departure is not this user's to change.
    """
    change = _waiting(change_id)
    check_may_change(hand.user_id, change.departure_id)
    entry, is_new = log(
        Act.SETTLE,
        hand,
        departure_id=change.departure_id,
        details={"change": change.pk, "decision": "rejected"},
        now=now,
    )
    if is_new:
        pending.settle(
            change_id=change.pk,
            user_id=hand.user_id,
            decision=f"{REJECTED} {hand.reason}".strip(),
            now=now,
        )
    return entry


def _waiting(change_id: int) -> PendingChange:
    change = PendingChange.objects.filter(pk=change_id, settled_at=None).first()
    if change is None:
        raise NotFound()
    return change


def _call_off(
    entry: DeskEntry, hand: Hand, change: PendingChange, deed: str, now: datetime
) -> dict[str, Any]:
    done = running.cancel(departure_id=change.departure_id, revision=hand.revision, now=now)
    entry.job = disruptions.begin(
        departure_id=change.departure_id,
        cause=Cause.CANCELLED,
        deed=deed,
        concern=EVERYBODY,
        reason=hand.reason,
        user_id=hand.user_id,
        now=now,
    )
    return done


def _swap(
    entry: DeskEntry, hand: Hand, change: PendingChange, deed: str, now: datetime
) -> dict[str, Any]:
    vehicle = pending.vehicle_of(change)
    done = vehicle_swap.swap_vehicle(
        departure_id=change.departure_id,
        vehicle_id=vehicle.pk,
        revision=hand.revision,
        now=now,
        actor=hand.actor,
    )
    if done.reservations:
        entry.job = disruptions.begin(
            departure_id=change.departure_id,
            cause=Cause.VEHICLE,
            deed=Deed.TELL,
            concern=EVERYBODY,
            reason=hand.reason,
            user_id=hand.user_id,
            reservation_ids=done.reservations,
            now=now,
        )
    return {"vehicle": vehicle.pk, "moved": done.moved, "unseated": done.unseated}


def _other_calls(
    entry: DeskEntry, hand: Hand, change: PendingChange, deed: str, now: datetime
) -> dict[str, Any]:
    done = pending.apply_calls(change_id=change.pk, revision=hand.revision, now=now)
    ask: dict[str, Any] = {
        "departure_id": change.departure_id,
        "reason": hand.reason,
        "user_id": hand.user_id,
        "now": now,
    }
    if done["moved"]:
        entry.job = disruptions.begin(
            cause=Cause.TIMES,
            deed=Deed.TELL,
            concern=Concern(only_at=tuple(done["moved"])),
            **ask,
        )
    if done["skipped"]:
        # Who cannot board or alight any more comes first: the log leads to this one.
        entry.job = disruptions.begin(
            cause=Cause.SKIPPED,
            deed=deed,
            concern=Concern(only_at=tuple(done["skipped"])),
            **ask,
        )
    return done
