"""
The reports by name: what each is about, what it may be told by, its columns, and who may see it.

The pages, the files, the e-mails and the API all show these; a new report is a row here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from inventory.models import Mode
from support.analytics import cancelling, desk, people, revenue, traffic, trends
from support.analytics.days import Span, span, today
from support.analytics.rights import HELP, MONEY, PEOPLE, TRAFFIC, Rights
from support.analytics.sources import Only
from travel.common.errors import InvalidInput, NotAllowed, NotFound

Label = str | Promise
MODES: list[str] = list(Mode.values)
TEXT, NUMBER, AMOUNT, SHARE, MINUTES, MOMENT, ACCOUNT = (
    *("text", "number", "amount", "share"),
    *("minutes", "moment", "account"),
)


@dataclass(frozen=True, slots=True)
class Column:
    """
    A column of a report: the attribute of its rows, its heading, and what kind of cell it is.

    `words` are the names of a closed set of words for people; clients and files get the words
    themselves.
    """

    name: str
    title: Label
    kind: str = NUMBER
    words: Mapping[str, Label] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a report is asked for, checked: days, what to tell by, whose sales."""

    over: Span
    by: str
    only: Only
    now: datetime


@dataclass(frozen=True, slots=True)
class Found:
    """The rows of a report; `every` counts what was found where the rows are but some of it."""

    rows: Sequence[Any]
    every: int


@dataclass(frozen=True, slots=True)
class Report:
    """
    A report. `by` are the words it may be told by, the usual one first; `days` is its usual span:
    so many days up to today, or from today on where it is negative.

    `drawn` names the column that its chart shows. A report that is not `by_carrier` tells of the
    whole office.
    """

    name: str
    title: Label
    says: Label
    room: str
    columns: Sequence[Column]
    run: Callable[[Asked], Found]
    by: dict[str, Label] = field(default_factory=dict)
    days: int = 30
    drawn: str = ""
    by_carrier: bool = True
    by_mode: bool = True
    has_span: bool = True

    def told_by(self, by: str) -> str:
        """Answer the word that it is told by: this one, or the usual one where none is named."""
        return by or next(iter(self.by), "")

    @property
    def has_money(self) -> bool:
        return any(column.kind == AMOUNT for column in self.columns)


# --- asking ---------------------------------------------------------------------------------------


def get_report(*, name: str, rights: Rights) -> Report:
    """
    Answer the report of this name.

    :raises NotFound: there is none.
    :raises NotAllowed: the asker may see nothing of it.
    """
    report = REPORTS.get(name)
    if report is None:
        raise NotFound()
    if not may_see(report, rights):
        raise NotAllowed()
    return report


def may_see(report: Report, rights: Rights) -> bool:
    """Say whether anything of a report may be seen."""
    return rights.may(report.room) if report.by_carrier else report.room in rights.everywhere


def reports_for(rights: Rights) -> list[Report]:
    """Answer the reports that may be seen, in the order in which they are listed."""
    return [report for report in REPORTS.values() if may_see(report, rights)]


def ask(
    report: Report,
    *,
    rights: Rights,
    now: datetime,
    first: date | None = None,
    last: date | None = None,
    by: str = "",
    carrier_id: int | None = None,
    mode: str = "",
) -> Asked:
    """
    Answer what a report is asked for; what is left out is as it is usually.

    :raises InvalidInput: the days are none or too many, or there is no such word.
    :raises NotAllowed: the carrier's numbers are not for the asker.
    """
    if by and by not in report.by:
        raise InvalidInput(errors={"by": [gettext("There is no such choice.")]})
    if mode and (not report.by_mode or mode not in MODES):
        raise InvalidInput(errors={"mode": [gettext("There is no such choice.")]})
    if carrier_id is not None and not report.by_carrier:
        raise InvalidInput(errors={"carrierID": [gettext("There is no such choice.")]})
    return Asked(
        over=_span(report, first, last, now),
        by=report.told_by(by),
        only=Only(rights.carriers(report.room, carrier_id), mode),
        now=now,
    )


def _span(report: Report, first: date | None, last: date | None, now: datetime) -> Span:
    length = timedelta(days=abs(report.days) - 1)
    if report.days < 0:
        first = first or (last - length if last else today(now=now))
        return span(first, last or first + length)
    last = last or (first + length if first and first > today(now=now) else today(now=now))
    return span(first or last - length, last)


# --- the reports ----------------------------------------------------------------------------------

_DAY, _MONTH, _MODE, _CARRIER = _("Day"), _("Month"), _("Mode"), _("Carrier")
_ROUTE, _CLASS, _METHOD, _SERVICE = _("Route"), _("Class"), _("Payment method"), _("Service")
_LEAD = _("Time before departure")
_WHAT = Column("label", "", TEXT)
_TICKETS = Column("tickets", _("Tickets sold"))
_CANCELLED = Column("cancelled", _("Cancelled"))
_SOLD = Column("sold", _("Sold for"), AMOUNT)
_BACK = Column("given_back", _("Given back"), AMOUNT)
_KEPT = Column("kept", _("Kept of cancelled tickets"), AMOUNT)
_PERSON = (
    Column("user_id", _("Account"), ACCOUNT),
    Column("name", _("Name"), TEXT),
    Column("contact", _("Contact"), TEXT),
    Column("city", _("City"), TEXT),
)


def _all(rows: Sequence[Any]) -> Found:
    return Found(rows, len(rows))


def _refunds(asked: Asked) -> Found:
    if asked.by == "lead":
        return _all(cancelling.refunds_by_lead(over=asked.over, only=asked.only))
    lines = revenue.revenue(by=asked.by, over=asked.over, only=asked.only)
    return _all([line for line in lines if line.cancelled or line.given_back])


def _people(found: tuple[int, Sequence[Any]]) -> Found:
    return Found(found[1], found[0])


_EVERY: tuple[Report, ...] = (
    Report(
        name="revenue",
        title=_("Revenue"),
        says=_(
            "What tickets were sold for, less what was given back for cancelled ones. It equals "
            "the ledger's accounts of carriers, fees and penalties."
        ),
        room=MONEY,
        by={
            "day": _DAY,
            "month": _MONTH,
            "mode": _MODE,
            "carrier": _CARRIER,
            "route": _ROUTE,
            "class": _CLASS,
            "method": _METHOD,
        },
        columns=(_WHAT, _TICKETS, _CANCELLED, _SOLD, _BACK, _KEPT, Column("net", _("Net"), AMOUNT)),
        drawn="net",
        run=lambda asked: _all(revenue.revenue(by=asked.by, over=asked.over, only=asked.only)),
    ),
    Report(
        name="refunds",
        title=_("Refunds"),
        says=_("How much of the price of cancelled tickets is given back."),
        room=MONEY,
        by={"lead": _LEAD, "route": _ROUTE, "carrier": _CARRIER},
        columns=(
            *(_WHAT, _CANCELLED, _BACK, _KEPT),
            Column("refund_share", _("Given back of the price"), SHARE),
        ),
        drawn="refund_share",
        run=_refunds,
    ),
    Report(
        name="tickets",
        title=_("Popular routes"),
        says=_("Tickets by route, from city to city, or by what else they are."),
        room=TRAFFIC,
        by={
            "route": _ROUTE,
            "carrier": _CARRIER,
            "mode": _MODE,
            "class": _CLASS,
            "day": _DAY,
            "month": _MONTH,
        },
        columns=(_WHAT, _TICKETS, _CANCELLED),
        drawn="tickets",
        run=lambda asked: _all(cancelling.tickets(by=asked.by, over=asked.over, only=asked.only)),
    ),
    Report(
        name="cancellations",
        title=_("Cancellations"),
        says=_("Tickets cancelled for each that was sold in the same days."),
        room=TRAFFIC,
        by={
            "route": _ROUTE,
            "carrier": _CARRIER,
            "mode": _MODE,
            "class": _CLASS,
            "day": _DAY,
            "month": _MONTH,
        },
        columns=(_WHAT, _TICKETS, _CANCELLED, Column("cancelled_share", _("Rate"), SHARE)),
        drawn="cancelled_share",
        run=lambda asked: _all(
            cancelling.tickets(
                by=asked.by, over=asked.over, only=asked.only, first=cancelling.CANCELLED
            )
        ),
    ),
    Report(
        name="lead-times",
        title=_("Lead times"),
        says=_("How long before their own departures tickets are sold and cancelled."),
        room=TRAFFIC,
        columns=(
            *(_WHAT, _TICKETS, Column("tickets_share", _("Of all sold"), SHARE)),
            *(_CANCELLED, Column("cancelled_share", _("Of all cancelled"), SHARE)),
            Column("minutes", _("Mean time to departure"), MINUTES),
        ),
        drawn="tickets_share",
        run=lambda asked: _all(cancelling.lead_times(over=asked.over, only=asked.only)),
    ),
    Report(
        name="holds",
        title=_("Holds"),
        says=_("Holds that began, and what became of those that ended on the same day."),
        room=TRAFFIC,
        columns=(
            *(_WHAT, Column("reserved", _("Began")), Column("paid", _("Paid"))),
            *(Column("released", _("Given up")), Column("expired", _("Expired"))),
            Column("conversion", _("Paid of those that ended"), SHARE),
            Column("expiry", _("Expired of those that ended"), SHARE),
        ),
        drawn="conversion",
        by_carrier=False,
        by_mode=False,
        run=lambda asked: _all(trends.trends(over=asked.over)),
    ),
    Report(
        name="occupancy",
        title=_("Occupancy"),
        says=_("Seat-kilometres that are taken, of those that departures of these days offer."),
        room=TRAFFIC,
        by={"day": _DAY, "mode": _MODE, "carrier": _CARRIER, "service": _SERVICE},
        columns=(
            *(_WHAT, Column("departures", _("Departures")), Column("seats", _("Seats"))),
            *(Column("taken", _("Seats taken")), Column("offered_km", _("Seat-km offered"))),
            Column("taken_km", _("Seat-km taken")),
            Column("occupancy", _("Occupancy"), SHARE),
        ),
        days=-14,
        drawn="occupancy",
        run=lambda asked: _all(
            traffic.occupancy(by=asked.by, over=asked.over, only=asked.only, now=asked.now)
        ),
    ),
    Report(
        name="no-shows",
        title=_("No-shows"),
        says=_("Passengers who did not come, of departures where tickets were scanned."),
        room=TRAFFIC,
        by={"day": _DAY, "mode": _MODE, "carrier": _CARRIER, "service": _SERVICE},
        columns=(
            *(_WHAT, Column("used", _("Came")), Column("missed", _("Did not come"))),
            Column("missed_share", _("Rate"), SHARE),
        ),
        drawn="missed_share",
        run=lambda asked: _all(traffic.no_shows(by=asked.by, over=asked.over, only=asked.only)),
    ),
    Report(
        name="reports",
        title=_("Passengers' reports"),
        says=_("What passengers report, and how long the first answer takes."),
        room=HELP,
        columns=(
            *(_WHAT, Column("reports", _("Reports")), Column("answered", _("Answered"))),
            *(Column("still_open", _("Open")), Column("answered_share", _("Answered"), SHARE)),
            Column("minutes", _("Mean time to the first answer"), MINUTES),
        ),
        drawn="reports",
        by_carrier=False,
        by_mode=False,
        run=lambda asked: _all(desk.reports_by_category(over=asked.over)),
    ),
    Report(
        name="answers",
        title=_("Answers by staff"),
        says=_("Who answers passengers' reports, and each one's share of all answers."),
        room=HELP,
        columns=(
            *(Column("name", _("Name"), TEXT), Column("answers", _("Answers"))),
            *(Column("reports", _("Reports")), Column("share", _("Of all answers"), SHARE)),
        ),
        drawn="share",
        by_carrier=False,
        by_mode=False,
        run=lambda asked: _all(desk.answers_by_staff(over=asked.over)),
    ),
    Report(
        name="users",
        title=_("Users"),
        says=_("Accounts that reserved, for the first time or again, and accounts opened."),
        room=PEOPLE,
        columns=(
            *(_WHAT, Column("active", _("Active")), Column("new", _("New"))),
            *(Column("returning", _("Returning")), Column("joined", _("Accounts opened"))),
        ),
        days=365,
        drawn="active",
        by_carrier=False,
        by_mode=False,
        run=lambda asked: _all(people.users_by_month(over=asked.over)),
    ),
    Report(
        name="top-customers",
        title=_("Top customers"),
        says=_("The accounts that paid most, less what they got back, in each currency."),
        room=PEOPLE,
        columns=(
            *(*_PERSON, _TICKETS, _CANCELLED),
            Column("net", _("Paid"), AMOUNT),
        ),
        by_carrier=False,
        by_mode=False,
        days=365,
        run=lambda asked: _all(people.top_customers(over=asked.over)),
    ),
    Report(
        name="cities",
        title=_("Users by city"),
        says=_("Where travellers live, and how many of them ever reserved."),
        room=PEOPLE,
        columns=(
            *(Column("city", _("City"), TEXT), Column("users", _("Users"))),
            Column("booked", _("Reserved once or more")),
        ),
        drawn="users",
        by_carrier=False,
        by_mode=False,
        has_span=False,
        run=lambda asked: _all(people.users_by_city()),
    ),
    Report(
        name="never-booked",
        title=_("Users who never reserved"),
        says=_("Travellers' accounts without any reservation, the newest first."),
        room=PEOPLE,
        columns=(*_PERSON, Column("joined_at", _("Since"), MOMENT)),
        by_carrier=False,
        by_mode=False,
        has_span=False,
        run=lambda asked: _people(people.never_booked()),
    ),
    Report(
        name="every-mode",
        title=_("Users of every mode"),
        says=_("Accounts that bought, and kept, tickets for flights, trains and coaches."),
        room=PEOPLE,
        columns=(*_PERSON, Column("joined_at", _("Since"), MOMENT)),
        by_carrier=False,
        by_mode=False,
        days=365,
        run=lambda asked: _people(people.used_every_mode(over=asked.over)),
    ),
)
REPORTS: dict[str, Report] = {report.name: report for report in _EVERY}
