"""The sheets of a folder, row by row, with every cell known by its sheet, line and column."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, TypeVar

from inventory.timetable.report import Report, SourceBroken
from inventory.timetable.tables import BYTE_ORDER_MARK, read_rows
from travel.common.ids import normal_text

T = TypeVar("T")

MOST_BYTES = 16 * 1024**2
MOST_ROWS = 20_000
LONGEST_CELL = 4_000
#: Spreadsheets part columns by these; the header tells by which.
DELIMITERS = (";", ",", "\t")


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet's file, its columns that must be filled, and those that may stay empty or away."""

    file: str
    required: tuple[str, ...]
    optional: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        return (*self.required, *self.optional)


@dataclass(slots=True)
class Row:
    """A row of a sheet; reading its cells reports what is wrong with them, and `is_sound` falls."""

    sheet: Sheet
    line: int
    cells: Mapping[str, str]
    report: Report
    is_sound: bool = True

    def fault(self, column: str, advice: str) -> None:
        """Something is wrong with a cell; the advice says what to write instead."""
        self.is_sound = False
        self.report.fault(
            self.sheet.file, self.line, f"column {column}: {advice}", self.cells.get(column, "")
        )

    def read(self, column: str, parse: Callable[[str], T], default: T) -> T:
        """
        A cell as `parse` reads it; the default where it is empty and may be.

        `parse` raises ValueError with what to write instead; the default then stands in, so that
        the other cells of the row are looked at as well.
        """
        text = self.cells[column]
        if not text:
            if column in self.sheet.required:
                self.fault(column, "must not be empty")
            return default
        if len(text) > LONGEST_CELL:
            self.fault(column, f"write at most {LONGEST_CELL} characters")
            return default
        try:
            return parse(text)
        except ValueError as error:
            self.fault(column, str(error))
            return default

    def known(self, column: str, things: Mapping[str, T], where: str) -> T | None:
        """What a cell names, among the things of another sheet."""
        thing = things.get(self.cells[column])
        if thing is None:
            self.fault(column, f"write one that stands in {where}")
        return thing


def read_sheet(folder: Path, sheet: Sheet, report: Report) -> Iterator[Row]:
    """
    The rows of a sheet; empty ones are left out.

    :raises SourceBroken: the file is not there, too large, not UTF-8, or its columns are not those.
    """
    content = _content(folder / sheet.file, sheet, report)
    delimiter = _check_header(content, sheet, report)
    rows = read_rows(
        io.BytesIO(content),
        sheet.file,
        required=sheet.required,
        optional=sheet.optional,
        report=report,
        delimiter=delimiter,
        is_strict=True,
    )
    for number, (line, values) in enumerate(rows):
        if number == MOST_ROWS:
            _refuse(report, sheet, line, f"has more than {MOST_ROWS} rows")
        if any(values):
            cells = {
                column: normal_text(value)
                for column, value in zip(sheet.columns, values, strict=True)
            }
            yield Row(sheet, line, cells, report)


def _content(path: Path, sheet: Sheet, report: Report) -> bytes:
    try:
        with path.open("rb") as stream:
            content = stream.read(MOST_BYTES + 1)
    except OSError as error:
        _refuse(report, sheet, None, "cannot be opened", error.strerror or "")
    if len(content) > MOST_BYTES:
        _refuse(report, sheet, None, f"is larger than {MOST_BYTES} bytes")
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        _refuse(report, sheet, line, 'is not UTF-8: save the sheet as "CSV UTF-8"')
    return content


def _check_header(content: bytes, sheet: Sheet, report: Report) -> str:
    """By what the columns are parted. A column that is not known may be a slip of the pen."""
    text = content.removeprefix(BYTE_ORDER_MARK).decode("utf-8")
    first = text.partition("\n")[0]
    delimiter = max(DELIMITERS, key=lambda mark: (first.count(mark), -DELIMITERS.index(mark)))
    try:
        header = next(csv.reader([first], delimiter=delimiter), [])
    except csv.Error as error:
        _refuse(report, sheet, 1, "is not valid CSV", str(error))
    for column in header:
        name = column.strip().casefold()
        if name and name not in sheet.columns:
            report.fault(
                sheet.file, 1, f"a column is not known; write {', '.join(sheet.columns)}", name
            )
    return delimiter


def _refuse(
    report: Report, sheet: Sheet, line: int | None, reason: str, quote: str = ""
) -> NoReturn:
    report.fault(sheet.file, line, reason, quote)
    raise SourceBroken(report)
