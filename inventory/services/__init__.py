"""Writes of the timetable, one noun a file."""

from inventory.services.selling import ensure_tickets, freeze

__all__ = ["ensure_tickets", "freeze"]
