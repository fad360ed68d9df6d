"""
Receipts and credit notes, numbered without gaps by issuer and year.

A receipt is written in the transaction of the sale, a credit note in that which lets its refund go:
what is rolled back takes its number back. The number comes last of all that is locked, after the
accounts, and its row stays locked until the commit.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from babel.dates import format_date
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import translation
from django.utils.translation import gettext as _

from accounts import selectors as people
from accounts.viewers import Viewer
from bookings import selectors as bookings
from bookings.selectors import CouponDetail, ReservationDetail
from inventory.selectors import TicketFacts
from payments.models import (
    CancelledCoupon,
    Payment,
    Receipt,
    ReceiptLine,
    ReceiptName,
    ReceiptSeries,
    Refund,
)
from travel.common.errors import NotFound
from travel.common.locales import locale_of, own_digits
from travel.common.money import Money
from travel.common.transactions import in_transaction

# The causes of refunds that change what was sold; the others give back what bought nothing.
CREDITED = {Refund.Cause.CANCELLATION, Refund.Cause.GOODWILL}


@dataclass(frozen=True, slots=True)
class _Line:
    kind: str
    label: str
    amount_minor: int
    coupon_id: int | None = None


@in_transaction
def issue_receipt(*, payment: Payment, reservation: ReservationDetail, now: datetime) -> Receipt:
    """
    Write the receipt of the payment that settles a reservation; its lines are those of the price.

    The caller holds the payment's lock, so that a payment has one receipt.
    """
    with translation.override(reservation.language):
        lines = [
            line
            for coupon in reservation.coupons
            for line in _price_lines(reservation, coupon, sign=1)
        ]
    return _write(
        Receipt(kind=Receipt.Kind.RECEIPT, payment=payment),
        reservation=reservation,
        lines=lines,
        total=reservation.price,
        now=now,
    )


@in_transaction
def issue_credit_note(*, refund: Refund, now: datetime) -> Receipt | None:
    """
    Write the credit note of a refund that is let go, once; answer None where nothing was sold.

    It takes back the lines of each cancelled coupon and keeps the penalty, so that the lines sum to
    the refund. What was captured without a sale had no receipt and gets no credit note.
    """
    payment = refund.payment
    if refund.cause not in CREDITED or payment.settles_id is None:
        return None
    written = Receipt.objects.filter(refund=refund).first()
    if written is not None:
        return written
    reservation = bookings.get_reservation(
        viewer=Viewer(is_support=True), reservation_id=payment.reservation_id, now=now
    )
    with translation.override(reservation.language):
        lines = _credited_lines(refund, reservation)
    return _write(
        Receipt(
            kind=Receipt.Kind.CREDIT_NOTE,
            refund=refund,
            credits=_receipt_of(payment, reservation, now),
        ),
        reservation=reservation,
        lines=lines,
        total=Money(refund.amount_minor, reservation.currency),
        now=now,
    )


def issue_missing(*, now: datetime, limit: int) -> int:
    """
    Write the receipts and credit notes of sales that were made before there were any, oldest first.

    Each stands in a transaction of its own. Answer how many were written, `limit` at most.
    """
    sold = Payment.objects.filter(settles__isnull=False, receipt__isnull=True)
    payment_ids = list(sold.order_by("id").values_list("id", flat=True)[:limit])
    for payment_id in payment_ids:
        _issue_late_receipt(payment_id, now)
    let_go = Refund.objects.filter(
        cause__in=CREDITED, payment__settles__isnull=False, credit_note__isnull=True
    ).exclude(state__in=[Refund.State.PENDING_APPROVAL, Refund.State.REJECTED])
    rest = limit - len(payment_ids)
    refund_ids = list(let_go.order_by("id").values_list("id", flat=True)[:rest])
    for refund_id in refund_ids:
        _issue_late_credit_note(refund_id, now)
    return len(payment_ids) + len(refund_ids)


@in_transaction
def erase_names(*, today: date, limit: int) -> int:
    """Delete the names on receipts whose term of keeping has ended; answer how many."""
    over = list(
        ReceiptName.objects.filter(kept_until__lt=today)
        .order_by("kept_until", "receipt_id")
        .values_list("receipt_id", flat=True)[:limit]
    )
    ReceiptName.objects.filter(receipt_id__in=over).delete()
    return len(over)


# --- what is written ------------------------------------------------------------------------------


def _write(
    receipt: Receipt,
    *,
    reservation: ReservationDetail,
    lines: Iterable[_Line],
    total: Money,
    now: datetime,
) -> Receipt:
    shown = [line for line in lines if line.amount_minor]
    if sum(line.amount_minor for line in shown) != total.minor:
        raise WrongTotal(f"{reservation.locator}: {total}")
    series, number = _take_number(settings.RECEIPT_ISSUER, now.year)
    receipt.series_id = series
    receipt.number = number
    receipt.reservation_id = reservation.id
    receipt.issued_at = now
    receipt.currency_id = total.currency
    receipt.total_minor = total.minor
    receipt.issuer_text = settings.RECEIPT_ISSUER_TEXT
    receipt.language = reservation.language
    receipt.save(force_insert=True)
    ReceiptLine.objects.bulk_create(
        ReceiptLine(
            receipt=receipt,
            position=position,
            coupon_id=line.coupon_id,
            kind=line.kind,
            label=line.label[:200],
            amount_minor=line.amount_minor,
        )
        for position, line in enumerate(shown)
    )
    ReceiptName.objects.create(
        receipt=receipt,
        name=_name(reservation)[:200],
        kept_until=date(now.year + settings.RECEIPT_NAME_YEARS, 12, 31),
    )
    return receipt


class WrongTotal(AssertionError):
    """Lines that are not the total: a defect of the caller, refused before a number is taken."""


def _take_number(issuer: str, year: int) -> tuple[int, int]:
    """Answer the series and its next number; the series stays locked until the commit."""
    rows = ReceiptSeries.objects.filter(issuer=issuer, year=year)
    if not rows.update(last_number=F("last_number") + 1):
        try:
            with transaction.atomic():
                created = ReceiptSeries.objects.create(issuer=issuer, year=year, last_number=1)
                return created.id, 1
        except IntegrityError:
            # Another was first with the year's first number.
            rows.update(last_number=F("last_number") + 1)
    series = rows.get()
    return series.id, series.last_number


def _price_lines(
    reservation: ReservationDetail, coupon: CouponDetail, *, sign: int
) -> Iterable[_Line]:
    """Copy the lines of a coupon's price; the one of the fare says which ride it was."""
    ride = _ride(reservation.tickets[coupon.ticket_id], reservation.language)
    for kind, label, amount in coupon.lines:
        text = f"{ride}, {label}" if kind == ReceiptLine.Kind.FARE else _(label)
        yield _Line(kind, text, sign * amount.minor, coupon.id)


def _credited_lines(refund: Refund, reservation: ReservationDetail) -> list[_Line]:
    if refund.cancellation_id is None:
        return [_Line(ReceiptLine.Kind.FARE, _("Reduction of the price"), refund.amount_minor)]
    kept = dict(
        CancelledCoupon.objects.filter(cancellation_id=refund.cancellation_id)
        .order_by("coupon_id")
        .values_list("coupon_id", "penalty_minor")
    )
    lines: list[_Line] = []
    for coupon in reservation.coupons:
        if coupon.id in kept:
            lines += _price_lines(reservation, coupon, sign=1)
            lines.append(
                _Line(ReceiptLine.Kind.PENALTY, _("Kept: penalty"), -kept[coupon.id], coupon.id)
            )
    return lines


def _ride(ticket: TicketFacts, language: str) -> str:
    start, end = ticket.origin.station, ticket.destination.station
    day = ticket.departs_at.astimezone(ZoneInfo(start.tz)).date()
    locale = locale_of(language)
    when = own_digits(format_date(day, format="medium", locale=locale), locale)
    return f"{ticket.service.number} {start.name} – {end.name}, {when}"


def _name(reservation: ReservationDetail) -> str:
    """Answer who bought it: the account's owner, else the first passenger."""
    first = reservation.passengers[0].full_name
    if reservation.user_id is None:
        return first
    try:
        return people.get_user(user_id=reservation.user_id).full_name or first
    except NotFound:
        return first


# --- what came before -----------------------------------------------------------------------------


def _receipt_of(payment: Payment, reservation: ReservationDetail, now: datetime) -> Receipt:
    written = Receipt.objects.filter(payment=payment).first()
    return written or issue_receipt(payment=payment, reservation=reservation, now=now)


@in_transaction
def _issue_late_receipt(payment_id: int, now: datetime) -> None:
    payment = Payment.objects.select_for_update().get(id=payment_id)
    reservation = bookings.get_reservation(
        viewer=Viewer(is_support=True), reservation_id=payment.reservation_id, now=now
    )
    _receipt_of(payment, reservation, now)


@in_transaction
def _issue_late_credit_note(refund_id: int, now: datetime) -> None:
    refund = Refund.objects.select_related("payment").get(id=refund_id)
    Payment.objects.select_for_update().get(id=refund.payment_id)
    issue_credit_note(refund=refund, now=now)
