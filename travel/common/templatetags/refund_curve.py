"""
The refund curve: penalty tiers drawn as steps, worked out here so that the page needs no script.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any, Protocol

from django import template

from travel.common.money import Money

register = template.Library()

# The drawing is 640 by 270: the axis runs from LEFT to RIGHT, today stands at NOW, the last change
# at END.
LEFT, NOW, END, RIGHT = 60, 108, 540, 630
TOP, BOTTOM = 60, 225


class Step(Protocol):
    """
    One tier: until when it holds (None: for ever), what comes back, what is kept, and the share.
    """

    until: datetime | None
    refund: Money
    fee: Money
    percent: int


@register.inclusion_tag("components/refund_curve.html")
def refund_curve(steps: Sequence[Step], number: int = 1) -> dict[str, Any]:
    """
    Draw the tiers from the one in force to the last, which has no end.

    Time is not to scale: the moments of change stand at equal distances, and the axis is cut
    between.
    """
    return {"steps": steps, "number": number, "curve": _geometry(list(steps))}


def _geometry(steps: list[Step]) -> dict[str, Any]:
    changes = [step.until for step in steps if step.until is not None]
    edges = [_edge(index, len(changes)) for index in range(len(changes))]
    starts = [LEFT, *edges]
    heights = [_height(step.percent) for step in steps]
    line = f"M{LEFT} {heights[0]}"
    for edge, height in zip(edges, heights[1:], strict=False):
        line += f"H{edge}V{height}"
    return {
        "line": f"{line}H{RIGHT - 6}",
        "area": f"{line}H{RIGHT - 6}V{BOTTOM}H{LEFT}Z",
        "axis": _axis([NOW, *edges]),
        "now_y": heights[0],
        "sums": [
            {"x": max(start, NOW) + 10, "y": max(height - 11, 42), "amount": step.refund}
            for start, height, step in zip(starts, heights, steps, strict=False)
        ],
        "days": [{"x": edge, "at": at} for edge, at in zip(edges, changes, strict=True)],
    }


def _edge(index: int, count: int) -> int:
    return NOW + round((END - NOW) * (index + 1) / count)


def _height(percent: int) -> int:
    return BOTTOM - round((BOTTOM - TOP) * percent / 100)


def _axis(marks: list[int]) -> str:
    """Draw the axis with a tick at each change, and two slashes between neighbours."""
    path, x = "", LEFT
    for left, right in pairwise(marks):
        middle = (left + right) // 2
        path += f"M{x} {BOTTOM}H{middle - 5}"
        path += f"M{middle - 9} {BOTTOM + 6}l8-12M{middle + 1} {BOTTOM + 6}l8-12"
        path += f"M{right} {BOTTOM}v6"
        x = middle + 5
    return f"{path}M{x} {BOTTOM}H{RIGHT}"
