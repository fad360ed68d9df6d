"""Reservations: who holds which seat on which stretch, from the hold to the end."""
