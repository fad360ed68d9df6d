"""
What may stand in the cells of the sheets.

Each function reads one kind of cell, and raises ValueError with what to write instead.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, time, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

from inventory.timetable.draft import FACILITY_NAMES, CoachDraft, TravelClass
from inventory.timetable.profile import PenaltyRule
from inventory.timetable.seating import MOST_ROWS, lay_out_coach
from inventory.timetable.zones import zone_or_none
from travel.common.ids import search_key
from travel.common.money import known_currency, parse_amount

W = TypeVar("W", bound=str)

LONGEST_SPAN_DAYS = 400
CLASSES: dict[str, TravelClass] = {"economy": "Economy", "business": "Business", "vip": "VIP"}
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
EVERY_DAY = frozenset(range(1, 8))
FREE_SEATS_ABREAST = 4
MOST_FREE_SEATS = 200

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,19}")
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)(?::00)?")
_ISO_DAY = re.compile(r"(\d{4})-(\d\d)-(\d\d)")
_DOTTED_DAY = re.compile(r"(\d\d?)\.(\d\d?)\.(\d{4})")
_DECIMAL = re.compile(r"\d{1,9}(?:[.,]\d{1,6})?")
_TIER = re.compile(r"(\d{1,4}) ?h ([\d.,]+) ?%(?: min ([\d.,]+))?")
_SEATS = re.compile(
    r"(?:(economy|business|vip) )?(\d{1,2}) ?x? ?([a-z|]{1,20})"
    r"(?: without ((?:\d{1,2}[a-z] ?)+))?"
)
_FREE_SEATS = re.compile(r"(?:(economy|business|vip) )?(\d{1,3}) free")


def code(text: str) -> str:
    """A short name that other sheets refer to."""
    if _CODE.fullmatch(text) is None:
        raise ValueError("write at most 20 letters, digits, dots and dashes, such as HAM-1")
    return text


def words(longest: int) -> Callable[[str], str]:
    """Any text of at most so many characters, with a letter or a digit in it."""

    def read(text: str) -> str:
        if len(text) > longest or not search_key(text):
            raise ValueError(f"write at most {longest} characters")
        return text

    return read


def country(text: str) -> str:
    """ISO 3166-1 alpha-2."""
    if re.fullmatch("[A-Z]{2}", text) is None:
        raise ValueError("write a country's two capitals, such as DE")
    return text


def currency(text: str) -> str:
    """ISO 4217."""
    if not known_currency(text):
        raise ValueError("write a currency's three capitals, such as EUR")
    return text


def zone(text: str) -> ZoneInfo:
    """A name of the IANA time zone database."""
    found = zone_or_none(text)
    if found is None:
        raise ValueError("write a time zone such as Europe/Berlin")
    return found


def one_of(choices: Mapping[str, W]) -> Callable[[str], W]:
    """One of a few words, case apart, and what it stands for."""

    def read(text: str) -> W:
        if text.casefold() not in choices:
            raise ValueError(f"write {' or '.join(choices)}")
        return choices[text.casefold()]

    return read


def travel_class(text: str) -> TravelClass:
    """A class of the office."""
    found = CLASSES.get(text.casefold())
    if found is None:
        raise ValueError("write Economy, Business or VIP")
    return found


def degrees(most: int) -> Callable[[str], float]:
    """Degrees of latitude or longitude, with a point or a comma."""

    def read(text: str) -> float:
        if re.fullmatch(r"-?\d{1,3}(?:[.,]\d{1,12})?", text) is None:
            raise ValueError("write degrees such as 53.5517")
        number = float(text.replace(",", "."))
        if abs(number) > most:
            raise ValueError(f"write degrees from -{most} to {most}")
        return number

    return read


def whole(least: int, most: int) -> Callable[[str], int]:
    """A whole number within bounds."""

    def read(text: str) -> int:
        if re.fullmatch(r"[0-9]{1,6}", text) is None or not least <= int(text) <= most:
            raise ValueError(f"write a whole number from {least} to {most}")
        return int(text)

    return read


def amount(currency_code: str) -> Callable[[str], str]:
    """An amount of a currency as a decimal string, with a point or a comma."""

    def read(text: str) -> str:
        advice = f"write an amount in {currency_code} such as 12.90, without the currency"
        if _DECIMAL.fullmatch(text) is None:
            raise ValueError(advice)
        try:
            parse_amount(text.replace(",", "."), currency_code)
        except ValueError as error:
            raise ValueError(advice) from error
        return text.replace(",", ".")

    return read


def per_kilometre(text: str) -> str:
    """An amount for each kilometre, with at most six places."""
    if _DECIMAL.fullmatch(text) is None or len(text.partition(".")[2]) > 6:
        raise ValueError("write an amount for each kilometre such as 0.085")
    return text.replace(",", ".")


def percent(text: str) -> str:
    """A percentage with at most two places; the sign may be there."""
    bare = text.removesuffix("%").strip()
    if re.fullmatch(r"\d{1,3}(?:[.,]\d{1,2})?", bare) is None:
        raise ValueError("write a percentage such as 7 or 2.5")
    number = bare.replace(",", ".")
    if float(number) > 100:
        raise ValueError("write a percentage from 0 to 100")
    return number


def whole_percent(text: str) -> int:
    """A percentage without places."""
    bare = text.removesuffix("%").strip()
    if re.fullmatch("[0-9]{1,3}", bare) is None or int(bare) > 100:
        raise ValueError("write a whole percentage from 0 to 100")
    return int(bare)


def clock(text: str) -> time:
    """A time of day."""
    match = _CLOCK.fullmatch(text)
    if match is None:
        raise ValueError("write a time as HH:MM, such as 08:30")
    return time(int(match[1]), int(match[2]))


def day(text: str) -> date:
    """A day, as 2026-12-24 or 24.12.2026."""
    advice = "write a day as 2026-12-24 or 24.12.2026"
    if match := _ISO_DAY.fullmatch(text):
        year, month, number = match.groups()
    elif match := _DOTTED_DAY.fullmatch(text):
        number, month, year = match.groups()
    else:
        raise ValueError(advice)
    if not 1970 <= int(year) <= 2199:
        raise ValueError(advice)
    try:
        return date(int(year), int(month), int(number))
    except ValueError as error:
        raise ValueError("there is no such day") from error


def days(text: str) -> frozenset[date]:
    """Days and spans of days (2026-12-24..2026-12-26), parted by blanks."""
    found: set[date] = set()
    for part in text.replace(",", " ").split():
        first, _, last = part.partition("..")
        start, end = day(first), day(last or first)
        if not 0 <= (end - start).days <= LONGEST_SPAN_DAYS:
            raise ValueError("write the earlier day of a span first, and at most 400 days")
        found |= {start + timedelta(days=offset) for offset in range((end - start).days + 1)}
    return frozenset(found)


def weekdays(text: str) -> frozenset[int]:
    """Days of the week, 1 for Monday: daily, Mon-Fri, Sat Sun, 1-5."""
    if text.casefold() == "daily":
        return EVERY_DAY
    found: set[int] = set()
    for part in text.replace(",", " ").split():
        first, dash, last = part.partition("-")
        start = _weekday(first)
        end = _weekday(last) if dash else start
        # A span may run over the weekend: Fri-Mon.
        found |= {(start - 1 + step) % 7 + 1 for step in range((end - start) % 7 + 1)}
    return frozenset(found)


def _weekday(text: str) -> int:
    key = text.casefold()
    if key in WEEKDAYS:
        return WEEKDAYS.index(key) + 1
    if re.fullmatch("[1-7]", key):
        return int(key)
    raise ValueError("write daily, or days such as Mon-Fri or Sat Sun")


def facilities(text: str) -> tuple[str, ...]:
    """Codes of what is on board, parted by blanks."""
    found = tuple(dict.fromkeys(text.replace(",", " ").split()))
    if not {*found} <= {*FACILITY_NAMES}:
        raise ValueError(f"write some of {' '.join(sorted(FACILITY_NAMES))}")
    return found


def penalties(currency_code: str) -> Callable[[str], tuple[PenaltyRule, ...]]:
    """What cancelling costs: `48h 0% | 2h 50% min 2.50 | 0h 100%`."""
    read_amount = amount(currency_code)

    def read(text: str) -> tuple[PenaltyRule, ...]:
        tiers = []
        for part in text.split("|"):
            match = _TIER.fullmatch(" ".join(part.split()))
            if match is None:
                raise ValueError("write tiers such as 48h 0% | 2h 50% min 2.50 | 0h 100%")
            tiers.append(
                PenaltyRule(
                    hours_before=int(match[1]),
                    percent=percent(match[2]),
                    minimum=read_amount(match[3]) if match[3] else "0",
                )
            )
        hours = [tier.hours_before for tier in tiers]
        if hours != sorted(set(hours), reverse=True):
            raise ValueError("write the tiers from the most hours to the fewest, each once")
        return tuple(tiers)

    return read


def seats(text: str) -> tuple[CoachDraft, ...]:
    """
    The seats of a vehicle, from the front: `Business 3 A|CD + Economy 10 AB|CD without 8C 8D`.

    A part is a class (Economy where none is named), rows, and how one row is laid out, the bar
    being the aisle. `49 free` are seats without numbers.
    """
    coaches: list[CoachDraft] = []
    first_row = 1
    for part in text.split("+"):
        coach, rows = _coach(" ".join(part.split()).casefold(), first_row, len(coaches))
        coaches.append(coach)
        first_row += rows
    return tuple(coaches)


def _coach(text: str, first_row: int, before: int) -> tuple[CoachDraft, int]:
    if match := _FREE_SEATS.fullmatch(text):
        return _free_seats(CLASSES[match[1] or "economy"], int(match[2]), first_row, before)
    match = _SEATS.fullmatch(text)
    if match is None:
        raise ValueError("write seats such as 12 AB|CD, 13 AB|CD without 7C 7D, or 49 free")
    travel_class_, rows = CLASSES[match[1] or "economy"], int(match[2])
    missing = (match[4] or "").upper().split()
    if rows < 1 or first_row + rows - 1 > MOST_ROWS:
        raise ValueError(f"write 1 to {MOST_ROWS} rows in all")
    try:
        coach = lay_out_coach(
            label=_label(travel_class_, before),
            travel_class=travel_class_,
            layout=match[3].upper(),
            rows=rows,
            first_row=first_row,
            missing=missing,
        )
    except ValueError as error:
        raise ValueError("write one to nine different letters in a row, such as AB|CD") from error
    if len(coach.seats) + len(missing) != rows * len(match[3].replace("|", "")):
        raise ValueError(f"write after without only seats of rows from {first_row} on, each once")
    if not coach.seats:
        raise ValueError("leave a seat to sit on")
    return coach, rows


def _free_seats(
    travel_class_: TravelClass, number: int, first_row: int, before: int
) -> tuple[CoachDraft, int]:
    rows = -(-number // FREE_SEATS_ABREAST)
    if not 1 <= number <= MOST_FREE_SEATS or first_row + rows - 1 > MOST_ROWS:
        raise ValueError(f"write 1 to {MOST_FREE_SEATS} free seats")
    coach = lay_out_coach(
        label=_label(travel_class_, before),
        travel_class=travel_class_,
        layout="AB|CD",
        rows=rows,
        first_row=first_row,
    )
    return replace(
        coach, seats=tuple(replace(seat, label="") for seat in coach.seats[:number])
    ), rows


def _label(travel_class_: TravelClass, before: int) -> str:
    return travel_class_ if before == 0 else f"{travel_class_} {before + 1}"
