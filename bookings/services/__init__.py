"""Writes of reservations, by what is done to them."""

from __future__ import annotations

from bookings.services.boarding import (
    CHOOSE,
    Answer,
    Showing,
    due_no_shows,
    mark_no_shows,
    note_copy,
    reopen,
    scan,
)
from bookings.services.contacting import Correction, correct_contact, foresee, read_contacts
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
from bookings.services.naming import correct_name, corrections_left
from bookings.services.opening import look_up, proof_contact, prove, send_proof_code
from bookings.services.rebooking import Alternative, find_alternatives, rebook
from bookings.services.reseating import change_seats, seats_to_choose
from bookings.services.reserving import (
    Holder,
    PassengerDetails,
    Reserved,
    SeatChoice,
    reserve,
)
from bookings.services.sending import resend_tickets, send_payment_link
from bookings.services.telling import tell_everybody, tell_of_changes

__all__ = [
    "CHOOSE",
    "Alternative",
    "Answer",
    "Correction",
    "Holder",
    "PassengerDetails",
    "Reserved",
    "SeatChoice",
    "Showing",
    "cancel_coupons",
    "change_seats",
    "confirm",
    "correct_contact",
    "correct_name",
    "corrections_left",
    "due_no_shows",
    "expire_holds",
    "extend_hold",
    "find_alternatives",
    "foresee",
    "lengthen_while_paying",
    "look_up",
    "mark_no_shows",
    "note",
    "note_copy",
    "proof_contact",
    "prove",
    "read_contacts",
    "rebook",
    "reclaim",
    "release",
    "reopen",
    "resend_tickets",
    "reserve",
    "scan",
    "seats_to_choose",
    "send_payment_link",
    "send_proof_code",
    "tell_everybody",
    "tell_of_changes",
]
