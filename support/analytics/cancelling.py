"""Tickets sold and cancelled, counted: what is popular, what is cancelled, and how early."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from support.analytics.days import Span
from support.analytics.revenue import BY, MOST_ROWS, ROUTE, by_city, labels, share
from support.analytics.sources import EVERYTHING, Only, Tally, sum_of_sales
from support.models import Lead
from travel.common import sql
from travel.common.money import Money

# From the earliest to the latest.
LEADS = (Lead.MORE, Lead.MONTH, Lead.WEEK, Lead.DAYS, Lead.DAY, Lead.AFTER)
DIMENSIONS = (ROUTE, "carrier", "mode", "class", "day", "month")
POPULAR, CANCELLED = "popular", "cancelled"
_COUNTS = (
    "CASE WHEN move = 'sold' THEN tickets ELSE 0 END",
    "CASE WHEN move = 'cancelled' THEN tickets ELSE 0 END",
)


@dataclass(frozen=True, slots=True)
class Count:
    """
    Tickets of one kind that were sold and that were cancelled in a span.

    The rate is what was cancelled for each ticket that was sold, both in the span.
    """

    key: str
    label: str
    tickets: int
    cancelled: int

    @property
    def cancelled_share(self) -> int:
        """In basis points."""
        return share(self.cancelled, self.tickets)


def tickets(
    *,
    by: str,
    over: Span,
    only: Only = EVERYTHING,
    first: str = POPULAR,
    limit: int = MOST_ROWS,
) -> list[Count]:
    """
    Answer tickets by one of DIMENSIONS, whatever their currency.

    Days and months come in order; of the others those with most tickets, or with most cancelled
    ones, come `first`. A route goes from city to city, one way.
    """
    if by == ROUTE:
        grouped = sum_of_sales(Tally(("from_station_id", "to_station_id"), _COUNTS), over, only)
        order = {POPULAR: "SUM(sum_0) DESC", CANCELLED: "SUM(sum_1) DESC, SUM(sum_0) DESC"}[first]
        rows = sql.rows(*by_city(grouped, sums=len(_COUNTS), order=order, limit=limit))
        return [
            _count(f"{one}-{other}", f"{start} → {end}", sums)
            for one, start, other, end, *sums in rows
        ]
    grouped = sum_of_sales(Tally((BY[by],), _COUNTS), over, only)
    found = {str(key): sums for key, *sums in sql.rows(grouped.text, grouped.values)}
    if by == "day":
        return [_count(str(day), str(day), found.get(str(day), (0, 0))) for day in over.days]
    if by == "month":
        return [_count(key, key, found[key]) for key in sorted(found)]
    named = labels(by, list(found))
    lines = [_count(key, named[key], sums) for key, sums in found.items()]
    if first == CANCELLED:
        lines.sort(key=lambda line: (-line.cancelled, -line.tickets, line.label, line.key))
    else:
        lines.sort(key=lambda line: (-line.tickets, line.label, line.key))
    return lines[:limit]


def _count(key: str, label: str, sums: Sequence[Any]) -> Count:
    return Count(key, label, *map(int, sums))


# --- how long before ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LeadCount:
    """
    Tickets that were sold, and tickets that were cancelled, so long before their departures.

    A ticket that was sold early and cancelled late is counted in two lines. The shares are of all
    sold and of all cancelled ones; `minutes` is the mean time from a sale to its departure, None
    where nothing was sold.
    """

    key: str
    label: str
    tickets: int
    tickets_share: int
    cancelled: int
    cancelled_share: int
    minutes: int | None


def lead_times(*, over: Span, only: Only = EVERYTHING) -> list[LeadCount]:
    """Answer how long before its own departure tickets are sold and cancelled."""
    sums = (*_COUNTS, "CASE WHEN move = 'sold' THEN lead_minutes ELSE 0 END")
    grouped = sum_of_sales(Tally(("lead_time",), sums), over, only)
    found = {key: [*map(int, counts)] for key, *counts in sql.rows(grouped.text, grouped.values)}
    sold, gone = (sum(counts[place] for counts in found.values()) for place in (0, 1))
    lines = []
    for lead in LEADS:
        bought, cancelled, minutes = found.get(lead.value, [0, 0, 0])
        lines.append(
            LeadCount(
                key=lead.value,
                label=str(lead.label),
                tickets=bought,
                tickets_share=share(bought, sold),
                cancelled=cancelled,
                cancelled_share=share(cancelled, gone),
                minutes=minutes // bought if bought else None,
            )
        )
    return lines


@dataclass(frozen=True, slots=True)
class LeadRefund:
    """What was given back of tickets that were cancelled so long before their departures."""

    key: str
    label: str
    cancelled: int
    price: Money
    given_back: Money

    @property
    def kept(self) -> Money:
        return self.price - self.given_back

    @property
    def refund_share(self) -> int:
        """Of the price what was given back, in basis points."""
        return share(self.given_back.minor, self.price.minor)


def refunds_by_lead(*, over: Span, only: Only = EVERYTHING) -> list[LeadRefund]:
    """Answer refunds by the time before the departure, for each currency in which there are any."""
    sums = (
        _COUNTS[1],
        "CASE WHEN move = 'cancelled' THEN price_minor ELSE 0 END",
        "CASE WHEN move = 'sold' THEN 0 ELSE -amount_minor END",
    )
    grouped = sum_of_sales(Tally(("currency_id", "lead_time"), sums), over, only)
    found = {
        (currency, key): [*map(int, counts)]
        for currency, key, *counts in sql.rows(grouped.text, grouped.values)
    }
    return [
        LeadRefund(
            lead.value, str(lead.label), counts[0], *(Money(one, currency) for one in counts[1:])
        )
        for currency in sorted({currency for currency, _key in found})
        for lead in LEADS
        if any(counts := found.get((currency, lead.value), [0, 0, 0]))
    ]
