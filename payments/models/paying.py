"""Attempts to pay a reservation or to fill a wallet."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from bookings.models import Reservation
from payments.models.accounts import Account
from travel.common.fields import CodeField
from travel.common.models import Currency


class Method(models.TextChoices):
    """What a traveller may pay with, spelt as the API publishes it."""

    WALLET = "Wallet", _("Wallet")
    CARD = "Bank Card", _("Bank card")
    CRYPTO = "Cryptocurrency", _("Cryptocurrency")


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
