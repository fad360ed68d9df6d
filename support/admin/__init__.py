"""The back office of the help desk: reports, and what staff look at every day."""

from support.admin import desk, numbers, privacy, reports, reservation, serving

__all__ = ["desk", "numbers", "privacy", "reports", "reservation", "serving"]
