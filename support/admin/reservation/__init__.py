"""A reservation in the admin: its whole story on one page, and what staff do with it."""

from django.contrib import admin

from support.admin.reservation import pages

# The office's own site (travel.admin) takes them up: they stand before the tables' own pages.
admin.site.pages.append(pages.urls)  # type: ignore[attr-defined]
admin.site.facts["sees_customers"] = pages.sees_customers  # type: ignore[attr-defined]

__all__ = ["pages"]
