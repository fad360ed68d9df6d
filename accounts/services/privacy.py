"""What accounts keep about a person: handed out as it stands, and erased."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts import lockout, selectors
from accounts.models import MessageChoice, SavedPassenger, TokenFamily, User
from travel.common import forgetting
from travel.common.contacts import EMAIL, SMS
from travel.common.errors import InvalidInput
from travel.common.transactions import in_transaction

# Nobody can have this address: RFC 2606 keeps the ending for such uses.
ERASED_EMAIL = "erased-{}@erased.invalid"


def check_identity(*, user: User, password: str, is_proved: bool, network: str) -> None:
    """
    Let nobody but the holder go on: by the password, or by a code that was just right.

    :raises InvalidInput: the password is wrong, or there is none.
    :raises Throttled: too many wrong guesses.
    """
    if is_proved:
        return
    if not user.has_usable_password():
        raise InvalidInput(
            errors={"password": [_("Sign in with a code first; then come back here.")]}
        )
    who = str(user.email or user.phone)
    lockout.count_attempt(email=who, address=network)
    if not user.check_password(password):
        raise InvalidInput(errors={"password": [_("This is not your password.")]})
    lockout.forgive(email=who, address=network)


def export_person(*, user_id: int) -> dict[str, Any]:
    """Answer all that accounts keep about a person, in plain values."""
    user = User.objects.get(pk=user_id)
    return {
        "account": {
            "email": user.email,
            "emailVerifiedAt": user.email_verified_at,
            "pendingEmail": user.pending_email,
            "phone": str(user.phone) if user.phone else None,
            "phoneVerifiedAt": user.phone_verified_at,
            "pendingPhone": str(user.pending_phone) if user.pending_phone else None,
            "firstName": user.first_name,
            "lastName": user.last_name,
            "city": user.city,
            "dateOfBirth": user.date_of_birth,
            "language": user.language,
            "joinedAt": user.joined_at,
            "lastLogin": user.last_login,
        },
        "savedPassengers": [
            {
                "firstName": one.first_name,
                "lastName": one.last_name,
                "dateOfBirth": one.date_of_birth,
                "savedAt": one.created_at,
            }
            for one in SavedPassenger.objects.filter(user=user_id).order_by("id")
        ],
        "messageChoices": [
            {"topic": topic, "email": EMAIL in channels, "sms": SMS in channels}
            for topic, channels in selectors.message_choices(user_id=user_id).items()
        ],
        "signIns": [
            {"signedInAt": one.created_at, "endedAt": one.revoked_at}
            for one in TokenFamily.objects.filter(user=user_id).order_by("id")
        ],
    }


def proved_contacts(*, user_id: int) -> list[str]:
    """Answer the addresses and numbers that are surely the person's."""
    user = User.objects.get(pk=user_id)
    email = [user.email] if user.email_verified_at and user.email else []
    return [*email, *([str(user.phone)] if user.phone_verified_at else [])]


def proved_email(*, user_id: int) -> str | None:
    """Answer the e-mail address that is surely the person's, if there is one."""
    user = User.objects.get(pk=user_id)
    return user.email if user.email_verified_at else None


def _unproved(user: User) -> list[str]:
    """Answer all that was entered for the account, whether it is the person's or not."""
    entered = [user.email, user.pending_email, user.phone, user.pending_phone]
    return [str(one) for one in entered if one]


@in_transaction
def erase_person(*, user_id: int, now: datetime) -> None:
    """
    Erase a person from accounts: nobody signs in by this account again.

    The row stays under its number, without anything that tells whose it was: money points to it.
    """
    user = User.objects.select_for_update().get(pk=user_id)
    forgetting.forget_messages(proved_contacts(user_id=user_id))
    forgetting.forget_messages(_unproved(user), kind="accounts.")
    forgetting.forget_admin_notes(User, [user_id], name="User %s")
    saved = list(SavedPassenger.objects.filter(user=user).values_list("id", flat=True))
    forgetting.forget_admin_notes(SavedPassenger, saved, name="Saved passenger %s")
    SavedPassenger.objects.filter(user=user).delete()
    MessageChoice.objects.filter(user=user).delete()
    TokenFamily.objects.filter(user=user).delete()
    TOTPDevice.objects.filter(user=user).delete()
    user.groups.clear()
    user.user_permissions.clear()
    user.email = ERASED_EMAIL.format(user_id)
    user.email_verified_at = user.phone_verified_at = None
    user.phone = user.pending_email = user.pending_phone = None
    user.first_name = user.last_name = user.city = ""
    user.date_of_birth = user.last_login = None
    user.language = "en"
    user.is_active = False
    user.set_unusable_password()
    user.save()
