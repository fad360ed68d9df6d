"""What a ticket or a ride is sold for, and how many seats are left of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from bookings.availability import availability
from inventory import selectors as inventory
from inventory.selectors import Offer, TicketFacts


def get_offer_with_seats(ticket_id: int, *, now: datetime) -> tuple[Offer, int]:
    """
    Answer a ticket in detail and how many seats are left of it.

    :raises NotFound: no such ticket ever was.
    :raises DepartureClosed: a newer timetable has replaced the departure.
    """
    offer = inventory.get_offer(ticket_id, now=now)
    ride = _Ride.of(offer.ticket)
    return offer, availability([ride], now=now, rules=[offer.rule]).left_of(ride, offer.rule)


class FareLeft(NamedTuple):
    """
    A fare of a ride: seats free all the way, and how many could ride if they changed seats.
    """

    offer: Offer
    seats: int
    with_changes: int


def get_fares_with_seats(ticket_id: int, *, now: datetime) -> list[FareLeft]:
    """
    Answer every fare of the ticket's ride, and how many seats are left for it.

    :raises NotFound: no such ticket ever was.
    :raises DepartureClosed: a newer timetable has replaced the departure.
    """
    return get_fares_with_seats_of([ticket_id], now=now)[0]


def get_fares_with_seats_of(ticket_ids: Sequence[int], *, now: datetime) -> list[list[FareLeft]]:
    """Answer the same for each of several tickets, in as many statements as for one."""
    rides = [
        (_Ride.of(fares[0].ticket), fares) for fares in inventory.get_fares_of(ticket_ids, now=now)
    ]
    rules = {offer.rule.id: offer.rule for _ride, fares in rides for offer in fares}
    left = availability([ride for ride, _fares in rides], now=now, rules=rules.values())
    return [
        [
            FareLeft(
                offer, left.left_of(ride, offer.rule), left.left_with_changes(ride, offer.rule)
            )
            for offer in fares
        ]
        for ride, fares in rides
    ]


@dataclass(frozen=True, slots=True)
class _Ride:
    departure_id: int
    from_position: int
    to_position: int
    seat_map_id: int
    stock_version: int
    earliest_hold_end: datetime | None

    @classmethod
    def of(cls, ticket: TicketFacts) -> _Ride:
        return cls(
            ticket.parts.departure_id,
            ticket.parts.from_position,
            ticket.parts.to_position,
            ticket.seat_map_id,
            ticket.stock_version,
            ticket.earliest_hold_end,
        )
