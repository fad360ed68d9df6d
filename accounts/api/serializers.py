"""People as the API shows them."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from accounts import selectors
from travel.api.fields import IDField, InstantField, Serializer


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
