"""Cancellations and refunds in the admin: services alone write them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from accounts import selectors as people
from accounts.roles import ADMINISTRATOR, FINANCE
from payments.models import Cancellation, CancelledCoupon, Goodwill, Refund
from payments.services import approve_refund
from travel.common import clock
from travel.common.admin_bases import (
    ClosedAdmin,
    ClosedInline,
    email,
    locator,
    money_column,
    percent,
    state_column,
    whole_number,
)
from travel.common.errors import Refusal

OF_PAYMENT = "payment__currency_id"
OF_CANCELLATION = "cancellation__reservation__currency_id"
# Who of the staff may let a refund go that somebody else has given.
APPROVERS = {FINANCE, ADMINISTRATOR}


@admin.register(Refund)
class RefundAdmin(ClosedAdmin):
    """Money on its way back."""

    list_display = ["id", "reservation", "cause", "destination", "state_word", "amount"]
    list_display += ["created_at", "done_at", "attempts"]
    fields = ["payment", "cancellation", "cause", "destination", "state_word", "amount"]
    fields += ["reason_code", "note", "reference", "gateway_reference", "created_at", "due_at"]
    fields += ["done_at", "attempts", "last_error", "requested_by", "decided_by", "decided_at"]
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
    fields = ["coupon", "share", "penalty", "waived", "refund"]
    waived = money_column("waived_minor", OF_CANCELLATION, label=_("waived"))
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

    list_display = ["id", "reservation", "at", "actor_kind", "actor", "reason_code", "reason"]
    fields = ["reservation", "at", "actor_kind", "actor", "reason_code", "reason"]
    fields += ["penalty_waived", "quoted_until"]
    list_select_related = ["reservation", "actor"]
    ordering = ["-id"]
    find_by = [("pk", whole_number), ("reservation__locator", locator)]
    search_help_text = _("Number of the cancellation, or booking code.")
    inlines = [CancelledCouponInline]


@admin.register(CancelledCoupon)
class CancelledCouponAdmin(ClosedAdmin):
    """Coupons' shares of cancellations."""

    list_display = ["id", "reservation", "coupon", "share", "penalty", "refund"]
    fields = ["cancellation", "coupon", "share", "tier_minutes_before", "penalty", "waived"]
    fields += ["refund"]
    waived = money_column("waived_minor", OF_CANCELLATION, label=_("waived"))
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


@admin.register(Goodwill)
class GoodwillAdmin(ClosedAdmin):
    """Money that staff gave to travellers' wallets."""

    list_display = ["id", "account", "reservation", "reason_code", "state_word", "amount"]
    list_display += ["created_at", "requested_by", "decided_by"]
    fields = ["account", "reservation", "reason_code", "note", "state_word", "amount"]
    fields += ["created_at", "requested_by", "decided_by", "decided_at"]
    list_select_related = ["account", "reservation", "requested_by", "decided_by"]
    list_filter = ["state"]
    ordering = ["-id"]
    find_by = [("pk", whole_number), ("reservation__locator", locator)]
    find_by += [("account__user__email", email)]
    search_help_text = _("Number, booking code, or the owner's e-mail address.")
    amount = money_column("amount_minor", "account__currency_id")
    state_word = state_column()
