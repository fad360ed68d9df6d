"""
The one statement that reads every book kept of a reservation.

Each book is a SELECT with the same columns: what happened when, in which state it is now, by whom,
why, an amount, and seven texts that mean what its reader says (support.story.books). Nothing that
opens a door is among them: no body of a message or a provider's event, no barcode, no digest, no
card.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from accounts.models import known_as
from travel.common import sql

# A story is read by a person; nobody reads more than this, and the lists of each table have more.
MOST_ROWS = 3_000
# What the departures desk does that those who have booked may feel.
FELT = ("delay", "cancel", "skip", "platform", "swap", "settle", "block", "seat")

# At one instant a cause is told before what came of it.
HOLDER, BEFORE_PAYMENT, BEFORE_DESK, BEFORE_SCAN = -4, -3, -2, -1

_COLUMNS = {
    "id": "0",
    "at": "",
    "kind": "''",
    "state": "''",
    "by_kind": "''",
    "first_name": "''",
    "last_name": "''",
    "email": "''",
    "reason": "''",
    "minor": "0",
    **dict.fromkeys("abcdefg", "''"),
}


class Row(NamedTuple):
    """A row of a book; `book` is the number of its SELECT."""

    book: int
    id: int
    at: datetime
    kind: str
    state: str
    by_kind: str
    first_name: str
    last_name: str
    email: str
    reason: str
    minor: int
    a: str
    b: str
    c: str
    d: str
    e: str
    f: str
    g: str

    @property
    def actor(self) -> str:
        """The name of who did it, or the address where there is no name."""
        return known_as(self.first_name, self.last_name, self.email)


def rows_of(*, reservation_id: int, booked_at: datetime) -> list[Row]:
    """Answer all rows of a reservation's books, the oldest first, at most `MOST_ROWS` of them."""
    given = {
        "id": reservation_id,
        "about": f"reservation:{reservation_id}",
        "act": f"bookings.reservation:{reservation_id}",
        "since": booked_at,
    }
    values = [given[name] for book in _BOOKS for name in book.values]
    return [_row(found) for found in sql.rows(_STATEMENT, values)]


def _row(values: Sequence[object]) -> Row:
    row = Row(*("" if value is None else value for value in values))  # type: ignore[arg-type]
    moment = sql.moment(row.at)
    assert moment is not None, "every book keeps the time"
    return row._replace(at=moment, id=int(row.id), minor=int(row.minor or 0))


# --- the books ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Book:
    """A SELECT of one book, and what its placeholders stand for, in order."""

    text: str
    values: tuple[str, ...] = ("id",)


def _by(user: str) -> dict[str, str]:
    """Answer the columns that name a person."""
    return {name: f"{user}.{name}" for name in ("first_name", "last_name", "email")}


def _text(column: str) -> str:
    return f"COALESCE(CAST({column} AS CHAR), '')"


def _select(number: int, rows: str, **columns: str) -> str:
    shown = _COLUMNS | columns
    return f"SELECT {number}, {', '.join(shown.values())} FROM {rows}"  # noqa: S608 - our own words


_PAID = "payments_payment payment ON payment.id = "
_OURS = "WHERE payment.reservation_id = %s"
_TRAVELS = (
    "SELECT ticket.departure_id FROM bookings_passenger passenger "
    "JOIN bookings_coupon coupon ON coupon.passenger_id = passenger.id "
    "JOIN inventory_ticket ticket ON ticket.id = coupon.ticket_id "
    "WHERE passenger.reservation_id = %s"
)

_BOOKS = [
    _Book(
        _select(
            HOLDER,
            "bookings_reservation booked JOIN accounts_user person ON person.id = booked.user_id "
            "WHERE booked.id = %s",
            id="person.id",
            at="booked.created_at",
            a="CASE WHEN person.is_active THEN '1' ELSE '' END",
            b="CASE WHEN person.is_staff THEN '1' ELSE '' END",
            c="CASE WHEN person.is_superuser THEN '1' ELSE '' END",
            d="COALESCE(person.phone, '')",
            **_by("person"),
        )
    ),
    _Book(
        _select(
            0,
            "bookings_reservationevent event "
            "LEFT JOIN accounts_user person ON person.id = event.actor_id "
            "WHERE event.reservation_id = %s",
            id="event.id",
            at="event.at",
            kind="event.kind",
            by_kind="event.actor_kind",
            reason="event.reason",
            a="event.from_state",
            b="event.to_state",
            c=_text("event.details"),
            **_by("person"),
        )
    ),
    _Book(
        _select(
            1,
            "common_outboxmessage message WHERE message.about = %s",
            id="message.id",
            at="message.created_at",
            kind="message.kind",
            state="CASE WHEN message.sent_at IS NOT NULL THEN 'sent' "
            "WHEN message.given_up_at IS NOT NULL THEN 'given_up' ELSE 'waiting' END",
            reason="message.last_error",
            a="message.channel",
            b="message.recipient",
            c="message.subject",
            d=_text("message.attempts"),
            e=_text("COALESCE(message.sent_at, message.given_up_at)"),
        ),
        ("about",),
    ),
    _Book(
        _select(
            2,
            "support_report report JOIN accounts_user person ON person.id = report.user_id "
            "WHERE report.reservation_id = %s",
            id="report.id",
            at="report.created_at",
            kind="report.category",
            state="report.state",
            by_kind="'holder'",
            a=_text("report.user_id"),
            **_by("person"),
        )
    ),
    _Book(
        _select(
            3,
            "support_report report "
            "JOIN support_reportmessage message ON message.report_id = report.id "
            "LEFT JOIN accounts_user person ON person.id = message.author_id "
            "WHERE report.reservation_id = %s",
            id="report.id",
            at="message.created_at",
            kind="CASE WHEN message.is_internal THEN 'internal' "
            "WHEN message.is_from_staff THEN 'answer' ELSE 'message' END",
            state="message.event",
            by_kind="CASE WHEN message.author_id IS NULL THEN 'system' "
            "WHEN message.is_from_staff THEN 'staff' ELSE 'holder' END",
            a="message.body",
            b=_text("report.user_id"),
            **_by("person"),
        )
    ),
    _Book(
        _select(
            BEFORE_PAYMENT,
            "payments_payment payment WHERE payment.reservation_id = %s",
            id="payment.id",
            at="payment.created_at",
            kind="payment.method",
            state="payment.state",
            by_kind="'holder'",
            minor="payment.amount_minor",
            a="payment.gateway",
            b="COALESCE(payment.gateway_reference, '')",
            c="COALESCE(payment.provider_reference, '')",
            d="payment.failure",
            e=_text("payment.finished_at"),
            f=_text("payment.received_minor"),
            g=_text("payment.settles_id"),
        )
    ),
    # At the instant of its attempt, and after it.
    _Book(
        _select(
            14,
            f"payments_cryptoinvoice invoice JOIN {_PAID}invoice.payment_id {_OURS}",
            id="payment.id",
            at="payment.created_at",
            a="invoice.asset",
            b=_text("invoice.amount"),
            c=_text("invoice.rate"),
            d=_text("invoice.received"),
            e=_text("invoice.confirmations"),
            f=_text("invoice.confirmations_needed"),
        )
    ),
    _Book(
        _select(
            4,
            f"payments_refund refund JOIN {_PAID}refund.payment_id "
            f"LEFT JOIN accounts_user person ON person.id = refund.requested_by_id {_OURS}",
            id="refund.id",
            at="refund.created_at",
            kind="refund.cause",
            state="refund.state",
            by_kind="CASE WHEN refund.requested_by_id IS NULL THEN 'system' ELSE 'staff' END",
            reason="refund.note",
            minor="refund.amount_minor",
            a="refund.destination",
            b="refund.reason_code",
            c="refund.gateway_reference",
            d=_text("refund.done_at"),
            e="refund.last_error",
            f=_text("refund.payment_id"),
            **_by("person"),
        )
    ),
    *(
        _Book(
            _select(
                5,
                f"payments_webhookevent event {joins} {_OURS}",
                id="event.id",
                at="event.received_at",
                kind="event.kind",
                state="event.state",
                reason="event.problem",
                a="event.gateway",
                b="event.event_id",
                c=_text("event.processed_at"),
                d=_text("event.attempts"),
            )
        )
        for joins in (
            f"JOIN {_PAID}event.payment_id",
            (
                f"JOIN payments_refund refund ON refund.id = event.refund_id "
                f"JOIN {_PAID}refund.payment_id"
            ),
        )
    ),
    _Book(
        _select(
            6,
            "payments_cancellation cancellation "
            "JOIN payments_cancelledcoupon line ON line.cancellation_id = cancellation.id "
            "LEFT JOIN accounts_user person ON person.id = cancellation.actor_id "
            "WHERE cancellation.reservation_id = %s",
            id="cancellation.id",
            at="cancellation.at",
            kind="cancellation.reason_code",
            by_kind="cancellation.actor_kind",
            reason="cancellation.reason",
            minor="line.refund_minor",
            a=_text("line.coupon_id"),
            b=_text("line.penalty_minor"),
            c=_text("line.waived_minor"),
            d=_text("line.rejected_minor"),
            e=_text("line.penalty_basis_points"),
            f=_text("line.tier_minutes_before"),
            **_by("person"),
        )
    ),
    _Book(
        _select(
            7,
            "payments_goodwill goodwill "
            "JOIN payments_account account ON account.id = goodwill.account_id "
            "LEFT JOIN accounts_user person ON person.id = goodwill.requested_by_id "
            "LEFT JOIN accounts_user colleague ON colleague.id = goodwill.decided_by_id "
            "WHERE goodwill.reservation_id = %s",
            id="goodwill.id",
            at="goodwill.created_at",
            kind="goodwill.reason_code",
            state="goodwill.state",
            by_kind="'staff'",
            reason="goodwill.note",
            minor="goodwill.amount_minor",
            a="account.currency_id",
            b=_text("goodwill.decided_at"),
            c="COALESCE(colleague.first_name, '')",
            d="COALESCE(colleague.last_name, '')",
            e="COALESCE(colleague.email, '')",
            **_by("person"),
        )
    ),
    _Book(
        _select(
            8,
            "payments_receipt receipt "
            "JOIN payments_receiptseries series ON series.id = receipt.series_id "
            "WHERE receipt.reservation_id = %s",
            id="receipt.id",
            at="receipt.issued_at",
            kind="receipt.kind",
            minor="receipt.total_minor",
            a="series.issuer",
            b=_text("series.year"),
            c=_text("receipt.number"),
            d="receipt.currency_id",
        )
    ),
    *(
        _Book(
            _select(
                9,
                f"{origin} "
                "JOIN payments_entry entry ON entry.transfer_id = transfer.id "
                "JOIN payments_account account ON account.id = entry.account_id "
                "LEFT JOIN inventory_carrier carrier ON carrier.id = account.carrier_id "
                f"WHERE {whose}.reservation_id = %s",
                id="transfer.id",
                at="transfer.at",
                kind="transfer.kind",
                minor="entry.amount_minor",
                a="account.kind",
                b="COALESCE(carrier.name, account.gateway, '')",
                c="transfer.reference",
                d="account.currency_id",
            )
        )
        for origin, whose in (
            (
                (
                    "payments_payment payment "
                    "JOIN payments_transfer transfer ON transfer.payment_id = payment.id"
                ),
                "payment",
            ),
            (
                (
                    "payments_goodwill goodwill "
                    "JOIN payments_transfer transfer ON transfer.goodwill_id = goodwill.id"
                ),
                "goodwill",
            ),
        )
    ),
    *(
        _Book(
            _select(
                10,
                f"payments_moneyalarm alarm {joins} "
                f"LEFT JOIN accounts_user person ON person.id = alarm.closed_by_id {_OURS}{rest}",
                id="alarm.id",
                at="alarm.opened_at",
                kind="alarm.kind",
                state="CASE WHEN alarm.closed_at IS NULL THEN 'open' ELSE 'closed' END",
                reason="alarm.note",
                a=_text("alarm.closed_at"),
                **_by("person"),
            )
        )
        for joins, rest in (
            (f"JOIN {_PAID}alarm.payment_id", ""),
            (
                (
                    "JOIN payments_refund refund ON refund.id = alarm.refund_id "
                    f"JOIN {_PAID}refund.payment_id"
                ),
                " AND alarm.payment_id IS NULL",
            ),
        )
    ),
    _Book(
        _select(
            BEFORE_SCAN,
            "bookings_passenger passenger "
            "JOIN bookings_coupon coupon ON coupon.passenger_id = passenger.id "
            "JOIN bookings_scan scan ON scan.coupon_id = coupon.id "
            "JOIN inventory_departure departure ON departure.id = scan.departure_id "
            "JOIN inventory_service service ON service.id = departure.service_id "
            "LEFT JOIN inventory_call stop ON stop.id = scan.departure_id * 64 + scan.stop "
            "LEFT JOIN inventory_station station ON station.id = stop.station_id "
            "LEFT JOIN accounts_user person ON person.id = scan.staff_id "
            "WHERE passenger.reservation_id = %s",
            id="scan.id",
            at="scan.at",
            kind="scan.outcome",
            state="CASE WHEN scan.let_in THEN 'let_in' ELSE '' END",
            by_kind="'staff'",
            a=_text("scan.coupon_id"),
            b="service.number",
            c="COALESCE(station.name, '')",
            d="scan.coach",
            e="scan.how",
            f=_text("scan.received_at"),
            g="CASE WHEN scan.insisted THEN 'insisted' ELSE '' END",
            **_by("person"),
        )
    ),
    _Book(
        _select(
            BEFORE_DESK,
            "support_deskentry entry "
            "JOIN inventory_departure departure ON departure.id = entry.departure_id "
            "JOIN inventory_service service ON service.id = departure.service_id "
            "LEFT JOIN accounts_user person ON person.id = entry.actor_id "
            f"WHERE entry.departure_id IN ({_TRAVELS}) AND entry.at >= %s "
            f"AND entry.act IN ({', '.join(repr(act) for act in FELT)})",
            id="entry.id",
            at="entry.at",
            kind="entry.act",
            by_kind="'staff'",
            reason="entry.reason",
            a=_text("entry.departure_id"),
            b="service.number",
            c=_text("entry.details"),
            d=_text("departure.travel_date"),
            **_by("person"),
        ),
        ("id", "since"),
    ),
    _Book(
        _select(
            11,
            "support_disruptionitem item "
            "JOIN support_disruptionjob job ON job.id = item.job_id "
            "LEFT JOIN accounts_user person ON person.id = job.created_by_id "
            "WHERE item.reservation_id = %s",
            id="item.id",
            at="COALESCE(item.done_at, job.created_at)",
            kind="job.deed",
            state="item.state",
            by_kind="'system'",
            reason="job.reason",
            a="item.outcome",
            b=_text("job.id"),
            c="job.cause",
            d="item.last_error",
            **_by("person"),
        )
    ),
    _Book(
        _select(
            12,
            "common_act act JOIN django_admin_log entry ON entry.id = act.entry_id "
            "LEFT JOIN accounts_user person ON person.id = act.actor_id WHERE act.about = %s",
            id="act.entry_id",
            at="act.at",
            kind="act.kind",
            by_kind="'staff'",
            reason="act.reason",
            a="entry.change_message",
            b="act.address",
            **_by("person"),
        ),
        ("act",),
    ),
    _Book(
        _select(
            13,
            "support_servingentry entry "
            "JOIN support_serving serving ON serving.id = entry.serving_id "
            "LEFT JOIN accounts_user person ON person.id = serving.staff_id "
            "WHERE entry.reservation_id = %s",
            id="serving.id",
            at="entry.at",
            kind="serving.purpose",
            state="CASE WHEN entry.is_refused THEN 'refused' ELSE '' END",
            by_kind="'staff'",
            reason="serving.reason",
            a="entry.what",
            b="serving.address",
            **_by("person"),
        )
    ),
]
_STATEMENT = "\nUNION ALL\n".join(book.text for book in _BOOKS) + (
    f"\nORDER BY 3, 1, 2 LIMIT {MOST_ROWS}"
)
