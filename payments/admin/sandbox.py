"""The sandbox provider's books in the admin, to look at."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from payments.models import SandboxCharge, SandboxCoin, SandboxDelivery, SandboxRefund
from travel.common.admin_bases import (
    ClosedAdmin,
    as_typed,
    money_column,
    state_column,
    whole_number,
)


@admin.register(SandboxCharge)
class SandboxChargeAdmin(ClosedAdmin):
    """What the sandbox provider knows of charges."""

    list_display = ["id", "key", "state_word", "amount", "refunded", "reason"]
    fields = ["key", "state_word", "amount", "captured", "refunded", "reason", "created_at"]
    fields += ["booking", "expires_at", "captured_at"]
    ordering = ["-id"]
    find_by = [("pk", whole_number), ("key__istartswith", as_typed)]
    search_help_text = _("Number, or beginning of the key.")
    amount = money_column("amount_minor", "currency_id")
    captured = money_column("captured_minor", "currency_id", label=_("captured"))
    refunded = money_column("refunded_minor", "currency_id", label=_("refunded"))
    state_word = state_column()


@admin.register(SandboxRefund)
class SandboxRefundAdmin(ClosedAdmin):
    """Refunds that the sandbox provider has made."""

    list_display = ["id", "key", "charge", "amount"]
    fields = ["key", "charge", "amount", "created_at"]
    list_select_related = ["charge"]
    ordering = ["-id"]
    find_by = [("pk", whole_number), ("key__istartswith", as_typed)]
    search_help_text = _("Number, or beginning of the key.")
    amount = money_column("amount_minor", "charge__currency_id")


@admin.register(SandboxCoin)
class SandboxCoinAdmin(ClosedAdmin):
    """What the sandbox asked in its coin."""

    list_display = ["charge", "amount", "received", "confirmations"]
    fields = ["charge", "address", "amount", "rate", "received", "confirmations"]
    list_select_related = ["charge"]
    ordering = ["-charge"]
    find_by = [("charge", whole_number), ("charge__key__istartswith", as_typed)]
    search_help_text = _("Number, or beginning of the key, of the charge.")


@admin.register(SandboxDelivery)
class SandboxDeliveryAdmin(ClosedAdmin):
    """Webhooks that the sandbox has sent, or will."""

    list_display = ["id", "event_id", "charge", "due_at", "attempts", "delivered_at"]
    list_display += ["given_up_at"]
    fields = ["event_id", "charge", "created_at", "due_at", "attempts", "delivered_at"]
    fields += ["given_up_at"]
    list_select_related = ["charge"]
    ordering = ["-id"]
    find_by = [("pk", whole_number), ("event_id", as_typed), ("charge__key__istartswith", as_typed)]
    search_help_text = _("Number, event, or beginning of the charge's key.")
