"""Money in the admin, to look at: services alone write payments, refunds and the ledger."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from accounts import selectors as people
from accounts.roles import ADMINISTRATOR, FINANCE
from payments.models import (
    Account,
    Cancellation,
    CancelledCoupon,
    Entry,
    Payment,
    Refund,
    SandboxCharge,
    SandboxRefund,
    TopUp,
    Transfer,
)
from payments.services import approve_refund
from travel.common import clock
from travel.common.admin_bases import (
    BareInline,
    ClosedAdmin,
    ClosedInline,
    as_typed,
    email,
    locator,
    money_column,
    percent,
    state_column,
    whole_number,
)
from travel.common.errors import Refusal

# Who of the staff may let a refund go that somebody else has given.
APPROVERS = {FINANCE, ADMINISTRATOR}
OF_ACCOUNT = "account__currency_id"
OF_PAYMENT = "payment__currency_id"
OF_CANCELLATION = "cancellation__reservation__currency_id"


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


class RefundInline(ClosedInline):
    """What went back of a payment."""

    model = Refund
    fields = ["reference", "cause", "destination", "state_word", "amount", "created_at", "done_at"]
    amount = money_column("amount_minor", OF_PAYMENT)
    state_word = state_column()

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("payment")


@admin.register(Payment)
class PaymentAdmin(ClosedAdmin):
    """Attempts to pay."""

    list_display = ["id", "reservation", "method", "state_word", "amount", "settled", "created_at"]
    list_display += ["finished_at"]
    fields = ["reservation", "method", "gateway", "gateway_reference", "state_word", "amount"]
    fields += ["settled", "failure", "created_at", "finished_at", "check_at"]
    list_select_related = ["reservation"]
    list_filter = ["state", "method"]
    find_by = [("pk", whole_number), ("reservation__locator", locator)]
    search_help_text = _("Number of the payment, or booking code.")
    inlines = [RefundInline]
    amount = money_column("amount_minor", "currency_id")
    state_word = state_column()

    @admin.display(description=_("settles"), boolean=True)
    def settled(self, payment: Payment) -> bool:
        return payment.settles_id is not None


@admin.register(Refund)
class RefundAdmin(ClosedAdmin):
    """Money on its way back."""

    list_display = ["id", "reservation", "cause", "destination", "state_word", "amount"]
    list_display += ["created_at", "done_at", "attempts"]
    fields = ["payment", "cancellation", "cause", "destination", "state_word", "amount"]
    fields += ["reference", "gateway_reference", "created_at", "due_at", "done_at", "attempts"]
    fields += ["last_error"]
    list_select_related = ["payment__reservation"]
    list_filter = ["state", "cause"]
    find_by = [("pk", whole_number), ("payment__reservation__locator", locator)]
    search_help_text = _("Number of the refund, or booking code.")
    amount = money_column("amount_minor", OF_PAYMENT)
    state_word = state_column()

    @admin.display(description=_("reservation"))
    def reservation(self, refund: Refund) -> str:
        return refund.payment.reservation.locator

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        refund = context.get("original")
        if refund is not None:
            waits = refund.state == Refund.State.PENDING_APPROVAL
            context["may_approve"] = waits and self._may_approve(request)
        return super().render_change_form(request, context, *args, **kwargs)

    def get_urls(self) -> list[URLPattern]:
        approve = path(
            "<path:object_id>/approve/",
            self.admin_site.admin_view(require_POST(self.approve_view)),
            name="payments_refund_approve",
        )
        return [approve, *super().get_urls()]

    def _may_approve(self, request: HttpRequest) -> bool:
        user: Any = request.user
        return user.is_superuser or bool(APPROVERS & set(people.role_names(user=user)))

    def approve_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Let a refund go that waits for a second person."""
        refund = self.get_object(request, object_id)
        if refund is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        if not self.has_view_permission(request, refund) or not self._may_approve(request):
            raise PermissionDenied
        try:
            approve_refund(refund_id=refund.pk, approver_id=request.user.pk, now=clock.now())
        except Refusal as refusal:
            self.message_user(request, str(refusal.detail), messages.ERROR)
        else:
            self.log_change(request, refund, gettext("Approved."))
            self.message_user(request, gettext("The refund is approved."), messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:payments_refund_change", args=[refund.pk]))


class CancelledCouponInline(ClosedInline):
    """What each coupon cost."""

    model = CancelledCoupon
    fields = ["coupon", "share", "penalty", "refund"]
    penalty = money_column("penalty_minor", OF_CANCELLATION, label=_("penalty"))
    refund = money_column("refund_minor", OF_CANCELLATION, label=_("refund"))

    @admin.display(description=_("penalty, %"))
    def share(self, line: CancelledCoupon) -> str:
        return percent(line.penalty_basis_points)

    def get_queryset(self, request: HttpRequest) -> Any:
        rows = super().get_queryset(request)
        return rows.select_related("coupon", "cancellation__reservation")


@admin.register(Cancellation)
class CancellationAdmin(ClosedAdmin):
    """What was cancelled together."""

    list_display = ["id", "reservation", "at", "actor_kind", "actor", "penalty_waived", "reason"]
    fields = ["reservation", "at", "actor_kind", "actor", "penalty_waived", "reason"]
    list_select_related = ["reservation", "actor"]
    ordering = ["-id"]
    find_by = [("pk", whole_number), ("reservation__locator", locator)]
    search_help_text = _("Number of the cancellation, or booking code.")
    inlines = [CancelledCouponInline]


@admin.register(CancelledCoupon)
class CancelledCouponAdmin(ClosedAdmin):
    """Coupons' shares of cancellations."""

    list_display = ["id", "reservation", "coupon", "share", "penalty", "refund"]
    fields = ["cancellation", "coupon", "share", "tier_minutes_before", "penalty", "refund"]
    list_select_related = ["cancellation__reservation", "coupon"]
    ordering = ["-id"]
    find_by = [("coupon", whole_number), ("cancellation__reservation__locator", locator)]
    search_help_text = _("Number of the coupon, or booking code.")
    penalty = money_column("penalty_minor", OF_CANCELLATION, label=_("penalty"))
    refund = money_column("refund_minor", OF_CANCELLATION, label=_("refund"))

    @admin.display(description=_("penalty, %"))
    def share(self, line: CancelledCoupon) -> str:
        return percent(line.penalty_basis_points)

    @admin.display(description=_("reservation"))
    def reservation(self, line: CancelledCoupon) -> str:
        return line.cancellation.reservation.locator


@admin.register(TopUp)
class TopUpAdmin(ClosedAdmin):
    """Money that users put into their wallets."""

    list_display = ["id", "account", "gateway", "state_word", "amount", "created_at"]
    list_display += ["finished_at"]
    fields = ["account", "gateway", "gateway_reference", "state_word", "amount", "failure"]
    fields += ["created_at", "finished_at", "check_at"]
    list_select_related = ["account"]
    list_filter = ["state"]
    ordering = ["-id"]
    find_by = [("pk", whole_number), ("account__user__email", email)]
    search_help_text = _("Number of the top-up, or the user's e-mail address.")
    amount = money_column("amount_minor", OF_ACCOUNT)
    state_word = state_column()


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


@admin.register(SandboxCharge)
class SandboxChargeAdmin(ClosedAdmin):
    """What the sandbox provider knows of charges."""

    list_display = ["id", "key", "state_word", "amount", "refunded", "reason"]
    fields = ["key", "state_word", "amount", "refunded", "reason"]
    ordering = ["-id"]
    find_by = [("pk", whole_number), ("key__istartswith", as_typed)]
    search_help_text = _("Number, or beginning of the key.")
    amount = money_column("amount_minor", "currency_id")
    refunded = money_column("refunded_minor", "currency_id", label=_("refunded"))
    state_word = state_column()


@admin.register(SandboxRefund)
class SandboxRefundAdmin(ClosedAdmin):
    """Refunds that the sandbox provider has made."""

    list_display = ["id", "key", "charge", "amount"]
    fields = ["key", "charge", "amount"]
    list_select_related = ["charge"]
    ordering = ["-id"]
    find_by = [("pk", whole_number), ("key__istartswith", as_typed)]
    search_help_text = _("Number, or beginning of the key.")
    amount = money_column("amount_minor", "charge__currency_id")
