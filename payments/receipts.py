"""Reads of receipts and credit notes, for whoever may see their reservation."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from accounts.viewers import Viewer
from bookings import selectors as bookings
from inventory.ticket_ids import MAX_TICKET_ID
from payments.models import Receipt, ReceiptLine
from travel.common.errors import NotFound
from travel.common.money import Money

TAX = "tax"


@dataclass(frozen=True, slots=True)
class LineDetail:
    """A line of a receipt as it was printed."""

    kind: str
    label: str
    amount: Money


@dataclass(frozen=True, slots=True)
class ReceiptDetail:
    """
    A receipt or credit note. `credits` is the number of the receipt that a credit note changes.

    `name` is empty once the term of keeping it has ended.
    """

    id: int
    reservation_id: int
    locator: str
    kind: str
    number: str
    credits: str
    issued_at: datetime
    issuer_text: str
    name: str
    address: str
    language: str
    total: Money
    lines: list[LineDetail]

    @property
    def is_credit_note(self) -> bool:
        return self.kind == Receipt.Kind.CREDIT_NOTE

    @property
    def tax(self) -> Money:
        """The tax that the total contains."""
        minor = sum(line.amount.minor for line in self.lines if line.kind == TAX)
        return Money(minor, self.total.currency)

    @property
    def net(self) -> Money:
        """The total without its tax."""
        return self.total - self.tax


def number_text(issuer: str, year: int, number: int) -> str:
    """Write the number of a receipt: `R-2026-000001`."""
    return f"{issuer}-{year}-{number:06}"


@dataclass(frozen=True, slots=True)
class ReceiptLink:
    """As much of a receipt as a link to it says."""

    id: int
    number: str
    is_credit_note: bool
    total: Money


def receipts_of(reservation_ids: Iterable[int]) -> dict[int, list[ReceiptLink]]:
    """
    Name the receipts of reservations, the oldest first, in one statement.

    The caller may see the reservations already.
    """
    found: dict[int, list[ReceiptLink]] = {}
    for row in (
        Receipt.objects.filter(reservation_id__in=list(reservation_ids))
        .select_related("series")
        .order_by("reservation_id", "id")
    ):
        found.setdefault(row.reservation_id, []).append(
            ReceiptLink(
                id=row.id,
                number=_number(row),
                is_credit_note=row.kind == Receipt.Kind.CREDIT_NOTE,
                total=Money(row.total_minor, row.currency_id),
            )
        )
    return found


def list_receipts(
    *, viewer: Viewer, reservation_id: int, now: datetime, offset: int = 0, limit: int = 20
) -> tuple[int, list[ReceiptDetail]]:
    """
    Answer how many receipts a reservation has, and a page of them, the oldest first.

    :raises NotFound: the reservation is not this viewer's to see.
    """
    bookings.get_reservation(viewer=viewer, reservation_id=reservation_id, now=now)
    rows = Receipt.objects.filter(reservation_id=reservation_id)
    page = list(rows.order_by("id").values_list("id", flat=True)[offset : offset + limit])
    return rows.count(), _read(Receipt.objects.filter(id__in=page))


def get_receipt(*, viewer: Viewer, receipt_id: int) -> ReceiptDetail:
    """
    Answer a receipt.

    :raises NotFound: there is none, or its reservation is not this viewer's to see.
    """
    if not 0 < receipt_id <= MAX_TICKET_ID:
        raise NotFound()
    mine = bookings.visible_to(viewer)
    found = _read(Receipt.objects.filter(id=receipt_id, reservation__in=mine))
    if not found:
        raise NotFound()
    return found[0]


def _read(rows: QuerySet[Receipt]) -> list[ReceiptDetail]:
    receipts = list(
        rows.select_related("series", "reservation", "credits__series", "written_for").order_by(
            "reservation_id", "id"
        )
    )
    lines: dict[int, list[LineDetail]] = {}
    for receipt_id, kind, label, minor, currency in (
        ReceiptLine.objects.filter(receipt__in=[one.id for one in receipts])
        .order_by("receipt_id", "position")
        .values_list("receipt_id", "kind", "label", "amount_minor", "receipt__currency_id")
    ):
        lines.setdefault(receipt_id, []).append(LineDetail(kind, label, Money(minor, currency)))
    return [_detail(one, lines.get(one.id, [])) for one in receipts]


def _detail(row: Receipt, lines: list[LineDetail]) -> ReceiptDetail:
    written_for = getattr(row, "written_for", None)
    return ReceiptDetail(
        id=row.id,
        reservation_id=row.reservation_id,
        locator=row.reservation.locator,
        kind=row.kind,
        number=_number(row),
        credits=_number(row.credits) if row.credits else "",
        issued_at=row.issued_at,
        issuer_text=row.issuer_text,
        name=written_for.name if written_for else "",
        address=written_for.address if written_for else "",
        language=row.language,
        total=Money(row.total_minor, row.currency_id),
        lines=lines,
    )


def _number(row: Receipt) -> str:
    return number_text(row.series.issuer, row.series.year, row.number)
