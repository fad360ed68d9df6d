"""Serving travellers from the back office: its pages, and its tables to look at."""

from django.contrib import admin

from support.admin.serving import pages, tables

# The office's own site (travel.admin) takes them up.
admin.site.pages.append(pages.urls)  # type: ignore[attr-defined]
admin.site.buttons.append(pages.button)  # type: ignore[attr-defined]
admin.site.facts["may_serve"] = pages.may_serve  # type: ignore[attr-defined]

__all__ = ["pages", "tables"]
