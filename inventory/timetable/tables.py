"""Rows of CSV files, by RFC 4180 with the liberties that everybody takes."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from inventory.timetable.report import Report, SourceBroken

#: No line of a timetable is longer; a longer one is a file without line ends.
LONGEST_LINE = 256 * 1024
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def read_rows(
    stream: BinaryIO,
    name: str,
    *,
    required: Sequence[str],
    optional: Sequence[str] = (),
    report: Report,
    delimiter: str = ",",
    is_strict: bool = False,
) -> Iterator[tuple[int, tuple[str, ...]]]:
    """
    Each row as (line, values), the values in the order of `required` and `optional`, stripped.

    A column that is not there and a row that ends early give empty values. A row with more
    values than the header is skipped; where `is_strict`, it is a fault.

    :raises SourceBroken: a required column is missing, or the text is not UTF-8 CSV.
    """
    rows = csv.reader(text_lines(stream, name, report), strict=False, delimiter=delimiter)
    try:
        header = [column.strip().casefold() for column in next(rows, [])]
        pick = _columns(name, header, required, optional, report)
        width = len(header)
        for values in rows:
            if not values:
                continue
            if len(values) > width and any(values[width:]):
                complain = report.fault if is_strict else report.skip
                complain(name, rows.line_num, "more values than columns", ",".join(values))
                continue
            if len(values) < width:
                values += [""] * (width - len(values))
            values.append("")
            yield rows.line_num, tuple([values[index].strip() for index in pick])
    except csv.Error as error:
        report.fault(name, rows.line_num, "is not valid CSV", str(error))
        raise SourceBroken(report) from error


def text_lines(stream: BinaryIO, name: str, report: Report) -> Iterator[str]:
    """
    The lines of a UTF-8 file, without its byte order mark.

    :raises SourceBroken: a line is too long, is not UTF-8, or holds a NUL character.
    """
    number = 0
    while raw := stream.readline(LONGEST_LINE + 1):
        number += 1
        if len(raw) > LONGEST_LINE:
            report.fault(name, number, f"is longer than {LONGEST_LINE} bytes")
            raise SourceBroken(report)
        if number == 1:
            raw = raw.removeprefix(BYTE_ORDER_MARK)
        try:
            line = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            report.fault(name, number, "is not UTF-8", str(error))
            raise SourceBroken(report) from error
        if "\x00" in line:
            report.fault(name, number, "holds a NUL character")
            raise SourceBroken(report)
        yield line


def _columns(
    name: str, header: list[str], required: Sequence[str], optional: Sequence[str], report: Report
) -> list[int]:
    """Positions of the wanted columns; -1, the empty value at the end, where one is missing."""
    missing = [column for column in required if column not in header]
    doubled = [column for column in (*required, *optional) if header.count(column) > 1]
    for column in missing:
        report.fault(name, 1, "a required column is missing", column)
    for column in doubled:
        report.fault(name, 1, "a column stands twice", column)
    if missing or doubled:
        raise SourceBroken(report)
    return [header.index(column) if column in header else -1 for column in (*required, *optional)]
