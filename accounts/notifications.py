"""Messages about an account: outbox rows in the transaction of what they tell."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext_noop

from accounts.models import User
from travel.common import outbox
from travel.common.contacts import EMAIL, SMS, Contact

SIGN_IN_CODE = "sign_in_code"
CONTACT_CODE = "contact_code"
NO_CODE = "no_code"

_SUBJECTS = {
    SIGN_IN_CODE: gettext_noop("Your code to sign in"),
    CONTACT_CODE: gettext_noop("Your code to confirm this address"),
    NO_CODE: gettext_noop("Somebody asked for a code"),
    "contact_changing": gettext_noop("A new contact was entered for your account"),
    "contact_changed": gettext_noop("Your account has a new contact"),
    "password_changed": gettext_noop("Your password was changed"),
    "second_factor_set": gettext_noop("Your second factor is set up"),
}


def code(*, contact: Contact, letter: str, digits: str, language: str, now: datetime) -> None:
    """
    Send what belongs to a request for a code: the code, or why there is none (`NO_CODE`).

    The code stands in the body alone, so that no list of messages shows it.
    """
    _write("code", letter, contact, language, now, code=digits)


def contact_changing(*, user: User, contact: Contact, now: datetime) -> None:
    """Tell the present contacts that a new one waits for its code."""
    for old in contacts_of(user):
        _write("contact_changing", "contact_changing", old, user.language, now, new=contact.masked)


def contact_changed(*, old: Contact, new: Contact, language: str, now: datetime) -> None:
    """Tell a contact that another has taken its place."""
    _write("contact_changed", "contact_changed", old, language, now, new=new.masked)


def password_changed(*, user: User, now: datetime) -> None:
    """Tell the account's holder that the password is another one now."""
    _tell_holder("password_changed", user, now)


def second_factor_set(*, user: User, now: datetime) -> None:
    """Tell a member of staff that the account has a second factor now."""
    _tell_holder("second_factor_set", user, now)


def contacts_of(user: User) -> list[Contact]:
    """Answer how a user is reached, the e-mail address first."""
    found = [Contact(EMAIL, user.email)] if user.email else []
    return [*found, *([Contact(SMS, str(user.phone))] if user.phone else [])]


def _tell_holder(kind: str, user: User, now: datetime) -> None:
    for contact in contacts_of(user)[:1]:
        _write(kind, kind, contact, user.language, now)


def _write(
    kind: str, letter: str, contact: Contact, language: str, now: datetime, **shown: object
) -> None:
    with translation.override(language):
        outbox.write(
            kind=f"accounts.{kind}",
            channel=contact.channel,
            recipient=contact.address,
            subject=f"{translation.gettext(_SUBJECTS[letter])} ({settings.SITE_NAME})",
            body=render_to_string(
                f"emails/{letter}.txt",
                {"site": settings.SITE_NAME, "address": settings.SITE_URL, **shown},
            ).strip(),
            language=language,
            now=now,
        )
