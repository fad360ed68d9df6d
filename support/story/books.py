"""
Every book that is kept of a reservation, read in one statement, for staff.

Each book is a SELECT with the same columns: what happened when, in which state it is now, by whom,
why, an amount, and seven texts that mean what its reader below says. Nothing that opens a door is
among them: no body of a message or a provider's event, no barcode, no digest, no card.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from accounts.models import User
from bookings.selectors import ReservationDetail
from payments.receipts import number_text
from payments.selectors import PaymentDetail, RefundDetail
from support.story.entries import (
    ANSWER,
    EVENT,
    MESSAGE,
    PAYMENT,
    PUBLIC_EVENTS,
    REFUND,
    REPORT,
    Entry,
)
from travel.common import sql
from travel.common.money import Money

# Books that no traveller reads.
WEBHOOK, LEDGER, CANCELLATION, GOODWILL, RECEIPT, ALARM = (
    "webhook",
    "ledger",
    "cancellation",
    "goodwill",
    "receipt",
    "alarm",
)
SCAN, DESK, JOB, ACT, SERVING, NOTE, LETTER = (
    "scan",
    "desk",
    "job",
    "act",
    "serving",
    "note",
    "letter",
)
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


class _Row(NamedTuple):
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
        return f"{self.first_name} {self.last_name}".strip() or self.email or ""


@dataclass(frozen=True, slots=True)
class Books:
    """
    All that happened, the oldest first, and the attempts to pay as pages and rules read them.

    `holder` is as much of the holder's account as staff are told of it, None of a guest.
    """

    entries: list[Entry]
    payments: list[PaymentDetail]
    is_cut_off: bool
    holder: User | None = None


def read_all(reservation: ReservationDetail) -> Books:
    """Answer the whole story of a reservation that the reader may see already."""
    reader = _Reader(reservation)
    rows = [_row(values) for values in sql.rows(_STATEMENT, _values(reservation))]
    for row in rows:
        reader.take(row)
    return Books(
        reader.entries, list(reader.payments.values()), len(rows) == MOST_ROWS, reader.holder
    )


def _values(reservation: ReservationDetail) -> list[object]:
    given = {
        "id": reservation.id,
        "about": f"reservation:{reservation.id}",
        "act": f"bookings.reservation:{reservation.id}",
        "since": reservation.created_at,
    }
    return [given[name] for book in _BOOKS for name in book.values]


def _row(values: Sequence[object]) -> _Row:
    row = _Row(*("" if value is None else value for value in values))  # type: ignore[arg-type]
    moment = sql.moment(row.at)
    assert moment is not None, "every book keeps the time"
    return row._replace(at=moment, id=int(row.id), minor=int(row.minor or 0))


# --- the statement --------------------------------------------------------------------------------


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
            by_kind="CASE WHEN message.is_from_staff THEN 'staff' ELSE 'holder' END",
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


# --- reading --------------------------------------------------------------------------------------


@dataclass
class _Reader:
    """Turns rows into entries; what several rows say of one thing becomes one entry."""

    reservation: ReservationDetail
    entries: list[Entry] = field(default_factory=list)
    payments: dict[int, PaymentDetail] = field(default_factory=dict)
    open: dict[str, Entry] = field(default_factory=dict)
    holder: User | None = None

    def take(self, row: _Row) -> None:
        """Add what a row says."""
        _READERS[row.book](self, row)

    def money(self, minor: int | str, currency: str = "") -> Money:
        return Money(int(minor or 0), currency or self.reservation.currency)

    def add(
        self,
        row: _Row,
        source: str,
        table: str,
        details: dict[str, object],
        *,
        is_public: bool = False,
    ) -> Entry:
        entry = Entry(
            at=row.at,
            source=source,
            kind=row.kind,
            is_public=is_public,
            actor_kind=row.by_kind or "system",
            reason=row.reason,
            details=details,
            actor=row.actor,
            row=f"{table}:{row.id}",
        )
        self.entries.append(entry)
        return entry

    def part(self, row: _Row, source: str, table: str) -> tuple[Entry, list[object]]:
        """Answer the entry of which the row is a part, begun by its first, and the parts so far."""
        key = f"{table}:{row.id}"
        if key not in self.open:
            self.open[key] = self.add(row, source, table, {"parts": []})
        entry = self.open[key]
        parts = entry.details["parts"]
        assert isinstance(parts, list)
        return entry, parts


def _holder(reader: _Reader, row: _Row) -> None:
    reader.holder = User(
        pk=row.id,
        first_name=row.first_name,
        last_name=row.last_name,
        email=row.email or None,
        phone=row.d or None,
        is_active=bool(row.a),
        is_staff=bool(row.b),
        is_superuser=bool(row.c),
    )


def _event(reader: _Reader, row: _Row) -> None:
    details = json.loads(row.c or "{}") | {"from": row.a, "to": row.b}
    reader.add(
        row, EVENT, "bookings.reservationevent", details, is_public=row.kind in PUBLIC_EVENTS
    )


def _message(reader: _Reader, row: _Row) -> None:
    reader.add(
        row,
        MESSAGE,
        "common.outboxmessage",
        {
            "channel": row.a,
            "recipient": row.b,
            "subject": row.c,
            "attempts": int(row.d or 0),
            "state": row.state,
            "at_last": sql.moment(row.e or None),
            "is_sent": row.state == "sent",
            "is_given_up": row.state == "given_up",
        },
        is_public=row.state != "given_up",
    )


def _report(reader: _Reader, row: _Row) -> None:
    details: dict[str, object] = {
        "report": row.id,
        "state": row.state,
        "by": int(row.a),
        "text": "",
    }
    reader.open[f"report:{row.id}"] = reader.add(
        row, REPORT, "support.report", details, is_public=True
    )


def _letter(reader: _Reader, row: _Row) -> None:
    """An answer, a colleague's note, or what the passenger wrote after the report itself."""
    report = reader.open.get(f"report:{row.id}")
    if row.kind == "message" and report is not None and not report.details["text"]:
        report.details["text"] = row.a
        return
    source = {"internal": NOTE, "message": LETTER}.get(row.kind, ANSWER)
    reader.add(
        row,
        source,
        "support.report",
        {"report": row.id, "by": int(row.b), "text": row.a},
        is_public=row.kind == "answer",
    )


def _payment(reader: _Reader, row: _Row) -> None:
    finished_at = sql.moment(row.e or None)
    received = reader.money(row.f)
    amount = reader.money(row.minor)
    reader.payments[row.id] = PaymentDetail(
        id=row.id,
        reservation_id=reader.reservation.id,
        method=row.kind,
        state=row.state,
        amount=amount,
        failure=row.d,
        created_at=row.at,
        finished_at=finished_at,
        refunds=[],
    )
    reader.add(
        row,
        PAYMENT,
        "payments.payment",
        {
            "payment": row.id,
            "method": row.kind,
            "state": row.state,
            "amount": amount,
            "received": received,
            "settles": bool(row.g),
            "gateway": row.a,
            "reference": row.b,
            "provider_reference": row.c,
            "failure": row.d,
            "finished_at": finished_at,
        },
    )


def _refund(reader: _Reader, row: _Row) -> None:
    amount, done_at = reader.money(row.minor), sql.moment(row.d or None)
    payment = reader.payments.get(int(row.f))
    # What was rejected moves no money.
    if payment is not None and row.state != "rejected":
        payment.refunds.append(
            RefundDetail(row.id, amount, row.state, row.a, row.kind, row.at, done_at)
        )
    reader.add(
        row,
        REFUND,
        "payments.refund",
        {
            "refund": row.id,
            "payment": int(row.f),
            "amount": amount,
            "state": row.state,
            "destination": row.a,
            "cause": row.kind,
            "reason_code": row.b,
            "provider_reference": row.c,
            "done_at": done_at,
            "problem": row.e,
        },
        is_public=row.state not in ("done", "rejected"),
    )


def _webhook(reader: _Reader, row: _Row) -> None:
    reader.add(
        row,
        WEBHOOK,
        "payments.webhookevent",
        {
            "gateway": row.a,
            "event": row.b,
            "state": row.state,
            "processed_at": sql.moment(row.c or None),
            "attempts": int(row.d or 0),
        },
    )


def _cancellation(reader: _Reader, row: _Row) -> None:
    _entry, parts = reader.part(row, CANCELLATION, "payments.cancellation")
    parts.append(
        {
            "coupon": int(row.a),
            "refund": reader.money(row.minor),
            "penalty": reader.money(row.b),
            "waived": reader.money(row.c),
            "rejected": reader.money(row.d),
            "basis_points": int(row.e or 0),
            "tier": int(row.f) if row.f else None,
        }
    )


def _goodwill(reader: _Reader, row: _Row) -> None:
    reader.add(
        row,
        GOODWILL,
        "payments.goodwill",
        {
            "amount": reader.money(row.minor, row.a),
            "state": row.state,
            "decided_at": sql.moment(row.b or None),
            "decided_by": f"{row.c} {row.d}".strip(),
        },
    )


def _receipt(reader: _Reader, row: _Row) -> None:
    reader.add(
        row,
        RECEIPT,
        "payments.receipt",
        {
            "number": number_text(row.a, int(row.b), int(row.c)),
            "amount": reader.money(row.minor, row.d),
        },
    )


def _ledger(reader: _Reader, row: _Row) -> None:
    entry, parts = reader.part(row, LEDGER, "payments.transfer")
    entry.details["reference"] = row.c
    parts.append({"account": row.a, "of": row.b, "amount": reader.money(row.minor, row.d)})


def _alarm(reader: _Reader, row: _Row) -> None:
    reader.add(
        row,
        ALARM,
        "payments.moneyalarm",
        {"state": row.state, "closed_at": sql.moment(row.a or None)},
    )


def _scan(reader: _Reader, row: _Row) -> None:
    reader.add(
        row,
        SCAN,
        "bookings.scan",
        {
            "coupon": int(row.a),
            "let_in": row.state == "let_in",
            "service": row.b,
            "station": row.c,
            "coach": row.d,
            "how": row.e,
            "received_at": sql.moment(row.f or None),
            "insisted": bool(row.g),
        },
    )


def _desk(reader: _Reader, row: _Row) -> None:
    reader.add(
        row,
        DESK,
        "support.deskentry",
        {
            "departure": int(row.a),
            "service": row.b,
            "done": json.loads(row.c or "{}"),
            "day": row.d,
        },
    )


def _job(reader: _Reader, row: _Row) -> None:
    reader.add(
        row,
        JOB,
        "support.disruptionitem",
        {
            "outcome": row.a,
            "job": int(row.b),
            "cause": row.c,
            "state": row.state,
            "problem": row.d,
        },
    )


def _act(reader: _Reader, row: _Row) -> None:
    reader.add(row, ACT, "common.act", {"said": row.a, "address": row.b})


def _serving(reader: _Reader, row: _Row) -> None:
    entry, parts = reader.part(row, SERVING, "support.serving")
    entry.details["address"] = row.b
    parts.append({"what": row.a, "is_refused": bool(row.state)})


_READERS: dict[int, Callable[[_Reader, _Row], None]] = {
    HOLDER: _holder,
    BEFORE_PAYMENT: _payment,
    BEFORE_DESK: _desk,
    BEFORE_SCAN: _scan,
    0: _event,
    1: _message,
    2: _report,
    3: _letter,
    4: _refund,
    5: _webhook,
    6: _cancellation,
    7: _goodwill,
    8: _receipt,
    9: _ledger,
    10: _alarm,
    11: _job,
    12: _act,
    13: _serving,
}


def of_source(entries: Iterable[Entry], *sources: str) -> list[Entry]:
    """Answer the entries of these books."""
    return [one for one in entries if one.source in sources]
