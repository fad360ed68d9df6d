"""Reads of the departures desk: departures of a day, whom a change concerns, and how jobs go on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Sum

from bookings.disruption import LONG_DELAYS
from bookings.engine import reseating
from bookings.models import (
    Coupon,
    Passenger,
    PriceLine,
    Reservation,
    ReservationEvent,
    SeatBlock,
    Unseated,
)
from bookings.services import telling
from inventory.models import Call, Departure, PendingChange, Seat
from inventory.reach import Reach
from support.models import DeskEntry, DisruptionItem, DisruptionJob
from travel.common.errors import NotFound
from travel.common.money import Money

LIVE = (Reservation.State.HELD, Reservation.State.PAID)
BOOKED = (Coupon.State.OPEN, Coupon.State.USED, Coupon.State.NO_SHOW)
# A day of one carrier has hundreds of departures; a page shows so many.
PER_PAGE = 50
MOST_QUEUED = 200


# --- departures -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Row:
    """A departure in the list of a day."""

    departure: Departure
    first: Call
    last: Call
    delay: timedelta
    skipped: int
    people: int
    waiting: int
    changes: int

    @property
    def delay_minutes(self) -> int:
        """The largest delay that is expected at any call, in minutes."""
        return self.delay // timedelta(minutes=1)


def departures(
    *,
    reach: Reach,
    day: date,
    number: str = "",
    only_disrupted: bool = False,
    offset: int = 0,
    limit: int = PER_PAGE,
) -> tuple[int, list[Row]]:
    """
    Answer how many departures of a day there are, and a page of them in the order of their time.

    `number` is the beginning of a service's number. Those that a newer timetable has replaced are
    left out.
    """
    rows = reach.narrow(
        Departure.objects.filter(travel_date=day).exclude(
            state__in=[Departure.State.REPLACED, Departure.State.WITHDRAWN]
        ),
        "service__carrier",
    )
    if number:
        # Codes are compared byte by byte; people type them in small letters too.
        rows = rows.filter(
            Q(service__number__startswith=number) | Q(service__number__startswith=number.upper())
        )
    if only_disrupted:
        rows = rows.filter(_is_disrupted())
    first_call = Call.objects.filter(departure=OuterRef("pk"), position=0)
    page = (
        rows.select_related("service__carrier", "vehicle")
        .annotate(starts_at=first_call.values("departs_at")[:1])
        .order_by("starts_at", "id")[offset : offset + limit]
    )
    return rows.count(), _rows(list(page))


def _is_disrupted() -> Q:
    calls = Call.objects.filter(departure=OuterRef("pk")).filter(
        Q(is_skipped=True)
        | Q(expected_departs_at__isnull=False)
        | Q(expected_arrives_at__isnull=False)
    )
    return (
        Q(state=Departure.State.CANCELLED)
        | Q(sales_closed_at__isnull=False)
        | Q(Exists(calls))
        | Q(Exists(PendingChange.objects.filter(departure=OuterRef("pk"), settled_at=None)))
        | Q(Exists(Unseated.objects.filter(departure=OuterRef("pk"))))
    )


def _rows(found: Sequence[Departure]) -> list[Row]:
    ids = [one.pk for one in found]
    calls: dict[int, list[Call]] = {one: [] for one in ids}
    for call in (
        Call.objects.filter(departure_id__in=ids)
        .select_related("station")
        .order_by("departure_id", "position")
    ):
        calls[call.departure_id].append(call)
    people = _counted(booked_coupons().filter(ticket__departure_id__in=ids))
    waiting: Counter[int] = Counter(
        reseating.waiting(Unseated.objects.filter(departure_id__in=ids)).values_list(
            "departure_id", flat=True
        )
    )
    changes = Counter(
        PendingChange.objects.filter(departure_id__in=ids, settled_at=None).values_list(
            "departure_id", flat=True
        )
    )
    return [
        Row(
            departure=one,
            first=calls[one.pk][0],
            last=calls[one.pk][-1],
            delay=max((delay_of(call) for call in calls[one.pk]), default=timedelta(0)),
            skipped=sum(call.is_skipped for call in calls[one.pk]),
            people=people.get(one.pk, 0),
            waiting=waiting[one.pk],
            changes=changes[one.pk],
        )
        for one in found
        if calls[one.pk]
    ]


def _counted(coupons: QuerySet[Coupon]) -> dict[int, int]:
    return dict(
        coupons.order_by()
        .values_list("ticket__departure_id")
        .annotate(people=Count("id"))
        .values_list("ticket__departure_id", "people")
    )


def delay_of(call: Call) -> timedelta:
    """Answer how much later than planned a call is expected, whichever of its times is later."""
    pairs = [
        (call.expected_arrives_at, call.arrives_at),
        (call.expected_departs_at, call.departs_at),
    ]
    return max(
        (expected - planned for expected, planned in pairs if expected and planned),
        default=timedelta(0),
    )


def get_departure(*, reach: Reach, departure_id: int) -> Departure:
    """
    Answer a departure with its service, carrier and vehicle.

    :raises NotFound: there is none, or it is another carrier's.
    """
    rows = reach.narrow(Departure.objects.all(), "service__carrier")
    row = (
        rows.select_related("service__carrier", "vehicle__seat_map").filter(pk=departure_id).first()
    )
    if row is None:
        raise NotFound()
    return row


def calls_of(departure_id: int) -> list[Call]:
    """Answer the calls of a departure, in order, with their stations."""
    return list(
        Call.objects.filter(departure_id=departure_id)
        .select_related("station")
        .order_by("position")
    )


def where_ended(calls: Sequence[Call], now: datetime) -> tuple[Call, datetime] | None:
    """
    Answer the call where a departure has ended by now, and when, as far as is known.

    That is the last of its calls that is not left out. None while it is ahead, or on its way.
    """
    for call in reversed(calls):
        if not call.is_skipped:
            ended_at = call.expected_arrives_at or call.arrives_at
            return (call, ended_at) if ended_at is not None and ended_at <= now else None
    return None


# --- whom it concerns -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Concern:
    """
    Which part of a departure a change is about.

    `only_at`: whoever boards or alights at one of these calls. `boarding_at`: whoever boards there.
    `after`: whoever has not alighted before that call. With none of them everybody.
    """

    only_at: tuple[int, ...] = ()
    boarding_at: int | None = None
    after: int | None = None

    def narrow(self, coupons: QuerySet[Coupon], departure_id: int) -> QuerySet[Coupon]:
        """Answer the coupons of the departure that are concerned."""
        base = departure_id * 64
        rows = coupons.filter(ticket__departure_id=departure_id)
        if self.only_at:
            calls = [base + position for position in self.only_at]
            rows = rows.filter(Q(ticket__from_call_id__in=calls) | Q(ticket__to_call_id__in=calls))
        if self.boarding_at is not None:
            rows = rows.filter(ticket__from_call_id=base + self.boarding_at)
        if self.after is not None:
            lowest = base + max(self.after, 1)
            rows = rows.filter(ticket__to_call_id__gte=lowest)
        return rows


EVERYBODY = Concern()


@dataclass(frozen=True, slots=True)
class Numbers:
    """
    What a change means in numbers, as the page before it says.

    `used` and `missed` are how many of the passengers were let in, and never came.
    """

    passengers: int
    reservations: int
    paid: int
    held: int
    unreachable: int
    guests: int
    price: list[Money]
    used: int = 0
    missed: int = 0


def open_coupons() -> QuerySet[Coupon]:
    """Answer the open coupons of live reservations."""
    return Coupon.objects.filter(state=Coupon.State.OPEN, passenger__reservation__state__in=LIVE)


def booked_coupons() -> QuerySet[Coupon]:
    """Answer the coupons of live reservations that are open, and those used or missed."""
    return Coupon.objects.filter(state__in=BOOKED, passenger__reservation__state__in=LIVE)


def told_of_delay(departure_id: int, *, position: int, minutes: int, now: datetime) -> set[int]:
    """
    Answer the paid reservations that are told when a departure is late from a call on.

    The rule of bookings.services.telling, for all in one go: whoever was told nothing yet, or of
    times that are ten minutes off, or may choose anew now. Connections that break stand outside.
    """
    calls = {call.pk: call for call in calls_of(departure_id)}
    late = {
        call.pk: minutes if call.position >= position else _leaves_late(call)
        for call in calls.values()
    }
    rows = list(
        Concern(after=position)
        .narrow(open_coupons(), departure_id)
        .filter(passenger__reservation__state=Reservation.State.PAID)
        .order_by()
        .values_list(
            "passenger__reservation_id",
            "ticket_id",
            "ticket__from_call_id",
            "ticket__to_call_id",
            "ticket__from_call__departure__service__mode",
        )
        .distinct()
    )
    known = _last_told({row[0] for row in rows})
    told = set()
    for reservation_id, ticket_id, origin, destination, mode in rows:
        arrives_at = calls[destination].arrives_at
        if arrives_at is None or arrives_at + timedelta(minutes=minutes) <= now:
            continue
        kind, details = known.get((reservation_id, ticket_id), ("", {}))
        is_off = kind == ReservationEvent.Kind.CALLED_OFF
        before = {} if is_off else details
        moved = timedelta(
            minutes=max(
                abs(late[origin] - int(before.get("leaves_late", 0))),
                abs(minutes - int(before.get("arrives_late", 0))),
            )
        )
        longest = timedelta(minutes=max(late[origin], minutes))
        may_choose = longest >= LONG_DELAYS[mode] and not before.get("may_choose", False)
        if is_off or moved >= telling.STEP or (moved and may_choose):
            told.add(reservation_id)
    return told


def _leaves_late(call: Call) -> int:
    if call.expected_departs_at is None or call.departs_at is None:
        return 0
    return (call.expected_departs_at - call.departs_at) // timedelta(minutes=1)


def _last_told(reservation_ids: Collection[int]) -> dict[tuple[int, int], tuple[str, Any]]:
    """Answer what reservations were told last of each of their tickets: the kind, and the rest."""
    rows = ReservationEvent.objects.filter(
        reservation_id__in=reservation_ids,
        kind__in=[ReservationEvent.Kind.DELAYED, ReservationEvent.Kind.CALLED_OFF],
    ).order_by("id")
    return {
        (reservation_id, details.get("ticket", 0)): (kind, details)
        for reservation_id, kind, details in rows.values_list("reservation_id", "kind", "details")
    }


def numbers(
    departure_id: int,
    concern: Concern = EVERYBODY,
    *,
    past: bool = False,
    only: Collection[int] | None = None,
) -> Numbers:
    """
    Answer how many people a change concerns, and what they have paid for it.

    With `past` those count whose tickets are used or missed, too: no change concerns them any more.
    `only` counts these reservations alone.
    """
    coupons = concern.narrow(booked_coupons() if past else open_coupons(), departure_id)
    if only is not None:
        coupons = coupons.filter(passenger__reservation_id__in=only)
    people = coupons.aggregate(
        every=Count("id"),
        used=Count("id", filter=Q(state=Coupon.State.USED)),
        missed=Count("id", filter=Q(state=Coupon.State.NO_SHOW)),
    )
    found = Reservation.objects.filter(
        id__in=coupons.order_by().values("passenger__reservation_id")
    ).aggregate(
        every=Count("id"),
        paid=Count("id", filter=Q(state=Reservation.State.PAID)),
        unreachable=Count("id", filter=Q(contact_email=None, contact_phone=None)),
        guests=Count("id", filter=Q(user=None)),
    )
    paid = coupons.filter(passenger__reservation__state=Reservation.State.PAID)
    prices = (
        PriceLine.objects.filter(coupon__in=paid.order_by().values("id"))
        .order_by()
        .values_list("coupon__passenger__reservation__currency_id")
        .annotate(total=Sum("amount_minor"))
    )
    return Numbers(
        passengers=people["every"],
        reservations=found["every"],
        paid=found["paid"],
        held=found["every"] - found["paid"],
        unreachable=found["unreachable"],
        guests=found["guests"],
        price=[Money(minor, currency) for currency, minor in sorted(prices)],
        used=people["used"],
        missed=people["missed"],
    )


@dataclass(frozen=True, slots=True)
class Person:
    """
    A passenger on a departure, as the desk's list has it.

    `state` is that of the reservation while the ticket is open, then that of the ticket.
    """

    reservation_id: int
    locator: str
    name: str
    kind: str
    contact: str
    origin: str
    destination: str
    travel_class: str
    seat: str
    state: str


PERSON_COLUMNS = (
    "id",
    "state",
    "passenger__reservation_id",
    "passenger__reservation__locator",
    "passenger__reservation__state",
    "passenger__reservation__contact_email",
    "passenger__reservation__contact_phone",
    "passenger__first_name",
    "passenger__last_name",
    "passenger__kind",
    "ticket__from_call__station__name",
    "ticket__to_call__station__name",
    "ticket__fare__travel_class",
)


def people(
    departure_id: int,
    concern: Concern = EVERYBODY,
    *,
    past: bool = False,
    offset: int = 0,
    limit: int = PER_PAGE,
) -> list[Person]:
    """
    Answer a page of the passengers whom a change concerns, by reservation.

    With `past` those are among them whose tickets are used or missed.
    """
    rows = (
        concern.narrow(booked_coupons() if past else open_coupons(), departure_id)
        .order_by("passenger__reservation_id", "passenger__position", "id")
        .values_list(*PERSON_COLUMNS)[offset : offset + limit]
    )
    found = list(rows)
    seats = _seats_of([row[0] for row in found])
    kinds = dict(Passenger.Kind.choices)
    states = dict(Reservation.State.choices)
    over = dict(Coupon.State.choices)
    return [
        Person(
            reservation_id=reservation_id,
            locator=locator,
            name=f"{first} {last}",
            kind=str(kinds[kind]),
            contact=email or phone or "",
            origin=origin,
            destination=destination,
            travel_class=travel_class,
            seat=seats.get(coupon_id, ""),
            state=str(states[state] if ticket_state == Coupon.State.OPEN else over[ticket_state]),
        )
        for (
            coupon_id,
            ticket_state,
            reservation_id,
            locator,
            state,
            email,
            phone,
            first,
            last,
            kind,
            origin,
            destination,
            travel_class,
        ) in found
    ]


def everybody(
    departure_id: int, concern: Concern = EVERYBODY, *, past: bool = False
) -> Iterator[Person]:
    """Answer all passengers as people() does, a thousand read at a time."""
    step = 1_000
    offset = 0
    while page := people(departure_id, concern, past=past, offset=offset, limit=step):
        yield from page
        offset += step


def _seats_of(coupon_ids: Collection[int]) -> dict[int, str]:
    seats: dict[int, str] = {}
    for coupon_id, coach, label in (
        Coupon.objects.filter(id__in=coupon_ids, claims__isnull=False)
        .order_by("id", "claims__first_segment")
        .values_list("id", "claims__stock__seat__coach__label", "claims__stock__seat__label")
    ):
        name = f"{coach}/{label}" if label else coach
        seats[coupon_id] = f"{seats[coupon_id]}, {name}" if coupon_id in seats else name
    return seats


# --- the queue of who has no seat -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class WaitingPerson:
    """Somebody whose seat was taken away and who has no other yet."""

    coupon_id: int
    reservation_id: int
    locator: str
    name: str
    departure: Departure
    had: str
    cause: str
    since: datetime


def waiting(*, reach: Reach, departure_id: int | None = None) -> list[WaitingPerson]:
    """Answer the first 200 who wait for a seat, the longest waiting first."""
    rows = reach.narrow(Unseated.objects.all(), "departure__service__carrier")
    if departure_id is not None:
        rows = rows.filter(departure_id=departure_id)
    found = reseating.waiting(rows).select_related(
        "coupon__passenger__reservation", "departure__service__carrier"
    )[:MOST_QUEUED]
    return [
        WaitingPerson(
            coupon_id=row.coupon_id,
            reservation_id=row.coupon.passenger.reservation_id,
            locator=row.coupon.passenger.reservation.locator,
            name=str(row.coupon.passenger),
            departure=row.departure,
            had=row.had,
            cause=row.get_cause_display(),
            since=row.since,
        )
        for row in found
    ]


def blocks(departure_id: int) -> list[SeatBlock]:
    """Answer the seats that are kept back on a departure, in the order of the map."""
    return list(
        SeatBlock.objects.filter(stock__departure_id=departure_id)
        .select_related("stock__seat__coach", "created_by")
        .order_by("stock__seat__coach__position", "stock__seat__row", "stock__seat__column", "id")
    )


@dataclass(frozen=True, slots=True)
class BlockedSeats:
    """Seats of a coach that are kept back on the same stretch, by one person, for one reason."""

    coach: str
    seats: list[str]
    origin: str
    destination: str
    reason: str
    by: str


def grouped_blocks(found: Sequence[SeatBlock], calls: Sequence[Call]) -> list[BlockedSeats]:
    """Answer blocks of a departure by coach and reason, in the order of the map."""
    groups: dict[tuple[object, ...], list[SeatBlock]] = {}
    for one in found:
        key = (
            one.stock.seat.coach_id,
            one.reason,
            one.first_segment,
            one.last_segment,
            one.created_by_id,
        )
        groups.setdefault(key, []).append(one)
    names = {call.position: call.station.name for call in calls}
    return [
        BlockedSeats(
            coach=ones[0].stock.seat.coach.label,
            seats=[str(one.stock.seat) for one in ones],
            origin=names.get(ones[0].first_segment, ""),
            destination=names.get(ones[0].last_segment + 1, ""),
            reason=ones[0].reason,
            by=str(ones[0].created_by),
        )
        for ones in groups.values()
    ]


def seats_of(departure: Departure) -> list[Seat]:
    """Answer the seats of a departure's vehicle in the order of the map, with their coaches."""
    return list(
        Seat.objects.filter(coach__seat_map_id=departure.vehicle.seat_map_id)
        .select_related("coach")
        .order_by("coach__position", "row", "column")
    )


# --- changes of the timetable ---------------------------------------------------------------------


def pending_changes(*, reach: Reach, limit: int = MOST_QUEUED) -> list[PendingChange]:
    """Answer the changes that wait to be settled, those of the next departures first."""
    rows = reach.narrow(
        PendingChange.objects.filter(settled_at=None), "departure__service__carrier"
    )
    return list(
        rows.select_related("departure__service__carrier").order_by("departure__travel_date", "id")[
            :limit
        ]
    )


def get_pending_change(*, reach: Reach, change_id: int) -> PendingChange:
    """
    Answer a change with its departure.

    :raises NotFound: there is none, or it is of another carrier's departure.
    """
    rows = reach.narrow(PendingChange.objects.all(), "departure__service__carrier")
    row = rows.select_related("departure__service__carrier").filter(pk=change_id).first()
    if row is None:
        raise NotFound()
    return row


# --- jobs -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is: how many of its reservations stand in which state, with which outcome."""

    job: DisruptionJob
    states: dict[str, int] = field(default_factory=dict)
    outcomes: dict[str, int] = field(default_factory=dict)
    told: int = 0

    @property
    def total(self) -> int:
        """All reservations of the job."""
        return sum(self.states.values())

    @property
    def waiting(self) -> int:
        """Those that nobody has worked on yet."""
        return self.states.get(DisruptionItem.State.WAITING, 0)

    @property
    def failed(self) -> int:
        """Those that need a person."""
        return self.states.get(DisruptionItem.State.FAILED, 0)

    @property
    def finished(self) -> int:
        """Those that are over, well or not."""
        return self.total - self.waiting


def jobs(
    *, reach: Reach, departure_id: int | None = None, only_open: bool = False, limit: int = 20
) -> list[Progress]:
    """Answer jobs, the newest first, each with how far it is; open ones run or need a person."""
    rows = reach.narrow(
        DisruptionJob.objects.select_related("departure__service__carrier", "created_by"),
        "departure__service__carrier",
    )
    if departure_id is not None:
        rows = rows.filter(departure_id=departure_id)
    if only_open:
        failed = DisruptionItem.objects.filter(
            job=OuterRef("pk"), state=DisruptionItem.State.FAILED
        )
        rows = rows.filter(Q(state=DisruptionJob.State.RUNNING) | Q(Exists(failed)))
    return progress_of(list(rows.order_by("-id")[:limit]))


def progress_of(found: Sequence[DisruptionJob]) -> list[Progress]:
    """Answer how far these jobs are, in one statement."""
    states: dict[int, Counter[str]] = {one.pk: Counter() for one in found}
    outcomes: dict[int, Counter[str]] = {one.pk: Counter() for one in found}
    told: Counter[int] = Counter()
    for job_id, state, outcome, is_told, count in (
        DisruptionItem.objects.filter(job__in=found)
        .order_by()
        .values_list("job_id", "state", "outcome", "is_told")
        .annotate(count=Count("id"))
    ):
        states[job_id][state] += count
        outcomes[job_id][outcome] += count
        told[job_id] += count if is_told else 0
    return [
        Progress(one, dict(states[one.pk]), dict(outcomes[one.pk]), told[one.pk]) for one in found
    ]


def get_job(*, reach: Reach, job_id: int) -> Progress:
    """
    Answer a job and how far it is.

    :raises NotFound: there is none, or it is of another carrier's departure.
    """
    rows = reach.narrow(DisruptionJob.objects.all(), "departure__service__carrier")
    row = rows.select_related("departure__service__carrier", "created_by").filter(pk=job_id).first()
    if row is None:
        raise NotFound()
    return progress_of([row])[0]


def items(
    job_id: int, *, state: str = "", offset: int = 0, limit: int = PER_PAGE
) -> list[DisruptionItem]:
    """Answer a page of a job's reservations, in the order in which they are worked on."""
    rows = DisruptionItem.objects.filter(job_id=job_id).select_related(
        "reservation", "cancellation"
    )
    if state:
        rows = rows.filter(state=state)
    return list(rows.order_by("id")[offset : offset + limit])


def every_item(job_id: int) -> Iterable[DisruptionItem]:
    """Answer all reservations of a job."""
    rows = DisruptionItem.objects.filter(job_id=job_id).select_related("reservation")
    return rows.order_by("id").iterator(chunk_size=1_000)


# --- the log --------------------------------------------------------------------------------------


def entries(*, departure_id: int, limit: int = 50) -> list[DeskEntry]:
    """Answer what the desk did to a departure, the newest first."""
    rows: Any = DeskEntry.objects.filter(departure_id=departure_id).select_related("actor", "job")
    return list(rows.order_by("-id")[:limit])
