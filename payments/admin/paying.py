"""Payments and top-ups in the admin, to look at."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from payments.models import CryptoInvoice, Payment, Refund, TopUp
from travel.common.admin_bases import (
    BareInline,
    ClosedAdmin,
    ClosedInline,
    email,
    locator,
    money_column,
    state_column,
    whole_number,
)

OF_ACCOUNT = "account__currency_id"
OF_PAYMENT = "payment__currency_id"


class RefundInline(ClosedInline):
    """What went back of a payment."""

    model = Refund
    fields = ["reference", "cause", "destination", "state_word", "amount", "created_at", "done_at"]
    amount = money_column("amount_minor", OF_PAYMENT)
    state_word = state_column()

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("payment")


class CryptoInvoiceInline(BareInline):
    """What was asked for and seen in a cryptocurrency."""

    model = CryptoInvoice
    fields = ["asset", "address", "amount", "received", "confirmations", "expires_at"]


@admin.register(Payment)
class PaymentAdmin(ClosedAdmin):
    """Attempts to pay."""

    list_display = ["id", "reservation", "method", "state_word", "amount", "settled", "created_at"]
    list_display += ["finished_at"]
    fields = ["reservation", "method", "gateway", "gateway_version", "gateway_reference"]
    fields += ["provider_reference", "state_word", "amount", "received", "settled"]
    fields += ["seats_may_change", "failure", "created_at", "finished_at", "check_at", "asked"]
    list_select_related = ["reservation"]
    list_filter = ["state", "method"]
    find_by = [("pk", whole_number), ("reservation__locator", locator)]
    search_help_text = _("Number of the payment, or booking code.")
    inlines = [RefundInline, CryptoInvoiceInline]
    amount = money_column("amount_minor", "currency_id")
    received = money_column("received_minor", "currency_id", label=_("received"))
    state_word = state_column()

    @admin.display(description=_("settles"), boolean=True)
    def settled(self, payment: Payment) -> bool:
        return payment.settles_id is not None


@admin.register(TopUp)
class TopUpAdmin(ClosedAdmin):
    """Money that users put into their wallets."""

    list_display = ["id", "account", "gateway", "state_word", "amount", "created_at"]
    list_display += ["finished_at"]
    fields = ["account", "gateway", "gateway_version", "gateway_reference", "provider_reference"]
    fields += ["state_word", "amount", "failure", "created_at", "finished_at", "check_at", "asked"]
    list_select_related = ["account"]
    list_filter = ["state"]
    ordering = ["-id"]
    find_by = [("pk", whole_number), ("account__user__email", email)]
    search_help_text = _("Number of the top-up, or the user's e-mail address.")
    amount = money_column("amount_minor", OF_ACCOUNT)
    state_word = state_column()


@admin.register(CryptoInvoice)
class CryptoInvoiceAdmin(ClosedAdmin):
    """What was asked for in cryptocurrencies."""

    list_display = ["payment", "asset", "amount", "received", "confirmations", "expires_at"]
    fields = ["payment", "asset", "address", "amount", "rate", "received", "confirmations"]
    fields += ["confirmations_needed", "expires_at", "seen_at"]
    list_select_related = ["payment"]
    ordering = ["-payment"]
    find_by = [("payment", whole_number)]
    search_help_text = _("Number of the payment.")
