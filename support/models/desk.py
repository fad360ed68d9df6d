"""The departures desk: what staff did to departures, and the work for many that came of it."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from bookings.models import Reservation
from inventory.models import Departure
from payments.models import Cancellation
from travel.common.fields import CodeField


class DisruptionJob(models.Model):
    """
    One act for everybody whom a change of a departure concerns: tell them, refund or rebook them.

    Who they are stands in its items, one a reservation, each worked on in a transaction of its own.
    `positions` are the calls that are left out, for what concerns only those who board or alight
    there; empty for the whole departure. While it runs, `due_at` says when the worker looks again.
    """

    class Cause(models.TextChoices):
        CANCELLED = "cancelled", _("Departure cancelled")
        SKIPPED = "skipped", _("Call left out")
        DELAYED = "delayed", _("Delay")
        PLATFORM = "platform", _("Other platform")
        VEHICLE = "vehicle", _("Other vehicle")
        TIMES = "times", _("Other times")
        BLOCKED = "blocked", _("Seats kept back")
        SEATED = "seated", _("Seats found for those who waited")

    class Deed(models.TextChoices):
        TELL = "tell", _("Tell them")
        REFUND = "refund", _("Tell and refund them")
        REBOOK = "rebook", _("Tell and rebook them")

    class State(models.TextChoices):
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        STOPPED = "stopped", _("Stopped")

    departure = models.ForeignKey(
        Departure, on_delete=models.PROTECT, related_name="disruption_jobs"
    )
    cause = CodeField(max_length=10, choices=Cause.choices)
    deed = CodeField(max_length=8, choices=Deed.choices)
    positions = models.JSONField(default=list, blank=True)
    reason = models.CharField(max_length=300, blank=True, default="")
    state = CodeField(max_length=8, choices=State.choices, default=State.RUNNING)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    due_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    cause__in=[
                        "cancelled",
                        "skipped",
                        "delayed",
                        "platform",
                        "vehicle",
                        "times",
                        "blocked",
                        "seated",
                    ]
                ),
                name="disruption_cause_known",
            ),
            models.CheckConstraint(
                condition=Q(deed__in=["tell", "refund", "rebook"]), name="disruption_deed_known"
            ),
            models.CheckConstraint(
                condition=Q(state="running", finished_at__isnull=True)
                | Q(state__in=["done", "stopped"], finished_at__isnull=False),
                name="disruption_state_known",
            ),
            # Money goes back in full only where the trip cannot be made as it was sold.
            models.CheckConstraint(
                condition=Q(deed="tell") | Q(cause__in=["cancelled", "skipped"]),
                name="disruption_refunds_what_is_off",
            ),
        ]
        indexes = [models.Index(fields=["state", "due_at"], name="disruption_due")]

    def __str__(self) -> str:
        return f"Job {self.pk} of departure {self.departure_id}"


class DisruptionItem(models.Model):
    """
    A reservation of a job, and what became of it.

    Its state changes in the transaction of its effect: whoever is killed between two statements has
    done all of it or nothing.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        DONE = "done", _("Done")
        LEFT = "left", _("Nothing to do")
        FAILED = "failed", _("Needs a person")

    class Outcome(models.TextChoices):
        NONE = "", "-"
        TOLD = "told", _("Told")
        REFUNDED = "refunded", _("Refunded")
        REBOOKED = "rebooked", _("Rebooked")
        RELEASED = "released", _("Hold given up, nothing was paid")
        SETTLED = "settled", _("Was settled already")

    job = models.ForeignKey(
        DisruptionJob, on_delete=models.CASCADE, related_name="items", db_index=False
    )
    reservation = models.ForeignKey(
        Reservation, on_delete=models.PROTECT, related_name="disruption_items"
    )
    state = CodeField(max_length=8, choices=State.choices, default=State.WAITING)
    outcome = CodeField(max_length=10, choices=Outcome.choices, blank=True, default="")
    is_told = models.BooleanField(default=False)
    cancellation = models.ForeignKey(
        Cancellation, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        ordering = ["job", "id"]
        constraints = [
            models.UniqueConstraint(fields=["job", "reservation"], name="disruption_item_once"),
            models.CheckConstraint(
                condition=Q(state__in=["waiting", "done", "left", "failed"]),
                name="disruption_item_state_known",
            ),
            models.CheckConstraint(
                condition=Q(
                    outcome__in=["", "told", "refunded", "rebooked", "released", "settled"]
                ),
                name="disruption_item_outcome",
            ),
        ]
        indexes = [models.Index(fields=["job", "state", "due_at"], name="disruption_item_due")]

    def __str__(self) -> str:
        return f"Reservation {self.reservation_id} of job {self.job_id}"


class DeskEntry(models.Model):
    """
    An act of the desk: who, when, from where, what and why; rows are only ever added.

    `once` is the token of the page that was confirmed: what is sent twice is done once.
    """

    class Act(models.TextChoices):
        DELAY = "delay", _("Delay")
        CANCEL = "cancel", _("Cancel the departure")
        SKIP = "skip", _("Leave out a call")
        PLATFORM = "platform", _("Change a platform")
        SWAP = "swap", _("Swap the vehicle")
        CLOSE = "close", _("Close sales")
        REOPEN = "reopen", _("Reopen sales")
        BLOCK = "block", _("Block seats")
        UNBLOCK = "unblock", _("Give back blocked seats")
        EXTRA = "extra", _("Add an extra departure")
        SETTLE = "settle", _("Settle a change of the timetable")
        SEAT = "seat", _("Seat somebody from the queue")
        JOB = "job", _("Begin a job for the passengers")
        STOP = "stop", _("Stop a job")
        RETRY = "retry", _("Try again what failed")
        PUBLISH = "publish", _("Publish a timetable")
        IMPORT = "import", _("Import a timetable")

    at = models.DateTimeField()
    act = CodeField(max_length=10, choices=Act.choices)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    address = CodeField(max_length=45, blank=True, default="")
    departure = models.ForeignKey(
        Departure,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="desk_entries",
        db_index=False,
    )
    job = models.ForeignKey(
        DisruptionJob, on_delete=models.PROTECT, null=True, blank=True, related_name="entries"
    )
    reason = models.CharField(max_length=300, blank=True, default="")
    details = models.JSONField(default=dict)
    once = CodeField(max_length=64, null=True, blank=True, unique=True)

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "desk entries"
        indexes = [
            models.Index(fields=["departure", "at"], name="desk_entry_departure"),
            models.Index(fields=["at"], name="desk_entry_age"),
        ]

    def __str__(self) -> str:
        return f"{self.act} at {self.at:%Y-%m-%d %H:%M}"
