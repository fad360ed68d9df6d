"""The calls of a departure: when they are, and how late."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from inventory.models import Call


def delay_of(call: Call) -> timedelta:
    """Answer how much later than planned a call is expected, whichever of its times is later."""
    pairs = [
        (call.expected_arrives_at, call.arrives_at),
        (call.expected_departs_at, call.departs_at),
    ]
    return max(
        (expected - planned for expected, planned in pairs if expected and planned),
        default=timedelta(0),
    )


def calls_of(departure_id: int) -> list[Call]:
    """Answer the calls of a departure, in order, with their stations."""
    return list(
        Call.objects.filter(departure_id=departure_id)
        .select_related("station")
        .order_by("position")
    )


def where_ended(calls: Sequence[Call], now: datetime) -> tuple[Call, datetime] | None:
    """
    Answer the call where a departure has ended by now, and when, as far as is known.

    That is the last of its calls that is not left out. None while it is ahead, or on its way.
    """
    for call in reversed(calls):
        if not call.is_skipped:
            ended_at = call.expected_arrives_at or call.arrives_at
            return (call, ended_at) if ended_at is not None and ended_at <= now else None
    return None
