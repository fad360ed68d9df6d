"""Tariffs, fares and their dated versions."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from simple_history.models import HistoricalRecords

from inventory.models.carriers import Carrier
from inventory.models.words import TravelClass
from travel.common.fields import CodeField

FARES_PER_TARIFF = 64


class Tariff(models.Model):
    """A set of at most 64 fares that services share."""

    carrier = models.ForeignKey(Carrier, on_delete=models.PROTECT, related_name="tariffs")
    code = CodeField(max_length=60)
    name = models.CharField(max_length=120)
    history = HistoricalRecords()

    class Meta:
        ordering = ["carrier", "code"]
        constraints = [
            models.UniqueConstraint(fields=["carrier", "code"], name="tariff_once"),
            models.CheckConstraint(condition=~Q(code=""), name="tariff_coded"),
        ]

    def __str__(self) -> str:
        return self.name


class Fare(models.Model):
    """
    An offer of a tariff in one class: `Saver`, `Flexible`.

    Its id is tariff * 64 + number, so that a ticket's id can carry the number and a CHECK can hold
    the two together. A number is never used again for another fare.
    """

    id = models.BigIntegerField(primary_key=True)
    tariff = models.ForeignKey(Tariff, on_delete=models.PROTECT, related_name="fares")
    number = models.PositiveSmallIntegerField()
    travel_class = CodeField(max_length=10, choices=TravelClass.choices)
    name = models.CharField(max_length=80)
    is_on_sale = models.BooleanField(default=True)
    history = HistoricalRecords()

    class Meta:
        ordering = ["tariff", "number"]
        constraints = [
            models.UniqueConstraint(fields=["tariff", "number"], name="fare_number_once"),
            models.CheckConstraint(
                condition=Q(number__gte=0, number__lt=FARES_PER_TARIFF), name="fare_number_small"
            ),
            models.CheckConstraint(
                condition=Q(id=F("tariff") * FARES_PER_TARIFF + F("number")), name="fare_id_speaks"
            ),
            models.CheckConstraint(
                condition=Q(travel_class__in=TravelClass.values), name="fare_class_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.travel_class})"


class FareVersion(models.Model):
    """
    A fare's price rule and conditions from an instant of sale on, until the next version begins.

    An adult pays max(minimum, base + kilometres * per_km), rounded up to `rounding_minor`, as fare;
    `tax_basis_points` of it are contained as tax, and `fee_minor` comes on top. Young people,
    children and infants pay a percentage of fare and no less; `return_discount_basis_points` come
    off both ways of a round trip. `per_km_micro` is in millionths of a minor unit. At most `quota`
    seats of any segment of a departure are sold at this fare (null: as many as the class has). Sold
    coupons keep their version, so a version in use is never edited: a new price is a new version.
    """

    fare = models.ForeignKey(Fare, on_delete=models.PROTECT, related_name="versions")
    valid_from = models.DateTimeField()
    conditions = models.TextField(blank=True, default="")
    base_minor = models.BigIntegerField(default=0)
    per_km_micro = models.BigIntegerField(default=0)
    minimum_minor = models.BigIntegerField(default=0)
    rounding_minor = models.PositiveIntegerField(default=1)
    tax_basis_points = models.PositiveIntegerField(default=0)
    fee_minor = models.BigIntegerField(default=0)
    young_percent = models.PositiveSmallIntegerField(default=100)
    child_percent = models.PositiveSmallIntegerField(default=50)
    infant_percent = models.PositiveSmallIntegerField(default=0)
    return_discount_basis_points = models.PositiveIntegerField(default=0)
    young_until_age = models.PositiveSmallIntegerField(default=26)
    child_until_age = models.PositiveSmallIntegerField(default=14)
    infant_until_age = models.PositiveSmallIntegerField(default=1)
    sales_close_minutes = models.PositiveIntegerField(default=0)
    quota = models.PositiveIntegerField(null=True, blank=True)
    history = HistoricalRecords()

    class Meta:
        ordering = ["fare", "-valid_from"]
        constraints = [
            models.UniqueConstraint(fields=["fare", "valid_from"], name="fare_version_once"),
            models.CheckConstraint(
                condition=Q(
                    base_minor__gte=0, per_km_micro__gte=0, minimum_minor__gte=0, fee_minor__gte=0
                ),
                name="fare_version_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(
                    tax_basis_points__lte=10_000,
                    return_discount_basis_points__lte=10_000,
                    young_percent__lte=100,
                    child_percent__lte=100,
                    infant_percent__lte=100,
                ),
                name="fare_version_shares",
            ),
            models.CheckConstraint(condition=Q(rounding_minor__gte=1), name="fare_version_rounds"),
            models.CheckConstraint(
                condition=Q(infant_until_age__lt=F("child_until_age"))
                & Q(child_until_age__lt=F("young_until_age")),
                name="fare_version_ages",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.fare} from {self.valid_from:%Y-%m-%d}"


class PenaltyTier(models.Model):
    """
    What cancelling costs when at least so many minutes are left to the coupon's own departure.

    The tier with the largest `minutes_before` that is still left counts; below all of them, and
    after the departure, nothing is paid back.
    """

    fare_version = models.ForeignKey(
        FareVersion, on_delete=models.CASCADE, related_name="penalty_tiers"
    )
    minutes_before = models.PositiveIntegerField()
    basis_points = models.PositiveIntegerField()
    minimum_minor = models.BigIntegerField(default=0)

    class Meta:
        ordering = ["fare_version", "-minutes_before"]
        constraints = [
            models.UniqueConstraint(
                fields=["fare_version", "minutes_before"], name="penalty_tier_once"
            ),
            models.CheckConstraint(
                condition=Q(basis_points__lte=10_000, minimum_minor__gte=0),
                name="penalty_tier_share",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.basis_points / 100:g}% from {self.minutes_before} min before"
