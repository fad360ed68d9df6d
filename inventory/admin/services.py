"""Services, what their modes add, and what is on board."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from inventory.models import Bus, Facility, Flight, Mode, Service, Train
from travel.common.admin_bases import (
    HistoryAdmin,
    OfficeAdmin,
    as_typed,
    upper,
    whole_number,
)

MODE_ROWS: dict[str, Any] = {Mode.PLANE: Flight, Mode.TRAIN: Train, Mode.BUS: Bus}


class ServiceForm(forms.ModelForm):
    """A service sells by a tariff of its own carrier."""

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        carrier = data.get("carrier") or (self.instance.carrier if self.instance.pk else None)
        tariff = data.get("tariff")
        if carrier and tariff and tariff.carrier_id != carrier.pk:
            self.add_error("tariff", _("This tariff is another carrier's."))
        return data


class ModeInline(admin.StackedInline):
    """The one row that says more of a service, as its mode tells."""

    can_delete = False
    extra = 0
    max_num = 1


class FlightInline(ModeInline):
    model = Flight


class TrainInline(ModeInline):
    model = Train


class BusInline(ModeInline):
    model = Bus


INLINES: dict[str, Any] = {
    Mode.PLANE: FlightInline,
    Mode.TRAIN: TrainInline,
    Mode.BUS: BusInline,
}


@admin.register(Service)
class ServiceAdmin(HistoryAdmin):
    """
    What recurs under one number.

    Carrier and mode stand fast once saved; the mode's own row is made with the service and
    filled in on its page.
    """

    form = ServiceForm
    list_display = ["number", "mode", "carrier", "tariff"]
    list_filter = ["mode"]
    list_select_related = ["carrier", "tariff"]
    autocomplete_fields = ["carrier", "tariff"]
    filter_horizontal = ["facilities"]
    find_by = [("number__istartswith", as_typed), ("number__istartswith", upper)]
    find_by += [("carrier__code", as_typed)]
    search_help_text = _("Beginning of the number, or the carrier's code.")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["carrier", "mode"] if obj else []

    def get_inlines(self, request: HttpRequest, obj: Service | None) -> list[Any]:
        return [INLINES[obj.mode]] if obj else []

    def save_model(self, request: HttpRequest, obj: Service, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if not change:
            MODE_ROWS[obj.mode].objects.create(service=obj)


class ModeAdmin(OfficeAdmin):
    """Rows that say more of services: they come and go with them."""

    list_select_related = ["service__carrier"]
    find_by = [("service", whole_number), ("service__number", as_typed), ("service__number", upper)]
    search_help_text = _("Number of the service, as travellers read it or as the office counts.")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["service"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description=_("carrier"))
    def carrier(self, row: Any) -> str:
        return str(row.service.carrier)


@admin.register(Flight)
class FlightAdmin(ModeAdmin):
    """What a service has that flies."""

    list_display = ["service", "carrier", "aircraft", "origin_terminal", "destination_terminal"]


@admin.register(Train)
class TrainAdmin(ModeAdmin):
    """What a service has that runs on rails."""

    list_display = ["service", "carrier", "category", "stars", "has_compartments"]


@admin.register(Bus)
class BusAdmin(ModeAdmin):
    """What a service has that runs on the road."""

    list_display = ["service", "carrier", "kind", "seats_per_row"]


@admin.register(Facility)
class FacilityAdmin(OfficeAdmin):
    """Something on board."""

    list_display = ["name", "code"]
    find_by = [("code__istartswith", as_typed)]
    search_help_text = _("Beginning of the code.")
