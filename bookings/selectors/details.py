"""A reservation with all that belongs to it, as readers get it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from bookings.models import Coupon
from bookings.selectors.statuses import STATUSES, State
from inventory.selectors import TicketFacts
from travel.common.money import Money

# What stands where the name of somebody who was forgotten was.
ERASED_NAME = ("Erased", "passenger")


@dataclass(frozen=True, slots=True)
class SeatPlace:
    """A claimed seat: coach, seat, and the segments of the departure it is claimed for."""

    coach: str
    seat: str
    first_segment: int
    last_segment: int


@dataclass(frozen=True, slots=True)
class PassengerDetail:
    """A passenger; `accompanied_by` is the position of an infant's adult."""

    id: int
    position: int
    first_name: str
    last_name: str
    kind: str
    date_of_birth: date | None
    seat_wish: str
    accompanied_by: int | None

    @property
    def full_name(self) -> str:
        return f"{self.first_name} {self.last_name}"


@dataclass(frozen=True, slots=True)
class CouponDetail:
    """
    A passenger on a ticket with what it cost and where it sits.

    `reissued_at` is when its ticket was last issued anew, None where it is the first `issue`.
    """

    id: int
    passenger_id: int
    passenger: int
    position: int
    ticket_id: int
    fare_version_id: int
    state: str
    barcode: str
    issue: int
    reissued_at: datetime | None
    lines: list[tuple[str, str, Money]]
    price: Money
    seats: list[SeatPlace]
    exchanged_for: int | None = None

    @property
    def is_exchanged(self) -> bool:
        """Whether another coupon, of another departure, has taken its place."""
        return self.exchanged_for is not None


@dataclass(frozen=True, slots=True)
class ReservationDetail:
    """A reservation with all that belongs to it; `status` is its word at the moment of reading."""

    id: int
    locator: str
    state: str
    status: str
    user_id: int | None
    contact_email: str | None
    contact_phone: str | None
    language: str
    currency: str
    created_at: datetime
    hold_until: datetime
    extended_at: datetime | None
    passengers: list[PassengerDetail]
    coupons: list[CouponDetail]
    tickets: dict[int, TicketFacts]

    @property
    def price(self) -> Money:
        """What the whole reservation was sold for, cancelled parts included."""
        return Money(sum(coupon.price.minor for coupon in self.coupons), self.currency)

    @property
    def is_live_hold(self) -> bool:
        return self.status == STATUSES[State.HELD]

    @property
    def is_erased(self) -> bool:
        """Whether its people were forgotten, and how to reach them with them."""
        return all((one.first_name, one.last_name) == ERASED_NAME for one in self.passengers)

    @property
    def open_coupons(self) -> list[CouponDetail]:
        return [coupon for coupon in self.coupons if coupon.state == Coupon.State.OPEN]

    @property
    def journey(self) -> list[TicketFacts]:
        """The tickets in the order of travel, without those exchanged for others."""
        current = {one.ticket_id for one in self.coupons if not one.is_exchanged}
        return sorted(
            (self.tickets[ticket_id] for ticket_id in current),
            key=lambda one: (one.departs_at, one.id),
        )

    def open_on(self, ticket_id: int) -> list[CouponDetail]:
        """Answer the open coupons of a ticket."""
        return [one for one in self.open_coupons if one.ticket_id == ticket_id]

    def passenger_of(self, coupon: CouponDetail) -> PassengerDetail:
        """Answer whose coupon it is."""
        return next(one for one in self.passengers if one.id == coupon.passenger_id)
