"""
The calendar of the reader.

Iran counts years by the sun from the Hijra. For Persian readers a day is
written as everywhere, with that calendar beside it where there is room; a reader may ask for it to
come first (`SOLAR`). Dates of the solar calendar are reckoned by jdatetime.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime

import jdatetime
from babel import Locale
from babel.dates import format_date, format_skeleton

from travel.common.locales import has_own_digits, own_digits

CALENDAR_COOKIE = "calendar"
GREGORIAN = "gregorian"
SOLAR = "solar"
CALENDARS = (GREGORIAN, SOLAR)

# The months as the calendar of Iran names them, Farvardin first.
_SOLAR_MONTHS = (
    "فروردین",
    "اردیبهشت",
    "خرداد",
    "تیر",
    "مرداد",
    "شهریور",
    "مهر",
    "آبان",
    "آذر",
    "دی",
    "بهمن",
    "اسفند",
)
_asked: ContextVar[str] = ContextVar("calendar", default=GREGORIAN)


@contextmanager
def calendar(name: str) -> Iterator[None]:
    """Write days by this calendar inside the block; an unknown name is the Gregorian."""
    token = _asked.set(name if name in CALENDARS else GREGORIAN)
    try:
        yield
    finally:
        _asked.reset(token)


def asked_calendar() -> str:
    """Answer the calendar that the reader has asked for."""
    return _asked.get()


def write_day(day: date, skeleton: str, locale: Locale) -> str:
    """Write a day by a skeleton of the CLDR (`yMMMEd`), in the reader's digits and calendar."""
    if has_own_digits(locale) and asked_calendar() == SOLAR:
        return _solar(day, locale, weekday="E" in skeleton, year="y" in skeleton)
    return own_digits(format_skeleton(skeleton, day, locale=locale), locale)


def write_day_in_full(day: date, locale: Locale) -> str:
    """Write weekday, day, month and year; for Persian readers in both calendars."""
    if not has_own_digits(locale):
        return format_date(day, "full", locale=locale)
    if asked_calendar() == SOLAR:
        beside = own_digits(format_date(day, "long", locale=locale), locale)
        return f"{_solar(day, locale, weekday=True)} ({beside})"
    usual = own_digits(format_date(day, "full", locale=locale), locale)
    return f"{usual} ({_solar(day, locale)})"


def write_time(local: datetime, locale: Locale) -> str:
    """Write the time of day on 24 hours, in the reader's digits."""
    return own_digits(f"{local:%H:%M}", locale)


def _solar(day: date, locale: Locale, *, weekday: bool = False, year: bool = True) -> str:
    there = jdatetime.date.fromgregorian(date=day)
    parts = [str(there.day), _SOLAR_MONTHS[there.month - 1]]
    if weekday:
        parts.insert(0, format_date(day, "EEEE", locale=locale))
    if year:
        parts.append(str(there.year))
    return own_digits(" ".join(parts), locale)
