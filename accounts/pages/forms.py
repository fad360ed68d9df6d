"""Forms about a person: the manners; accounts.services has the rules."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.forms.boundfield import BoundField
from django.utils.translation import gettext_lazy as _

from accounts.selectors import CHANNELS, TOPIC_NAMES, TOPICS
from travel.common.contacts import EMAIL, SMS, Contact, parse_contact
from travel.common.forms import PlainTextField, day_widget
from travel.common.ids import normal_email
from travel.common.text import plain_digits

LONGEST_PASSWORD = 200


class NameField(PlainTextField):
    """A name without characters that deceive readers."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=80, **kwargs)


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


# --- codes ----------------------------------------------------------------------------------------


class ContactField(forms.CharField):
    """An e-mail address, or a telephone number with its country code."""

    default_error_messages = {
        "contact": _("Write an e-mail address, or a number with its country code: +49 30 1234567."),
    }

    def clean(self, value: Any) -> Contact | None:
        text = super().clean(value)
        if not text:
            return None
        try:
            return parse_contact(text)
        except ValueError as error:
            raise forms.ValidationError(self.error_messages["contact"], code="contact") from error


class DigitsField(forms.CharField):
    """A code of six digits, pasted with blanks or dashes or without."""

    default_error_messages = {"code": _("Write the six digits that were sent.")}

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("label", _("Six digits"))
        kwargs.setdefault(
            "widget",
            forms.TextInput(
                attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "dir": "ltr"}
            ),
        )
        # Room for what is pasted; a limit of six would cut "123 456" short.
        super().__init__(max_length=20, **kwargs)

    def clean(self, value: Any) -> str:
        digits = plain_digits(super().clean(value))
        if len(digits) != 6 or not (digits.isascii() and digits.isdigit()):
            raise forms.ValidationError(self.error_messages["code"], code="code")
        return digits


class AppDigitsField(DigitsField):
    """What an authenticator app shows; nobody has sent it."""

    default_error_messages = {"code": _("Write the six digits that the app shows.")}


class AskForm(forms.Form):
    """Where to send a code."""

    contact = ContactField(
        label=_("E-mail or phone"),
        max_length=254,
        help_text=_("A phone with its country code, such as +49 151 2345678."),
        widget=forms.TextInput(attrs={"autocomplete": "username", "dir": "ltr"}),
    )


class CodeForm(forms.Form):
    """The code that was sent."""

    otp = DigitsField(help_text=_("You have five tries. The code is good for ten minutes."))


class AppForm(forms.Form):
    """The code that an authenticator app shows."""

    otp = AppDigitsField(help_text=_("What the app shows now."))


# --- the account ----------------------------------------------------------------------------------


class AboutForm(forms.Form):
    """Who one is."""

    first_name = NameField(
        label=_("First name"),
        widget=forms.TextInput(attrs={"autocomplete": "given-name", "dir": "auto"}),
    )
    last_name = NameField(
        label=_("Last name"),
        widget=forms.TextInput(attrs={"autocomplete": "family-name", "dir": "auto"}),
    )
    date_of_birth = forms.DateField(
        label=_("Date of birth"),
        required=False,
        widget=day_widget(autocomplete="bday"),
    )
    city = NameField(
        label=_("City"),
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "address-level2", "dir": "auto"}),
    )
    language = forms.ChoiceField(label=_("Language of messages"), choices=settings.LANGUAGES)


class EmailForm(forms.Form):
    """A new e-mail address, which counts once its code is entered."""

    email = EmailAddressField(
        label=_("New e-mail"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email", "dir": "ltr"}),
    )


class PhoneForm(forms.Form):
    """A new phone, which counts once its code is entered; empty removes the present one."""

    phone = ContactField(
        label=_("New phone"),
        max_length=40,
        required=False,
        help_text=_("With its country code, such as +49 151 2345678. Empty removes it."),
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "tel", "dir": "ltr"}),
    )

    def clean_phone(self) -> str:
        contact: Contact | None = self.cleaned_data["phone"]
        if contact is not None and not contact.is_phone:
            raise forms.ValidationError(_("This is no telephone number."), code="phone")
        return contact.address if contact else ""


class ConfirmForm(forms.Form):
    """The code that was sent to a new contact."""

    contact = ContactField(max_length=254, widget=forms.HiddenInput())
    otp = DigitsField()


class PasswordForm(forms.Form):
    """A new password; the present one too, unless one has just signed in by a code."""

    current_password = forms.CharField(
        label=_("Present password"),
        max_length=LONGEST_PASSWORD,
        strip=False,
        required=False,
        widget=_password("current-password"),
    )
    new_password = forms.CharField(
        label=_("New password"),
        max_length=LONGEST_PASSWORD,
        strip=False,
        widget=_password("new-password"),
        help_text=_("At least 8 characters: no common password, not your name, not only digits."),
    )


class MessagesForm(forms.Form):
    """Which messages one wants, by topic and channel: a field `journey_email` for each."""

    WORDS = {EMAIL: _("by e-mail"), SMS: _("by SMS")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for topic in TOPICS:
            for channel in CHANNELS[topic]:
                self.fields[f"{topic}_{channel}"] = forms.BooleanField(
                    label=self.WORDS[channel], required=False
                )

    @property
    def rows(self) -> list[tuple[str, list[BoundField]]]:
        """The name of each topic, and its boxes."""
        return [
            (str(TOPIC_NAMES[topic]), [self[f"{topic}_{channel}"] for channel in CHANNELS[topic]])
            for topic in TOPICS
        ]

    def clean(self) -> dict[str, Any]:
        """Answer the chosen channels of each topic."""
        ticked = super().clean() or {}
        return {
            topic: [channel for channel in CHANNELS[topic] if ticked.get(f"{topic}_{channel}")]
            for topic in TOPICS
        }


class PassengerForm(forms.Form):
    """Somebody to travel with."""

    first_name = NameField(label=_("First name"), widget=forms.TextInput(attrs={"dir": "auto"}))
    last_name = NameField(label=_("Last name"), widget=forms.TextInput(attrs={"dir": "auto"}))
    date_of_birth = forms.DateField(
        label=_("Date of birth"),
        required=False,
        widget=day_widget(),
    )
