"""Reads of reservations: the only way to one, with the question of who may see it inside."""

from __future__ import annotations

from bookings.selectors.access import may_change, proofs_that_hold, visible_to
from bookings.selectors.details import (
    ERASED_NAME,
    CouponDetail,
    PassengerDetail,
    ReservationDetail,
    SeatPlace,
)
from bookings.selectors.fares import (
    FareLeft,
    get_fares_with_seats,
    get_fares_with_seats_of,
    get_offer_with_seats,
)
from bookings.selectors.history import EventDetail, events, paid_at
from bookings.selectors.loading import load
from bookings.selectors.reservations import (
    get_reservation,
    get_to_change,
    just_made,
    list_reservations,
)
from bookings.selectors.seats import PlannedSeat, SeatPlan, seat_plan
from bookings.selectors.statuses import STATUSES, status_of, with_status
from bookings.selectors.trips import Trips, list_trips

__all__ = [
    "ERASED_NAME",
    "STATUSES",
    "CouponDetail",
    "EventDetail",
    "FareLeft",
    "PassengerDetail",
    "PlannedSeat",
    "ReservationDetail",
    "SeatPlace",
    "SeatPlan",
    "Trips",
    "events",
    "get_fares_with_seats",
    "get_fares_with_seats_of",
    "get_offer_with_seats",
    "get_reservation",
    "get_to_change",
    "just_made",
    "list_reservations",
    "list_trips",
    "load",
    "may_change",
    "paid_at",
    "proofs_that_hold",
    "seat_plan",
    "status_of",
    "visible_to",
    "with_status",
]
