"""What the desk did, and its jobs: rows that services alone write."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from support.models import DeskEntry, DisruptionItem, DisruptionJob
from travel.common.admin_bases import (
    BareInline,
    ClosedAdmin,
    email,
    json_column,
    locator,
    state_column,
    whole_number,
)


@admin.register(DeskEntry)
class DeskEntryAdmin(ClosedAdmin):
    """Acts of the departures desk: who, when, what, from where, why."""

    list_display = ["id", "at", "act", "actor", "departure", "reason"]
    fields = ["at", "act", "actor", "address", "departure", "job", "reason", "details_text"]
    list_select_related = ["actor", "departure__service"]
    list_filter = ["act"]
    ordering = ["-id"]
    find_by = [("pk", whole_number), ("departure", whole_number)]
    find_by += [("actor__email__istartswith", email)]
    search_help_text = _("Number of the entry or of its departure, or who did it.")
    details_text = json_column("details", label=_("details"))


class DisruptionEntryInline(BareInline):
    """What the desk did about a job."""

    model = DeskEntry
    fields = ["at", "act", "actor", "reason"]

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("actor")


@admin.register(DisruptionJob)
class DisruptionJobAdmin(ClosedAdmin):
    """Jobs for everybody whom a change of a departure concerns."""

    list_display = ["id", "departure", "cause", "deed", "state_word", "created_at", "created_by"]
    fields = ["departure", "cause", "deed", "reason", "state_word", "created_at", "created_by"]
    fields += ["due_at", "finished_at"]
    list_select_related = ["departure__service", "created_by"]
    list_filter = ["state", "cause"]
    ordering = ["-id"]
    find_by = [("pk", whole_number), ("departure", whole_number)]
    search_help_text = _("Number of the job or of its departure.")
    inlines = [DisruptionEntryInline]
    state_word = state_column()


@admin.register(DisruptionItem)
class DisruptionItemAdmin(ClosedAdmin):
    """Reservations of jobs, and what became of them."""

    list_display = ["id", "job", "reservation", "state_word", "outcome", "done_at", "last_error"]
    fields = ["job", "reservation", "state_word", "outcome", "is_told", "cancellation"]
    fields += ["attempts", "due_at", "done_at", "last_error"]
    list_select_related = ["job", "reservation"]
    list_filter = ["state"]
    ordering = ["-id"]
    find_by = [("pk", whole_number), ("job", whole_number), ("reservation__locator", locator)]
    search_help_text = _("Number of the row or of its job, or a booking code.")
    state_word = state_column()
