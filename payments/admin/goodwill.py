"""Goodwill in the admin: given by staff, approved or rejected by a second person."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts import selectors as people
from accounts.models import User
from accounts.roles import ADMINISTRATOR, FINANCE, SUPPORT_AGENT
from payments.admin.deeds import Deed
from payments.admin.errands import AmountMixin, Errand, ErrandAdmin, ErrandForm
from payments.models import Goodwill, Reason
from payments.services import goodwill
from travel.common.admin_bases import email, locator, money_column, state_column, whole_number
from travel.common.errors import InvalidInput
from travel.common.forms import PlainTextField
from travel.common.money import Money
from travel.common.templatetags.look import money_text


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


def _traveller(data: dict[str, Any]) -> User:
    user = people.find_by_email(email=data["traveller"])
    if user is None:
        raise InvalidInput(errors={"traveller": [gettext("There is no such traveller.")]})
    return user


def _give(data: dict[str, Any], staff_id: int, now: datetime) -> Goodwill:
    return goodwill.give(
        user_id=_traveller(data).pk,
        amount=data["money"],
        reason_code=data["reason_code"],
        note=data["note"],
        locator=data["locator"],
        actor_id=staff_id,
        now=now,
    )


def _to_confirm(data: dict[str, Any]) -> list[str]:
    user = _traveller(data)
    said = {"amount": money_text(data["money"]), "name": str(user), "email": user.email}
    return [
        gettext("%(amount)s goes to the wallet of %(name)s (%(email)s).") % said,
        gettext("What was given cannot be taken back."),
    ]


def _said(row: Goodwill) -> str:
    said = {
        "amount": money_text(Money(row.amount_minor, row.account.currency_id)),
        "name": str(row.account.user),
    }
    if _waits(row):
        return gettext("%(amount)s for %(name)s waits for a second person's word.") % said
    return gettext("%(amount)s is in the wallet of %(name)s.") % said


def _back_to_booking(row: Goodwill) -> str:
    """Answer the page of the booking that it is about, where its button was pressed; or nothing."""
    if row.reservation_id is None:
        return ""
    return reverse("admin:bookings_reservation_change", args=[row.reservation_id])


def _waits(row: Goodwill) -> bool:
    return row.state == Goodwill.State.PENDING_APPROVAL


@admin.register(Goodwill)
class GoodwillAdmin(ErrandAdmin):
    """Money that staff gave to travellers' wallets."""

    list_display = ["id", "traveller", "reservation", "reason_code", "state_word", "amount"]
    list_display += ["created_at", "requested_by", "decided_by"]
    fields = ["traveller", "account", "reservation", "reason_code", "note", "state_word", "amount"]
    fields += ["created_at", "requested_by", "decided_by", "decided_at"]
    list_select_related = ["account__user", "reservation", "requested_by", "decided_by"]
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
            confirm=_to_confirm,
            said=_said,
            then=_back_to_booking,
        )
    ]

    @admin.display(description=_("traveller"))
    def traveller(self, row: Goodwill) -> str:
        return str(row.account.user)
