"""
Seat stock: laid out once, its bits set and cleared only together with their claims.

Whoever writes here holds the locks of the departures. The guard against a double sale nevertheless
stands in the statement that sets the bits.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from bookings.engine.contract import LegRow
from bookings.engine.placement import FreeSeat, Part
from inventory import services as inventory
from inventory.ticket_ids import segments_mask, unpack
from travel.common import sql


class Locked(Protocol):
    """A departure under its lock, as stock is laid out for it."""

    @property
    def id(self) -> int: ...
    @property
    def frozen_at(self) -> object: ...


class StockMismatch(AssertionError):
    """A claim's bits were not set in the stock: a defect, found before it could spread."""


class ClaimRow(NamedTuple):
    """A claim as it is given back and remembered."""

    id: int
    stock_id: int
    first_segment: int
    last_segment: int
    reservation_id: int
    coupon_id: int
    departure_id: int
    coach: str
    seat: str


_SEAT_COLUMNS = (
    "stock.id, stock.seat_id, coach.label, seat.label, coach.position, seat.row, seat.column, "
    "seat.is_window, seat.is_aisle, seat.is_quiet, seat.is_accessible"
)
_SEATS_OF_CLASS = (
    "FROM bookings_seatstock stock "
    "JOIN inventory_seat seat ON seat.id = stock.seat_id "
    "JOIN inventory_coach coach ON coach.id = seat.coach_id "
    "WHERE stock.departure_id = %s AND stock.travel_class = %s "
)
_MAP_ORDER = "ORDER BY coach.position, seat.row, seat.column"


def lay_out(departures: Iterable[Locked], now: datetime) -> None:
    """
    Lay the stock out from the seat maps of departures that sell for the first time.

    Seats are numbered in the order in which they are sold: as on the map, but wheelchair spaces
    last, so that the first free one is the lowest number.
    """
    fresh = [one.id for one in departures if one.frozen_at is None]
    if fresh:
        lay_out_rows(fresh)
        inventory.freeze(departure_ids=fresh, now=now)


def lay_out_rows(departure_ids: Sequence[int]) -> None:
    """Lay the stock out, as lay_out does, of departures that have none."""
    sql.run(
        "INSERT INTO bookings_seatstock "
        "(departure_id, seat_id, travel_class, taken) "
        "SELECT departure.id, seat.id, seat.travel_class, 0 "
        "FROM inventory_departure departure "
        "JOIN inventory_vehicle vehicle ON vehicle.id = departure.vehicle_id "
        "JOIN inventory_coach coach ON coach.seat_map_id = vehicle.seat_map_id "
        "JOIN inventory_seat seat ON seat.coach_id = coach.id "
        f"WHERE departure.id IN ({sql.marks(len(departure_ids))}) "
        "ORDER BY departure.id, seat.is_accessible, coach.position, seat.row, seat.column",
        list(departure_ids),
    )


def free_seats(leg: LegRow, mask: int) -> list[FreeSeat]:
    """Answer the seats of the leg's class that are free on all segments of the mask."""
    found = sql.rows(
        f"SELECT {_SEAT_COLUMNS} {_SEATS_OF_CLASS} AND stock.taken & %s = 0 {_MAP_ORDER}",
        [leg.departure_id, leg.travel_class, mask],
    )
    return [FreeSeat(*row) for row in found]


def seats_with_bits(leg: LegRow) -> list[tuple[FreeSeat, int]]:
    """Answer every seat of the leg's class with its taken bits, in the order of the map."""
    found = sql.rows(
        f"SELECT {_SEAT_COLUMNS}, stock.taken {_SEATS_OF_CLASS} {_MAP_ORDER}",
        [leg.departure_id, leg.travel_class],
    )
    return [(FreeSeat(*row[:-1]), row[-1]) for row in found]


class NamedSeat(NamedTuple):
    """A seat of a departure's stock with the class that it is sold in."""

    seat: FreeSeat
    travel_class: str


def seats_named(
    departure_ids: Collection[int], seat_ids: Collection[int]
) -> dict[tuple[int, int], NamedSeat]:
    """Answer these seats of the departures' stock, by departure and seat."""
    found = sql.rows(
        f"SELECT stock.departure_id, stock.travel_class, {_SEAT_COLUMNS} "
        "FROM bookings_seatstock stock "
        "JOIN inventory_seat seat ON seat.id = stock.seat_id "
        "JOIN inventory_coach coach ON coach.id = seat.coach_id "
        f"WHERE stock.departure_id IN ({sql.marks(len(departure_ids))}) "
        f"AND stock.seat_id IN ({sql.marks(len(seat_ids))})",
        [*departure_ids, *seat_ids],
    )
    return {
        (departure_id, seat.seat_id): NamedSeat(seat, travel_class)
        for departure_id, travel_class, *rest in found
        for seat in [FreeSeat(*rest)]
    }


def take(parts: Iterable[Part]) -> bool:
    """
    Set the bits of these seats where all of them are clear; say whether that was so everywhere.
    """
    by_mask: dict[int, list[int]] = defaultdict(list)
    for part in parts:
        by_mask[segments_mask(part.first_segment, part.last_segment)].append(part.seat.stock_id)
    return all(_take(sorted(stock_ids), mask) for mask, stock_ids in by_mask.items())


def _take(stock_ids: Sequence[int], mask: int) -> bool:
    met = sql.run(
        "UPDATE bookings_seatstock SET taken = taken | %s "
        f"WHERE id IN ({sql.marks(len(stock_ids))}) AND taken & %s = 0",
        [mask, *stock_ids, mask],
    )
    return met == len(stock_ids)


def quota_left(leg: LegRow) -> int | None:
    """
    Answer how many more seats of the leg its fare may fill, or None where it has no quota.

    The quota counts on each segment by itself, as seats do; the fullest one decides.
    """
    if leg.quota is None:
        return None
    rows = sql.rows(
        "SELECT DISTINCT coupon.id, ticket.id FROM inventory_ticket ticket "
        "JOIN bookings_coupon coupon ON coupon.ticket_id = ticket.id "
        "JOIN bookings_claim claim ON claim.coupon_id = coupon.id "
        "WHERE ticket.departure_id = %s AND ticket.fare_id = %s",
        [leg.departure_id, leg.fare_id],
    )
    sold: dict[int, int] = defaultdict(int)
    for _, ticket_id in rows:
        parts = unpack(ticket_id)
        for segment in range(parts.from_position, parts.to_position):
            sold[segment] += 1
    fullest = max(sold[n] for n in range(leg.first_segment, leg.last_segment + 1))
    return leg.quota - fullest


def claims_of_reservations(reservation_ids: Sequence[int]) -> list[ClaimRow]:
    """Answer the claims of these reservations, with what the history will remember of them."""
    return _claims("passenger.reservation_id", reservation_ids)


def claims_of_coupons(coupon_ids: Sequence[int]) -> list[ClaimRow]:
    """Answer the claims of these coupons, with what the history will remember of them."""
    return _claims("claim.coupon_id", coupon_ids)


def _claims(column: str, ids: Sequence[int]) -> list[ClaimRow]:
    if not ids:
        return []
    return [
        ClaimRow(*row)
        for row in sql.rows(
            "SELECT claim.id, claim.stock_id, claim.first_segment, claim.last_segment, "
            "passenger.reservation_id, claim.coupon_id, stock.departure_id, "
            "coach.label, seat.label FROM bookings_passenger passenger "
            "JOIN bookings_coupon coupon ON coupon.passenger_id = passenger.id "
            "JOIN bookings_claim claim ON claim.coupon_id = coupon.id "
            "JOIN bookings_seatstock stock ON stock.id = claim.stock_id "
            "JOIN inventory_seat seat ON seat.id = stock.seat_id "
            "JOIN inventory_coach coach ON coach.id = seat.coach_id "
            f"WHERE {column} IN ({sql.marks(len(ids))}) "
            "ORDER BY claim.coupon_id, claim.first_segment",
            ids,
        )
    ]


def remembered(claims: Sequence[ClaimRow]) -> dict[int, list[list[object]]]:
    """
    Answer, by reservation, coupon, departure, coach, seat, first and last segment of each claim:
    how the history remembers them.
    """
    found: dict[int, list[list[object]]] = {}
    for row in claims:
        found.setdefault(row.reservation_id, []).append(
            [
                row.coupon_id,
                row.departure_id,
                row.coach,
                row.seat,
                row.first_segment,
                row.last_segment,
            ]
        )
    return found


def give_back(claims: Sequence[ClaimRow]) -> None:
    """
    Delete the claims and clear their bits, seats in the order of their ids.

    :raises StockMismatch: some bits were not set; nothing may be committed then.
    """
    if not claims:
        return
    by_mask: dict[int, list[int]] = defaultdict(list)
    for row in sorted(claims, key=lambda one: one.stock_id):
        by_mask[segments_mask(row.first_segment, row.last_segment)].append(row.stock_id)
    sql.run(
        f"DELETE FROM bookings_claim WHERE id IN ({sql.marks(len(claims))})",
        [row.id for row in claims],
    )
    for mask, stock_ids in by_mask.items():
        met = sql.run(
            "UPDATE bookings_seatstock SET taken = taken - %s "
            f"WHERE id IN ({sql.marks(len(stock_ids))}) AND taken & %s = %s",
            [mask, *stock_ids, mask, mask],
        )
        if met != len(stock_ids):
            raise StockMismatch(stock_ids)


def count_change(departure_ids: Collection[int], *, held_until: datetime | None = None) -> None:
    """
    Raise the version of the departures' stock: what was cached of it is out of date.

    A new hold, which ends at `held_until`, can only bring the end of the first one forward.
    """
    marks = sql.marks(len(departure_ids))
    if held_until is None:
        sql.run(
            "UPDATE inventory_departure SET stock_version = stock_version + 1 "
            f"WHERE id IN ({marks})",
            list(departure_ids),
        )
        return
    sql.run(
        "UPDATE inventory_departure SET stock_version = stock_version + 1, earliest_hold_end = "
        "CASE WHEN earliest_hold_end < %s THEN earliest_hold_end ELSE %s END "
        f"WHERE id IN ({marks})",
        [held_until, held_until, *departure_ids],
    )
