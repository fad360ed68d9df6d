"""Receipts as documents to keep: PDFs in the language that they were written in."""

from __future__ import annotations

from datetime import UTC
from typing import Any

from babel.dates import format_date
from django.utils import translation
from django.utils.translation import get_language_bidi
from django.utils.translation import gettext as _

from payments.receipts import ReceiptDetail
from travel.common.locales import locale_of, own_digits
from travel.common.printing import pdf
from travel.common.templatetags.look import money_text


def receipt_pdf(receipt: ReceiptDetail) -> bytes:
    """Answer a receipt or credit note as a tagged PDF."""
    with translation.override(receipt.language):
        return pdf("payments/receipt.typ", _data(receipt))


def file_name(receipt: ReceiptDetail) -> str:
    """Answer what a receipt's file is called: its number, in characters that every system takes."""
    plain = "".join(
        c if c.isascii() and (c.isalnum() or c in "-_") else "-" for c in receipt.number
    )
    return f"{plain}.pdf"


def title(receipt: ReceiptDetail) -> str:
    """Say what it is in a word."""
    return _("Credit note") if receipt.is_credit_note else _("Receipt")


def _data(receipt: ReceiptDetail) -> dict[str, Any]:
    return {
        "title": title(receipt),
        "number": receipt.number,
        "facts": [{"label": label, "value": value} for label, value in _facts(receipt)],
        "issuer": receipt.issuer_text.splitlines(),
        "name": receipt.name,
        "address": receipt.address.splitlines(),
        "columns": [_("What"), _("Amount")],
        "lines": [
            {"label": line.label, "amount": money_text(line.amount)} for line in receipt.lines
        ],
        "sums": [
            {"label": label, "amount": money_text(amount), "total": is_total}
            for label, amount, is_total in (
                (_("Without tax"), receipt.net, False),
                (_("Tax"), receipt.tax, False),
                (_("Total"), receipt.total, True),
            )
        ],
        "language": receipt.language.split("-")[0],
        "rtl": get_language_bidi(),
    }


def _facts(receipt: ReceiptDetail) -> list[tuple[str, str]]:
    locale = locale_of(receipt.language)
    day = own_digits(
        format_date(receipt.issued_at.astimezone(UTC).date(), format="long", locale=locale), locale
    )
    facts = [(_("Number"), receipt.number), (_("Date"), day), (_("Booking"), receipt.locator)]
    if receipt.credits:
        facts.append((_("Changes receipt"), receipt.credits))
    return facts
