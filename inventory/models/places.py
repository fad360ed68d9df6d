"""Cities and their stations."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from simple_history.models import HistoricalRecords

from inventory.models.words import StationKind
from travel.common.fields import CodeField


class City(models.Model):
    """A town that people travel to and from; it may have several stations."""

    code = CodeField(max_length=80, unique=True)
    name = models.CharField(max_length=120)
    country = CodeField(max_length=2)
    history = HistoricalRecords()

    class Meta:
        ordering = ["name", "id"]
        verbose_name_plural = "cities"
        constraints = [
            models.CheckConstraint(condition=~Q(name="") & ~Q(code=""), name="city_named"),
        ]
        indexes = [models.Index(fields=["name"], name="city_name")]

    def __str__(self) -> str:
        return f"{self.name} ({self.country})"


class CityName(models.Model):
    """
    A name of a city in a language, and the key under which searching finds it.

    `language` is a BCP 47 tag, or empty for spellings of no language (Muenchen). `key` is
    travel.common.ids.search_key of the name.
    """

    city = models.ForeignKey(City, on_delete=models.CASCADE, related_name="names")
    language = CodeField(max_length=12, blank=True, default="")
    name = models.CharField(max_length=120)
    key = CodeField(max_length=120)

    class Meta:
        ordering = ["city", "language", "name", "id"]
        constraints = [
            models.UniqueConstraint(fields=["city", "language", "key"], name="city_name_once"),
            models.CheckConstraint(condition=~Q(key=""), name="city_name_has_key"),
        ]
        indexes = [models.Index(fields=["key"], name="city_name_key")]

    def __str__(self) -> str:
        return self.name


class Station(models.Model):
    """
    A place where one boards: airport, railway station or coach stop.

    `code` is its public code (IATA for airports, else the operator's or the feed's); `tz` its IANA
    time zone; `minimum_change_minutes` is what a change within it needs.
    """

    city = models.ForeignKey(City, on_delete=models.PROTECT, related_name="stations")
    kind = CodeField(max_length=12, choices=StationKind.choices)
    code = CodeField(max_length=40, unique=True)
    name = models.CharField(max_length=120)
    tz = CodeField(max_length=60, verbose_name="time zone")
    latitude = models.DecimalField(max_digits=9, decimal_places=6)
    longitude = models.DecimalField(max_digits=9, decimal_places=6)
    minimum_change_minutes = models.PositiveSmallIntegerField(default=5)
    is_active = models.BooleanField(default=True)
    history = HistoricalRecords()

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=StationKind.values), name="station_kind_known"
            ),
            models.CheckConstraint(
                condition=Q(latitude__gte=-90, latitude__lte=90)
                & Q(longitude__gte=-180, longitude__lte=180),
                name="station_on_earth",
            ),
            models.CheckConstraint(condition=~Q(name="") & ~Q(tz=""), name="station_named"),
        ]
        indexes = [models.Index(fields=["name"], name="station_name")]

    def __str__(self) -> str:
        return f"{self.name} ({self.code})"


class StationName(models.Model):
    """A further name of a station, as CityName is of a city."""

    station = models.ForeignKey(Station, on_delete=models.CASCADE, related_name="names")
    language = CodeField(max_length=12, blank=True, default="")
    name = models.CharField(max_length=120)
    key = CodeField(max_length=120)

    class Meta:
        ordering = ["station", "language", "name", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["station", "language", "key"], name="station_name_once"
            ),
            models.CheckConstraint(condition=~Q(key=""), name="station_name_has_key"),
        ]
        indexes = [models.Index(fields=["key"], name="station_name_key")]

    def __str__(self) -> str:
        return self.name


class StationCode(models.Model):
    """What somebody else calls a station: scheme `iata`, `icao`, `uic`, or `gtfs:<feed>`."""

    station = models.ForeignKey(Station, on_delete=models.CASCADE, related_name="codes")
    scheme = CodeField(max_length=40)
    code = CodeField(max_length=120)

    class Meta:
        ordering = ["scheme", "code", "id"]
        constraints = [
            models.UniqueConstraint(fields=["scheme", "code"], name="station_code_once"),
            models.CheckConstraint(condition=~Q(code="") & ~Q(scheme=""), name="station_code_set"),
        ]
        indexes = [models.Index(fields=["code"], name="station_code_code")]

    def __str__(self) -> str:
        return f"{self.scheme} {self.code}"


class MinimumChange(models.Model):
    """How long a change from one station to another takes at least; no row: not possible."""

    from_station = models.ForeignKey(Station, on_delete=models.CASCADE, related_name="changes_from")
    to_station = models.ForeignKey(Station, on_delete=models.CASCADE, related_name="changes_to")
    minutes = models.PositiveSmallIntegerField()

    class Meta:
        ordering = ["from_station", "to_station"]
        constraints = [
            models.UniqueConstraint(fields=["from_station", "to_station"], name="change_once"),
            models.CheckConstraint(
                condition=~Q(from_station=models.F("to_station")), name="change_between_two"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.from_station_id} to {self.to_station_id}: {self.minutes} min"
