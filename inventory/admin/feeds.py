"""Feeds, their imports, and the changes that wait for the departures desk."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from inventory.admin.guard import OwnCarriers
from inventory.models import Feed, ImportRun, PendingChange
from travel.common.admin_bases import (
    ClosedAdmin,
    OfficeAdmin,
    as_typed,
    json_column,
    tagged,
    whole_number,
)


@admin.register(Feed)
class FeedAdmin(OfficeAdmin):
    """A source of timetables. Importing makes it; here it may be named."""

    list_display = ["code", "name"]
    find_by = [("code__istartswith", as_typed)]
    search_help_text = _("Beginning of the code.")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["code"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(ImportRun)
class ImportRunAdmin(ClosedAdmin):
    """One import of a feed, with its report."""

    list_display = ["id", "feed", "first_day", "last_day", "state", "started_at", "finished_at"]
    fields = ["feed", "first_day", "last_day", "state", "started_at", "finished_at", "report_text"]
    list_select_related = ["feed"]
    ordering = ["-id"]
    find_by = [("pk", whole_number), ("feed__code", as_typed)]
    search_help_text = _("Number of the import, or the feed's code.")
    report_text = json_column("report", label=_("report"))

    @admin.display(description=_("state"))
    def state(self, run: ImportRun) -> str:
        if run.finished_at:
            return tagged(_("Finished"), "good")
        return tagged(_("Under way or broken off"), "warn")


@admin.register(PendingChange)
class PendingChangeAdmin(OwnCarriers, ClosedAdmin):
    """What an import found different about a departure that has sold; the desk settles it."""

    carrier_path = "departure__service__carrier"
    list_display = ["id", "departure", "kind", "state", "created_at", "settled_at", "settled_by"]
    fields = ["departure", "kind", "state", "created_at", "proposal_text", "settled_at"]
    fields += ["settled_by", "decision"]
    list_select_related = ["departure__service", "settled_by"]
    list_filter = ["kind"]
    find_by = [("pk", whole_number), ("departure", whole_number)]
    search_help_text = _("Number of the change or of its departure.")
    proposal_text = json_column("proposal", label=_("proposal"))

    @admin.display(description=_("state"))
    def state(self, change: PendingChange) -> str:
        if change.settled_at:
            return tagged(_("Settled"), "good")
        return tagged(_("To settle"), "warn")
