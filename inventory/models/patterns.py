"""Recurring timetables kept by hand, and timetables that staff bring in from the browser."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from inventory.models.departures import MAX_CALLS
from inventory.models.feeds import ImportRun
from inventory.models.places import Station
from inventory.models.services import Service
from inventory.models.vehicles import Vehicle
from travel.common.fields import CodeField

EVERY_DAY = 0b111_1111
LONGEST_MINUTES = 7 * 24 * 60


class TimetablePattern(models.Model):
    """
    A service that runs on the same days of each week of a period, with the same calls.

    `weekdays` are bits, Monday the lowest. `leaves` is the local time at the first call; the
    minutes of the calls count from there. Publishing makes dated departures of it, under a feed of
    its own.
    """

    service = models.ForeignKey(Service, on_delete=models.PROTECT, related_name="patterns")
    vehicle = models.ForeignKey(Vehicle, on_delete=models.PROTECT, related_name="patterns")
    run = CodeField(max_length=40, default="", blank=True)
    weekdays = models.PositiveSmallIntegerField(default=EVERY_DAY)
    first_day = models.DateField()
    last_day = models.DateField()
    leaves = models.TimeField()
    history = HistoricalRecords()

    class Meta:
        ordering = ["service", "first_day", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(weekdays__gte=1, weekdays__lte=EVERY_DAY), name="pattern_weekdays"
            ),
            models.CheckConstraint(
                condition=Q(last_day__gte=F("first_day")), name="pattern_period"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.service} from {self.first_day} to {self.last_day}"


class PatternCall(models.Model):
    """A call of a pattern; the first has no arrival, the last no departure."""

    pattern = models.ForeignKey(
        TimetablePattern, on_delete=models.CASCADE, related_name="calls", db_index=False
    )
    position = models.PositiveSmallIntegerField()
    station = models.ForeignKey(Station, on_delete=models.PROTECT, related_name="+")
    arrives = models.PositiveSmallIntegerField(
        null=True, blank=True, verbose_name=_("arrives after minutes")
    )
    departs = models.PositiveSmallIntegerField(
        null=True, blank=True, verbose_name=_("leaves after minutes")
    )
    platform = models.CharField(max_length=20, blank=True, default="")

    class Meta:
        ordering = ["pattern", "position"]
        constraints = [
            models.UniqueConstraint(fields=["pattern", "position"], name="pattern_call_once"),
            models.CheckConstraint(
                condition=Q(position__gte=0, position__lt=MAX_CALLS), name="pattern_call_position"
            ),
            models.CheckConstraint(
                condition=Q(arrives__isnull=False) | Q(departs__isnull=False),
                name="pattern_call_has_a_time",
            ),
            models.CheckConstraint(
                condition=Q(arrives__isnull=True)
                | Q(departs__isnull=True)
                | Q(departs__gte=F("arrives")),
                name="pattern_call_order",
            ),
        ]

    def __str__(self) -> str:
        return f"Call {self.position} of pattern {self.pattern_id}"


class TimetableUpload(models.Model):
    """
    A timetable that staff uploaded: read and compared first, taken over when it is confirmed.

    The worker does both, so it is due like any other work. Its file stands in parts in the
    database, where every worker finds it, and is deleted when it is settled.
    """

    class Kind(models.TextChoices):
        GTFS = "gtfs", _("GTFS feed (zip)")
        SHEETS = "sheets", _("Sheets of a carrier (zip of CSV files)")

    class State(models.TextChoices):
        CHECKING = "checking", _("Being read")
        CHECKED = "checked", _("Waits to be confirmed")
        REFUSED = "refused", _("Refused")
        IMPORTING = "importing", _("Being taken over")
        DONE = "done", _("Taken over")
        DROPPED = "dropped", _("Dropped")

    kind = CodeField(max_length=8, choices=Kind.choices)
    file_name = models.CharField(max_length=120)
    size = models.PositiveBigIntegerField()
    digest = CodeField(max_length=64)
    feed = CodeField(max_length=30)
    first_day = models.DateField(null=True, blank=True)
    days = models.PositiveIntegerField(null=True, blank=True)
    state = CodeField(max_length=10, choices=State.choices, default=State.CHECKING)
    report = models.JSONField(default=dict)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    confirmed_at = models.DateTimeField(null=True, blank=True)
    confirmed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    due_at = models.DateTimeField()
    lease_until = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    finished_at = models.DateTimeField(null=True, blank=True)
    run = models.ForeignKey(
        ImportRun, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=["gtfs", "sheets"]), name="upload_kind_known"
            ),
            models.CheckConstraint(
                condition=Q(
                    state__in=["checking", "checked", "refused", "importing", "done", "dropped"]
                ),
                name="upload_state_known",
            ),
        ]
        indexes = [models.Index(fields=["state", "due_at"], name="upload_due")]

    def __str__(self) -> str:
        return f"{self.file_name} for {self.feed}"


class UploadPart(models.Model):
    """A part of an uploaded file, in order."""

    upload = models.ForeignKey(
        TimetableUpload, on_delete=models.CASCADE, related_name="parts", db_index=False
    )
    position = models.PositiveIntegerField()
    content = models.BinaryField()

    class Meta:
        ordering = ["upload", "position"]
        constraints = [
            models.UniqueConstraint(fields=["upload", "position"], name="upload_part_once"),
        ]

    def __str__(self) -> str:
        return f"Part {self.position} of upload {self.upload_id}"
