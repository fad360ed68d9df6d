"""
What of the timetable a member of staff reaches: every carrier's, or that of the carriers one is at.

Whoever has one of the office's roles sees all departures, and operations and administrators change
them. Carriers' own staff see those of their carriers, and change them as operations or manager
there. Whoever is neither reaches nothing. Who travels, and where they are reached, is shown to
whoever deals with passengers: to all of these but finance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

from django.db.models import Model, QuerySet

from accounts import selectors as people
from accounts.models import User
from accounts.roles import ADMINISTRATOR, OPERATIONS, ROLES, SUPPORT_AGENT
from inventory.models import Membership

M = TypeVar("M", bound=Model)

CHANGING = frozenset({OPERATIONS, ADMINISTRATOR})
MEETING_PEOPLE = frozenset({SUPPORT_AGENT, OPERATIONS, ADMINISTRATOR})
CHANGING_AT_CARRIER = frozenset({Membership.Role.OPERATIONS, Membership.Role.MANAGER})
# An office has fewer carriers than this with one member of staff.
MOST = 500


@dataclass(frozen=True, slots=True)
class Reach:
    """
    Carriers whose departures one sees and changes; None is every carrier.

    `meets_people`: whether one is shown who travels, too.
    """

    sees: frozenset[int] | None
    changes: frozenset[int] | None
    meets_people: bool = True

    def may_see(self, carrier_id: int) -> bool:
        """Say whether the carrier's departures may be looked at."""
        return self.sees is None or carrier_id in self.sees

    def may_change(self, carrier_id: int) -> bool:
        """Say whether the carrier's departures may be changed."""
        return self.changes is None or carrier_id in self.changes

    @property
    def is_empty(self) -> bool:
        """Whether nothing at all is reached."""
        return self.sees is not None and not self.sees

    @property
    def changes_something(self) -> bool:
        """Whether there is a carrier whose departures may be changed."""
        return self.changes is None or bool(self.changes)

    def narrow(self, rows: QuerySet[M], carrier: str) -> QuerySet[M]:
        """Answer the rows that may be seen; `carrier` is the path to the carrier's id."""
        return rows if self.sees is None else rows.filter(**{f"{carrier}__in": self.sees})


NOTHING = Reach(frozenset(), frozenset(), meets_people=False)


def reach_of(user: Any) -> Reach:
    """Answer what somebody reaches; whoever is not active staff, nothing."""
    if not (isinstance(user, User) and user.is_active and user.is_staff):
        return NOTHING
    if user.is_superuser:
        return Reach(None, None)
    roles = set(people.role_names(user=user))
    at = dict(
        Membership.objects.filter(user=user)
        .order_by("carrier_id")
        .values_list("carrier_id", "role")[:MOST]
    )
    changes = frozenset(one for one, role in at.items() if role in CHANGING_AT_CARRIER)
    return Reach(
        sees=None if roles & set(ROLES) else frozenset(at),
        changes=None if roles & CHANGING else changes,
        meets_people=bool(roles & MEETING_PEOPLE or (at and not roles & set(ROLES))),
    )
