"""
The story of a reservation: everything that happened to it, from every book that is kept of it.

`read` answers what its traveller is told, `books.read_all` what staff see, `words.tell` puts an
entry into words, `prices` and `sums` say where each cent comes from.
"""

from support.story.entries import (
    ANSWER,
    EVENT,
    MESSAGE,
    PAYMENT,
    PUBLIC_EVENTS,
    REFUND,
    REPORT,
    Entry,
    read,
)

__all__ = [
    "ANSWER",
    "EVENT",
    "MESSAGE",
    "PAYMENT",
    "PUBLIC_EVENTS",
    "REFUND",
    "REPORT",
    "Entry",
    "read",
]
