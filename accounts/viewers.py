"""Who is looking: what every selector asks before it shows a row."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.conf import settings
from django_otp import user_has_device

from travel.common.ids import digest


@dataclass(frozen=True, slots=True)
class Viewer:
    """
    A signed-in user, a guest with the secrets of some reservations, or staff.

    `looked_up` are reservations (by id) whose booking code and a passenger's name this viewer
    knows, `proved` those whose contact is proved besides: the one may be looked at, the other
    changed. `served_by` is the member of staff who looks with this viewer's eyes (accounts.serving)
    and never pays with this viewer's money.
    """

    user_id: int | None = None
    is_support: bool = False
    guest_digests: frozenset[str] = field(default_factory=frozenset)
    looked_up: frozenset[int] = field(default_factory=frozenset)
    proved: frozenset[int] = field(default_factory=frozenset)
    served_by: int | None = None

    @classmethod
    def guest(cls, secrets: Iterable[str]) -> Viewer:
        """Make the viewer of somebody who holds these reservations' secrets."""
        return cls(guest_digests=frozenset(digest(secret) for secret in secrets))


def of_user(user: object) -> Viewer:
    """
    Make the viewer of a request's user, signed in or not.

    Where the office asks staff for a second factor, whoever has not shown one sees no more than a
    traveller.
    """
    if not getattr(user, "is_authenticated", False):
        return Viewer()
    return Viewer(
        user_id=user.pk,  # type: ignore[attr-defined]
        is_support=bool(
            user.is_staff and user.is_active and _has_second_factor(user)  # type: ignore[attr-defined]
        ),
    )


def _has_second_factor(user: object) -> bool:
    if settings.STAFF_2FA == "optional":
        return True
    # A session knows whether it was shown there; a token of somebody who has one came of it.
    in_session = getattr(user, "is_verified", None)
    return bool(in_session() if in_session is not None else user_has_device(user))
