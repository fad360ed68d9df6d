"""
One pass for each passenger on each ticket: what page, PDF, calendar file and wallet pass show.

Only paid reservations with an open coupon have any. A cancelled coupon's pass is void: it says so,
and has no barcode.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils.translation import gettext

from accounts.viewers import Viewer
from bookings import barcodes, selectors
from bookings.barcodes import BarcodeFacts
from bookings.documents.codes import Picture, picture, symbol_of
from bookings.documents.rules import cancelling
from bookings.documents.words import (
    coach_word,
    kind_name,
    platform_word,
    seat_on_the_way,
    stops_text,
)
from bookings.errors import ProofNeeded
from bookings.selectors import CouponDetail, PassengerDetail, ReservationDetail
from inventory import selectors as inventory
from inventory.selectors import TicketFacts, Tier
from travel.common.errors import NotFound
from travel.common.money import Money

OPEN, CANCELLED = "open", "cancelled"
PAID = "Paid"


@dataclass(frozen=True, slots=True)
class Pass:
    """
    A passenger on a ticket, as documents show it.

    The instants are in the zones of their stations. `barcode` is the signed text, empty where the
    pass is void; `state` and `tone` say why in words, `coupon_state` by its code. `coach` and
    `seat` are empty where there are several, or none; `seating` always says it in words. `number`
    of `count` counts the passes that hold. `rules` say what cancelling costs until when.
    """

    coupon_id: int
    ticket_id: int
    locator: str
    number: int
    count: int
    passenger: str
    kind: str
    mode: str
    service: str
    carrier: str
    fare: str
    travel_class: str
    departs_at: datetime
    arrives_at: datetime
    expected_at: datetime | None
    origin: str
    origin_code: str
    destination: str
    destination_code: str
    duration_minutes: int
    stops: int
    platform: str
    coach: str
    seat: str
    seating: str
    price: Money
    tax: Money
    coupon_state: str
    state: str
    tone: str
    barcode: str
    issue: int
    issued_at: datetime
    rules: tuple[str, ...]

    @property
    def is_void(self) -> bool:
        return not self.barcode

    @property
    def symbol(self) -> str:
        """The kind of its barcode: `Aztec` or `QR`."""
        return symbol_of(self.mode)

    @property
    def days_later(self) -> int:
        """How many local days after the departure it arrives."""
        return (self.arrives_at.date() - self.departs_at.date()).days

    @property
    def stops_text(self) -> str:
        return stops_text(self.stops)

    @property
    def platform_word(self) -> str:
        return platform_word(self.mode)

    @property
    def coach_word(self) -> str:
        return coach_word(self.mode)

    @property
    def picture(self) -> Picture:
        """Its barcode, drawn; a void pass has none."""
        assert self.barcode, "a void pass has no barcode"
        return picture(self.barcode, self.symbol)


@dataclass(frozen=True, slots=True)
class Papers:
    """A reservation and its passes, in the order of travel and of the passengers."""

    reservation: ReservationDetail
    passes: list[Pass]

    @property
    def valid(self) -> list[Pass]:
        return [one for one in self.passes if not one.is_void]


def get_papers(
    *, viewer: Viewer, now: datetime, reservation_id: int | None = None, locator: str | None = None
) -> Papers:
    """
    Answer a reservation with its passes.

    :raises NotFound: it is not the viewer's to see, not paid, or has no open coupon any more.
    :raises ProofNeeded: the viewer has shown no more than its booking code and a name: these stand
        on every ticket, and whoever has found one is not to get the others.
    """
    found = selectors.get_reservation(
        viewer=viewer, reservation_id=reservation_id, locator=locator, now=now
    )
    if not selectors.may_change(viewer, found.id):
        raise ProofNeeded()
    if not has_documents(found):
        raise NotFound()
    return papers_of(found)


def get_pass(*, viewer: Viewer, now: datetime, locator: str, coupon_id: int) -> Pass:
    """
    Answer one pass of a reservation.

    :raises NotFound, ProofNeeded: as `get_papers`; and there is no such coupon in it.
    """
    papers = get_papers(viewer=viewer, locator=locator, now=now)
    for one in papers.passes:
        if one.coupon_id == coupon_id:
            return one
    raise NotFound()


def has_documents(reservation: ReservationDetail) -> bool:
    """Say whether there are tickets to show: it is paid, and a coupon is open."""
    return reservation.status == PAID and bool(reservation.open_coupons)


def papers_of(reservation: ReservationDetail) -> Papers:
    """Answer the passes of a paid reservation; the caller may see it already."""
    paid_at = selectors.paid_at([reservation.id]).get(reservation.id, reservation.created_at)
    return Papers(reservation, passes_of(reservation, issued_at=paid_at))


def passes_of(reservation: ReservationDetail, *, issued_at: datetime) -> list[Pass]:
    """Answer the passes of a paid reservation that was paid at `issued_at`."""
    coupons = [one for one in _in_order(reservation) if not one.is_exchanged]
    valid = [one for one in coupons if _is_valid(reservation, one)]
    numbers = {coupon.id: number for number, coupon in enumerate(valid, start=1)}
    tiers = inventory.penalty_tiers({one.fare_version_id for one in coupons})
    return [
        _pass(
            reservation,
            coupon,
            tiers.get(coupon.fare_version_id, []),
            number=numbers.get(coupon.id, 0),
            count=len(valid),
            paid=issued_at,
        )
        for coupon in coupons
    ]


def barcodes_of(reservations: Iterable[ReservationDetail]) -> dict[int, str]:
    """Answer what `barcode_of` says of every coupon, by its id; the caller may see them already."""
    booked = {one.id: one for one in reservations}
    paid_at = selectors.paid_at(booked)
    return {
        coupon.id: barcode_of(one, coupon, issued_at=paid_at.get(one.id, one.created_at))
        for one in booked.values()
        for coupon in one.coupons
    }


def barcode_of(reservation: ReservationDetail, coupon: CouponDetail, *, issued_at: datetime) -> str:
    """
    Answer the signed text of a coupon's barcode; empty where the coupon opens no door.

    `issued_at` is when the reservation was paid.
    """
    if not _is_valid(reservation, coupon):
        return ""
    passenger = reservation.passenger_of(coupon)
    return barcodes.sign(
        BarcodeFacts(
            barcode=coupon.barcode,
            ticket_id=coupon.ticket_id,
            issue=coupon.issue,
            locator=reservation.locator,
            name=barcodes.short_name(passenger.first_name, passenger.last_name),
            seats=tuple((place.coach, place.seat) for place in coupon.seats[: barcodes.MAX_SEATS]),
            travel_class=reservation.tickets[coupon.ticket_id].travel_class,
            issued_at=coupon.reissued_at or issued_at,
        )
    )


def _is_valid(reservation: ReservationDetail, coupon: CouponDetail) -> bool:
    ticket = reservation.tickets[coupon.ticket_id]
    return (
        reservation.status == PAID and coupon.state == OPEN and ticket.departure_state != CANCELLED
    )


def _in_order(reservation: ReservationDetail) -> Iterable[CouponDetail]:
    return sorted(
        reservation.coupons,
        key=lambda one: (
            reservation.tickets[one.ticket_id].departs_at,
            one.ticket_id,
            one.passenger,
            one.id,
        ),
    )


def _pass(
    reservation: ReservationDetail,
    coupon: CouponDetail,
    tiers: Sequence[Tier],
    *,
    number: int,
    count: int,
    paid: datetime,
) -> Pass:
    ticket = reservation.tickets[coupon.ticket_id]
    passenger = reservation.passenger_of(coupon)
    start, end = ticket.origin, ticket.destination
    zone = ZoneInfo(start.station.tz)
    expected = start.expected_departs_at
    only = coupon.seats[0] if len(coupon.seats) == 1 and coupon.seats[0].seat else None
    state, tone = _state(coupon, ticket)
    return Pass(
        coupon_id=coupon.id,
        ticket_id=ticket.id,
        locator=reservation.locator,
        number=number,
        count=count,
        passenger=passenger.full_name,
        kind=kind_name(passenger.kind),
        mode=ticket.service.mode,
        service=ticket.service.number,
        carrier=ticket.service.carrier_name,
        fare=ticket.fare_name,
        travel_class=ticket.class_name,
        departs_at=ticket.departs_at.astimezone(zone),
        arrives_at=ticket.arrives_at.astimezone(ZoneInfo(end.station.tz)),
        expected_at=expected.astimezone(zone)
        if expected and expected != ticket.departs_at
        else None,
        origin=start.station.name,
        origin_code=start.station.code,
        destination=end.station.name,
        destination_code=end.station.code,
        duration_minutes=ticket.duration // timedelta(minutes=1),
        stops=ticket.stops,
        platform=start.platform,
        coach=only.coach if only else "",
        seat=only.seat if only else "",
        seating=_seating(coupon, passenger, ticket),
        price=coupon.price,
        tax=_tax(coupon, reservation.currency),
        coupon_state=coupon.state,
        state=state,
        tone=tone,
        barcode=barcode_of(reservation, coupon, issued_at=paid),
        issue=coupon.issue,
        issued_at=(coupon.reissued_at or paid).astimezone(zone),
        rules=cancelling(ticket, tiers, currency=reservation.currency, since=paid),
    )


def _seating(coupon: CouponDetail, passenger: PassengerDetail, ticket: TicketFacts) -> str:
    if coupon.seats:
        return seat_on_the_way(coupon, ticket)
    if passenger.kind == "infant":
        return gettext("On an adult's lap")
    return gettext("No seat") if coupon.state != OPEN else gettext("A seat is being found")


def _state(coupon: CouponDetail, ticket: TicketFacts) -> tuple[str, str]:
    if coupon.state == OPEN:
        if ticket.departure_state == CANCELLED:
            return gettext("Cancelled by the carrier"), "bad"
        return gettext("Valid"), "good"
    return {
        CANCELLED: (gettext("Cancelled"), "bad"),
        "used": (gettext("Travelled"), ""),
        "no_show": (gettext("Not used"), ""),
    }[coupon.state]


def _tax(coupon: CouponDetail, currency: str) -> Money:
    """Answer the tax that the price contains."""
    return Money(sum(money.minor for kind, _, money in coupon.lines if kind == "tax"), currency)


def per_ticket(passes: Sequence[Pass]) -> dict[int, list[Pass]]:
    """Answer the passes by ticket, in the order of travel."""
    found: dict[int, list[Pass]] = {}
    for one in passes:
        found.setdefault(one.ticket_id, []).append(one)
    return found
