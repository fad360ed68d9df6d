"""Writes of the help desk: reports, cancelling on somebody's behalf, people's data."""

from support.services.cancelling import MAX_REASON, WHOLE, cancel_reservation, waiver_for
from support.services.privacy import (
    Obstacles,
    due_exports,
    erase_account,
    fetch_export,
    forget_exports,
    forget_farewells,
    latest_export,
    make_export,
    obstacles,
    request_export,
)
from support.services.reports import MAX_TEXT, add_message, close_report, respond, submit_report

__all__ = [
    "MAX_REASON",
    "MAX_TEXT",
    "WHOLE",
    "Obstacles",
    "add_message",
    "cancel_reservation",
    "close_report",
    "due_exports",
    "erase_account",
    "fetch_export",
    "forget_exports",
    "forget_farewells",
    "latest_export",
    "make_export",
    "obstacles",
    "request_export",
    "respond",
    "submit_report",
    "waiver_for",
]
