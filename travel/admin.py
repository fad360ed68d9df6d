"""The staff's site: Django's own admin, closed to whoever has no second factor where one is asked."""

from __future__ import annotations

from django.conf import settings
from django.contrib.admin import AdminSite
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _


class TravelAdminSite(AdminSite):
    """The admin with the office's name and its rule of who may come in."""

    site_header = f"{settings.SITE_NAME} · back office"
    site_title = settings.SITE_NAME
    index_title = _("Overview")
    enable_nav_sidebar = True

    def has_permission(self, request: HttpRequest) -> bool:
        """Let active staff in; with STAFF_2FA=required only after their second factor."""
        user = request.user
        if not (user.is_active and getattr(user, "is_staff", False)):
            return False
        return settings.STAFF_2FA != "required" or bool(user.is_verified())  # type: ignore[union-attr]
