"""
The numbers that are kept ready, day by day, and who gets them by e-mail.

What a closed day holds follows from the ledger's transfers and from what they are for, none of
which changes afterwards. `manage.py audit` compares the two, and a day that is not kept is reckoned
when somebody asks.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from inventory.models import Carrier, Departure, Mode, Station, TravelClass
from payments.models import Method
from travel.common.fields import CodeField
from travel.common.models import Currency


class ClosedDay(models.Model):
    """A day of the office's zone that is kept ready, with the instants of its ends."""

    day = models.DateField(primary_key=True)
    zone = CodeField(max_length=60)
    begins_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    closed_at = models.DateTimeField()

    class Meta:
        ordering = ["-day"]
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_at__gt=models.F("begins_at"))
                & Q(closed_at__gte=models.F("ends_at")),
                name="closed_day_is_over",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.day}"


class Move(models.TextChoices):
    """How a ticket moves revenue: it is sold, cancelled, or a refund of it is rejected."""

    SOLD = "sold", _("Sold")
    CANCELLED = "cancelled", _("Cancelled")
    REJECTED = "rejected", _("Refund rejected")


class Lead(models.TextChoices):
    """How long before its own departure a ticket was sold or cancelled."""

    AFTER = "after", _("After departure")
    DAY = "day", _("Less than 1 day before")
    DAYS = "days", _("1 to 3 days before")
    WEEK = "week", _("3 to 7 days before")
    MONTH = "month", _("7 to 30 days before")
    MORE = "more", _("30 days before or earlier")


class DaySales(models.Model):
    """
    What tickets of one kind moved on a closed day.

    `price_minor` is the price of the tickets, `amount_minor` what they moved revenue by: the price
    when sold, less the refund when cancelled. `lead_minutes` are the sum of the times to their
    departures.
    """

    day = models.ForeignKey(
        ClosedDay, on_delete=models.CASCADE, related_name="sales", db_index=False
    )
    move = CodeField(max_length=10, choices=Move.choices)
    carrier = models.ForeignKey(Carrier, on_delete=models.PROTECT, related_name="+", db_index=False)
    mode = CodeField(max_length=8, choices=Mode.choices)
    from_station = models.ForeignKey(Station, on_delete=models.PROTECT, related_name="+")
    to_station = models.ForeignKey(Station, on_delete=models.PROTECT, related_name="+")
    travel_class = CodeField(max_length=10, choices=TravelClass.choices)
    method = CodeField(max_length=16, choices=Method.choices)
    lead_time = CodeField(max_length=8, choices=Lead.choices)
    currency = models.ForeignKey(Currency, on_delete=models.PROTECT, related_name="+")
    tickets = models.PositiveIntegerField()
    price_minor = models.BigIntegerField()
    amount_minor = models.BigIntegerField()
    lead_minutes = models.BigIntegerField()

    class Meta:
        verbose_name_plural = "sales of closed days"
        ordering = ["-day", "id"]
        constraints = [
            models.CheckConstraint(condition=Q(move__in=Move.values), name="day_sales_move_known"),
            models.CheckConstraint(
                condition=Q(lead_time__in=Lead.values), name="day_sales_lead_known"
            ),
        ]
        indexes = [
            models.Index(fields=["day", "carrier"], name="day_sales_day"),
            models.Index(fields=["carrier", "day"], name="day_sales_carrier"),
        ]

    def __str__(self) -> str:
        return f"{self.move} {self.tickets} on {self.day_id}"


class DayCustomer(models.Model):
    """What an account bought and cancelled on a closed day, by mode and currency."""

    day = models.ForeignKey(
        ClosedDay, on_delete=models.CASCADE, related_name="customers", db_index=False
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    mode = CodeField(max_length=8, choices=Mode.choices)
    currency = models.ForeignKey(Currency, on_delete=models.PROTECT, related_name="+")
    sold = models.PositiveIntegerField()
    cancelled = models.PositiveIntegerField()
    amount_minor = models.BigIntegerField()

    class Meta:
        verbose_name_plural = "customers of closed days"
        ordering = ["-day", "id"]
        indexes = [
            models.Index(
                fields=["day", "user", "currency", "mode", "sold", "cancelled", "amount_minor"],
                name="day_customer_of_day",
            ),
            # Over a long time customers are added up in their order, without a table between.
            models.Index(
                fields=["user", "currency", "mode", "day", "sold", "cancelled", "amount_minor"],
                name="day_customer_of_user",
            ),
        ]

    def __str__(self) -> str:
        return f"User {self.user_id} on {self.day_id}"


class DayHolds(models.Model):
    """
    How many holds began, were paid, were given up and expired on a closed day.

    `kind` is the event's (`bookings.ReservationEvent`).
    """

    class Kind(models.TextChoices):
        RESERVED = "reserved", _("Began")
        PAID = "paid", _("Paid")
        RELEASED = "released", _("Given up")
        EXPIRED = "expired", _("Expired")

    day = models.ForeignKey(
        ClosedDay, on_delete=models.CASCADE, related_name="holds", db_index=False
    )
    kind = CodeField(max_length=20, choices=Kind.choices)
    number = models.PositiveIntegerField()

    class Meta:
        verbose_name_plural = "holds of closed days"
        ordering = ["-day", "kind"]
        constraints = [
            models.UniqueConstraint(fields=["day", "kind"], name="day_holds_once"),
            models.CheckConstraint(condition=Q(number__gt=0), name="day_holds_are_some"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.number} on {self.day_id}"


class DepartureLoad(models.Model):
    """
    How full a departure is, as of a version of its stock: it holds as long as that is the version.

    `offered_m` is the way of all its seats in metres, `taken_m` the way over which they are taken.
    """

    departure = models.OneToOneField(
        Departure, on_delete=models.CASCADE, primary_key=True, related_name="load"
    )
    stock_version = models.BigIntegerField()
    seats = models.PositiveIntegerField()
    offered_m = models.BigIntegerField()
    taken_m = models.BigIntegerField()
    taken = models.PositiveIntegerField(help_text=_("Seats that are taken anywhere on the way."))

    class Meta:
        ordering = ["departure"]
        constraints = [
            models.CheckConstraint(
                condition=Q(taken_m__gte=0) & Q(taken_m__lte=models.F("offered_m")),
                name="departure_load_fits",
            ),
        ]

    def __str__(self) -> str:
        return f"Load of departure {self.departure_id}"


class Subscription(models.Model):
    """
    Somebody gets a report by e-mail when it is due, as long as that person may see it.

    `filters` are those of the report's page. It is due until it is stopped; `stopped_because` is a
    word: `asked`, or `right_lost`.
    """

    class Every(models.TextChoices):
        DAY = "day", _("Every day")
        WEEK = "week", _("Every Monday")
        MONTH = "month", _("On the first of the month")

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="subscriptions"
    )
    report = CodeField(max_length=40)
    filters = models.JSONField(default=dict)
    every = CodeField(max_length=8, choices=Every.choices)
    created_at = models.DateTimeField()
    due_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    stopped_at = models.DateTimeField(null=True, blank=True)
    stopped_because = CodeField(max_length=12, blank=True, default="")

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(every__in=["day", "week", "month"]), name="subscription_every_known"
            ),
            models.CheckConstraint(
                condition=Q(stopped_at__isnull=True, stopped_because="")
                | Q(stopped_at__isnull=False, stopped_because__in=["asked", "right_lost"]),
                name="subscription_stopped_why",
            ),
        ]
        indexes = [models.Index(fields=["stopped_at", "due_at"], name="subscription_due")]

    def __str__(self) -> str:
        return f"{self.report} to {self.user_id}"
