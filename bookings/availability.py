"""
How many seats are left, exactly, from one source: the stock's bits.

A departure that never sold has its whole seat map. One that did is read from a cache entry under
its `stock_version`, which every claim and release raises, or else from its touched seats. Holds
that have ended count as free though nobody swept them yet.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from inventory.pricing import PriceRule
from inventory.ticket_ids import segments_mask, unpack
from travel.common import caching, sql

CACHE_SECONDS = 24 * 3600
# More seats than any vehicle has.
MANY = 10**6

# Seats that a fare fills on each segment, by departure and fare.
Loads = dict[tuple[int, int], Counter[int]]


class Ride(Protocol):
    """What is asked about: a stretch of a departure, with its version read in the same query."""

    @property
    def departure_id(self) -> int: ...
    @property
    def from_position(self) -> int: ...
    @property
    def to_position(self) -> int: ...
    @property
    def seat_map_id(self) -> int: ...
    @property
    def stock_version(self) -> int: ...
    @property
    def earliest_hold_end(self) -> datetime | None: ...


@dataclass(frozen=True, slots=True)
class Stock:
    """Capacity of a departure by class, and the taken bits of its touched seats."""

    capacity: dict[str, int]
    touched: dict[str, list[int]]

    def left(self, travel_class: str, mask: int) -> int:
        """Answer how many seats of the class are free over all segments of the mask."""
        blocked = sum(1 for taken in self.touched.get(travel_class, ()) if taken & mask)
        return self.capacity.get(travel_class, 0) - blocked

    def left_with_changes(self, travel_class: str, first: int, last: int) -> int:
        """
        Answer how many could ride from the first to the last segment if they changed seats.

        That is as many as the fullest segment has room for.
        """
        touched = self.touched.get(travel_class, ())
        fullest = max(sum(bits >> n & 1 for bits in touched) for n in range(first, last + 1))
        return self.capacity.get(travel_class, 0) - fullest


class Availability:
    """What is left of the rides it was made for."""

    def __init__(self, stocks: dict[int, Stock], loads: Loads | None = None) -> None:
        self._stocks = stocks
        self._loads = loads or {}

    def left(self, ride: Ride, travel_class: str) -> int:
        """Answer the free seats of the class from boarding to alighting."""
        mask = segments_mask(ride.from_position, ride.to_position - 1)
        return self._stocks[ride.departure_id].left(travel_class, mask)

    def left_of(self, ride: Ride, rule: PriceRule) -> int:
        """Answer the free seats that the fare may still fill, at most its quota."""
        return min(self.left(ride, rule.travel_class), self._quota_left(ride, rule))

    def left_with_changes(self, ride: Ride, rule: PriceRule) -> int:
        """Answer how many could ride at the fare if they changed seats on the way."""
        seats = self._stocks[ride.departure_id].left_with_changes(
            rule.travel_class, ride.from_position, ride.to_position - 1
        )
        return min(seats, self._quota_left(ride, rule))

    def _quota_left(self, ride: Ride, rule: PriceRule) -> int:
        if rule.quota is None:
            return MANY
        sold = self._loads.get((ride.departure_id, rule.fare_id), Counter())
        fullest = max(sold[n] for n in range(ride.from_position, ride.to_position))
        return max(rule.quota - fullest, 0)


def availability(
    rides: Iterable[Ride], *, now: datetime, rules: Iterable[PriceRule] = ()
) -> Availability:
    """
    Answer what is left of these rides at `now`, in at most five statements and one cache read.

    `rules` are the fares that will be asked about; one with a quota costs the fifth statement.
    """
    by_departure = {ride.departure_id: ride for ride in rides}
    fresh = {ride.departure_id: ride for ride in by_departure.values() if ride.stock_version == 0}
    sold = {key: ride for key, ride in by_departure.items() if key not in fresh}
    stocks = _from_maps(fresh)
    cached = _from_cache(sold, now)
    stocks.update(cached)
    missing = [key for key in sold if key not in cached]
    if missing:
        stocks.update(_from_rows(missing, now))
    fares = {rule.fare_id for rule in rules if rule.quota is not None}
    loads = _loads(list(sold), fares, now) if sold and fares else {}
    return Availability(stocks, loads)


def _loads(departure_ids: Sequence[int], fare_ids: Collection[int], now: datetime) -> Loads:
    """Count the seats that each fare fills on each segment, holds that ended left out."""
    rows = sql.rows(
        "SELECT ticket.id, ticket.fare_id, COUNT(DISTINCT coupon.id) FROM inventory_ticket ticket "
        "JOIN bookings_coupon coupon ON coupon.ticket_id = ticket.id "
        "JOIN bookings_claim claim ON claim.coupon_id = coupon.id "
        "JOIN bookings_passenger passenger ON passenger.id = coupon.passenger_id "
        "JOIN bookings_reservation reservation ON reservation.id = passenger.reservation_id "
        f"WHERE ticket.departure_id IN ({sql.marks(len(departure_ids))}) "
        f"AND ticket.fare_id IN ({sql.marks(len(fare_ids))}) "
        "AND (reservation.state = 'paid' OR reservation.hold_until > %s) "
        "GROUP BY ticket.id, ticket.fare_id",
        [*departure_ids, *fare_ids, now],
    )
    loads: Loads = {}
    for ticket_id, fare_id, coupons in rows:
        parts = unpack(ticket_id)
        load = loads.setdefault((parts.departure_id, fare_id), Counter())
        for segment in range(parts.from_position, parts.to_position):
            load[segment] += coupons
    return loads


def taken_seats(
    departure_id: int,
    *,
    first: int,
    last: int,
    now: datetime,
    apart_from: Collection[int] = (),
) -> set[int]:
    """
    Answer the seats (of the seat map) that are not free from the first to the last segment.

    What the coupons in `apart_from` sit on counts as free: they may move, and swap.
    """
    bits = _touched_bits([departure_id], now)
    mask = segments_mask(first, last)
    own = _bits_of(apart_from) if apart_from else {}
    return {
        seat_id for (_, seat_id, _), taken in bits.items() if taken & mask & ~own.get(seat_id, 0)
    }


def _bits_of(coupon_ids: Collection[int]) -> dict[int, int]:
    """Answer the segments that coupons have of each seat, as bits."""
    own: dict[int, int] = {}
    for seat_id, first, last in sql.rows(
        "SELECT stock.seat_id, claim.first_segment, claim.last_segment FROM bookings_claim claim "
        "JOIN bookings_seatstock stock ON stock.id = claim.stock_id "
        f"WHERE claim.coupon_id IN ({sql.marks(len(coupon_ids))})",
        list(coupon_ids),
    ):
        own[seat_id] = own.get(seat_id, 0) | segments_mask(first, last)
    return own


def _from_maps(rides: dict[int, Ride]) -> dict[int, Stock]:
    counts: dict[int, dict[str, int]] = {}
    maps = {ride.seat_map_id for ride in rides.values()}
    if maps:
        for seat_map_id, travel_class, seats in sql.rows(
            "SELECT coach.seat_map_id, seat.travel_class, COUNT(*) FROM inventory_coach coach "
            "JOIN inventory_seat seat ON seat.coach_id = coach.id "
            f"WHERE coach.seat_map_id IN ({sql.marks(len(maps))}) "
            "GROUP BY coach.seat_map_id, seat.travel_class",
            list(maps),
        ):
            counts.setdefault(seat_map_id, {})[travel_class] = seats
    return {key: Stock(counts.get(ride.seat_map_id, {}), {}) for key, ride in rides.items()}


def _from_cache(rides: dict[int, Ride], now: datetime) -> dict[int, Stock]:
    """
    Read what is cached under the versions at hand.

    An entry is of no use once a hold has ended: the version tells of claims, not of time passing.
    """
    keys = {
        _key(ride.departure_id, ride.stock_version): ride.departure_id
        for ride in rides.values()
        if ride.earliest_hold_end is None or ride.earliest_hold_end > now
    }
    if not keys:
        return {}
    entries = caching.get_many(keys)
    return {keys[key]: Stock(*entry) for key, entry in entries.items()}


def _from_rows(departure_ids: Sequence[int], now: datetime) -> dict[int, Stock]:
    capacity: dict[int, Counter[str]] = {key: Counter() for key in departure_ids}
    for departure_id, travel_class, seats in sql.rows(
        "SELECT departure_id, travel_class, COUNT(*) FROM bookings_seatstock "
        f"WHERE departure_id IN ({sql.marks(len(departure_ids))}) "
        "GROUP BY departure_id, travel_class",
        departure_ids,
    ):
        capacity[departure_id][travel_class] = seats
    rows = _touched_rows(departure_ids)
    versions = {row[0]: row[4] for row in rows}
    ended = {row[0] for row in rows if row[5] is not None and row[5] <= now}
    bits = _without_ended(rows, ended, now)
    touched: dict[int, dict[str, list[int]]] = {key: {} for key in departure_ids}
    for (departure_id, _, travel_class), taken in bits.items():
        if taken:
            touched[departure_id].setdefault(travel_class, []).append(taken)
    stocks = {key: Stock(dict(capacity[key]), touched[key]) for key in departure_ids}
    caching.put_many(
        {
            _key(key, versions[key]): (stocks[key].capacity, stocks[key].touched)
            for key in departure_ids
            if key in versions and key not in ended
        },
        seconds=CACHE_SECONDS,
    )
    return stocks


def _touched_bits(departure_ids: Sequence[int], now: datetime) -> dict[tuple[int, int, str], int]:
    rows = _touched_rows(departure_ids)
    ended = {row[0] for row in rows if row[5] is not None and row[5] <= now}
    return _without_ended(rows, ended, now)


def _touched_rows(departure_ids: Sequence[int]) -> list[tuple[Any, ...]]:
    """
    Read departure, seat, class, bits, and the version they belong to, in one statement.

    The version comes with the bits, so that an entry is never filed under an older one.
    """
    return [
        (*row[:5], sql.moment(row[5]))
        for row in sql.rows(
            "SELECT stock.departure_id, stock.seat_id, stock.travel_class, stock.taken, "
            "departure.stock_version, departure.earliest_hold_end "
            "FROM bookings_seatstock stock "
            "JOIN inventory_departure departure ON departure.id = stock.departure_id "
            f"WHERE stock.departure_id IN ({sql.marks(len(departure_ids))}) AND stock.taken > 0 "
            "ORDER BY stock.departure_id, stock.id",
            departure_ids,
        )
    ]


def _without_ended(
    rows: Sequence[tuple[Any, ...]], departure_ids: set[int], now: datetime
) -> dict[tuple[int, int, str], int]:
    """Answer the bits less those of holds that ended and were not swept yet."""
    bits = {(row[0], row[1], row[2]): row[3] for row in rows}
    if not departure_ids:
        return bits
    for departure_id, seat_id, travel_class, first, last in sql.rows(
        "SELECT stock.departure_id, stock.seat_id, stock.travel_class, "
        "claim.first_segment, claim.last_segment "
        "FROM bookings_reservation ended "
        "JOIN bookings_passenger passenger ON passenger.reservation_id = ended.id "
        "JOIN bookings_coupon coupon ON coupon.passenger_id = passenger.id "
        "JOIN bookings_claim claim ON claim.coupon_id = coupon.id "
        "JOIN bookings_seatstock stock ON stock.id = claim.stock_id "
        "WHERE ended.state = 'held' AND ended.hold_until <= %s "
        f"AND stock.departure_id IN ({sql.marks(len(departure_ids))})",
        [now, *departure_ids],
    ):
        key = (departure_id, seat_id, travel_class)
        if key in bits:
            bits[key] &= ~segments_mask(first, last)
    return bits


def _key(departure_id: int, version: int) -> str:
    return f"stock:{departure_id}:{version}"
