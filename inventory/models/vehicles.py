"""Vehicles and their seat maps."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from simple_history.models import HistoricalRecords

from inventory.models.carriers import Carrier
from inventory.models.words import TravelClass
from travel.common.fields import CodeField


class SeatMap(models.Model):
    """
    The seats of a type of vehicle. A departure that has sold keeps the stock laid out from it.
    """

    carrier = models.ForeignKey(Carrier, on_delete=models.PROTECT, related_name="seat_maps")
    code = CodeField(max_length=60)
    name = models.CharField(max_length=120)
    history = HistoricalRecords()

    class Meta:
        ordering = ["carrier", "code"]
        constraints = [
            models.UniqueConstraint(fields=["carrier", "code"], name="seat_map_once"),
        ]

    def __str__(self) -> str:
        return self.name


class Coach(models.Model):
    """A coach of a train, a cabin of an aircraft, a deck of a coach: what seats are numbered in."""

    seat_map = models.ForeignKey(SeatMap, on_delete=models.CASCADE, related_name="coaches")
    position = models.PositiveSmallIntegerField()
    label = CodeField(max_length=12)

    class Meta:
        ordering = ["seat_map", "position"]
        verbose_name_plural = "coaches"
        constraints = [
            models.UniqueConstraint(fields=["seat_map", "position"], name="coach_position_once"),
            models.UniqueConstraint(fields=["seat_map", "label"], name="coach_label_once"),
        ]

    def __str__(self) -> str:
        return self.label


class Seat(models.Model):
    """
    A seat of a seat map.

    `row` counts from the front, `column` from the left in the direction of travel, gaps (aisles)
    count. Free seating is seats without labels.
    """

    coach = models.ForeignKey(Coach, on_delete=models.CASCADE, related_name="seats")
    row = models.PositiveSmallIntegerField()
    column = models.PositiveSmallIntegerField()
    label = CodeField(max_length=8, blank=True, default="")
    travel_class = CodeField(max_length=10, choices=TravelClass.choices)
    is_window = models.BooleanField(default=False)
    is_aisle = models.BooleanField(default=False)
    has_table = models.BooleanField(default=False)
    is_quiet = models.BooleanField(default=False)
    is_accessible = models.BooleanField(default=False)
    faces_back = models.BooleanField(default=False)

    class Meta:
        ordering = ["coach", "row", "column"]
        constraints = [
            models.UniqueConstraint(fields=["coach", "row", "column"], name="seat_place_once"),
            models.CheckConstraint(
                condition=Q(travel_class__in=TravelClass.values), name="seat_class_known"
            ),
        ]
        indexes = [models.Index(fields=["coach", "travel_class"], name="seat_coach_class")]

    def __str__(self) -> str:
        return self.label or f"{self.row}/{self.column}"


class Vehicle(models.Model):
    """A piece of equipment, or a kind of it, that a carrier puts on a departure."""

    carrier = models.ForeignKey(Carrier, on_delete=models.PROTECT, related_name="vehicles")
    code = CodeField(max_length=60)
    name = models.CharField(max_length=120)
    seat_map = models.ForeignKey(SeatMap, on_delete=models.PROTECT, related_name="vehicles")
    history = HistoricalRecords()

    class Meta:
        ordering = ["carrier", "code"]
        constraints = [
            models.UniqueConstraint(fields=["carrier", "code"], name="vehicle_once"),
        ]

    def __str__(self) -> str:
        return self.name
