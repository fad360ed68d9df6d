"""Receipts and credit notes: what was written down for a payer, once and for good."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from bookings.models import Coupon, Reservation
from payments.models.cancelling import Refund
from payments.models.paying import Payment
from travel.common.fields import CodeField
from travel.common.models import Currency


class ReceiptSeries(models.Model):
    """
    The numbers of an issuer's receipts in a year. Whoever takes one locks the row until the commit,
    so there is no gap.
    """

    issuer = CodeField(max_length=20)
    year = models.PositiveSmallIntegerField()
    last_number = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name_plural = "receipt series"
        ordering = ["issuer", "-year"]
        constraints = [
            models.UniqueConstraint(fields=["issuer", "year"], name="receipt_series_once"),
        ]

    def __str__(self) -> str:
        return f"{self.issuer} {self.year}"


class Receipt(models.Model):
    """
    A receipt for the payment that settled a reservation, or a credit note for a refund of it.

    It is never changed. It holds no name: whom it was written for stands in ReceiptName, a closed
    table. `issuer_text` is the issuer's name, address and tax number as they were printed.
    """

    class Kind(models.TextChoices):
        RECEIPT = "receipt", _("Receipt")
        CREDIT_NOTE = "credit_note", _("Credit note")

    series = models.ForeignKey(
        ReceiptSeries, on_delete=models.PROTECT, related_name="receipts", db_index=False
    )
    number = models.PositiveIntegerField()
    kind = CodeField(max_length=12, choices=Kind.choices)
    reservation = models.ForeignKey(Reservation, on_delete=models.PROTECT, related_name="receipts")
    payment = models.OneToOneField(
        Payment, on_delete=models.PROTECT, null=True, blank=True, related_name="receipt"
    )
    refund = models.OneToOneField(
        Refund, on_delete=models.PROTECT, null=True, blank=True, related_name="credit_note"
    )
    credits = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="credit_notes"
    )
    issued_at = models.DateTimeField()
    currency = models.ForeignKey(Currency, on_delete=models.PROTECT, related_name="+")
    total_minor = models.BigIntegerField()
    issuer_text = models.TextField()
    language = CodeField(max_length=12, default="en")

    class Meta:
        ordering = ["-issued_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["series", "number"], name="receipt_number_once"),
            models.CheckConstraint(
                condition=Q(
                    kind="receipt",
                    payment__isnull=False,
                    refund__isnull=True,
                    credits__isnull=True,
                )
                | Q(
                    kind="credit_note",
                    payment__isnull=True,
                    refund__isnull=False,
                    credits__isnull=False,
                ),
                name="receipt_kind_has_its_cause",
            ),
            models.CheckConstraint(condition=Q(number__gte=1), name="receipt_numbered"),
            models.CheckConstraint(condition=Q(total_minor__gte=0), name="receipt_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.number}"


class ReceiptLine(models.Model):
    """
    A line of a receipt, copied from what was sold or given back.

    As on the price, tax stands beside the fare it is taken out of: all lines sum to the total.
    """

    class Kind(models.TextChoices):
        FARE = "fare", _("Fare")
        TAX = "tax", _("Tax")
        FEE = "fee", _("Fee")
        DISCOUNT = "discount", _("Discount")
        PENALTY = "penalty", _("Penalty")

    receipt = models.ForeignKey(
        Receipt, on_delete=models.PROTECT, related_name="lines", db_index=False
    )
    position = models.PositiveSmallIntegerField()
    coupon = models.ForeignKey(
        Coupon, on_delete=models.PROTECT, null=True, blank=True, related_name="receipt_lines"
    )
    kind = CodeField(max_length=10, choices=Kind.choices)
    label = models.CharField(max_length=200)
    amount_minor = models.BigIntegerField()

    class Meta:
        ordering = ["receipt", "position"]
        constraints = [
            models.UniqueConstraint(fields=["receipt", "position"], name="receipt_line_once"),
            models.CheckConstraint(
                condition=Q(kind__in=["fare", "tax", "fee", "discount", "penalty"]),
                name="receipt_line_kind_known",
            ),
        ]

    def __str__(self) -> str:
        return str(self.label)


class ReceiptName(models.Model):
    """Whom a receipt was written for: kept apart, until the tax term ends on `kept_until`."""

    receipt = models.OneToOneField(
        Receipt, on_delete=models.CASCADE, primary_key=True, related_name="written_for"
    )
    name = models.CharField(max_length=200)
    address = models.TextField(blank=True, default="")
    kept_until = models.DateField()

    class Meta:
        ordering = ["receipt"]
        indexes = [models.Index(fields=["kept_until"], name="receipt_name_term")]

    def __str__(self) -> str:
        return f"Name on receipt {self.pk}"
