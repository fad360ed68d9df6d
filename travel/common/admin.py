"""The tables of no storey, to look at: messages, jobs, keys, and what staff did."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from travel.common import clock
from travel.common.admin_bases import (
    ClosedAdmin,
    as_typed,
    email,
    json_column,
    tagged,
    upper,
    whole_number,
)
from travel.common.models import Currency, IdempotencyKey, Job, OutboxMessage


class StateFilter(admin.SimpleListFilter):
    """Open or closed, as a pair of lookups that go by an index."""

    title = _("state")
    parameter_name = "state"
    states: dict[str, tuple[Any, dict[str, Any]]] = {}

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(word, label) for word, (label, _lookups) in self.states.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        chosen = self.states.get(self.value() or "")
        return queryset.filter(**chosen[1]) if chosen else queryset


@admin.register(Currency)
class CurrencyAdmin(ClosedAdmin):
    """Currencies come with the office; another number of decimals would change every amount."""

    list_display = ["code", "name", "minor_digits"]
    find_by = [("code__istartswith", upper)]


@admin.register(IdempotencyKey)
class IdempotencyKeyAdmin(ClosedAdmin):
    """Requests that must not work twice. The stored answers are the asker's own and not shown."""

    list_display = ["id", "method", "path", "state", "status", "created_at", "finished_at"]
    fields = ["method", "path", "key", "state", "status", "created_at", "finished_at"]
    fields += ["lease_until"]
    ordering = ["-id"]
    find_by = [("pk", whole_number)]

    @admin.display(description=_("state"))
    def state(self, row: IdempotencyKey) -> str:
        return tagged(_("Answered"), "good") if row.finished_at else tagged(_("Running"), "info")


class OutboxStateFilter(StateFilter):
    states = {
        "waiting": (_("Waiting"), {"sent_at__isnull": True, "given_up_at__isnull": True}),
        "sent": (_("Sent"), {"sent_at__isnull": False}),
        "given_up": (_("Given up"), {"given_up_at__isnull": False}),
    }


@admin.register(OutboxMessage)
class OutboxMessageAdmin(ClosedAdmin):
    """Messages to people. Their texts hold secret links and codes, so they are not shown."""

    list_display = ["id", "kind", "channel", "recipient", "state", "created_at", "sent_at"]
    fields = ["kind", "channel", "recipient", "language", "subject", "state", "created_at"]
    fields += ["due_at", "sent_at", "given_up_at", "attempts", "last_error", "lease_until"]
    list_filter = [OutboxStateFilter]
    ordering = ["-id"]
    find_by = [("pk", whole_number), ("recipient__istartswith", email)]
    search_help_text = _("Number, or beginning of the recipient's address.")

    @admin.display(description=_("state"))
    def state(self, row: OutboxMessage) -> str:
        if row.sent_at:
            return tagged(_("Sent"), "good")
        return tagged(_("Given up"), "bad") if row.given_up_at else tagged(_("Waiting"), "info")


class JobStateFilter(StateFilter):
    states = {
        "open": (_("To do"), {"done_at__isnull": True}),
        "done": (_("Done"), {"done_at__isnull": False}),
    }


@admin.register(Job)
class JobAdmin(ClosedAdmin):
    """Work with a due time."""

    list_display = ["id", "kind", "reference", "state", "due_at", "attempts", "last_error"]
    fields = ["kind", "reference", "state", "created_at", "due_at", "done_at", "lease_until"]
    fields += ["attempts", "last_error"]
    list_filter = [JobStateFilter]
    ordering = ["-id"]
    find_by = [("pk", whole_number), ("kind", as_typed)]
    search_help_text = _("Number or kind.")

    @admin.display(description=_("state"))
    def state(self, row: Job) -> str:
        if row.done_at:
            return tagged(_("Done"), "good")
        return tagged(_("Late"), "warn") if row.due_at < clock.now() else tagged(_("To do"), "info")


@admin.register(LogEntry)
class LogEntryAdmin(ClosedAdmin):
    """What staff added, changed and deleted here."""

    list_display = ["id", "action_time", "user", "action", "content_type", "object_repr"]
    fields = ["action_time", "user", "action", "content_type", "object_id", "object_repr"]
    fields += ["changes"]
    list_select_related = ["user", "content_type"]
    list_filter = ["action_flag"]
    ordering = ["-id"]
    find_by = [("pk", whole_number), ("user__email__istartswith", email)]
    search_help_text = _("Number, or beginning of the e-mail address of who did it.")
    changes = json_column("change_message", label=_("changes"))

    @admin.display(description=_("action"))
    def action(self, row: LogEntry) -> str:
        words = {ADDITION: _("Added"), CHANGE: _("Changed"), DELETION: _("Deleted")}
        return str(words.get(row.action_flag, row.action_flag))
