"""
What happened to a reservation, entry by entry; the traveller's part of it in one statement.

Each entry says whom it is for. The traveller reads the public ones in the traveller's words; staff
read all of them (support.story.books). Nothing here is put into words.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

from bookings.models import ReservationEvent
from payments import selectors as payments
from payments.selectors import PaymentDetail
from travel.common import sql

Kind = ReservationEvent.Kind
# What each source is: the office's own history, money, messages, reports.
EVENT, PAYMENT, REFUND, MESSAGE, REPORT, ANSWER = (
    "event",
    "payment",
    "refund",
    "message",
    "report",
    "answer",
)
# Moves that travellers are told. Others, and what staff noted about these, are for staff.
PUBLIC_EVENTS = frozenset(
    str(kind)
    for kind in (
        Kind.RESERVED,
        Kind.EXTENDED,
        Kind.PAYING,
        Kind.PAYMENT_FAILED,
        Kind.PAID,
        Kind.CANCELLED,
        Kind.PART_CANCELLED,
        Kind.RELEASED,
        Kind.EXPIRED,
        Kind.RECLAIMED,
        Kind.REFUND_APPROVED,
        Kind.REFUND_REJECTED,
        Kind.REFUNDED,
        Kind.SEATS_CHANGED,
        Kind.NAME_CORRECTED,
        Kind.CONTACT_CORRECTED,
        Kind.DELAYED,
        Kind.CALLED_OFF,
        Kind.REBOOKED,
        Kind.BOARDED,
        Kind.BOARDING_UNDONE,
        Kind.NO_SHOW,
        Kind.REOPENED,
    )
)


@dataclass(frozen=True, slots=True)
class Entry:
    """
    Something that happened: when, of which book (`source`), of what kind there, and by whom.

    `reason` is what staff noted, and for staff alone unless a payment's provider gave it. `details`
    are the kind's own facts; the order of entries at one instant is that in which they came.
    `actor` is the name of who did it, and `row` the row that it was read from, as the record of
    acts names rows (`payments.refund:7`); both are for staff, and empty elsewhere.
    """

    at: datetime
    source: str
    kind: str
    is_public: bool
    actor_kind: str = "system"
    reason: str = ""
    details: dict[str, object] = field(default_factory=dict)
    actor: str = ""
    row: str = ""


def read(
    reservation_id: int, *, paid: Iterable[PaymentDetail] | None = None, public: bool = False
) -> list[Entry]:
    """
    Answer the story of a reservation that the reader may see already, the oldest entry first.

    With `public` only what the traveller is told. Who has its payments already gives them; the rest
    is read in one statement.
    """
    if paid is None:
        paid = payments.payments_of([reservation_id]).get(reservation_id, [])
    entries = [*_written(reservation_id), *_money(paid)]
    told = [_for_the_traveller(one) for one in entries if one.is_public] if public else entries
    return sorted(told, key=lambda one: one.at)


def _for_the_traveller(entry: Entry) -> Entry:
    """Leave out what staff noted; why a payment failed is the provider's word for the payer."""
    return entry if entry.kind == Kind.PAYMENT_FAILED else replace(entry, reason="")


# One statement for the books that are written in order. Every part has the same columns; what a
# book does not have is an empty text.
_BOOKS = """
SELECT 0 AS book, id, at, kind, actor_kind, reason, from_state, to_state, CAST(details AS CHAR)
FROM bookings_reservationevent WHERE reservation_id = %s
UNION ALL
SELECT 1, id, created_at, kind, channel, recipient, COALESCE(CAST(sent_at AS CHAR), ''),
       COALESCE(CAST(given_up_at AS CHAR), ''), subject
FROM common_outboxmessage WHERE about = %s
UNION ALL
SELECT 2, id, created_at, category, state, CAST(user_id AS CHAR), '', '', ''
FROM support_report WHERE reservation_id = %s
UNION ALL
SELECT 3, message.report_id, message.created_at,
       CASE WHEN message.is_internal THEN 'internal' ELSE 'answer' END, '',
       CAST(report.user_id AS CHAR), '', '', ''
FROM support_report report
JOIN support_reportmessage message ON message.report_id = report.id AND message.is_from_staff
WHERE report.reservation_id = %s
ORDER BY 3, 1, 2
LIMIT 500
"""


def _written(reservation_id: int) -> Iterator[Entry]:
    about = f"reservation:{reservation_id}"
    parameters = [reservation_id, about, reservation_id, reservation_id]
    for book, row_id, at, *facts in sql.rows(_BOOKS, parameters):
        moment = sql.moment(at)
        assert moment is not None, "every book keeps the time"
        yield _READERS[book](row_id, moment, *facts)


def _event(
    _id: int,
    at: datetime,
    kind: str,
    actor_kind: str,
    reason: str,
    before: str,
    after: str,
    details: str,
) -> Entry:
    return Entry(
        at=at,
        source=EVENT,
        kind=kind,
        is_public=kind in PUBLIC_EVENTS,
        actor_kind=actor_kind,
        reason=reason,
        details=json.loads(details) | {"from": before, "to": after},
    )


def _message(
    _id: int,
    at: datetime,
    kind: str,
    channel: str,
    recipient: str,
    sent_at: str,
    given_up_at: str,
    subject: str,
) -> Entry:
    return Entry(
        at=at,
        source=MESSAGE,
        kind=kind,
        is_public=not given_up_at,
        details={
            "channel": channel,
            "recipient": recipient,
            "subject": subject,
            "is_sent": bool(sent_at),
            "is_given_up": bool(given_up_at),
        },
    )


def _report(report_id: int, at: datetime, category: str, state: str, by: str, *_rest: str) -> Entry:
    return Entry(
        at=at,
        source=REPORT,
        kind=category,
        is_public=True,
        actor_kind="holder",
        details={"report": report_id, "state": state, "by": int(by)},
    )


def _answer(report_id: int, at: datetime, kind: str, _state: str, by: str, *_rest: str) -> Entry:
    return Entry(
        at=at,
        source=ANSWER,
        kind=kind,
        is_public=kind == "answer",
        actor_kind="staff",
        details={"report": report_id, "by": int(by)},
    )


_READERS: list[Callable[..., Entry]] = [_event, _message, _report, _answer]


def _money(paid: Iterable[PaymentDetail]) -> list[Entry]:
    """Answer attempts to pay and refunds; what is done of them is told by the history as well."""
    entries: list[Entry] = []
    for payment in paid:
        entries.append(
            Entry(
                at=payment.created_at,
                source=PAYMENT,
                kind=payment.state,
                is_public=False,
                details={
                    "payment": payment.id,
                    "method": payment.method,
                    "amount": payment.amount,
                    "failure": payment.failure,
                    "finished_at": payment.finished_at,
                },
            )
        )
        entries += [
            Entry(
                at=refund.created_at,
                source=REFUND,
                kind=refund.state,
                # Once the money has arrived the history tells of it, at that moment.
                is_public=refund.state != "done",
                details={
                    "refund": refund.id,
                    "amount": refund.amount,
                    "destination": refund.destination,
                    "cause": refund.cause,
                    "done_at": refund.done_at,
                },
            )
            for refund in payment.refunds
        ]
    return entries
