"""
What must be true, by brute force: who sits on which seat over which single segment.

Plain Python that shares no idea with the engine: no bits, no tables, no placement. It says which
word an act must end with, checks the seats that were given, and keeps the book.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

HELD, PAID, CANCELLED, EXPIRED = "held", "paid", "cancelled", "expired"
OPEN, USED = "open", "used"


class Difference(Exception):
    """The office and the oracle disagree."""


# --- what is sold ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SeatFacts:
    """A seat of the map."""

    seat_id: int
    travel_class: str
    coach: int
    row: int
    is_window: bool
    is_aisle: bool
    is_quiet: bool
    is_accessible: bool

    def meets(self, wish: str) -> bool:
        """Say whether the seat is what the passenger wishes for."""
        return {
            "window": self.is_window,
            "aisle": self.is_aisle,
            "quiet": self.is_quiet,
            "accessible": self.is_accessible,
        }[wish]


@dataclass(frozen=True, slots=True)
class FareFacts:
    """A fare with the seats it may fill on each segment; None for all of its class."""

    number: int
    fare_id: int
    version_id: int
    travel_class: str
    quota: int | None


@dataclass(slots=True)
class Trip:
    """A departure. `owners` tells whose each single segment of each seat is, ended holds too."""

    number: int
    departure_id: int
    seat_map_id: int
    seats: dict[int, SeatFacts]
    fares: Sequence[FareFacts]
    closes_at: list[datetime]
    # As planned: when it leaves each call, and when it arrives at the last.
    planned: list[datetime]
    # Sales close so long before the boarding call leaves.
    closes_before: timedelta
    has_labels: bool
    is_scheduled: bool = True
    is_open: bool = True
    owners: dict[tuple[int, int], Coupon] = field(default_factory=dict)
    coupons: list[Coupon] = field(default_factory=list)
    held: dict[int, Booking] = field(default_factory=dict)
    # The version last seen, and whether seats changed hands since.
    version: int = 0
    has_changed: bool = False

    @property
    def segments(self) -> int:
        return len(self.closes_at)

    @property
    def classes(self) -> list[str]:
        return sorted({seat.travel_class for seat in self.seats.values()})

    @property
    def earliest_hold_end(self) -> datetime | None:
        return min((one.hold_until for one in self.held.values()), default=None)

    def ticket_id(self, first: int, last: int, fare: int) -> int:
        """Answer the published id: departure, boarding call, alighting call, fare."""
        return ((self.departure_id * 64 + first) * 64 + last + 1) * 64 + fare

    def is_free(self, seat_id: int, first: int, last: int, now: datetime) -> bool:
        """Say whether nobody with a live reservation sits there on any of these segments."""
        for segment in range(first, last + 1):
            owner = self.owners.get((seat_id, segment))
            if owner is not None and owner.booking.lives(now):
                return False
        return True

    def free(self, travel_class: str, first: int, last: int, now: datetime) -> list[SeatFacts]:
        """Answer the seats of the class that are free all the way."""
        return [
            seat
            for seat in self.seats.values()
            if seat.travel_class == travel_class and self.is_free(seat.seat_id, first, last, now)
        ]

    def left_with_changes(self, travel_class: str, first: int, last: int, now: datetime) -> int:
        """Answer how many could ride if they changed seats wherever they had to."""
        return min(
            len(self.free(travel_class, segment, segment, now))
            for segment in range(first, last + 1)
        )

    def quota_left(self, fare: FareFacts, first: int, last: int, now: datetime) -> int | None:
        """Answer how many more seats the fare may fill on each of these segments; None for all."""
        if fare.quota is None:
            return None
        fullest = max(
            self.seats_of_fare(fare.number, segment, now) for segment in range(first, last + 1)
        )
        return max(fare.quota - fullest, 0)

    def seats_of_fare(self, fare: int, segment: int, now: datetime) -> int:
        """Answer how many seats of a segment are sold or held at the fare."""
        return sum(
            coupon.fare == fare
            and coupon.needs_seat
            and coupon.state != CANCELLED
            and coupon.first <= segment <= coupon.last
            and coupon.booking.lives(now)
            for coupon in self.coupons
        )


# --- who has what ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Holder:
    """Who reserves: a user, or a guest with an e-mail address, a phone number or both."""

    user_id: int | None = None
    email: str | None = None
    phone: str | None = None

    def is_known_as(self, other: Holder) -> bool:
        """Say whether another holder's reservations count as this one's."""
        if self.user_id is not None:
            return self.user_id == other.user_id
        return other.user_id is None and (
            (self.email is not None and self.email == other.email)
            or (self.phone is not None and self.phone == other.phone)
        )


@dataclass(slots=True, eq=False)
class Booking:
    """A reservation."""

    reservation_id: int
    holder: Holder
    hold_until: datetime
    state: str = HELD
    marks: set[str] = field(default_factory=set)
    coupons: list[Coupon] = field(default_factory=list)

    def lives(self, now: datetime) -> bool:
        """Say whether its seats are its own: a hold that ended has none, swept or not."""
        return self.state == PAID or (self.state == HELD and now < self.hold_until)

    @property
    def trips(self) -> list[Trip]:
        return list({id(one.trip): one.trip for one in self.coupons}.values())


@dataclass(slots=True, eq=False)
class Coupon:
    """
    A passenger on a ticket, with the seats it has: (seat, first segment, last segment).

    `had` are those it had when they were given back.
    """

    coupon_id: int
    passenger: int
    booking: Booking
    trip: Trip
    first: int
    last: int
    fare: int
    needs_seat: bool
    wish: str
    claims: Sequence[tuple[int, int, int]] = ()
    state: str = OPEN
    had: Sequence[tuple[int, int, int]] = ()

    @property
    def ticket_id(self) -> int:
        return self.trip.ticket_id(self.first, self.last, self.fare)


# --- what is asked for ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Asked:
    """A passenger on a leg: what is wished for, or the chosen seat."""

    needs_seat: bool
    wish: str
    seat_id: int | None


@dataclass(frozen=True, slots=True)
class Leg:
    """A ticket for the party, passengers in order."""

    trip: Trip
    first: int
    last: int
    fare: FareFacts
    party: Sequence[Asked]

    @property
    def ticket_id(self) -> int:
        return self.trip.ticket_id(self.first, self.last, self.fare.number)

    @property
    def seated(self) -> list[Asked]:
        return [one for one in self.party if one.needs_seat]

    @property
    def chosen(self) -> list[int]:
        return [one.seat_id for one in self.seated if one.seat_id is not None]


@dataclass(frozen=True, slots=True)
class Request:
    """What a holder asks for."""

    holder: Holder
    legs: Sequence[Leg]
    hold_until: datetime
    max_holds: int
    max_holds_there: int | None
    accepts_change: bool


# The seats given to (passenger, ticket): each (seat, first segment, last segment).
Given = dict[tuple[int, int], Sequence[tuple[int, int, int]]]


class Oracle:
    """The book of everything sold, and what must come of each act."""

    def __init__(self, *, closed_first: bool = False) -> None:
        """With `closed_first` whether a departure is on sale is asked before all else."""
        self.closed_first = closed_first
        self.trips: dict[int, Trip] = {}
        self.bookings: dict[int, Booking] = {}
        self.held: dict[int, Booking] = {}

    # --- reserving

    def refusals(self, request: Request, now: datetime) -> dict[str, set[int | None]]:
        """
        Answer the words that may refuse the request, with the tickets that may be blamed.

        Nothing when it must succeed. Words come in the order of the contract; of several legs
        without room each may be blamed, for its own reason.
        """
        closed = {leg.ticket_id for leg in request.legs if not _is_on_sale(leg, now)}
        if closed and self.closed_first:
            return {"departure_closed": set(closed)}
        if self._has_too_many_holds(request, now):
            return {"too_many_holds": {None}}
        if closed:
            return {"departure_closed": set(closed)}
        found: dict[str, set[int | None]] = defaultdict(set)
        for leg in request.legs:
            for word in _lacks(leg, now, accepts_change=request.accepts_change):
                found[word].add(leg.ticket_id)
        return found

    def _has_too_many_holds(self, request: Request, now: datetime) -> bool:
        mine = [
            one
            for one in self.held.values()
            if one.lives(now) and request.holder.is_known_as(one.holder)
        ]
        if len(mine) >= request.max_holds:
            return True
        if request.max_holds_there is None:
            return False
        return any(
            sum(one.reservation_id in leg.trip.held for one in mine) >= request.max_holds_there
            for leg in request.legs
        )

    def reserve(
        self,
        request: Request,
        given: Given,
        *,
        reservation_id: int,
        coupon_ids: dict[tuple[int, int], int],
        now: datetime,
    ) -> list[Booking]:
        """
        Check the seats that were given and write them down; answer the holds swept before.

        :raises Difference: a seat may not be given so.
        """
        swept = self.expire(
            {
                key: one
                for leg in request.legs
                for key, one in leg.trip.held.items()
                if one.hold_until <= now
            }.values()
        )
        for leg in request.legs:
            check_seats(leg, given, now)
        booking = Booking(reservation_id, request.holder, request.hold_until)
        for leg in request.legs:
            for passenger, asked in enumerate(leg.party):
                key = (passenger, leg.ticket_id)
                coupon = Coupon(
                    coupon_ids[key],
                    passenger,
                    booking,
                    leg.trip,
                    leg.first,
                    leg.last,
                    leg.fare.number,
                    asked.needs_seat,
                    asked.wish,
                )
                booking.coupons.append(coupon)
                leg.trip.coupons.append(coupon)
        self.bookings[reservation_id] = booking
        self._hold(booking, given)
        return swept

    def _hold(self, booking: Booking, given: Given) -> None:
        self.held[booking.reservation_id] = booking
        for coupon in booking.coupons:
            trip = coupon.trip
            coupon.claims = given[coupon.passenger, coupon.ticket_id]
            trip.held[booking.reservation_id] = booking
            trip.has_changed |= bool(coupon.claims)
            for seat_id, first, last in coupon.claims:
                for segment in range(first, last + 1):
                    trip.owners[seat_id, segment] = coupon

    # --- claiming again what was lost

    def refusals_of_reclaiming(
        self, booking: Booking | None, now: datetime, *, other_seats: bool
    ) -> dict[str, set[int | None]]:
        """
        Answer the words that may refuse to take an ended hold's seats again, and for which tickets.

        Nothing when it must succeed; a hold that lives is left alone.
        """
        word = self.refusal_of_hold(booking, now)
        if booking is None or word != "hold_expired":
            return {word: {None}} if word else {}
        legs = _legs_of(booking)
        closed = {leg.ticket_id for leg in legs if not _may_board(leg, now)}
        if closed:
            return {"departure_closed": set(closed)}
        found: dict[str, set[int | None]] = defaultdict(set)
        for leg in legs:
            accepts_change = _changed(leg, booking)
            words = _lacks(leg, now, accepts_change=accepts_change)
            if words and _may_sit_as_before(leg, booking, now):
                continue
            if other_seats and "seat_taken" in words:
                words = _lacks(_anywhere(leg), now, accepts_change=accepts_change)
            for word in words:
                found[word].add(leg.ticket_id)
        return found

    def reclaim(
        self, booking: Booking, given: Given, until: datetime, now: datetime, *, other_seats: bool
    ) -> list[Booking]:
        """
        Check the seats that an ended hold has again and write them down; answer the holds swept.

        :raises Difference: a seat may not be given so.
        """
        ended = {
            key: one
            for trip in booking.trips
            for key, one in trip.held.items()
            if one.hold_until <= now
        }
        swept = self.expire(ended.values())
        if booking.state == HELD:
            return swept
        for leg in _legs_of(booking):
            as_before = not _lacks(leg, now, accepts_change=_changed(leg, booking))
            if not as_before and _may_sit_as_before(leg, booking, now):
                _check_the_very_seats(leg, booking, given)
                continue
            check_seats(leg if as_before else _anywhere(leg), given, now)
        booking.state, booking.hold_until = HELD, until
        for coupon in booking.coupons:
            coupon.state = OPEN
        self._hold(booking, given)
        return swept

    # --- what happens to a hold

    def refusal_of_hold(self, booking: Booking | None, now: datetime) -> str | None:
        """Answer the word for why this is no live hold, or None."""
        if booking is None:
            return "not_found"
        if booking.state == HELD:
            return None if now < booking.hold_until else "hold_expired"
        return {PAID: "already_paid", CANCELLED: "already_cancelled", EXPIRED: "hold_expired"}[
            booking.state
        ]

    def pay(self, booking: Booking) -> None:
        """Turn a hold into a paid reservation."""
        self._end_hold(booking, PAID)

    def release(self, booking: Booking) -> None:
        """Give up a hold."""
        self._end_hold(booking, CANCELLED)
        _give_back(booking.coupons)

    def extend(self, booking: Booking, until: datetime, mark: str) -> bool:
        """Lengthen a hold, once for each mark; answer whether it did."""
        if mark in booking.marks or until <= booking.hold_until:
            return False
        booking.marks.add(mark)
        booking.hold_until = until
        return True

    def ended(self, now: datetime) -> list[Booking]:
        """Answer the holds that ended and were not swept, the longest ago first."""
        found = [one for one in self.held.values() if one.hold_until <= now]
        return sorted(found, key=lambda one: (one.hold_until, one.reservation_id))

    def expire(self, bookings: Iterable[Booking]) -> list[Booking]:
        """Expire these holds."""
        swept = list(bookings)
        for one in swept:
            self._end_hold(one, EXPIRED)
            _give_back(one.coupons)
        return swept

    def _end_hold(self, booking: Booking, state: str) -> None:
        booking.state = state
        del self.held[booking.reservation_id]
        for trip in booking.trips:
            del trip.held[booking.reservation_id]

    # --- what happens to a paid reservation

    def refusal_of_cancelling(
        self, booking: Booking | None, coupon_ids: Sequence[int]
    ) -> str | None:
        """Answer the word for why these coupons are not to be cancelled, or None."""
        if booking is None:
            return "not_found"
        if booking.state != PAID:
            return {
                HELD: "not_cancellable",
                CANCELLED: "already_cancelled",
                EXPIRED: "hold_expired",
            }[booking.state]
        states = {one.coupon_id: one.state for one in booking.coupons}
        for coupon_id in coupon_ids:
            if coupon_id not in states:
                return "not_found"
            if states[coupon_id] != OPEN:
                return "already_cancelled" if states[coupon_id] == CANCELLED else "not_cancellable"
        return None

    def cancel(self, booking: Booking, coupon_ids: Sequence[int]) -> bool:
        """Cancel the coupons; answer whether nothing is left of the reservation."""
        _give_back([one for one in booking.coupons if one.coupon_id in coupon_ids])
        if any(one.state != CANCELLED for one in booking.coupons):
            return False
        booking.state = CANCELLED
        return True


def _give_back(coupons: Iterable[Coupon]) -> None:
    for coupon in coupons:
        coupon.state = CANCELLED
        coupon.trip.has_changed |= bool(coupon.claims)
        for seat_id, first, last in coupon.claims:
            for segment in range(first, last + 1):
                del coupon.trip.owners[seat_id, segment]
        coupon.had, coupon.claims = coupon.claims, ()


# --- room -----------------------------------------------------------------------------------------


def _is_on_sale(leg: Leg, now: datetime) -> bool:
    return leg.trip.is_scheduled and leg.trip.is_open and now < leg.trip.closes_at[leg.first]


def _lacks(leg: Leg, now: datetime, *, accepts_change: bool) -> set[str]:
    """Answer the words for why the party finds no room on the leg: any of them may be given."""
    free = {one.seat_id for one in leg.trip.free(leg.fare.travel_class, leg.first, leg.last, now)}
    words = set()
    if len(set(leg.chosen)) != len(leg.chosen) or not free.issuperset(leg.chosen):
        words.add("seat_taken")
    elif len(leg.seated) > len(free) and not (accepts_change and may_change(leg, now)):
        words.add("sold_out")
    if is_quota_used_up(leg, now):
        words.add("sold_out")
    return words


def is_quota_used_up(leg: Leg, now: datetime) -> bool:
    """Say whether the party would be more than the fare may seat on some segment."""
    left = leg.trip.quota_left(leg.fare, leg.first, leg.last, now)
    return bool(leg.seated) and left is not None and left < len(leg.seated)


def may_change(leg: Leg, now: datetime) -> bool:
    """
    Say whether each segment has enough free seats, though perhaps others than the one before.

    Who chose a seat wants that one, and is offered no other.
    """
    left = leg.trip.left_with_changes(leg.fare.travel_class, leg.first, leg.last, now)
    return not leg.chosen and left >= len(leg.seated)


# --- what was lost --------------------------------------------------------------------------------


def _legs_of(booking: Booking) -> list[Leg]:
    """Answer the legs of a hold that ended, each passenger asking for the seat it had."""
    legs: dict[int, list[Coupon]] = defaultdict(list)
    for coupon in sorted(booking.coupons, key=lambda one: one.passenger):
        legs[coupon.ticket_id].append(coupon)
    return [
        Leg(
            own[0].trip,
            own[0].first,
            own[0].last,
            own[0].trip.fares[own[0].fare],
            [Asked(one.needs_seat, one.wish, _seat_it_had(one)) for one in own],
        )
        for own in legs.values()
    ]


def _seat_it_had(coupon: Coupon) -> int | None:
    """Who had several seats, or one without a label, is placed anew."""
    had = coupon.claims or coupon.had
    return had[0][0] if len(had) == 1 and coupon.trip.has_labels else None


def _changed(leg: Leg, booking: Booking) -> bool:
    return any(
        one.ticket_id == leg.ticket_id and len(one.claims or one.had) > 1 for one in booking.coupons
    )


def _may_sit_as_before(leg: Leg, booking: Booking, now: datetime) -> bool:
    """Say whether a party of which some changed seats finds all of the old ones free."""
    if not _changed(leg, booking) or not leg.trip.has_labels or is_quota_used_up(leg, now):
        return False
    return all(
        seat_id in {one.seat_id for one in leg.trip.free(leg.fare.travel_class, first, last, now)}
        for one in booking.coupons
        if one.ticket_id == leg.ticket_id
        for seat_id, first, last in one.had
    )


def _check_the_very_seats(leg: Leg, booking: Booking, given: Given) -> None:
    for one in booking.coupons:
        if one.ticket_id == leg.ticket_id:
            again = sorted(given[one.passenger, one.ticket_id])
            if again != sorted(one.had):
                raise Difference(f"seats {again}, though it had {one.had}")


def _anywhere(leg: Leg) -> Leg:
    return replace(leg, party=[replace(one, seat_id=None) for one in leg.party])


def _may_board(leg: Leg, now: datetime) -> bool:
    leaves_at = leg.trip.closes_at[leg.first] + leg.trip.closes_before
    return leg.trip.is_scheduled and leg.trip.is_open and now < leaves_at


# --- seats ----------------------------------------------------------------------------------------


def check_seats(leg: Leg, given: Given, now: datetime) -> None:
    """
    See that the party may sit where it was put.

    :raises Difference: a seat is taken, of another class, given twice, not the chosen one; a change
        of seats where none is needed; wheelchair spaces or wishes or company are disregarded.
    """
    free = leg.trip.free(leg.fare.travel_class, leg.first, leg.last, now)
    used: set[tuple[int, int]] = set()
    placed: list[tuple[Asked, SeatFacts]] = []
    changes = False
    for passenger, asked in enumerate(leg.party):
        claims = sorted(given[passenger, leg.ticket_id], key=lambda claim: claim[1])
        _check_claims(leg, asked, claims, used, now)
        changes |= len(claims) > 1
        if asked.needs_seat and asked.seat_id is None and len(claims) == 1:
            placed.append((asked, leg.trip.seats[claims[0][0]]))
    if changes:
        if len(free) >= len(leg.seated):
            raise Difference("a change of seats though there are seats for all the way")
        return
    chosen = set(leg.chosen)
    _check_spaces(placed, [seat for seat in free if seat.seat_id not in chosen])


def check_offer(leg: Leg, offered: Given, now: datetime) -> None:
    """
    See that a refused leg comes with an offer to change seats where that would do, and only there.

    :raises Difference: the offer is missing, is made for nothing, or could not be kept.
    """
    is_due = bool(leg.seated) and not is_quota_used_up(leg, now) and may_change(leg, now)
    if bool(offered) is not is_due:
        raise Difference(f"offers {offered or 'no change of seats'}, though a change is {is_due}")
    used: set[tuple[int, int]] = set()
    if offered:
        for passenger, asked in enumerate(leg.party):
            _check_claims(leg, asked, offered.get((passenger, leg.ticket_id), ()), used, now)


def _check_claims(
    leg: Leg,
    asked: Asked,
    claims: Sequence[tuple[int, int, int]],
    used: set[tuple[int, int]],
    now: datetime,
) -> None:
    cells = [
        (seat_id, segment) for seat_id, first, last in claims for segment in range(first, last + 1)
    ]
    way = list(range(leg.first, leg.last + 1)) if asked.needs_seat else []
    if [segment for _, segment in cells] != way:
        raise Difference(f"claims {claims} are not the way {leg.first}-{leg.last}")
    if asked.seat_id is not None and claims != [(asked.seat_id, leg.first, leg.last)]:
        raise Difference(f"claims {claims} instead of the chosen seat {asked.seat_id}")
    for seat_id, segment in cells:
        seat = leg.trip.seats.get(seat_id)
        if seat is None or seat.travel_class != leg.fare.travel_class:
            raise Difference(f"seat {seat_id} is not in class {leg.fare.travel_class}")
        if (seat_id, segment) in used or not leg.trip.is_free(seat_id, segment, segment, now):
            raise Difference(f"seat {seat_id} is not free on segment {segment}")
        used.add((seat_id, segment))


def _check_spaces(placed: Sequence[tuple[Asked, SeatFacts]], free: Sequence[SeatFacts]) -> None:
    """See that wheelchair spaces went to those who need one, and to others only for want."""
    needing = [seat for asked, seat in placed if asked.wish == "accessible"]
    others = [(asked, seat) for asked, seat in placed if asked.wish != "accessible"]
    spaces = sum(seat.is_accessible for seat in free)
    if sum(seat.is_accessible for seat in needing) != min(len(needing), spaces):
        raise Difference("who needs a wheelchair space has none though one was free")
    left = {seat.seat_id for seat in free} - {seat.seat_id for seat in needing}
    ordinary = [seat for seat in free if seat.seat_id in left and not seat.is_accessible]
    if sum(seat.is_accessible for _, seat in others) != max(0, len(others) - len(ordinary)):
        raise Difference("a wheelchair space went to somebody who needs none")
    if len(ordinary) >= len(others):
        _check_company(others, ordinary)


def _check_company(others: Sequence[tuple[Asked, SeatFacts]], pool: Sequence[SeatFacts]) -> None:
    """See that the party sits as close as it could, and a single traveller as wished."""
    if len(others) == 1:
        asked, seat = others[0]
        if asked.wish and not seat.meets(asked.wish) and any(s.meets(asked.wish) for s in pool):
            raise Difference(f"the wish for {asked.wish} was disregarded")
        return
    if others and _distance([seat for _, seat in others]) > _least_distance(pool, len(others)):
        raise Difference(f"a party of {len(others)} sits further apart than need be")


def _distance(seats: Sequence[SeatFacts]) -> int:
    """Answer 0 for one row, 1 for neighbouring rows, 2 for one coach, 3 for more."""
    if len({seat.coach for seat in seats}) > 1:
        return 3
    rows = [seat.row for seat in seats]
    return min(max(rows) - min(rows), 2)


def _least_distance(pool: Sequence[SeatFacts], size: int) -> int:
    for distance in (0, 1):
        for seat in pool:
            near = [
                one
                for one in pool
                if one.coach == seat.coach and 0 <= one.row - seat.row <= distance
            ]
            if len(near) >= size:
                return distance
    coaches = [sum(one.coach == seat.coach for one in pool) for seat in pool]
    return 2 if max(coaches, default=0) >= size else 3
