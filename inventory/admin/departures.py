"""Dated departures, calls and tickets, to look at: they come from imports and sales."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from inventory.admin.guard import OfOwnCarriers, OwnCarriers
from inventory.models import Call, Departure, Ticket
from travel.common import clock
from travel.common.admin_bases import (
    BareInline,
    ClosedAdmin,
    as_typed,
    state_column,
    station_time,
    tagged,
    upper,
    whole_number,
)


class DayFilter(admin.SimpleListFilter):
    """Days from today on: the index begins with the day, so each choice reads its own days only."""

    title = _("day")
    parameter_name = "day"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("today", _("Today")),
            ("tomorrow", _("Tomorrow")),
            ("week", _("The next 7 days")),
            ("past", _("Past")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        today = clock.now().date()
        spans: dict[str | None, dict[str, Any]] = {
            "today": {"travel_date": today},
            "tomorrow": {"travel_date": today + timedelta(days=1)},
            "week": {"travel_date__range": (today, today + timedelta(days=6))},
            "past": {"travel_date__lt": today},
        }
        return queryset.filter(**spans.get(self.value(), {}))


class CallInline(OfOwnCarriers, BareInline):
    """The calls in order, on their stations' own clocks."""

    model = Call
    fields = ["position", "station", "arrival", "departure_time", "platform", "notes"]

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("station")

    @admin.display(description=_("arrives"))
    def arrival(self, call: Call) -> str:
        return station_time(call.expected_arrives_at or call.arrives_at, call.station.tz)

    @admin.display(description=_("leaves"))
    def departure_time(self, call: Call) -> str:
        return station_time(call.expected_departs_at or call.departs_at, call.station.tz)

    @admin.display(description=_("notes"))
    def notes(self, call: Call) -> str:
        return call_notes(call)


def call_notes(call: Call) -> str:
    """Say what is special about a call."""
    notes = [
        (call.is_skipped, _("skipped")),
        (not call.may_board and call.departs_at is not None, _("no boarding")),
        (not call.may_alight and call.arrives_at is not None, _("no alighting")),
        (call.expected_departs_at is not None or call.expected_arrives_at is not None, _("live")),
    ]
    return ", ".join(str(word) for is_so, word in notes if is_so) or "-"


@admin.register(Departure)
class DepartureAdmin(OwnCarriers, ClosedAdmin):
    """
    A service on a day with a vehicle.

    Imports write it until it sells; from then on only services do, under its lock.
    """

    list_display = ["id", "service", "carrier", "travel_date", "run", "vehicle", "state_word"]
    list_display += ["sales"]
    fields = ["service", "travel_date", "run", "generation", "vehicle", "feed", "state_word"]
    fields += ["sales_closed_at", "frozen_at", "stock_version", "earliest_hold_end"]
    list_select_related = ["service__carrier", "vehicle"]
    list_filter = [DayFilter, "state"]
    sortable_by = ["id", "travel_date"]
    ordering = ["-travel_date", "-id"]
    find_by = [("pk", whole_number), ("service__number", as_typed), ("service__number", upper)]
    search_help_text = _("Number of the departure, or of the service as travellers read it.")
    inlines = [CallInline]
    state_word = state_column()

    @admin.display(description=_("carrier"))
    def carrier(self, departure: Departure) -> str:
        return str(departure.service.carrier)

    @admin.display(description=_("sales"))
    def sales(self, departure: Departure) -> str:
        if departure.sales_closed_at:
            return tagged(_("Closed"), "warn")
        return tagged(_("Has sold"), "info") if departure.frozen_at else tagged(_("None yet"), "")

    def view_on_site(self, departure: Departure) -> str:
        """Lead to the departures desk, where it is changed."""
        return reverse("admin:desk_departure", args=[departure.pk])


@admin.register(Call)
class CallAdmin(OwnCarriers, ClosedAdmin):
    """Stops of departures."""

    carrier_path = "departure__service__carrier"
    list_display = ["id", "departure", "position", "station", "arrival", "departure_time", "notes"]
    fields = ["departure", "position", "station", "arrival", "planned_arrival", "departure_time"]
    fields += ["planned_departure", "platform", "may_board", "may_alight", "is_skipped"]
    fields += ["kilometres"]
    list_select_related = ["departure__service", "station"]
    ordering = ["-id"]
    find_by = [("pk", whole_number), ("departure", whole_number), ("station__code", upper)]
    search_help_text = _("Number of the call or of its departure, or the station's code.")

    @admin.display(description=_("arrives"))
    def arrival(self, call: Call) -> str:
        return station_time(call.expected_arrives_at or call.arrives_at, call.station.tz)

    @admin.display(description=_("leaves"))
    def departure_time(self, call: Call) -> str:
        return station_time(call.expected_departs_at or call.departs_at, call.station.tz)

    @admin.display(description=_("planned to arrive"))
    def planned_arrival(self, call: Call) -> str:
        return station_time(call.arrives_at, call.station.tz)

    @admin.display(description=_("planned to leave"))
    def planned_departure(self, call: Call) -> str:
        return station_time(call.departs_at, call.station.tz)

    @admin.display(description=_("kilometres from the first call"))
    def kilometres(self, call: Call) -> str:
        return f"{call.distance_m / 1000:.1f}"

    @admin.display(description=_("notes"))
    def notes(self, call: Call) -> str:
        return call_notes(call)


@admin.register(Ticket)
class TicketAdmin(OwnCarriers, ClosedAdmin):
    """Products that have been held or sold."""

    carrier_path = "departure__service__carrier"
    list_display = ["id", "departure", "origin", "destination", "leaves", "fare"]
    fields = ["departure", "origin", "leaves", "destination", "arrives", "fare"]
    list_select_related = ["departure__service", "from_call__station", "to_call__station", "fare"]
    ordering = ["-id"]
    find_by = [("pk", whole_number), ("departure", whole_number)]
    search_help_text = _("Number of the ticket or of its departure.")

    @admin.display(description=_("from"))
    def origin(self, ticket: Ticket) -> str:
        return str(ticket.from_call.station)

    @admin.display(description=_("to"))
    def destination(self, ticket: Ticket) -> str:
        return str(ticket.to_call.station)

    @admin.display(description=_("leaves"))
    def leaves(self, ticket: Ticket) -> str:
        return station_time(ticket.from_call.departs_at, ticket.from_call.station.tz)

    @admin.display(description=_("arrives"))
    def arrives(self, ticket: Ticket) -> str:
        return station_time(ticket.to_call.arrives_at, ticket.to_call.station.tz)
