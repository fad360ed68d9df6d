"""Passengers' reports in the admin: to read; answers are given through services."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from support.models import Report, ReportMessage
from travel.common.admin_bases import (
    BareInline,
    ClosedAdmin,
    email,
    locator,
    state_column,
    whole_number,
)


class ReportMessageInline(BareInline):
    """The conversation, in order."""

    model = ReportMessage
    fields = ["created_at", "author", "is_from_staff", "is_internal", "body"]

    def get_queryset(self, request):  # type: ignore[no-untyped-def]
        return super().get_queryset(request).select_related("author")


@admin.register(Report)
class ReportAdmin(ClosedAdmin):
    """A passenger's complaint."""

    list_display = ["id", "reservation", "category", "state_word", "user", "assigned_to"]
    list_display += ["created_at", "answered_at"]
    fields = ["reservation", "ticket", "user", "category", "state_word", "assigned_to"]
    fields += ["created_at", "answered_at", "closed_at"]
    list_select_related = ["reservation", "user", "assigned_to"]
    list_filter = ["state", "category"]
    find_by = [("pk", whole_number), ("reservation__locator", locator), ("user__email", email)]
    search_help_text = _("Number, booking code or e-mail address.")
    inlines = [ReportMessageInline]
    state_word = state_column()


@admin.register(ReportMessage)
class ReportMessageAdmin(ClosedAdmin):
    """Messages about reports."""

    list_display = ["id", "report", "author", "is_from_staff", "is_internal", "created_at"]
    fields = ["report", "author", "is_from_staff", "is_internal", "body", "created_at"]
    list_select_related = ["report", "author"]
    ordering = ["-id"]
    find_by = [("pk", whole_number), ("report", whole_number)]
    search_help_text = _("Number of the message or of its report.")
