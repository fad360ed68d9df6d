"""Cities, their stations, and how long a change between stations takes."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from inventory import places
from inventory.admin.forms import PlaceNameForm, country_code, known_zone
from inventory.models import (
    City,
    CityName,
    MinimumChange,
    Station,
    StationCode,
    StationName,
)
from travel.common.admin_bases import (
    HistoryAdmin,
    OfficeAdmin,
    place,
    upper,
    whole_number,
)
from travel.common.ids import normal_text, search_key


class PlaceForm(forms.ModelForm):
    """A place has a name that can be searched for."""

    def clean_name(self) -> str:
        name = normal_text(self.cleaned_data["name"])
        if not search_key(name):
            raise forms.ValidationError(_("Nobody could search for this name."))
        return name


class CityForm(PlaceForm):
    country = forms.CharField(max_length=2, validators=[country_code])


class StationForm(PlaceForm):
    def clean_tz(self) -> str:
        name: str = self.cleaned_data["tz"]
        known_zone(name)
        return name


class FoundAnew:
    """After every change the searching of this process reads the names again."""

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self._forget_after(request, super().changeform_view(request, *args, **kwargs))  # type: ignore[misc]

    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self._forget_after(request, super().delete_view(request, *args, **kwargs))  # type: ignore[misc]

    def _forget_after(self, request: HttpRequest, answer: HttpResponse) -> HttpResponse:
        if request.method == "POST":
            places.forget()
        return answer


class PlaceAdmin(FoundAnew, HistoryAdmin):
    """A place is always found under its own name: saving it enters that among its names."""

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        row = form.instance
        row.names.get_or_create(
            language="", key=search_key(row.name)[:120], defaults={"name": row.name}
        )


class CityNameInline(admin.TabularInline):
    model = CityName
    form = PlaceNameForm
    fields = ["language", "name"]
    extra = 0


class StationNameInline(admin.TabularInline):
    model = StationName
    form = PlaceNameForm
    fields = ["language", "name"]
    extra = 0


class StationCodeInline(admin.TabularInline):
    model = StationCode
    fields = ["scheme", "code"]
    extra = 0


@admin.register(City)
class CityAdmin(PlaceAdmin):
    """A town that people travel to and from."""

    form = CityForm
    list_display = ["name", "country", "code"]
    find_by = [("names__key__istartswith", place), ("code", str)]
    search_help_text = _("Beginning of a name in any language, without accents, or the code.")
    inlines = [CityNameInline]


@admin.register(Station)
class StationAdmin(PlaceAdmin):
    """A place where one boards."""

    form = StationForm
    list_display = ["name", "code", "kind", "city", "tz", "is_active"]
    list_filter = ["kind", "is_active"]
    list_select_related = ["city"]
    autocomplete_fields = ["city"]
    find_by = [("names__key__istartswith", place), ("code", upper), ("code", str)]
    search_help_text = _("Beginning of a name in any language, without accents, or the code.")
    inlines = [StationNameInline, StationCodeInline]


class NameAdmin(FoundAnew, OfficeAdmin):
    """Names of places: the key that searching compares follows from the name."""

    form = PlaceNameForm
    list_display = ["name", "language", "key"]
    search_help_text = _("Number, or beginning of the name, without accents.")
    ordering = ["key", "id"]


@admin.register(CityName)
class CityNameAdmin(NameAdmin):
    """Names of cities by language."""

    list_display = ["name", "language", "key", "city"]
    list_select_related = ["city"]
    fields = ["city", "language", "name"]
    autocomplete_fields = ["city"]
    find_by = [("pk", whole_number), ("key__istartswith", place)]


@admin.register(StationName)
class StationNameAdmin(NameAdmin):
    """Names of stations by language."""

    list_display = ["name", "language", "key", "station"]
    list_select_related = ["station"]
    fields = ["station", "language", "name"]
    autocomplete_fields = ["station"]
    find_by = [("pk", whole_number), ("key__istartswith", place)]


@admin.register(StationCode)
class StationCodeAdmin(FoundAnew, OfficeAdmin):
    """What others call a station."""

    list_display = ["code", "scheme", "station"]
    list_select_related = ["station"]
    autocomplete_fields = ["station"]
    find_by = [("code__istartswith", str)]
    search_help_text = _("Beginning of the code.")


@admin.register(MinimumChange)
class MinimumChangeAdmin(OfficeAdmin):
    """How long a change from one station to another takes at least."""

    list_display = ["id", "from_station", "to_station", "minutes"]
    list_select_related = ["from_station", "to_station"]
    autocomplete_fields = ["from_station", "to_station"]
    find_by = [("from_station__code", upper), ("to_station__code", upper)]
    search_help_text = _("Code of one of the two stations.")
