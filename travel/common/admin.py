"""The tables of no storey, to look at: messages, jobs, keys, and what staff did."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from travel.common import clock
from travel.common.admin_bases import (
    EMPTY,
    ClosedAdmin,
    as_typed,
    email,
    tagged,
    upper,
    whole_number,
)
from travel.common.models import Act, Currency, IdempotencyKey, Job, OutboxMessage


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


# --- what staff did -------------------------------------------------------------------------------


def row_named(text: str) -> str | None:
    """Read the name of a row: `refund 7`, `payments.refund:7` or `payments.refund 7`."""
    kind, _separator, key = text.replace(":", " ").rpartition(" ")
    found = [
        model._meta.label_lower
        for model in apps.get_models()
        if kind.lower()
        in (
            model._meta.label_lower,
            model._meta.model_name,
            str(model._meta.verbose_name).lower(),
            model._meta.verbose_name_raw.lower(),
        )
    ]
    return f"{found[0]}:{key}" if kind and key and len(found) == 1 else None


def day(text: str) -> tuple[datetime, datetime] | None:
    """Read a day, `2026-06-01`, as the office's own zone has it."""
    try:
        first = date.fromisoformat(text)
        midnight = datetime.combine(first, time.min, timezone.get_default_timezone())
        return midnight, midnight + timedelta(days=1, microseconds=-1)
    except (ValueError, OverflowError):
        return None


@admin.register(Act)
class ActAdmin(ClosedAdmin):
    """What staff did: who, when, what, from where, and why."""

    list_display = ["at", "actor", "what", "row", "reason", "kind", "address"]
    fields = ["at", "actor", "kind", "row", "what", "address", "reason"]
    list_select_related = ["actor", "entry__content_type"]
    list_filter = ["kind"]
    # Not "-entry": that would follow the order of its own table.
    ordering = ["-entry_id"]
    find_by = [("actor__email__istartswith", email), ("about", row_named), ("at__range", day)]
    search_help_text = _("Beginning of a colleague's e-mail address, a row (refund 7), or a day.")

    @admin.display(description=_("to what"))
    def row(self, act: Act) -> str:
        entry = act.entry
        if not act.about:
            return EMPTY
        kind = entry.content_type.name if entry.content_type else ""
        name = format_html("{} <bdi>{}</bdi>", kind, entry.object_repr)
        address = entry.get_admin_url()
        if not address or entry.is_deletion():
            return name
        return format_html('<a href="{}">{}</a>', address, name)

    @admin.display(description=_("what"))
    def what(self, act: Act) -> str:
        return act.entry.get_change_message() or EMPTY
