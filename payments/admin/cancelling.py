"""Cancellations and refunds in the admin: services alone write them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Sum
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from payments import services
from payments.admin.deeds import Deed, DeedAdmin
from payments.models import Cancellation, CancelledCoupon, Goodwill, Refund
from travel.common.admin_bases import (
    ClosedAdmin,
    ClosedInline,
    locator,
    money_column,
    percent,
    state_column,
    whole_number,
)
from travel.common.money import Money
from travel.common.templatetags.look import money

OF_PAYMENT = "payment__currency_id"
OF_CANCELLATION = "cancellation__reservation__currency_id"


def _waits(row: Refund | Goodwill) -> bool:
    return row.state == "pendingApproval"


def _may_be_rejected(refund: Refund) -> bool:
    """Say whether anything was waived: what is owed by the rules is nobody's to reject."""
    lines = CancelledCoupon.objects.filter(cancellation__refund=refund, waived_minor__gt=0)
    return _waits(refund) and lines.exists()


def _has_failed(refund: Refund) -> bool:
    return refund.state == Refund.State.FAILED


@admin.register(Refund)
class RefundAdmin(DeedAdmin):
    """Money on its way back: a second person lets it go, and staff help what has failed."""

    list_display = ["id", "reservation", "cause", "reason_code", "destination", "state_word"]
    list_display += ["amount", "requested_by", "created_at", "done_at", "attempts"]
    fields = ["booking", "traveller", "paid", "state_word", "amount", "kept", "waived"]
    fields += ["reason_code", "words", "cause", "destination", "payment", "cancellation", "note"]
    fields += ["reference", "gateway_reference", "created_at", "due_at"]
    fields += ["done_at", "attempts", "last_error", "requested_by", "decided_by", "decided_at"]
    list_select_related = ["payment__reservation__user", "cancellation", "requested_by"]
    list_filter = ["state", "cause", "reason_code", "destination"]
    find_by = [("pk", whole_number), ("payment__reservation__locator", locator)]
    search_help_text = _("Number of the refund, or booking code.")
    amount = money_column("amount_minor", OF_PAYMENT)
    state_word = state_column()
    deeds = [
        Deed(
            "approve",
            _("Approve the refund"),
            _("The refund is approved."),
            lambda row, who, note, now: services.approve_refund(
                refund_id=row, approver_id=who, now=now
            ),
            _waits,
        ),
        Deed(
            "reject",
            _("Reject what was waived"),
            _("Rejected: what the fare's rules give back goes back."),
            lambda row, who, note, now: services.reject_refund(
                refund_id=row, approver_id=who, note=note, now=now
            ),
            _may_be_rejected,
            wants_note=True,
        ),
        Deed(
            "retry",
            _("Try again"),
            _("The refund is due again."),
            lambda row, who, note, now: services.retry_refund(refund_id=row, staff_id=who, now=now),
            _has_failed,
        ),
        Deed(
            "to-wallet",
            _("Send it to the wallet instead"),
            _("The provider was asked once more, and the refund is done."),
            lambda row, who, note, now: services.refund_to_wallet(
                refund_id=row, staff_id=who, now=now
            ),
            _has_failed,
        ),
    ]

    @admin.display(description=_("reservation"))
    def reservation(self, refund: Refund) -> str:
        return refund.payment.reservation.locator

    # --- what a second person has to know -------------------------------------------------------

    @admin.display(description=_("reservation"))
    def booking(self, refund: Refund) -> str:
        row = refund.payment.reservation
        page = reverse("admin:bookings_reservation_change", args=[row.pk])
        return format_html('<a href="{}">{}</a>', page, row.locator)

    @admin.display(description=_("traveller"))
    def traveller(self, refund: Refund) -> str:
        row = refund.payment.reservation
        return str(row.user) if row.user else row.contact_email or row.contact_phone or ""

    @admin.display(description=_("paid"))
    def paid(self, refund: Refund) -> str:
        return money(Money(refund.payment.amount_minor, refund.payment.currency_id))

    @admin.display(description=_("kept of the tickets"))
    def kept(self, refund: Refund) -> str:
        return self._sum_of(refund, "penalty_minor")

    @admin.display(description=_("waived of the penalty"))
    def waived(self, refund: Refund) -> str:
        return self._sum_of(refund, "waived_minor")

    @admin.display(description=_("the note of who cancelled"))
    def words(self, refund: Refund) -> str:
        return refund.cancellation.reason if refund.cancellation else ""

    def _sum_of(self, refund: Refund, column: str) -> str:
        if refund.cancellation_id is None:
            return ""
        lines = CancelledCoupon.objects.filter(cancellation=refund.cancellation_id)
        minor = lines.aggregate(sum=Sum(column))["sum"] or 0
        return money(Money(minor, refund.payment.currency_id))


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
