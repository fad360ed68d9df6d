"""The second factor of staff: an authenticator app that shows a code."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from urllib.parse import quote, urlencode

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_otp import devices_for_user, match_token, user_has_device
from django_otp.models import Device
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts import notifications, tokens
from accounts.errors import InvalidOtp, SecondFactorPaused
from accounts.models import User
from travel.common.errors import NotAllowed, NotFound
from travel.common.ids import normal_email
from travel.common.text import plain_digits
from travel.common.transactions import in_transaction

NAME = "authenticator"


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
    return _address(TOTPDevice.objects.create(user=user, name=NAME))


@in_transaction
def offer_second_factor(*, user: User) -> str:
    """
    Answer the otpauth address of a second factor that counts once its first code is entered.

    Asked again before that, it is the same.

    :raises NotAllowed: this is no staff, or one with a second factor: a superuser takes that away.
    """
    _refuse_others(user)
    device, _made = TOTPDevice.objects.get_or_create(user=user, name=NAME, confirmed=False)
    return _address(device)


def confirm_second_factor(*, user: User, code: str, now: datetime) -> TOTPDevice:
    """
    Make the offered second factor count, and end what was signed in without it.

    :raises NotAllowed: this is no staff, or one with a second factor.
    :raises SecondFactorPaused: a code was wrong so lately that none is judged yet.
    :raises InvalidOtp: the code is not what the app shows now.
    """
    device = _confirm(user, code, now)
    # Raised after the commit: a wrong code stays counted.
    if device is None:
        raise InvalidOtp
    return device


@in_transaction
def _confirm(user: User, code: str, now: datetime) -> TOTPDevice | None:
    _refuse_others(user)
    device = TOTPDevice.objects.select_for_update().filter(user=user, confirmed=False).first()
    if device is None:
        return None
    _refuse_pause([device])
    if not device.verify_token(code):
        return None
    device.confirmed = True
    device.save()
    tokens.revoke_all(user=user, because="second factor", now=now)
    notifications.second_factor_set(user=user, now=now)
    return device


def match_second_factor(*, user: User, code: str) -> Device | None:
    """
    Answer whichever second factor of the user shows this code; None: none does.

    Blanks and dashes are overlooked, and digits are those of any script. A wrong code is counted.

    :raises SecondFactorPaused: a code was wrong so lately that none is judged yet.
    """
    _refuse_pause(list(devices_for_user(user)))
    matched: Device | None = match_token(user, plain_digits(code))
    return matched


def _refuse_pause(devices: Sequence[Device]) -> None:
    """Tell a pause from a wrong code: the device itself refuses both alike."""
    told = [device.verify_is_allowed() for device in devices]
    if not told or any(allowed for allowed, _more in told):
        return
    # The devices' clock is the machine's own.
    ends = min((more or {}).get("locked_until") or timezone.now() for _allowed, more in told)
    raise SecondFactorPaused(max(math.ceil((ends - timezone.now()).total_seconds()), 1))


def _refuse_others(user: User) -> None:
    if not (user.is_staff and user.is_active) or user_has_device(user):
        raise NotAllowed


def _address(device: TOTPDevice) -> str:
    return f"{device.config_url}&{urlencode({'issuer': settings.SITE_NAME}, quote_via=quote)}"
