"""Receipts in the admin, to look at."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from payments.models import Receipt, ReceiptLine, ReceiptName, ReceiptSeries
from travel.common.admin_bases import (
    BareInline,
    ClosedAdmin,
    as_typed,
    locator,
    money_column,
    whole_number,
)

OF_RECEIPT = "receipt__currency_id"


@admin.register(ReceiptSeries)
class ReceiptSeriesAdmin(ClosedAdmin):
    """The numbers given so far, by issuer and year."""

    list_display = ["id", "issuer", "year", "last_number"]
    fields = ["issuer", "year", "last_number"]
    ordering = ["-id"]
    find_by = [("pk", whole_number), ("issuer", as_typed)]
    search_help_text = _("Number of the series, or the issuer.")


class ReceiptLineInline(BareInline):
    """What the receipt is about."""

    model = ReceiptLine
    fields = ["kind", "label", "coupon", "amount"]
    amount = money_column("amount_minor", OF_RECEIPT)

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("receipt", "coupon")


@admin.register(Receipt)
class ReceiptAdmin(ClosedAdmin):
    """Receipts and credit notes."""

    list_display = ["id", "series", "number", "kind", "reservation", "total", "issued_at"]
    fields = ["series", "number", "kind", "reservation", "payment", "refund", "credits"]
    fields += ["total", "issued_at", "issuer_text", "language"]
    list_select_related = ["series", "reservation"]
    list_filter = ["kind"]
    ordering = ["-id"]
    find_by = [("pk", whole_number), ("reservation__locator", locator)]
    search_help_text = _("Number of the row, or booking code.")
    inlines = [ReceiptLineInline]
    total = money_column("total_minor", "currency_id", label=_("total"))


@admin.register(ReceiptLine)
class ReceiptLineAdmin(ClosedAdmin):
    """Lines of receipts."""

    list_display = ["id", "receipt", "kind", "label", "amount"]
    fields = ["receipt", "position", "coupon", "kind", "label", "amount"]
    list_select_related = ["receipt"]
    ordering = ["-id"]
    find_by = [("receipt", whole_number)]
    search_help_text = _("Number of the receipt.")
    amount = money_column("amount_minor", OF_RECEIPT)


@admin.register(ReceiptName)
class ReceiptNameAdmin(ClosedAdmin):
    """Which receipts have a name kept for them, and until when. The name itself is not shown."""

    list_display = ["receipt", "kept_until"]
    fields = ["receipt", "kept_until"]
    list_select_related = ["receipt"]
    ordering = ["-receipt"]
    find_by = [("receipt", whole_number)]
    search_help_text = _("Number of the receipt.")
