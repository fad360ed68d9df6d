"""What somebody has to look at: alarms, events, and what providers and the ledger differ on."""

from __future__ import annotations

from datetime import datetime

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from payments import services
from payments.admin.deeds import Deed, DeedAdmin
from payments.models import Difference, MoneyAlarm, ReconciliationRun, WebhookEvent
from payments.services import reconciling
from travel.common.admin_bases import (
    ClosedAdmin,
    as_typed,
    json_column,
    money_column,
    state_column,
    whole_number,
)
from travel.common.errors import NotFound


def _is_open(row: MoneyAlarm | Difference) -> bool:
    return row.closed_at is None


def _believe(alarm_id: int, who: int, note: str, now: datetime) -> None:
    payment_id = MoneyAlarm.objects.values_list("payment_id", flat=True).get(id=alarm_id)
    if payment_id is None:
        raise NotFound()
    services.believe_attempt(payment_id=payment_id, now=now)


@admin.register(MoneyAlarm)
class MoneyAlarmAdmin(DeedAdmin):
    """Money that may be astray, until somebody has looked."""

    list_display = ["id", "kind", "reference", "opened_at", "closed_at", "closed_by"]
    fields = ["kind", "reference", "payment", "top_up", "refund", "event", "told"]
    fields += ["opened_at", "closed_at", "closed_by", "note"]
    list_select_related = ["closed_by"]
    list_filter = ["kind", ("closed_at", admin.EmptyFieldListFilter)]
    ordering = ["-id"]
    find_by = [("pk", whole_number), ("payment", whole_number), ("reference", as_typed)]
    search_help_text = _("Number of the alarm or of the payment, or the reference.")
    told = json_column("details", label=_("details"))
    deeds = [
        Deed(
            "close",
            _("Close the alarm"),
            _("The alarm is closed."),
            lambda row, who, note, now: services.close_alarm(
                alarm_id=row, closer_id=who, note=note, now=now
            ),
            _is_open,
            wants_note=True,
        ),
        Deed(
            "believe",
            _("Believe the provider's amount"),
            _("The payment is booked as the provider tells it."),
            _believe,
            lambda row: row.kind == MoneyAlarm.Kind.AMOUNT_DIFFERS and row.payment_id is not None,
        ),
    ]


@admin.register(WebhookEvent)
class WebhookEventAdmin(ClosedAdmin):
    """What providers told by themselves. Bodies may hold personal data and are not shown."""

    list_display = ["id", "gateway", "event_id", "kind", "state_word", "received_at"]
    list_display += ["processed_at"]
    fields = ["gateway", "event_id", "kind", "state_word", "occurred_at", "received_at"]
    fields += ["processed_at", "attempts", "due_at", "problem", "payment", "top_up", "refund"]
    list_filter = ["state"]
    ordering = ["-id"]
    find_by = [("pk", whole_number), ("payment", whole_number), ("event_id", as_typed)]
    search_help_text = _("Number of the row or of the payment, or the provider's event.")
    state_word = state_column()


@admin.register(ReconciliationRun)
class ReconciliationRunAdmin(ClosedAdmin):
    """Comparisons of providers' statements with the ledger."""

    list_display = ["id", "gateway", "since", "until", "lines_read", "finished_at", "problem"]
    fields = ["gateway", "since", "until", "started_at", "finished_at", "lines_read", "problem"]
    ordering = ["-id"]
    find_by = [("pk", whole_number), ("gateway", as_typed)]
    search_help_text = _("Number of the run, or the gateway.")


@admin.register(Difference)
class DifferenceAdmin(DeedAdmin):
    """What a provider's statement and the ledger do not agree on."""

    list_display = ["id", "kind", "reference", "ledger", "provider", "closed_at", "closed_by"]
    fields = ["kind", "reference", "first_run", "last_run", "payment", "refund", "top_up"]
    fields += ["ledger", "provider", "closed_at", "closed_by", "note"]
    list_select_related = ["closed_by"]
    list_filter = ["kind", ("closed_at", admin.EmptyFieldListFilter)]
    ordering = ["-id"]
    find_by = [("pk", whole_number), ("payment", whole_number), ("reference", as_typed)]
    search_help_text = _("Number of the difference or of the payment, or the reference.")
    ledger = money_column("ledger_minor", "ledger_currency_id", label=_("ledger"))
    provider = money_column("provider_minor", "provider_currency_id", label=_("provider"))
    deeds = [
        Deed(
            "close",
            _("Close the difference"),
            _("The difference is closed."),
            lambda row, who, note, now: reconciling.close_difference(
                difference_id=row, closer_id=who, note=note, now=now
            ),
            _is_open,
            wants_note=True,
        )
    ]
