"""What was cancelled, and money on its way back."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from bookings.models import Coupon, Reservation
from payments.models.accounts import Account
from payments.models.paying import Payment
from travel.common.fields import CodeField


class Reason(models.TextChoices):
    """Why money is given back; staff name one whenever they depart from the fare's rules."""

    WISH = "wish", _("The traveller's wish")
    CARRIER = "carrier", _("The carrier's fault")
    MISSED_CONNECTION = "missed_connection", _("Missed connection")
    STRIKE = "strike", _("Strike")
    STAFF_ERROR = "staff_error", _("Our own mistake")
    DEATH = "death", _("Death")
    GOODWILL = "goodwill", _("Goodwill")


REASONS = ["wish", "carrier", "missed_connection", "strike", "staff_error", "death", "goodwill"]


class Cancellation(models.Model):
    """
    What was cancelled together, by whom and why; its lines say what each coupon cost.

    `quoted_until` is the end of the quote it was confirmed by, where there was one.
    """

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
    reason_code = CodeField(max_length=20, choices=Reason.choices, default=Reason.WISH)
    reason = models.CharField(max_length=300, blank=True, default="")
    penalty_waived = models.BooleanField(default=False)
    quoted_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(actor_kind__in=["holder", "staff", "system"]),
                name="cancellation_actor_known",
            ),
            models.CheckConstraint(
                condition=Q(reason_code__in=REASONS), name="cancellation_reason_known"
            ),
        ]

    def __str__(self) -> str:
        return f"Cancellation {self.pk}"


class CancelledCoupon(models.Model):
    """
    A coupon's share of a cancellation: the penalty kept and the refund given, with the tier used.

    `waived_minor` is what the tier would have kept beyond that, had staff not given it back;
    `rejected_minor` is what a second person took back of it: it was part of the refund until then.
    """

    cancellation = models.ForeignKey(Cancellation, on_delete=models.PROTECT, related_name="coupons")
    coupon = models.OneToOneField(Coupon, on_delete=models.PROTECT, related_name="cancelled")
    penalty_minor = models.BigIntegerField()
    refund_minor = models.BigIntegerField()
    waived_minor = models.BigIntegerField(default=0)
    # With a default of the database's own: the procedure that cancels does not name it.
    rejected_minor = models.BigIntegerField(default=0, db_default=0)
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
                condition=Q(waived_minor__gte=0, waived_minor__lte=F("refund_minor")),
                name="cancelled_coupon_waived",
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

    One that needs a second person waits for `decided_by`, who lets it go or rejects it.
    """

    class State(models.TextChoices):
        PENDING_APPROVAL = "pendingApproval", _("Waiting for approval")
        QUEUED = "queued", _("On its way")
        DONE = "done", _("Refunded")
        FAILED = "failed", _("Failed")
        REJECTED = "rejected", _("Rejected")

    class Destination(models.TextChoices):
        SOURCE = "source", _("Where it came from")
        WALLET = "wallet", _("Wallet")

    class Cause(models.TextChoices):
        CANCELLATION = "cancellation", _("Cancelled")
        LATE_CAPTURE = "late_capture", _("Paid after the hold ended")
        DOUBLE_CAPTURE = "double_capture", _("Paid twice")
        SURPLUS = "surplus", _("Paid too much")
        UNDERPAID = "underpaid", _("Paid too little")
        GOODWILL = "goodwill", _("Goodwill")

    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="refunds")
    cancellation = models.OneToOneField(
        Cancellation, on_delete=models.PROTECT, null=True, blank=True, related_name="refund"
    )
    cause = CodeField(max_length=16, choices=Cause.choices)
    reason_code = CodeField(max_length=20, choices=Reason.choices, blank=True, default="")
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
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    note = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="refund_positive"),
            models.CheckConstraint(
                condition=Q(state__in=["pendingApproval", "queued", "done", "failed", "rejected"]),
                name="refund_state_known",
            ),
            models.CheckConstraint(
                condition=Q(reason_code__in=["", *REASONS]), name="refund_reason_known"
            ),
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True, decided_at__isnull=True)
                | (
                    Q(decided_by__isnull=False, decided_at__isnull=False)
                    & ~Q(state="pendingApproval")
                ),
                name="refund_decided",
            ),
            models.CheckConstraint(
                condition=~Q(state="rejected") | Q(decided_by__isnull=False),
                name="refund_rejected_by",
            ),
            models.CheckConstraint(
                condition=Q(destination__in=["source", "wallet"]), name="refund_destination_known"
            ),
            models.CheckConstraint(
                condition=Q(
                    cause__in=[
                        "cancellation",
                        "late_capture",
                        "double_capture",
                        "surplus",
                        "underpaid",
                        "goodwill",
                    ]
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


class Goodwill(models.Model):
    """
    Money that staff give to a traveller's wallet, beyond what any fare gives back.

    Above the office's limit it waits for a second person, who lets it go or rejects it.
    """

    class State(models.TextChoices):
        PENDING_APPROVAL = "pendingApproval", _("Waiting for approval")
        DONE = "done", _("Given")
        REJECTED = "rejected", _("Rejected")

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="goodwill")
    reservation = models.ForeignKey(
        Reservation, on_delete=models.PROTECT, null=True, blank=True, related_name="goodwill"
    )
    reason_code = CodeField(max_length=20, choices=Reason.choices)
    note = models.CharField(max_length=300, blank=True, default="")
    amount_minor = models.BigIntegerField()
    state = CodeField(max_length=16, choices=State.choices)
    created_at = models.DateTimeField()
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "goodwill"
        ordering = ["-created_at", "-id"]
        constraints = [
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="goodwill_positive"),
            models.CheckConstraint(
                condition=Q(state__in=["pendingApproval", "done", "rejected"]),
                name="goodwill_state_known",
            ),
            models.CheckConstraint(
                condition=Q(reason_code__in=REASONS), name="goodwill_reason_known"
            ),
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True, decided_at__isnull=True)
                | (
                    Q(decided_by__isnull=False, decided_at__isnull=False)
                    & ~Q(state="pendingApproval")
                ),
                name="goodwill_decided",
            ),
            models.CheckConstraint(
                condition=~Q(state="rejected") | Q(decided_by__isnull=False),
                name="goodwill_rejected_by",
            ),
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True) | ~Q(decided_by=F("requested_by")),
                name="goodwill_second_person",
            ),
        ]
        indexes = [models.Index(fields=["state", "created_at"], name="goodwill_by_state")]

    def __str__(self) -> str:
        return f"Goodwill {self.pk}"
