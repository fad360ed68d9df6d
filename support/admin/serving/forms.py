"""What is asked before somebody is served: who it is, and why."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from support.services.serving import MAX_REASON, Guest
from travel.common.contacts import Contact, parse_contact
from travel.common.ids import normal_email


class CallerForm(forms.Form):
    """What a caller says of themselves; only what matches whole is found."""

    said = forms.CharField(
        label=_("E-mail, phone or booking code"),
        max_length=254,
        help_text=_("The whole of it; a number with its country code."),
        widget=forms.TextInput(attrs={"class": "vTextField", "autocomplete": "off", "dir": "ltr"}),
    )


def _reason(help_text: Any) -> forms.CharField:
    return forms.CharField(
        label=_("Reason"),
        max_length=MAX_REASON,
        help_text=help_text,
        widget=forms.TextInput(attrs={"class": "vTextField", "autocomplete": "off"}),
    )


class BeginForm(forms.Form):
    """Why somebody known is served."""

    reason = _reason(_("It is kept, and shown to the traveller with their data."))


class GuestForm(forms.Form):
    """Somebody new who calls: how they are reached, in which language, and why they call."""

    email = forms.EmailField(
        label=_("E-mail address"),
        max_length=254,
        required=False,
        help_text=_("Spell it back to the caller."),
        widget=forms.EmailInput(attrs={"class": "vTextField", "autocomplete": "off", "dir": "ltr"}),
    )
    phone = forms.CharField(
        label=_("Telephone number"),
        max_length=40,
        required=False,
        help_text=_("With its country code. Without an e-mail address the link goes there."),
        widget=forms.TextInput(
            attrs={"class": "vTextField", "type": "tel", "autocomplete": "off", "dir": "ltr"}
        ),
    )
    language = forms.ChoiceField(label=_("Language"), choices=lambda: settings.LANGUAGES)
    reason = _reason(_("Such as: called the hotline, cannot use the website."))

    def clean_email(self) -> str:
        return normal_email(self.cleaned_data["email"])

    def clean_phone(self) -> str:
        typed = self.cleaned_data["phone"].strip()
        if not typed:
            return ""
        contact = _contact(typed)
        if contact is None or not contact.is_phone:
            raise forms.ValidationError(
                _("Write the number with its country code, such as +49 30 1234567.")
            )
        return contact.address

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.errors and not (cleaned.get("email") or cleaned.get("phone")):
            self.add_error("email", _("Leave an e-mail address or a phone number."))
        return cleaned

    @property
    def guest(self) -> Guest:
        """The guest as the service takes one."""
        data = self.cleaned_data
        return Guest(data["email"] or None, data["phone"] or None, data["language"])


def _contact(text: str) -> Contact | None:
    try:
        return parse_contact(text)
    except ValueError:
        return None
