"""
Millions of sold seats in minutes: reservations of a legal state, written by INSERT ... SELECT.

    python -m bench.generate --claims 1000000 --database office_big

fills an empty database on the MariaDB or MySQL that DATABASE_URL names, and leaves it there.

Every departure is a train of 400 seats and eleven segments. Seats are sold in pairs by ten patterns
(PATTERNS), which come to two claims a seat: most of them paid, one in twenty held, and beside them
holds that were given up or expired. Two passengers share a reservation. All that selling writes is
written: tickets, reservations, passengers, coupons, price lines, seat stock, claims and events; no
money moves, so only the facts about seats and states hold of it.

Rows of one departure lie far apart, as they do when many departures sell at the same time: a
reservation's number is slot * departures + departure.
"""

# ruff: noqa: S608 - the statements are put together from texts of this module alone

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from bench.office import SEGMENTS, Line, make_line, own_database

SEATS = 400
PAIRS = SEATS // 2
# The slots of a pair of seats: state, first and last segment. Only held and paid ones have claims.
PATTERNS: tuple[tuple[tuple[str, int, int], ...], ...] = (
    (("paid", 0, 10),),
    (("paid", 0, 4), ("paid", 5, 10)),
    (("paid", 0, 2), ("paid", 3, 6), ("paid", 7, 9)),
    (("paid", 0, 4), ("held", 5, 10)),
    (("paid", 1, 3), ("paid", 4, 8), ("paid", 9, 10)),
    (("paid", 0, 5), ("paid", 6, 10), ("cancelled", 0, 10)),
    (("paid", 0, 1), ("paid", 2, 3), ("paid", 4, 5), ("paid", 6, 10)),
    (("paid", 0, 10), ("expired", 0, 10)),
    (),
    (("paid", 0, 4), ("paid", 5, 10)),
)
LIVE = ("held", "paid")
CLAIMS_PER_DEPARTURE = 2 * SEATS
# So many rows of a table are written by one statement and committed.
BATCH = 200_000
# Eight months of sales lie behind the generated ones.
SALES_SECONDS = 20_000_000


@dataclass(frozen=True, slots=True)
class Generated:
    """What was written."""

    departures: int
    reservations: int
    claims: int
    seconds: float


def generate(
    *,
    claims: int,
    now: datetime,
    trusting: bool = False,
    say: Callable[[str], None] = lambda line: None,
) -> Generated:
    """
    Write at least so many claims, whole departures of 800, into a database without reservations.

    `trusting` leaves out the look-ups of foreign and unique keys, which cost more than the rows.
    """
    from bookings.models import Reservation

    assert not Reservation.objects.exists(), "the database holds reservations already"
    began = time.monotonic()
    departures = -(-claims // CLAIMS_PER_DEPARTURE)
    line = make_line(seats=SEATS, number="BIG 1")
    work = _Work(line, departures, now)
    if trusting:
        _execute("SET SESSION foreign_key_checks = 0, unique_checks = 0")
    try:
        work.make_helpers()
        for name, statement, slots in STATEMENTS:
            started = time.monotonic()
            work.run(statement, by_slots=slots)
            say(f"{name:<14}{time.monotonic() - started:8.1f} s")
        _analyze()
    finally:
        for table in HELPERS:
            _execute(f"DROP TABLE IF EXISTS {table}")
        if trusting:
            _execute("SET SESSION foreign_key_checks = 1, unique_checks = 1")
    return Generated(
        departures=departures,
        reservations=departures * len(_slots()),
        claims=departures * CLAIMS_PER_DEPARTURE,
        seconds=time.monotonic() - began,
    )


# --- helper tables --------------------------------------------------------------------------------

HELPERS = (
    "bench_number",
    "bench_departure",
    "bench_seat",
    "bench_slot",
    "bench_station",
    "bench_stretch",
)


def _slots() -> list[tuple[int, int, str, int, int]]:
    """Answer number, pair, state, first and last segment of every slot of a departure."""
    found: list[tuple[int, int, str, int, int]] = []
    for pair in range(PAIRS):
        for state, first, last in PATTERNS[pair % len(PATTERNS)]:
            found.append((len(found), pair, state, first, last))
    return found


def _taken(pair: int) -> int:
    return sum(
        (1 << last + 1) - (1 << first)
        for state, first, last in PATTERNS[pair % len(PATTERNS)]
        if state in LIVE
    )


@dataclass(frozen=True)
class _Work:
    """One generation: what all statements need to know."""

    line: Line
    departures: int
    now: datetime

    def make_helpers(self) -> None:
        """Make small tables to cross-join: numbers, departures, seats, slots, stretches."""
        from inventory.models import Departure, Seat

        seats = Seat.objects.filter(coach__seat_map=self.line.vehicle.seat_map).order_by(
            "coach__position", "row", "column"
        )
        first_id = (Departure.objects.order_by("-id").values_list("id", flat=True).first() or 0) + 1
        stretches = sorted({(first, last) for _, _, _, first, last in _slots()})
        _execute("CREATE TABLE bench_number (n INT PRIMARY KEY)")
        _execute(
            "INSERT INTO bench_number "
            "SELECT a.d + 10 * b.d + 100 * c.d + 1000 * e.d + 10000 * f.d FROM "
            + ", ".join(f"({_DIGITS}) {name}" for name in "abcef")
        )
        _execute("CREATE TABLE bench_departure (n INT PRIMARY KEY, id BIGINT NOT NULL)")
        _execute(
            "INSERT INTO bench_departure SELECT n, n + %s FROM bench_number WHERE n < %s",
            [first_id, self.departures],
        )
        _fill(
            "bench_seat",
            "n INT PRIMARY KEY, id BIGINT NOT NULL, taken BIGINT NOT NULL",
            [
                (n, seat_id, _taken(n // 2))
                for n, seat_id in enumerate(seats.values_list("id", flat=True))
            ],
        )
        _fill(
            "bench_slot",
            "k INT PRIMARY KEY, pair INT NOT NULL, state VARCHAR(10) CHARACTER SET utf8mb4 "
            "COLLATE utf8mb4_bin NOT NULL, first_segment INT NOT NULL, last_segment INT NOT NULL",
            _slots(),
        )
        _fill(
            "bench_station",
            "n INT PRIMARY KEY, id BIGINT NOT NULL",
            [(n, station.pk) for n, station in enumerate(self.line.stations)],
        )
        _fill(
            "bench_stretch",
            "first_segment INT NOT NULL, last_segment INT NOT NULL",
            stretches,
        )

    def run(self, statement: str, *, by_slots: int) -> None:
        """
        Run a statement, slots in batches: `by_slots` is how many rows one slot of one departure
        makes, 0 for a statement that knows no slots.
        """
        from django.db import connection

        names: dict[str, Any] = {
            "departures": self.departures,
            "now": connection.ops.adapt_datetimefield_value(self.now),
            "day": (self.now + timedelta(days=30)).date(),
            "starts": connection.ops.adapt_datetimefield_value(self.now + timedelta(days=30)),
            "held_until": connection.ops.adapt_datetimefield_value(self.now + timedelta(days=1)),
            "service": self.line.service.pk,
            "vehicle": self.line.vehicle.pk,
            "fare": self.line.fare_id,
            "version": self.line.fare_version_id,
            "segments": SEGMENTS,
            "seats": SEATS,
            "slots": len(_slots()),
            "sales_seconds": SALES_SECONDS,
        }
        if not by_slots:
            _execute(statement, names)
            return
        step = max(1, BATCH // (self.departures * by_slots))
        for first in range(0, len(_slots()), step):
            _execute(statement, {**names, "from_slot": first, "to_slot": first + step - 1})


_DIGITS = " UNION ALL ".join(f"SELECT {digit} AS d" for digit in range(10))


def _fill(table: str, columns: str, rows: Sequence[Sequence[Any]]) -> None:
    from django.db import connection

    _execute(f"CREATE TABLE {table} ({columns})")
    marks = ", ".join(["%s"] * len(rows[0]))
    with connection.cursor() as cursor:
        cursor.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)


def _execute(statement: str, names: Any = None) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(statement, names)


def _analyze() -> None:
    """Tell the server how the rows are spread, as it finds out by itself in an office that grew."""
    from django.db import connection

    tables = [
        "bookings_reservation",
        "bookings_passenger",
        "bookings_coupon",
        "bookings_priceline",
        "bookings_seatstock",
        "bookings_claim",
        "bookings_reservationevent",
        "inventory_departure",
        "inventory_ticket",
    ]
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE TABLE {', '.join(tables)}")
        cursor.fetchall()


# --- the statements -------------------------------------------------------------------------------

# Number of a reservation, from 1; the numbers of its passengers, lines and events follow from it.
_R = "(slot.k * %(departures)s + departure.n + 1)"
_P = f"({_R} * 2 - 1 + half.d)"
_HALVES = "(SELECT 0 AS d UNION ALL SELECT 1) half"
_SLOTS = "bench_slot slot CROSS JOIN bench_departure departure"
_SOLD_AT = (
    f"TIMESTAMPADD(SECOND, -600 - {_R} * 7919 %% %(sales_seconds)s, CAST(%(now)s AS DATETIME(6)))"
)
_RESERVED_AT = f"IF(slot.state = 'held', CAST(%(now)s AS DATETIME(6)), {_SOLD_AT})"
_HELD_UNTIL = (
    "IF(slot.state = 'held', CAST(%(held_until)s AS DATETIME(6)), "
    f"TIMESTAMPADD(SECOND, 600, {_SOLD_AT}))"
)
_MOVED_AT = f"TIMESTAMPADD(SECOND, IF(slot.state = 'expired', 605, 60), {_SOLD_AT})"

# What is written, in the order of the foreign keys: name, statement, rows a slot of a departure.
STATEMENTS: tuple[tuple[str, str, int], ...] = (
    (
        "departures",
        """
        INSERT INTO inventory_departure (id, service_id, travel_date, run, generation, vehicle_id,
            feed_id, content_digest, state, sales_closed_at, frozen_at, stock_version, revision,
            earliest_hold_end)
        SELECT id, %(service)s, %(day)s, LPAD(n, 8, '0'), 1, %(vehicle)s,
            NULL, '', 'scheduled', NULL, CAST(%(now)s AS DATETIME(6)), %(slots)s, 0,
            CAST(%(held_until)s AS DATETIME(6))
        FROM bench_departure ORDER BY n
        """,
        0,
    ),
    (
        "calls",
        """
        INSERT INTO inventory_call (id, departure_id, position, station_id,
            arrives_at, departs_at,
            expected_arrives_at, expected_departs_at, may_board, may_alight, is_skipped, platform,
            distance_m)
        SELECT departure.id * 64 + stop.n, departure.id, stop.n, stop.id,
            IF(stop.n = 0, NULL,
                TIMESTAMPADD(MINUTE, 30 * stop.n, CAST(%(starts)s AS DATETIME(6)))),
            IF(stop.n = %(segments)s, NULL,
                TIMESTAMPADD(MINUTE, 30 * stop.n + 2, CAST(%(starts)s AS DATETIME(6)))),
            NULL, NULL, stop.n < %(segments)s, stop.n > 0, FALSE, '', 60000 * stop.n
        FROM bench_departure departure CROSS JOIN bench_station stop
        ORDER BY departure.n, stop.n
        """,
        0,
    ),
    (
        "tickets",
        """
        INSERT INTO inventory_ticket (id, departure_id, from_call_id, to_call_id, fare_id)
        SELECT departure.id * 262144 + stretch.first_segment * 4096
                + (stretch.last_segment + 1) * 64,
            departure.id, departure.id * 64 + stretch.first_segment,
            departure.id * 64 + stretch.last_segment + 1, %(fare)s
        FROM bench_departure departure CROSS JOIN bench_stretch stretch
        ORDER BY departure.n, stretch.first_segment, stretch.last_segment
        """,
        0,
    ),
    (
        "seat stock",
        """
        INSERT INTO bookings_seatstock (id, departure_id, seat_id, travel_class, taken)
        SELECT departure.n * %(seats)s + seat.n + 1, departure.id, seat.id, 'Economy', seat.taken
        FROM bench_departure departure CROSS JOIN bench_seat seat ORDER BY departure.n, seat.n
        """,
        0,
    ),
    (
        "reservations",
        f"""
        INSERT INTO bookings_reservation (id, locator, user_id, guest_digest,
            contact_email, contact_phone, language, currency_id, state,
            created_at, hold_until, extended_at, lengthened_at)
        SELECT {_R}, LPAD(CONV({_R}, 10, 32), 6, '0'), NULL, SHA2({_R}, 256),
            CONCAT('guest', {_R}, '@example.org'), NULL, 'en', 'EUR', slot.state,
            {_RESERVED_AT}, {_HELD_UNTIL}, NULL, NULL
        FROM {_SLOTS}
        WHERE slot.k BETWEEN %(from_slot)s AND %(to_slot)s
        ORDER BY slot.k, departure.n
        """,
        1,
    ),
    (
        "passengers",
        f"""
        INSERT INTO bookings_passenger (id, reservation_id, position, first_name, last_name, kind,
            date_of_birth, seat_wish, accompanied_by_id)
        SELECT {_P}, {_R}, half.d, IF(half.d = 0, 'Ada', 'Bob'), 'Lovelace', 'adult',
            NULL, '', NULL
        FROM {_SLOTS} CROSS JOIN {_HALVES}
        WHERE slot.k BETWEEN %(from_slot)s AND %(to_slot)s
        ORDER BY slot.k, departure.n, half.d
        """,
        2,
    ),
    (
        "coupons",
        f"""
        INSERT INTO bookings_coupon (id, passenger_id, position, ticket_id, fare_version_id,
            state, barcode)
        SELECT {_P}, {_P}, 0,
            departure.id * 262144 + slot.first_segment * 4096 + (slot.last_segment + 1) * 64,
            %(version)s, IF(slot.state IN ('held', 'paid'), 'open', 'cancelled'), MD5({_P})
        FROM {_SLOTS} CROSS JOIN {_HALVES}
        WHERE slot.k BETWEEN %(from_slot)s AND %(to_slot)s
        ORDER BY slot.k, departure.n, half.d
        """,
        2,
    ),
    (
        "price lines",
        f"""
        INSERT INTO bookings_priceline (id, coupon_id, position, kind, label, amount_minor)
        SELECT {_P} * 2 - 1 + line.d, {_P}, line.d, IF(line.d = 0, 'fare', 'tax'),
            IF(line.d = 0, 'Fare', 'Tax'), IF(line.d = 0, 3000, 210)
        FROM {_SLOTS} CROSS JOIN {_HALVES} CROSS JOIN (SELECT 0 AS d UNION ALL SELECT 1) line
        WHERE slot.k BETWEEN %(from_slot)s AND %(to_slot)s
        ORDER BY slot.k, departure.n, half.d, line.d
        """,
        4,
    ),
    (
        "claims",
        f"""
        INSERT INTO bookings_claim (id, coupon_id, stock_id, first_segment, last_segment)
        SELECT {_P}, {_P}, departure.n * %(seats)s + slot.pair * 2 + half.d + 1,
            slot.first_segment, slot.last_segment
        FROM {_SLOTS} CROSS JOIN {_HALVES}
        WHERE slot.k BETWEEN %(from_slot)s AND %(to_slot)s AND slot.state IN ('held', 'paid')
        ORDER BY slot.k, departure.n, half.d
        """,
        2,
    ),
    (
        "events",
        f"""
        INSERT INTO bookings_reservationevent (id, reservation_id, at, kind,
            from_state, to_state, actor_kind, actor_id, reason, details)
        SELECT {_R} * 2 - 1 + half.d, {_R}, IF(half.d = 0, {_RESERVED_AT}, {_MOVED_AT}),
            IF(half.d = 0, 'reserved', IF(slot.state = 'cancelled', 'released', slot.state)),
            IF(half.d = 0, '', 'held'), IF(half.d = 0, 'held', slot.state),
            IF(half.d = 1 AND slot.state = 'expired', 'system', 'holder'), NULL, '',
            CONCAT('{{"seats": [[', slot.pair, ', ', departure.id, ', "1", "1A", ',
                slot.first_segment, ', ', slot.last_segment, ']]}}')
        FROM {_SLOTS} CROSS JOIN {_HALVES}
        WHERE slot.k BETWEEN %(from_slot)s AND %(to_slot)s
            AND (half.d = 0 OR slot.state <> 'held')
        ORDER BY slot.k, departure.n, half.d
        """,
        2,
    ),
)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--claims", default=1_000_000, type=int)
    parser.add_argument("--database", default="office_big")
    asked = parser.parse_args()
    with own_database(asked.database, drop=False) as address:
        done = generate(
            claims=asked.claims,
            now=datetime.now(UTC),
            trusting=True,
            say=lambda line: print(line, file=sys.stderr, flush=True),
        )
        print(f"{done.claims} claims of {done.departures} departures in {done.seconds:.0f} s")
        print(f"DATABASE_URL={address}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
