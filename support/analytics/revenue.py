"""
Revenue: what tickets were sold for, less what was given back for them.

It is what carriers are owed, the office's fees and the penalties together: in every month the
entries of those accounts of the ledger, to the cent.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from inventory.models import Carrier, Mode, TravelClass
from payments.models import Method
from support.analytics.days import Span, month_of, months
from support.analytics.sources import EVERYTHING, Only, Part, Tally, sum_of_sales
from travel.common import sql
from travel.common.money import Money

# What revenue is told by, and the expression that groups it.
BY = {
    "day": "day_id",
    "month": "SUBSTR(CAST(day_id AS CHAR(10)), 1, 7)",
    "mode": "mode",
    "carrier": "carrier_id",
    "class": "travel_class",
    "method": "method",
}
ROUTE = "route"
DIMENSIONS = ("day", "month", "mode", "carrier", ROUTE, "class", "method")
SUMS = (
    "CASE WHEN move = 'sold' THEN tickets ELSE 0 END",
    "CASE WHEN move = 'cancelled' THEN tickets ELSE 0 END",
    "CASE WHEN move = 'sold' THEN amount_minor ELSE 0 END",
    "CASE WHEN move = 'sold' THEN 0 ELSE -amount_minor END",
    "CASE WHEN move = 'cancelled' THEN price_minor ELSE 0 END",
)
# Routes and carriers are a list of the biggest; so many at most.
MOST_ROWS = 1_000


@dataclass(frozen=True, slots=True)
class Line:
    """
    Revenue of one kind in one currency.

    `key` names the kind (a day, a carrier's id, ...), `label` tells it to people. `sold` is what
    tickets were sold for, `given_back` what was refunded of cancelled ones, `kept` the rest of
    their price; `net` is sold less given back.
    """

    key: str
    label: str
    tickets: int
    cancelled: int
    sold: Money
    given_back: Money
    kept: Money

    @property
    def net(self) -> Money:
        return self.sold - self.given_back

    @property
    def currency(self) -> str:
        return self.sold.currency

    @property
    def refund_share(self) -> int:
        """Of the price of cancelled tickets what was given back, in basis points."""
        return share(self.given_back.minor, self.given_back.minor + self.kept.minor)


def share(part: int, whole: int) -> int:
    """Answer a part of a whole in basis points, rounded half up; of nothing it is nothing."""
    return (2 * part * 10_000 + whole) // (2 * whole) if whole else 0


def revenue(*, by: str, over: Span, only: Only = EVERYTHING, limit: int = MOST_ROWS) -> list[Line]:
    """
    Answer revenue by one dimension, a line for each kind and currency.

    Days and months come in order, days without a sale too where there is a currency at all; of the
    others the biggest of each currency comes first. `by` is one of DIMENSIONS.
    """
    if by == ROUTE:
        return routes(over=over, only=only, limit=limit)
    grouped = sum_of_sales(Tally((BY[by], "currency_id"), SUMS), over, only)
    lines = [
        _line(str(key), str(key), currency, sums)
        for key, currency, *sums in sql.rows(grouped.text, grouped.values)
    ]
    if by == "day":
        return _every_day(lines, over)
    if by == "month":
        return sorted(lines, key=lambda line: (line.currency, line.key))
    named = labels(by, [line.key for line in lines])
    return _biggest((replace(line, label=named[line.key]) for line in lines), limit)


def routes(*, over: Span, only: Only = EVERYTHING, limit: int = MOST_ROWS) -> list[Line]:
    """
    Answer the routes, from city to city, by currency, those of the biggest revenue first.

    A route goes one way. Its key is `from-to`, by the cities' ids.
    """
    grouped = sum_of_sales(
        Tally(("from_station_id", "to_station_id", "currency_id"), SUMS), over, only
    )
    rows = sql.rows(
        *by_city(
            grouped,
            further="key_2",
            sums=len(SUMS),
            order="key_2, SUM(sum_2) - SUM(sum_3) DESC",
            limit=limit,
        )
    )
    return [
        _line(f"{one}-{other}", f"{start} → {end}", currency, sums)
        for one, start, other, end, currency, *sums in rows
    ]


def by_city(
    grouped: Part, *, sums: int, order: str, limit: int, further: str = ""
) -> tuple[str, list[Any]]:
    """
    Answer the statement and values that add up a sum by two stations to one by their cities.

    Its columns: id and name of the one city and of the other, a further key, and the sums.
    """
    more = f", {further}" if further else ""
    cities = "origin.id, origin.name, target.id, target.name"
    totals = ", ".join(f"SUM(sum_{n})" for n in range(sums))
    statement = (
        f"SELECT {cities}{more}, {totals} FROM ({grouped.text}) by_station "  # noqa: S608
        "JOIN inventory_station start ON start.id = key_0 "
        "JOIN inventory_city origin ON origin.id = start.city_id "
        "JOIN inventory_station finish ON finish.id = key_1 "
        "JOIN inventory_city target ON target.id = finish.city_id "
        f"GROUP BY {cities}{more} "
        f"ORDER BY {order}, origin.name, target.name, origin.id, target.id LIMIT %s"
    )
    return statement, [*grouped.values, limit]


def totals(lines: Iterable[Line]) -> list[Line]:
    """Add lines up to one for each currency, in the order of their codes."""
    found: dict[str, Line] = {}
    for line in lines:
        before = found.get(line.currency)
        found[line.currency] = _sum(before, line) if before else replace(line, key="", label="")
    return [found[currency] for currency in sorted(found)]


# --- how ------------------------------------------------------------------------------------------


def _line(key: str, label: str, currency: str, sums: Sequence[Any]) -> Line:
    # MySQL sums whole numbers to decimals.
    tickets, cancelled, sold, back, price = (int(one) for one in sums)
    return Line(
        key=key,
        label=label,
        tickets=tickets,
        cancelled=cancelled,
        sold=Money(sold, currency),
        given_back=Money(back, currency),
        kept=Money(price - back, currency),
    )


def _sum(one: Line, other: Line) -> Line:
    return Line(
        key="",
        label="",
        tickets=one.tickets + other.tickets,
        cancelled=one.cancelled + other.cancelled,
        sold=one.sold + other.sold,
        given_back=one.given_back + other.given_back,
        kept=one.kept + other.kept,
    )


def _every_day(lines: Sequence[Line], over: Span) -> list[Line]:
    found = {(line.currency, line.key): line for line in lines}
    return [
        found.get((currency, str(day))) or _line(str(day), str(day), currency, [0] * len(SUMS))
        for currency in sorted({line.currency for line in lines})
        for day in over.days
    ]


def _biggest(lines: Iterable[Line], limit: int) -> list[Line]:
    return sorted(lines, key=lambda line: (line.currency, -line.net.minor, line.label, line.key))[
        :limit
    ]


def labels(by: str, keys: Sequence[str]) -> dict[str, str]:
    """Answer the names of carriers, modes, classes or methods by their keys."""
    if by == "carrier":
        names = Carrier.objects.filter(id__in={int(key) for key in keys})
        return {str(number): name for number, name in names.values_list("id", "name")}
    words: dict[str, Any] = dict(
        {"mode": Mode.choices, "class": TravelClass.choices, "method": Method.choices}[by]
    )
    return {key: str(words[key]) for key in keys}


def booked_by_month(*, over: Span) -> dict[tuple[str, str], int]:
    """
    Answer what the ledger has booked, by month and currency: what revenue must be.

    That is all that carriers, fees and penalties gained and gave by sales, cancellations and
    rejected refunds.
    """
    return {
        (f"{month.first:%Y-%m}", currency): int(minor)
        for month in map(month_of, months(over.days))
        for currency, minor in sql.rows(
            _BOOKED, [max(month.begins_at, over.begins_at), min(month.ends_at, over.ends_at)]
        )
    }


_BOOKED = """
    SELECT account.currency_id, SUM(entry.amount_minor)
    FROM payments_transfer transfer
    JOIN payments_entry entry ON entry.transfer_id = transfer.id
    JOIN payments_account account ON account.id = entry.account_id
    WHERE transfer.at >= %s AND transfer.at < %s
        AND transfer.kind IN ('payment', 'cancelled', 'penalty')
        AND account.kind IN ('carrier', 'fee', 'penalty')
    GROUP BY account.currency_id
"""
