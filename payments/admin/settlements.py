"""What the office agrees with carriers and pays them: terms, statements, marked as paid."""

from __future__ import annotations

from datetime import datetime
from itertools import islice
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from inventory.models import Carrier
from payments import statements
from payments.admin.errands import Errand, ErrandAdmin, ErrandForm
from payments.models import Account, CarrierTerms, Settlement
from payments.services import settlements
from payments.statements import SettledLine
from travel.common import acts, clock
from travel.common.admin_bases import (
    as_typed,
    money_column,
    percent,
    state_column,
    upper,
    whole_number,
)
from travel.common.errors import Refusal
from travel.common.forms import day_widget
from travel.common.money import Money
from travel.common.sheets import Cell, csv_file

# A page shows so many lines of a statement; the file has them all.
LINES_SHOWN = 200
CSV_HEAD = ["time", "kind", "booking", "service", "ticket", "coupon", "price", "fee", "penalty"]
CSV_HEAD += ["carrier", "currency"]


# --- terms ----------------------------------------------------------------------------------------


class TermsForm(ErrandForm):
    """A share from a day on."""

    carrier = forms.ModelChoiceField(label=_("Carrier"), queryset=Carrier.objects.order_by("name"))
    valid_from = forms.DateField(
        label=_("From"),
        widget=day_widget(),
        help_text=_("A day to come; what is sold before keeps the terms of its own day."),
    )
    share = forms.DecimalField(
        label=_("Our fee, %"), min_value=0, max_value=100, decimal_places=2, max_digits=5
    )


def _agree(data: dict[str, Any], staff_id: int, now: datetime) -> CarrierTerms:
    return settlements.agree_terms(
        carrier_id=data["carrier"].pk,
        valid_from=data["valid_from"],
        fee_basis_points=int(data["share"] * 100),
        now=now,
    )


@admin.register(CarrierTerms)
class CarrierTermsAdmin(ErrandAdmin):
    """What share of a price the office keeps."""

    list_display = ["id", "carrier", "valid_from", "share"]
    fields = ["carrier", "valid_from", "share"]
    list_select_related = ["carrier"]
    ordering = ["-id"]
    find_by = [("pk", whole_number), ("carrier__code", upper)]
    search_help_text = _("Number of the terms, or code of the carrier.")
    errands = [Errand("agree", _("Agree on terms"), _("The terms are agreed."), TermsForm, _agree)]

    @admin.display(description=_("fee, %"))
    def share(self, terms: CarrierTerms) -> str:
        return percent(terms.fee_basis_points)


# --- statements -----------------------------------------------------------------------------------


class DrawForm(ErrandForm):
    """Whose statement, and to which day."""

    account = forms.ModelChoiceField(
        label=_("Account"),
        queryset=Account.objects.filter(kind=Account.Kind.CARRIER).select_related("carrier"),
    )
    until = forms.DateField(
        label=_("To the end of"),
        widget=day_widget(),
        help_text=_("A day that is over, in UTC."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["account"].label_from_instance = _account_name  # type: ignore[attr-defined]


def _account_name(account: Account) -> str:
    return f"{account.carrier}, {Money(account.balance_minor, account.currency_id)}"


def _draw(data: dict[str, Any], staff_id: int, now: datetime) -> Settlement:
    account = data["account"]
    return settlements.draw(
        carrier_id=account.carrier_id,
        currency=account.currency_id,
        until=data["until"],
        actor_id=staff_id,
        now=now,
    )


@admin.register(Settlement)
class SettlementAdmin(ErrandAdmin):
    """Statements to carriers, and what was paid for them."""

    list_display = ["id", "account", "number", "period_start", "period_end", "state_word"]
    list_display += ["amount", "created_at", "paid_at"]
    fields = ["account", "number", "period_start", "period_end", "state_word", "amount"]
    fields += ["created_at", "created_by", "paid_at", "paid_by", "bank_reference", "statement"]
    list_select_related = ["account"]
    list_filter = ["state"]
    ordering = ["-id"]
    find_by = [("pk", whole_number), ("account__code", as_typed)]
    search_help_text = _("Number of the row, or code of the account.")
    amount = money_column("amount_minor", "account__currency_id")
    state_word = state_column()
    errands = [
        Errand("draw", _("Draw up a statement"), _("The statement is drawn up."), DrawForm, _draw)
    ]

    @admin.display(description=_("statement"))
    def statement(self, settlement: Settlement) -> str:
        address = reverse("admin:payments_settlement_statement", args=[settlement.pk])
        return format_html('<a href="{}">{}</a>', address, _("Show it, or mark it as paid"))

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path(
                "<int:pk>/statement/",
                view(self.statement_view),
                name="payments_settlement_statement",
            ),
            path("<int:pk>/statement.csv", view(self.csv_view), name="payments_settlement_csv"),
            *super().get_urls(),
        ]

    def statement_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show what a statement consists of; take the bank's reference once it is paid."""
        settlement = self._visible(request, pk)
        if settlement is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, str(pk))
        problem = ""
        if request.method == "POST":
            if not self._may(request):
                raise PermissionDenied
            problem = self._pay(request, settlement)
            if not problem:
                return HttpResponseRedirect(request.path)
        amount = Money(settlement.amount_minor, settlement.account.currency_id)
        shown = list(islice(statements.settlement_lines(settlement), LINES_SHOWN))
        sums = statements.settlement_sums(
            statements.settlement_lines(settlement), currency=amount.currency
        )
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Statement %s") % settlement.pk,
            "opts": self.opts,
            "settlement": settlement,
            "carrier": settlement.account.carrier,
            "amount": amount,
            "sums": sums,
            "lines": shown,
            "more": sums.lines - len(shown),
            "may_pay": settlement.state == Settlement.State.DRAWN and self._may(request),
            "problem": problem,
            "csv_href": reverse("admin:payments_settlement_csv", args=[settlement.pk]),
        }
        return TemplateResponse(request, "admin/payments/settlement.html", context)

    def csv_view(self, request: HttpRequest, pk: int) -> Any:
        """Answer a statement as a file, ticket by ticket."""
        settlement = self._visible(request, pk)
        if settlement is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, str(pk))
        acts.record(request, settlement, gettext("The statement."), kind=acts.Kind.EXPORTED)
        return csv_file(
            f"statement-{settlement.account_id}-{settlement.number}.csv",
            CSV_HEAD,
            (_row(line) for line in statements.settlement_lines(settlement)),
        )

    def _pay(self, request: HttpRequest, settlement: Settlement) -> str:
        """Mark it as paid; answer what is wrong, in words."""
        try:
            settlements.mark_paid(
                settlement_id=settlement.pk,
                bank_reference=request.POST.get("bank_reference", ""),
                actor_id=request.user.pk,
                now=clock.now(),
            )
        except Refusal as refusal:
            told = [text for texts in refusal.errors.values() for text in texts]
            return " ".join(told) or str(refusal.detail)
        said = gettext("The statement is paid.")
        self.log_change(request, settlement, said)
        self.message_user(request, said, messages.SUCCESS)
        return ""

    def _visible(self, request: HttpRequest, pk: int) -> Settlement | None:
        row: Settlement | None = self.get_object(request, str(pk))
        if row is not None and not self.has_view_permission(request, row):
            raise PermissionDenied
        return row


def _row(line: SettledLine) -> list[Cell]:
    return [
        line.at.isoformat(),
        line.kind,
        line.locator,
        line.service,
        line.ticket_id,
        line.coupon_id,
        line.price,
        line.fee,
        line.penalty,
        line.total,
        line.total.currency,
    ]
