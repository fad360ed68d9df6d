"""Writes of reservations, by what is done to them."""

from __future__ import annotations

from bookings.services.boarding import (
    Answer,
    Showing,
    due_no_shows,
    mark_no_shows,
    note_copy,
    reopen,
    scan,
)
from bookings.services.keeping import (
    cancel_coupons,
    confirm,
    expire_holds,
    extend_hold,
    lengthen_while_paying,
    note,
    reclaim,
    release,
)
from bookings.services.reserving import (
    Holder,
    PassengerDetails,
    Reserved,
    SeatChoice,
    reserve,
)

__all__ = [
    "Answer",
    "Holder",
    "PassengerDetails",
    "Reserved",
    "SeatChoice",
    "Showing",
    "cancel_coupons",
    "confirm",
    "due_no_shows",
    "expire_holds",
    "extend_hold",
    "lengthen_while_paying",
    "mark_no_shows",
    "note",
    "note_copy",
    "reclaim",
    "release",
    "reopen",
    "reserve",
    "scan",
]
