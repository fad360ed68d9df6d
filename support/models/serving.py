"""Staff on the travellers' pages for a traveller: whom they served, why, and what they opened."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from bookings.models import Reservation
from travel.common.fields import CodeField


class Serving(models.Model):
    """
    A member of staff who looks as a traveller sees it, or books for a traveller by phone.

    Who is served is an account, or a guest: the one of a reservation, or a new one, of whom the
    contact is here. It holds for the session whose secret has this digest, until `ends_at` or until
    it was ended. A row is never taken up again: who goes on serving begins anew, with a reason.

    The log is deleted after `kept_until`; where something was booked that is emptied instead, and
    the row is kept with the reservation, which it explains.
    """

    class Purpose(models.TextChoices):
        LOOK = "look", _("Look as the customer")
        BOOK = "book", _("Book by phone")

    class End(models.TextChoices):
        STOPPED = "stopped", _("Stopped")
        SIGNED_OUT = "signed_out", _("Signed out")
        REPLACED = "replaced", _("Another one was begun")
        REFUSED = "refused", _("Not allowed any more")

    staff = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    purpose = CodeField(max_length=4, choices=Purpose.choices)
    traveller = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
    )
    reservation = models.ForeignKey(
        Reservation, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    guest_email = CodeField(max_length=254, null=True, blank=True)
    guest_phone = CodeField(max_length=32, null=True, blank=True)
    language = CodeField(max_length=12, default="en")
    reason = models.CharField(max_length=300)
    address = CodeField(max_length=45)
    digest = CodeField(max_length=64, unique=True)
    began_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_because = CodeField(max_length=10, choices=End.choices, blank=True, default="")
    kept_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("look or booking by phone")
        verbose_name_plural = _("looks and bookings by phone")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(purpose__in=["look", "book"]), name="serving_purpose_known"
            ),
            models.CheckConstraint(
                condition=Q(
                    traveller__isnull=False,
                    reservation__isnull=True,
                    guest_email__isnull=True,
                    guest_phone__isnull=True,
                )
                | Q(
                    traveller__isnull=True,
                    reservation__isnull=False,
                    guest_email__isnull=True,
                    guest_phone__isnull=True,
                )
                | (
                    Q(traveller__isnull=True, reservation__isnull=True, purpose="book")
                    & (Q(guest_email__isnull=False) | Q(guest_phone__isnull=False))
                ),
                name="serving_of_one",
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="serving_has_a_reason"),
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("began_at")), name="serving_ends_later"
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True, ended_because="")
                | Q(
                    ended_at__isnull=False,
                    ended_because__in=["stopped", "signed_out", "replaced", "refused"],
                ),
                name="serving_ended_why",
            ),
            models.CheckConstraint(
                condition=Q(kept_until__isnull=True) | Q(kept_until__gte=F("ends_at")),
                name="serving_kept_beyond",
            ),
        ]
        indexes = [
            models.Index(fields=["staff", "began_at"], name="serving_by_staff"),
            models.Index(fields=["traveller", "began_at"], name="serving_of_traveller"),
            models.Index(fields=["guest_email"], name="serving_email"),
            models.Index(fields=["guest_phone"], name="serving_phone"),
            models.Index(fields=["kept_until"], name="serving_term"),
        ]

    def __str__(self) -> str:
        return f"Serving {self.pk}"


class ServingEntry(models.Model):
    """
    Something that was opened, refused or booked while serving. Rows are never changed.

    `what` is the name of the page (`bookings:reservation`), or `booked`; `reservation` is the one
    that it was about. An entry of a page is written before the page is made.
    """

    BOOKED = "booked"

    serving = models.ForeignKey(
        Serving, on_delete=models.PROTECT, related_name="entries", db_index=False
    )
    at = models.DateTimeField()
    what = CodeField(max_length=60)
    method = CodeField(max_length=8, blank=True, default="")
    reservation = models.ForeignKey(
        Reservation,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
    )
    is_refused = models.BooleanField(default=False)

    class Meta:
        verbose_name = _("page opened while serving")
        verbose_name_plural = _("pages opened while serving")
        ordering = ["serving", "id"]
        constraints = [
            models.CheckConstraint(condition=~Q(what=""), name="serving_entry_named"),
        ]
        indexes = [
            models.Index(fields=["serving", "id"], name="serving_entry_story"),
            models.Index(fields=["reservation", "at"], name="serving_entry_about"),
        ]

    def __str__(self) -> str:
        return f"{self.what} at {self.at:%Y-%m-%d %H:%M}"
