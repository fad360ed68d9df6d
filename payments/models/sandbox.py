"""The sandbox provider's own books, kept apart from the office's."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from travel.common.fields import CodeField
from travel.common.models import Currency


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
