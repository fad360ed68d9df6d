"""Who served whom, and what they opened: rows that services alone write."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from support.models import Serving, ServingEntry
from support.serving import name_of
from travel.common.admin_bases import BareInline, ClosedAdmin, email, locator, phone, whole_number


class ServingEntryInline(BareInline):
    """What was opened, refused or booked."""

    model = ServingEntry
    fields = ["at", "what", "method", "reservation", "is_refused"]
    ordering = ["id"]


@admin.register(Serving)
class ServingAdmin(ClosedAdmin):
    """Looks as a customer and bookings by phone: who, whom, when, from where, why."""

    list_display = ["id", "began_at", "staff", "purpose", "whom", "reason", "over"]
    fields = ["staff", "purpose", "traveller", "reservation", "guest_email", "guest_phone"]
    fields += ["language", "reason", "address", "began_at", "ends_at", "ended_at", "ended_because"]
    fields += ["kept_until"]
    list_select_related = ["staff", "traveller", "reservation"]
    list_filter = ["purpose"]
    ordering = ["-id"]
    find_by = [
        ("pk", whole_number),
        ("staff__email", email),
        ("traveller__email", email),
        ("guest_email", email),
        ("guest_phone", phone),
        ("reservation__locator", locator),
    ]
    search_help_text = _("Number, booking code, or the whole address of staff or traveller.")
    inlines = [ServingEntryInline]

    @admin.display(description=_("traveller"))
    def whom(self, row: Serving) -> str:
        return name_of(row)

    @admin.display(description=_("ended"))
    def over(self, row: Serving) -> str:
        return str(row.get_ended_because_display() or _("By its time"))


@admin.register(ServingEntry)
class ServingEntryAdmin(ClosedAdmin):
    """Every page that staff opened in a traveller's place."""

    list_display = ["id", "at", "serving", "what", "method", "reservation", "is_refused"]
    fields = ["at", "serving", "what", "method", "reservation", "is_refused"]
    list_select_related = ["serving", "reservation"]
    ordering = ["-id"]
    find_by = [
        ("pk", whole_number),
        ("serving", whole_number),
        ("reservation__locator", locator),
    ]
    search_help_text = _("Number of the entry or of the look, or booking code.")
