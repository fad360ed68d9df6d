"""
Who travels on a departure, as the staff at its doors read it, and who of the staff may.

The only way to a passenger list. Names stand in it while a ticket is good; of what is cancelled or
unpaid it says no more than that.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery

from accounts.models import User
from accounts.roles import ADMINISTRATOR, OPERATIONS, SUPPORT_AGENT
from bookings.models import Coupon, Reservation, Scan
from bookings.selectors import SeatPlace
from bookings.verdicts import OPENS_BEFORE, Hint, Shown, Word
from bookings.verdicts import hints as hints_of
from inventory import selectors as inventory
from inventory.models import Call, Departure, Membership
from inventory.models.departures import MAX_CALLS
from inventory.reach import CHANGING_AT_CARRIER
from inventory.selectors import CallFacts, DepartureFacts
from travel.common.errors import NotFound

# Whose role opens every door; the staff of a carrier have those of its departures.
BOARDING_ROLES = frozenset({SUPPORT_AGENT, OPERATIONS, ADMINISTRATOR})
# A door stands at a stop from so long before the arrival there.
REACHED_BEFORE = timedelta(minutes=10)
# Departures are listed from so long before they begin until so long after they end.
LISTED_BEFORE, LISTED_AFTER = timedelta(hours=12), timedelta(hours=3)
# More people or rows than any vehicle or list has.
MOST_RIDERS, MOST_DEPARTURES = 5_000, 60
# A list on a device is of no use so long after the end of the way, and is deleted there.
KEPT_AFTER = timedelta(hours=6)

State = Coupon.State


# --- who may --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Keeper:
    """Somebody of the staff at a door: of every carrier, or of some."""

    user_id: int
    everywhere: bool = False
    carriers: frozenset[int] = frozenset()

    @property
    def may_board(self) -> bool:
        return self.everywhere or bool(self.carriers)

    def may_board_for(self, carrier_id: int) -> bool:
        return self.everywhere or carrier_id in self.carriers


def keeper_of(*, user_id: int) -> Keeper:
    """
    Answer which doors are the user's.

    Whether somebody is staff and has shown a second factor is asked before, by the page.
    """
    user = User.objects.filter(pk=user_id, is_active=True, is_staff=True).first()
    if user is None:
        return Keeper(user_id)
    roles = set(user.groups.values_list("name", flat=True))
    carriers = Membership.objects.filter(user_id=user_id, role__in=CHANGING_AT_CARRIER)
    return Keeper(
        user_id,
        everywhere=user.is_superuser or bool(roles & BOARDING_ROLES),
        carriers=frozenset(carriers.values_list("carrier_id", flat=True)),
    )


# --- departures -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Door:
    """A departure as its doors see it."""

    departure: DepartureFacts

    @property
    def id(self) -> int:
        return self.departure.id

    @property
    def calls(self) -> list[CallFacts]:
        return [call for _position, call in sorted(self.departure.way.items())]

    @property
    def stops(self) -> list[CallFacts]:
        """Answer the calls where people may get on today."""
        return [
            call
            for call in self.calls[:-1]
            if call.may_board and not call.is_skipped and call.leaves_at
        ]

    @property
    def is_running(self) -> bool:
        return self.departure.state == Departure.State.SCHEDULED

    @property
    def starts_at(self) -> datetime:
        leaves = self.calls[0].leaves_at
        assert leaves is not None, "the first call leaves"
        return leaves

    @property
    def ends_at(self) -> datetime:
        """When the last call is reached, as far as is known now."""
        return arrival(self.calls[-1])

    @property
    def expires_at(self) -> datetime:
        """When a device deletes the list."""
        return self.ends_at + KEPT_AFTER

    def stop_at(self, moment: datetime) -> int:
        """Answer the position of the stop where the vehicle is, or was last."""
        reached = [
            call.position for call in self.stops[1:] if arrival(call) - REACHED_BEFORE <= moment
        ]
        return reached[-1] if reached else self.first_stop

    @property
    def first_stop(self) -> int:
        return self.stops[0].position if self.stops else 0

    def opens_at(self, stop: int) -> datetime:
        """Answer when boarding begins at a stop."""
        leaves = self.departure.way[stop].leaves_at or self.ends_at
        return leaves - OPENS_BEFORE[self.departure.service.mode]


def arrival(call: CallFacts) -> datetime:
    """Answer when a call is reached, as far as is known; the first one when it is left."""
    moment = call.expected_arrives_at or call.arrives_at or call.leaves_at
    assert moment is not None, "a call has a time"
    return moment


def get_door(*, keeper: Keeper, departure_id: int) -> Door:
    """
    Answer a departure that the keeper boards.

    :raises NotFound: there is none, or its carrier is none of the keeper's.
    """
    found = inventory.describe_departures([departure_id]).get(departure_id)
    if found is None or not found.way or not keeper.may_board_for(found.service.carrier_id):
        raise NotFound()
    return Door(found)


def list_doors(*, keeper: Keeper, now: datetime, text: str = "") -> list[Door]:
    """
    Answer the departures with passengers that are near in time, the next to leave first.

    `text` is a part of the service's number: with it two days around now are looked through.
    """
    before = timedelta(days=1) if text else LISTED_BEFORE
    ends = Call.objects.filter(departure=OuterRef("pk"))
    starts_at = ends.order_by("id").values("departs_at")[:1]
    ends_at = ends.order_by("-id").values("arrives_at")[:1]
    rows = (
        Departure.objects.filter(
            travel_date__range=(now.date() - timedelta(days=3), now.date() + timedelta(days=2)),
            frozen_at__isnull=False,
        )
        .filter(Q() if keeper.everywhere else Q(service__carrier_id__in=keeper.carriers))
        .annotate(starts_at=Subquery(starts_at), ends_at=Subquery(ends_at))
        .filter(starts_at__lte=now + before, ends_at__gte=now - LISTED_AFTER)
        .order_by("starts_at", "id")
    )
    wanted = "".join(text.split()).casefold()
    found = [
        departure_id
        for departure_id, number in rows.values_list("id", "service__number")[:MOST_RIDERS]
        if wanted in "".join(number.split()).casefold()
    ][:MOST_DEPARTURES]
    described = inventory.describe_departures(found)
    return [Door(described[departure_id]) for departure_id in found]


# --- people ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Admission:
    """The scan that let somebody in: when, at which stop and coach, and by whom."""

    at: datetime
    stop: int
    coach: str
    staff: str
    scan_id: int
    device: str


@dataclass(slots=True)
class Rider:
    """Somebody with a ticket of the departure, good or not."""

    coupon_id: int
    ticket_id: int
    departure_id: int
    from_stop: int
    to_stop: int
    state: str
    barcode: str
    issue: int
    was_exchanged: bool
    passenger_id: int
    first_name: str
    last_name: str
    kind: str
    seat_wish: str
    adult_id: int | None
    reservation_id: int
    locator: str
    reservation_state: str
    hold_until: datetime
    seats: list[SeatPlace] = field(default_factory=list)
    admission: Admission | None = None

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}"

    @property
    def is_paid(self) -> bool:
        """Whether it was paid once; what was cancelled after that says so by its own state."""
        return self.reservation_state in (Reservation.State.PAID, Reservation.State.CANCELLED)

    @property
    def is_expected(self) -> bool:
        """Whether the ticket is good: to be used, used, or missed."""
        return self.reservation_state == Reservation.State.PAID and self.state != State.CANCELLED

    @property
    def is_in(self) -> bool:
        return self.is_expected and self.state == State.USED

    @property
    def needs_wheelchair(self) -> bool:
        return self.seat_wish == "accessible"

    @property
    def seat_names(self) -> list[tuple[str, str]]:
        return [(place.coach, place.seat) for place in self.seats]

    def place_at(self, stop: int) -> SeatPlace | None:
        """Answer where the rider sits from a stop on; before the first one, the first seat."""
        later = [place for place in self.seats if place.last_segment >= stop]
        return later[0] if later else None


_COLUMNS = (
    "id",
    "ticket_id",
    "ticket__departure_id",
    "ticket__from_call_id",
    "ticket__to_call_id",
    "state",
    "barcode",
    "issue",
    "exchanged_for_id",
    "passenger_id",
    "passenger__first_name",
    "passenger__last_name",
    "passenger__kind",
    "passenger__seat_wish",
    "passenger__accompanied_by_id",
    "passenger__reservation_id",
    "passenger__reservation__locator",
    "passenger__reservation__state",
    "passenger__reservation__hold_until",
)
_SEAT_COLUMNS = (
    "claims__stock__seat__coach__label",
    "claims__stock__seat__label",
    "claims__first_segment",
    "claims__last_segment",
)


def riders(departure_id: int) -> list[Rider]:
    """Answer everybody with a ticket of the departure, good or not; the caller may see them."""
    return _read(Coupon.objects.filter(ticket__departure_id=departure_id))


def riders_of(reservation_id: int, departure_id: int) -> list[Rider]:
    """Answer those of one reservation on the departure."""
    return _read(
        Coupon.objects.filter(
            passenger__reservation_id=reservation_id, ticket__departure_id=departure_id
        )
    )


def _read(rows: QuerySet[Coupon]) -> list[Rider]:
    """Read coupons with their seats in one statement, and what let them in by another."""
    found: dict[int, Rider] = {}
    columns: Iterable[Sequence[Any]] = rows.order_by(
        "passenger__reservation_id", "passenger__position", "id", "claims__first_segment"
    ).values_list(*_COLUMNS, *_SEAT_COLUMNS)[:MOST_RIDERS]
    for row in columns:
        rider, seat = list(row[: len(_COLUMNS)]), row[len(_COLUMNS) :]
        departure_id = rider[2]
        rider[3] -= departure_id * MAX_CALLS
        rider[4] -= departure_id * MAX_CALLS
        rider[8] = rider[8] is not None
        one = found.setdefault(rider[0], Rider(*rider))
        if seat[-1] is not None:
            one.seats.append(SeatPlace(*seat))
    used = {one.departure_id for one in found.values() if one.state == State.USED}
    for coupon_id, admission in _admissions(used, found).items():
        found[coupon_id].admission = admission
    return list(found.values())


def counted() -> QuerySet[Scan]:
    """Answer the scans that let somebody in and were not taken back, the first by time first."""
    return Scan.objects.filter(let_in=True, undone_by__isnull=True).order_by("at", "id")


def admissions(departure_id: int) -> dict[int, Admission]:
    """Answer what let the used coupons of a departure in, by coupon; the caller may see them."""
    used = Coupon.objects.filter(ticket__departure_id=departure_id, state=State.USED)
    return _admissions({departure_id}, set(used.values_list("id", flat=True)[:MOST_RIDERS]))


def _admissions(departure_ids: Collection[int], coupons: Collection[int]) -> dict[int, Admission]:
    """Answer what let these coupons in: of several, the first by time."""
    if not departure_ids:
        return {}
    rows = counted().filter(departure_id__in=departure_ids)
    if len(coupons) <= 20:
        rows = rows.filter(coupon_id__in=list(coupons))
    found: dict[int, Admission] = {}
    for coupon_id, at, stop, coach, first_name, scan_id, device in rows.values_list(
        "coupon_id", "at", "stop", "coach", "staff__first_name", "id", "device"
    )[: 4 * MOST_RIDERS]:
        if coupon_id in coupons:
            found.setdefault(coupon_id, Admission(at, stop, coach, first_name, scan_id, device))
    return found


# --- judging --------------------------------------------------------------------------------------


def shown(rider: Rider, mates: Sequence[Rider], door: Door, *, stop: int, at: datetime) -> Shown:
    """Put a rider at the door: what bookings.verdicts judges by."""
    adult = next((one for one in mates if one.passenger_id == rider.adult_id), None)
    return Shown(
        state=rider.state,
        is_paid=rider.is_paid,
        is_running=door.is_running,
        was_exchanged=rider.was_exchanged,
        from_stop=rider.from_stop,
        to_stop=rider.to_stop,
        stop=stop,
        opens_at=door.opens_at(stop),
        at=at,
        adult_is_in=None if rider.adult_id is None else adult is not None and adult.is_in,
    )


def infants_to_come(rider: Rider, mates: Sequence[Rider]) -> list[Rider]:
    """Answer the infants on the rider's lap who have not been let in."""
    return [
        one
        for one in mates
        if one.adult_id == rider.passenger_id and one.is_expected and not one.is_in
    ]


def hints(
    rider: Rider,
    mates: Sequence[Rider],
    at_the_door: Shown,
    *,
    coach: str = "",
    issued_seats: Sequence[tuple[str, str]] | None = None,
    issue: int | None = None,
) -> list[Hint]:
    """Answer what staff should know of a rider whom the door lets in."""
    return hints_of(
        shown=at_the_door,
        kind=rider.kind,
        seats=rider.seat_names,
        coach=coach,
        infants_to_come=len(infants_to_come(rider, mates)),
        needs_wheelchair=rider.needs_wheelchair,
        issued_seats=issued_seats,
        is_old_issue=issue is not None and issue < rider.issue,
    )


# --- counting -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StopCount:
    """A stop in numbers: who boards there, who of them was let in, who leaves, who is on board."""

    call: CallFacts
    boarding: int
    boarded: int
    leaving: int
    expected_on: int
    is_on: int


def stop_counts(door: Door, people: Sequence[Rider]) -> list[StopCount]:
    """Count at each call; `expected_on` and `is_on` are of the way to the next one."""
    good = [one for one in people if one.is_expected]
    return [
        StopCount(
            call=call,
            boarding=sum(one.from_stop == call.position for one in good),
            boarded=sum(one.from_stop == call.position and one.is_in for one in good),
            leaving=sum(one.to_stop == call.position for one in good),
            expected_on=sum(one.from_stop <= call.position < one.to_stop for one in good),
            is_on=sum(one.from_stop <= call.position < one.to_stop and one.is_in for one in good),
        )
        for call in door.calls
        if not call.is_skipped
    ]


def on_board(door: Door) -> dict[int, tuple[int, int]]:
    """Answer, for each stop, how many are on board behind it, and how many are expected there."""
    rows = list(
        Coupon.objects.filter(
            ~Q(state=State.CANCELLED),
            ticket__departure_id=door.id,
            passenger__reservation__state=Reservation.State.PAID,
        )
        .order_by()
        .values_list("ticket__from_call_id", "ticket__to_call_id")
        .annotate(people=Count("id"), used=Count("id", filter=Q(state=State.USED)))
    )
    calls = {call.position: door.id * MAX_CALLS + call.position for call in door.stops}
    return {
        position: (
            sum(used for start, end, _people, used in rows if start <= call_id < end),
            sum(people for start, end, people, _used in rows if start <= call_id < end),
        )
        for position, call_id in calls.items()
    }


# --- conflicts ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Conflict:
    """Somebody whom a device let in on a ticket that was not good, or not good any more."""

    scan_id: int
    coupon_id: int
    name: str
    word: str
    at: datetime
    stop: int
    staff: str


def conflicting(rows: QuerySet[Scan]) -> QuerySet[Scan]:
    """Answer the scans that let somebody in and ought not to have, or not a second time."""
    first = counted().filter(coupon=OuterRef("coupon"), outcome=Word.ADMITTED)
    return rows.filter(let_in=True, undone_by__isnull=True).filter(
        ~Q(outcome=Word.ADMITTED)
        | Exists(
            first.filter(Q(at__lt=OuterRef("at")) | Q(at=OuterRef("at"), pk__lt=OuterRef("pk")))
        )
    )


def conflicts(departure_id: int) -> list[Conflict]:
    """Answer a departure's conflicts, the latest first; the caller may see them."""
    rows = conflicting(Scan.objects.filter(departure_id=departure_id)).order_by("-at", "-id")
    return [
        Conflict(
            scan_id=scan_id,
            coupon_id=coupon_id,
            name=f"{first_name} {last_name}",
            # Both were let in on a good ticket: this one was the later.
            word=Word.ALREADY_USED if word == Word.ADMITTED else word,
            at=at,
            stop=stop,
            staff=staff,
        )
        for scan_id, coupon_id, first_name, last_name, word, at, stop, staff in rows.values_list(
            "id",
            "coupon_id",
            "coupon__passenger__first_name",
            "coupon__passenger__last_name",
            "outcome",
            "at",
            "stop",
            "staff__first_name",
        )[:100]
    ]
