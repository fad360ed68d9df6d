"""Proving a contact by a one-time code: to sign in, or to add it to one's account."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction

from accounts import codes, notifications, selectors, tokens
from accounts.errors import EmailTaken, InvalidOtp, PhoneTaken
from accounts.models import User
from travel.common.contacts import Contact
from travel.common.transactions import in_transaction


def request_code(*, contact: Contact, network: str, language: str, now: datetime) -> None:
    """
    Send a code to sign in with, whether anybody has this contact or not.

    Staff and closed accounts are told that there is none for them; the asker cannot tell.
    `network` is whom the limits count, `language` that of whoever has no account yet.

    :raises Throttled: too many codes to this contact, from here, or today.
    :raises Unavailable: codes cannot be kept now.
    """
    codes.count_request(contact=contact, network=network)
    digits = codes.issue(contact=contact, purpose=codes.SIGN_IN)
    user = selectors.find_by_contact(contact=contact)
    notifications.code(
        contact=contact,
        letter=notifications.SIGN_IN_CODE if _may_enter(user) else notifications.NO_CODE,
        digits=digits,
        language=user.language if user else language,
        now=now,
    )


def sign_in_by_code(
    *, contact: Contact, code: str, network: str, language: str, now: datetime
) -> User:
    """
    Answer whose contact this is, once the code sent to it is shown; a new one gets an account.

    An account whose contact was never proved may have been prepared by somebody else: its password,
    sessions, tokens and other contacts die before its owner comes in.

    :raises InvalidOtp: the code is wrong, expired or used, or the account is not for codes: staff
        and closed accounts never come in by one.
    :raises Throttled: too many guesses.
    :raises Unavailable: codes cannot be kept now.
    """
    codes.count_guess(network=network)
    codes.redeem(contact=contact, purpose=codes.SIGN_IN, code=code)
    user = _enter(contact, language, now)
    if user is None:
        raise InvalidOtp
    return user


@in_transaction
def _enter(contact: Contact, language: str, now: datetime) -> User | None:
    user = selectors.find_by_contact(contact=contact, lock=True)
    if user is None:
        user = _open_account(contact, language, now)
    if not _may_enter(user):
        return None
    if not _is_proved(user, contact):
        _take_over(user, contact, now)
    user.last_login = now
    user.save()
    return user


def _open_account(contact: Contact, language: str, now: datetime) -> User:
    user = User(language=language, joined_at=now)
    user.set_unusable_password()
    _set_contact(user, contact, now)
    try:
        with transaction.atomic():
            user.save(force_insert=True)
    except IntegrityError:
        # Somebody signed up with it in this very moment; that account is taken over like any other.
        found = selectors.find_by_contact(contact=contact, lock=True)
        if found is None:
            raise
        return found
    return user


def _take_over(user: User, contact: Contact, now: datetime) -> None:
    # A session ends with the password that it began with.
    user.set_unusable_password()
    user.email = user.email_verified_at = user.pending_email = None
    user.phone = user.phone_verified_at = user.pending_phone = None
    _set_contact(user, contact, now)
    tokens.revoke_all(user=user, because="proved contact", now=now)


def _may_enter(user: User | None) -> bool:
    return user is None or (user.is_active and not user.is_staff)


def _is_proved(user: User, contact: Contact) -> bool:
    return (user.phone_verified_at if contact.is_phone else user.email_verified_at) is not None


def _set_contact(user: User, contact: Contact, now: datetime) -> None:
    if contact.is_phone:
        user.phone, user.phone_verified_at, user.pending_phone = contact.address, now, None
    else:
        user.email, user.email_verified_at, user.pending_email = contact.address, now, None


# --- a contact for the account one is signed in to -----------------------------------------------


def draw_contact_code(*, user: User, contact: Contact, network: str) -> str:
    """
    Draw the code by which a user will prove a contact of the account.

    :raises Throttled: too many codes to this contact, from here, or today.
    :raises Unavailable: codes cannot be kept now.
    """
    codes.count_request(contact=contact, network=network)
    return codes.issue(contact=contact, purpose=codes.confirming(user.pk))


def send_contact_code(*, user: User, contact: Contact, digits: str, now: datetime) -> None:
    """Send that code, or to somebody else's contact the news that it was asked for."""
    owner = selectors.find_by_contact(contact=contact)
    is_free = owner is None or owner.pk == user.pk
    notifications.code(
        contact=contact,
        letter=notifications.CONTACT_CODE if is_free else notifications.NO_CODE,
        digits=digits,
        language=user.language,
        now=now,
    )


def confirm_contact(
    *, user: User, contact: Contact, code: str, network: str, now: datetime
) -> User:
    """
    Make a pending contact the account's own, once the code sent to it is shown; or prove the
    present one. The contact that it takes the place of is told.

    :raises InvalidOtp: the code is wrong, expired or used, or the contact is not pending any more.
    :raises EmailTaken, PhoneTaken: another account has taken it meanwhile.
    :raises Throttled: too many guesses.
    :raises Unavailable: codes cannot be kept now.
    """
    codes.count_guess(network=network)
    codes.redeem(contact=contact, purpose=codes.confirming(user.pk), code=code)
    return _confirm(user.pk, contact, now)


@in_transaction
def _confirm(user_id: int, contact: Contact, now: datetime) -> User:
    user = User.objects.select_for_update().get(pk=user_id)
    present = str((user.phone if contact.is_phone else user.email) or "")
    pending = str((user.pending_phone if contact.is_phone else user.pending_email) or "")
    if contact.address not in {present, pending}:
        raise InvalidOtp
    _set_contact(user, contact, now)
    try:
        with transaction.atomic():
            user.save()
    except IntegrityError as error:
        raise (PhoneTaken if contact.is_phone else EmailTaken) from error
    if present and present != contact.address:
        notifications.contact_changed(
            old=Contact(contact.channel, present), new=contact, language=user.language, now=now
        )
    return user
