"""
Where sales are read: days that are closed from what is kept of them, the others from the ledger.

Both are one statement, so that a day is never counted twice nor left out, however long the job
that closes days was away. A move of revenue is a ticket that was sold, cancelled, or of which a
refund was rejected, at the time of the ledger's transfer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.db import connection
from django.db.models import Count, Q

from support.analytics.days import Span, stretches, zone
from support.models import ClosedDay, Lead, Move
from travel.common import sql

# Up to how many seconds before its departure a ticket counts as so late.
LEADS = (
    (Lead.AFTER, 0),
    (Lead.DAY, 86_400),
    (Lead.DAYS, 3 * 86_400),
    (Lead.WEEK, 7 * 86_400),
    (Lead.MONTH, 30 * 86_400),
)


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a statement with the values of its placeholders, in order."""

    text: str
    values: Sequence[Any] = ()


@dataclass(frozen=True, slots=True)
class Only:
    """
    What is counted: sales of some carriers (None: of all), and of one mode (empty: of all).
    """

    carriers: frozenset[int] | None = None
    mode: str = ""

    def condition(self, *, carrier: str = "carrier_id", mode: str = "mode") -> Part:
        """Answer the condition on columns of these names; it begins with AND, or is empty."""
        text, values = "", list[Any]()
        if self.carriers is not None:
            text += f" AND {carrier} IN ({sql.marks(len(self.carriers))})"
            values += sorted(self.carriers)
        if self.mode:
            text += f" AND {mode} = %s"
            values.append(self.mode)
        return Part(text, values)


EVERYTHING = Only()


@dataclass(frozen=True, slots=True)
class Tally:
    """
    What a grouped sum over a source answers: `keys` are expressions over the source's columns,
    `sums` what is added up.
    """

    keys: Sequence[str]
    sums: Sequence[str]
    where: str = ""
    values: Sequence[Any] = field(default_factory=tuple)


def sum_of_sales(tally: Tally, over: Span, only: Only = EVERYTHING) -> Part:
    """
    Answer the statement that sums moves of revenue by keys, in no order.

    Its columns are key_0, key_1, ... and sum_0, sum_1, ...
    """
    return _both("support_daysales", tally, over, only, _live_sales)


def sum_of_customers(tally: Tally, over: Span, only: Only = EVERYTHING) -> Part:
    """Answer the statement that sums what accounts bought: day, user_id, mode, currency_id, sold,
    cancelled, amount_minor; a customer is of no carrier."""
    table = "support_daycustomer"
    if tally.keys[0] == "user_id" and _is_most_of_it(over):
        # Read in the order in which it is added up, without a table between: three times as fast.
        table += _FORCED
    return _both(table, tally, over, Only(mode=only.mode), _live_customers)


def _is_most_of_it(over: Span) -> bool:
    """Say whether a span has half of all closed days: by their days few others would be spared."""
    if connection.vendor != "mysql":
        return False
    inside = Count("day", filter=Q(day__gte=over.first, day__lte=over.last))
    every = ClosedDay.objects.aggregate(all=Count("day"), inside=inside)
    return 2 * every["inside"] >= every["all"] > 0


_FORCED = " FORCE INDEX (day_customer_of_user)"


def open_days(over: Span) -> list[date]:
    """Answer the days of a span that are not closed in the office's zone."""
    closed = set(
        ClosedDay.objects.filter(day__gte=over.first, day__lte=over.last, zone=zone()).values_list(
            "day", flat=True
        )
    )
    return [day for day in over.days if day not in closed]


def closed_days(over: Span, still_open: Sequence[date]) -> Part:
    """
    Answer the condition on `day_id` for the days of a span but those that are open.

    Only open days between closed ones are named, not the months before the first sale.
    """
    left_out = set(still_open)
    closed = [day for day in over.days if day not in left_out]
    if not closed:
        return Part("1 = 0")
    between = [day for day in still_open if closed[0] < day < closed[-1]]
    apart = f" AND day_id NOT IN ({sql.marks(len(between))})" if between else ""
    return Part(f"day_id >= %s AND day_id <= %s{apart}", [closed[0], closed[-1], *between])


def _both(table: str, tally: Tally, over: Span, only: Only, live: Any) -> Part:
    """Sum what is kept of closed days and what is reckoned of the others, then both together."""
    still_open = open_days(over)
    condition = only.condition()
    where = f"{condition.text}{' AND ' + tally.where if tally.where else ''}"
    where_values = [*condition.values, *tally.values]
    keys = ", ".join(f"{text} AS key_{n}" for n, text in enumerate(tally.keys))
    sums = ", ".join(f"SUM({text}) AS sum_{n}" for n, text in enumerate(tally.sums))
    groups = ", ".join(tally.keys)
    closed = closed_days(over, still_open)
    kept = Part(
        f"SELECT {keys}, {sums} FROM {table} "  # noqa: S608 - texts of this package
        f"WHERE {closed.text}{where} GROUP BY {groups}",
        [*closed.values, *where_values],
    )
    parts = [kept]
    if still_open:
        now = live(still_open)
        parts.append(
            Part(
                f"SELECT {keys}, {sums} FROM ({now.text}) moved "  # noqa: S608 - as above
                f"WHERE 1 = 1{where} GROUP BY {groups}",
                [*now.values, *where_values],
            )
        )
    names = ", ".join(f"key_{n}" for n in range(len(tally.keys)))
    totals = ", ".join(f"SUM(sum_{n}) AS sum_{n}" for n in range(len(tally.sums)))
    union = " UNION ALL ".join(part.text for part in parts)
    return Part(
        f"SELECT {names}, {totals} FROM ({union}) counted GROUP BY {names}",  # noqa: S608
        [value for part in parts for value in part.values],
    )


# --- from the ledger ------------------------------------------------------------------------------


def _live_sales(days: Sequence[date]) -> Part:
    moves = moves_of(days)
    return Part(
        "SELECT day AS day_id, move, carrier_id, mode, from_station_id, to_station_id, "  # noqa: S608
        "travel_class, method, lead_time, currency_id, 1 AS tickets, price_minor, amount_minor, "
        f"lead_minutes FROM ({moves.text}) moves",
        moves.values,
    )


def _live_customers(days: Sequence[date]) -> Part:
    moves = moves_of(days)
    return Part(
        "SELECT day AS day_id, user_id, mode, currency_id, "  # noqa: S608 - as above
        "CASE WHEN move = 'sold' THEN 1 ELSE 0 END AS sold, "
        "CASE WHEN move = 'cancelled' THEN 1 ELSE 0 END AS cancelled, "
        f"amount_minor FROM ({moves.text}) moves WHERE user_id IS NOT NULL",
        moves.values,
    )


def moves_of(days: Sequence[date]) -> Part:
    """
    Answer the statement for every move of these days, a row a ticket, from the ledger's transfers.

    Of tickets that were exchanged the last counts: it has the price that was paid.
    """
    texts, values = [], list[Any]()
    for stretch in stretches(days):
        for move in Move.values:
            day = local_day("transfer.at", stretch.minutes)
            texts.append(_OF_MOVE[move].format(day=day, **_words()))
            values += [stretch.begins_at, stretch.ends_at]
    return Part(" UNION ALL ".join(texts), values)


def local_day(instant: str, minutes: int) -> str:
    """Answer the expression for the day of an instant where clocks are so many minutes ahead."""
    if connection.vendor == "sqlite":
        return f"date({instant}, '{minutes:+} minutes')"
    return f"DATE(TIMESTAMPADD(MINUTE, {minutes}, {instant}))"


def seconds_between(first: str, last: str) -> str:
    """Answer the expression for the whole seconds from one instant to another."""
    if connection.vendor == "sqlite":
        return (
            f"(CAST(strftime('%%s', {last}) AS INTEGER)"
            f" - CAST(strftime('%%s', {first}) AS INTEGER))"
        )
    return f"TIMESTAMPDIFF(SECOND, {first}, {last})"


def _words() -> dict[str, str]:
    left = seconds_between("transfer.at", "board.departs_at")
    cases = " ".join(f"WHEN {left} < {limit} THEN '{word}'" for word, limit in LEADS)
    return {
        "lead": f"CASE {cases} ELSE '{Lead.MORE}' END",
        "lead_minutes": whole(left, 60),
        "price": (
            "COALESCE((SELECT SUM(line.amount_minor) FROM bookings_priceline line "
            "WHERE line.coupon_id = coupon.id), 0)"
        ),
        "of_ticket": _OF_TICKET,
    }


def whole(number: str, divisor: int) -> str:
    """Answer the expression for a division of integers without its remainder."""
    if connection.vendor == "sqlite":
        return f"({number} / {divisor})"
    return f"(({number} - MOD({number}, {divisor})) / {divisor})"


_OF_TICKET = """
    JOIN inventory_ticket ticket ON ticket.id = coupon.ticket_id
    JOIN inventory_call board ON board.id = ticket.from_call_id
    JOIN inventory_call alight ON alight.id = ticket.to_call_id
    JOIN inventory_fare fare ON fare.id = ticket.fare_id
    JOIN inventory_departure departure ON departure.id = ticket.departure_id
    JOIN inventory_service service ON service.id = departure.service_id
"""
_COLUMNS = """
    {{day}} AS day, '{move}' AS move, service.carrier_id AS carrier_id, service.mode AS mode,
    board.station_id AS from_station_id, alight.station_id AS to_station_id,
    fare.travel_class AS travel_class, payment.method AS method, {{lead}} AS lead_time,
    payment.currency_id AS currency_id, reservation.user_id AS user_id
"""
_OF_CANCELLATION = """
    FROM payments_transfer transfer
    JOIN payments_cancelledcoupon gone ON gone.cancellation_id = transfer.cancellation_id
    JOIN bookings_coupon coupon ON coupon.id = gone.coupon_id
    JOIN bookings_passenger passenger ON passenger.id = coupon.passenger_id
    JOIN bookings_reservation reservation ON reservation.id = passenger.reservation_id
    JOIN payments_payment payment ON payment.settles_id = reservation.id
    {of_ticket}
    WHERE transfer.at >= %s AND transfer.at < %s AND transfer.kind = '{kind}'
"""
_OF_MOVE = {
    "sold": f"""
    SELECT {_COLUMNS.format(move="sold")}, {{price}} AS price_minor, {{price}} AS amount_minor,
        {{lead_minutes}} AS lead_minutes
    FROM payments_transfer transfer
    JOIN payments_payment payment ON payment.id = transfer.payment_id
    JOIN bookings_reservation reservation ON reservation.id = payment.reservation_id
    JOIN bookings_passenger passenger ON passenger.reservation_id = reservation.id
    JOIN bookings_coupon coupon ON coupon.passenger_id = passenger.id
    {{of_ticket}}
    WHERE transfer.at >= %s AND transfer.at < %s AND transfer.kind = 'payment'
        AND coupon.exchanged_for_id IS NULL
    """,  # noqa: S608 - as above
    # What a second person took back later was part of the refund when it was cancelled.
    "cancelled": f"""
    SELECT {_COLUMNS.format(move="cancelled")},
        gone.refund_minor + gone.penalty_minor AS price_minor,
        -(gone.refund_minor + gone.rejected_minor) AS amount_minor,
        {{lead_minutes}} AS lead_minutes
    {_OF_CANCELLATION.replace("{kind}", "cancelled")}
    """,
    "rejected": f"""
    SELECT {_COLUMNS.format(move="rejected")}, 0 AS price_minor,
        gone.rejected_minor AS amount_minor, 0 AS lead_minutes
    {_OF_CANCELLATION.replace("{kind}", "penalty")} AND gone.rejected_minor > 0
    """,
}
