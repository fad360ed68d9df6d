"""The sandbox provider's own books, kept apart from the office's."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from travel.common.fields import CodeField
from travel.common.models import Currency


class SandboxCharge(models.Model):
    """
    What the sandbox provider knows of a charge: its own books, kept apart from the office's.

    `captured_minor` is what it took, which its stories may have differ from what was asked.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting for the payer")
        AUTHORISED = "authorised", _("Set aside")
        CAPTURED = "captured", _("Captured")
        DECLINED = "declined", _("Declined")
        EXPIRED = "expired", _("Expired")

    key = CodeField(max_length=80, unique=True)
    token = CodeField(max_length=80)
    booking = CodeField(max_length=12, default="")
    amount_minor = models.BigIntegerField()
    currency = models.ForeignKey(Currency, on_delete=models.PROTECT, related_name="+")
    state = CodeField(max_length=10, choices=State.choices)
    reason = CodeField(max_length=40, default="")
    captured_minor = models.BigIntegerField(default=0)
    refunded_minor = models.BigIntegerField(default=0)
    created_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    captured_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["waiting", "authorised", "captured", "declined", "expired"]),
                name="sandbox_charge_state_known",
            ),
            models.CheckConstraint(
                condition=Q(refunded_minor__gte=0, refunded_minor__lte=F("captured_minor")),
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
    created_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="sandbox_refund_positive"),
        ]

    def __str__(self) -> str:
        return self.key


class SandboxCoin(models.Model):
    """What the sandbox asks in its coin for a charge, and what it has seen of it."""

    charge = models.OneToOneField(
        SandboxCharge, on_delete=models.PROTECT, primary_key=True, related_name="coin"
    )
    address = CodeField(max_length=120, unique=True)
    amount = models.DecimalField(max_digits=36, decimal_places=18)
    rate = models.DecimalField(max_digits=36, decimal_places=18)
    received = models.DecimalField(max_digits=36, decimal_places=18, default=0)
    confirmations = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["charge"]
        constraints = [
            models.CheckConstraint(
                condition=Q(amount__gt=0, rate__gt=0, received__gte=0),
                name="sandbox_coin_positive",
            ),
        ]

    def __str__(self) -> str:
        return str(self.address)


class SandboxDelivery(models.Model):
    """
    A webhook that the sandbox sends to the office's door when it is due, signed as it leaves.

    An event that it sends twice is two rows with one `event_id`.
    """

    charge = models.ForeignKey(SandboxCharge, on_delete=models.PROTECT, related_name="deliveries")
    event_id = CodeField(max_length=80)
    body = models.TextField()
    created_at = models.DateTimeField()
    due_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    delivered_at = models.DateTimeField(null=True, blank=True)
    given_up_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "sandbox deliveries"
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(delivered_at__isnull=True) | Q(given_up_at__isnull=True),
                name="sandbox_delivered_or_given_up",
            ),
        ]
        indexes = [
            models.Index(
                fields=["delivered_at", "given_up_at", "due_at"], name="sandbox_delivery_due"
            ),
            models.Index(fields=["event_id"], name="sandbox_delivery_event"),
        ]

    def __str__(self) -> str:
        return str(self.event_id)
