"""Goodwill in the admin: given by staff, approved or rejected by a second person."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts import selectors as people
from accounts.roles import ADMINISTRATOR, FINANCE, SUPPORT_AGENT
from payments.admin.deeds import Deed
from payments.admin.errands import AmountMixin, Errand, ErrandAdmin, ErrandForm, PlainTextField
from payments.models import Goodwill, Reason
from payments.services import goodwill
from travel.common.admin_bases import email, locator, money_column, state_column, whole_number
from travel.common.errors import InvalidInput


class GiveForm(AmountMixin, ErrandForm):
    """To whom, how much, and why."""

    traveller = forms.EmailField(label=_("E-mail address of the traveller"))
    reason_code = forms.ChoiceField(
        label=_("Reason"),
        choices=[choice for choice in Reason.choices if choice[0] in goodwill.REASONS],
    )
    locator = PlainTextField(label=_("Booking code"), required=False, max_length=10)
    note = PlainTextField(
        label=_("Note"),
        required=False,
        max_length=goodwill.MOST_NOTE,
        widget=forms.TextInput(attrs={"class": "vTextField"}),
    )
    field_order = ["traveller", "amount", "currency", "reason_code", "locator", "note"]


def _give(data: dict[str, Any], staff_id: int, now: datetime) -> Goodwill:
    user = people.find_by_email(email=data["traveller"])
    if user is None:
        raise InvalidInput(errors={"traveller": [gettext("There is no such traveller.")]})
    return goodwill.give(
        user_id=user.pk,
        amount=data["money"],
        reason_code=data["reason_code"],
        note=data["note"],
        locator=data["locator"],
        actor_id=staff_id,
        now=now,
    )


def _waits(row: Goodwill) -> bool:
    return row.state == Goodwill.State.PENDING_APPROVAL


@admin.register(Goodwill)
class GoodwillAdmin(ErrandAdmin):
    """Money that staff gave to travellers' wallets."""

    list_display = ["id", "account", "reservation", "reason_code", "state_word", "amount"]
    list_display += ["created_at", "requested_by", "decided_by"]
    fields = ["account", "reservation", "reason_code", "note", "state_word", "amount"]
    fields += ["created_at", "requested_by", "decided_by", "decided_at"]
    list_select_related = ["account", "reservation", "requested_by", "decided_by"]
    list_filter = ["state"]
    ordering = ["-id"]
    find_by = [("pk", whole_number), ("reservation__locator", locator)]
    find_by += [("account__user__email", email)]
    search_help_text = _("Number, booking code, or the owner's e-mail address.")
    amount = money_column("amount_minor", "account__currency_id")
    state_word = state_column()
    deeds = [
        Deed(
            "approve",
            _("Approve the goodwill"),
            _("The goodwill is approved."),
            lambda row, who, note, now: goodwill.decide(
                goodwill_id=row, approved=True, actor_id=who, now=now
            ),
            _waits,
        ),
        Deed(
            "reject",
            _("Reject the goodwill"),
            _("The goodwill is rejected."),
            lambda row, who, note, now: goodwill.decide(
                goodwill_id=row, approved=False, actor_id=who, now=now
            ),
            _waits,
        ),
    ]
    errands = [
        Errand(
            "give",
            _("Give goodwill"),
            _("The goodwill is written down."),
            GiveForm,
            _give,
            doers=frozenset({SUPPORT_AGENT, FINANCE, ADMINISTRATOR}),
        )
    ]
