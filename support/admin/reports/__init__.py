"""Passengers' reports in the admin: the desk that answers them, and their tables to look at."""

from django.contrib import admin

from support.admin.reports import pages, tables

# The office's own site (travel.admin) takes them up.
admin.site.pages.append(pages.urls)  # type: ignore[attr-defined]
admin.site.buttons.append(pages.button)  # type: ignore[attr-defined]

__all__ = ["pages", "tables"]
