"""What somebody has to look at, because money may be astray."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from payments.models.cancelling import Refund
from payments.models.paying import Payment, TopUp
from payments.models.webhooks import WebhookEvent
from travel.common.fields import CodeField
from travel.common.models import Currency


class MoneyAlarm(models.Model):
    """
    Something for staff to look at. It is open until somebody closes it with a note.

    `reference` names the trouble (`payment:7:amount_differs`), so that it is raised once.
    """

    class Kind(models.TextChoices):
        AMOUNT_DIFFERS = "amount_differs", _("The provider tells another amount")
        CURRENCY_DIFFERS = "currency_differs", _("The provider tells another currency")
        BOOKING_DIFFERS = "booking_differs", _("The provider tells another booking")
        UNKNOWN_PAYMENT = "unknown_payment", _("The provider tells of an unknown payment")
        PAID_TWICE = "paid_twice", _("A reservation was paid twice")
        PAID_LATE = "paid_late", _("Captured after the hold had ended")
        PAID_TOO_MUCH = "paid_too_much", _("More than the price was received")
        PAID_TOO_LITTLE = "paid_too_little", _("Less than the price was received")
        REFUND_FAILED = "refund_failed", _("A refund failed")
        NO_ANSWER = "no_answer", _("The provider does not answer")
        EVENT_REFUSED = "event_refused", _("An event was refused")
        RECONCILIATION = "reconciliation", _("Provider and ledger differ")

    kind = CodeField(max_length=20, choices=Kind.choices)
    reference = CodeField(max_length=120, unique=True)
    payment = models.ForeignKey(
        Payment, on_delete=models.PROTECT, null=True, blank=True, related_name="alarms"
    )
    top_up = models.ForeignKey(
        TopUp, on_delete=models.PROTECT, null=True, blank=True, related_name="alarms"
    )
    refund = models.ForeignKey(
        Refund, on_delete=models.PROTECT, null=True, blank=True, related_name="alarms"
    )
    event = models.ForeignKey(
        WebhookEvent, on_delete=models.PROTECT, null=True, blank=True, related_name="alarms"
    )
    details = models.JSONField(default=dict)
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    note = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        ordering = ["-opened_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    kind__in=[
                        "amount_differs",
                        "currency_differs",
                        "booking_differs",
                        "unknown_payment",
                        "paid_twice",
                        "paid_late",
                        "paid_too_much",
                        "paid_too_little",
                        "refund_failed",
                        "no_answer",
                        "event_refused",
                        "reconciliation",
                    ]
                ),
                name="money_alarm_kind_known",
            ),
            models.CheckConstraint(
                condition=Q(closed_at__isnull=True, closed_by__isnull=True)
                | Q(closed_at__isnull=False, closed_by__isnull=False),
                name="money_alarm_closed_by",
            ),
        ]
        indexes = [models.Index(fields=["closed_at", "opened_at"], name="money_alarm_open")]

    def __str__(self) -> str:
        return str(self.reference)


class ReconciliationRun(models.Model):
    """
    A comparison of a provider's statement with the ledger, over what moved in a stretch of time.
    """

    gateway = CodeField(max_length=20)
    since = models.DateTimeField()
    until = models.DateTimeField()
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    lines_read = models.PositiveIntegerField(default=0)
    problem = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        ordering = ["-started_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(until__gt=F("since")), name="reconciliation_run_stretch"
            ),
        ]
        indexes = [models.Index(fields=["gateway", "started_at"], name="reconciliation_latest")]

    def __str__(self) -> str:
        return f"{self.gateway} {self.until:%Y-%m-%d}"


class Difference(models.Model):
    """
    What a provider's statement and the ledger do not agree on; open until somebody closes it, or
    until both agree: then it closes by itself, and by nobody.

    `reference` names it (`sandbox:payment-7:amount`), so that every night finds the same row:
    `first_run` found it, `last_run` found it still. Amounts are what moved towards the office,
    absent where a side knows of no move.
    """

    class Kind(models.TextChoices):
        ONLY_PROVIDER = "only_provider", _("Only the provider knows it")
        ONLY_LEDGER = "only_ledger", _("Only the ledger knows it")
        AMOUNT = "amount", _("The amounts differ")
        CURRENCY = "currency", _("The currencies differ")

    reference = CodeField(max_length=160, unique=True)
    kind = CodeField(max_length=16, choices=Kind.choices)
    first_run = models.ForeignKey(
        ReconciliationRun, on_delete=models.PROTECT, related_name="found_first"
    )
    last_run = models.ForeignKey(
        ReconciliationRun, on_delete=models.PROTECT, related_name="found_last"
    )
    payment = models.ForeignKey(
        Payment, on_delete=models.PROTECT, null=True, blank=True, related_name="differences"
    )
    refund = models.ForeignKey(
        Refund, on_delete=models.PROTECT, null=True, blank=True, related_name="differences"
    )
    top_up = models.ForeignKey(
        TopUp, on_delete=models.PROTECT, null=True, blank=True, related_name="differences"
    )
    ledger_minor = models.BigIntegerField(null=True, blank=True)
    ledger_currency = models.ForeignKey(
        Currency, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    provider_minor = models.BigIntegerField(null=True, blank=True)
    provider_currency = models.ForeignKey(
        Currency, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    note = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        ordering = ["-last_run", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=["only_provider", "only_ledger", "amount", "currency"]),
                name="difference_kind_known",
            ),
            models.CheckConstraint(
                condition=Q(ledger_minor__isnull=True, ledger_currency__isnull=True)
                | Q(ledger_minor__isnull=False, ledger_currency__isnull=False),
                name="difference_ledger_money",
            ),
            models.CheckConstraint(
                condition=Q(provider_minor__isnull=True, provider_currency__isnull=True)
                | Q(provider_minor__isnull=False, provider_currency__isnull=False),
                name="difference_provider_money",
            ),
            models.CheckConstraint(
                condition=Q(ledger_minor__isnull=False) | Q(provider_minor__isnull=False),
                name="difference_has_a_side",
            ),
            models.CheckConstraint(
                condition=Q(closed_by__isnull=True) | Q(closed_at__isnull=False),
                name="difference_closed_by",
            ),
        ]
        indexes = [models.Index(fields=["closed_at", "last_run"], name="difference_open")]

    def __str__(self) -> str:
        return str(self.reference)
