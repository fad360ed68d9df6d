"""
The overview: what a day at the office looks like, for whoever has a right to each part of it.

Every number leads to the list or the report that it comes from.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.models import AbstractBaseUser
from django.db.models import Count, Min, Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from bookings.models import Reservation
from inventory.models import Mode
from inventory.reach import Reach, reach_of
from payments.models import Goodwill, MoneyAlarm, Refund
from support import desk
from support.analytics import catalogue, charts, written
from support.analytics.cancelling import tickets
from support.analytics.charts import Value
from support.analytics.days import Span, last_days, next_days, today, zone
from support.analytics.revenue import Line, revenue
from support.analytics.rights import MONEY, TRAFFIC, Rights, rights_of
from support.analytics.sources import Only
from support.analytics.traffic import occupancy
from support.analytics.trends import Trend, trends, whole
from support.models import Report
from travel.common import clock
from travel.common.locales import in_a_row
from travel.common.templatetags.look import duration, money_text

# Revenue is drawn for two weeks, what is full for one.
DAYS_BACK, DAYS_AHEAD = 14, 7
SOON = timedelta(minutes=1)


def overview(request: HttpRequest) -> dict[str, Any]:
    """Answer what the overview shows to this reader, beside the list of tables."""
    user: Any = request.user
    now = clock.now()
    rights = rights_of(user)
    if not catalogue.reports_for(rights):
        return {}
    tiles: list[dict[str, Any]] = []
    panels: list[dict[str, Any]] = []
    if rights.may(MONEY):
        _money(rights, now, tiles, panels)
    if rights.may(TRAFFIC):
        _traffic(user, rights, now, tiles, panels)
    _queues(user, now, tiles)
    return {
        "desk": {
            "tiles": tiles,
            "panels": panels,
            "day": today(now=now),
            "zone": zone(),
            "numbers_href": reverse("admin:numbers"),
        }
    }


def tile(
    name: str,
    number: str,
    says: str,
    *,
    href: str,
    tone: str = "",
    more: Sequence[str] = (),
) -> dict[str, Any]:
    """Answer a number of the overview: what it is, what is said of it, and where it leads."""
    return {
        "name": name,
        "number": number,
        "says": says,
        "href": href,
        "tone": tone,
        "more": list(more),
    }


# --- money ----------------------------------------------------------------------------------------


def _money(rights: Rights, now: datetime, tiles: list[Any], panels: list[Any]) -> None:
    over = last_days(DAYS_BACK, now=now)
    lines = revenue(by="day", over=over, only=Only(rights.carriers(MONEY)))
    today_ = [line for line in lines if line.key == str(over.last)]
    week_ago = {
        line.currency: line for line in lines if line.key == str(over.last - timedelta(days=7))
    }
    # The currency in which most was sold leads; amounts of two are never added.
    today_.sort(key=lambda line: (-line.tickets, line.currency))
    tiles.append(_sold_today(today_, week_ago, over))
    tiles.append(_given_back(today_, over))
    if lines:
        panels.append(_revenue_panel(lines, today_[0].currency))


def _sold_today(lines: list[Line], week_ago: dict[str, Line], over: Span) -> dict[str, Any]:
    href = _report_href("revenue", first=over.last, last=over.last, by="carrier")
    if not lines:
        return tile(_("Sold today"), "0", _("Nothing yet"), href=href)
    first, *others = lines
    before = week_ago[first.currency].sold
    return tile(
        _("Sold today"),
        money_text(first.sold),
        _("%(amount)s on the same day last week") % {"amount": money_text(before)},
        href=href,
        more=[money_text(line.sold) for line in others if line.sold],
    )


def _given_back(lines: list[Line], over: Span) -> dict[str, Any]:
    href = _report_href("refunds", first=over.last, last=over.last)
    number = sum(line.cancelled for line in lines)
    says = ngettext("%(number)s ticket cancelled", "%(number)s tickets cancelled", number) % {
        "number": written.number_text(number)
    }
    if not lines:
        return tile(_("Given back today"), "0", says, href=href)
    first, *others = lines
    return tile(
        _("Given back today"),
        money_text(first.given_back),
        says,
        href=href,
        more=[money_text(line.given_back) for line in others if line.given_back],
    )


def _revenue_panel(lines: list[Line], currency: str) -> dict[str, Any]:
    report = catalogue.REPORTS["revenue"]
    shown = [line for line in lines if line.currency == currency]
    title = _("Revenue of the last %(days)s days, %(currency)s") % {
        "days": DAYS_BACK,
        "currency": currency,
    }
    return _panel("revenue", title, report, shown, by_title=_("Day"))


def _panel(
    name: str, title: str, report: catalogue.Report, rows: Sequence[Any], *, by_title: str
) -> dict[str, Any]:
    return {
        "name": name,
        "title": title,
        "charts": written.charts_of(report, rows, title),
        "table": written.table(report, rows, by_title=by_title),
        "href": reverse("admin:numbers_report", args=[report.name]),
    }


# --- what is carried ------------------------------------------------------------------------------


def _traffic(user: Any, rights: Rights, now: datetime, tiles: list[Any], panels: list[Any]) -> None:
    only = Only(rights.carriers(TRAFFIC))
    day = last_days(1, now=now)
    counts = tickets(by="mode", over=day, only=only)
    sold = sum(count.tickets for count in counts)
    names = dict(Mode.choices)
    tiles.append(
        tile(
            _("Tickets sold today"),
            written.number_text(sold),
            in_a_row(
                _("%(mode)s: %(number)s")
                % {"mode": names[count.key], "number": written.number_text(count.tickets)}
                for count in counts
            )
            or _("Nothing yet"),
            href=_report_href("tickets", first=day.first, last=day.last, by="mode"),
        )
    )
    if TRAFFIC in rights.everywhere:
        if user.has_perm("bookings.view_reservation"):
            tiles.append(_holds(now))
        tiles.append(_conversion(trends(over=last_days(DAYS_AHEAD, now=now))))
    panels.append(_full(only, now))


def _holds(now: datetime) -> dict[str, Any]:
    held = Reservation.objects.filter(state=Reservation.State.HELD, hold_until__gt=now).aggregate(
        every=Count("id"), soon=Count("id", filter=Q(hold_until__lte=now + SOON))
    )
    return tile(
        _("Holds"),
        written.number_text(held["every"]),
        ngettext("%(number)s ends within a minute", "%(number)s end within a minute", held["soon"])
        % {"number": written.number_text(held["soon"])},
        href=reverse("admin:bookings_reservation_changelist") + "?state__exact=held",
    )


def _conversion(days: list[Trend]) -> dict[str, Any]:
    week = whole(days)
    return tile(
        _("Holds that are paid"),
        written.share_text(week.conversion),
        _("in seven days; %(share)s expire") % {"share": written.share_text(week.expiry)},
        href=reverse("admin:numbers_report", args=["holds"]),
    )


def _full(only: Only, now: datetime) -> dict[str, Any]:
    report = catalogue.REPORTS["occupancy"]
    title = _("Seats taken in the next %(days)s days") % {"days": DAYS_AHEAD}
    loads = occupancy(by="mode", over=next_days(DAYS_AHEAD, now=now), now=now, only=only)
    chart = charts.rows(
        title,
        [Value(load.label, load.occupancy, written.share_text(load.occupancy)) for load in loads],
        most=10_000,
    )
    return _panel("occupancy", title, report, loads, by_title=_("Mode")) | {
        "charts": [chart] if chart else []
    }


# --- what waits for somebody ----------------------------------------------------------------------


def _queues(user: AbstractBaseUser, now: datetime, tiles: list[Any]) -> None:
    may: Any = user.has_perm  # type: ignore[attr-defined]
    reach = reach_of(user)
    if reach.changes_something:
        tiles.append(_off_plan(reach, now))
    if may("payments.view_refund"):
        tiles.append(_refunds())
    if may("payments.view_goodwill"):
        tiles.append(_goodwill())
    if may("payments.view_moneyalarm"):
        tiles.append(_alarms(now))
    if may("support.view_report"):
        tiles.append(_reports(now))


def _refunds() -> dict[str, Any]:
    waiting = Refund.objects.filter(
        state__in=[Refund.State.PENDING_APPROVAL, Refund.State.FAILED]
    ).aggregate(
        pending=Count("id", filter=Q(state=Refund.State.PENDING_APPROVAL)),
        failed=Count("id", filter=Q(state=Refund.State.FAILED)),
    )
    state = Refund.State.FAILED if waiting["failed"] else Refund.State.PENDING_APPROVAL
    return tile(
        _("Refunds waiting"),
        written.number_text(waiting["pending"] + waiting["failed"]),
        _("%(pending)s for a second person, %(failed)s failed")
        % {name: written.number_text(number) for name, number in waiting.items()},
        href=f"{reverse('admin:payments_refund_changelist')}?state__exact={state}",
        tone="bad" if waiting["failed"] else "warn" if waiting["pending"] else "",
    )


def _goodwill() -> dict[str, Any]:
    waiting = Goodwill.objects.filter(state=Goodwill.State.PENDING_APPROVAL).count()
    return tile(
        _("Goodwill waiting"),
        written.number_text(waiting),
        _("for a second person"),
        href=f"{reverse('admin:payments_goodwill_changelist')}"
        f"?state__exact={Goodwill.State.PENDING_APPROVAL}",
        tone="warn" if waiting else "",
    )


def _off_plan(reach: Reach, now: datetime) -> dict[str, Any]:
    day = now.date()
    number, _rows = desk.departures(reach=reach, day=day, only_disrupted=True, limit=0)
    seats, changes = len(desk.waiting(reach=reach)), len(desk.pending_changes(reach=reach))
    return tile(
        _("Off plan today"),
        written.number_text(number),
        _("%(people)s wait for a seat, %(changes)s changes to settle")
        % {"people": written.number_text(seats), "changes": written.number_text(changes)},
        href=f"{reverse('admin:desk')}?{urlencode({'day': day.isoformat(), 'disrupted': 'on'})}",
        tone="warn" if seats or changes else "",
    )


def _alarms(now: datetime) -> dict[str, Any]:
    still_open = MoneyAlarm.objects.filter(closed_at=None).aggregate(
        every=Count("id"), oldest=Min("opened_at")
    )
    return tile(
        _("Money alarms"),
        written.number_text(still_open["every"]),
        _waits_since(still_open["oldest"], now) or _("None is open"),
        href=reverse("admin:payments_moneyalarm_changelist"),
        tone="bad" if still_open["every"] else "",
    )


def _reports(now: datetime) -> dict[str, Any]:
    waiting = Report.objects.filter(due_at__isnull=False).aggregate(
        every=Count("id"),
        late=Count("id", filter=Q(due_at__lte=now)),
        oldest=Min("waiting_since"),
    )
    desk, late = reverse("admin:reports_desk"), waiting["late"]
    overdue = ngettext("%(number)s answer is overdue", "%(number)s answers are overdue", late) % {
        "number": written.number_text(late)
    }
    return tile(
        _("Reports waiting"),
        written.number_text(waiting["every"]),
        overdue if late else _waits_since(waiting["oldest"], now) or _("None waits"),
        href=f"{desk}?tab=overdue" if late else desk,
        tone="bad" if late else "warn" if waiting["every"] else "",
    )


def _waits_since(oldest: datetime | None, now: datetime) -> str:
    if oldest is None:
        return ""
    minutes = max(0, int((now - oldest).total_seconds()) // 60)
    return _("the oldest for %(time)s") % {"time": duration(minutes)}


def _report_href(name: str, **query: Any) -> str:
    words = "&".join(f"{key}={value}" for key, value in query.items())
    return f"{reverse('admin:numbers_report', args=[name])}?{words}"
