"""Days and spans of days in the zone of the numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.translation import gettext as _

from travel.common.errors import InvalidInput

# A year and a leap day, both ends counted in.
MOST_DAYS = 366
# Days that are asked for are of these years, as they are in the API: zones are known for them.
FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2199, 12, 31)


def zone() -> str:
    """Answer the zone in which the days of the numbers begin and end."""
    return str(settings.REPORT_TIME_ZONE)


def today(*, now: datetime) -> date:
    """Answer the day that it is in the zone of the numbers."""
    return now.astimezone(ZoneInfo(zone())).date()


@dataclass(frozen=True, slots=True)
class Day:
    """A day and the instants (UTC) at which it begins and ends: 23, 24 or 25 hours apart."""

    day: date
    begins_at: datetime
    ends_at: datetime


def day_of(day: date) -> Day:
    """Answer a day with its instants; where midnight is left out, it begins with what follows."""
    return Day(day, _midnight(day), _midnight(day + timedelta(days=1)))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, ZoneInfo(zone())).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Span:
    """Days from the first to the last, both counted in."""

    first: date
    last: date

    @property
    def begins_at(self) -> datetime:
        return _midnight(self.first)

    @property
    def ends_at(self) -> datetime:
        return _midnight(self.last + timedelta(days=1))

    @property
    def days(self) -> list[date]:
        """Every day, in order."""
        number = (self.last - self.first).days + 1
        return [self.first + timedelta(days=index) for index in range(number)]

    def before(self) -> Span:
        """Answer the span of the same length that ends where this one begins."""
        length = self.last - self.first + timedelta(days=1)
        return Span(self.first - length, self.first - timedelta(days=1))


def span(first: date, last: date) -> Span:
    """
    Answer a span.

    :raises InvalidInput: it ends before it begins, or is longer than a year.
    """
    if last < first:
        raise InvalidInput(errors={"to": [_("The last day is before the first.")]})
    if (last - first).days >= MOST_DAYS:
        raise InvalidInput(
            errors={"from": [_("Choose at most %(most)d days.") % {"most": MOST_DAYS}]}
        )
    return Span(first, last)


def last_days(number: int, *, now: datetime) -> Span:
    """Answer so many days up to today."""
    last = today(now=now)
    return Span(last - timedelta(days=number - 1), last)


def next_days(number: int, *, now: datetime) -> Span:
    """Answer so many days from today on."""
    first = today(now=now)
    return Span(first, first + timedelta(days=number - 1))


@dataclass(frozen=True, slots=True)
class Stretch:
    """Instants from one to another in which local clocks are so many minutes ahead of UTC."""

    begins_at: datetime
    ends_at: datetime
    minutes: int


def stretches(days: Sequence[date]) -> list[Stretch]:
    """
    Answer days as stretches in which the clocks are not changed, so that a statement finds an
    instant's local day by adding minutes.
    """
    found: list[Stretch] = []
    for day in sorted(days):
        whole = day_of(day)
        for part in _unchanged(whole.begins_at, whole.ends_at):
            last = found[-1] if found else None
            if last and last.ends_at == part.begins_at and last.minutes == part.minutes:
                found[-1] = Stretch(last.begins_at, part.ends_at, part.minutes)
            else:
                found.append(part)
    return found


def _unchanged(begins_at: datetime, ends_at: datetime) -> list[Stretch]:
    """Cut a day where its clocks are changed: at most once."""
    before, after = _ahead(begins_at), _ahead(ends_at - timedelta(minutes=1))
    if before == after:
        return [Stretch(begins_at, ends_at, before)]
    low, high = 0, int((ends_at - begins_at).total_seconds()) // 60
    while high - low > 1:
        middle = (low + high) // 2
        if _ahead(begins_at + timedelta(minutes=middle)) == before:
            low = middle
        else:
            high = middle
    change = begins_at + timedelta(minutes=high)
    return [Stretch(begins_at, change, before), Stretch(change, ends_at, after)]


def _ahead(instant: datetime) -> int:
    offset = instant.astimezone(ZoneInfo(zone())).utcoffset()
    assert offset is not None, "a zone has an offset"
    return int(offset.total_seconds()) // 60


def month_of(day: date) -> Span:
    """Answer the whole month of a day."""
    first = day.replace(day=1)
    return Span(first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1))


def months(days: Sequence[date]) -> list[date]:
    """Answer the first days of the months of these days, in order."""
    return sorted({day.replace(day=1) for day in days})
