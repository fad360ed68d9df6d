"""Refusals of the help desk."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from travel.common.errors import Refusal


class ReportClosed(Refusal):
    """The report was closed, and the time to come back to it is over."""

    code = "report_closed"
    status = 409
    title = _("This report is closed. Please send a new one.")


class ReportMerged(Refusal):
    """The report was merged into another one."""

    code = "report_merged"
    status = 409
    title = _("This report is gone on with in another one.")


class ReportTaken(Refusal):
    """A colleague has the report."""

    code = "report_taken"
    status = 409
    title = _("A colleague has this report.")


class ReportChanged(Refusal):
    """Something was written to the report that whoever answers has not read."""

    code = "report_changed"
    status = 409
    title = _("Something was written since you opened this page. Please read it, then send again.")


class StillNeeded(Refusal):
    """An account cannot be erased while trips or money of it are open."""

    code = "still_needed"
    status = 409
    title = _("Your account cannot be erased yet. Please settle what is listed first.")


class MoveNotAllowed(Refusal):
    """A report does not go from its state to that one."""

    code = "move_not_allowed"
    status = 409
    title = _("A report does not move from its state to that one.")


class TooManyReports(Refusal):
    """The passenger has too many reports that are not closed."""

    code = "too_many_reports"
    status = 409
    title = _("You have too many open reports. Please wait for our answers.")


class TooManyMessages(Refusal):
    """The passenger has written much since the last answer."""

    code = "too_many_messages"
    status = 409
    title = _("Please wait for our answer before you write again.")


class NotServable(Refusal):
    """Nobody looks or books for staff, for closed accounts, or without a confirmed address."""

    code = "not_servable"
    status = 409
    title = _("Nobody can be served under this account.")
