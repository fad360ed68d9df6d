"""The seat engine: the only hand that takes and gives back seats."""

from bookings.engine.contract import Engine
from bookings.engine.portable import PortableEngine


def current() -> Engine:
    """Answer the engine of the database in use."""
    return PortableEngine()
