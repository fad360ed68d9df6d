"""How full departures are, in seats and seat-kilometres, and who did not come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from inventory.models import Carrier, Mode, Service
from support.analytics.days import Span
from support.analytics.revenue import share
from support.analytics.sources import EVERYTHING, Only, Part
from travel.common import sql

# What occupancy and no-shows are told by.
BY = {
    "day": "travel_date",
    "mode": "mode",
    "carrier": "carrier_id",
    "service": "service_id",
}
DIMENSIONS = tuple(BY)
MOST_ROWS = 1_000


@dataclass(frozen=True, slots=True)
class Load:
    """
    Departures of one kind. `seats` are all their seats, `taken` those that are taken anywhere on
    the way; the ways are in metres, each seat over the whole way of its departure.
    """

    key: str
    label: str
    departures: int
    seats: int
    taken: int
    offered_m: int
    taken_m: int

    @property
    def occupancy(self) -> int:
        """Of the seat-kilometres offered those that are taken, in basis points."""
        return share(self.taken_m, self.offered_m)

    @property
    def offered_km(self) -> int:
        return round_km(self.offered_m)

    @property
    def taken_km(self) -> int:
        return round_km(self.taken_m)


def round_km(metres: int) -> int:
    """Answer whole kilometres, rounded half up."""
    return (metres + 500) // 1000


def occupancy(
    *, by: str, over: Span, now: datetime, only: Only = EVERYTHING, limit: int = MOST_ROWS
) -> list[Load]:
    """
    Answer how full the departures of these days of the timetable are, sold and on hold together.

    A hold that has ended counts no more. Departures that were cancelled, withdrawn or replaced are
    left out. By day in order, else the fullest first. `by` is one of DIMENSIONS.
    """
    loads = _loads(over, now)
    condition = only.condition()
    rows = sql.rows(
        f"SELECT {BY[by]}, COUNT(*), SUM(seats), SUM(taken), SUM(offered_m), "  # noqa: S608
        f"SUM(taken_m) FROM ({loads.text}) loads WHERE 1 = 1{condition.text} GROUP BY {BY[by]}",
        [*loads.values, *condition.values],
    )
    labels = _labels(by, [row[0] for row in rows])
    found = [Load(str(key), labels[str(key)], *map(int, sums)) for key, *sums in rows]
    if by == "day":
        return sorted(found, key=lambda load: load.key)
    return sorted(found, key=lambda load: (-load.occupancy, load.label, load.key))[:limit]


def _loads(over: Span, now: datetime) -> Part:
    """
    Answer the load of every departure: what is kept of it where that is still true, else reckoned.

    What is kept was reckoned at a version of the stock at which all holds lived. It is true while
    that is the version and no hold has ended.
    """
    reckoned = reckon_loads(_OF_DAYS + f" AND NOT ({_IS_TRUE})", [over.first, over.last, now], now)
    return Part(
        "SELECT departure.id, departure.travel_date, departure.service_id, service.carrier_id, "  # noqa: S608
        "service.mode, kept.seats, kept.offered_m, kept.taken_m, kept.taken "
        "FROM inventory_departure departure "
        "JOIN inventory_service service ON service.id = departure.service_id "
        "LEFT JOIN support_departureload kept ON kept.departure_id = departure.id "
        f"WHERE {_OF_DAYS} AND ({_IS_TRUE}) UNION ALL "
        "SELECT id, travel_date, service_id, carrier_id, mode, seats, offered_m, taken_m, taken "
        f"FROM ({reckoned.text}) reckoned",
        [over.first, over.last, now, *reckoned.values],
    )


_OF_DAYS = (
    "departure.travel_date >= %s AND departure.travel_date <= %s AND departure.state = 'scheduled'"
)
_IS_TRUE = (
    "kept.departure_id IS NOT NULL AND kept.stock_version = departure.stock_version "
    "AND (departure.earliest_hold_end IS NULL OR departure.earliest_hold_end > %s)"
)


def reckon_loads(condition: str, values: Sequence[Any], now: datetime) -> Part:
    """
    Answer the statement for the loads of departures, by their seats and claims.

    The condition is on `departure`, `service` and `kept` (support_departureload, which may lack);
    the columns are id, stock_version, travel_date, service_id, carrier_id, mode and the load's.
    """
    return Part(
        f"""
        SELECT id, stock_version, travel_date, service_id, carrier_id, mode,
            seats, seats * length_m AS offered_m, taken_m, taken
        FROM (
            SELECT departure.id, departure.stock_version, departure.travel_date,
                departure.service_id, service.carrier_id, service.mode,
                CASE WHEN departure.frozen_at IS NULL THEN mapped.seats ELSE
                    (SELECT COUNT(*) FROM bookings_seatstock stock
                     WHERE stock.departure_id = departure.id) END AS seats,
                COALESCE((SELECT MAX(stop.distance_m) FROM inventory_call stop
                          WHERE stop.departure_id = departure.id), 0) AS length_m,
                COALESCE((SELECT SUM(finish.distance_m - start.distance_m) {_CLAIMED}), 0)
                    AS taken_m,
                (SELECT COUNT(DISTINCT stock.id) {_CLAIMED}) AS taken
            FROM inventory_departure departure
            JOIN inventory_service service ON service.id = departure.service_id
            JOIN inventory_vehicle vehicle ON vehicle.id = departure.vehicle_id
            JOIN (SELECT coach.seat_map_id, COUNT(*) AS seats FROM inventory_coach coach
                  JOIN inventory_seat seat ON seat.coach_id = coach.id GROUP BY coach.seat_map_id
                 ) mapped ON mapped.seat_map_id = vehicle.seat_map_id
            LEFT JOIN support_departureload kept ON kept.departure_id = departure.id
            WHERE {condition}
        ) measured
        """,  # noqa: S608 - texts of this package
        [now, now, *values],
    )


_CLAIMED = """
    FROM bookings_seatstock stock
    JOIN bookings_claim claim ON claim.stock_id = stock.id
    JOIN bookings_coupon coupon ON coupon.id = claim.coupon_id
    JOIN bookings_passenger passenger ON passenger.id = coupon.passenger_id
    JOIN bookings_reservation reservation ON reservation.id = passenger.reservation_id
    JOIN inventory_call start ON start.id = departure.id * 64 + claim.first_segment
    JOIN inventory_call finish ON finish.id = departure.id * 64 + claim.last_segment + 1
    WHERE stock.departure_id = departure.id
        AND (reservation.state = 'paid'
             OR (reservation.state = 'held' AND reservation.hold_until > %s))
"""


@dataclass(frozen=True, slots=True)
class Attendance:
    """Tickets of departures that were scanned: those that were used, and those that were not."""

    key: str
    label: str
    used: int
    missed: int

    @property
    def missed_share(self) -> int:
        """Of the tickets those whose passengers did not come, in basis points."""
        return share(self.missed, self.used + self.missed)


def no_shows(
    *, by: str, over: Span, only: Only = EVERYTHING, limit: int = MOST_ROWS
) -> list[Attendance]:
    """
    Answer how many passengers did not come, of departures of these days of the timetable.

    Only where somebody scanned tickets is it known who came. By day in order, else where most were
    missed first. `by` is one of DIMENSIONS.
    """
    condition = only.condition()
    rows = sql.rows(
        f"SELECT {BY[by]}, SUM(CASE WHEN coupon.state = 'used' THEN 1 ELSE 0 END), "  # noqa: S608
        "SUM(CASE WHEN coupon.state = 'no_show' THEN 1 ELSE 0 END) "
        "FROM inventory_departure departure "
        "JOIN inventory_service service ON service.id = departure.service_id "
        "JOIN inventory_ticket ticket ON ticket.departure_id = departure.id "
        "JOIN bookings_coupon coupon ON coupon.ticket_id = ticket.id "
        "WHERE departure.travel_date >= %s AND departure.travel_date <= %s "
        f"AND coupon.state IN ('used', 'no_show'){condition.text} GROUP BY {BY[by]}",
        [over.first, over.last, *condition.values],
    )
    labels = _labels(by, [row[0] for row in rows])
    found = [Attendance(str(key), labels[str(key)], *map(int, sums)) for key, *sums in rows]
    if by == "day":
        return sorted(found, key=lambda one: one.key)
    return sorted(found, key=lambda one: (-one.missed, one.label, one.key))[:limit]


def _labels(by: str, keys: Sequence[Any]) -> dict[str, str]:
    if by == "carrier":
        names = Carrier.objects.filter(id__in=keys).values_list("id", "name")
        return {str(key): name for key, name in names}
    if by == "service":
        numbers = Service.objects.filter(id__in=keys).values_list("id", "number")
        return {str(key): number for key, number in numbers}
    if by == "mode":
        words = dict(Mode.choices)
        return {str(key): str(words[key]) for key in keys}
    return {str(key): str(key) for key in keys}
