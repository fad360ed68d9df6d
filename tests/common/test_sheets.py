"""Spreadsheets never take a cell for a formula."""

from __future__ import annotations

import csv
import io

import pytest

from travel.common.money import Money
from travel.common.sheets import cell_text, csv_file


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
        ("+1+1", "'+1+1"),
        ("-1+1", "'-1+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("\n=1", "'\n=1"),
        ("  =1", "'  =1"),
        ("＝1", "'＝1"),
        ("ICE 585", "ICE 585"),
        ("", ""),
        (None, ""),
        (-7, "-7"),
        (Money(-5_000, "EUR"), "-50.00"),
        (Money(-5_000, "JPY"), "-5000"),
        (Money(5_000, "KWD"), "5.000"),
    ],
)
def test_a_cell_is_text_or_a_number(cell: object, text: str) -> None:
    assert cell_text(cell) == text  # type: ignore[arg-type]


def test_a_file_reads_back_as_it_was_written() -> None:
    answer = csv_file("x.csv", ["a", "b"], [['one, "two"\nthree', Money(1, "EUR")], ["=1", 2]])

    content = b"".join(answer).decode("utf-8-sig")  # type: ignore[arg-type]
    assert list(csv.reader(io.StringIO(content, newline=""))) == [
        ["a", "b"],
        ['one, "two"\nthree', "0.01"],
        ["'=1", "2"],
    ]
    assert answer["Content-Disposition"] == 'attachment; filename="x.csv"'
