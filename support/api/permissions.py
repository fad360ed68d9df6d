"""Who comes in at the support desk's doors of the API."""

from __future__ import annotations

from typing import Any, ClassVar

from django.utils.translation import gettext as _
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts import selectors as people
from accounts import viewers
from support import selectors
from travel.common.errors import NotAllowed


class DeskPermission(BasePermission):
    """
    Staff whose role has a power, with a second factor where the office asks for one.

    Whoever has a second factor has shown it at the sign-in that the access token comes of.
    """

    power: ClassVar[str]

    def has_permission(self, request: Request, view: Any) -> bool:
        user = request.user
        if not user.is_authenticated:
            # Answered as a missing token, with its challenge.
            return False
        if not user.is_staff:
            raise NotAllowed()
        if not viewers.of_user(user).is_support:
            raise NotAllowed(_("This account has no second factor yet."))
        roles = people.role_names(user=user)
        powers = selectors.powers(roles=roles, is_superuser=user.is_superuser)
        # Kept for what the answer says may be done.
        request.desk_powers = powers  # type: ignore[attr-defined]
        if self.power not in powers:
            raise NotAllowed(_("Your role does not include this."))
        return True


class MayRead(DeskPermission):
    """Every role of staff looks."""

    power = selectors.READ


class MayAnswer(DeskPermission):
    """Support agents and administrators answer reports."""

    power = selectors.ANSWER


class MayCancel(DeskPermission):
    """Support agents and administrators cancel reservations."""

    power = selectors.CANCEL
