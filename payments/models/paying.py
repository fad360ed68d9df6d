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
    payment only; a second capture has none and is refunded. `gateway_reference` is the office's key
    for the attempt, `provider_reference` the provider's own word for it. `started` is an attempt
    of which the provider has told nothing yet, `pending` one that waits for the payer. While
    `check_at` is set the provider is asked about it, even once it is voided; `asked` counts that.
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
    gateway_version = CodeField(max_length=20, blank=True, default="")
    gateway_reference = CodeField(max_length=120, null=True, blank=True)
    provider_reference = CodeField(max_length=120, null=True, blank=True)
    state = CodeField(max_length=10, choices=State.choices, default=State.STARTED)
    currency = models.ForeignKey(Currency, on_delete=models.PROTECT, related_name="+")
    amount_minor = models.BigIntegerField()
    received_minor = models.BigIntegerField(
        default=0, help_text=_("What was captured: the amount, or more or less of a currency.")
    )
    seats_may_change = models.BooleanField(
        default=False,
        help_text=_("The payer agreed to other seats of the same class, should the hold run out."),
    )
    failure = CodeField(max_length=40, blank=True, default="")
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    check_at = models.DateTimeField(null=True, blank=True)
    asked = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["gateway", "gateway_reference"], name="payment_reference_once"
            ),
            models.UniqueConstraint(
                fields=["gateway", "provider_reference"], name="payment_provider_reference_once"
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
                condition=Q(received_minor=0) | Q(state="captured", received_minor__gt=0),
                name="payment_received_captured",
            ),
            models.CheckConstraint(
                condition=Q(settles__isnull=True) | Q(received_minor__gte=F("amount_minor")),
                name="payment_settles_in_full",
            ),
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
    gateway_version = CodeField(max_length=20, blank=True, default="")
    gateway_reference = CodeField(max_length=120, null=True, blank=True)
    provider_reference = CodeField(max_length=120, null=True, blank=True)
    state = CodeField(max_length=10, choices=State.choices, default=State.STARTED)
    amount_minor = models.BigIntegerField()
    failure = CodeField(max_length=40, blank=True, default="")
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    check_at = models.DateTimeField(null=True, blank=True)
    asked = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["gateway", "gateway_reference"], name="top_up_reference_once"
            ),
            models.UniqueConstraint(
                fields=["gateway", "provider_reference"], name="top_up_provider_reference_once"
            ),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="top_up_positive"),
            models.CheckConstraint(
                condition=Q(state__in=["started", "captured", "failed"]), name="top_up_state_known"
            ),
        ]
        indexes = [models.Index(fields=["state", "check_at"], name="top_up_to_check")]

    def __str__(self) -> str:
        return f"Top-up {self.pk}"


class CryptoInvoice(models.Model):
    """
    What a provider of cryptocurrency asks for an attempt, and what it has seen of it so far.

    Amounts of the asset are exact decimals; `rate` is what one of it counts for in the payment's
    currency, fixed until `expires_at`.
    """

    payment = models.OneToOneField(
        Payment, on_delete=models.PROTECT, primary_key=True, related_name="invoice"
    )
    asset = CodeField(max_length=12)
    address = CodeField(max_length=120)
    amount = models.DecimalField(max_digits=36, decimal_places=18)
    rate = models.DecimalField(max_digits=36, decimal_places=18)
    received = models.DecimalField(max_digits=36, decimal_places=18, default=0)
    confirmations = models.PositiveIntegerField(default=0)
    confirmations_needed = models.PositiveSmallIntegerField(default=1)
    expires_at = models.DateTimeField()
    seen_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["payment"]
        constraints = [
            models.UniqueConstraint(fields=["asset", "address"], name="crypto_address_once"),
            models.CheckConstraint(
                condition=Q(amount__gt=0, rate__gt=0, received__gte=0),
                name="crypto_invoice_positive",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount} {self.asset}"
