"""Passengers' reports and the messages about them."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from bookings.models import Reservation
from inventory.models import Ticket
from travel.common.fields import CodeField


class Report(models.Model):
    """
    A passenger's complaint about a ticket of a reservation.

    While the passenger waits for an answer, `waiting_since` is when that began, and `due_at` until
    when the answer shall be there; both are null while none is owed. One that is answered and waits
    for the passenger is closed by itself at `closes_at`; no other has such a time. A report that
    says the same as another one is merged into it: closed, and gone on with there.
    """

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
    # The index on who has it and when it is due begins with this column.
    assigned_to = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
    )
    merged_into = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="merged"
    )
    created_at = models.DateTimeField()
    waiting_since = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField(null=True, blank=True)
    closes_at = models.DateTimeField(null=True, blank=True)
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
            models.CheckConstraint(
                condition=Q(waiting_since__isnull=True, due_at__isnull=True)
                | Q(waiting_since__isnull=False, due_at__isnull=False),
                name="report_due_while_waiting",
            ),
            models.CheckConstraint(
                condition=Q(due_at__isnull=True) | ~Q(state="Closed"),
                name="report_closed_owes_nothing",
            ),
            models.CheckConstraint(
                condition=Q(merged_into__isnull=True) | Q(state="Closed"),
                name="report_merged_is_closed",
            ),
            models.CheckConstraint(
                condition=Q(closes_at__isnull=False, state="Reviewed", due_at__isnull=True)
                | (Q(closes_at__isnull=True) & (~Q(state="Reviewed") | Q(due_at__isnull=False))),
                name="report_closes_while_answered",
            ),
        ]
        # Each carries the order of a list of the desk: what is owed by when it is due, the rest by
        # number.
        indexes = [
            models.Index(fields=["due_at", "id"], name="report_due"),
            models.Index(fields=["assigned_to", "due_at", "id"], name="report_due_of_one"),
            models.Index(fields=["state", "id"], name="report_state"),
            models.Index(fields=["state", "category", "id"], name="report_queue"),
            # What closes by itself, by when.
            models.Index(fields=["closes_at", "id"], name="report_closes"),
        ]

    def __str__(self) -> str:
        return f"Report {self.pk}"


class ReportMessage(models.Model):
    """
    A message of a report's thread; internal ones are for staff only.

    What staff did to the report stands among them: `event` says what, and `body` no more than the
    words it is about (`Pending → In Progress`, a colleague's name, `#12`). What happened by itself
    has no author.
    """

    class Event(models.TextChoices):
        MOVED = "moved", _("Moved")
        TAKEN = "taken", _("Taken")
        GIVEN = "given", _("Given to a colleague")
        RETURNED = "returned", _("Given back")
        FILED = "filed", _("Filed elsewhere")
        MERGED = "merged", _("Merged into another one")
        JOINED = "joined", _("Another one merged into it")
        PARTED = "parted", _("Taken out again")
        LAPSED = "lapsed", _("Closed by itself")

    report = models.ForeignKey(
        Report, on_delete=models.CASCADE, related_name="messages", db_index=False
    )
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    is_from_staff = models.BooleanField(default=False)
    is_internal = models.BooleanField(default=False)
    event = CodeField(max_length=8, choices=Event.choices, blank=True, default="", db_default="")
    body = models.TextField()
    # The token of the page it was written on: what is sent twice is written once.
    once = CodeField(max_length=64, null=True, blank=True, unique=True)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["report", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(is_internal=False) | Q(is_from_staff=True),
                name="report_message_internal_is_staff",
            ),
            models.CheckConstraint(
                condition=Q(event="") | Q(is_internal=True),
                name="report_message_event_is_internal",
            ),
            models.CheckConstraint(
                condition=Q(author__isnull=False) | Q(event="lapsed"),
                name="report_message_has_author",
            ),
        ]
        indexes = [models.Index(fields=["report", "id"], name="report_message_thread")]

    def __str__(self) -> str:
        return f"Message {self.pk}"


class CannedReply(models.Model):
    """
    An answer that staff begin with, in one language; its placeholders are filled in by the desk.

    Offered for reports of its category, or for all where it names none.
    """

    title = models.CharField(_("title"), max_length=80)
    category = CodeField(
        _("category"), max_length=30, blank=True, default="", choices=Report.Category.choices
    )
    language = CodeField(_("language"), max_length=12, default="en")
    body = models.TextField(_("text"), max_length=4_000)

    history = HistoricalRecords()

    class Meta:
        ordering = ["title", "language", "id"]
        verbose_name = _("canned reply")
        verbose_name_plural = _("canned replies")
        constraints = [
            models.UniqueConstraint(fields=["language", "title"], name="canned_reply_title"),
        ]
        indexes = [models.Index(fields=["category"], name="canned_reply_category")]

    def __str__(self) -> str:
        return self.title
