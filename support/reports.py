"""
What the reports desk reads: the queue and its tabs, who answers, canned replies, other reports.

What is owed comes first, by when it is due; then what is being worked on without owing an answer.
Each list goes by an index that carries its order (support.models.reports).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Left
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User, known_as
from accounts.viewers import Viewer
from bookings.models import Reservation
from inventory.selectors import TicketFacts
from support.models import CannedReply, Report, ReportMessage
from support.selectors import ANSWER, POWERS, ReportDetail, State, visible_to
from travel.common import sql
from travel.common.calendars import write_day
from travel.common.ids import normal_email, normal_locator
from travel.common.locales import reader_locale

PER_PAGE = 50
# Lists and counts end here; a search or a filter finds the rest.
MOST_ROWS = 10_000
# So many rows of another table may lead to the reports searched for.
MOST_RELATED = 200
# So many of a passenger's other reports are shown beside one.
MOST_OTHERS = 20
MOST_REPLIES = 200
PREVIEW = 160
BIGGEST_ID = 2**53 - 1

MINE, FREE, OPEN, OVERDUE, ANSWERED, CLOSED = TABS = (
    "mine",
    "free",
    "open",
    "overdue",
    "answered",
    "closed",
)


# --- the queue ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class QueueRow:
    """A report in the queue. `is_new`: the passenger wrote, and nobody has touched it since."""

    id: int
    category_name: str
    state: str
    state_name: str
    name: str
    locator: str
    service: str
    mode: str
    carrier: str
    origin: str
    destination: str
    assigned_to_id: int | None
    assigned_to: str
    merged_into: int | None
    created_at: datetime
    waiting_since: datetime | None
    due_at: datetime | None
    closes_at: datetime | None
    is_overdue: bool
    is_new: bool
    preview: str


def _owed() -> Q:
    return Q(due_at__isnull=False)


def _worked_on() -> Q:
    """What owes no answer and yet waits for nobody but the office."""
    return Q(due_at__isnull=True, state__in=[State.PENDING, State.IN_PROGRESS])


def _answered() -> Q:
    return Q(due_at__isnull=True, state=State.REVIEWED)


_COUNTS = """
SELECT COUNT(*), SUM(assigned_to_id = %s), SUM(assigned_to_id IS NULL), SUM(due_at <= %s)
FROM {reports} due_at IS NOT NULL
UNION ALL
SELECT COUNT(*), SUM(assigned_to_id = %s), SUM(assigned_to_id IS NULL), 0
FROM {reports} due_at IS NULL AND report.state IN ('Pending', 'In Progress')
UNION ALL
SELECT COUNT(*), 0, 0, 0 FROM (
    SELECT report.id FROM {reports} report.state = 'Reviewed' AND due_at IS NULL
    LIMIT %s) answered
UNION ALL
SELECT COUNT(*), 0, 0, 0 FROM (
    SELECT report.id FROM {reports} report.state = 'Closed' LIMIT %s) closed
"""
_SERVICE = (
    " JOIN inventory_ticket ticket ON ticket.id = report.ticket_id"
    " JOIN inventory_departure departure ON departure.id = ticket.departure_id"
    " JOIN inventory_service service ON service.id = departure.service_id"
)


@dataclass(frozen=True, slots=True)
class Narrow:
    """What of the queue is shown: a category, what one travels with, a carrier's departures."""

    category: str = ""
    mode: str = ""
    carrier_id: int | None = None

    def __bool__(self) -> bool:
        return self != Narrow()


EVERYTHING = Narrow()


def counts(*, viewer: Viewer, now: datetime, narrow: Narrow = EVERYTHING) -> dict[str, int]:
    """
    Answer how many reports each tab has, in one statement; of what is answered or closed at most
    10,001. Whoever is no staff has none.
    """
    if not viewer.is_support:
        return dict.fromkeys(TABS, 0)
    narrowed, given = _narrowed(narrow)
    me, most = viewer.user_id, MOST_ROWS + 1
    values = [me, now, *given, me, *given, *given, most, *given, most]
    found = sql.rows(_COUNTS.format(reports=narrowed), values)
    owed, worked_on, answered, closed = ([int(number or 0) for number in row] for row in found)
    return {
        MINE: owed[1] + worked_on[1],
        FREE: owed[2] + worked_on[2],
        OPEN: owed[0] + worked_on[0],
        OVERDUE: owed[3],
        ANSWERED: answered[0],
        CLOSED: closed[0],
    }


def _narrowed(narrow: Narrow) -> tuple[str, list[Any]]:
    """Write what is counted, up to where a condition of a tab's own stands, and its values."""
    wanted = {
        "report.category = %s AND": narrow.category or None,
        "service.mode = %s AND": narrow.mode or None,
        "service.carrier_id = %s AND": narrow.carrier_id,
    }
    given = {text: value for text, value in wanted.items() if value is not None}
    joined = _SERVICE if any(text.startswith("service.") for text in given) else ""
    return " ".join([f"support_report report{joined} WHERE", *given]), list(given.values())


def queue(
    *,
    viewer: Viewer,
    tab: str,
    now: datetime,
    narrow: Narrow = EVERYTHING,
    offset: int = 0,
    limit: int = PER_PAGE,
) -> list[QueueRow]:
    """
    Answer a page of a tab.

    What waits for the office begins with what is due first, so with what is overdue; what is
    answered or closed with the newest.
    """
    rows = visible_to(viewer)
    if narrow.category:
        rows = rows.filter(category=narrow.category)
    if narrow.mode:
        rows = rows.filter(ticket__departure__service__mode=narrow.mode)
    if narrow.carrier_id is not None:
        rows = rows.filter(ticket__departure__service__carrier=narrow.carrier_id)
    ids = _cut(_parts(rows, tab, viewer, now), offset, limit)
    return _rows(ids, now)


def _parts(
    rows: QuerySet[Report], tab: str, viewer: Viewer, now: datetime
) -> list[QuerySet[Report]]:
    """Answer the lists that a tab is made of, one after the other, each in its order."""
    if tab == OVERDUE:
        return [rows.filter(due_at__lte=now).order_by("due_at", "id")]
    if tab == ANSWERED:
        return [rows.filter(_answered()).order_by("-id")]
    if tab == CLOSED:
        return [rows.filter(state=State.CLOSED).order_by("-id")]
    if tab == MINE:
        rows = rows.filter(assigned_to=viewer.user_id)
    elif tab == FREE:
        rows = rows.filter(assigned_to__isnull=True)
    return [
        rows.filter(_owed()).order_by("due_at", "id"),
        rows.filter(_worked_on()).order_by("id"),
    ]


def _cut(parts: Sequence[QuerySet[Report]], offset: int, limit: int) -> list[int]:
    """Answer a page of ids of lists that follow one another."""
    found: list[int] = []
    for part in parts:
        ids = list(part.values_list("id", flat=True)[offset : offset + limit - len(found)])
        found += ids
        if len(found) == limit:
            break
        # A page that begins behind this list begins so much further on in the next one.
        offset = max(0, offset - part.order_by().count()) if offset and not ids else 0
    return found


def find(*, viewer: Viewer, text: str, now: datetime, limit: int = PER_PAGE) -> list[QueueRow]:
    """
    Answer the reports of a number, a booking code or an e-mail address, the newest first.

    An address is the passenger's or the reservation's contact. What is none of these finds nothing.
    """
    wanted = Q(pk__in=[])
    text = text.strip().lstrip("#")
    if text.isascii() and text.isdigit() and len(text) < 17 and int(text) <= BIGGEST_ID:
        wanted |= Q(pk=int(text))
    if "@" in text:
        email = normal_email(text)
        people = User.objects.filter(email=email).values_list("id", flat=True)
        booked = Reservation.objects.filter(contact_email=email).order_by("-id")
        wanted |= Q(user_id__in=list(people)) | _about(booked)
    elif len(code := normal_locator(text)) == 6:
        wanted |= _about(Reservation.objects.filter(locator=code).order_by("-id"))
    ids = visible_to(viewer).filter(wanted).order_by("-id").values_list("id", flat=True)[:limit]
    return _rows(list(ids), now)


def _about(booked: QuerySet[Reservation]) -> Q:
    # Looked up first: a condition over several tables has no index.
    return Q(reservation_id__in=list(booked.values_list("id", flat=True)[:MOST_RELATED]))


def _rows(ids: Sequence[int], now: datetime) -> list[QueueRow]:
    """Read what the queue shows of these reports, in their order, in one statement."""
    thread = ReportMessage.objects.filter(report=OuterRef("pk")).order_by("-id")
    written = thread.filter(is_from_staff=False).annotate(short=Left("body", PREVIEW))
    found = Report.objects.select_related(
        *("user", "reservation", "assigned_to", "ticket__departure__service__carrier"),
        *("ticket__from_call__station", "ticket__to_call__station"),
    ).annotate(
        last_is_from_staff=Subquery(thread.values("is_from_staff")[:1]),
        preview=Subquery(written.values("short")[:1]),
    )
    by_id = {row.pk: _row(row, now) for row in found.filter(id__in=ids)}
    return [by_id[one] for one in ids if one in by_id]


def _row(row: Any, now: datetime) -> QueueRow:
    service = row.ticket.departure.service
    return QueueRow(
        id=row.pk,
        category_name=str(row.get_category_display()),
        state=row.state,
        state_name=str(row.get_state_display()),
        name=row.user.full_name,
        locator=row.reservation.locator,
        service=service.number,
        mode=service.mode,
        carrier=service.carrier.name,
        origin=row.ticket.from_call.station.name,
        destination=row.ticket.to_call.station.name,
        assigned_to_id=row.assigned_to_id,
        assigned_to=row.assigned_to.known_as if row.assigned_to else "",
        merged_into=row.merged_into_id,
        created_at=row.created_at,
        waiting_since=row.waiting_since,
        due_at=row.due_at,
        closes_at=row.closes_at,
        is_overdue=row.due_at is not None and row.due_at <= now,
        is_new=row.last_is_from_staff is False or row.last_is_from_staff == 0,
        preview=row.preview or "",
    )


# --- who answers ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Colleague:
    """Somebody of the staff who answers reports."""

    id: int
    name: str


def answering_staff() -> list[Colleague]:
    """List whom a report may be given to: active staff who may answer, by name."""
    rows = (
        User.objects.filter(is_staff=True, is_active=True)
        .filter(Q(is_superuser=True) | Q(groups__name__in=_answering_roles()))
        .distinct()
        .order_by("last_name", "first_name", "id")
    )
    return [Colleague(row.pk, row.known_as) for row in rows]


def _answering_roles() -> list[str]:
    return [role for role, may in POWERS.items() if ANSWER in may]


# --- what else the passenger reported -------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OtherReport:
    """Another report of the same passenger. `may_join`: this one may be merged into it."""

    id: int
    category_name: str
    state: str
    state_name: str
    locator: str
    created_at: datetime
    merged_into: int | None
    may_join: bool


def other_reports(report: ReportDetail) -> list[OtherReport]:
    """List the same passenger's other reports, the newest first, at most twenty."""
    rows = Report.objects.filter(user_id=report.user_id).exclude(id=report.id).order_by("-id")
    columns = ("id", "category", "state", "reservation__locator", "created_at", "merged_into")
    return [_other(report, *row) for row in rows.values_list(*columns)[:MOST_OTHERS]]


def _other(
    report: ReportDetail,
    number: int,
    category: str,
    state: str,
    locator: str,
    created_at: datetime,
    merged_into: int | None,
) -> OtherReport:
    return OtherReport(
        id=number,
        category_name=str(Report.Category(category).label),
        state=state,
        state_name=str(State(state).label),
        locator=locator,
        created_at=created_at,
        merged_into=merged_into,
        may_join=report.merged_into is None and state != State.CLOSED,
    )


# --- beside a report ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ReplyTitle:
    """A canned reply as it is chosen."""

    pk: int
    title: str
    language: str
    category: str


Reply = CannedReply | ReplyTitle
AnyReply = TypeVar("AnyReply", CannedReply, ReplyTitle)


@dataclass(frozen=True, slots=True)
class Choices:
    """What stands beside a report to choose from; see the functions of the same names."""

    others: list[OtherReport]
    replies: list[ReplyTitle]
    colleagues: list[Colleague]


# Every part has the columns number, three texts, when, and another number.
_CHOICES = """
SELECT 0, found.* FROM (
    SELECT report.id, report.category, report.state, booked.locator, report.created_at,
           report.merged_into_id
    FROM support_report report JOIN bookings_reservation booked ON booked.id = report.reservation_id
    WHERE report.user_id = %s AND report.id <> %s ORDER BY report.id DESC LIMIT %s) found
UNION ALL
SELECT 1, found.* FROM (
    SELECT id, title, language, category, NULL AS at, NULL AS other FROM support_cannedreply
    WHERE category IN ('', %s) ORDER BY title, language, id LIMIT %s) found
UNION ALL
SELECT 2, person.id, person.first_name, person.last_name, COALESCE(person.email, ''), NULL, NULL
FROM accounts_user person
WHERE person.is_staff = %s AND person.is_active = %s AND (person.is_superuser = %s OR person.id IN (
    SELECT member.user_id FROM accounts_user_groups member
    JOIN auth_group role ON role.id = member.group_id WHERE role.name IN ({roles})))
"""


def choices(report: ReportDetail) -> Choices:
    """Answer what a report's page offers to choose from, in one statement."""
    roles = _answering_roles()
    parts: dict[int, list[tuple[Any, ...]]] = {0: [], 1: [], 2: []}
    for part, *row in sql.rows(
        _CHOICES.format(roles=sql.marks(len(roles))),
        [
            *(report.user_id, report.id, MOST_OTHERS),
            *(report.category, MOST_REPLIES),
            *(True, True, True, *roles),
        ],
    ):
        parts[int(part)].append(tuple(row))
    others = [[*row[:4], sql.moment(row[4]), row[5]] for row in sorted(parts[0], reverse=True)]
    staff = sorted(parts[2], key=lambda row: (row[2], row[1], row[0]))
    return Choices(
        others=[_other(report, *row) for row in others],
        replies=_offered(report, [ReplyTitle(*row[:4]) for row in parts[1]]),
        colleagues=[Colleague(row[0], known_as(*row[1:4])) for row in staff],
    )


# --- canned replies -------------------------------------------------------------------------------

# What may stand in braces in a canned reply, and what is put there.
PLACEHOLDERS: dict[str, Any] = {
    "name": gettext_lazy("the passenger's name"),
    "locator": gettext_lazy("the booking code"),
    "journey": gettext_lazy("from where to where"),
    "day": gettext_lazy("the day of travel"),
    "service": gettext_lazy("the number of the train, flight or coach"),
    "carrier": gettext_lazy("the carrier"),
    "report": gettext_lazy("the number of the report"),
    "agent": gettext_lazy("the first name of who answers"),
}
_IN_BRACES = re.compile(r"\{([^{}]*)\}")


def unknown_placeholders(body: str) -> list[str]:
    """Answer what stands in braces in a text and cannot be filled in."""
    return [found for found in _IN_BRACES.findall(body) if found not in PLACEHOLDERS]


def canned_replies(report: ReportDetail) -> list[CannedReply]:
    """
    List the replies that are offered for a report.

    Those in its passenger's language come first, then those for its category before those for all.
    """
    rows = CannedReply.objects.filter(category__in=["", report.category])
    return _offered(report, rows.order_by("title", "language", "id")[:MOST_REPLIES])


def _offered(report: ReportDetail, replies: Iterable[AnyReply]) -> list[AnyReply]:
    return sorted(
        replies, key=lambda row: (row.language != report.language, row.category == "", row.title)
    )


def fill_in(reply: CannedReply, *, report: ReportDetail, agent: str) -> str:
    """
    Write a canned reply out for a report, in the reply's language.

    In one go: what a name happens to contain in braces is not filled in again. `agent` is the first
    name of who answers; travellers read of the support desk where it is empty.
    """
    with translation.override(reply.language):
        words = _words(report, agent)
        return _IN_BRACES.sub(lambda found: words.get(found[1], found[0]), reply.body)


def _words(report: ReportDetail, agent: str) -> dict[str, str]:
    ticket = report.ticket
    leaves = ticket.departs_at.astimezone(ZoneInfo(ticket.origin.station.tz))
    return {
        "name": report.name,
        "locator": report.locator,
        "journey": _journey(ticket),
        "day": write_day(leaves.date(), "yMMMMd", reader_locale()),
        "service": ticket.service.number,
        "carrier": ticket.service.carrier_name,
        "report": str(report.id),
        "agent": agent or _("the support desk"),
    }


def _journey(ticket: TicketFacts) -> str:
    language = translation.get_language() or settings.LANGUAGE_CODE
    return _("%(origin)s to %(destination)s") % {
        "origin": ticket.origin.city.name_in(language),
        "destination": ticket.destination.city.name_in(language),
    }
