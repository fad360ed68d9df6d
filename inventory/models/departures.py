"""Dated departures, their calls, and the tickets sold on them."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Mod

from inventory.models.fares import FARES_PER_TARIFF, Fare
from inventory.models.feeds import Feed
from inventory.models.places import Station
from inventory.models.services import Service
from inventory.models.vehicles import Vehicle
from travel.common.fields import CodeField

MAX_CALLS = 64


class Departure(models.Model):
    """
    A service on a day with a vehicle.

    `run` tells several departures of one service and day apart. `generation` rises when an import
    replaces an unsold departure: the old row stays, without calls, so that its ids never mean
    anything else. `frozen_at` is set by the first claim; from then on calls, positions and seats
    stand fast. `stock_version` rises with every claim and release. No hold on it ends before
    `earliest_hold_end` (null: nothing is held), so that a buyer knows without looking whether there
    are holds to sweep. `revision` rises with every act of the departures desk, so that nobody
    confirms what was shown of an older one.
    """

    class State(models.TextChoices):
        SCHEDULED = "scheduled", "Scheduled"
        CANCELLED = "cancelled", "Cancelled by the carrier"
        REPLACED = "replaced", "Replaced by a newer timetable"
        WITHDRAWN = "withdrawn", "Withdrawn from the timetable"

    service = models.ForeignKey(Service, on_delete=models.PROTECT, related_name="departures")
    travel_date = models.DateField()
    run = CodeField(max_length=64, default="", blank=True)
    generation = models.PositiveIntegerField(default=1)
    vehicle = models.ForeignKey(Vehicle, on_delete=models.PROTECT, related_name="departures")
    feed = models.ForeignKey(
        Feed, on_delete=models.PROTECT, null=True, blank=True, related_name="departures"
    )
    content_digest = CodeField(max_length=64, default="", blank=True)
    state = CodeField(max_length=10, choices=State.choices, default=State.SCHEDULED)
    sales_closed_at = models.DateTimeField(null=True, blank=True)
    frozen_at = models.DateTimeField(null=True, blank=True)
    stock_version = models.BigIntegerField(default=0)
    earliest_hold_end = models.DateTimeField(null=True, blank=True)
    revision = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["travel_date", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["service", "travel_date", "run", "generation"], name="departure_once"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["scheduled", "cancelled", "replaced", "withdrawn"]),
                name="departure_state_known",
            ),
            models.CheckConstraint(
                condition=Q(stock_version=0) | Q(frozen_at__isnull=False),
                name="departure_sold_is_frozen",
            ),
            models.CheckConstraint(
                condition=Q(stock_version__gte=0), name="departure_version_rises"
            ),
            models.CheckConstraint(
                condition=Q(frozen_at__isnull=True) | ~Q(state="replaced"),
                name="departure_frozen_not_replaced",
            ),
        ]
        indexes = [
            models.Index(fields=["feed", "travel_date"], name="departure_feed_day"),
            models.Index(fields=["travel_date", "service"], name="departure_day"),
        ]

    def __str__(self) -> str:
        return f"{self.service} on {self.travel_date}"


class Call(models.Model):
    """
    A stop of a departure; its id is departure * 64 + position.

    Planned and expected times are instants. `distance_m` is the way from the first call along the
    calls, in metres. A call that is skipped on the day is marked, never renumbered.
    """

    id = models.BigIntegerField(primary_key=True)
    # Both composite indexes below begin with these columns, so they need none of their own.
    departure = models.ForeignKey(
        Departure, on_delete=models.CASCADE, related_name="calls", db_index=False
    )
    position = models.PositiveSmallIntegerField()
    station = models.ForeignKey(
        Station, on_delete=models.PROTECT, related_name="calls", db_index=False
    )
    arrives_at = models.DateTimeField(null=True, blank=True)
    departs_at = models.DateTimeField(null=True, blank=True)
    expected_arrives_at = models.DateTimeField(null=True, blank=True)
    expected_departs_at = models.DateTimeField(null=True, blank=True)
    may_board = models.BooleanField(default=True)
    may_alight = models.BooleanField(default=True)
    is_skipped = models.BooleanField(default=False)
    platform = models.CharField(max_length=20, blank=True, default="")
    distance_m = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["departure", "position"]
        constraints = [
            models.CheckConstraint(
                condition=Q(id=F("departure") * MAX_CALLS + F("position")), name="call_id_speaks"
            ),
            models.CheckConstraint(
                condition=Q(position__gte=0, position__lt=MAX_CALLS), name="call_position_small"
            ),
            models.CheckConstraint(
                condition=Q(arrives_at__isnull=False) | Q(departs_at__isnull=False),
                name="call_has_a_time",
            ),
            models.CheckConstraint(
                condition=Q(arrives_at__isnull=True)
                | Q(departs_at__isnull=True)
                | Q(departs_at__gte=F("arrives_at")),
                name="call_leaves_after_arriving",
            ),
            models.CheckConstraint(
                condition=Q(may_board=False) | Q(departs_at__isnull=False),
                name="call_boarding_has_time",
            ),
            models.CheckConstraint(
                condition=Q(may_alight=False) | Q(arrives_at__isnull=False),
                name="call_alighting_has_time",
            ),
        ]
        indexes = [
            models.Index(fields=["station", "departs_at"], name="call_station_time"),
            models.Index(fields=["departure", "station", "position"], name="call_way"),
        ]

    def __str__(self) -> str:
        return f"Call {self.position} of departure {self.departure_id}"


class Ticket(models.Model):
    """
    A product that has been sold or held: a stretch of a departure at a fare.

    Its id is departure * 2^18 + from * 2^12 + to * 2^6 + fare number. Search works tickets out from
    calls and fares; the first reserve of one inserts the row.
    """

    id = models.BigIntegerField(primary_key=True)
    departure = models.ForeignKey(Departure, on_delete=models.PROTECT, related_name="tickets")
    from_call = models.ForeignKey(Call, on_delete=models.PROTECT, related_name="tickets_from")
    to_call = models.ForeignKey(Call, on_delete=models.PROTECT, related_name="tickets_to")
    fare = models.ForeignKey(Fare, on_delete=models.PROTECT, related_name="tickets")

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    id=F("departure") * 2**18
                    + (F("from_call") - F("departure") * MAX_CALLS) * 2**12
                    + (F("to_call") - F("departure") * MAX_CALLS) * 2**6
                    + Mod(F("fare"), FARES_PER_TARIFF)
                ),
                name="ticket_id_speaks",
            ),
            models.CheckConstraint(
                condition=Q(from_call__gte=F("departure") * MAX_CALLS)
                & Q(to_call__gt=F("from_call"))
                & Q(to_call__lt=F("departure") * MAX_CALLS + MAX_CALLS),
                name="ticket_runs_forward",
            ),
        ]

    def __str__(self) -> str:
        return f"Ticket {self.pk}"
