"""Signing up, and in with a password."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth import authenticate
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django_otp import devices_for_user

from accounts.errors import EmailTaken, InvalidCredentials, TotpRequired
from accounts.models import User
from accounts.services.second_factor import match_second_factor
from travel.common.errors import InvalidInput, NotAllowed
from travel.common.ids import normal_email, normal_text
from travel.common.transactions import in_transaction

PASSENGER = "Passenger"


@in_transaction
def sign_up(
    *,
    email: str,
    password: str,
    first_name: str,
    last_name: str,
    now: datetime,
    user_type: str = PASSENGER,
    phone: str | None = None,
    city: str = "",
    language: str = "en",
) -> User:
    """
    Open a passenger's account. The e-mail address is not verified by it, and the phone stays
    pending.

    :raises NotAllowed: any other kind of account; staff are made in the admin.
    :raises InvalidInput: the password is too weak.
    :raises EmailTaken: an account has this e-mail address.
    """
    if user_type != PASSENGER:
        raise NotAllowed
    user = User(
        email=normal_email(email),
        first_name=normal_text(first_name),
        last_name=normal_text(last_name),
        pending_phone=phone or None,
        city=normal_text(city),
        language=language,
        joined_at=now,
    )
    check_password(password, user)
    if User.objects.filter(email=user.email).exists():
        raise EmailTaken
    user.set_password(password)
    try:
        with transaction.atomic():
            user.save(force_insert=True)
    except IntegrityError as error:
        # Somebody else signed up with it in this very moment.
        raise EmailTaken from error
    return user


def log_in(*, email: str, password: str, totp: str = "", now: datetime) -> User:
    """
    Answer whose e-mail address and password these are. Unknown, wrong and closed look alike.

    :raises InvalidCredentials: they are nobody's, or the code of the second factor is wrong.
    :raises TotpRequired: this is staff with a second factor, and its code is missing.
    :raises SecondFactorPaused: its code was wrong so lately that none is judged yet.
    """
    user = authenticate(None, username=email, password=password)
    if not isinstance(user, User):
        raise InvalidCredentials
    if user.is_staff and any(devices_for_user(user)):
        if not totp:
            raise TotpRequired
        device = match_second_factor(user=user, code=totp)
        if device is None:
            raise InvalidCredentials
        # A session that begins with this user counts as verified by the second factor.
        user.otp_device = device  # type: ignore[attr-defined]
    record_login(user=user, now=now)
    return user


def record_login(*, user: User, now: datetime) -> None:
    """Write down when somebody last signed in."""
    User.objects.filter(pk=user.pk).update(last_login=now)


def check_password(password: str, user: User, *, field: str = "password") -> None:
    """
    Judge whether a new password is good enough for the user; a refusal names it by `field`.

    :raises InvalidInput: it is short, common, or like the user's name or address.
    """
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise InvalidInput(errors={field: [str(text) for text in error.messages]}) from error
