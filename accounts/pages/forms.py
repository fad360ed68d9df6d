"""Forms of signing up and in: the manners; accounts.services has the rules."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from travel.common.ids import normal_email
from travel.common.text import clean_text

LONGEST_PASSWORD = 200


class NameField(forms.CharField):
    """A name without characters that deceive readers."""

    default_error_messages = {
        "characters": _("This contains a character that is not allowed here."),
    }

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=80, **kwargs)

    def to_python(self, value: Any) -> str:
        text = super().to_python(value) or ""
        try:
            return clean_text(text)
        except ValueError as error:
            raise forms.ValidationError(
                self.error_messages["characters"], code="characters"
            ) from error


class EmailAddressField(forms.EmailField):
    """An e-mail address, as it is stored and compared."""

    def to_python(self, value: Any) -> str:
        return normal_email(super().to_python(value) or "")


def _password(autocomplete: str) -> forms.PasswordInput:
    return forms.PasswordInput(attrs={"autocomplete": autocomplete, "dir": "ltr"})


class SignInForm(forms.Form):
    """
    An e-mail address and a password; `totp` is asked for once the password has proved right.

    What is no address belongs to nobody, and is told so by the service like any other.
    """

    email = forms.CharField(
        label=_("E-mail"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "username", "dir": "ltr"}),
    )
    password = forms.CharField(
        label=_("Password"),
        max_length=LONGEST_PASSWORD,
        strip=False,
        widget=_password("current-password"),
    )
    totp = forms.CharField(
        label=_("Code of your authenticator app"),
        max_length=12,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric"}),
    )


class SignUpForm(forms.Form):
    """A passenger's new account."""

    first_name = NameField(
        label=_("First name"),
        widget=forms.TextInput(attrs={"autocomplete": "given-name", "dir": "auto"}),
    )
    last_name = NameField(
        label=_("Last name"),
        widget=forms.TextInput(attrs={"autocomplete": "family-name", "dir": "auto"}),
    )
    email = EmailAddressField(
        label=_("E-mail"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email", "dir": "ltr"}),
    )
    password = forms.CharField(
        label=_("Password"),
        max_length=LONGEST_PASSWORD,
        strip=False,
        widget=_password("new-password"),
        help_text=_("At least 8 characters: no common password, not your name, not only digits."),
    )
