"""The seat engine: the only hand that takes and gives back seats."""

from django.conf import settings
from django.db import connection

from bookings.engine.contract import Engine
from bookings.engine.portable import PortableEngine
from bookings.engine.procedures import ProcedureEngine

PORTABLE, PROCEDURES = "portable", "procedures"
_ENGINES: dict[str, type[PortableEngine]] = {
    PORTABLE: PortableEngine,
    PROCEDURES: ProcedureEngine,
}


def current() -> Engine:
    """Answer the engine of the database in use; SEAT_ENGINE may force the portable one."""
    return named(current_name())


def current_name() -> str:
    """Answer the name of the engine in use: `portable` or `procedures`."""
    if settings.SEAT_ENGINE != "auto":
        return str(settings.SEAT_ENGINE)
    return PROCEDURES if connection.vendor == "mysql" else PORTABLE


def named(name: str) -> Engine:
    """Answer an engine by its name."""
    return _ENGINES[name]()
