"""Time zones, and what a clock on the wall says in them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from functools import lru_cache
from zoneinfo import ZoneInfo


@lru_cache(maxsize=1024)
def zone_or_none(name: str) -> ZoneInfo | None:
    """The time zone of an IANA name; None if there is none."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None


def instant(day: date, clock: time, zone: ZoneInfo) -> datetime:
    """
    The instant, in UTC, at which the clocks of a zone show a time on a day.

    A time that comes twice, in the night when the clocks go back, is the first of the two. One that
    does not come, in the night when they go forward, is as much later as they were put forward.
    """
    return datetime.combine(day, clock, tzinfo=zone).astimezone(UTC)
