"""
Reports by e-mail: who gets which, how often. They stop when the reader loses the right to see them.

A message holds the beginning of the report, the whole of it as a CSV file, and a link to its page,
where one signs in. Reports about people, by name, come without a file.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.utils import translation
from django.utils.translation import gettext as _

from accounts.models import User
from inventory.models import Carrier
from support import notifications
from support.analytics import catalogue, written
from support.analytics.catalogue import Asked, Report
from support.analytics.days import Span, month_of, today, zone
from support.analytics.rights import PEOPLE, rights_of, standing_of
from support.models import Subscription
from travel.common.errors import InvalidInput, NotAllowed, NotFound
from travel.common.messaging import Attachment, Extras
from travel.common.sheets import csv_bytes
from travel.common.transactions import in_transaction

Every = Subscription.Every
# The hour of the zone of the numbers at which reports go out.
HOUR = time(6)
# So many reports come to one reader.
MOST = 50


@in_transaction
def subscribe(
    *,
    user: User,
    report: str,
    every: str,
    now: datetime,
    by: str = "",
    carrier_id: int | None = None,
    mode: str = "",
) -> Subscription:
    """
    Send a report with these filters to somebody, from the next time on that it is due.

    It tells of the days since the last time: the day, the week or the month that is over; what
    looks ahead tells of the days to come.

    :raises NotFound: there is no such report.
    :raises NotAllowed: the reader may not see it.
    :raises InvalidInput: there is no such word, or the reader has too many.
    """
    rights = rights_of(user)
    found = catalogue.get_report(name=report, rights=rights)
    catalogue.ask(found, rights=rights, by=by, carrier_id=carrier_id, mode=mode, now=now)
    running = Subscription.objects.select_for_update().filter(user=user, stopped_at=None)
    if every not in Every.values:
        raise InvalidInput(errors={"every": [_("There is no such choice.")]})
    if not user.email:
        raise InvalidInput(errors={"every": [_("Your account has no e-mail address.")]})
    if len(running) >= MOST:
        raise InvalidInput(errors={"every": [_("You get too many reports already.")]})
    filters = {"by": by, "carrier_id": carrier_id, "mode": mode}
    for row in running:
        if (row.report, row.filters, row.every) == (report, filters, every):
            return row
    return Subscription.objects.create(
        user=user,
        report=report,
        filters=filters,
        every=every,
        created_at=now,
        due_at=next_due(every, now=now),
    )


@in_transaction
def stop(*, subscription_id: int, user: User, now: datetime) -> None:
    """
    Send a report no more.

    :raises NotFound: the reader has no such subscription.
    """
    changed = Subscription.objects.filter(pk=subscription_id, user=user, stopped_at=None).update(
        stopped_at=now, stopped_because="asked"
    )
    if not changed:
        raise NotFound()


def subscriptions_of(*, user: User) -> Sequence[Subscription]:
    """Answer what somebody gets by e-mail, in the order in which it was asked for."""
    return list(Subscription.objects.filter(user=user, stopped_at=None).order_by("id")[:MOST])


def chosen_carriers(rows: Sequence[Subscription]) -> dict[int, Carrier]:
    """Answer the carrier that each of these is narrowed to, by subscription, where there is one."""
    wanted = {row.pk: row.filters.get("carrier_id") for row in rows}
    found = Carrier.objects.in_bulk({one for one in wanted.values() if one is not None})
    return {pk: found[one] for pk, one in wanted.items() if one in found}


def due_subscriptions(*, now: datetime, limit: int) -> list[int]:
    """Answer the subscriptions that are due, those that wait longest first."""
    due = Subscription.objects.filter(stopped_at=None, due_at__lte=now).order_by("due_at", "id")
    return list(due.values_list("id", flat=True)[:limit])


@in_transaction
def send_due(*, subscription_id: int, now: datetime) -> bool:
    """
    Write the message of a subscription that is due, once; say whether one was written.

    Who may see the report no more gets nothing, then and afterwards.
    """
    row = (
        Subscription.objects.select_for_update()
        .filter(pk=subscription_id, stopped_at=None, due_at__lte=now)
        .first()
    )
    if row is None:
        return False
    user = User.objects.get(pk=row.user_id)
    try:
        report, asked = _asked(row, user, due_at=row.due_at, now=now)
    except (NotAllowed, NotFound, InvalidInput):
        row.stopped_at, row.stopped_because = now, "right_lost"
        row.save(update_fields=["stopped_at", "stopped_because"])
        return False
    with translation.override(user.language):
        notifications.report_due(
            subscription_id=row.pk,
            due_at=row.due_at,
            recipient=user.email or "",
            language=user.language,
            report=report,
            asked=asked,
            carrier=chosen_carriers([row]).get(row.pk),
            found=report.run(asked),
            has_file=has_file(report),
            now=now,
        )
    row.sent_at, row.due_at = now, next_due(row.every, now=now)
    row.save(update_fields=["sent_at", "due_at"])
    return True


def _asked(
    row: Subscription, user: User, *, due_at: datetime, now: datetime
) -> tuple[Report, Asked]:
    """Answer the report of a subscription, and what of it is told when it is due."""
    rights = standing_of(user)
    report = catalogue.get_report(name=row.report, rights=rights)
    over = span_of(report, row.every, now=due_at)
    asked = catalogue.ask(
        report, rights=rights, first=over.first, last=over.last, now=now, **row.filters
    )
    return report, asked


def has_file(report: Report) -> bool:
    """Say whether a report is sent as a file: nobody's name lies about in mailboxes."""
    return report.room != PEOPLE


def file_of(about: str, language: str, now: datetime) -> Extras | None:
    """
    Answer the file that goes along with a message (`numbers:<subscription>:<seconds when due>`).

    It is made when the message goes out, so that it is kept nowhere; there is none where the reader
    has lost the right meanwhile.
    """
    _word, key, due = about.split(":")
    row = Subscription.objects.select_related("user").get(pk=int(key))
    try:
        report, asked = _asked(row, row.user, due_at=datetime.fromtimestamp(int(due), UTC), now=now)
    except (NotAllowed, NotFound, InvalidInput):
        return None
    if not has_file(report):
        return None
    with translation.override(language):
        rows = written.file_rows(report, report.run(asked).rows)
        content = csv_bytes(written.file_head(report), rows)
    return Extras(attachments=[Attachment(written.file_name(report, asked), "text/csv", content)])


def next_due(every: str, *, now: datetime) -> datetime:
    """Answer the next six o'clock of the zone of the numbers at which a report is due."""
    local = now.astimezone(ZoneInfo(zone()))
    day = local.date()
    if local.time() >= HOUR:
        day += timedelta(days=1)
    if every == Every.WEEK:
        day += timedelta(days=-day.weekday() % 7)
    elif every == Every.MONTH and day.day != 1:
        day = month_of(day).last + timedelta(days=1)
    return datetime.combine(day, HOUR, ZoneInfo(zone()))


def span_of(report: Report, every: str, *, now: datetime) -> Span:
    """Answer the days that a message tells of: those that are over, or those to come."""
    day = today(now=now)
    if report.days < 0:
        return Span(day, day + timedelta(days=-report.days - 1))
    last = day - timedelta(days=1)
    if every == Every.MONTH:
        return month_of(last)
    return Span(last if every == Every.DAY else last - timedelta(days=6), last)
