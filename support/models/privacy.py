"""What people asked for about their own data: the file of it, and that it was erased."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q


class DataExport(models.Model):
    """
    All that is kept about a person, in one file that the person alone may fetch for some days.

    Made by the worker: `ready_at` and the file come together.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="exports", db_index=False
    )
    asked_at = models.DateTimeField()
    ready_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    content = models.BinaryField(null=True, blank=True)

    class Meta:
        ordering = ["-asked_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(ready_at__isnull=True, expires_at__isnull=True, content__isnull=True)
                | Q(ready_at__isnull=False, expires_at__isnull=False, content__isnull=False),
                name="data_export_ready_whole",
            ),
        ]
        indexes = [
            models.Index(fields=["user", "asked_at"], name="data_export_of_user"),
            models.Index(fields=["expires_at"], name="data_export_term"),
        ]

    def __str__(self) -> str:
        return f"Export {self.pk}"


class Erasure(models.Model):
    """That an account was erased, and when: the proof that a wish was met, without any name."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, primary_key=True, related_name="erasure"
    )
    erased_at = models.DateTimeField()
    reservations = models.PositiveIntegerField()

    class Meta:
        ordering = ["-erased_at", "-user"]

    def __str__(self) -> str:
        return f"Erasure of user {self.pk}"
