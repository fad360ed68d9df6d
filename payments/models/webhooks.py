"""What providers tell the office by themselves."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from payments.models.cancelling import Refund
from payments.models.paying import Payment, TopUp
from travel.common.fields import CodeField


class WebhookEvent(models.Model):
    """
    An event with a true signature, kept as it came and worked on when it is due.

    `event_id` is the provider's, so that an event counts once however often it is sent. It becomes
    `done` in the transaction of its effect; `refused` had none, and `problem` says why.
    """

    class State(models.TextChoices):
        STORED = "stored", _("Waiting")
        DONE = "done", _("Done")
        REFUSED = "refused", _("Refused")

    gateway = CodeField(max_length=20)
    event_id = CodeField(max_length=120)
    kind = CodeField(max_length=60, blank=True, default="")
    body = models.TextField()
    headers = models.JSONField(default=dict)
    occurred_at = models.DateTimeField(null=True, blank=True)
    received_at = models.DateTimeField()
    state = CodeField(max_length=8, choices=State.choices, default=State.STORED)
    due_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    processed_at = models.DateTimeField(null=True, blank=True)
    problem = models.CharField(max_length=300, blank=True, default="")
    payment = models.ForeignKey(
        Payment, on_delete=models.PROTECT, null=True, blank=True, related_name="events"
    )
    top_up = models.ForeignKey(
        TopUp, on_delete=models.PROTECT, null=True, blank=True, related_name="events"
    )
    refund = models.ForeignKey(
        Refund, on_delete=models.PROTECT, null=True, blank=True, related_name="events"
    )

    class Meta:
        ordering = ["-received_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["gateway", "event_id"], name="webhook_event_once"),
            models.CheckConstraint(
                condition=Q(state__in=["stored", "done", "refused"]),
                name="webhook_event_state_known",
            ),
            models.CheckConstraint(
                condition=Q(state="stored", processed_at__isnull=True)
                | (~Q(state="stored") & Q(processed_at__isnull=False)),
                name="webhook_event_processed",
            ),
            models.CheckConstraint(
                condition=~Q(state="refused") | ~Q(problem=""), name="webhook_event_says_why"
            ),
        ]
        indexes = [
            models.Index(fields=["state", "due_at"], name="webhook_event_due"),
            models.Index(fields=["received_at"], name="webhook_event_age"),
        ]

    def __str__(self) -> str:
        return f"{self.gateway} {self.event_id}"
