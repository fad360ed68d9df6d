"""The tables of the help desk and the departures desk, one noun a file."""

from support.models.reports import Report, ReportMessage

__all__ = ["Report", "ReportMessage"]
