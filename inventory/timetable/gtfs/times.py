"""Times and days of GTFS."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

#: A service day runs on past midnight; no trip of a timetable runs on past a fortnight.
LATEST_SECONDS = 14 * 24 * 3600

_TIME = re.compile(r"(\d{1,3}):([0-5]\d):([0-5]\d)")
_DATE = re.compile(r"\d{8}")


def parse_time(text: str) -> int | None:
    """Seconds since noon minus 12 hours; H:MM:SS, hours may pass 24. None if it is no time."""
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    hours, minutes, seconds = match.groups()
    count = int(hours) * 3600 + int(minutes) * 60 + int(seconds)
    return count if count <= LATEST_SECONDS else None


def parse_date(text: str) -> date | None:
    """YYYYMMDD. None if it is no day."""
    if _DATE.fullmatch(text) is None:
        return None
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return None


@lru_cache(maxsize=4096)
def start_of_service_day(day: date, zone: ZoneInfo) -> datetime:
    """
    The instant, in UTC, from which the times of a service day count: noon minus 12 hours.

    That is midnight on most days, and an hour off it on the two days when the clocks change, so
    that 08:00:00 always is eight o'clock (GTFS reference, field type Time).
    """
    noon = datetime.combine(day, time(12), tzinfo=zone)
    return noon.astimezone(UTC) - timedelta(hours=12)
