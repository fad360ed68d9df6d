"""What is cancelled, and when: by route and carrier, and by the time before the departure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from support.analytics.days import Span
from support.analytics.revenue import MOST_ROWS, Line, revenue, share
from support.analytics.sources import EVERYTHING, Only, Tally, sum_of_sales
from support.models import Lead
from travel.common import sql
from travel.common.money import Money

# From the earliest to the latest.
LEADS = (Lead.MORE, Lead.MONTH, Lead.WEEK, Lead.DAYS, Lead.DAY, Lead.AFTER)


@dataclass(frozen=True, slots=True)
class LeadLine:
    """
    Tickets that were sold and cancelled so long before their departures, in one currency.

    A ticket that was sold early and cancelled late is counted in two lines. `minutes` is the mean
    time from the sale to the departure, None where nothing was sold.
    """

    key: str
    label: str
    tickets: int
    cancelled: int
    sold: Money
    price_cancelled: Money
    given_back: Money
    minutes: int | None

    @property
    def refund_share(self) -> int:
        """Of the price of the cancelled tickets what was given back, in basis points."""
        return share(self.given_back.minor, self.price_cancelled.minor)


def cancelled_by(
    by: str, *, over: Span, only: Only = EVERYTHING, limit: int = MOST_ROWS
) -> list[Line]:
    """
    Answer sales and cancellations of a span by `route`, `carrier`, `mode`, `class`, `day` or
    `month`; what was cancelled most comes first where there is no order in time.

    The rate is what was cancelled in the span for each ticket that was sold in it.
    """
    lines = revenue(by=by, over=over, only=only)
    if by not in ("day", "month"):
        lines.sort(key=lambda line: (line.currency, -line.cancelled, -line.tickets, line.label))
    return lines[:limit]


def lead_times(*, over: Span, only: Only = EVERYTHING) -> list[LeadLine]:
    """Answer how long before its own departure tickets are sold and cancelled, by currency."""
    grouped = sum_of_sales(Tally(("lead_time", "currency_id"), _SUMS), over, only)
    found = {
        (currency, lead): [int(one) for one in sums]
        for lead, currency, *sums in sql.rows(grouped.text, grouped.values)
    }
    return [
        _line(lead, currency, found.get((currency, lead), [0] * len(_SUMS)))
        for currency in sorted({currency for currency, _lead in found})
        for lead in LEADS
    ]


_SUMS = (
    "CASE WHEN move = 'sold' THEN tickets ELSE 0 END",
    "CASE WHEN move = 'cancelled' THEN tickets ELSE 0 END",
    "CASE WHEN move = 'sold' THEN amount_minor ELSE 0 END",
    "CASE WHEN move = 'cancelled' THEN price_minor ELSE 0 END",
    "CASE WHEN move = 'sold' THEN 0 ELSE -amount_minor END",
    "CASE WHEN move = 'sold' THEN lead_minutes ELSE 0 END",
)


def _line(lead: Any, currency: str, sums: list[int]) -> LeadLine:
    tickets, cancelled, sold, price, back, minutes = sums
    return LeadLine(
        key=str(lead.value),
        label=str(lead.label),
        tickets=tickets,
        cancelled=cancelled,
        sold=Money(sold, currency),
        price_cancelled=Money(price, currency),
        given_back=Money(back, currency),
        minutes=minutes // tickets if tickets else None,
    )
