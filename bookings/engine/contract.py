"""
What an engine promises, whichever database it runs on.

Every call runs inside the caller's transaction and answers with an outcome. After a refusal the
caller rolls back; nothing of the refused act may stay. Locks are taken in one order: departures by
id, seats, reservation. `now` is given: an engine never looks at a clock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol


class Outcome(StrEnum):
    """How a call ended, in the order in which refusals are looked for."""

    NOT_FOUND = "not_found"
    TOO_MANY_HOLDS = "too_many_holds"
    DEPARTURE_CLOSED = "departure_closed"
    SEAT_TAKEN = "seat_taken"
    SOLD_OUT = "sold_out"
    HOLD_EXPIRED = "hold_expired"
    ALREADY_PAID = "already_paid"
    ALREADY_CANCELLED = "already_cancelled"
    NOT_CANCELLABLE = "not_cancellable"
    NOT_CHANGEABLE = "not_changeable"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class HolderRow:
    """Whose reservation it is: a user, or a guest known by the digest of a secret."""

    user_id: int | None
    guest_digest: str | None
    contact_email: str | None
    contact_phone: str | None
    language: str


@dataclass(frozen=True, slots=True)
class PassengerRow:
    """A passenger; `accompanied_by` is the position of an infant's adult."""

    position: int
    first_name: str
    last_name: str
    kind: str
    date_of_birth: date | None = None
    seat_wish: str = ""
    accompanied_by: int | None = None


@dataclass(frozen=True, slots=True)
class PriceLineRow:
    """A line of a coupon's price."""

    kind: str
    label: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class CouponRow:
    """A passenger on a ticket; with `seat_id` that seat and no other."""

    passenger: int
    barcode: str
    fare_version_id: int
    price_lines: Sequence[PriceLineRow]
    needs_seat: bool = True
    seat_id: int | None = None


@dataclass(frozen=True, slots=True)
class LegRow:
    """
    A ticket with the coupons on it, one a passenger, in the passengers' order.

    `quota` is how many seats of any segment its fare may fill on this departure, None for all.
    """

    ticket_id: int
    departure_id: int
    first_segment: int
    last_segment: int
    travel_class: str
    fare_id: int
    closes_at: datetime
    coupons: Sequence[CouponRow]
    quota: int | None = None


@dataclass(frozen=True, slots=True)
class ReserveCommand:
    """
    Everything a reservation consists of, priced and checked; legs in the order of travel.

    A holder has at most `max_live_holds` unpaid reservations, and `max_live_holds_there` with a
    ticket on any one of these departures (None: as many). Only with `accept_seat_change` may a
    passenger get one seat after another where no single one is free all the way.
    """

    locator: str
    holder: HolderRow
    currency: str
    hold_until: datetime
    passengers: Sequence[PassengerRow]
    legs: Sequence[LegRow]
    max_live_holds: int
    max_live_holds_there: int | None = None
    accept_seat_change: bool = False


@dataclass(frozen=True, slots=True)
class SeatChange:
    """A coupon and the seat of its departure's map that it is to have all the way."""

    coupon_id: int
    seat_id: int


@dataclass(frozen=True, slots=True)
class ExchangeCommand:
    """
    Coupons of one ticket, all that are open, and the ticket that takes its place.

    `leg` is the new ticket with its coupons, which keep the fare versions and price lines of the
    old ones; `coupons` are the old ones' ids by their passengers' positions, `wishes` what the
    passengers wish for.
    """

    reservation_id: int
    from_ticket_id: int
    leg: LegRow
    coupons: Mapping[int, int]
    wishes: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class SeatPart:
    """A seat from a segment to a segment, both counted in, for a passenger on a ticket."""

    passenger: int
    ticket_id: int
    seat_id: int
    coach: str
    seat: str
    first_segment: int
    last_segment: int


@dataclass(frozen=True, slots=True)
class Result:
    """
    An outcome, with the reservation it concerns and, for a refusal, the ticket that caused it.
    """

    outcome: Outcome
    reservation_id: int | None = None
    ticket_id: int | None = None
    details: dict[str, object] = field(default_factory=dict)

    @property
    def done(self) -> bool:
        return self.outcome is Outcome.DONE


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: the holder, staff (with the user's id) or the office itself, and why."""

    kind: str
    user_id: int | None = None
    reason: str = ""


SYSTEM = Actor(kind="system")


class Engine(Protocol):
    """The acts on seats. Each is all or nothing."""

    def reserve(self, command: ReserveCommand, *, now: datetime, actor: Actor) -> Result:
        """
        Hold a seat for every coupon that needs one, or none.

        Holds that ended by `now` on the wanted departures are expired first. Refuses with
        too_many_holds, departure_closed, seat_taken (a chosen seat) or sold_out (too few seats, or
        the fare's quota is used up). Where only a change of seat on the way would do, the refusal
        offers it: `details["seat_changes"]` is a list of SeatPart, each passenger's in the order of
        the way.
        """

    def confirm(self, reservation_id: int, *, now: datetime, actor: Actor) -> Result:
        """
        Turn a live hold into a paid reservation; refuses a hold that ended at or before `now`.
        """

    def release(self, reservation_id: int, *, now: datetime, actor: Actor) -> Result:
        """Give up a hold: its seats are free at once and the reservation is cancelled."""

    def extend(
        self, reservation_id: int, *, until: datetime, mark: str, now: datetime, actor: Actor
    ) -> Result:
        """
        Lengthen a live hold to `until`, never shorten it.

        `mark` names the column that remembers it (`extended_at` by the holder, `lengthened_at` by a
        payment); where it is set already, this was done once, nothing changes and
        `details["changed"]` is false.
        """

    def cancel_coupons(
        self, reservation_id: int, coupon_ids: Sequence[int], *, now: datetime, actor: Actor
    ) -> Result:
        """
        Cancel open coupons of a paid reservation and free their seats.

        When none is left open or used the reservation itself is cancelled.
        """

    def change_seats(
        self, reservation_id: int, changes: Sequence[SeatChange], *, now: datetime, actor: Actor
    ) -> Result:
        """
        Give open coupons of a live hold or a paid reservation other seats of their class.

        Each coupon gives back all it sits on and gets one seat all the way; passengers of a party
        may swap. Refuses with not_found, hold_expired, already_cancelled, not_changeable (a coupon
        was used, or its departure does not run) or seat_taken. Where everybody sits there already
        nothing is written and `details["changed"]` is false.
        """

    def exchange(self, command: ExchangeCommand, *, now: datetime, actor: Actor) -> Result:
        """
        Move the open coupons of a ticket of a paid reservation to a ticket of another departure.

        Seats are given back there and taken here at once, for the whole party or for nobody; a
        fare's quota is not asked for. The old coupons are cancelled and name the new ones, which
        have new barcodes. Refuses with not_found, hold_expired, already_cancelled, not_changeable
        (used, not paid, or not all that are open), departure_closed or sold_out.
        """

    def reclaim(
        self,
        reservation_id: int,
        *,
        until: datetime,
        other_seats: bool,
        now: datetime,
        actor: Actor,
    ) -> Result:
        """
        Take an expired hold's seats again, to `until`; a live hold stays as it is.

        The same seats, or with `other_seats` any in the same class where one of them is gone.
        Refuses with departure_closed once a ticket's boarding call has left or the departure is not
        on sale, seat_taken or sold_out as in reserve.
        """

    def expire(self, *, now: datetime, limit: int) -> int:
        """Expire at most `limit` holds that ended by `now`; answer how many."""
