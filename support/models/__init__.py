"""The tables of the help desk and the departures desk, one noun a file."""

from support.models.desk import DeskEntry, DisruptionItem, DisruptionJob
from support.models.numbers import (
    ClosedDay,
    DayCustomer,
    DayHolds,
    DaySales,
    DepartureLoad,
    Lead,
    Move,
    Subscription,
)
from support.models.privacy import DataExport, Erasure
from support.models.reports import CannedReply, Report, ReportMessage
from support.models.serving import Serving, ServingEntry

__all__ = [
    "CannedReply",
    "ClosedDay",
    "DataExport",
    "DayCustomer",
    "DayHolds",
    "DaySales",
    "DepartureLoad",
    "DeskEntry",
    "DisruptionItem",
    "DisruptionJob",
    "Erasure",
    "Lead",
    "Move",
    "Report",
    "ReportMessage",
    "Serving",
    "ServingEntry",
    "Subscription",
]
