"""Vehicles and their seat maps; what a frozen departure was laid out from is not edited."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from inventory.models import Coach, Departure, Mode, Seat, SeatMap, Vehicle
from inventory.seat_plan import PlannedCoach, PlannedSeat, lay_out
from inventory.selectors import seat_map as seats_of_map
from travel.common.admin_bases import (
    HistoryAdmin,
    OfficeAdmin,
    is_in_use,
    upper,
    whole_number,
)

STANDS_FAST = _("A departure that has sold uses it. Make a new one instead.")


def has_sold(**vehicle: Any) -> bool:
    """Say whether a departure that has sold runs with such a vehicle."""
    return Departure.objects.filter(frozen_at__isnull=False, **vehicle).exists()


def seat_map_stands(seat_map: SeatMap | None) -> bool:
    """Say whether seats were sold from the map: by a departure now, or by stock still laid out."""
    if seat_map is None:
        return False
    if has_sold(vehicle__seat_map=seat_map):
        return True
    # A vehicle may have been swapped since; any seat tells, for stock is laid out whole.
    seat = Seat.objects.filter(coach__seat_map=seat_map).order_by("pk").first()
    return seat is not None and is_in_use(seat)


class StandsFast:
    """No change and no deletion once a departure has sold from it."""

    def stands(self, obj: Any) -> bool:
        """Say whether this row was sold from; each table that mixes this in has its own way."""
        # An abstract method would need a metaclass, and the admin's tables have Django's.
        raise NotImplementedError

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed = super().has_change_permission(request, obj)  # type: ignore[misc]
        return bool(allowed) and not (obj is not None and self.stands(obj))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed = super().has_delete_permission(request, obj)  # type: ignore[misc]
        return bool(allowed) and not (obj is not None and self.stands(obj))


class CoachInline(admin.TabularInline):
    """The coaches of a map; their seats stand on the coach's page."""

    model = Coach
    fields = ["position", "label"]
    extra = 0
    show_change_link = True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_add_permission(request, obj) and not seat_map_stands(obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and not seat_map_stands(obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and not seat_map_stands(obj)


@admin.register(SeatMap)
class SeatMapAdmin(StandsFast, HistoryAdmin):
    """The seats of a type of vehicle."""

    list_display = ["name", "code", "carrier"]
    list_select_related = ["carrier"]
    autocomplete_fields = ["carrier"]
    find_by = [("code", str), ("code", upper), ("carrier__code", str)]
    search_help_text = _("Code of the map, or of its carrier.")
    inlines = [CoachInline]
    change_form_template = "admin/inventory/seat_map.html"

    def stands(self, obj: SeatMap) -> bool:
        return seat_map_stands(obj)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        row = context.get("original")
        if row is not None:
            context["drawn"] = drawn(row)
        return super().render_change_form(request, context, *args, **kwargs)


def drawn(seat_map: SeatMap) -> list[PlannedCoach]:
    """Answer the coaches of a map as travellers see them."""
    modes = Departure.objects.filter(vehicle__seat_map=seat_map).order_by("id")
    mode = modes.values_list("service__mode", flat=True).first() or Mode.TRAIN
    by_coach: dict[str, list[PlannedSeat]] = {}
    for seat in seats_of_map(seat_map.pk):
        by_coach.setdefault(seat.coach, []).append(
            PlannedSeat(
                value=str(seat.id),
                label=seat.label or f"{seat.row}/{seat.column}",
                row=seat.row,
                column=seat.column,
                is_window=seat.is_window,
                is_aisle=seat.is_aisle,
                has_table=seat.has_table,
                is_quiet=seat.is_quiet,
                accessible=seat.is_accessible,
                faces_back=seat.faces_back,
            )
        )
    return [
        lay_out(mode=mode, name=gettext("Coach %(label)s") % {"label": label}, seats=seats)
        for label, seats in by_coach.items()
    ]


@admin.register(Coach)
class CoachAdmin(StandsFast, OfficeAdmin):
    """A coach, cabin or deck of a seat map."""

    list_display = ["id", "label", "position", "seat_map", "seats_in_it"]
    ordering = ["-id"]
    list_select_related = ["seat_map"]
    autocomplete_fields = ["seat_map"]
    find_by = [("pk", whole_number), ("seat_map__code", str), ("seat_map__code", upper)]
    search_help_text = _("Number of the coach, or code of its seat map.")

    def stands(self, obj: Coach) -> bool:
        return seat_map_stands(obj.seat_map)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Coach]:
        rows: QuerySet[Coach] = super().get_queryset(request)
        return rows.annotate(seat_count=Count("seats"))

    @admin.display(description=_("seats"))
    def seats_in_it(self, coach: Any) -> int:
        count: int = coach.seat_count
        return count


class SeatForm(forms.ModelForm):
    """A seat is not put into a map that has sold."""

    def clean_coach(self) -> Coach:
        coach: Coach = self.cleaned_data["coach"]
        if seat_map_stands(coach.seat_map):
            raise forms.ValidationError(STANDS_FAST)
        return coach


@admin.register(Seat)
class SeatAdmin(StandsFast, OfficeAdmin):
    """A seat of a seat map."""

    form = SeatForm
    list_display = ["id", "label", "row", "column", "travel_class", "coach", "seat_map"]
    list_display += ["is_window", "is_aisle", "is_accessible"]
    list_filter = ["travel_class", "is_accessible"]
    list_select_related = ["coach__seat_map"]
    autocomplete_fields = ["coach"]
    find_by = [("pk", whole_number), ("coach__seat_map__code", str), ("coach", whole_number)]
    search_help_text = _("Number of the seat or of its coach, or code of its seat map.")

    def stands(self, obj: Seat) -> bool:
        return seat_map_stands(obj.coach.seat_map)

    @admin.display(description=_("seat map"))
    def seat_map(self, seat: Seat) -> str:
        return str(seat.coach.seat_map)


class VehicleForm(forms.ModelForm):
    """A vehicle has a seat map of its own carrier."""

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        carrier = data.get("carrier") or getattr(self.instance, "carrier", None)
        seat_map = data.get("seat_map")
        if carrier and seat_map and seat_map.carrier_id != carrier.pk:
            self.add_error("seat_map", _("This seat map is another carrier's."))
        return data


@admin.register(Vehicle)
class VehicleAdmin(HistoryAdmin):
    """A piece of equipment, or a kind of it. With a departure sold, its seat map stands fast."""

    form = VehicleForm
    list_display = ["name", "code", "carrier", "seat_map"]
    list_select_related = ["carrier", "seat_map"]
    autocomplete_fields = ["carrier", "seat_map"]
    find_by = [("code", str), ("code", upper), ("carrier__code", str)]
    search_help_text = _("Code of the vehicle, or of its carrier.")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        if obj is None:
            return []
        return ["carrier", "seat_map"] if has_sold(vehicle=obj) else ["carrier"]
