"""What was cancelled, and money on its way back."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from bookings.models import Coupon, Reservation
from payments.models.paying import Payment
from travel.common.fields import CodeField


class Cancellation(models.Model):
    """What was cancelled together, by whom and why; its lines say what each coupon cost."""

    class Actor(models.TextChoices):
        HOLDER = "holder", _("Traveller")
        STAFF = "staff", _("Staff")
        SYSTEM = "system", _("Office")

    reservation = models.ForeignKey(
        Reservation, on_delete=models.PROTECT, related_name="cancellations"
    )
    at = models.DateTimeField()
    actor_kind = CodeField(max_length=8, choices=Actor.choices)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    reason = models.CharField(max_length=300, blank=True, default="")
    penalty_waived = models.BooleanField(default=False)

    class Meta:
        ordering = ["-at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(actor_kind__in=["holder", "staff", "system"]),
                name="cancellation_actor_known",
            ),
        ]

    def __str__(self) -> str:
        return f"Cancellation {self.pk}"


class CancelledCoupon(models.Model):
    """
    A coupon's share of a cancellation: the penalty kept and the refund given, with the tier used.
    """

    cancellation = models.ForeignKey(Cancellation, on_delete=models.PROTECT, related_name="coupons")
    coupon = models.OneToOneField(Coupon, on_delete=models.PROTECT, related_name="cancelled")
    penalty_minor = models.BigIntegerField()
    refund_minor = models.BigIntegerField()
    penalty_basis_points = models.PositiveIntegerField()
    tier_minutes_before = models.PositiveIntegerField(null=True)

    class Meta:
        ordering = ["cancellation", "coupon"]
        constraints = [
            models.CheckConstraint(
                condition=Q(penalty_minor__gte=0, refund_minor__gte=0),
                name="cancelled_coupon_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(penalty_basis_points__lte=10_000), name="cancelled_coupon_share"
            ),
        ]

    def __str__(self) -> str:
        return f"Coupon {self.coupon_id}"


class Refund(models.Model):
    """
    Money on its way back for a captured payment. It is due until it is done or given to staff.
    """

    class State(models.TextChoices):
        PENDING_APPROVAL = "pendingApproval", _("Waiting for approval")
        QUEUED = "queued", _("On its way")
        DONE = "done", _("Refunded")
        FAILED = "failed", _("Failed")

    class Destination(models.TextChoices):
        SOURCE = "source", _("Where it came from")
        WALLET = "wallet", _("Wallet")

    class Cause(models.TextChoices):
        CANCELLATION = "cancellation", _("Cancelled")
        LATE_CAPTURE = "late_capture", _("Paid after the hold ended")
        DOUBLE_CAPTURE = "double_capture", _("Paid twice")
        GOODWILL = "goodwill", _("Goodwill")

    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="refunds")
    cancellation = models.OneToOneField(
        Cancellation, on_delete=models.PROTECT, null=True, blank=True, related_name="refund"
    )
    cause = CodeField(max_length=16, choices=Cause.choices)
    destination = CodeField(max_length=8, choices=Destination.choices)
    amount_minor = models.BigIntegerField()
    state = CodeField(max_length=16, choices=State.choices, default=State.QUEUED)
    reference = CodeField(max_length=80, unique=True)
    gateway_reference = CodeField(max_length=120, blank=True, default="")
    created_at = models.DateTimeField()
    due_at = models.DateTimeField()
    lease_until = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    done_at = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="refund_positive"),
            models.CheckConstraint(
                condition=Q(state__in=["pendingApproval", "queued", "done", "failed"]),
                name="refund_state_known",
            ),
            models.CheckConstraint(
                condition=Q(destination__in=["source", "wallet"]), name="refund_destination_known"
            ),
            models.CheckConstraint(
                condition=Q(
                    cause__in=["cancellation", "late_capture", "double_capture", "goodwill"]
                ),
                name="refund_cause_known",
            ),
            models.CheckConstraint(
                condition=(Q(state="done") & Q(done_at__isnull=False))
                | (~Q(state="done") & Q(done_at__isnull=True)),
                name="refund_done_at",
            ),
        ]
        indexes = [models.Index(fields=["state", "due_at"], name="refund_due")]

    def __str__(self) -> str:
        return f"Refund {self.reference}"
