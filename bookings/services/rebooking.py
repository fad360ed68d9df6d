"""
Another departure instead of one that does not run as it was sold: free of charge, seats at once.

The price that was paid stays, with its lines and the penalty tiers that were sold; only the time
from which the tiers count is the new departure's. It is always a departure of the same carrier, so
that no money moves: whom the fare was taken for, carries.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from accounts.viewers import Viewer
from bookings import disruption, engine, notifications, selectors
from bookings.availability import availability
from bookings.engine.contract import Actor, CouponRow, ExchangeCommand, LegRow
from bookings.errors import AlreadyCancelled, NotChangeable, NotDisrupted, SoldOut, refusal
from bookings.selectors import CouponDetail, ReservationDetail
from inventory import search
from inventory import selectors as inventory
from inventory.errors import DepartureClosed
from inventory.pricing import INFANT, PriceRule
from inventory.search import Stretch
from inventory.selectors import Offer, TicketFacts
from inventory.ticket_ids import pack
from travel.common.errors import NotFound
from travel.common.ids import new_secret
from travel.common.transactions import in_transaction

# How long before and after its own time another departure may leave.
EARLIER = timedelta(hours=12)
LATER = timedelta(days=3)
# So many are shown, the nearest in time.
MOST = 12
CLASSES = ("Economy", "Business", "VIP")
STAFF = "staff"


@dataclass(frozen=True, slots=True)
class Alternative:
    """
    A ticket that may take the place of another: where, when, in which class, with room for all.

    `needs_more` says that the next ticket of the journey is no longer reached and has to be changed
    as well.
    """

    ticket_id: int
    stretch: Stretch
    rule: PriceRule
    seats_left: int
    is_better_class: bool
    needs_more: bool


def find_alternatives(
    *,
    reservation: ReservationDetail,
    ticket_id: int,
    now: datetime,
    day: date | None = None,
) -> list[Alternative]:
    """
    Answer departures that may take the place of a ticket, in the order of their departure.

    They are of the same carrier, lead between the same two cities, leave from twelve hours before
    to three days after the one that was booked, and have room for the whole party in the same
    class, or in a better one where there is none. The twelve nearest in time are answered; with
    `day`, for staff, all that leave on that day by the clock of where the ticket begins.

    :raises NotFound: the reservation has no such ticket, or no open coupon on it.
    """
    ticket = _ticket(reservation, ticket_id)
    needed = len(_seated(reservation, ticket_id))
    rides = [one for one in _rides(ticket, day, now) if _may_take(reservation, ticket, one)]
    rules = search.price_rules({one.tariff_id for one in rides}, now=now)
    left = availability(rides, now=now)
    found: list[Alternative] = []
    for ride in rides:
        for rule in _rules_for(ticket, rules.get(ride.tariff_id, [])):
            seats = left.left(ride, rule.travel_class)
            if seats >= max(needed, 1) and now < _closes_at(ride, rule):
                found.append(_alternative(reservation, ticket, ride, rule, seats))
                break
    if day is None:
        found = sorted(found, key=lambda one: _away(ticket, one.stretch))[:MOST]
    return sorted(found, key=lambda one: (one.stretch.leaves_at, one.ticket_id))


@in_transaction
def rebook(
    *,
    viewer: Viewer,
    reservation_id: int,
    ticket_id: int,
    to_ticket_id: int,
    now: datetime,
    actor: Actor | None = None,
) -> ReservationDetail:
    """
    Move all who travel on a ticket to another one, free of charge, or nobody.

    Seats are given back and taken in one transaction; the old coupons are cancelled without a
    refund, and new ones with new barcodes stand in their places at the same price. The holder is
    told by mail. Staff rebook also what runs as sold, and say why in the actor's reason.

    :raises NotFound: the reservation is not the viewer's, or there is no such ticket.
    :raises ProofNeeded: the viewer has shown no more than its booking code and a name.
    :raises NotDisrupted: the departure runs as it was sold.
    :raises AlreadyCancelled, HoldExpired, NotChangeable: nothing is left on the ticket to change,
        or the other one is no alternative to it.
    :raises DepartureClosed: it is too late for the other departure.
    :raises SoldOut: it has no room for all of them.
    """
    actor = actor or Actor("holder", viewer.user_id)
    reservation = selectors.get_to_change(viewer=viewer, reservation_id=reservation_id, now=now)
    if ticket_id not in reservation.tickets:
        raise NotFound()
    coupons = _coupons(reservation, ticket_id)
    if actor.kind != STAFF and ticket_id not in disruption.disruptions(reservation, now=now):
        raise NotDisrupted()
    offer = _offer(reservation, reservation.tickets[ticket_id], to_ticket_id, actor, now)
    result = engine.current().exchange(
        _command(reservation, ticket_id, offer, coupons), now=now, actor=actor
    )
    if not result.done:
        raise refusal(result.outcome, ticketID=to_ticket_id)
    fresh = selectors.get_reservation(
        viewer=Viewer(is_support=True), reservation_id=reservation.id, now=now
    )
    notifications.rebooked(
        reservation=fresh, before=reservation.tickets[ticket_id], after=offer.ticket, now=now
    )
    return fresh


# --- what may take its place ----------------------------------------------------------------------


def _ticket(reservation: ReservationDetail, ticket_id: int) -> TicketFacts:
    if not reservation.open_on(ticket_id):
        raise NotFound()
    return reservation.tickets[ticket_id]


def _seated(reservation: ReservationDetail, ticket_id: int) -> list[CouponDetail]:
    return [
        one
        for one in reservation.open_on(ticket_id)
        if reservation.passenger_of(one).kind != INFANT
    ]


def _rides(ticket: TicketFacts, day: date | None, now: datetime) -> list[Stretch]:
    """
    Answer the rides between the two cities that have not left yet: of a day, or within the time
    that is allowed.
    """
    if day is not None:
        return _rides_of(ticket, day, day, now)
    zone = ZoneInfo(ticket.origin.station.tz)
    first, last = _window(ticket, now)
    rides = _rides_of(ticket, first.astimezone(zone).date(), last.astimezone(zone).date(), now)
    return [one for one in rides if first <= one.leaves_at <= last]


def _rides_of(ticket: TicketFacts, day: date, last_day: date, now: datetime) -> list[Stretch]:
    return search.find_stretches(
        origins=ticket.origin.city.stations or [ticket.origin.station],
        destinations=ticket.destination.city.stations or [ticket.destination.station],
        day=day,
        last_day=last_day,
        now=now,
    )


def _window(ticket: TicketFacts, now: datetime) -> tuple[datetime, datetime]:
    return max(ticket.departs_at - EARLIER, now), max(ticket.departs_at, now) + LATER


def _may_take(reservation: ReservationDetail, ticket: TicketFacts, ride: Stretch) -> bool:
    """Say whether a ride is the same carrier's, and fits behind the ticket before."""
    booked = {one.parts.departure_id for one in reservation.journey}
    before = _before(reservation, ticket)
    return (
        ride.carrier_id == ticket.service.carrier_id
        and ride.departure_id not in booked
        and (before is None or ride.leaves_at >= _ready_after(before))
    )


def _before(reservation: ReservationDetail, ticket: TicketFacts) -> TicketFacts | None:
    journey = reservation.journey
    place = [one.id for one in journey].index(ticket.id)
    earlier = [
        one
        for one in journey[:place]
        if any(
            coupon.ticket_id == one.id and coupon.state in ("open", "used")
            for coupon in reservation.coupons
        )
        and not disruption.is_off(one)
    ]
    return earlier[-1] if earlier else None


def _after(reservation: ReservationDetail, ticket: TicketFacts) -> TicketFacts | None:
    journey = reservation.journey
    place = [one.id for one in journey].index(ticket.id)
    later = [one for one in journey[place + 1 :] if reservation.open_on(one.id)]
    return later[0] if later else None


def _ready_after(before: TicketFacts) -> datetime:
    arrives_at = before.destination.expected_arrives_at or before.arrives_at
    return arrives_at + disruption.change_between(before.destination, before.destination)


def _rules_for(ticket: TicketFacts, rules: Sequence[PriceRule]) -> Iterable[PriceRule]:
    """Answer the fares to travel at: the same class before a better one, the same name first."""
    wanted = [one for one in rules if _rank(one.travel_class) >= _rank(ticket.travel_class)]
    return sorted(
        wanted,
        key=lambda one: (
            _rank(one.travel_class),
            one.number != ticket.parts.fare_number,
            one.name != ticket.fare_name,
            one.number,
        ),
    )


def _rank(travel_class: str) -> int:
    return CLASSES.index(travel_class)


def _closes_at(ride: Stretch, rule: PriceRule) -> datetime:
    return ride.leaves_at - timedelta(minutes=rule.sales_close_minutes)


def _away(ticket: TicketFacts, ride: Stretch) -> timedelta:
    return abs(ride.departs_at - ticket.departs_at)


def _alternative(
    reservation: ReservationDetail,
    ticket: TicketFacts,
    ride: Stretch,
    rule: PriceRule,
    seats: int,
) -> Alternative:
    after = _after(reservation, ticket)
    arrives_at = ride.expected_arrives_at or ride.arrives_at
    return Alternative(
        ticket_id=pack(ride.departure_id, ride.from_position, ride.to_position, rule.number),
        stretch=ride,
        rule=rule,
        seats_left=seats,
        is_better_class=rule.travel_class != ticket.travel_class,
        needs_more=after is not None and arrives_at > after.leaves_at,
    )


# --- the move -------------------------------------------------------------------------------------


def _coupons(reservation: ReservationDetail, ticket_id: int) -> list[CouponDetail]:
    coupons = reservation.open_on(ticket_id)
    if coupons:
        return coupons
    every = [one for one in reservation.coupons if one.ticket_id == ticket_id]
    raise AlreadyCancelled() if all(one.state == "cancelled" for one in every) else NotChangeable()


def _offer(
    reservation: ReservationDetail,
    ticket: TicketFacts,
    to_ticket_id: int,
    actor: Actor,
    now: datetime,
) -> Offer:
    """Answer the other ticket, checked to be an alternative; staff choose any time."""
    offer = inventory.get_offer(to_ticket_id, now=now)
    other = offer.ticket
    fits = (
        other.service.carrier_id == ticket.service.carrier_id
        and other.origin.city.id == ticket.origin.city.id
        and other.destination.city.id == ticket.destination.city.id
        and other.parts.departure_id not in {one.parts.departure_id for one in reservation.journey}
        and _rank(other.travel_class) >= _rank(ticket.travel_class)
    )
    if not fits:
        raise NotChangeable(ticketID=to_ticket_id)
    if not offer.is_on_sale(now):
        raise DepartureClosed(ticketID=to_ticket_id)
    first, last = _window(ticket, now)
    before = _before(reservation, ticket)
    in_time = first <= other.leaves_at <= last and (
        before is None or other.leaves_at >= _ready_after(before)
    )
    if actor.kind == STAFF:
        return offer
    if not in_time:
        raise NotChangeable(ticketID=to_ticket_id)
    # A better class is for whom there is no room in the own one.
    offered = find_alternatives(reservation=reservation, ticket_id=ticket.id, now=now)
    if to_ticket_id not in {one.ticket_id for one in offered}:
        raise SoldOut(ticketID=to_ticket_id)
    return offer


def _command(
    reservation: ReservationDetail, ticket_id: int, offer: Offer, coupons: Sequence[CouponDetail]
) -> ExchangeCommand:
    people = {one.id: one for one in reservation.passengers}
    leg = LegRow(
        ticket_id=offer.ticket.id,
        departure_id=offer.ticket.parts.departure_id,
        first_segment=offer.ticket.first_segment,
        last_segment=offer.ticket.last_segment,
        travel_class=offer.ticket.travel_class,
        fare_id=offer.rule.fare_id,
        closes_at=offer.sales_close_at,
        coupons=[
            CouponRow(
                passenger=one.passenger,
                barcode=new_secret(),
                fare_version_id=one.fare_version_id,
                price_lines=(),
                needs_seat=people[one.passenger_id].kind != INFANT,
            )
            for one in coupons
        ],
    )
    return ExchangeCommand(
        reservation_id=reservation.id,
        from_ticket_id=ticket_id,
        leg=leg,
        coupons={one.passenger: one.id for one in coupons},
        wishes={one.passenger: people[one.passenger_id].seat_wish for one in coupons},
    )
