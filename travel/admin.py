"""The staff's site: Django's own admin, closed to whoever lacks a required second factor."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import django_otp
from django import forms
from django.conf import settings
from django.contrib.admin import AdminSite
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.admin.views.autocomplete import AutocompleteJsonView
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext_lazy as _

from accounts import lockout, services, tokens
from travel.common import clock
from travel.common.address import client_network
from travel.common.errors import Refusal


class StaffSignInForm(AdminAuthenticationForm):
    """
    A staff member's e-mail address, password and the code of the second factor.

    Whoever has a second factor needs it; whoever has none comes in only where none is required. The
    password is judged first, so that nobody learns from here which accounts have one.
    """

    code = forms.CharField(
        label=_("Code of your second factor"),
        help_text=_("Six digits from your authenticator app."),
        required=False,
        max_length=16,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric"}),
    )

    def clean(self) -> dict[str, Any]:
        email = self.cleaned_data.get("username") or ""
        address = client_network(self.request) if self.request else ""
        try:
            # Counted before it is judged, with the sign-ins of the pages and the API.
            lockout.count_attempt(email=email, address=address)
        except Refusal as refusal:
            raise forms.ValidationError(str(refusal.detail), code=refusal.code) from refusal
        data: dict[str, Any] = super().clean() or self.cleaned_data
        user = self.get_user()
        if user is not None:
            self._check_second_factor(user, "".join(data.get("code", "").split()))
            lockout.forgive(email=email, address=address)
        return data

    def _check_second_factor(self, user: Any, code: str) -> None:
        if django_otp.user_has_device(user):
            # Django's login takes the device from here, and the session is verified.
            try:
                found = services.match_second_factor(user=user, code=code) if code else None
            except Refusal as refusal:
                raise forms.ValidationError(str(refusal.detail), code=refusal.code) from refusal
            user.otp_device = found
            if user.otp_device is None:
                raise forms.ValidationError(
                    _("Enter the code that your authenticator app shows now."), code="totp_required"
                )
        elif settings.STAFF_2FA == "required":
            raise forms.ValidationError(
                _("This account has no second factor yet."), code="no_second_factor"
            )


class Choices(AutocompleteJsonView):
    """Rows to choose from; a table's `in_choices` tells apart those that have one name."""

    def serialize_result(self, obj: Any, to_field_name: str) -> dict[str, str]:
        told = getattr(self.model_admin, "in_choices", str)
        return {**super().serialize_result(obj, to_field_name), "text": told(obj)}


# The sections of the overview in the order of a working day, each the room of its tables.
SECTIONS: dict[str, Any] = {
    "bookings.admin": _("Reservations"),
    "payments.admin": _("Money"),
    "support.admin.numbers": _("Numbers"),
    "support.admin.desk": _("Departures desk"),
    "support.admin.serving": _("In a traveller's place"),
    "support.admin": _("Passengers' reports"),
    "inventory.admin.departures": _("Departures"),
    "inventory.admin.places": _("Places"),
    "inventory.admin.carriers": _("Carriers"),
    "inventory.admin.services": _("Services"),
    "inventory.admin.vehicles": _("Vehicles and seats"),
    "inventory.admin.fares": _("Fares"),
    "inventory.admin.patterns": _("Recurring timetables"),
    "inventory.admin.uploads": _("Uploads"),
    "inventory.admin.feeds": _("Imports"),
    "accounts.admin": _("People"),
    "travel.common.admin": _("Office"),
}


def _room_of(model_admin: Any) -> str:
    """Answer the room whose section shows the table, or the admin's own module where none does."""
    module: str = type(model_admin).__module__
    return next((room for room in SECTIONS if f"{module}.".startswith(f"{room}.")), module)


class TravelAdminSite(AdminSite):
    """The admin with the office's name and its rule of who may come in."""

    site_header = f"{settings.SITE_NAME} · back office"
    site_title = settings.SITE_NAME
    index_title = _("Overview")
    enable_nav_sidebar = True
    login_form = StaffSignInForm
    # Higher storeys hang in pages of the site's own, and what the overview shows.
    overview: Callable[[HttpRequest], dict[str, Any]] | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.pages: list[Callable[[Any], list[Any]]] = []
        # Each answers a button of the overview, label and address, or None for who may not.
        self.buttons: list[Callable[[HttpRequest], tuple[Any, str] | None]] = []
        # What every page's template may ask, by its name; asked only where it is used.
        self.facts: dict[str, Callable[[HttpRequest], Any]] = {}
        # Rows go one by one, each under the rules of its own page.
        self.disable_action("delete_selected")

    def get_urls(self) -> list[Any]:
        """Put the pages of the site's own before those of the tables."""
        own = [pattern for pages in self.pages for pattern in pages(self)]
        return [*own, *super().get_urls()]

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """Answer what templates of all pages know."""
        facts = {
            name: SimpleLazyObject(partial(fact, request)) for name, fact in self.facts.items()
        }
        return {**super().each_context(request), **facts}

    def index(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        """Show what the day is like, and the tables."""
        shown = self.overview(request) if self.overview else {}
        shown["buttons"] = [one for button in self.buttons if (one := button(request))]
        return super().index(request, {**shown, **(extra_context or {})})

    def autocomplete_view(self, request: HttpRequest) -> HttpResponseBase:
        """Answer the rows that a box finds for what is typed into it."""
        return Choices.as_view(admin_site=self)(request)

    def has_permission(self, request: HttpRequest) -> bool:
        """Let active staff in; with STAFF_2FA=required only after their second factor."""
        user = request.user
        if not (user.is_active and getattr(user, "is_staff", False)):
            return False
        return settings.STAFF_2FA != "required" or bool(user.is_verified())  # type: ignore[attr-defined]

    def password_change(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Change one's own password; clients signed in with the old one are signed out."""
        answer = super().password_change(request, extra_context)
        if request.method == "POST" and answer.status_code == 302:
            tokens.revoke_all(user=request.user, because="password", now=clock.now())  # type: ignore[arg-type]
        return answer

    def get_app_list(
        self, request: HttpRequest, app_label: str | None = None
    ) -> list[dict[str, Any]]:
        """List the tables by section, each section in the order in which its room has them."""
        if app_label is not None:
            return super().get_app_list(request, app_label)
        found: dict[str, dict[str, Any]] = {}
        order = {model: number for number, model in enumerate(self._registry)}
        for app in super().get_app_list(request):
            for model in app["models"]:
                room = _room_of(self._registry[model["model"]])
                name = SECTIONS.get(room, app["name"])
                section = found.setdefault(room, {**app, "name": name, "models": []})
                section["models"].append(model)
        for section in found.values():
            section["models"].sort(key=lambda model: order[model["model"]])
        rooms = list(SECTIONS)
        return [
            found[room]
            for room in sorted(
                found, key=lambda room: (rooms.index(room) if room in SECTIONS else 99, room)
            )
        ]
