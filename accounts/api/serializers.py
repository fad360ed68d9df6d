"""People as the API shows them."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from accounts import selectors, tokens
from travel.api.fields import IDField, InstantField, Serializer
from travel.common.contacts import parse_contact
from travel.common.text import plain_digits


class ContactField(serializers.CharField):
    """An e-mail address, or a telephone number with its country code."""

    default_error_messages = {
        "contact": _("Write an e-mail address, or a number with its country code: +49 30 1234567."),
    }

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 254)
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return str(super().to_internal_value(data))

    def run_validation(self, data: Any = serializers.empty) -> Any:
        # Read after its length is judged; the framework's validators know texts only.
        try:
            return parse_contact(super().run_validation(data))
        except ValueError:
            self.fail("contact")


class CodeField(serializers.CharField):
    """The six digits of a one-time code; blanks and dashes between them are overlooked."""

    default_error_messages = {"code": _("Write the six digits that were sent.")}

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 20)
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("code")
        digits = plain_digits(super().to_internal_value(data))
        if len(digits) != 6 or not (digits.isascii() and digits.isdigit()):
            self.fail("code")
        return digits


class DoneSerializer(Serializer):
    """What an action says of itself."""

    message = serializers.CharField()


class TokenSerializer(Serializer):
    """What a sign-in answers."""

    message = serializers.CharField()
    token = serializers.CharField(help_text="Send it as `Authorization: Bearer ...`.")
    refresh_token = serializers.CharField(help_text="Good for one use at /users/refresh.")
    expires_in = serializers.IntegerField(help_text="Seconds until the token ends.")


class UserSerializer(Serializer):
    """A person's own account."""

    user_id = IDField(source="pk")
    first_name = serializers.CharField()
    last_name = serializers.CharField()
    email = serializers.CharField(allow_null=True)
    email_verified = serializers.SerializerMethodField()
    pending_email = serializers.CharField(allow_null=True)
    phone = serializers.SerializerMethodField()
    pending_phone = serializers.SerializerMethodField()
    city = serializers.CharField()
    date_of_birth = serializers.DateField(allow_null=True)
    language = serializers.CharField()
    user_type = serializers.SerializerMethodField()
    roles = serializers.SerializerMethodField()
    joined_at = InstantField()

    def get_email_verified(self, user: Any) -> bool:
        return user.email_verified_at is not None

    def get_phone(self, user: Any) -> str | None:
        return str(user.phone) if user.phone else None

    def get_pending_phone(self, user: Any) -> str | None:
        return str(user.pending_phone) if user.pending_phone else None

    def get_user_type(self, user: Any) -> str:
        return "Support" if user.is_staff else "Passenger"

    def get_roles(self, user: Any) -> list[str]:
        return selectors.role_names(user=user) if user.is_staff else []


class SavedPassengerSerializer(Serializer):
    """Somebody whom the user travels with."""

    passenger_id = IDField(source="pk")
    first_name = serializers.CharField()
    last_name = serializers.CharField()
    date_of_birth = serializers.DateField(allow_null=True)


def token_body(pair: tokens.TokenPair) -> dict[str, Any]:
    """Write a pair of tokens as TokenSerializer reads it."""
    return {
        "token": pair.access,
        "refresh_token": pair.refresh,
        "expires_in": pair.expires_in,
    }
