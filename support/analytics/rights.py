"""
Who may see which numbers: by role, and carriers' own staff those of their carriers alone.

Asked each time that a report is shown, exported or sent, so that a role that is taken away ends
what it allowed at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from accounts import selectors as people
from accounts.models import User
from accounts.roles import ADMINISTRATOR, FINANCE, OPERATIONS, SUPPORT_AGENT
from accounts.viewers import of_user
from inventory.models import Membership
from travel.common.errors import NotAllowed

# What numbers are about: what money came in, what is carried, what passengers complain of, and who
# the passengers are.
MONEY, TRAFFIC, HELP, PEOPLE = "money", "traffic", "help", "people"
ROOMS = frozenset({MONEY, TRAFFIC, HELP, PEOPLE})
OF_ROLE: dict[str, frozenset[str]] = {
    ADMINISTRATOR: ROOMS,
    FINANCE: frozenset({MONEY, TRAFFIC}),
    OPERATIONS: frozenset({TRAFFIC, HELP}),
    SUPPORT_AGENT: frozenset({HELP, PEOPLE}),
}
OF_MEMBERSHIP: dict[str, frozenset[str]] = {
    Membership.Role.MANAGER: frozenset({MONEY, TRAFFIC}),
    Membership.Role.OPERATIONS: frozenset({TRAFFIC}),
    Membership.Role.VIEWER: frozenset({TRAFFIC}),
}


@dataclass(frozen=True, slots=True)
class Rights:
    """Which rooms of numbers somebody may enter: for every carrier, or for some."""

    everywhere: frozenset[str] = frozenset()
    at_carriers: Mapping[str, frozenset[int]] | None = None

    def may(self, room: str) -> bool:
        """Say whether anything of a room may be seen."""
        return room in self.everywhere or bool((self.at_carriers or {}).get(room))

    def carriers(self, room: str, wanted: int | None = None) -> frozenset[int] | None:
        """
        Answer the carriers whose numbers are shown, None for all, of those that were asked for.

        :raises NotAllowed: none of them may be seen.
        """
        if room in self.everywhere:
            return None if wanted is None else frozenset({wanted})
        own = (self.at_carriers or {}).get(room, frozenset())
        if not own or (wanted is not None and wanted not in own):
            raise NotAllowed()
        return own if wanted is None else frozenset({wanted})


NOBODY = Rights()


def rights_of(user: User) -> Rights:
    """
    Answer what a member of staff may see; who is no staff, or is not active, sees nothing.

    A second factor is asked for where the office asks for one, as at every other door.
    """
    if not of_user(user).is_support:
        return NOBODY
    return standing_of(user)


def standing_of(user: User) -> Rights:
    """Answer what somebody's roles allow, whether or not that person is signed in just now."""
    if not (user.is_active and user.is_staff):
        return NOBODY
    if user.is_superuser:
        return Rights(ROOMS)
    everywhere = frozenset(
        room for role in people.role_names(user=user) for room in OF_ROLE.get(role, ())
    )
    at: dict[str, frozenset[int]] = {}
    for carrier_id, role in Membership.objects.filter(user=user).values_list("carrier_id", "role"):
        for room in OF_MEMBERSHIP.get(role, ()):
            at[room] = at.get(room, frozenset()) | {carrier_id}
    return Rights(everywhere, at)
