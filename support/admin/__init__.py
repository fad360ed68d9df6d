"""The back office of the help desk: reports, and what staff look at every day."""

from support.admin import numbers, privacy, reports

__all__ = ["numbers", "privacy", "reports"]
