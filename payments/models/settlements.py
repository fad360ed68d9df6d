"""What the office agrees with carriers, and pays them."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from inventory.models import Carrier
from payments.models.accounts import Account
from travel.common.fields import CodeField


class CarrierTerms(models.Model):
    """The share of a price that the office keeps as its fee; the latest that has begun holds."""

    carrier = models.ForeignKey(
        Carrier, on_delete=models.PROTECT, related_name="terms", db_index=False
    )
    valid_from = models.DateField()
    fee_basis_points = models.PositiveIntegerField()

    class Meta:
        verbose_name_plural = "carrier terms"
        ordering = ["carrier", "-valid_from"]
        constraints = [
            models.UniqueConstraint(fields=["carrier", "valid_from"], name="carrier_terms_once"),
            models.CheckConstraint(
                condition=Q(fee_basis_points__lte=10_000), name="carrier_terms_share"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.carrier_id} {self.valid_from}"


class Settlement(models.Model):
    """
    A statement to a carrier: its account's entries since the last one, and what is paid for them.

    `account` is a carrier's, so it says the currency too. Settlements of an account are numbered;
    each takes the entries after its predecessor's `last_entry`, up to its own. An account's entries
    are written under the lock of its row, so their ids are in the order of their commits.
    """

    class State(models.TextChoices):
        DRAWN = "drawn", _("Drawn up")
        PAID = "paid", _("Paid")

    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="settlements", db_index=False
    )
    number = models.PositiveIntegerField()
    last_entry = models.OneToOneField(
        "payments.Entry", on_delete=models.PROTECT, related_name="settlement"
    )
    period_start = models.DateField()
    period_end = models.DateField()
    amount_minor = models.BigIntegerField()
    state = CodeField(max_length=8, choices=State.choices, default=State.DRAWN)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    paid_at = models.DateTimeField(null=True, blank=True)
    paid_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    bank_reference = CodeField(max_length=80, blank=True, default="")

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["account", "number"], name="settlement_once"),
            models.CheckConstraint(
                condition=Q(state__in=["drawn", "paid"]), name="settlement_state_known"
            ),
            models.CheckConstraint(
                condition=Q(period_end__gte=F("period_start")), name="settlement_period"
            ),
            models.CheckConstraint(
                condition=Q(state="drawn", paid_at__isnull=True)
                | Q(state="paid", paid_at__isnull=False),
                name="settlement_paid_at",
            ),
            models.CheckConstraint(condition=Q(number__gte=1), name="settlement_numbered"),
        ]

    def __str__(self) -> str:
        return f"{self.account_id} {self.number}"
