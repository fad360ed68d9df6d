"""How numbers are written on pages, in files and in e-mails."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from babel.dates import format_skeleton
from babel.numbers import format_compact_decimal, format_decimal
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from inventory.models import Carrier, Mode
from support.analytics import charts
from support.analytics.asking import LookUp
from support.analytics.catalogue import (
    ACCOUNT,
    AMOUNT,
    MINUTES,
    MOMENT,
    SHARE,
    TEXT,
    Asked,
    Column,
    Report,
)
from support.analytics.charts import Chart, Value
from support.analytics.days import Span, zone
from travel.common.locales import in_a_row, own_digits, reader_locale
from travel.common.money import Money, minor_digits
from travel.common.sheets import Cell
from travel.common.templatetags.look import (
    day_and_month,
    duration,
    moment_text,
    money_text,
    short_day,
)

_DAY, _MONTH = re.compile(r"\d{4}-\d{2}-\d{2}"), re.compile(r"\d{4}-\d{2}")
NOTHING = "–"
# What stands at the beginning of its cell; quantities stand under each other at its end.
_WORDS = (TEXT, MOMENT, ACCOUNT)


# --- cells ----------------------------------------------------------------------------------------


def number_text(number: int) -> str:
    """Write a whole number with its thousands apart: `28,753`."""
    return _decimal(number)


def share_text(basis_points: int) -> str:
    """Write hundredths of a per cent with one decimal: `71.4 %`; two where one would be nothing."""
    pattern = "#,##0.00" if 0 < abs(basis_points) < 10 else "#,##0.0"
    return _("%(number)s %%") % {"number": _decimal(Decimal(basis_points) / 100, pattern)}


def _decimal(number: int | Decimal, pattern: str | None = None) -> str:
    """Write a number with the digits and the signs of the reader's language."""
    locale = reader_locale()
    text = format_decimal(number, format=pattern, locale=locale, numbering_system="default")
    return own_digits(text, locale)


def cell_text(value: Any, kind: str) -> str:
    """Write a cell of a report for people."""
    if value is None or value == "":
        return NOTHING
    if isinstance(value, Money):
        return money_text(value)
    if kind == ACCOUNT:
        # A name, not a quantity: it is typed into a search as it stands here.
        return str(value)
    if kind == SHARE:
        return share_text(value)
    if kind == MINUTES:
        return duration(value)
    if isinstance(value, datetime):
        return moment_text(value, zone())
    return number_text(value) if isinstance(value, int) else label_text(value)


def label_text(label: str, *, briefly: bool = False) -> str:
    """Write the name of a row: days and months in words, everything else as it is."""
    if _DAY.fullmatch(label):
        day = date.fromisoformat(label)
        return day_and_month(day) if briefly else short_day(day)
    if _MONTH.fullmatch(label):
        first = date.fromisoformat(f"{label}-01")
        locale = reader_locale()
        skeleton = "yMMM" if briefly else "yMMMM"
        return own_digits(format_skeleton(skeleton, first, locale=locale), locale)
    return label


def table(report: Report | LookUp, rows: Sequence[Any], *, by_title: str = "") -> dict[str, Any]:
    """Answer a report's table as the template shows it: headings, and rows of written cells."""
    return {
        "head": [
            {"title": column.title or by_title, "is_number": column.kind not in _WORDS}
            for column in report.columns
        ],
        "rows": [[_shown(row, column) for column in report.columns] for row in rows],
    }


def _shown(row: Any, column: Column) -> dict[str, Any]:
    value = getattr(row, column.name)
    text = cell_text(str(column.words[value]) if value in column.words else value, column.kind)
    return {
        "text": _isolated(text),
        "plain": text,
        "is_number": column.kind not in _WORDS,
        # A day is not broken into lines; there are many of them under each other.
        "is_day": column.kind == MOMENT
        or (isinstance(value, str) and bool(_DAY.fullmatch(value) or _MONTH.fullmatch(value))),
    }


def _isolated(text: str) -> SafeString:
    return format_html("<bdi>{}</bdi>", text)


def choices_text(report: Report, *, by: str, carrier: Carrier | None, mode: str) -> str:
    """
    Write what a report is told by and narrowed to, so that two of one report are told apart:
    `By: Carrier · Mode: Train`; nothing where it is whole and told in one way only.
    """
    chosen = {
        _("By"): report.by.get(report.told_by(by), ""),
        _("Carrier"): carrier.name if carrier else "",
        _("Mode"): Mode(mode).label if mode else "",
    }
    return " · ".join(f"{name}: {word}" for name, word in chosen.items() if word)


def choices_query(*, by: str, carrier: Carrier | None, mode: str, over: Span | None = None) -> str:
    """Write the same as a report's page asks for it, behind the question mark of its address."""
    asked: dict[str, Any] = {"by": by, "carrier": carrier.pk if carrier else "", "mode": mode}
    if over is not None:
        asked |= {"first": over.first, "last": over.last}
    return urlencode({name: value for name, value in asked.items() if value})


def span_text(over: Span) -> str:
    """Write the days of a report, a single one once."""
    days = dict.fromkeys(label_text(str(day)) for day in (over.first, over.last))
    return " – ".join(days)


# --- files ----------------------------------------------------------------------------------------


def file_name(report: Report, asked: Asked) -> str:
    """Name a report's file by what is in it: `revenue-by-month-2026-06-01-2026-06-30.csv`."""
    by = f"-by-{asked.by}" if asked.by else ""
    days = f"-{asked.over.first}-{asked.over.last}" if report.has_span else ""
    return f"{report.name}{by}{days}.csv"


def file_head(report: Report | LookUp) -> list[str]:
    """Answer the headings of a file: stable words, with the currency beside amounts."""
    names = [column.name for column in report.columns]
    return [*names, "currency"] if report.has_money else names


def file_rows(report: Report | LookUp, rows: Sequence[Any]) -> list[list[Cell]]:
    """Answer the rows of a file: ISO days, plain decimals, shares in per cent."""
    return [
        [
            *(_plain(getattr(row, column.name), column.kind) for column in report.columns),
            *([_currency(report, row)] if report.has_money else []),
        ]
        for row in rows
    ]


def _plain(value: Any, kind: str) -> Cell:
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if kind == SHARE:
        return f"{Decimal(value) / 100:.2f}"
    if value is None or isinstance(value, Money | int | str):
        return value
    return str(value)


def _currency(report: Report | LookUp, row: Any) -> str:
    column = next(column for column in report.columns if column.kind == AMOUNT)
    return str(getattr(row, column.name).currency)


# --- charts ---------------------------------------------------------------------------------------


def charts_of(report: Report, rows: Sequence[Any], title: str) -> list[Chart]:
    """
    Draw a report's column, a chart for each currency; none where there is too little to see.

    Shares of amounts are of one currency as well.
    """
    if not report.drawn or not rows:
        return []
    drawn = drawn_column(report)
    if not report.has_money:
        return [chart for chart in [_chart(title, rows, drawn)] if chart]
    currencies = sorted({_currency(report, row) for row in rows})
    found = [
        _chart(
            in_a_row([title, currency]) if len(currencies) > 1 else title,
            [row for row in rows if _currency(report, row) == currency],
            drawn,
        )
        for currency in currencies
    ]
    return [chart for chart in found if chart]


def drawn_column(report: Report) -> Column:
    """Answer the column that a report's charts show."""
    return next(column for column in report.columns if column.name == report.drawn)


def _chart(title: str, rows: Sequence[Any], drawn: Column) -> Chart | None:
    name = "label" if hasattr(rows[0], "label") else None
    values = [
        Value(
            label=label_text(_name(row, name), briefly=True),
            number=_number(getattr(row, drawn.name)),
            text=cell_text(getattr(row, drawn.name), drawn.kind),
        )
        for row in rows
    ]
    if name and all(_DAY.fullmatch(row.label) or _MONTH.fullmatch(row.label) for row in rows):
        across = charts.lines_across([value.number for value in values])
        sample = getattr(rows[0], drawn.name)
        written = [_briefly(number, sample, drawn.kind) for number in across]
        return charts.columns(title, values, written=written)
    return charts.rows(title, values, most=10_000 if drawn.kind == SHARE else None)


def _name(row: Any, name: str | None) -> str:
    return str(getattr(row, name) if name else getattr(row, "name", None) or row.city or NOTHING)


def _number(value: Any) -> int:
    return int(value.minor) if isinstance(value, Money) else int(value or 0)


def _briefly(number: int, sample: Any, kind: str) -> str:
    """Write the number of a line across a chart in little room: `20K`, `0.05 %`."""
    if kind == SHARE:
        places = 0 if number % 100 == 0 else 1 if number % 10 == 0 else 2
        share = _decimal(Decimal(number) / 100, "#,##0." + "0" * places if places else "#,##0")
        return _("%(number)s %%") % {"number": share}
    value = Decimal(number)
    if isinstance(sample, Money):
        value = value.scaleb(-minor_digits(sample.currency))
    locale = reader_locale()
    places = 1 if abs(value) >= 1 else 2
    text = format_compact_decimal(
        value, locale=locale, fraction_digits=places, numbering_system="default"
    )
    # Where a language has no short word for thousands they are set apart at least.
    return _decimal(value) if text.lstrip("-").isdecimal() else own_digits(text, locale)
