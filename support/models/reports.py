"""Passengers' reports and the messages about them."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from bookings.models import Reservation
from inventory.models import Ticket
from travel.common.fields import CodeField


class Report(models.Model):
    """A passenger's complaint about a ticket of a reservation."""

    class Category(models.TextChoices):
        PAYMENT = "Payment Issue", _("Payment")
        DELAY = "Travel Delay", _("Delay")
        CANCELLATION = "Unexpected Cancellation", _("Unexpected cancellation")
        SEAT = "Seat Or Equipment", _("Seat or equipment")
        ACCESSIBILITY = "Accessibility", _("Accessibility")
        OTHER = "Other", _("Something else")

    class State(models.TextChoices):
        PENDING = "Pending", _("Waiting")
        IN_PROGRESS = "In Progress", _("Being looked at")
        REVIEWED = "Reviewed", _("Answered")
        CLOSED = "Closed", _("Closed")

    reservation = models.ForeignKey(Reservation, on_delete=models.PROTECT, related_name="reports")
    ticket = models.ForeignKey(Ticket, on_delete=models.PROTECT, related_name="reports")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="reports"
    )
    category = CodeField(max_length=30, choices=Category.choices)
    state = CodeField(max_length=12, choices=State.choices, default=State.PENDING)
    assigned_to = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    category__in=[
                        "Payment Issue",
                        "Travel Delay",
                        "Unexpected Cancellation",
                        "Seat Or Equipment",
                        "Accessibility",
                        "Other",
                    ]
                ),
                name="report_category_known",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["Pending", "In Progress", "Reviewed", "Closed"]),
                name="report_state_known",
            ),
        ]
        indexes = [
            models.Index(fields=["state", "category", "created_at"], name="report_queue"),
        ]

    def __str__(self) -> str:
        return f"Report {self.pk}"


class ReportMessage(models.Model):
    """A message of a report's thread; internal ones are for staff only."""

    report = models.ForeignKey(
        Report, on_delete=models.CASCADE, related_name="messages", db_index=False
    )
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    is_from_staff = models.BooleanField(default=False)
    is_internal = models.BooleanField(default=False)
    body = models.TextField()
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["report", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(is_internal=False) | Q(is_from_staff=True),
                name="report_message_internal_is_staff",
            ),
        ]
        indexes = [models.Index(fields=["report", "id"], name="report_message_thread")]

    def __str__(self) -> str:
        return f"Message {self.pk}"
