"""What the office agrees with carriers and pays them, to look at."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from payments.models import CarrierTerms, Settlement
from travel.common.admin_bases import (
    ClosedAdmin,
    as_typed,
    money_column,
    percent,
    state_column,
    upper,
    whole_number,
)


@admin.register(CarrierTerms)
class CarrierTermsAdmin(ClosedAdmin):
    """What share of a price the office keeps."""

    list_display = ["id", "carrier", "valid_from", "share"]
    fields = ["carrier", "valid_from", "share"]
    list_select_related = ["carrier"]
    ordering = ["-id"]
    find_by = [("pk", whole_number), ("carrier__code", upper)]
    search_help_text = _("Number of the terms, or code of the carrier.")

    @admin.display(description=_("fee, %"))
    def share(self, terms: CarrierTerms) -> str:
        return percent(terms.fee_basis_points)


@admin.register(Settlement)
class SettlementAdmin(ClosedAdmin):
    """Statements to carriers, and what was paid for them."""

    list_display = ["id", "account", "number", "period_start", "period_end", "state_word"]
    list_display += ["amount", "created_at", "paid_at"]
    fields = ["account", "number", "period_start", "period_end", "state_word", "amount"]
    fields += ["created_at", "created_by", "paid_at", "paid_by", "bank_reference"]
    list_select_related = ["account"]
    list_filter = ["state"]
    ordering = ["-id"]
    find_by = [("pk", whole_number), ("account__code", as_typed)]
    search_help_text = _("Number of the row, or code of the account.")
    amount = money_column("amount_minor", "account__currency_id")
    state_word = state_column()
