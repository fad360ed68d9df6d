"""
What does not run as it was sold, and so may be changed or given back without a loss.

Sources: Regulation (EU) 2021/782, article 18, for trains (an hour); Regulation (EU) 181/2011,
article 19, for coaches (two hours); Regulation (EC) 261/2004, articles 6 and 8, for flights (five
hours). A connection that a delay breaks is the carrier's fault, since it was sold as one journey.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from bookings.selectors import ReservationDetail
from inventory import places
from inventory.selectors import CallFacts, TicketFacts

CANCELLED, SKIPPED, DELAYED, MISSED = "cancelled", "skipped", "delayed", "missed"

LONG_DELAYS = {
    "Train": timedelta(minutes=60),
    "Bus": timedelta(minutes=120),
    "Plane": timedelta(minutes=300),
}
# So long after it has left one may still say that it was of no use.
OPEN_FOR = timedelta(hours=12)
# What leaves within a day of an arrival, and leads on, is part of the same way.
SAME_WAY_WITHIN = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Disruption:
    """Why a ticket is of no use as it was sold: `kind`, and for a delay how long it is."""

    kind: str
    delay: timedelta = timedelta(0)


def disruptions(reservation: ReservationDetail, *, now: datetime) -> dict[int, Disruption]:
    """
    Answer, by ticket, what is wrong with those of a paid reservation that still have open coupons.

    A departure called off, a call passed by, a delay that is too long, and a connection that one of
    these breaks. Who is late is told so until it leaves, who missed it for twelve hours more, and
    what was called off without end.
    """
    if reservation.status != "Paid":
        return {}
    journey = [one for one in reservation.journey if _is_travelled(reservation, one)]
    found: dict[int, Disruption] = {}
    for ticket in journey:
        own = _of_itself(ticket)
        if own is not None:
            found[ticket.id] = own
    for before, after in pairwise(journey):
        if after.id not in found and _is_missed(before, after, found.get(before.id)):
            found[after.id] = Disruption(MISSED)
    return {
        ticket_id: one
        for ticket_id, one in found.items()
        if reservation.open_on(ticket_id) and _is_open(one, reservation.tickets[ticket_id], now)
    }


def delay_of(ticket: TicketFacts) -> timedelta:
    """Answer how much later than planned one leaves or arrives, whichever is worse."""
    return max(
        ticket.leaves_at - ticket.departs_at,
        _arrives(ticket) - ticket.arrives_at,
        timedelta(0),
    )


def is_off(ticket: TicketFacts) -> bool:
    """Say whether the departure does not run, or does not call where one boards or alights."""
    return (
        ticket.departure_state == "cancelled"
        or ticket.origin.is_skipped
        or ticket.destination.is_skipped
    )


def _is_open(disruption: Disruption, ticket: TicketFacts, now: datetime) -> bool:
    if disruption.kind == CANCELLED:
        return True
    # Who boards a late train travels; who missed one knows it only when it has left.
    grace = timedelta(0) if disruption.kind == DELAYED else OPEN_FOR
    return now < ticket.leaves_at + grace


def _is_travelled(reservation: ReservationDetail, ticket: TicketFacts) -> bool:
    return any(
        coupon.ticket_id == ticket.id and coupon.state in ("open", "used")
        for coupon in reservation.coupons
    )


def _of_itself(ticket: TicketFacts) -> Disruption | None:
    if ticket.departure_state == "cancelled":
        return Disruption(CANCELLED)
    if is_off(ticket):
        return Disruption(SKIPPED)
    delay = delay_of(ticket)
    return Disruption(DELAYED, delay) if delay >= LONG_DELAYS[ticket.service.mode] else None


def _is_missed(before: TicketFacts, after: TicketFacts, wrong: Disruption | None) -> bool:
    """Say whether the one before brings nobody to the one after in time."""
    if wrong is not None and wrong.kind in (CANCELLED, SKIPPED):
        return leads_on(before, after)
    if not _arrives(before) > before.arrives_at and not after.leaves_at < after.departs_at:
        return False
    planned = after.departs_at - before.arrives_at
    needed = min(change_between(before.destination, after.origin), planned)
    return after.leaves_at - _arrives(before) < needed


def leads_on(before: TicketFacts, after: TicketFacts) -> bool:
    """Say whether the one after goes on from where the one before ends, rather than back."""
    return (
        after.departs_at - before.arrives_at <= SAME_WAY_WITHIN
        and after.origin.city.id == before.destination.city.id
        and after.destination.city.id != before.origin.city.id
    )


def change_between(arrival: CallFacts, departure: CallFacts) -> timedelta:
    """Answer how long changing takes at least; where nothing is known of it, no time."""
    known = dict(places.changes_to(departure.station.id))
    return timedelta(minutes=known.get(arrival.station.id, 0))


def _arrives(ticket: TicketFacts) -> datetime:
    return ticket.destination.expected_arrives_at or ticket.arrives_at
