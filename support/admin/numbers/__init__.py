"""The numbers in the admin: the overview of the day, the reports' pages and files, their tables."""

from django.contrib import admin

from support.admin.numbers import pages, tables
from support.admin.numbers.overview import overview

# The office's own site (travel.admin) takes them up.
admin.site.pages.append(pages.urls)  # type: ignore[attr-defined]
admin.site.overview = overview  # type: ignore[attr-defined]

__all__ = ["overview", "pages", "tables"]
