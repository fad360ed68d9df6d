"""People's data in the admin: that files were asked for and accounts erased, never the files."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from support.models import DataExport, Erasure
from travel.common.admin_bases import ClosedAdmin, whole_number


@admin.register(DataExport)
class DataExportAdmin(ClosedAdmin):
    """Files with a person's data. What is in them is the person's alone."""

    list_display = ["id", "user", "asked_at", "ready_at", "expires_at"]
    fields = ["user", "asked_at", "ready_at", "expires_at"]
    list_select_related = ["user"]
    ordering = ["-id"]
    find_by = [("pk", whole_number), ("user", whole_number)]
    search_help_text = _("Number of the file or of the user.")

    def get_queryset(self, request):  # type: ignore[no-untyped-def]
        return super().get_queryset(request).defer("content")


@admin.register(Erasure)
class ErasureAdmin(ClosedAdmin):
    """Accounts that were erased."""

    list_display = ["user", "erased_at", "reservations"]
    fields = ["user", "erased_at", "reservations"]
    list_select_related = ["user"]
    ordering = ["-user"]
    find_by = [("user", whole_number)]
    search_help_text = _("Number of the user.")
