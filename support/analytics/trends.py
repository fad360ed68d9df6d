"""Holds and what becomes of them: made, paid, given up, expired."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from support.analytics.days import Span, stretches
from support.analytics.revenue import share
from support.analytics.sources import Part, closed_days, local_day, open_days
from support.models import DayHolds
from travel.common import sql

# The kinds of event that begin and end a hold.
KINDS = tuple(DayHolds.Kind.values)


@dataclass(frozen=True, slots=True)
class Trend:
    """
    Holds of a day: so many began, and of so many was decided on that day what becomes of them.

    Rates are of those that were decided, so that today's are as good as any day's.
    """

    key: str
    reserved: int
    paid: int
    released: int
    expired: int

    @property
    def label(self) -> str:
        return self.key

    @property
    def decided(self) -> int:
        return self.paid + self.released + self.expired

    @property
    def conversion(self) -> int:
        """Of the holds that ended, those that were paid, in basis points."""
        return share(self.paid, self.decided)

    @property
    def expiry(self) -> int:
        """Of the holds that ended, those that nobody paid in time, in basis points."""
        return share(self.expired, self.decided)


def trends(*, over: Span) -> list[Trend]:
    """
    Answer the holds of every day of a span, by the events of reservations.

    A hold that expired and was paid by a late capture counts as both.
    """
    still_open = open_days(over)
    closed = closed_days(over, still_open)
    texts = [
        f"SELECT day_id AS day, kind, number FROM support_dayholds WHERE {closed.text}"  # noqa: S608
    ]
    values: list[Any] = [*closed.values]
    if still_open:
        now = holds_of(still_open)
        texts.append(now.text)
        values += now.values
    rows = sql.rows(
        "SELECT day, kind, SUM(number) "  # noqa: S608 - texts of this package
        f"FROM ({' UNION ALL '.join(texts)}) counted GROUP BY day, kind",
        values,
    )
    found = {(str(day), kind): int(number) for day, kind, number in rows}
    return [
        Trend(str(day), *(found.get((str(day), kind), 0) for kind in KINDS)) for day in over.days
    ]


def holds_of(days: Sequence[date]) -> Part:
    """
    Answer the statement for the events of holds on these days: day, kind, and how many.

    A day on which clocks are changed may come in two rows.
    """
    texts, values = [], list[Any]()
    for stretch in stretches(days):
        texts.append(
            f"SELECT {local_day('at', stretch.minutes)} AS day, kind, COUNT(*) AS number "  # noqa: S608
            "FROM bookings_reservationevent "
            f"WHERE kind IN ({sql.marks(len(KINDS))}) AND at >= %s AND at < %s GROUP BY day, kind"
        )
        values += [*KINDS, stretch.begins_at, stretch.ends_at]
    return Part(" UNION ALL ".join(texts), values)


def whole(trend: list[Trend]) -> Trend:
    """Add days up to one."""
    return Trend(
        "",
        *(sum(getattr(one, kind) for one in trend) for kind in KINDS),
    )
