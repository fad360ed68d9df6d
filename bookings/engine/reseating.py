"""
Seats that change under those who sit on them: another vehicle, or a seat that is kept back.

The rules of who sits where are in remapping; here are the rows. Whoever calls holds the departure's
lock, so that nobody reserves, pays or cancels on it meanwhile, and has swept the holds that ended.
An open coupon that loses its seat and finds no other stands among the unseated afterwards.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import QuerySet

from bookings.engine import stock
from bookings.engine.contract import Actor
from bookings.engine.placement import FreeSeat, Part
from bookings.engine.records import insert_claims, issue_anew
from bookings.engine.remapping import ABOARD, HELD, PAID, Sitter, remap
from bookings.engine.stock import StockMismatch
from bookings.models import (
    Claim,
    Coupon,
    Passenger,
    Reservation,
    ReservationEvent,
    SeatBlock,
    SeatStock,
    Unseated,
)
from inventory.models import Departure, Seat
from inventory.ticket_ids import segments_mask, unpack
from travel.common import sql

LIVE = (Reservation.State.HELD, Reservation.State.PAID)
# A claim as the history has it: coupon, coach, seat, first and last segment.
Old = tuple[int, str, str, int, int]


@dataclass(frozen=True, slots=True)
class Seated:
    """A coupon with what decides about its seat, and the seats that it has now."""

    sitter: Sitter
    reservation_id: int
    reservation_state: str
    travel_class: str
    is_open: bool
    claims: tuple[Old, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """
    Who would sit where: the parts of each coupon, and who has none.

    `kept` keep the seat of the same name, or had none that is named; `moved` get another one;
    `changing` are those of them who change seats on the way.
    """

    parts: dict[int, list[Part]]
    kept: frozenset[int]
    moved: frozenset[int]
    changing: frozenset[int]
    unseated: frozenset[int]
    people: dict[int, Seated] = field(repr=False)

    @property
    def reservations(self) -> set[int]:
        """Those with somebody who moves or has no seat any more."""
        return {self.people[one].reservation_id for one in self.moved | self.unseated}


def sitters_of(departure_id: int, *, coupon_ids: Collection[int] | None = None) -> list[Seated]:
    """
    Answer who has a seat on the departure or waits for one, in the order in which they booked.

    Infants sit on laps. `coupon_ids` narrows it to some.
    """
    coupons = (
        Coupon.objects.filter(
            ticket__departure_id=departure_id, passenger__reservation__state__in=LIVE
        )
        .exclude(state=Coupon.State.CANCELLED)
        .exclude(passenger__kind=Passenger.Kind.INFANT)
    )
    if coupon_ids is not None:
        coupons = coupons.filter(id__in=coupon_ids)
    claims, first_seats = _claims_of(departure_id)
    waiting = set(
        Unseated.objects.filter(departure_id=departure_id).values_list("coupon_id", flat=True)
    )
    people = []
    for coupon_id, state, ticket_id, wish, travel_class, reservation_id, booked in coupons.order_by(
        "passenger__reservation_id", "passenger__position", "id"
    ).values_list(
        "id",
        "state",
        "ticket_id",
        "passenger__seat_wish",
        "ticket__fare__travel_class",
        "passenger__reservation_id",
        "passenger__reservation__state",
    ):
        if coupon_id not in claims and coupon_id not in waiting:
            continue
        parts = unpack(ticket_id)
        people.append(
            Seated(
                sitter=Sitter(
                    coupon_id=coupon_id,
                    party=reservation_id,
                    first_segment=parts.from_position,
                    last_segment=parts.to_position - 1,
                    rank=_rank(state, booked),
                    wish=wish,
                    had=first_seats.get(coupon_id),
                ),
                reservation_id=reservation_id,
                reservation_state=booked,
                travel_class=travel_class,
                is_open=state == Coupon.State.OPEN,
                claims=tuple(claims.get(coupon_id, ())),
            )
        )
    return people


def _rank(coupon_state: str, reservation_state: str) -> int:
    if coupon_state == Coupon.State.USED:
        return ABOARD
    return PAID if reservation_state == Reservation.State.PAID else HELD


_CLAIMS = (
    "SELECT claim.coupon_id, coach.label, seat.label, claim.first_segment, claim.last_segment, "
    "stock.id, seat.id, coach.position, seat.row, seat.column, seat.is_window, seat.is_aisle, "
    "seat.is_quiet, seat.is_accessible "
    "FROM bookings_seatstock stock "
    "JOIN bookings_claim claim ON claim.stock_id = stock.id "
    "JOIN inventory_seat seat ON seat.id = stock.seat_id "
    "JOIN inventory_coach coach ON coach.id = seat.coach_id "
    "WHERE stock.departure_id = %s ORDER BY claim.coupon_id, claim.first_segment"
)


def _claims_of(departure_id: int) -> tuple[dict[int, list[Old]], dict[int, FreeSeat]]:
    claims: dict[int, list[Old]] = defaultdict(list)
    seats: dict[int, FreeSeat] = {}
    for coupon_id, coach, label, first, last, stock_id, seat_id, *place in sql.rows(
        _CLAIMS, [departure_id]
    ):
        claims[coupon_id].append((coupon_id, coach, label, first, last))
        seats.setdefault(coupon_id, FreeSeat(stock_id, seat_id, coach, label, *place))
    return claims, seats


# --- who would sit where --------------------------------------------------------------------------

Board = Mapping[str, Sequence[tuple[FreeSeat, int]]]


def board_of_map(seat_map_id: int) -> Board:
    """Answer the seats of a map by class, all free, as they would be laid out."""
    board: dict[str, list[tuple[FreeSeat, int]]] = defaultdict(list)
    for travel_class, *seat in (
        Seat.objects.filter(coach__seat_map_id=seat_map_id)
        .order_by("coach__position", "row", "column")
        .values_list("travel_class", *_SEAT_COLUMNS)
    ):
        board[travel_class].append((FreeSeat(0, *seat), 0))
    return board


def board_of_stock(departure_id: int, *, kept_back: Mapping[int, int] | None = None) -> Board:
    """
    Answer the seats of a departure by class with the bits that are not to be had.

    `kept_back` are bits of seats by their ids that are not to be had either.
    """
    board: dict[str, list[tuple[FreeSeat, int]]] = defaultdict(list)
    columns = [f"seat__{column}" for column in _SEAT_COLUMNS[1:]]
    for travel_class, taken, stock_id, *seat in (
        SeatStock.objects.filter(departure_id=departure_id)
        .order_by("seat__coach__position", "seat__row", "seat__column")
        .values_list("travel_class", "taken", "id", "seat_id", *columns)
    ):
        bits = taken | (kept_back or {}).get(seat[0], 0)
        board[travel_class].append((FreeSeat(stock_id, *seat), bits))
    return board


_SEAT_COLUMNS = (
    "id",
    "coach__label",
    "label",
    "coach__position",
    "row",
    "column",
    "is_window",
    "is_aisle",
    "is_quiet",
    "is_accessible",
)


def plan(people: Sequence[Seated], board: Board) -> Plan:
    """Answer who would sit where on these seats; nothing is written."""
    parts: dict[int, list[Part]] = {}
    by_class: dict[str, list[Sitter]] = defaultdict(list)
    for one in people:
        by_class[one.travel_class].append(one.sitter)
    for travel_class, sitters in by_class.items():
        parts.update(remap(sitters, board.get(travel_class, [])))
    known = {one.sitter.coupon_id: one for one in people}
    kept = {key for key, own in parts.items() if _names(own) == _old_names(known[key])}
    return Plan(
        parts=parts,
        kept=frozenset(kept),
        moved=frozenset(parts.keys() - kept),
        changing=frozenset(key for key, own in parts.items() if len(own) > 1),
        unseated=frozenset(known.keys() - parts.keys()),
        people=known,
    )


def _names(parts: Sequence[Part]) -> list[tuple[str, str, int, int]]:
    return [
        (part.seat.coach_label, part.seat.label, part.first_segment, part.last_segment)
        for part in parts
    ]


def _old_names(one: Seated) -> list[tuple[str, str, int, int]]:
    return [claim[1:] for claim in one.claims]


# --- the rows -------------------------------------------------------------------------------------


def swap_vehicle(departure_id: int, vehicle_id: int, *, now: datetime, actor: Actor) -> Plan:
    """
    Put another vehicle on a departure: its stock is laid out anew, and everybody is seated there.

    Seats that were kept back are not any more: they went with the old vehicle. A departure that has
    never sold has no stock, and nobody to seat.
    """
    departure = Departure.objects.get(id=departure_id)
    people = sitters_of(departure_id)
    # By their ids: a DELETE with a condition over two tables would read every claim there is.
    for model in (SeatBlock, Claim):
        own = model._base_manager.filter(stock__departure_id=departure_id)
        model._base_manager.filter(id__in=list(own.values_list("id", flat=True))).delete()
    sql.run("DELETE FROM bookings_seatstock WHERE departure_id = %s", [departure_id])
    Departure.objects.filter(id=departure_id).update(vehicle_id=vehicle_id)
    if departure.frozen_at is None:
        return plan([], {})
    stock.lay_out_rows([departure_id])
    made = plan(people, board_of_stock(departure_id))
    _seat(departure_id, made, cause=Unseated.Cause.VEHICLE, now=now, actor=actor)
    return made


def keep_back(
    departure_id: int,
    seat_ids: Collection[int],
    *,
    first_segment: int,
    last_segment: int,
    reason: str,
    user_id: int,
    now: datetime,
    actor: Actor,
) -> Plan:
    """Keep seats of a laid out departure back; whoever sits on one then is seated elsewhere."""
    mask = segments_mask(first_segment, last_segment)
    rows = dict(
        SeatStock.objects.filter(departure_id=departure_id, seat_id__in=seat_ids)
        .order_by("id")
        .values_list("id", "seat_id")
    )
    moving = sitting_on(departure_id, seat_ids, first_segment, last_segment)
    people = sitters_of(departure_id, coupon_ids=moving)
    stock.give_back(stock.claims_of_coupons(sorted(moving)))
    met = sql.run(
        "UPDATE bookings_seatstock SET taken = taken | %s "
        f"WHERE id IN ({sql.marks(len(rows))}) AND taken & %s = 0",
        [mask, *rows, mask],
    )
    if met != len(rows):
        raise StockMismatch(list(rows))
    SeatBlock.objects.bulk_create(
        SeatBlock(
            stock_id=stock_id,
            first_segment=first_segment,
            last_segment=last_segment,
            reason=reason,
            created_at=now,
            created_by_id=user_id,
        )
        for stock_id in rows
    )
    made = plan(people, board_of_stock(departure_id))
    _seat(departure_id, made, cause=Unseated.Cause.BLOCK, now=now, actor=actor)
    return made


def plan_of_block(
    departure_id: int, seat_ids: Collection[int], first_segment: int, last_segment: int
) -> Plan:
    """Answer who would have to move if these seats were kept back, and where to."""
    mask = segments_mask(first_segment, last_segment)
    moving = sitting_on(departure_id, seat_ids, first_segment, last_segment)
    people = sitters_of(departure_id, coupon_ids=moving)
    freed: dict[int, int] = defaultdict(int)
    for row in stock.claims_of_coupons(sorted(moving)):
        freed[row.stock_id] |= segments_mask(row.first_segment, row.last_segment)
    board = {
        travel_class: [
            (seat, bits & ~freed[seat.stock_id] | (mask if seat.seat_id in seat_ids else 0))
            for seat, bits in seats
        ]
        for travel_class, seats in board_of_stock(departure_id).items()
    }
    return plan(people, board)


def sitting_on(
    departure_id: int, seat_ids: Collection[int], first_segment: int, last_segment: int
) -> set[int]:
    """Answer the coupons with a claim on one of these seats on any of these segments."""
    return set(
        Claim.objects.filter(
            stock__departure_id=departure_id,
            stock__seat_id__in=seat_ids,
            first_segment__lte=last_segment,
            last_segment__gte=first_segment,
        ).values_list("coupon_id", flat=True)
    )


def give_back_blocks(block_ids: Collection[int]) -> int:
    """Give back seats that were kept back; answer how many. The departure's lock is held."""
    blocks = list(SeatBlock.objects.filter(id__in=block_ids).order_by("stock_id"))
    departures = set()
    for one in blocks:
        mask = segments_mask(one.first_segment, one.last_segment)
        met = sql.run(
            "UPDATE bookings_seatstock SET taken = taken - %s WHERE id = %s AND taken & %s = %s",
            [mask, one.stock_id, mask, mask],
        )
        if met != 1:
            raise StockMismatch([one.stock_id])
        departures.add(one.stock.departure_id)
    SeatBlock.objects.filter(id__in=[one.pk for one in blocks]).delete()
    if departures:
        stock.count_change(departures)
    return len(blocks)


def seat_the_waiting(departure_id: int, *, now: datetime, actor: Actor) -> Plan:
    """Seat those of the queue for whom there is room by now."""
    waiting = waiting_on(departure_id)
    people = sitters_of(departure_id, coupon_ids=waiting)
    made = plan(people, board_of_stock(departure_id))
    # Where nobody is seated nothing has changed; what never sold has no stock to count changes of.
    if made.parts:
        _seat(departure_id, made, cause=None, now=now, actor=actor)
    return made


def waiting_on(departure_id: int) -> set[int]:
    """Answer the coupons of the departure that are open, live, and have no seat."""
    rows = waiting(Unseated.objects.filter(departure_id=departure_id))
    return set(rows.values_list("coupon_id", flat=True))


def waiting(rows: QuerySet[Unseated]) -> QuerySet[Unseated]:
    """Answer those of these rows whose coupons still wait for a seat, the longest before."""
    return rows.filter(
        coupon__state=Coupon.State.OPEN,
        coupon__passenger__reservation__state__in=LIVE,
        coupon__claims__isnull=True,
    ).order_by("since", "id")


def _seat(departure_id: int, made: Plan, *, cause: str | None, now: datetime, actor: Actor) -> None:
    """Write the claims of a plan, the queue, and what the history remembers."""
    every = [part for own in made.parts.values() for part in own]
    if not stock.take(every):
        raise StockMismatch([part.seat.stock_id for part in every])
    insert_claims(
        (coupon_id, part.seat.stock_id, part.first_segment, part.last_segment)
        for coupon_id, own in sorted(made.parts.items())
        for part in own
    )
    Unseated.objects.filter(coupon_id__in=list(made.parts)).delete()
    if cause is not None:
        _queue(departure_id, made, cause, now)
    stock.count_change([departure_id])
    _remember(departure_id, made, cause, now, actor)


def _queue(departure_id: int, made: Plan, cause: str, now: datetime) -> None:
    waiting_now = set(
        Unseated.objects.filter(coupon_id__in=made.unseated).values_list("coupon_id", flat=True)
    )
    Unseated.objects.bulk_create(
        Unseated(
            coupon_id=one,
            departure_id=departure_id,
            cause=cause,
            had=_had(made.people[one]),
            since=now,
        )
        for one in sorted(made.unseated - waiting_now)
    )


def _had(one: Seated) -> str:
    names = (f"{coach}/{label}" if label else coach for _, coach, label, _, _ in one.claims)
    return ", ".join(names)[:40]


def _remember(
    departure_id: int, made: Plan, cause: str | None, now: datetime, actor: Actor
) -> None:
    """Write into each reservation's history whose seats are others now, and who has none."""
    changed: dict[int, list[int]] = defaultdict(list)
    for coupon_id in sorted(made.moved | made.unseated):
        if made.people[coupon_id].claims or coupon_id in made.parts:
            changed[made.people[coupon_id].reservation_id].append(coupon_id)
    issue_anew((coupon for coupons in changed.values() for coupon in coupons), now=now)
    ReservationEvent.objects.bulk_create(
        ReservationEvent(
            reservation_id=reservation_id,
            at=now,
            kind=ReservationEvent.Kind.SEATS_CHANGED,
            from_state=made.people[coupons[0]].reservation_state,
            to_state=made.people[coupons[0]].reservation_state,
            actor_kind=actor.kind,
            actor_id=actor.user_id,
            reason=actor.reason[:300],
            details={
                "cause": cause or "queue",
                "before": [
                    [coupon, departure_id, coach, label, first, last]
                    for coupon in coupons
                    for _, coach, label, first, last in made.people[coupon].claims
                ],
                "seats": [
                    [coupon, departure_id, *name]
                    for coupon in coupons
                    for name in _names(made.parts.get(coupon, []))
                ],
            },
        )
        for reservation_id, coupons in sorted(changed.items())
    )
