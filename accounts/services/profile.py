"""What people change of their own account: name, contacts, password, saved passengers."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _

from accounts import lockout, notifications, tokens
from accounts.models import MessageChoice, SavedPassenger, User
from accounts.services.proving import draw_contact_code, send_contact_code
from accounts.services.signing import check_password
from travel.common.contacts import EMAIL, SMS, Contact
from travel.common.errors import InvalidInput, NotFound
from travel.common.ids import normal_email, normal_text
from travel.common.transactions import in_transaction

MAX_SAVED_PASSENGERS = 50
# All that people change by themselves. Contacts come in by their code alone.
PLAIN_FIELDS = ("first_name", "last_name", "city", "date_of_birth", "language")
_TEXTS = frozenset({"first_name", "last_name", "city"})


def update_profile(*, user: User, changes: Mapping[str, Any], network: str, now: datetime) -> User:
    """
    Change what is named in `changes`: PLAIN_FIELDS, `email`, `phone`; the rest stays.

    A new e-mail address or phone is pending until its code comes back (see `confirm_contact`), and
    the present contacts are told. Naming it again sends another code. An empty `phone` removes it.

    :raises InvalidInput: a birth in the future; or this would take the account's last contact.
    :raises Throttled: too many codes to this contact, from here, or today.
    :raises Unavailable: a contact is to change, and codes cannot be kept now.
    """
    _check_birth(changes.get("date_of_birth"), now)
    if "phone" in changes and not changes["phone"] and not user.email:
        raise InvalidInput(errors={"phone": [_("An account needs an e-mail address or a phone.")]})
    wanted = [contact for contact in _named_contacts(changes) if not _is_settled(user, contact)]
    # The cache first: what cannot be proved afterwards is not written.
    drawn = [
        (contact, draw_contact_code(user=user, contact=contact, network=network))
        for contact in wanted
    ]
    return _write(user.pk, changes, drawn, now)


@in_transaction
def _write(
    user_id: int, changes: Mapping[str, Any], drawn: list[tuple[Contact, str]], now: datetime
) -> User:
    user = User.objects.select_for_update().get(pk=user_id)
    for name in PLAIN_FIELDS:
        if name in changes:
            value = changes[name]
            setattr(user, name, normal_text(value) if name in _TEXTS else value)
    if "phone" in changes:
        user.pending_phone = None
        if not changes["phone"]:
            user.phone = user.phone_verified_at = None
    if changes.get("email"):
        user.pending_email = None
    for contact, digits in drawn:
        if contact not in notifications.contacts_of(user):
            _set_pending(user, contact)
            notifications.contact_changing(user=user, contact=contact, now=now)
        send_contact_code(user=user, contact=contact, digits=digits, now=now)
    user.save()
    return user


def _check_birth(day: date | None, now: datetime) -> None:
    # The day may have begun already where somebody was born.
    if day is not None and day > (now + timedelta(days=1)).date():
        raise InvalidInput(errors={"date_of_birth": [_("This day is in the future.")]})


def _named_contacts(changes: Mapping[str, Any]) -> list[Contact]:
    email, phone = changes.get("email"), changes.get("phone")
    named = [Contact(EMAIL, normal_email(email))] if email else []
    return [*named, *([Contact(SMS, str(phone))] if phone else [])]


def _is_settled(user: User, contact: Contact) -> bool:
    verified = user.phone_verified_at if contact.is_phone else user.email_verified_at
    return verified is not None and contact in notifications.contacts_of(user)


def _set_pending(user: User, contact: Contact) -> None:
    if contact.is_phone:
        user.pending_phone = contact.address
    else:
        user.pending_email = contact.address


# --- the password ---------------------------------------------------------------------------------


def change_password(
    *,
    user: User,
    new_password: str,
    current_password: str = "",
    is_proved: bool = False,
    network: str,
    now: datetime,
) -> User:
    """
    Set a new password; every sign-in ends with the old one, of clients and of browsers.

    `is_proved`: the holder has just signed in by a code, which stands for the present password. So
    whoever forgot it, or never had one, sets a new one.

    :raises InvalidInput: the present password is wrong, or the new one too weak.
    :raises Throttled: too many wrong guesses at the present one.
    """
    if not is_proved:
        _check_current(user, current_password, network)
    check_password(new_password, user, field="new_password")
    return _set_password(user.pk, new_password, now)


def _check_current(user: User, password: str, network: str) -> None:
    if not user.has_usable_password():
        raise InvalidInput(
            errors={
                "current_password": [
                    _("Sign in with a code first; then set a password within fifteen minutes.")
                ]
            }
        )
    who = str(user.email or user.phone)
    lockout.count_attempt(email=who, address=network)
    if not user.check_password(password):
        raise InvalidInput(errors={"current_password": [_("This is not your present password.")]})
    lockout.forgive(email=who, address=network)


@in_transaction
def _set_password(user_id: int, password: str, now: datetime) -> User:
    user = User.objects.select_for_update().get(pk=user_id)
    user.set_password(password)
    user.save(update_fields=["password"])
    tokens.revoke_all(user=user, because="password", now=now)
    notifications.password_changed(user=user, now=now)
    return user


# --- saved passengers -----------------------------------------------------------------------------


@in_transaction
def save_passenger(
    *, user: User, first_name: str, last_name: str, date_of_birth: date | None, now: datetime
) -> SavedPassenger:
    """
    Keep somebody whom the user travels with, to be chosen at the next booking.

    :raises InvalidInput: fifty are kept already, or a birth in the future.
    """
    _check_birth(date_of_birth, now)
    # Locked, so that two requests at once do not both find room for the last one.
    User.objects.select_for_update().get(pk=user.pk)
    if SavedPassenger.objects.filter(user=user).count() >= MAX_SAVED_PASSENGERS:
        raise InvalidInput(
            _("No more than %(count)d passengers can be saved.") % {"count": MAX_SAVED_PASSENGERS}
        )
    return SavedPassenger.objects.create(
        user=user,
        first_name=normal_text(first_name),
        last_name=normal_text(last_name),
        date_of_birth=date_of_birth,
        created_at=now,
    )


@in_transaction
def remove_passenger(*, user: User, passenger_id: int) -> None:
    """
    Forget a saved passenger; what was booked for that person stays as it is.

    :raises NotFound: the user has saved none with this id.
    """
    deleted, _tables = SavedPassenger.objects.filter(pk=passenger_id, user=user).delete()
    if not deleted:
        raise NotFound


# --- messages -------------------------------------------------------------------------------------


@in_transaction
def choose_messages(*, user: User, choices: Mapping[str, Collection[str]]) -> None:
    """Keep by which channels the user wants messages about each topic; other topics stay."""
    # Locked, so that two requests at once do not both insert.
    User.objects.select_for_update().get(pk=user.pk)
    for topic, channels in choices.items():
        MessageChoice.objects.update_or_create(
            user=user,
            topic=topic,
            defaults={"email": EMAIL in channels, "sms": SMS in channels},
        )
