"""The staff's roles. Each is a group; what it may do is given to the group in the admin."""

from __future__ import annotations

from typing import Any

SUPPORT_AGENT = "support agent"
FINANCE = "finance"
OPERATIONS = "operations"
ADMINISTRATOR = "administrator"
ROLES = (SUPPORT_AGENT, FINANCE, OPERATIONS, ADMINISTRATOR)


def ensure_roles(*, using: str = "default", **kwargs: Any) -> None:
    """Make the roles, after every migrate; those that are there stay as they are."""
    from django.contrib.auth.models import Group

    Group.objects.using(using).bulk_create(
        (Group(name=name) for name in ROLES), ignore_conflicts=True
    )
