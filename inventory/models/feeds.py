"""Where timetables come from, and what an import may not change by itself."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from travel.common.fields import CodeField


class Feed(models.Model):
    """A source of timetables that is imported again and again."""

    code = CodeField(max_length=60, unique=True)
    name = models.CharField(max_length=120)

    class Meta:
        ordering = ["code"]

    def __str__(self) -> str:
        return self.code


class ImportRun(models.Model):
    """One import of a feed: its window of days and what became of it."""

    feed = models.ForeignKey(Feed, on_delete=models.CASCADE, related_name="runs")
    first_day = models.DateField()
    last_day = models.DateField()
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    digest = CodeField(max_length=64, default="")
    report = models.JSONField(default=dict)

    class Meta:
        ordering = ["-started_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(last_day__gte=models.F("first_day")), name="import_run_window"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.feed} {self.first_day} to {self.last_day}"


class PendingChange(models.Model):
    """
    A change that an import found for a departure that has sold; the departures desk settles it.
    """

    class Kind(models.TextChoices):
        CALLS = "calls", "Other calls"
        WITHDRAWN = "withdrawn", "No longer in the feed"
        VEHICLE = "vehicle", "Another vehicle"

    departure = models.ForeignKey(
        "inventory.Departure", on_delete=models.CASCADE, related_name="pending_changes"
    )
    kind = CodeField(max_length=12, choices=Kind.choices)
    digest = CodeField(max_length=64)
    proposal = models.JSONField(default=dict)
    created_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True, blank=True)
    settled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    decision = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["departure", "kind", "digest"], name="pending_change_once"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["calls", "withdrawn", "vehicle"]),
                name="pending_change_kind_known",
            ),
        ]
        indexes = [models.Index(fields=["settled_at", "created_at"], name="pending_change_queue")]

    def __str__(self) -> str:
        return f"{self.kind} of departure {self.departure_id}"
