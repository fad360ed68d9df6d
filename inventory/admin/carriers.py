"""Carriers, their words for classes, and who works for them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from inventory.admin.forms import country_code, known_zone
from inventory.models import Carrier, CarrierClass, Membership
from travel.common.admin_bases import (
    HistoryAdmin,
    OfficeAdmin,
    capitalised,
    email,
    upper,
    whole_number,
)


class CarrierForm(forms.ModelForm):
    url = forms.URLField(label=_("Web site"), assume_scheme="https", required=False)

    def clean_tz(self) -> str:
        name: str = self.cleaned_data["tz"]
        known_zone(name)
        return name

    def clean_country(self) -> str:
        country: str = self.cleaned_data["country"]
        if country:
            country_code(country)
        return country


class CarrierClassInline(admin.TabularInline):
    model = CarrierClass
    fields = ["travel_class", "name"]
    extra = 0


@admin.register(Carrier)
class CarrierAdmin(HistoryAdmin):
    """
    An airline, a railway or a coach company.

    Its currency stands fast once it is saved: another one would give every fare another price.
    """

    form = CarrierForm
    list_display = ["name", "code", "currency", "country", "tz", "is_active"]
    list_filter = ["is_active"]
    list_select_related = ["currency"]
    autocomplete_fields = ["currency"]
    find_by = [("code", str), ("code", upper), ("name__istartswith", str)]
    find_by += [("name__istartswith", capitalised)]
    search_help_text = _("Code, or beginning of the name.")
    inlines = [CarrierClassInline]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["currency"] if obj else []


@admin.register(CarrierClass)
class CarrierClassAdmin(OfficeAdmin):
    """The carriers' own words for the office's classes."""

    list_display = ["name", "travel_class", "carrier"]
    list_filter = ["travel_class"]
    list_select_related = ["carrier"]
    autocomplete_fields = ["carrier"]
    find_by = [("carrier__code", str), ("carrier__code", upper)]
    search_help_text = _("Code of the carrier.")


@admin.register(Membership)
class MembershipAdmin(HistoryAdmin):
    """
    Users' roles at carriers.

    Nobody gives or takes his own: only superusers write them.
    """

    list_display = ["id", "user", "carrier", "role"]
    list_filter = ["role"]
    list_select_related = ["user", "carrier"]
    autocomplete_fields = ["user", "carrier"]
    find_by = [("pk", whole_number), ("user__email__istartswith", email), ("carrier__code", str)]
    search_help_text = _("Number, code of the carrier, or beginning of the e-mail address.")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)  # type: ignore[union-attr]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_superuser)  # type: ignore[union-attr]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_superuser)  # type: ignore[union-attr]
