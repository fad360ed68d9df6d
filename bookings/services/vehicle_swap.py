"""
Seats that the departures desk changes: another vehicle, seats kept back, and who waits for one.

Whoever sits there is seated anew under the departure's lock, or waits in the desk's queue; nobody
is dropped. Each change has a preview that writes nothing.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from bookings.engine import holds, reseating, stock
from bookings.engine.contract import Actor
from bookings.engine.reseating import Plan
from bookings.models import SeatBlock, SeatStock
from inventory.models import Call, Departure, Vehicle
from inventory.services import running
from inventory.ticket_ids import segments_mask
from travel.common.errors import InvalidInput, NotFound
from travel.common.transactions import in_transaction


@dataclass(frozen=True, slots=True)
class Reseated:
    """What became of the people: how many keep their seat, move, change on the way, have none."""

    kept: int
    moved: int
    changing: int
    unseated: int
    reservations: frozenset[int]

    @classmethod
    def of(cls, plan: Plan) -> Reseated:
        """Count a plan."""
        return cls(
            len(plan.kept),
            len(plan.moved),
            len(plan.changing),
            len(plan.unseated),
            frozenset(plan.reservations),
        )


def preview_swap(*, departure_id: int, vehicle_id: int) -> Reseated:
    """
    Answer what swap_vehicle would do to the people as they sit now; nothing is written.

    :raises NotFound: there is no such departure or vehicle.
    """
    vehicle = _vehicle_for(_departure(departure_id), vehicle_id)
    board = reseating.board_of_map(vehicle.seat_map_id)
    return Reseated.of(reseating.plan(reseating.sitters_of(departure_id), board))


@in_transaction
def swap_vehicle(
    *, departure_id: int, vehicle_id: int, revision: int | None, now: datetime, actor: Actor
) -> Reseated:
    """
    Run a departure with another vehicle of its carrier, everybody seated in it as well as can be.

    The stock is laid out anew, and seats that were kept back are not any more. Who finds no seat in
    the class that was paid for waits for the desk.

    :raises NotFound: there is no such departure, or its carrier has no such vehicle.
    :raises InvalidInput: it runs with this vehicle already.

    and whatever inventory.services.running.lock raises.
    """
    departure = _lock(departure_id, revision, now)
    _vehicle_for(departure, vehicle_id)
    if departure.vehicle_id == vehicle_id:
        raise InvalidInput(errors={"vehicle": [_("It runs with this vehicle already.")]})
    return Reseated.of(reseating.swap_vehicle(departure_id, vehicle_id, now=now, actor=actor))


def preview_block(
    *, departure_id: int, seat_ids: Collection[int], first_segment: int, last_segment: int
) -> Reseated:
    """
    Answer what block_seats would do to the people as they sit now; nothing is written.

    :raises InvalidInput: the stretch is not there, or a seat is kept back on it already.
    """
    _check_stretch(departure_id, first_segment, last_segment)
    _check_free(departure_id, seat_ids, segments_mask(first_segment, last_segment))
    return Reseated.of(reseating.plan_of_block(departure_id, seat_ids, first_segment, last_segment))


@in_transaction
def block_seats(
    *,
    departure_id: int,
    seat_ids: Collection[int],
    first_segment: int,
    last_segment: int,
    reason: str,
    user_id: int,
    revision: int | None,
    now: datetime,
    actor: Actor,
) -> Reseated:
    """
    Keep seats of a departure back from a segment to a segment, both counted in.

    Nobody can buy them then; whoever sits there is seated elsewhere in the class, or waits for the
    desk.

    :raises InvalidInput: a seat is not the departure's or is kept back already, the segments are
    not there, or no seat is named.

    and whatever inventory.services.running.lock raises.
    """
    departure = _lock(departure_id, revision, now)
    _check_stretch(departure_id, first_segment, last_segment)
    stock.lay_out([departure], now)
    _check_seats(departure_id, set(seat_ids), segments_mask(first_segment, last_segment))
    return Reseated.of(
        reseating.keep_back(
            departure_id,
            set(seat_ids),
            first_segment=first_segment,
            last_segment=last_segment,
            reason=reason,
            user_id=user_id,
            now=now,
            actor=actor,
        )
    )


@in_transaction
def unblock_seats(
    *,
    departure_id: int,
    block_ids: Collection[int],
    revision: int | None,
    now: datetime,
    actor: Actor,
) -> Reseated:
    """
    Give back seats that were kept back; who waits for a seat is seated if there is room now.

    :raises NotFound: one of them is not there any more.
    """
    _lock(departure_id, revision, now, is_running=False)
    own = SeatBlock.objects.filter(id__in=block_ids, stock__departure_id=departure_id)
    if not block_ids or own.count() < len(set(block_ids)):
        raise NotFound()
    reseating.give_back_blocks(block_ids)
    return Reseated.of(reseating.seat_the_waiting(departure_id, now=now, actor=actor))


@in_transaction
def seat_the_waiting(
    *, departure_id: int, revision: int | None, now: datetime, actor: Actor
) -> Reseated:
    """Seat those of the departure's queue for whom there is room by now."""
    _lock(departure_id, revision, now)
    return Reseated.of(reseating.seat_the_waiting(departure_id, now=now, actor=actor))


def _lock(
    departure_id: int, revision: int | None, now: datetime, *, is_running: bool = True
) -> Departure:
    """Take the locks of an act on seats, by the departures' ids, and sweep the ended holds."""
    dead = holds.ended([departure_id], now)
    holds.lock_departures({departure_id, *holds.departures_of(dead)})
    departure = running.lock(departure_id=departure_id, revision=revision, is_running=is_running)
    holds.expire(dead, now)
    return departure


def _departure(departure_id: int) -> Departure:
    found = Departure.objects.select_related("service").filter(id=departure_id).first()
    if found is None:
        raise NotFound()
    return found


def _vehicle_for(departure: Departure, vehicle_id: int) -> Vehicle:
    vehicle = Vehicle.objects.filter(id=vehicle_id, carrier_id=departure.service.carrier_id).first()
    if vehicle is None:
        raise NotFound()
    return vehicle


def _check_seats(departure_id: int, seat_ids: set[int], mask: int) -> None:
    rows = SeatStock.objects.filter(departure_id=departure_id, seat_id__in=seat_ids)
    if not seat_ids or rows.count() < len(seat_ids):
        raise InvalidInput(errors={"seats": [_("The departure has no such seat.")]})
    _check_free(departure_id, seat_ids, mask)


def _check_stretch(departure_id: int, first_segment: int, last_segment: int) -> None:
    last = Call.objects.filter(departure=departure_id).count() - 2
    if not 0 <= first_segment <= last_segment <= last:
        raise InvalidInput(errors={"from_call": [_("The stretch does not run forward.")]})


def _check_free(departure_id: int, seat_ids: Collection[int], mask: int) -> None:
    own = SeatBlock.objects.filter(stock__departure=departure_id, stock__seat__in=seat_ids)
    for first, last in own.values_list("first_segment", "last_segment"):
        if segments_mask(first, last) & mask:
            raise InvalidInput(errors={"seats": [_("This seat is kept back already.")]})
