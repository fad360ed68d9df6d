"""The published words of the states, and what they mean at a moment."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q

from bookings.models import Reservation

State = Reservation.State

# The published words of the states.
STATUSES = {
    State.HELD: "Reserved",
    State.PAID: "Paid",
    State.CANCELLED: "Cancelled",
    State.EXPIRED: "Expired",
}


def with_status(status: str, now: datetime) -> Q:
    """Say which rows have the published status at `now`: a hold that ended is Expired."""
    if status == "Reserved":
        return Q(state=State.HELD, hold_until__gt=now)
    if status == "Expired":
        return Q(state=State.EXPIRED) | Q(state=State.HELD, hold_until__lte=now)
    return Q(state=State.PAID if status == "Paid" else State.CANCELLED)


def status_of(state: str, hold_until: datetime, now: datetime) -> str:
    """Answer the published word of a state at `now`."""
    if state == State.HELD and hold_until <= now:
        return STATUSES[State.EXPIRED]
    return STATUSES[State(state)]
