"""The seats of a ticket's vehicle, free and taken."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bookings.availability import taken_seats
from inventory import selectors as inventory
from inventory.selectors import Offer, SeatFacts


@dataclass(frozen=True, slots=True)
class PlannedSeat:
    """A seat of the plan, and whether it is free over the whole stretch."""

    seat: SeatFacts
    is_free: bool


@dataclass(frozen=True, slots=True)
class SeatPlan:
    """The seats of a ticket's vehicle in the ticket's class and the others."""

    offer: Offer
    seats: list[PlannedSeat]

    def find(self, coach: str, label: str) -> PlannedSeat | None:
        """Answer the seat of that name, or None."""
        return next(
            (one for one in self.seats if one.seat.coach == coach and one.seat.label == label),
            None,
        )


def seat_plan(ticket_id: int, *, now: datetime) -> SeatPlan:
    """
    Answer the seats of the ticket's vehicle, and which are free from boarding to alighting.

    :raises NotFound: no such ticket ever was.
    """
    offer = inventory.get_offer(ticket_id, now=now)
    ticket = offer.ticket
    taken = (
        taken_seats(
            ticket.parts.departure_id,
            first=ticket.first_segment,
            last=ticket.last_segment,
            now=now,
        )
        if ticket.stock_version
        else set()
    )
    return SeatPlan(
        offer=offer,
        seats=[
            PlannedSeat(seat, seat.id not in taken)
            for seat in inventory.seat_map(ticket.seat_map_id)
        ],
    )
