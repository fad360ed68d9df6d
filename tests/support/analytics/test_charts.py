"""Charts as shapes: what is labelled where, and that nothing runs over an edge."""

from __future__ import annotations

from itertools import pairwise

import pytest
from django.utils import translation

from support.analytics import charts, written
from support.analytics.catalogue import AMOUNT, NUMBER, SHARE
from support.analytics.charts import LETTER, Chart, Value
from travel.common.money import Money

# The letters of a wide page take about this much of the picture.
WIDE_LETTER = 7


def columns(numbers: list[int], *, label: str = "{}", ticks: list[str] | None = None) -> Chart:
    values = [Value(label.format(place), n, f"{n}") for place, n in enumerate(numbers)]
    across = ticks or [str(number) for number in charts.lines_across(numbers)]
    chart = charts.columns("Sold", values, written=across)
    assert chart is not None
    return chart


def spans(chart: Chart, letter: float) -> list[tuple[float, float]]:
    """Where the labels under the columns begin and end."""
    found = []
    for bar in chart.bars:
        if bar.label:
            length = len(bar.label) * letter
            begin = {"start": 0.0, "middle": length / 2, "end": length}[bar.label_anchor]
            found.append((bar.label_x - begin, bar.label_x - begin + length))
    return found


class TestColumns:
    def test_of_two_days_are_no_walls(self) -> None:
        """Half of the picture would be 283 wide each."""
        assert [bar.width for bar in columns([3, 4]).bars] == [64, 64]

    def test_of_a_year_do_not_touch(self) -> None:
        bars = columns([n % 7 for n in range(366)]).bars
        assert all(one.x + one.width < two.x for one, two in pairwise(bars))
        assert bars[-1].x + bars[-1].width <= charts.RIGHT

    @pytest.mark.parametrize("number", [2, 7, 13, 31, 366])
    @pytest.mark.parametrize("label", ["{}", "{:02} Nov", "September {:04}"])
    def test_labels_stand_apart_and_inside(self, number: int, label: str) -> None:
        found = spans(columns([1] * number, label=label), WIDE_LETTER)

        assert all(begin >= 0 and end <= charts.WIDTH for begin, end in found)
        assert all(one[1] <= two[0] for one, two in pairwise(found))

    def test_the_highest_is_written_inside(self) -> None:
        for highest in (0, 15, 30):
            numbers = [1] * 31
            numbers[highest] = 123_456_789
            chart = columns(numbers)
            bar = chart.bars[highest]
            length = len(bar.text) * LETTER
            begin = {"start": 0.0, "middle": length / 2, "end": length}[bar.text_anchor]
            assert bar.text_x - begin >= chart.left
            assert bar.text_x - begin + length <= charts.WIDTH

    def test_make_room_for_the_numbers_of_the_lines(self) -> None:
        short, long = columns([1, 2]), columns([1, 2], ticks=["500.000", "1.000.000"])

        assert short.left == charts.LEFT
        assert long.left >= LETTER * len("1.000.000")
        assert {tick.x for tick in long.ticks} == {long.left - charts.GAP}
        assert min(bar.x for bar in long.bars) >= long.left


class TestRows:
    def rows(self, *names: str) -> Chart:
        chart = charts.rows("Sold", [Value(name, 10, "€10,000.00") for name in names])
        assert chart is not None
        return chart

    def test_a_long_name_does_not_run_into_its_number(self) -> None:
        name = "Llanfairpwllgwyngyll → Frankfurt am Main Flughafen"
        bar = self.rows(name, "Kassel").bars[0]

        assert bar.label.endswith("…")
        assert len(bar.label) * LETTER + len(bar.text) * LETTER < charts.ROWS_WIDTH
        assert name in self.rows(name).description, "who hears the chart hears all of it"

    def test_begin_where_one_reads_from(self) -> None:
        values = [Value("A", 10, "10"), Value("B", 5, "5")]
        with translation.override("fa"):
            mirrored = charts.rows("Sold", values)
        assert mirrored is not None
        plain = self.rows("A")

        assert [(bar.x, bar.width) for bar in mirrored.bars] == [(0, 420), (210, 210)]
        assert {(bar.label_x, bar.text_x) for bar in mirrored.bars} == {(420, 0)}
        assert [(bar.x, bar.label_x, bar.text_x) for bar in plain.bars] == [(0, 0, 420)]


class TestLinesAcross:
    @pytest.mark.parametrize(
        ("numbers", "expected"),
        [
            ([0, 10_000], ["50 %", "100 %"]),
            ([0, 2], ["0.01 %", "0.02 %"]),
            ([0, 60], ["0.2 %", "0.4 %", "0.6 %"]),
        ],
    )
    def test_shares_are_told_apart(self, numbers: list[int], expected: list[str]) -> None:
        assert self.of(numbers, 0, SHARE) == expected

    def test_cents_are_told_apart(self) -> None:
        assert self.of([0, 20], Money(0, "EUR"), AMOUNT) == ["0.05", "0.1", "0.15", "0.2"]

    @pytest.mark.parametrize(
        ("language", "expected"), [("en", "20K"), ("de", "20.000"), ("fa", "۲۰ هزار")]
    )
    def test_thousands_in_the_readers_words(self, language: str, expected: str) -> None:
        with translation.override(language):
            assert self.of([0, 20_000], 0, NUMBER)[-1].replace("\xa0", " ") == expected

    def of(self, numbers: list[int], sample: object, kind: str) -> list[str]:
        return [
            written._briefly(number, sample, kind).replace("\xa0", " ")
            for number in charts.lines_across(numbers)
        ]


class TestShares:
    @pytest.mark.parametrize(
        ("basis_points", "expected"),
        [(0, "0.0 %"), (1, "0.01 %"), (9, "0.09 %"), (10, "0.1 %"), (7_143, "71.4 %")],
    )
    def test_a_little_is_not_nothing(self, basis_points: int, expected: str) -> None:
        assert written.share_text(basis_points).replace("\xa0", " ") == expected
