"""Reads of the help desk: reports and their threads, and what staff look for among all rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import chain
from typing import Any

from django.db.models import Q, QuerySet, Value
from django.db.models.functions import Coalesce

from accounts import selectors as people
from accounts.models import known_as
from accounts.roles import ADMINISTRATOR, FINANCE, OPERATIONS, SUPPORT_AGENT
from accounts.viewers import Viewer
from bookings import selectors as bookings
from bookings.models import Coupon
from bookings.selectors import ReservationDetail
from inventory import selectors as inventory
from inventory.selectors import TicketFacts
from inventory.ticket_ids import MAX_TICKET_ID
from payments import selectors as payments
from payments.models import Payment, Refund
from payments.selectors import PaymentDetail
from support.models import Report, ReportMessage
from travel.common.errors import NotFound
from travel.common.ids import normal_email, normal_locator

State = Report.State

# The published words, in the order of the contract.
CATEGORIES: list[str] = list(Report.Category.values)
STATES: list[str] = list(State.values)
CATEGORY_CHOICES: list[tuple[str, Any]] = list(Report.Category.choices)

# A passenger comes back to a closed report within this time; later a new one is sent.
REOPEN_WITHIN = timedelta(days=30)
# Where staff may take a report. Only a passenger's message makes it wait again.
MOVES: dict[str, frozenset[str]] = {
    State.PENDING: frozenset({State.IN_PROGRESS, State.REVIEWED, State.CLOSED}),
    State.IN_PROGRESS: frozenset({State.REVIEWED, State.CLOSED}),
    State.REVIEWED: frozenset({State.IN_PROGRESS, State.CLOSED}),
    State.CLOSED: frozenset({State.IN_PROGRESS}),
}
# So long staff have for an answer, from the passenger's first message that has none.
ANSWER_WITHIN: dict[str, timedelta] = {
    Report.Category.PAYMENT: timedelta(days=2),
    Report.Category.DELAY: timedelta(days=2),
    Report.Category.CANCELLATION: timedelta(days=1),
    Report.Category.SEAT: timedelta(days=2),
    Report.Category.ACCESSIBILITY: timedelta(hours=4),
    Report.Category.OTHER: timedelta(days=3),
}
# What a role may do at the desk; whatever it is, a superuser may.
READ, ANSWER, CANCEL, CHANGE, GIVE = "read", "answer", "cancel", "change", "give"
# To look as a traveller sees it, and to book by phone (support.serving).
SERVE = "serve"
EVERY_POWER = frozenset({READ, ANSWER, CANCEL, CHANGE, GIVE, SERVE})
POWERS: dict[str, frozenset[str]] = {
    SUPPORT_AGENT: EVERY_POWER,
    ADMINISTRATOR: EVERY_POWER,
    # Goodwill is money: finance gives it too, and does nothing else for travellers.
    FINANCE: frozenset({READ, GIVE}),
    # Whoever runs the trains knows passengers by their seats, and no money.
    OPERATIONS: frozenset(),
}

# What payments that came to nothing are called in filters.
FAILED, VOIDED, REFUNDED = "failed", "voided", "refunded"
UNDONE = (FAILED, VOIDED, REFUNDED)


# --- who may --------------------------------------------------------------------------------------


def powers(*, roles: Iterable[str], is_superuser: bool) -> frozenset[str]:
    """Answer what staff of these roles may do at the desk."""
    if is_superuser:
        return EVERY_POWER
    return frozenset(power for role in roles for power in POWERS.get(role, ()))


# --- reports --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class MessageDetail:
    """
    A message of a thread. `author` is a first name; internal ones are for staff.

    `address` is the author's e-mail address, empty for whoever is not of the staff.

    It may have been written to a report that was merged into this one: `report_id` says to which.
    With an `event` it is no message but what staff did (ReportMessage.Event), `body` its words;
    what happened by itself has no author.
    """

    id: int
    report_id: int
    author_id: int | None
    author: str
    surname: str
    is_from_staff: bool
    is_internal: bool
    event: str
    body: str
    created_at: datetime
    address: str

    @property
    def known_as(self) -> str:
        """How colleagues call the author; empty where it happened by itself."""
        return known_as(self.author, self.surname, self.address)


@dataclass(frozen=True, slots=True)
class ReportDetail:
    """
    A report with its thread and those of the reports merged into it, the oldest message first.

    `waiting_since` and `due_at` are since when the passenger waits for an answer, and until when it
    is owed; both None while none is. One that is answered closes by itself at `closes_at`, unless
    somebody writes before. `helper` is the first name of who has it. A report that was
    merged is gone on with in `merged_into`.
    """

    id: int
    reservation_id: int
    locator: str
    ticket: TicketFacts
    user_id: int
    name: str
    email: str | None
    language: str
    category: str
    state: str
    assigned_to: str
    helper: str
    assigned_to_id: int | None
    merged_into: int | None
    created_at: datetime
    waiting_since: datetime | None
    due_at: datetime | None
    closes_at: datetime | None
    answered_at: datetime | None
    closed_at: datetime | None
    messages: list[MessageDetail]

    @property
    def text(self) -> str:
        """What the passenger first wrote."""
        return next((one.body for one in self.messages if one.report_id == self.id), "")

    @property
    def answer(self) -> str | None:
        """The latest answer that the passenger may read."""
        return next(
            (
                one.body
                for one in reversed(self.messages)
                if one.is_from_staff and not one.is_internal
            ),
            None,
        )

    @property
    def last_said(self) -> int:
        """The number of the latest message or note; what staff did does not count."""
        return max((one.id for one in self.messages if not one.event), default=0)

    def is_overdue(self, now: datetime) -> bool:
        """Say whether the time for an answer is over; at the very moment that it is due, it is."""
        return self.due_at is not None and self.due_at <= now

    @property
    def category_name(self) -> str:
        return str(Report.Category(self.category).label)

    @property
    def state_name(self) -> str:
        return str(State(self.state).label)


def get_report(*, viewer: Viewer, report_id: int) -> ReportDetail:
    """
    Answer one report; internal notes are in it for staff alone.

    :raises NotFound: there is none, or it is not this viewer's to see.
    """
    return _load([_row(viewer, report_id)], viewer)[0]


def get_report_and_reservation(
    *, viewer: Viewer, report_id: int, now: datetime
) -> tuple[ReportDetail, ReservationDetail]:
    """
    Answer one report with the reservation that it is about; see `get_report`.

    The tickets of both are read once.
    """
    row = _row(viewer, report_id)
    reservation = bookings.load([row.reservation], now=now)[0]
    return _load([row], viewer, tickets=reservation.tickets)[0], reservation


def list_reports(
    *,
    viewer: Viewer,
    status: str | None = None,
    category: str | None = None,
    user_id: int | None = None,
    reservation_id: int | None = None,
    offset: int = 0,
    limit: int = 20,
) -> tuple[int, list[ReportDetail]]:
    """Answer how many such reports the viewer may see, and a page of them, the newest first."""
    wanted = {
        "state": status,
        "category": category,
        "user_id": user_id,
        "reservation_id": reservation_id,
    }
    rows = visible_to(viewer).filter(
        **{name: value for name, value in wanted.items() if value is not None}
    )
    # The page is cut by the report's own index, before anything is joined to it.
    page = list(rows.order_by("-id").values_list("id", flat=True)[offset : offset + limit])
    return rows.count(), _load(list(_rows(viewer).filter(id__in=page).order_by("-id")), viewer)


def available_actions(report: ReportDetail, *, now: datetime) -> list[str]:
    """Answer what the passenger may do: what clients and pages draw their buttons from."""
    if report.merged_into is not None:
        return []
    if report.closed_at is None:
        return ["reply", "close"]
    return ["reply"] if now < report.closed_at + REOPEN_WITHIN else []


def desk_actions(report: ReportDetail) -> list[str]:
    """Answer what staff may do with a report: the states they may take it to."""
    if report.merged_into is not None:
        return []
    return ["respond", *(state for state in STATES if state in MOVES[report.state])]


def visible_to(viewer: Viewer) -> QuerySet[Report]:
    """Answer the reports that the viewer may see at all: staff all, a passenger the own ones."""
    if viewer.is_support:
        return Report.objects.all()
    if viewer.user_id is None:
        return Report.objects.none()
    return Report.objects.filter(user_id=viewer.user_id)


def _rows(viewer: Viewer) -> QuerySet[Report]:
    return visible_to(viewer).select_related("reservation", "user", "assigned_to")


def _row(viewer: Viewer, report_id: int) -> Report:
    row = None
    if 0 < report_id <= MAX_TICKET_ID:
        row = _rows(viewer).filter(id=report_id).first()
    if row is None:
        raise NotFound()
    return row


def _load(
    rows: Sequence[Report], viewer: Viewer, *, tickets: Mapping[int, TicketFacts] | None = None
) -> list[ReportDetail]:
    """
    Read threads and tickets of these reports, in a number of statements that is constant.

    Who knows the facts of their tickets gives them, and they are not read again.
    """
    if not rows:
        return []
    threads = _threads([row.pk for row in rows], with_internal=viewer.is_support)
    if tickets is None:
        tickets = inventory.describe_tickets({row.ticket_id for row in rows})
    return [
        ReportDetail(
            id=row.pk,
            reservation_id=row.reservation_id,
            locator=row.reservation.locator,
            ticket=tickets[row.ticket_id],
            user_id=row.user_id,
            name=row.user.full_name,
            email=row.user.email or row.reservation.contact_email,
            language=row.user.language,
            category=row.category,
            state=row.state,
            # A colleague without a name is called by the address, which travellers are not told.
            assigned_to=row.assigned_to.known_as if row.assigned_to and viewer.is_support else "",
            helper=row.assigned_to.first_name if row.assigned_to else "",
            assigned_to_id=row.assigned_to_id,
            merged_into=row.merged_into_id,
            created_at=row.created_at,
            waiting_since=row.waiting_since,
            due_at=row.due_at,
            closes_at=row.closes_at,
            answered_at=row.answered_at,
            closed_at=row.closed_at,
            messages=threads.get(row.pk, []),
        )
        for row in rows
    ]


def _threads(report_ids: Sequence[int], *, with_internal: bool) -> dict[int, list[MessageDetail]]:
    """Answer the messages of each report, with those of the reports that were merged into it."""
    threads: dict[int, list[MessageDetail]] = {one: [] for one in report_ids}
    meant = Report.objects.filter(Q(id__in=report_ids) | Q(merged_into__in=report_ids))
    rows = ReportMessage.objects.filter(report__in=meant.values("id"))
    if not with_internal:
        rows = rows.filter(is_internal=False)
    for *one, address, merged_into in rows.order_by("id").values_list(
        *("id", "report_id", "author_id", _of_author("first_name"), _of_author("last_name")),
        *("is_from_staff", "is_internal", "event", "body", "created_at"),
        *(_of_author("email"), "report__merged_into"),
    ):
        columns = [*one, address if with_internal else ""]
        message = MessageDetail(*columns)
        for report_id in (message.report_id, merged_into):
            if report_id in threads:
                threads[report_id].append(message)
    return threads


def _of_author(name: str) -> Coalesce:
    # Text of a variable length, as the column is: MariaDB gives back what is neither as bytes.
    return Coalesce(f"author__{name}", Value(""))


# --- what staff look for --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ReservationFilter:
    """
    What narrows the list of all reservations; each is answered by an index.

    Days are UTC days, both counted in. `email` is the reservation's contact or its holder's.
    """

    status: str | None = None
    locator: str | None = None
    reservation_id: int | None = None
    user_id: int | None = None
    email: str | None = None
    ticket_id: int | None = None
    departure_id: int | None = None
    created_from: date | None = None
    created_to: date | None = None


def list_reservations(
    *,
    viewer: Viewer,
    filters: ReservationFilter,
    now: datetime,
    offset: int = 0,
    limit: int = 20,
) -> tuple[int, list[ReservationDetail]]:
    """Answer how many reservations the filters leave, and a page of them, the newest first."""
    rows = bookings.visible_to(viewer).filter(_reservations_wanted(filters, now))
    page = list(rows.order_by("-created_at", "-id")[offset : offset + limit])
    return rows.count(), bookings.load(page, now=now)


def _reservations_wanted(filters: ReservationFilter, now: datetime) -> Q:
    wanted = _created(filters.created_from, filters.created_to)
    if filters.status is not None:
        wanted &= bookings.with_status(filters.status, now)
    if filters.locator is not None:
        wanted &= Q(locator=normal_locator(filters.locator)[:6])
    if filters.reservation_id is not None:
        wanted &= Q(id=filters.reservation_id)
    if filters.user_id is not None:
        wanted &= Q(user_id=filters.user_id)
    if filters.email is not None:
        wanted &= Q(contact_email=normal_email(filters.email)) | _of_holder(filters.email)
    coupons = _coupons_wanted(filters)
    if coupons is not None:
        wanted &= Q(id__in=coupons.values("passenger__reservation_id"))
    return wanted


def _of_holder(email: str) -> Q:
    # Looked up first: two columns of one table are searched by their indexes, a join is not.
    user = people.find_by_email(email=email)
    return Q(user_id=user.pk) if user is not None else Q()


def _coupons_wanted(filters: ReservationFilter) -> QuerySet[Coupon] | None:
    if filters.ticket_id is None and filters.departure_id is None:
        return None
    rows = Coupon.objects.all()
    if filters.ticket_id is not None:
        rows = rows.filter(ticket_id=filters.ticket_id)
    if filters.departure_id is not None:
        rows = rows.filter(ticket__departure_id=filters.departure_id)
    return rows


@dataclass(frozen=True, slots=True)
class PaymentFilter:
    """What narrows the list of payments that came to nothing. Days are UTC days."""

    status: str | None = None
    method: str | None = None
    locator: str | None = None
    reservation_id: int | None = None
    user_id: int | None = None
    created_from: date | None = None
    created_to: date | None = None


@dataclass(frozen=True, slots=True)
class UndonePayment:
    """A payment that failed, was voided or refunded, with whose reservation it was for."""

    payment: PaymentDetail
    status: str
    locator: str
    user_id: int | None
    contact_email: str | None


def list_undone_payments(
    *, viewer: Viewer, filters: PaymentFilter, offset: int = 0, limit: int = 20
) -> tuple[int, list[UndonePayment]]:
    """
    Answer how many payments failed, were voided or refunded, and a page of them, newest first.

    A payment counts as refunded once a refund of it is written down, whole or in part.
    """
    if not viewer.is_support:
        return 0, []
    kinds = UNDONE if filters.status is None else (filters.status,)
    wanted = _payments_wanted(filters)
    # No payment is of two kinds, so that each kind is counted and read by its own index.
    parts = [Payment.objects.filter(_of_kind(kind), wanted) for kind in kinds]
    newest = [part.order_by("-id").values_list("id", flat=True) for part in parts]
    page = sorted(chain(*(ids[: offset + limit] for ids in newest)), reverse=True)[
        offset : offset + limit
    ]
    details = payments.get_payments(page)
    holders = (
        Payment.objects.filter(id__in=page)
        .order_by("-id")
        .values_list(
            *("id", "reservation__locator", "reservation__user_id", "reservation__contact_email")
        )
    )
    return sum(part.count() for part in parts), [
        _undone(details[payment_id], *rest) for payment_id, *rest in holders
    ]


def _undone(
    payment: PaymentDetail, locator: str, user_id: int | None, email: str | None
) -> UndonePayment:
    return UndonePayment(
        payment=payment,
        status=payment.state if payment.state in (FAILED, VOIDED) else REFUNDED,
        locator=locator,
        user_id=user_id,
        contact_email=email,
    )


def _of_kind(kind: str) -> Q:
    if kind == REFUNDED:
        return Q(state=Payment.State.CAPTURED, id__in=Refund.objects.values("payment_id"))
    return Q(state=kind)


def _payments_wanted(filters: PaymentFilter) -> Q:
    wanted = _created(filters.created_from, filters.created_to)
    if filters.method is not None:
        wanted &= Q(method=filters.method)
    if filters.locator is not None:
        wanted &= Q(reservation__locator=normal_locator(filters.locator)[:6])
    if filters.reservation_id is not None:
        wanted &= Q(reservation_id=filters.reservation_id)
    if filters.user_id is not None:
        wanted &= Q(reservation__user_id=filters.user_id)
    return wanted


def _created(first: date | None, last: date | None) -> Q:
    wanted = Q()
    if first is not None:
        wanted &= Q(created_at__gte=datetime.combine(first, time.min, UTC))
    if last is not None:
        wanted &= Q(created_at__lt=datetime.combine(last + timedelta(days=1), time.min, UTC))
    return wanted
