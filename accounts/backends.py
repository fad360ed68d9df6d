"""Who a name and a password belong to."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest

from accounts import selectors
from accounts.models import User


class ContactBackend(ModelBackend):
    """Knows people by their e-mail address, however it is typed."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> User | None:
        email = username if username is not None else kwargs.get("email")
        if email is None or password is None:
            return None
        user = selectors.find_by_email(email=email)
        if user is None:
            # As long as for a known address, so that the time tells nothing.
            User().set_password(password)
            return None
        if user.check_password(password) and self.user_can_authenticate(user):
            return user
        return None
