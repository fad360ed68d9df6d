"""Every write to accounts."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import quote, urlencode

from django.conf import settings
from django.contrib.auth import authenticate
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _
from django_otp import devices_for_user, match_token
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts.errors import EmailTaken, InvalidCredentials, TotpRequired
from accounts.models import User
from travel.common.errors import InvalidInput, NotAllowed, NotFound
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
    _check_password(password, user)
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
    """
    user = authenticate(None, username=email, password=password)
    if not isinstance(user, User):
        raise InvalidCredentials
    if user.is_staff and any(devices_for_user(user)):
        if not totp:
            raise TotpRequired
        if match_token(user, totp) is None:
            raise InvalidCredentials
    record_login(user=user, now=now)
    return user


def record_login(*, user: User, now: datetime) -> None:
    """Write down when somebody last signed in."""
    User.objects.filter(pk=user.pk).update(last_login=now)


@in_transaction
def give_second_factor(*, email: str) -> str:
    """
    Give a staff account a second factor in place of whichever it had.

    Answer the otpauth address that an authenticator app reads: it holds the key, and nothing shows
    it again.

    :raises NotFound: no staff account has this e-mail address.
    """
    user = User.objects.filter(email=normal_email(email), is_staff=True).first()
    if user is None:
        raise NotFound(_("No staff account has this e-mail address."))
    TOTPDevice.objects.filter(user=user).delete()
    device = TOTPDevice.objects.create(user=user, name="authenticator")
    return f"{device.config_url}&{urlencode({'issuer': settings.SITE_NAME}, quote_via=quote)}"


def _check_password(password: str, user: User) -> None:
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise InvalidInput(errors={"password": [str(text) for text in error.messages]}) from error
