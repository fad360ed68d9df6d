"""
The database against the oracle: bits, claims, states, versions, ends of holds, availability.

Few and raw statements: the comparison follows every single act of a long run.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from functools import lru_cache
from random import Random
from typing import Any

from django.db import connection

from bench.simulator.oracle import Booking, Difference, FareFacts, Oracle, Trip
from bookings.availability import availability, taken_seats
from inventory.pricing import PriceRule
from support import audit

CHUNK = 400


@dataclass(frozen=True, slots=True)
class Ride:
    """A stretch of a departure, as a search would ask about it."""

    departure_id: int
    from_position: int
    to_position: int
    seat_map_id: int
    stock_version: int
    earliest_hold_end: datetime | None


def rows(sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """Answer the rows of a query."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return list(cursor.fetchall())


def rows_in(sql: str, keys: Collection[int]) -> Iterable[tuple[Any, ...]]:
    """Answer the rows of a query that ends in an IN list, chunk by chunk; `{}` takes the marks."""
    every = sorted(keys)
    for start in range(0, len(every), CHUNK):
        chunk = every[start : start + CHUNK]
        yield from rows(sql.format(", ".join(["%s"] * len(chunk))), chunk)


def instant(value: datetime | None) -> datetime | None:
    """Answer what the database stored as the instant it is."""
    return None if value is None else value.replace(tzinfo=UTC)


@lru_cache(maxsize=100_000)
def segments_of(taken: int) -> frozenset[int]:
    """Answer the segments whose bits are set."""
    return frozenset(segment for segment in range(64) if taken >> segment & 1)


# --- what is stored -------------------------------------------------------------------------------


def compare(
    trips: Collection[Trip], bookings: Iterable[Booking], *, rng: Random, now: datetime
) -> None:
    """
    Compare departures and reservations with what is stored, and availability with both.

    :raises Difference: something is not as the oracle has it.
    """
    heads = _compare_departures(trips)
    _compare_seats(trips)
    _compare_bookings(list(bookings))
    _compare_availability(trips, heads, rng, now)


Head = tuple[int, datetime | None]


def read_heads(trips: Collection[Trip]) -> dict[int, Head]:
    """Answer the stock's version and the first end of a hold by departure."""
    return {
        departure_id: (version, instant(end))
        for departure_id, version, end in rows_in(
            "SELECT id, stock_version, earliest_hold_end FROM inventory_departure WHERE id IN ({})",
            {trip.departure_id for trip in trips},
        )
    }


def _compare_departures(trips: Collection[Trip]) -> dict[int, Head]:
    heads = read_heads(trips)
    for trip in trips:
        version, end = heads[trip.departure_id]
        if version < trip.version or (trip.has_changed and version == trip.version):
            raise Difference(
                f"departure {trip.number}: version {version} after {trip.version}, though seats "
                "changed hands"
            )
        if end != trip.earliest_hold_end:
            raise Difference(
                f"departure {trip.number}: the first hold ends at {trip.earliest_hold_end}, "
                f"stored is {end}"
            )
        trip.version, trip.has_changed = version, False
    return heads


def _compare_seats(trips: Collection[Trip]) -> None:
    """See that each seat's bits are the segments of its claims, and those the oracle's."""
    stored: dict[int, dict[tuple[int, int], int]] = defaultdict(dict)
    bits: dict[tuple[int, int], int] = {}
    for departure_id, seat_id, taken, coupon_id, first, last in rows_in(
        "SELECT stock.departure_id, stock.seat_id, stock.taken, claim.coupon_id, "
        "claim.first_segment, claim.last_segment FROM bookings_seatstock stock "
        "LEFT JOIN bookings_claim claim ON claim.stock_id = stock.id "
        "WHERE stock.departure_id IN ({})",
        {trip.departure_id for trip in trips},
    ):
        bits[departure_id, seat_id] = taken
        if coupon_id is None:
            continue
        cells = stored[departure_id]
        for segment in range(first, last + 1):
            if (seat_id, segment) in cells:
                raise Difference(f"seat {seat_id} is claimed twice on segment {segment}")
            cells[seat_id, segment] = coupon_id
    for trip in trips:
        _compare_cells(trip, stored[trip.departure_id])
        _compare_bits(trip, bits)


def _compare_cells(trip: Trip, stored: dict[tuple[int, int], int]) -> None:
    wanted = {cell: coupon.coupon_id for cell, coupon in trip.owners.items()}
    if wanted != stored:
        differing = sorted(set(wanted.items()) ^ set(stored.items()))[:5]
        raise Difference(
            f"departure {trip.number}: claims differ at ((seat, segment), coupon) {differing}"
        )


def _compare_bits(trip: Trip, bits: dict[tuple[int, int], int]) -> None:
    taken: dict[int, set[int]] = defaultdict(set)
    for seat_id, segment in trip.owners:
        taken[seat_id].add(segment)
    was_laid_out = trip.version > 0
    for seat_id in trip.seats:
        found = bits.get((trip.departure_id, seat_id))
        if found is None and not was_laid_out:
            continue
        if found is None or segments_of(found) != taken[seat_id]:
            raise Difference(
                f"departure {trip.number}: seat {seat_id} has bits {found}, "
                f"taken are {sorted(taken[seat_id])}"
            )


def _compare_bookings(bookings: Sequence[Booking]) -> None:
    wanted = {
        (one.reservation_id, one.state, one.hold_until, coupon.coupon_id, coupon.state)
        for one in bookings
        for coupon in one.coupons
    }
    stored = {
        (reservation_id, state, instant(until), coupon_id, coupon_state)
        for reservation_id, state, until, coupon_id, coupon_state in rows_in(
            "SELECT reservation.id, reservation.state, reservation.hold_until, coupon.id, "
            "coupon.state FROM bookings_reservation reservation "
            "JOIN bookings_passenger passenger ON passenger.reservation_id = reservation.id "
            "JOIN bookings_coupon coupon ON coupon.passenger_id = passenger.id "
            "WHERE reservation.id IN ({})",
            {one.reservation_id for one in bookings},
        )
    }
    if wanted != stored:
        raise Difference(
            f"reservations differ: wanted {sorted(wanted - stored)[:3]}, "
            f"stored {sorted(stored - wanted)[:3]}"
        )


# --- what is shown --------------------------------------------------------------------------------


def _compare_availability(
    trips: Collection[Trip], heads: dict[int, Head], rng: Random, now: datetime
) -> None:
    rides = [
        _ride(trip, heads[trip.departure_id], *stretch(trip, rng))
        for trip in trips
        for _ in range(2)
    ]
    compare_rides({trip.departure_id: trip for trip in trips}, rides, now)


def stretch(trip: Trip, rng: Random) -> tuple[int, int]:
    """Draw the first and the last segment of a journey: short ones, long ones, and any."""
    luck, end = rng.random(), trip.segments - 1
    if luck < 0.4:
        first = rng.randrange(trip.segments)
        return first, min(end, first + rng.randrange(1 + trip.segments // 6))
    if luck < 0.6:
        first = rng.randrange(1 + trip.segments // 6)
        return first, max(first, end - rng.randrange(1 + trip.segments // 6))
    first = rng.randrange(trip.segments)
    return first, rng.randrange(first, trip.segments)


def _ride(trip: Trip, head: Head, first: int, last: int) -> Ride:
    return Ride(trip.departure_id, first, last + 1, trip.seat_map_id, *head)


def search(trips: Collection[Trip], *, rng: Random, now: datetime) -> None:
    """
    Search some stretches of departures, and look at a seat map.

    :raises Difference: what is shown is not what is left.
    """
    heads = read_heads(trips)
    compare_fares(
        trips, [_ride(trip, heads[trip.departure_id], *stretch(trip, rng)) for trip in trips], now
    )
    trip = rng.choice(list(trips))
    if rng.random() < 0.5:
        _compare_seat_map(trip, *stretch(trip, rng), now)


def _compare_seat_map(trip: Trip, first: int, last: int, now: datetime) -> None:
    shown = taken_seats(trip.departure_id, first=first, last=last, now=now)
    true = {key for key in trip.seats if not trip.is_free(key, first, last, now)}
    if shown != true:
        raise Difference(
            f"departure {trip.number}: the seat map of {first}-{last} shows {sorted(shown)} as "
            f"taken, taken are {sorted(true)}"
        )


def compare_fares(trips: Collection[Trip], rides: Sequence[Ride], now: datetime) -> None:
    """
    Ask the office what is left of these rides at each fare, with and without changes of seats.

    :raises Difference: it is not what the oracle counts.
    """
    by_id = {trip.departure_id: trip for trip in trips}
    rules = {fare.fare_id: _rule(fare) for trip in trips for fare in trip.fares}
    shown = availability(rides, now=now, rules=rules.values())
    for ride in rides:
        trip = by_id[ride.departure_id]
        first, last = ride.from_position, ride.to_position - 1
        seats = {
            travel_class: (
                len(trip.free(travel_class, first, last, now)),
                trip.left_with_changes(travel_class, first, last, now),
            )
            for travel_class in trip.classes
        }
        for fare in trip.fares:
            rule = rules[fare.fare_id]
            found = (shown.left_of(ride, rule), shown.left_with_changes(ride, rule))
            quota = trip.quota_left(fare, first, last, now)
            left = seats[fare.travel_class]
            wanted = left if quota is None else (min(left[0], quota), min(left[1], quota))
            if found != wanted:
                raise Difference(
                    f"departure {trip.number}: {found} seats (with changes) are shown at fare "
                    f"{fare.number} on {first}-{last}, left are {wanted}"
                )


def _rule(fare: FareFacts) -> PriceRule:
    """Answer a fare as availability asks for it; its price is of no interest."""
    nothing = {one.name: 0 for one in fields(PriceRule)}
    known = {"fare_id": fare.fare_id, "travel_class": fare.travel_class, "quota": fare.quota}
    return PriceRule(**{**nothing, **known})  # type: ignore[arg-type]


def compare_rides(trips: dict[int, Trip], rides: Sequence[Ride], now: datetime) -> None:
    """
    Ask the office what is left of these rides.

    :raises Difference: it is not what the oracle counts.
    """
    shown = availability(rides, now=now)
    for ride in rides:
        trip = trips[ride.departure_id]
        first, last = ride.from_position, ride.to_position - 1
        for travel_class in trip.classes:
            left = len(trip.free(travel_class, first, last, now))
            if shown.left(ride, travel_class) != left:
                raise Difference(
                    f"departure {trip.number}: {shown.left(ride, travel_class)} seats of "
                    f"{travel_class} are shown on {first}-{last}, left are {left}"
                )


# --- everything -----------------------------------------------------------------------------------


def compare_all(oracle: Oracle, *, rng: Random, now: datetime) -> None:
    """
    Compare every departure and every reservation, and see that nothing else is stored.

    :raises Difference: something is not as the oracle has it.
    """
    compare(list(oracle.trips.values()), oracle.bookings.values(), rng=rng, now=now)
    [(stored,)] = rows("SELECT COUNT(*) FROM bookings_reservation")
    if stored != len(oracle.bookings):
        raise Difference(f"{stored} reservations are stored, {len(oracle.bookings)} were made")


def audit_seats() -> None:
    """
    Prove the audit's facts about seats and states; the oracle knows no money.

    :raises Difference: a fact does not hold.
    """
    facts = [fact for fact in audit.FACTS if "payments_" not in fact.sql]
    for finding in audit.findings(facts):
        raise Difference(f"audit: {finding.fact.says} {finding.rows[:3]}")
