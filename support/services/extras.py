"""Extra departures, added by the desk, each with a line in the log."""

from __future__ import annotations

from datetime import date, datetime, time

from inventory.services.extras import add_copy
from support.models import DeskEntry
from support.services.departures import Act, Hand, check_may_change, log
from travel.common.transactions import in_transaction


@in_transaction
def add_extra(
    *,
    hand: Hand,
    departure_id: int,
    day: date,
    leaves: time,
    vehicle_id: int,
    second: bool,
    now: datetime,
) -> DeskEntry:
    """
    Add a departure like another one; the line of the log names the new one.

    With `second` it may leave at the very minute of one that the service has already.

    :raises NotAllowed: the carrier's departures are not this user's to change.

    and whatever inventory.services.extras.add_copy raises.
    """
    check_may_change(hand.user_id, departure_id)
    entry, is_new = log(Act.EXTRA, hand, departure_id=departure_id, now=now)
    if not is_new:
        return entry
    made = add_copy(
        departure_id=departure_id,
        day=day,
        leaves=leaves,
        vehicle_id=vehicle_id,
        second=second,
        revision=hand.revision,
        now=now,
    )
    entry.departure = made
    entry.details = {"like": departure_id, "run": made.run, "vehicle": vehicle_id}
    entry.save(update_fields=["departure", "details"])
    return entry
