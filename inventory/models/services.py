"""Services: what recurs under one number."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from simple_history.models import HistoricalRecords

from inventory.models.carriers import Carrier
from inventory.models.fares import Tariff
from inventory.models.words import Mode
from travel.common.fields import CodeField


class Facility(models.Model):
    """Something on board: Wi-Fi, sockets, food, a place for bicycles."""

    code = CodeField(max_length=30, unique=True)
    name = models.CharField(max_length=80)

    class Meta:
        ordering = ["code"]
        verbose_name_plural = "facilities"

    def __str__(self) -> str:
        return self.name


class Service(models.Model):
    """
    A flight, a train or a coach line by its number (LH 2024, ICE 1672, N 42).

    Exactly one of Flight, Train and Bus says more of it, as its mode tells.
    """

    carrier = models.ForeignKey(Carrier, on_delete=models.PROTECT, related_name="services")
    mode = CodeField(max_length=8, choices=Mode.choices)
    number = CodeField(max_length=40)
    tariff = models.ForeignKey(Tariff, on_delete=models.PROTECT, related_name="services")
    facilities = models.ManyToManyField(Facility, blank=True, related_name="services")
    history = HistoricalRecords()

    class Meta:
        ordering = ["carrier", "number", "id"]
        constraints = [
            models.UniqueConstraint(fields=["carrier", "mode", "number"], name="service_once"),
            models.CheckConstraint(condition=Q(mode__in=Mode.values), name="service_mode_known"),
            models.CheckConstraint(condition=~Q(number=""), name="service_numbered"),
        ]
        indexes = [models.Index(fields=["number"], name="service_number")]

    def __str__(self) -> str:
        return str(self.number)


class Flight(models.Model):
    """What a service has that flies."""

    service = models.OneToOneField(
        Service, on_delete=models.CASCADE, primary_key=True, related_name="flight"
    )
    aircraft = models.CharField(max_length=80, blank=True, default="")
    origin_terminal = models.CharField(max_length=12, blank=True, default="")
    destination_terminal = models.CharField(max_length=12, blank=True, default="")
    checked_bags = models.PositiveSmallIntegerField(default=0)

    def __str__(self) -> str:
        return f"Flight {self.service_id}"


class Train(models.Model):
    """What a service has that runs on rails."""

    service = models.OneToOneField(
        Service, on_delete=models.CASCADE, primary_key=True, related_name="train"
    )
    category = models.CharField(max_length=40, blank=True, default="")
    stars = models.PositiveSmallIntegerField(null=True, blank=True)
    has_compartments = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(stars__isnull=True) | Q(stars__gte=1, stars__lte=5),
                name="train_stars_one_to_five",
            ),
        ]

    def __str__(self) -> str:
        return f"Train {self.service_id}"


class Bus(models.Model):
    """What a service has that runs on the road."""

    service = models.OneToOneField(
        Service, on_delete=models.CASCADE, primary_key=True, related_name="bus"
    )
    kind = models.CharField(max_length=40, blank=True, default="")
    seats_per_row = models.PositiveSmallIntegerField(default=4)

    class Meta:
        verbose_name_plural = "buses"
        constraints = [
            models.CheckConstraint(
                condition=Q(seats_per_row__gte=1, seats_per_row__lte=6), name="bus_seats_per_row"
            ),
        ]

    def __str__(self) -> str:
        return f"Bus {self.service_id}"
