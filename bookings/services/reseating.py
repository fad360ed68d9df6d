"""Other seats for passengers who have some already, on the same departure and in the same class."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.utils.translation import gettext as _

from accounts.viewers import Viewer
from bookings import engine, notifications, selectors
from bookings.availability import taken_seats
from bookings.engine.contract import Actor, SeatChange
from bookings.errors import NotChangeable, refusal
from bookings.selectors import CouponDetail, PlannedSeat, ReservationDetail
from bookings.services.reserving import SeatChoice
from inventory import selectors as inventory
from inventory.pricing import INFANT
from inventory.selectors import TicketFacts
from travel.common.errors import InvalidInput
from travel.common.transactions import in_transaction


@in_transaction
def change_seats(
    *,
    viewer: Viewer,
    reservation_id: int,
    seats: Sequence[SeatChoice],
    now: datetime,
    actor: Actor | None = None,
) -> ReservationDetail:
    """
    Give the named passengers the named seats on their tickets, all of them or none.

    A live hold and a paid reservation are changed alike, free of charge, until the departure of the
    passengers' own call; a party may swap its seats. Whoever changed seats on the way has one seat
    all the way afterwards. The holder of a paid one is told by mail.

    :raises NotFound: it is not the viewer's.
    :raises ProofNeeded: the viewer has shown no more than its booking code and a name.
    :raises InvalidInput: there is no such ticket, passenger or seat here, or one is named twice.
    :raises HoldExpired, AlreadyCancelled: there is nothing left to change.
    :raises NotChangeable: a ticket was used, has left or does not run.
    :raises SeatTaken: a seat is not free all the way.
    """
    reservation = selectors.get_to_change(viewer=viewer, reservation_id=reservation_id, now=now)
    changes = _changes(reservation, seats, now)
    result = engine.current().change_seats(
        reservation.id, changes, now=now, actor=actor or Actor("holder", viewer.user_id)
    )
    if not result.done:
        told = {} if result.ticket_id is None else {"ticketID": result.ticket_id}
        raise refusal(result.outcome, **told)
    fresh = _fresh(reservation.id, now)
    if result.details["changed"] and fresh.status == "Paid":
        notifications.seats_changed(reservation=fresh, now=now)
    return fresh


def seats_to_choose(
    reservation: ReservationDetail, ticket_id: int, *, now: datetime
) -> list[PlannedSeat]:
    """
    Answer the seats with names of a booked ticket's class, and which are free for its party.

    Those on which the party itself sits are free: its members may swap them.
    """
    ticket = reservation.tickets[ticket_id]
    taken = taken_seats(
        ticket.parts.departure_id,
        first=ticket.first_segment,
        last=ticket.last_segment,
        now=now,
        apart_from=[one.id for one in reservation.open_on(ticket_id)],
    )
    return [
        PlannedSeat(seat, seat.id not in taken)
        for seat in inventory.seat_map(ticket.seat_map_id)
        if seat.label and seat.travel_class == ticket.travel_class
    ]


def may_change_seats(ticket: TicketFacts, *, now: datetime) -> bool:
    """Say whether seats of the ticket may be changed now, as far as its departure goes."""
    return ticket.departure_state == "scheduled" and now < ticket.leaves_at


def _changes(
    reservation: ReservationDetail, seats: Sequence[SeatChoice], now: datetime
) -> list[SeatChange]:
    if not seats:
        raise InvalidInput(errors={"seats": [_("Choose a seat.")]})
    maps: dict[int, dict[tuple[str, str], tuple[int, str]]] = {}
    changes: list[SeatChange] = []
    for number, choice in enumerate(seats):
        where = f"seats[{number}]"
        coupon = _coupon(reservation, choice, where)
        ticket = reservation.tickets[choice.ticket_id]
        if coupon.state == "open" and not may_change_seats(ticket, now=now):
            raise NotChangeable(ticketID=ticket.id)
        if ticket.seat_map_id not in maps:
            maps[ticket.seat_map_id] = {
                (seat.coach, seat.label): (seat.id, seat.travel_class)
                for seat in inventory.seat_map(ticket.seat_map_id)
            }
        seat_id, travel_class = maps[ticket.seat_map_id].get(
            (choice.coach, choice.seat) if choice.seat else ("", ""), (0, "")
        )
        if not choice.seat or travel_class != ticket.travel_class:
            raise InvalidInput(
                errors={f"{where}.seat": [_("There is no such seat in this class.")]}
            )
        changes.append(SeatChange(coupon.id, seat_id))
    _check_once(reservation, changes)
    return changes


def _coupon(reservation: ReservationDetail, choice: SeatChoice, where: str) -> CouponDetail:
    """Answer the coupon that a choice is for: of two on one ticket the one that counts."""
    if choice.ticket_id not in reservation.tickets:
        raise InvalidInput(errors={f"{where}.ticketID": [_("This ticket is not booked here.")]})
    found = [
        one
        for one in reservation.coupons
        if one.ticket_id == choice.ticket_id and one.passenger == choice.passenger
    ]
    if not found:
        raise InvalidInput(errors={f"{where}.passenger": [_("There is no such passenger.")]})
    coupon = min(found, key=lambda one: one.is_exchanged)
    if reservation.passenger_of(coupon).kind == INFANT:
        raise InvalidInput(errors={f"{where}.passenger": [_("An infant travels without a seat.")]})
    return coupon


def _check_once(reservation: ReservationDetail, changes: Sequence[SeatChange]) -> None:
    """See that nobody is named twice, and no seat for two of the same ticket."""
    tickets = {one.id: one.ticket_id for one in reservation.coupons}
    people = {one.coupon_id for one in changes}
    places = {(tickets[one.coupon_id], one.seat_id) for one in changes}
    if len(people) < len(changes) or len(places) < len(changes):
        raise InvalidInput(errors={"seats": [_("A seat or a passenger is named twice.")]})


def _fresh(reservation_id: int, now: datetime) -> ReservationDetail:
    return selectors.get_reservation(
        viewer=Viewer(is_support=True), reservation_id=reservation_id, now=now
    )
