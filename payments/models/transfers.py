"""The moves of the ledger."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from payments.models.accounts import Account
from payments.models.cancelling import Cancellation, Goodwill, Refund
from payments.models.paying import Payment, TopUp
from payments.models.settlements import Settlement
from travel.common.fields import CodeField


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
        SURPLUS = "surplus", _("Received beyond the price")
        FEE = "fee", _("Platform fee")
        GOODWILL = "goodwill", _("Goodwill")
        SETTLEMENT = "settlement", _("Paid to a carrier")
        PAYOUT = "payout", _("Paid out by a gateway")
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
    goodwill = models.OneToOneField(
        Goodwill, on_delete=models.PROTECT, null=True, blank=True, related_name="transfer"
    )
    settlement = models.OneToOneField(
        Settlement, on_delete=models.PROTECT, null=True, blank=True, related_name="transfer"
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
                        "surplus",
                        "fee",
                        "goodwill",
                        "settlement",
                        "payout",
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
