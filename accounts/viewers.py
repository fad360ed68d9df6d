"""Who is looking: what every selector asks before it shows a row."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from travel.common.ids import digest


@dataclass(frozen=True, slots=True)
class Viewer:
    """A signed-in user, a guest with the secrets of some reservations, or staff."""

    user_id: int | None = None
    is_support: bool = False
    guest_digests: frozenset[str] = field(default_factory=frozenset)

    @classmethod
    def guest(cls, secrets: Iterable[str]) -> Viewer:
        """Make the viewer of somebody who holds these reservations' secrets."""
        return cls(guest_digests=frozenset(digest(secret) for secret in secrets))


def of_user(user: object) -> Viewer:
    """Make the viewer of a request's user, signed in or not."""
    if not getattr(user, "is_authenticated", False):
        return Viewer()
    return Viewer(
        user_id=user.pk,  # type: ignore[attr-defined]
        is_support=bool(user.is_staff and user.is_active),  # type: ignore[attr-defined]
    )
