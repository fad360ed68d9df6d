"""The ledger in the admin, to look at."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from payments.models import Account, Entry, Transfer
from travel.common.admin_bases import (
    BareInline,
    ClosedAdmin,
    as_typed,
    email,
    money_column,
    whole_number,
)

OF_ACCOUNT = "account__currency_id"


@admin.register(Account)
class AccountAdmin(ClosedAdmin):
    """Accounts of the ledger. Positive is what the office owes, negative what is owed to it."""

    list_display = ["code", "kind", "user", "carrier", "balance"]
    fields = ["code", "kind", "user", "carrier", "gateway", "currency", "balance", "statement"]
    list_select_related = ["user", "carrier"]
    list_filter = ["kind"]
    find_by = [("code__istartswith", as_typed), ("user__email", email)]
    search_help_text = _("Beginning of the code, or the owner's e-mail address.")
    balance = money_column("balance_minor", "currency_id", label=_("balance"))

    @admin.display(description=_("entries"))
    def statement(self, account: Account) -> str:
        address = reverse("admin:payments_entry_changelist")
        return format_html('<a href="{}?q={}">{}</a>', address, account.pk, _("Show the entries"))


class EntryInline(BareInline):
    """Both sides of a transfer, and more where it has more."""

    model = Entry
    fields = ["account", "amount"]
    amount = money_column("amount_minor", OF_ACCOUNT)

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("account")


@admin.register(Transfer)
class TransferAdmin(ClosedAdmin):
    """Moves of money, each booked once."""

    list_display = ["id", "at", "kind", "reference", "memo"]
    fields = ["reference", "kind", "at", "memo", "payment", "refund", "cancellation", "top_up"]
    list_filter = ["kind"]
    ordering = ["-id"]
    find_by = [("pk", whole_number), ("reference__istartswith", as_typed)]
    search_help_text = _("Number, or beginning of the reference.")
    inlines = [EntryInline]


@admin.register(Entry)
class EntryAdmin(ClosedAdmin):
    """Sides of transfers: what an account gained or gave."""

    list_display = ["id", "at", "account", "transfer", "amount"]
    fields = ["transfer", "account", "amount"]
    list_select_related = ["account", "transfer"]
    ordering = ["-id"]
    find_by = [("account", whole_number), ("account__code", as_typed)]
    search_help_text = _("Number or code of the account.")
    amount = money_column("amount_minor", OF_ACCOUNT)

    @admin.display(description=_("time"))
    def at(self, entry: Entry) -> Any:
        return entry.transfer.at
