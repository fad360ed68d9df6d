"""Messages about reports: outbox rows in the transaction of what they tell."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _

from bookings.notifications import ticket_line
from support.selectors import ReportDetail
from travel.common import outbox


def report_received(*, report: ReportDetail, now: datetime) -> None:
    """Tell the passenger that the report is here, and what was written."""
    with translation.override(report.language):
        _send(
            "report_received",
            _("We have your report"),
            report,
            text=report.text,
            reference=str(report.id),
            now=now,
        )


def report_answered(*, report: ReportDetail, message_id: int, text: str, now: datetime) -> None:
    """Tell the passenger what staff answered."""
    with translation.override(report.language):
        _send(
            "report_answered",
            _("An answer to your report"),
            report,
            text=text,
            reference=str(message_id),
            now=now,
        )


def _send(
    kind: str, subject: str, report: ReportDetail, *, text: str, reference: str, now: datetime
) -> None:
    if report.email is None:
        return
    outbox.write(
        kind=f"support.{kind}",
        channel="email",
        recipient=report.email,
        subject=f"{subject}: {report.locator}",
        body=render_to_string(
            f"emails/{kind}.txt",
            {
                "site": settings.SITE_NAME,
                "link": f"{settings.SITE_URL}/help/{report.id}/",
                "report": report,
                "ticket": ticket_line(report.ticket),
                "text": text,
            },
        ),
        language=report.language,
        now=now,
        reference=f"support.{kind}:{reference}",
        about=f"reservation:{report.reservation_id}",
    )
