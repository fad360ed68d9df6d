"""Who runs the services, what they call their classes, and who works for them."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from simple_history.models import HistoricalRecords

from inventory.models.words import TravelClass
from travel.common.fields import CodeField
from travel.common.models import Currency


class Carrier(models.Model):
    """An airline, a railway or a coach company. Its fares are in its currency."""

    code = CodeField(max_length=40, unique=True)
    name = models.CharField(max_length=120)
    currency = models.ForeignKey(Currency, on_delete=models.PROTECT, related_name="+")
    tz = CodeField(max_length=60, verbose_name="time zone")
    country = CodeField(max_length=2, blank=True, default="")
    url = models.URLField(blank=True, default="")
    is_active = models.BooleanField(default=True)
    history = HistoricalRecords()

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.CheckConstraint(condition=~Q(name="") & ~Q(code=""), name="carrier_named"),
        ]

    def __str__(self) -> str:
        return self.name


class CarrierClass(models.Model):
    """The carrier's own word for a class: `2nd class`, `Light`, `Premium`."""

    carrier = models.ForeignKey(Carrier, on_delete=models.CASCADE, related_name="classes")
    travel_class = CodeField(max_length=10, choices=TravelClass.choices)
    name = models.CharField(max_length=60)

    class Meta:
        ordering = ["carrier", "travel_class"]
        verbose_name_plural = "carrier classes"
        constraints = [
            models.UniqueConstraint(fields=["carrier", "travel_class"], name="carrier_class_once"),
            models.CheckConstraint(
                condition=Q(travel_class__in=TravelClass.values), name="carrier_class_known"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """A user's role at a carrier: whose departures he may see and change."""

    class Role(models.TextChoices):
        VIEWER = "viewer", "Viewer"
        OPERATIONS = "operations", "Operations"
        MANAGER = "manager", "Manager"

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships"
    )
    carrier = models.ForeignKey(Carrier, on_delete=models.CASCADE, related_name="memberships")
    role = CodeField(max_length=12, choices=Role.choices)
    history = HistoricalRecords()

    class Meta:
        ordering = ["carrier", "user"]
        constraints = [
            models.UniqueConstraint(fields=["user", "carrier"], name="membership_once"),
            models.CheckConstraint(
                condition=Q(role__in=["viewer", "operations", "manager"]),
                name="membership_role_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} at {self.carrier}"
