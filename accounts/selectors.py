"""Reading people."""

from __future__ import annotations

from accounts.models import User
from travel.common.errors import NotFound
from travel.common.ids import normal_email


def get_user(*, user_id: int) -> User:
    """
    Answer the active user with this id.

    :raises NotFound: there is none.
    """
    user = User.objects.filter(pk=user_id, is_active=True).first()
    if user is None:
        raise NotFound
    return user


def find_by_email(*, email: str) -> User | None:
    """Answer the account with this e-mail address, if there is one, active or not."""
    return User.objects.filter(email=normal_email(email)).first()


def role_names(*, user: User) -> list[str]:
    """Answer the names of the user's roles, in order."""
    return list(user.groups.order_by("name").values_list("name", flat=True))
