"""Says which admin site the office has, brings its start-up checks, and names its tables."""

from __future__ import annotations

from django.contrib.admin.apps import AdminConfig


class TravelAdminConfig(AdminConfig):
    """Puts the office's own admin site in the place of Django's."""

    default_site = "travel.admin.TravelAdminSite"

    def ready(self) -> None:
        super().ready()
        # Importing them registers them.
        from travel import checks  # noqa: F401
        from travel.names import name_tables

        name_tables()
