"""Writes of the help desk: reports and answers, and cancelling on a passenger's behalf."""

from support.services.cancelling import MAX_REASON, WHOLE, cancel_reservation, waiver_for
from support.services.reports import MAX_TEXT, add_message, close_report, respond, submit_report

__all__ = [
    "MAX_REASON",
    "MAX_TEXT",
    "WHOLE",
    "add_message",
    "cancel_reservation",
    "close_report",
    "respond",
    "submit_report",
    "waiver_for",
]
