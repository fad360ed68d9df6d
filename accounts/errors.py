"""What accounts refuses."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from travel.common.errors import Refusal, Throttled


class EmailTaken(Refusal):
    """An account has this e-mail address."""

    code = "email_taken"
    status = 409
    title = _("An account with this e-mail address exists already.")


class InvalidCredentials(Refusal):
    """No account has this e-mail address and password. Which of the two is wrong is not told."""

    code = "invalid_credentials"
    status = 401
    title = _("E-mail address or password is wrong.")


class TotpRequired(Refusal):
    """The account has a second factor, and its code is missing."""

    code = "totp_required"
    status = 401
    title = _("Please enter the code of your authenticator app as well.")


class TokenRefused(Refusal):
    """The token is malformed, expired, used up or revoked."""

    code = "not_authenticated"
    status = 401
    title = _("Please sign in again.")


class InvalidOtp(Refusal):
    """The one-time code is wrong, expired, used, or was asked for something else."""

    code = "invalid_otp"
    status = 401
    title = _("This code is wrong or no longer valid.")


class TooManyGuesses(Throttled):
    """A one-time code was guessed at too often; it is dead, and a new one has to wait."""

    title = _("Too many wrong codes. Please ask for a new one in ten minutes.")


class SecondFactorPaused(Throttled):
    """After a wrong code of an app no other is judged for a while, right ones included."""

    def __init__(self, seconds: int) -> None:
        super().__init__(
            ngettext(
                "Too many tries: wait %(n)d second, then enter the code that the app shows.",
                "Too many tries: wait %(n)d seconds, then enter the code that the app shows.",
                seconds,
            )
            % {"n": seconds},
            retry_after=seconds,
        )


class PhoneTaken(Refusal):
    """An account has this telephone number."""

    code = "phone_taken"
    status = 409
    title = _("An account with this telephone number exists already.")
