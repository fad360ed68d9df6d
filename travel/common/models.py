"""
Tables that belong to no storey: currencies, idempotency keys, messages to send, jobs to do, and
what staff did.
"""

from __future__ import annotations

from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from travel.common.fields import CodeField


class Currency(models.Model):
    """A currency that the office may sell in, by its ISO 4217 code."""

    code = CodeField(max_length=3, primary_key=True)
    name = models.CharField(max_length=80)
    minor_digits = models.PositiveSmallIntegerField()

    class Meta:
        ordering = ["code"]
        verbose_name_plural = "currencies"
        constraints = [
            models.CheckConstraint(condition=Q(minor_digits__lte=4), name="currency_minor_digits"),
        ]

    def __str__(self) -> str:
        return str(self.code)


class IdempotencyKey(models.Model):
    """
    The first answer to a request that moves seats or money, kept so that a repeat gets the same.

    `scope` is who asked, `fingerprint` the digest of the body. For seats and wallet the row commits
    with the effect; around a gateway it commits first, with a lease.
    """

    scope = CodeField(max_length=64)
    method = CodeField(max_length=8)
    path = CodeField(max_length=200)
    key = CodeField(max_length=200)
    fingerprint = CodeField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    content_type = CodeField(max_length=80, default="")
    location = CodeField(max_length=200, default="")
    body = models.TextField(null=True)
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["scope", "method", "path", "key"], name="idempotency_once"
            ),
            models.CheckConstraint(
                condition=Q(finished_at__isnull=True) | Q(status__isnull=False),
                name="idempotency_finished_has_status",
            ),
        ]
        indexes = [models.Index(fields=["created_at"], name="idempotency_age")]

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.key}"


class OutboxMessage(models.Model):
    """
    A message to a person, written in the transaction of what it tells, delivered afterwards.

    `kind` begins with the app that writes and drains it (`bookings.hold_notice`); `about` names
    what it tells of (`reservation:7`), empty where that is nothing with a story of its own.
    """

    class Channel(models.TextChoices):
        EMAIL = "email", "E-mail"
        SMS = "sms", "SMS"

    kind = CodeField(max_length=60)
    channel = CodeField(max_length=8, choices=Channel.choices)
    recipient = CodeField(max_length=254)
    language = CodeField(max_length=12, default="en")
    subject = models.CharField(max_length=200, default="")
    body = models.TextField()
    reference = CodeField(max_length=120, null=True, unique=True)
    about = CodeField(max_length=40, default="")
    created_at = models.DateTimeField()
    due_at = models.DateTimeField()
    lease_until = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True)
    given_up_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=300, default="")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(channel__in=["email", "sms"]), name="outbox_channel"
            ),
            models.CheckConstraint(
                condition=Q(sent_at__isnull=True) | Q(given_up_at__isnull=True),
                name="outbox_sent_or_given_up",
            ),
        ]
        indexes = [
            models.Index(fields=["sent_at", "given_up_at", "due_at"], name="outbox_due"),
            models.Index(fields=["recipient", "created_at"], name="outbox_recipient"),
            models.Index(fields=["about", "id"], name="outbox_about"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} to {self.recipient}"


class Job(models.Model):
    """
    Work with a due time. A message to the worker only says "look now"; the fact that it is due is
    here.

    `reference` makes asking twice harmless: (kind, reference) is unique.
    """

    kind = CodeField(max_length=60)
    reference = CodeField(max_length=120)
    payload = models.JSONField(default=dict)
    created_at = models.DateTimeField()
    due_at = models.DateTimeField()
    lease_until = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    done_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=300, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "reference"], name="job_once"),
            models.CheckConstraint(condition=Q(due_at__gte=F("created_at")), name="job_due_later"),
        ]
        indexes = [models.Index(fields=["done_at", "due_at"], name="job_due")]

    def __str__(self) -> str:
        return f"{self.kind} {self.reference}"


class Act(models.Model):
    """
    Something that a member of staff did; rows are only ever added.

    Django's own entry keeps the row's name and what was changed, and is what its pages show. This
    row has what they lack, from where and why, and what acts are looked for by. `about` names the
    row (`bookings.reservation:7`), empty where the act was about none.
    """

    class Kind(models.TextChoices):
        ADDED = "added", _("Added")
        CHANGED = "changed", _("Changed")
        DELETED = "deleted", _("Deleted")
        EXPORTED = "exported", _("Took a file")
        LOOKED = "looked", _("Looked")

    entry = models.OneToOneField(
        LogEntry, on_delete=models.PROTECT, primary_key=True, related_name="act"
    )
    at = models.DateTimeField()
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    kind = CodeField(max_length=10, choices=Kind.choices)
    about = CodeField(max_length=120, default="")
    address = CodeField(max_length=45, default="")
    reason = models.CharField(max_length=300, default="")

    class Meta:
        verbose_name = _("act of staff")
        verbose_name_plural = _("acts of staff")
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=["added", "changed", "deleted", "exported", "looked"]),
                name="act_kind_known",
            ),
        ]
        indexes = [
            models.Index(fields=["actor", "entry"], name="act_actor"),
            models.Index(fields=["about", "entry"], name="act_about"),
            models.Index(fields=["at"], name="act_at"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.about}"
