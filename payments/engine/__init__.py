"""The hand that cancels: seats, states, penalty and refund in one act."""

from bookings import engine as seats
from payments.engine.contract import Engine
from payments.engine.portable import PortableEngine
from payments.engine.procedures import ProcedureEngine

_ENGINES: dict[str, type[Engine]] = {
    seats.PORTABLE: PortableEngine,
    seats.PROCEDURES: ProcedureEngine,
}


def current() -> Engine:
    """Answer the engine of the database in use: it is chosen as the seats' is (SEAT_ENGINE)."""
    return named(seats.current_name())


def named(name: str) -> Engine:
    """Answer an engine by its name."""
    return _ENGINES[name]()
