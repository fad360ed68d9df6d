"""The ledger in the admin: accounts with their statements, and what a gateway has paid out."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from payments import statements
from payments.admin.errands import AmountMixin, Errand, ErrandAdmin, ErrandForm
from payments.models import Account, Entry, Transfer
from payments.services import settlements
from travel.common import acts
from travel.common.admin_bases import (
    BareInline,
    ClosedAdmin,
    as_typed,
    email,
    money_column,
    whole_number,
)
from travel.common.forms import PlainTextField
from travel.common.money import Money
from travel.common.paging import read_page
from travel.common.sheets import csv_file

OF_ACCOUNT = "account__currency_id"
MOVES_A_PAGE = 50


@admin.register(Account)
class AccountAdmin(ClosedAdmin):
    """
    Accounts of the ledger. Positive is what the office owes or has earned, negative what it has, is
    owed or has spent.
    """

    list_display = ["code", "kind", "user", "carrier", "balance"]
    fields = ["code", "kind", "user", "carrier", "gateway", "currency", "balance", "statement"]
    list_select_related = ["user", "carrier"]
    list_filter = ["kind"]
    find_by = [("code__istartswith", as_typed), ("user__email", email)]
    search_help_text = _("Beginning of the code, or the owner's e-mail address.")
    balance = money_column("balance_minor", "currency_id", label=_("balance"))

    @admin.display(description=_("statement"))
    def statement(self, account: Account) -> str:
        address = reverse("admin:payments_account_statement", args=[account.pk])
        return format_html('<a href="{}">{}</a>', address, _("Show the statement"))

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path(
                "<int:pk>/statement/", view(self.statement_view), name="payments_account_statement"
            ),
            path("<int:pk>/statement.csv", view(self.csv_view), name="payments_account_csv"),
            *super().get_urls(),
        ]

    def statement_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show an account's entries, the newest first, with the balance after each."""
        account = self._visible(request, pk)
        if account is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, str(pk))
        page, moves = read_page(
            request,
            lambda offset, limit: statements.account_statement(
                account_id=account.pk, offset=offset, limit=limit
            ),
            size=MOVES_A_PAGE,
        )
        kinds = dict(Transfer.Kind.choices)
        context = {
            **self.admin_site.each_context(request),
            "title": account.code,
            "opts": self.opts,
            "account": account,
            "balance": Money(account.balance_minor, account.currency_id),
            "moves": [
                {name: getattr(move, name) for name in _SHOWN} | {"kind_name": kinds[move.kind]}
                for move in moves
            ],
            "page": page,
            "csv_href": reverse("admin:payments_account_csv", args=[account.pk]),
        }
        return TemplateResponse(request, "admin/payments/statement.html", context)

    def csv_view(self, request: HttpRequest, pk: int) -> Any:
        """Answer all entries of an account as a file, the oldest first."""
        account = self._visible(request, pk)
        if account is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, str(pk))
        acts.record(request, account, gettext("The statement."), kind=acts.Kind.EXPORTED)
        return csv_file(
            f"account-{account.pk}.csv",
            ["entry", "time", "kind", "reference", "memo", "amount", "balance", "currency"],
            (
                [
                    move.entry_id,
                    move.at.isoformat(),
                    move.kind,
                    move.reference,
                    move.memo,
                    move.amount,
                    move.balance,
                    move.amount.currency,
                ]
                for move in statements.whole_statement(account_id=account.pk)
            ),
        )

    def _visible(self, request: HttpRequest, pk: int) -> Account | None:
        row: Account | None = self.get_object(request, str(pk))
        if row is not None and not self.has_view_permission(request, row):
            raise PermissionDenied
        return row


_SHOWN = ["at", "reference", "memo", "amount", "balance"]


class EntryInline(BareInline):
    """Both sides of a transfer, and more where it has more."""

    model = Entry
    fields = ["account", "amount"]
    amount = money_column("amount_minor", OF_ACCOUNT)

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("account")


class PayoutForm(AmountMixin, ErrandForm):
    """What a gateway has paid into the bank."""

    gateway = forms.ChoiceField(label=_("Gateway"))
    bank_reference = PlainTextField(
        label=_("Reference of the bank"),
        max_length=80,
        widget=forms.TextInput(attrs={"class": "vTextField"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        codes = (
            Account.objects.filter(kind=Account.Kind.GATEWAY)
            .order_by("gateway")
            .values_list("gateway", flat=True)
            .distinct()
        )
        self.fields["gateway"].choices = [(code, code) for code in codes]  # type: ignore[attr-defined]


def _pay_out(data: dict[str, Any], staff_id: int, now: datetime) -> Transfer:
    return settlements.book_payout(
        gateway=data["gateway"],
        amount=data["money"],
        bank_reference=data["bank_reference"],
        now=now,
    )


@admin.register(Transfer)
class TransferAdmin(ErrandAdmin):
    """Moves of money, each booked once."""

    list_display = ["id", "at", "kind", "reference", "memo"]
    fields = ["reference", "kind", "at", "memo", "payment", "refund", "cancellation", "top_up"]
    fields += ["goodwill", "settlement"]
    list_filter = ["kind"]
    ordering = ["-id"]
    find_by = [("pk", whole_number), ("reference__istartswith", as_typed)]
    search_help_text = _("Number, or beginning of the reference.")
    inlines = [EntryInline]
    errands = [
        Errand("payout", _("Book a payout"), _("The payout is booked."), PayoutForm, _pay_out)
    ]


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
