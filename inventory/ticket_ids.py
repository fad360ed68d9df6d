"""
Ticket ids: a stretch of a departure at a fare, as one number below 2^53.

    departure * 2^18 + from position * 2^12 + to position * 2^6 + fare number

A ticket exists for whoever can write its number; a row is made of it when the first one is
reserved.
"""

from __future__ import annotations

from typing import NamedTuple

MAX_TICKET_ID = 2**53 - 1


class TicketParts(NamedTuple):
    """What a ticket's id says: the departure, two positions of its calls, a fare's number."""

    departure_id: int
    from_position: int
    to_position: int
    fare_number: int


def pack(departure_id: int, from_position: int, to_position: int, fare_number: int) -> int:
    """Answer the id of the ticket."""
    return departure_id << 18 | from_position << 12 | to_position << 6 | fare_number


def unpack(ticket_id: int) -> TicketParts:
    """Answer what the id says; the stretch may still run backwards or not exist."""
    return TicketParts(ticket_id >> 18, ticket_id >> 12 & 63, ticket_id >> 6 & 63, ticket_id & 63)


def segments_mask(first_segment: int, last_segment: int) -> int:
    """
    Answer the bits of the segments from the first to the last, both counted in.

    Segment n lies between calls n and n + 1, so that a ticket from call 2 to call 5 takes 2, 3, 4.
    """
    return (1 << last_segment + 1) - (1 << first_segment)
