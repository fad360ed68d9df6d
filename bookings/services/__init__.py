"""Writes of reservations, by what is done to them."""

from __future__ import annotations

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
    "Holder",
    "PassengerDetails",
    "Reserved",
    "SeatChoice",
    "cancel_coupons",
    "confirm",
    "expire_holds",
    "extend_hold",
    "lengthen_while_paying",
    "note",
    "reclaim",
    "release",
    "reserve",
]
