"""
A drawing of the tables, made of nothing but the models.

The same models give the same picture, byte for byte, so that a test can tell whether the stored one
is still true. Storeys stand from left to right; a reference runs from a ring at its column to a dot
at the table that it points to.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from django.apps import apps
from django.db import models
from django.utils.translation import override

STOREYS = ("common", "accounts", "inventory", "bookings", "payments", "support")

WIDTH = 288
GUTTER = 76
MARGIN = 40
TOP = 176
GAP = 26
HEAD = 34
ROW = 19
FOOT = 16
PAD = 7
# A storey whose tables stand higher than this takes another column beside the first.
TALLEST = 1500

COLOURS = {
    "common": ("#47595a", "#b7c4c1"),
    "accounts": ("#8a3d00", "#f2b27a"),
    "inventory": ("#0a596b", "#86cfe0"),
    "bookings": ("#0d5c31", "#7fd6a3"),
    "payments": ("#a8141b", "#f2a19c"),
    "support": ("#5b3d8f", "#c3aef0"),
}

STYLE = """
svg { --paper: #f9f7f3; --card: #fff; --ink: #132726; --quiet: #47595a; --hair: #dedcd5;
  --sheet: #f8d43a; --on-sheet: #13302f; --key: #fdf3c4; }
text { font: 12px -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; fill: var(--ink); }
.paper { fill: var(--paper); } .sheet { fill: var(--sheet); }
.sheet-title { font-size: 30px; font-weight: 750; letter-spacing: -0.6px; fill: var(--on-sheet); }
.sheet-text { font-size: 14px; fill: var(--on-sheet); }
.storey { font-size: 17px; font-weight: 750; }
.box { fill: var(--card); stroke: var(--hair); }
.name { font-size: 14px; font-weight: 700; }
.key { fill: var(--key); }
.strong { font-weight: 650; }
.type, .foot { fill: var(--quiet); }
.foot { font-size: 11px; }
.mark { font-size: 9.5px; font-weight: 700; }
.line { stroke: var(--hair); }
.ref { fill: none; stroke-width: 1.4; }
.far { stroke-opacity: 0.4; }
.ref:hover { stroke-width: 4; stroke-opacity: 1; }
.ring { fill: var(--card); stroke-width: 1.6; }
"""

DARK = """
  svg { --paper: #10181a; --card: #1a2426; --ink: #f1efe8; --quiet: #b6c2bc; --hair: #37464a;
    --sheet: #0a1011; --on-sheet: #f8d43a; --key: #3a3620; }
"""


# --- what is drawn --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Column:
    """A column of a table: its name, what it holds, and what it is for other columns."""

    name: str
    holds: str
    is_key: bool
    is_unique: bool
    may_be_empty: bool
    refers_to: str | None


@dataclass
class Table:
    """A table with its place in the drawing."""

    label: str
    name: str
    storey: str
    columns: list[Column]
    together: list[str]
    has_history: bool
    left: int = 0
    top: int = 0

    @property
    def height(self) -> int:
        return HEAD + ROW * len(self.columns) + FOOT * len(self.together) + PAD

    def row_middle(self, index: int) -> float:
        return self.top + HEAD + ROW * index + ROW / 2


@dataclass(frozen=True)
class Reference:
    """A foreign key, or a relation of many to many, from a row of one table to another table."""

    source: Table
    row: int
    target: Table


@dataclass
class Drawing:
    """All tables in their places."""

    tables: dict[str, Table] = field(default_factory=dict)
    stacks: list[list[Table]] = field(default_factory=list)

    @property
    def width(self) -> int:
        return 2 * MARGIN + len(self.stacks) * (WIDTH + GUTTER) - GUTTER

    @property
    def height(self) -> int:
        return MARGIN + max(stack[-1].top + stack[-1].height for stack in self.stacks)

    def references(self) -> Iterator[Reference]:
        for table in self.tables.values():
            for index, column in enumerate(table.columns):
                target = self.tables.get(column.refers_to or "")
                if target is not None:
                    yield Reference(table, index, target)


@override("en")
def draw() -> str:
    """Answer the picture of all tables of ours as an SVG document."""
    drawing = _lay_out([_table(model) for storey in STOREYS for model in _models(storey)])
    parts = [
        *_frame(drawing),
        *_lines(drawing),
        *(part for table in drawing.tables.values() for part in _box(table)),
        *_dots(drawing),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


# --- reading the models ---------------------------------------------------------------------------


def _models(storey: str) -> Iterable[type[models.Model]]:
    for model in apps.get_app_config(storey).get_models():
        if not hasattr(model, "history_id"):
            yield model


def _table(model: type[models.Model]) -> Table:
    meta = model._meta
    columns = [_column(one) for one in meta.concrete_fields]
    columns += [
        Column(one.name, _label(one), False, False, False, one.related_model._meta.label)
        for one in meta.local_many_to_many
    ]
    return Table(
        label=meta.label,
        name=model.__name__,
        storey=meta.app_label,
        columns=columns,
        together=[
            ", ".join(constraint.fields)
            for constraint in meta.constraints
            if isinstance(constraint, models.UniqueConstraint)
        ],
        has_history=hasattr(meta, "simple_history_manager_attribute"),
    )


def _column(one: models.Field[Any, Any]) -> Column:
    target = one.related_model
    return Column(
        name=one.name,
        holds=_holds(one),
        is_key=one.primary_key,
        is_unique=one.unique and not one.primary_key,
        may_be_empty=one.null,
        refers_to=target._meta.label if isinstance(target, type) else None,
    )


def _label(one: Any) -> str:
    return f"many {one.related_model.__name__}"


def _holds(one: models.Field[Any, Any]) -> str:
    """Say what a column holds in words that every database knows."""
    if isinstance(one.related_model, type):
        return f"→ {one.related_model.__name__}"
    kind = one.get_internal_type()
    if kind in ("CharField", "URLField") and one.max_length:
        return f"text {one.max_length}"
    if isinstance(one, models.DecimalField):
        return f"decimal {one.max_digits},{one.decimal_places}"
    return KINDS.get(kind, kind.removesuffix("Field").lower())


KINDS = {
    "BigAutoField": "number",
    "BigIntegerField": "big integer",
    "IntegerField": "integer",
    "PositiveIntegerField": "integer ≥ 0",
    "PositiveSmallIntegerField": "small integer ≥ 0",
    "BooleanField": "yes or no",
    "DateField": "day",
    "DateTimeField": "instant",
    "TextField": "long text",
    "JSONField": "JSON",
}


# --- placing --------------------------------------------------------------------------------------


def _lay_out(tables: Sequence[Table]) -> Drawing:
    drawing = Drawing(tables={table.label: table for table in tables})
    for _storey, members in groupby(tables, key=lambda table: table.storey):
        drawing.stacks += _stacks(list(members))
    for index, stack in enumerate(drawing.stacks):
        top = TOP
        for table in stack:
            table.left = MARGIN + index * (WIDTH + GUTTER)
            table.top = top
            top += table.height + GAP
    return drawing


def _stacks(tables: list[Table]) -> list[list[Table]]:
    """Share a storey's tables, in their order, among as few columns of about one height as do."""
    whole = sum(table.height + GAP for table in tables)
    share = whole / -(-whole // TALLEST)
    stacks: list[list[Table]] = [[]]
    filled = 0.0
    for table in tables:
        # A table belongs where the most of it falls.
        if stacks[-1] and filled + table.height / 2 > share * len(stacks):
            stacks.append([])
        stacks[-1].append(table)
        filled += table.height + GAP
    return stacks


# --- drawing --------------------------------------------------------------------------------------


def _text(
    x: float, y: float, text: str, css: str = "", *, end: bool = False, fill: str = ""
) -> str:
    anchor = ' text-anchor="end"' if end else ""
    classes = f" class={quoteattr(css)}" if css else ""
    # A style of its own, since a class's fill would win over an attribute.
    colour = f' style="fill:{fill}"' if fill else ""
    return f'<text x="{x:g}" y="{y:g}"{classes}{anchor}{colour}>{escape(text)}</text>'


def _frame(drawing: Drawing) -> Iterator[str]:
    width, height = drawing.width, drawing.height
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img" aria-labelledby="title desc">'
    )
    yield '<title id="title">The tables of the ticket office</title>'
    yield (
        f'<desc id="desc">{len(drawing.tables)} tables in {len(STOREYS)} storeys, each with its '
        "columns, keys and references.</desc>"
    )
    yield f"<style>{STYLE}@media (prefers-color-scheme: dark) {{{DARK}}}"
    for storey, (day, night) in COLOURS.items():
        yield f".s-{storey} {{ stroke: {day}; }} .t-{storey} {{ fill: {day}; }}"
        yield (
            f"@media (prefers-color-scheme: dark) {{ .s-{storey} {{ stroke: {night}; }} "
            f".t-{storey} {{ fill: {night}; }} }}"
        )
    yield "</style>"
    yield f'<rect class="paper" width="{width}" height="{height}"/>'
    yield f'<rect class="sheet" width="{width}" height="104"/>'
    yield _text(MARGIN, 50, "The tables, and what refers to what", "sheet-title")
    yield _text(
        MARGIN,
        80,
        "A storey refers only to itself and to what stands left of it. PK key, U unique, ? may be "
        "empty, ↺ keeps its history; under a table, what is unique together.",
        "sheet-text",
    )
    seen: set[str] = set()
    for stack in drawing.stacks:
        first = stack[0]
        if first.storey not in seen:
            seen.add(first.storey)
            name = apps.get_app_config(first.storey).verbose_name
            yield _text(first.left, TOP - 22, str(name), f"storey t-{first.storey}")


def _box(table: Table) -> Iterator[str]:
    left, right = table.left, table.left + WIDTH
    yield (
        f'<rect class="box" x="{left}" y="{table.top}" width="{WIDTH}" height="{table.height}" '
        'rx="8"/>'
    )
    yield _text(left + 14, table.top + 22, table.name, f"name t-{table.storey}")
    if table.has_history:
        yield _text(right - 14, table.top + 22, "↺", f"name t-{table.storey}", end=True)
    yield (
        f'<path class="s-{table.storey}" stroke-width="2" '
        f'd="M{left + 14} {table.top + HEAD - 4}H{right - 14}"/>'
    )
    for index, column in enumerate(table.columns):
        yield from _row(table, index, column)
    for index, names in enumerate(table.together):
        y = table.top + HEAD + ROW * len(table.columns) + FOOT * index + 12
        yield _text(left + 14, y, f"U {names}", "foot")


def _row(table: Table, index: int, column: Column) -> Iterator[str]:
    left, right = table.left, table.left + WIDTH
    middle = table.row_middle(index)
    if column.is_key:
        yield (
            f'<rect class="key" x="{left + 6}" y="{middle - ROW / 2 + 1:g}" width="{WIDTH - 12}" '
            f'height="{ROW - 2}" rx="4"/>'
        )
    mark = "PK" if column.is_key else "U" if column.is_unique else ""
    if mark:
        yield _text(left + 12, middle + 3.5, mark, f"mark t-{table.storey}")
    name = f"{column.name} ?" if column.may_be_empty else column.name
    yield _text(left + 32, middle + 4, name, "strong" if column.is_key else "")
    yield _text(right - 14, middle + 4, column.holds, "type", end=True)


# --- lines ----------------------------------------------------------------------------------------


def _lines(drawing: Drawing) -> Iterator[str]:
    tracks: dict[int, int] = {}
    for reference in drawing.references():
        path, is_far = _path(reference, tracks)
        colour = reference.target.storey
        source = f"{reference.source.name}.{reference.source.columns[reference.row].name}"
        yield (
            f'<path class="ref s-{colour}{" far" if is_far else ""}" d="{path}">'
            f"<title>{escape(f'{source} → {reference.target.name}')}</title></path>"
        )


def _path(reference: Reference, tracks: dict[int, int]) -> tuple[str, bool]:
    """
    Answer the line's path, and whether it passes behind other tables.

    Between neighbouring columns it runs along the gutter, each line on a track of its own; further
    away it swings through, drawn faintly below the boxes.
    """
    start_x, start_y = _start(reference)
    end_x, end_y = _end(reference)
    distance = reference.target.left - reference.source.left
    if abs(distance) <= WIDTH + GUTTER:
        gutter = start_x if distance >= 0 else end_x
        track = tracks.get(gutter, 0)
        tracks[gutter] = track + 1
        x = gutter + 14 + track * 7 % (GUTTER - 28)
        return f"M{start_x} {start_y:g}H{x}V{end_y:g}H{end_x}", False
    pull = min(260, abs(distance) / 3)
    lean = pull if distance > 0 else -pull
    curve = f"{start_x + lean:g} {start_y:g} {end_x - lean:g} {end_y:g} {end_x} {end_y:g}"
    return f"M{start_x} {start_y:g}C{curve}", True


def _start(reference: Reference) -> tuple[int, float]:
    source, target = reference.source, reference.target
    left = source.left if target.left < source.left else source.left + WIDTH
    return left, source.row_middle(reference.row)


def _end(reference: Reference) -> tuple[int, float]:
    source, target = reference.source, reference.target
    is_left = source.left < target.left
    return (target.left if is_left else target.left + WIDTH), target.top + HEAD / 2


def _dots(drawing: Drawing) -> Iterator[str]:
    for reference in drawing.references():
        colour = reference.target.storey
        x, y = _start(reference)
        yield f'<circle class="ring s-{colour}" cx="{x}" cy="{y:g}" r="3.5"/>'
        x, y = _end(reference)
        yield f'<circle class="t-{colour}" cx="{x}" cy="{y:g}" r="4"/>'
