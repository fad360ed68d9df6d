"""Carriers, their words for classes, and who works for them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts import selectors as people
from accounts.models import User
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


class MembershipForm(forms.ModelForm):
    """A membership is for somebody whom the giver governs."""

    actor: User

    def clean_user(self) -> User:
        user: User = self.cleaned_data["user"]
        if not people.may_govern(actor=self.actor, person=user):
            raise forms.ValidationError(_("You do not give this person memberships."))
        return user


@admin.register(Membership)
class MembershipAdmin(HistoryAdmin):
    """
    Users' roles at carriers, given and taken by whoever governs the user.

    Nobody gives or takes his own. User and carrier stand fast: another one is another membership.
    """

    wants_why = True
    form = MembershipForm
    list_display = ["id", "user", "carrier", "role"]
    list_filter = ["role"]
    list_select_related = ["user", "carrier"]
    autocomplete_fields = ["user", "carrier"]
    find_by = [("pk", whole_number), ("user__email__istartswith", email), ("carrier__code", str)]
    search_help_text = _("Number, code of the carrier, or beginning of the e-mail address.")

    def get_form(self, request: HttpRequest, obj: Any = None, **options: Any) -> Any:
        form = super().get_form(request, obj, **options)
        return type(form)("MembershipForm", (form,), {"actor": request.user})

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["user", "carrier"] if obj else []

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and _may_give(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and _may_give(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and _may_give(request, obj)


def _may_give(request: HttpRequest, membership: Membership | None = None) -> bool:
    actor: Any = request.user
    if membership is None:
        return people.gives_power(user=actor)
    return people.may_govern(actor=actor, person=membership.user)
