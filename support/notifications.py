"""Messages about reports and changed departures: outbox rows with what they tell of."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.models import User
from accounts.selectors import Topic, chosen_channels
from bookings.notifications import contact_of, context, seat_lines, ticket_line
from bookings.selectors import ReservationDetail
from inventory.models import Carrier
from inventory.pricing import INFANT
from inventory.selectors import TicketFacts
from support.analytics import written
from support.analytics.catalogue import Asked, Found
from support.analytics.catalogue import Report as NumbersReport
from support.selectors import REOPEN_WITHIN, ReportDetail
from travel.common import outbox
from travel.common.calendars import write_day, write_time
from travel.common.contacts import EMAIL
from travel.common.locales import reader_locale

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
    chosen = chosen_channels(user_id=report.user_id, topic=Topic.ANSWERS)
    if chosen is not None and EMAIL not in chosen:
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


def report_lapsed(*, report: ReportDetail, event_id: int, now: datetime) -> None:
    """Tell the passenger that an answered report was closed by itself, as answers are told."""
    chosen = chosen_channels(user_id=report.user_id, topic=Topic.ANSWERS)
    if chosen is not None and EMAIL not in chosen:
        return
    with translation.override(report.language):
        _send(
            "report_lapsed",
            _("Your report is closed"),
            report,
            text=report.answer or "",
            reference=str(event_id),
            now=now,
            reopen_days=REOPEN_WITHIN.days,
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


# --- departures -----------------------------------------------------------------------------------

SUBJECTS = {
    "platform": gettext_noop("Your departure leaves from another platform"),
    "vehicle": gettext_noop("Your seats have changed"),
    "blocked": gettext_noop("Your seats have changed"),
    "seated": gettext_noop("Your seats have changed"),
    "times": gettext_noop("The times of your departure have changed"),
    "cancelled": gettext_noop("Your departure was cancelled"),
    "skipped": gettext_noop("Your departure was changed"),
}


def disruption(
    *,
    reservation: ReservationDetail,
    job_id: int,
    cause: str,
    reason: str,
    departure_id: int,
    now: datetime,
) -> bool:
    """
    Tell the holder what the departures desk has changed, once for each of its jobs.

    Answer whether there is a way to reach the holder. Delays and cancellations of what is paid are
    told by bookings; of what was held unpaid, that it was given up, from here.
    """
    contact = contact_of(reservation)
    if contact is None:
        return False
    tickets = [one for one in reservation.journey if one.parts.departure_id == departure_id]
    with translation.override(reservation.language):
        outbox.write(
            kind="support.disruption",
            channel=contact.channel,
            recipient=contact.address,
            subject=f"{_(SUBJECTS[cause])}: {reservation.locator}",
            body=render_to_string(
                "emails/disruption.txt",
                context(reservation)
                | {
                    "is_text": contact.is_phone,
                    "headline": _(SUBJECTS[cause]),
                    "lines": _disruption_lines(reservation, tickets, cause),
                    "reason": reason,
                    "tickets": [ticket_line(one) for one in tickets],
                },
            ).strip(),
            language=reservation.language,
            now=now,
            reference=f"support.disruption:{job_id}:{reservation.id}",
            about=f"reservation:{reservation.id}",
        )
    return True


def _disruption_lines(
    reservation: ReservationDetail, tickets: Sequence[TicketFacts], cause: str
) -> list[str]:
    if cause == "platform":
        return [
            _("%(service)s leaves %(station)s from platform %(platform)s.")
            % {
                "service": one.service.number,
                "station": one.origin.station.name,
                "platform": one.origin.platform or "-",
            }
            for one in tickets
        ]
    if cause == "times":
        return [
            _("%(service)s leaves %(station)s on %(leaves)s.")
            % {
                "service": one.service.number,
                "station": one.origin.station.name,
                "leaves": _local(one.leaves_at, one.origin.station.tz),
            }
            for one in tickets
        ]
    if cause in ("vehicle", "blocked", "seated"):
        return _seat_news(reservation, {one.id for one in tickets})
    return [_("Your seats were not paid for yet, and are given up. Nothing was charged.")]


def _seat_news(reservation: ReservationDetail, ticket_ids: Collection[int]) -> list[str]:
    """Write the new seats, and for whom the desk is still looking for one."""
    lines = seat_lines(reservation)
    waiting = [
        reservation.passenger_of(coupon).full_name
        for coupon in reservation.open_coupons
        if coupon.ticket_id in ticket_ids
        and not coupon.seats
        and reservation.passenger_of(coupon).kind != INFANT
    ]
    return lines + [
        _("We are looking for a seat for %(name)s and will write again.") % {"name": name}
        for name in waiting
    ]


NUMBERS = "support.numbers"
# Of a report by e-mail so many rows are in the message; its page has them all.
ROWS_SENT = 25


def report_due(
    *,
    subscription_id: int,
    recipient: str,
    language: str,
    report: NumbersReport,
    asked: Asked,
    carrier: Carrier | None,
    found: Found,
    has_file: bool,
    due_at: datetime,
    now: datetime,
) -> None:
    """
    Send the beginning of a report to who asked for it, and a link to its page.

    `carrier` is the one that it is narrowed to.
    Its file is made when the message goes out (`subscriptions.file_of`).
    """
    chosen: dict[str, Any] = {"by": asked.by, "carrier": carrier, "mode": asked.only.mode}
    words = written.choices_query(**chosen, over=asked.over if report.has_span else None)
    choices = written.choices_text(report, **chosen)
    days = written.span_text(asked.over)
    table = written.table(report, found.rows[:ROWS_SENT], by_title=_("What"))
    outbox.write(
        kind=NUMBERS,
        channel="email",
        recipient=recipient,
        subject=f"{report.title} ({choices}), {days}" if choices else f"{report.title}, {days}",
        body=render_to_string(
            "emails/numbers.txt",
            {
                "site": settings.SITE_NAME,
                "link": f"{settings.SITE_URL}/admin/numbers/{report.name}/?{words}",
                "report": report,
                "choices": choices,
                "days": days,
                "table": table,
                "more": max(0, found.every - ROWS_SENT),
                "has_file": has_file,
            },
        ),
        language=language,
        now=now,
        about=f"numbers:{subscription_id}:{due_at.timestamp():.0f}",
        reference=f"support.numbers:{subscription_id}:{due_at:%Y%m%d}",
    )


def _local(moment: datetime, tz: str) -> str:
    local, locale = moment.astimezone(ZoneInfo(tz)), reader_locale()
    return _("%(day)s, %(time)s") % {
        "day": write_day(local.date(), "yMMMEd", locale),
        "time": write_time(local, locale),
    }


def _send(
    kind: str,
    subject: str,
    report: ReportDetail,
    *,
    text: str,
    reference: str,
    now: datetime,
    **words: object,
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
                **words,
            },
        ),
        language=report.language,
        now=now,
        reference=f"support.{kind}:{reference}",
        about=f"reservation:{report.reservation_id}",
    )
