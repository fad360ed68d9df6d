"""Payments and refunds, cancellations, and the ledger they are booked in."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from bookings.models import Coupon, Reservation
from inventory.models import Carrier
from travel.common.fields import CodeField
from travel.common.models import Currency


class Method(models.TextChoices):
    """What a traveller may pay with, spelt as the API publishes it."""

    WALLET = "Wallet", _("Wallet")
    CARD = "Bank Card", _("Bank card")
    CRYPTO = "Cryptocurrency", _("Cryptocurrency")


class Account(models.Model):
    """
    An account of the ledger in one currency. Its balance is the sum of its entries.

    Positive is what the office owes (a wallet, a carrier), negative what is owed to it (a gateway).
    `code` names the account from its columns (`wallet:42:EUR`), so that it cannot be opened twice.
    """

    class Kind(models.TextChoices):
        WALLET = "wallet", _("Wallet")
        GATEWAY = "gateway", _("Gateway clearing")
        CARRIER = "carrier", _("Carrier payable")
        PENALTY = "penalty", _("Penalty income")
        RETURNS = "returns", _("Money to be given back")
        EQUITY = "equity", _("Opening balances")

    code = CodeField(max_length=80, unique=True)
    kind = CodeField(max_length=10, choices=Kind.choices)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="accounts",
    )
    carrier = models.ForeignKey(
        Carrier, on_delete=models.PROTECT, null=True, blank=True, related_name="accounts"
    )
    gateway = CodeField(max_length=20, blank=True, default="")
    currency = models.ForeignKey(Currency, on_delete=models.PROTECT, related_name="+")
    balance_minor = models.BigIntegerField(default=0)

    class Meta:
        ordering = ["code"]
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    kind__in=["wallet", "gateway", "carrier", "penalty", "returns", "equity"]
                ),
                name="account_kind_known",
            ),
            models.CheckConstraint(
                condition=~Q(kind="wallet") | Q(balance_minor__gte=0),
                name="account_wallet_not_negative",
            ),
            models.CheckConstraint(
                condition=(Q(kind="wallet") & Q(user__isnull=False))
                | (~Q(kind="wallet") & Q(user__isnull=True)),
                name="account_wallet_has_owner",
            ),
            models.CheckConstraint(
                condition=(Q(kind__in=["carrier", "penalty"]) & Q(carrier__isnull=False))
                | (~Q(kind__in=["carrier", "penalty"]) & Q(carrier__isnull=True)),
                name="account_carrier_set",
            ),
            models.CheckConstraint(
                condition=(Q(kind="gateway") & ~Q(gateway=""))
                | (~Q(kind="gateway") & Q(gateway="")),
                name="account_gateway_set",
            ),
        ]

    def __str__(self) -> str:
        return self.code


class Payment(models.Model):
    """
    One attempt to pay a reservation.

    `settles` is the reservation it paid for: unique, so that a reservation is settled by one
    payment only; a second capture has none and is refunded.
    """

    class State(models.TextChoices):
        STARTED = "started", _("Started")
        PENDING = "pending", _("Waiting for the provider")
        CAPTURED = "captured", _("Captured")
        FAILED = "failed", _("Failed")
        VOIDED = "voided", _("Voided")

    reservation = models.ForeignKey(Reservation, on_delete=models.PROTECT, related_name="payments")
    settles = models.OneToOneField(
        Reservation, on_delete=models.PROTECT, null=True, blank=True, related_name="settled_by"
    )
    method = CodeField(max_length=16, choices=Method.choices)
    gateway = CodeField(max_length=20)
    gateway_reference = CodeField(max_length=120, null=True, blank=True)
    state = CodeField(max_length=10, choices=State.choices, default=State.STARTED)
    currency = models.ForeignKey(Currency, on_delete=models.PROTECT, related_name="+")
    amount_minor = models.BigIntegerField()
    failure = CodeField(max_length=40, blank=True, default="")
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    check_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["gateway", "gateway_reference"], name="payment_reference_once"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["started", "pending", "captured", "failed", "voided"]),
                name="payment_state_known",
            ),
            models.CheckConstraint(
                condition=Q(method__in=Method.values), name="payment_method_known"
            ),
            models.CheckConstraint(condition=Q(amount_minor__gte=0), name="payment_not_negative"),
            models.CheckConstraint(
                condition=Q(settles__isnull=True)
                | (Q(settles=F("reservation")) & Q(state="captured")),
                name="payment_settles_captured",
            ),
            models.CheckConstraint(
                condition=(Q(state__in=["started", "pending"]) & Q(finished_at__isnull=True))
                | (~Q(state__in=["started", "pending"]) & Q(finished_at__isnull=False)),
                name="payment_finished_when_final",
            ),
        ]
        indexes = [
            models.Index(fields=["state", "check_at"], name="payment_to_check"),
            models.Index(fields=["state", "created_at"], name="payment_by_state"),
        ]

    def __str__(self) -> str:
        return f"{self.method} {self.state}"


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


class TopUp(models.Model):
    """Money that a user puts into the wallet by a gateway."""

    class State(models.TextChoices):
        STARTED = "started", _("Started")
        CAPTURED = "captured", _("Captured")
        FAILED = "failed", _("Failed")

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="top_ups")
    gateway = CodeField(max_length=20)
    gateway_reference = CodeField(max_length=120, null=True, blank=True)
    state = CodeField(max_length=10, choices=State.choices, default=State.STARTED)
    amount_minor = models.BigIntegerField()
    failure = CodeField(max_length=40, blank=True, default="")
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    check_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["gateway", "gateway_reference"], name="top_up_reference_once"
            ),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="top_up_positive"),
            models.CheckConstraint(
                condition=Q(state__in=["started", "captured", "failed"]), name="top_up_state_known"
            ),
        ]
        indexes = [models.Index(fields=["state", "check_at"], name="top_up_to_check")]

    def __str__(self) -> str:
        return f"Top-up {self.pk}"


class SandboxCharge(models.Model):
    """What the sandbox provider knows of a charge: its own books, kept apart from ours."""

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting for the payer")
        CAPTURED = "captured", _("Captured")
        DECLINED = "declined", _("Declined")

    key = CodeField(max_length=80, unique=True)
    token = CodeField(max_length=80)
    amount_minor = models.BigIntegerField()
    currency = models.ForeignKey(Currency, on_delete=models.PROTECT, related_name="+")
    state = CodeField(max_length=10, choices=State.choices)
    reason = CodeField(max_length=40, default="")
    refunded_minor = models.BigIntegerField(default=0)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["waiting", "captured", "declined"]),
                name="sandbox_charge_state_known",
            ),
            models.CheckConstraint(
                condition=Q(refunded_minor__gte=0, refunded_minor__lte=F("amount_minor")),
                name="sandbox_charge_refund_bounded",
            ),
        ]

    def __str__(self) -> str:
        return self.key


class SandboxRefund(models.Model):
    """A refund that the sandbox provider has made, once for each key."""

    key = CodeField(max_length=80, unique=True)
    charge = models.ForeignKey(SandboxCharge, on_delete=models.PROTECT, related_name="refunds")
    amount_minor = models.BigIntegerField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="sandbox_refund_positive"),
        ]

    def __str__(self) -> str:
        return self.key


class Transfer(models.Model):
    """
    A move of money. Its entries sum to zero; it is written once and never changed.

    `reference` names the fact it books (`payment:7:captured`), so that the fact is booked once.
    """

    class Kind(models.TextChoices):
        TOP_UP = "top_up", _("Top-up")
        PAYMENT = "payment", _("Payment")
        REFUND = "refund", _("Refund")
        PENALTY = "penalty", _("Penalty")
        LATE = "late", _("Captured without a sale")
        CANCELLED = "cancelled", _("Cancelled sale")
        OPENING = "opening", _("Opening balance")

    kind = CodeField(max_length=10, choices=Kind.choices)
    reference = CodeField(max_length=80, unique=True)
    at = models.DateTimeField()
    memo = models.CharField(max_length=200, default="")
    payment = models.ForeignKey(
        Payment, on_delete=models.PROTECT, null=True, blank=True, related_name="transfers"
    )
    refund = models.OneToOneField(
        Refund, on_delete=models.PROTECT, null=True, blank=True, related_name="transfer"
    )
    cancellation = models.ForeignKey(
        Cancellation, on_delete=models.PROTECT, null=True, blank=True, related_name="transfers"
    )
    top_up = models.OneToOneField(
        TopUp, on_delete=models.PROTECT, null=True, blank=True, related_name="transfer"
    )

    class Meta:
        ordering = ["-at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    kind__in=[
                        "top_up",
                        "payment",
                        "refund",
                        "penalty",
                        "late",
                        "cancelled",
                        "opening",
                    ]
                ),
                name="transfer_kind_known",
            ),
        ]
        indexes = [models.Index(fields=["at"], name="transfer_time")]

    def __str__(self) -> str:
        return self.reference


class Entry(models.Model):
    """One side of a transfer: what an account gained (positive) or gave (negative)."""

    transfer = models.ForeignKey(
        Transfer, on_delete=models.PROTECT, related_name="entries", db_index=False
    )
    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="entries", db_index=False
    )
    amount_minor = models.BigIntegerField()

    class Meta:
        verbose_name_plural = "entries"
        ordering = ["transfer", "id"]
        constraints = [
            models.UniqueConstraint(fields=["transfer", "account"], name="entry_once"),
            models.CheckConstraint(condition=~Q(amount_minor=0), name="entry_not_zero"),
        ]
        indexes = [models.Index(fields=["account", "id"], name="entry_statement")]

    def __str__(self) -> str:
        return f"{self.amount_minor} on {self.account_id}"
