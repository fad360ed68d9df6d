"""Messages about reports: outbox rows in the transaction of what they tell."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.selectors import Topic, wants_message
from bookings.notifications import ticket_line
from support.selectors import ReportDetail
from travel.common import outbox
from travel.common.contacts import EMAIL

# The last message to somebody whose account is erased; deleted once it is sent.
FAREWELL = "support.farewell"


@dataclass(frozen=True, slots=True)
class Farewell:
    """Where a last message goes: read before the account is erased, written afterwards."""

    recipient: str
    language: str


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
    """Tell the passenger what staff answered, unless the passenger would rather look."""
    if not wants_message(user_id=report.user_id, topic=Topic.ANSWERS, channel=EMAIL):
        return
    with translation.override(report.language):
        _send(
            "report_answered",
            _("An answer to your report"),
            report,
            text=text,
            reference=str(message_id),
            now=now,
        )


def export_ready(*, user: User, expires_at: datetime, now: datetime) -> None:
    """Tell a person, at a proved address, that the file with their data can be fetched."""
    if not (user.email and user.email_verified_at):
        return
    with translation.override(user.language):
        outbox.write(
            kind="support.export_ready",
            channel="email",
            recipient=user.email,
            subject=_("Your data is ready"),
            body=render_to_string(
                "emails/export_ready.txt",
                {
                    "site": settings.SITE_NAME,
                    "link": f"{settings.SITE_URL}/account/data/",
                    "until": f"{expires_at:%Y-%m-%d %H:%M} UTC",
                },
            ),
            language=user.language,
            now=now,
        )


def farewell(*, user: User) -> Farewell | None:
    """Answer where to say goodbye to a person: the proved address, or nowhere."""
    if not (user.email and user.email_verified_at):
        return None
    return Farewell(user.email, user.language)


def send_farewell(said: Farewell | None, *, now: datetime) -> None:
    """Tell whoever had the account that it is erased, and what stays."""
    if said is None:
        return
    with translation.override(said.language):
        outbox.write(
            kind=FAREWELL,
            channel="email",
            recipient=said.recipient,
            subject=_("Your account is erased"),
            body=render_to_string("emails/farewell.txt", {"site": settings.SITE_NAME}),
            language=said.language,
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
