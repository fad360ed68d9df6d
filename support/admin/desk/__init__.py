"""The departures desk in the admin: its pages, and its tables to look at."""

from django.contrib import admin

from support.admin.desk import pages, tables

# The office's own site (travel.admin) takes them up.
admin.site.pages.append(pages.urls)  # type: ignore[attr-defined]
admin.site.buttons.insert(0, pages.button)  # type: ignore[attr-defined]

__all__ = ["pages", "tables"]
