"""Reservations in the admin: none is written here, and what is done to one is done by services."""

from bookings.admin import reservations, rows, scans

__all__ = ["reservations", "rows", "scans"]
