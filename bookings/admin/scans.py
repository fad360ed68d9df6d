"""What was shown at doors, and who took passenger lists along: to look at, never to write."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from bookings.manifest import conflicting
from bookings.models import ManifestCopy, Scan
from travel.common.admin_bases import EMPTY, ClosedAdmin, locator, tagged, whole_number


class ConflictFilter(admin.SimpleListFilter):
    """Those that let somebody in whom the office would have refused, or let in before."""

    title = _("conflict")
    parameter_name = "conflict"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return [("yes", str(_("Conflicts")))]

    def queryset(self, request: HttpRequest, rows: QuerySet[Scan]) -> QuerySet[Scan]:
        return conflicting(rows) if self.value() == "yes" else rows


@admin.register(Scan)
class ScanAdmin(ClosedAdmin):
    """A ticket shown at a door."""

    list_display = ["id", "at", "departure", "coupon", "reservation", "word", "how", "staff"]
    fields = ["departure", "coupon", "reservation", "word", "let_in", "insisted", "how", "at"]
    fields += ["received_at", "stop", "coach", "device", "staff", "undoes"]
    list_select_related = ["departure__service", "coupon__passenger__reservation", "staff"]
    list_filter = [ConflictFilter, "let_in"]
    ordering = ["-id"]
    find_by = [("departure", whole_number)]
    find_by += [("coupon__passenger__reservation__locator", locator)]
    search_help_text = _("Number of the departure, or booking code.")

    @admin.display(description=_("reservation"))
    def reservation(self, row: Scan) -> str:
        return row.coupon.passenger.reservation.locator if row.coupon else EMPTY

    @admin.display(description=_("outcome"))
    def word(self, row: Scan) -> str:
        good = row.outcome == "admitted"
        return tagged(row.outcome, "good" if good else "bad" if row.let_in else "warn")


@admin.register(ManifestCopy)
class ManifestCopyAdmin(ClosedAdmin):
    """A passenger list that somebody took along."""

    list_display = ["id", "at", "departure", "kind", "people", "staff", "expires_at"]
    fields = ["departure", "kind", "people", "staff", "device", "at", "expires_at"]
    list_select_related = ["departure__service", "staff"]
    list_filter = ["kind"]
    ordering = ["-id"]
    find_by = [("departure", whole_number)]
    search_help_text = _("Number of the departure.")
