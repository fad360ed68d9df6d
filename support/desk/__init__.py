"""Reads of the departures desk: departures of a day, whom a change concerns, and how jobs go on."""

from __future__ import annotations

from support.desk.calls import calls_of, delay_of, where_ended
from support.desk.concerns import (
    EVERYBODY,
    Concern,
    Numbers,
    Person,
    everybody,
    numbers,
    open_coupons,
    people,
    told_of_delay,
)
from support.desk.days import Row, departures, get_departure
from support.desk.limits import PER_PAGE
from support.desk.progress import (
    Progress,
    entries,
    every_item,
    get_job,
    get_pending_change,
    items,
    jobs,
    pending_changes,
)
from support.desk.seats import (
    BlockedSeats,
    WaitingPerson,
    blocks,
    grouped_blocks,
    seats_of,
    waiting,
)

__all__ = [
    "EVERYBODY",
    "PER_PAGE",
    "BlockedSeats",
    "Concern",
    "Numbers",
    "Person",
    "Progress",
    "Row",
    "WaitingPerson",
    "blocks",
    "calls_of",
    "delay_of",
    "departures",
    "entries",
    "every_item",
    "everybody",
    "get_departure",
    "get_job",
    "get_pending_change",
    "grouped_blocks",
    "items",
    "jobs",
    "numbers",
    "open_coupons",
    "pending_changes",
    "people",
    "seats_of",
    "told_of_delay",
    "waiting",
    "where_ended",
]
