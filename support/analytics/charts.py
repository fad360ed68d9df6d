"""
Charts as shapes: the numbers of a picture, which a template writes as SVG.

Every chart has a title and a description in words, and stands beside a table of the same rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import get_language_bidi
from django.utils.translation import gettext as _

# The picture's own measure; the page scales it.
WIDTH, HEIGHT = 620, 226
LEFT, RIGHT, TOP, FLOOR = 46, 612, 30, 204
# On a narrow page a letter takes so much of it: there the letters are drawn bigger.
LETTER = 12
# Between a line across and its number, and between a name and its number.
GAP = 6
ROWS_WIDTH, ROW, BAR = 420, 50, 16
# Of two days, the columns would be walls.
WIDEST = 64
# More rows than these are in the table alone.
MOST_BARS, MOST_ROWS = 366, 12
# Labels under the columns: so many at most.
MOST_LABELS = 7
STEPS = (1, 2, 5)


@dataclass(frozen=True, slots=True)
class Value:
    """What is drawn: a name, a number, and how the number is written."""

    label: str
    number: int
    text: str


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar of a chart with its name and number written beside it, or neither."""

    x: float
    y: float
    width: float
    height: float
    label: str
    text: str
    label_x: float
    text_x: float = 0
    label_anchor: str = "middle"
    text_anchor: str = "middle"
    is_minor: bool = False


@dataclass(frozen=True, slots=True)
class Tick:
    """A line across the chart, with its number, which ends at `x`."""

    x: float
    y: float
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """
    A chart. `kind` is `columns` (in order of time) or `rows` (the biggest first).

    `left` is where the columns' room begins. Rows are mirrored for whoever reads from the right;
    time runs from the left for everybody.
    """

    kind: str
    title: str
    description: str
    width: int
    height: int
    bars: Sequence[Bar]
    ticks: Sequence[Tick]
    floor: float
    left: float = 0
    is_mirrored: bool = False


def columns(title: str, values: Sequence[Value], *, written: Sequence[str]) -> Chart | None:
    """
    Draw values in order as columns, with the highest and the lowest written out.

    `written` are the numbers of the lines across, from `scale`. Nothing is drawn of fewer than two
    values.
    """
    if not 2 <= len(values) <= MOST_BARS:
        return None
    top, bottom, step = scale([value.number for value in values])
    height = FLOOR - TOP
    pixels = height / (top - bottom)
    floor = FLOOR + bottom * pixels
    left = max(LEFT, round(2 * GAP + LETTER * max((len(text) for text in written), default=0), 1))
    room = (RIGHT - left) / len(values)
    width = min(room * 0.8, WIDEST)
    every = -(-len(values) // _labels_within(RIGHT - left, values))
    highest = max(range(len(values)), key=lambda place: values[place].number)
    bars = []
    for place, value in enumerate(values):
        middle = left + place * room + room / 2
        label_x, label_anchor = _placed(middle, value.label)
        text_x, text_anchor = _placed(middle, value.text, start=left)
        bars.append(
            Bar(
                x=round(middle - width / 2, 1),
                y=round(floor - max(value.number, 0) * pixels, 1),
                width=round(width, 1),
                height=round(abs(value.number) * pixels, 1),
                label=value.label if place % every == 0 else "",
                text=value.text if place == highest and value.number > 0 else "",
                label_x=label_x,
                text_x=text_x,
                label_anchor=label_anchor,
                text_anchor=text_anchor,
                is_minor=place // every % 2 == 1,
            )
        )
    numbers = range(bottom + step, top + 1, step)
    return Chart(
        kind="columns",
        title=title,
        description=_extremes(values),
        width=WIDTH,
        height=HEIGHT,
        bars=bars,
        ticks=[
            Tick(left - GAP, round(floor - number * pixels, 1), text)
            for number, text in zip(numbers, written, strict=False)
            if number
        ],
        floor=round(floor, 1),
        left=left,
    )


def rows(title: str, values: Sequence[Value], *, most: int | None = None) -> Chart | None:
    """
    Draw the first values as bars from the start of the line, each under its name.

    `most` is the length of the whole line, where that is not the biggest number.
    """
    shown = [value for value in values if value.number > 0][:MOST_ROWS]
    if not shown:
        return None
    whole = most or max(value.number for value in shown)
    is_mirrored = get_language_bidi()
    widths = [round(min(value.number, whole) * ROWS_WIDTH / whole, 1) for value in shown]
    return Chart(
        kind="rows",
        title=title,
        description=_list(shown),
        width=ROWS_WIDTH,
        height=len(shown) * ROW,
        bars=[
            Bar(
                x=round(ROWS_WIDTH - width, 1) if is_mirrored else 0,
                y=place * ROW + 24,
                width=width,
                height=BAR,
                label=_shortened(value.label, beside=value.text),
                text=value.text,
                label_x=ROWS_WIDTH if is_mirrored else 0,
                text_x=0 if is_mirrored else ROWS_WIDTH,
            )
            for place, (value, width) in enumerate(zip(shown, widths, strict=True))
        ],
        ticks=[],
        floor=0,
        is_mirrored=is_mirrored,
    )


def scale(numbers: Sequence[int]) -> tuple[int, int, int]:
    """Answer the top, the bottom and the step of an axis for these numbers; zero is on it."""
    highest, lowest = max(0, *numbers), min(0, *numbers)
    step = _step(max(highest - lowest, 1))
    top = -(-highest // step) * step
    bottom = lowest // step * step
    return max(top, bottom + step), bottom, step


def lines_across(numbers: Sequence[int]) -> list[int]:
    """Answer the numbers of the lines across a chart of these numbers."""
    top, bottom, step = scale(numbers)
    return list(range(bottom + step, top + 1, step))


def _step(reach: int) -> int:
    """Answer a round step that cuts a reach into three or four."""
    power = 1
    while True:
        for factor in STEPS:
            if factor * power * 4 >= reach:
                return factor * power
        power *= 10


def _shortened(label: str, *, beside: str) -> str:
    """Cut a name that would run into its number; the table has the whole of it."""
    most = int((ROWS_WIDTH - LETTER * len(beside) - GAP) / LETTER)
    return label if len(label) <= most else f"{label[: most - 1].rstrip()}…"


def _labels_within(room: float, values: Sequence[Value]) -> int:
    """Answer how many labels stand beside each other; on a narrow page every other one does."""
    widest = max(len(value.label) for value in values) * LETTER * 0.6 + 2 * GAP
    return max(2, min(MOST_LABELS, int(room / widest)))


def _placed(middle: float, label: str, *, start: float = 0) -> tuple[float, str]:
    """Place a label under or over its bar, or at the edge that it would run over."""
    half = len(label) * LETTER / 2
    if middle - half < start:
        return start, "start"
    if middle + half > WIDTH:
        return WIDTH, "end"
    return round(middle, 1), "middle"


def _extremes(values: Sequence[Value]) -> str:
    low = min(values, key=lambda value: value.number)
    high = max(values, key=lambda value: value.number)
    return _(
        "From %(first)s to %(last)s. The highest is %(high)s on %(high_on)s, the lowest %(low)s on "
        "%(low_on)s."
    ) % {
        "first": values[0].label,
        "last": values[-1].label,
        "high": high.text,
        "high_on": high.label,
        "low": low.text,
        "low_on": low.label,
    }


def _list(values: Sequence[Value]) -> str:
    return " ".join(
        _("%(name)s: %(number)s.") % {"name": value.label, "number": value.text} for value in values
    )
