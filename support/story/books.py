"""
Every book that is kept of a reservation, for staff: its rows (support.story.statement) as entries.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from accounts.models import User, known_as
from bookings.selectors import ReservationDetail
from payments.receipts import number_text
from payments.selectors import PaymentDetail, RefundDetail
from support.story import statement
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
from support.story.statement import Row
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


@dataclass(frozen=True, slots=True)
class Coins:
    """
    What an attempt asked for in a cryptocurrency, and what was seen of it when last looked at.

    Amounts are of the asset; `rate` is what one of it counts for in the reservation's currency.
    """

    asset: str
    asked: Decimal
    rate: Decimal
    arrived: Decimal
    confirmations: int
    confirmations_needed: int

    @property
    def beyond(self) -> Decimal:
        """By how much more arrived than was asked for; negative where it was less."""
        return self.arrived - self.asked


def read_all(reservation: ReservationDetail) -> Books:
    """Answer the whole story of a reservation that the reader may see already."""
    reader = _Reader(reservation)
    rows = statement.rows_of(reservation_id=reservation.id, booked_at=reservation.created_at)
    for row in rows:
        reader.take(row)
    return Books(
        reader.entries,
        list(reader.payments.values()),
        len(rows) == statement.MOST_ROWS,
        reader.holder,
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

    def take(self, row: Row) -> None:
        """Add what a row says."""
        _READERS[row.book](self, row)

    def money(self, minor: int | str, currency: str = "") -> Money:
        return Money(int(minor or 0), currency or self.reservation.currency)

    def add(
        self,
        row: Row,
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

    def part(self, row: Row, source: str, table: str) -> tuple[Entry, list[object]]:
        """Answer the entry of which the row is a part, begun by its first, and the parts so far."""
        key = f"{table}:{row.id}"
        if key not in self.open:
            self.open[key] = self.add(row, source, table, {"parts": []})
        entry = self.open[key]
        parts = entry.details["parts"]
        assert isinstance(parts, list)
        return entry, parts


def _holder(reader: _Reader, row: Row) -> None:
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


def _event(reader: _Reader, row: Row) -> None:
    details = json.loads(row.c or "{}") | {"from": row.a, "to": row.b}
    reader.add(
        row, EVENT, "bookings.reservationevent", details, is_public=row.kind in PUBLIC_EVENTS
    )


def _message(reader: _Reader, row: Row) -> None:
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


def _report(reader: _Reader, row: Row) -> None:
    details: dict[str, object] = {
        "report": row.id,
        "state": row.state,
        "by": int(row.a),
        "text": "",
    }
    reader.open[f"report:{row.id}"] = reader.add(
        row, REPORT, "support.report", details, is_public=True
    )


def _letter(reader: _Reader, row: Row) -> None:
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
        {"report": row.id, "by": int(row.b), "text": row.a, "event": row.state},
        is_public=row.kind == "answer",
    )


def _payment(reader: _Reader, row: Row) -> None:
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
    reader.open[f"payment:{row.id}"] = reader.add(
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
            "coins": None,
        },
    )


def _coins(reader: _Reader, row: Row) -> None:
    """What an attempt, told before, asked for in a cryptocurrency."""
    reader.open[f"payment:{row.id}"].details["coins"] = Coins(
        asset=row.a,
        asked=Decimal(row.b),
        rate=Decimal(row.c),
        arrived=Decimal(row.d),
        confirmations=int(row.e),
        confirmations_needed=int(row.f),
    )


def _refund(reader: _Reader, row: Row) -> None:
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


def _webhook(reader: _Reader, row: Row) -> None:
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


def _cancellation(reader: _Reader, row: Row) -> None:
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


def _goodwill(reader: _Reader, row: Row) -> None:
    reader.add(
        row,
        GOODWILL,
        "payments.goodwill",
        {
            "amount": reader.money(row.minor, row.a),
            "state": row.state,
            "decided_at": sql.moment(row.b or None),
            "decided_by": known_as(row.c, row.d, row.e),
        },
    )


def _receipt(reader: _Reader, row: Row) -> None:
    reader.add(
        row,
        RECEIPT,
        "payments.receipt",
        {
            "number": number_text(row.a, int(row.b), int(row.c)),
            "amount": reader.money(row.minor, row.d),
        },
    )


def _ledger(reader: _Reader, row: Row) -> None:
    entry, parts = reader.part(row, LEDGER, "payments.transfer")
    entry.details["reference"] = row.c
    parts.append({"account": row.a, "of": row.b, "amount": reader.money(row.minor, row.d)})


def _alarm(reader: _Reader, row: Row) -> None:
    reader.add(
        row,
        ALARM,
        "payments.moneyalarm",
        {"state": row.state, "closed_at": sql.moment(row.a or None)},
    )


def _scan(reader: _Reader, row: Row) -> None:
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


def _desk(reader: _Reader, row: Row) -> None:
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


def _job(reader: _Reader, row: Row) -> None:
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


def _act(reader: _Reader, row: Row) -> None:
    reader.add(row, ACT, "common.act", {"said": row.a, "address": row.b})


def _serving(reader: _Reader, row: Row) -> None:
    entry, parts = reader.part(row, SERVING, "support.serving")
    entry.details["address"] = row.b
    parts.append({"what": row.a, "is_refused": bool(row.state)})


_READERS: dict[int, Callable[[_Reader, Row], None]] = {
    statement.HOLDER: _holder,
    statement.BEFORE_PAYMENT: _payment,
    statement.BEFORE_DESK: _desk,
    statement.BEFORE_SCAN: _scan,
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
    14: _coins,
}


def of_source(entries: Iterable[Entry], *sources: str) -> list[Entry]:
    """Answer the entries of these books."""
    return [one for one in entries if one.source in sources]
