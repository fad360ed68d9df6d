"""
Seat stock: laid out once, its bits set and cleared only together with their claims.

Whoever writes here holds the locks of the departures. The guard against a double sale nevertheless
stands in the statement that sets the bits.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import connection
from django.db.models import Case, F, Q, QuerySet, Value, When

from bookings.engine.contract import LegRow
from bookings.engine.placement import FreeSeat, Part
from bookings.models import Claim, Coupon
from inventory import services as inventory
from inventory.models import Departure
from inventory.ticket_ids import segments_mask, unpack


class StockMismatch(AssertionError):
    """A claim's bits were not set in the stock: a defect, found before it could spread."""


class ClaimRow(NamedTuple):
    """A claim as it is given back."""

    id: int
    stock_id: int
    first_segment: int
    last_segment: int


_CLAIM_COLUMNS = ClaimRow._fields
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


def lay_out(departures: Iterable[Departure], now: datetime) -> None:
    """
    Lay the stock out from the seat maps of departures that sell for the first time.

    Seats are numbered in the order in which they are sold: as on the map, but wheelchair spaces
    last, so that the first free one is the lowest number.
    """
    fresh = [one.id for one in departures if one.frozen_at is None]
    if not fresh:
        return
    marks = ", ".join(["%s"] * len(fresh))
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO bookings_seatstock "  # noqa: S608 - only placeholders
            "(departure_id, seat_id, travel_class, taken) "
            "SELECT departure.id, seat.id, seat.travel_class, 0 "
            "FROM inventory_departure departure "
            "JOIN inventory_vehicle vehicle ON vehicle.id = departure.vehicle_id "
            "JOIN inventory_coach coach ON coach.seat_map_id = vehicle.seat_map_id "
            "JOIN inventory_seat seat ON seat.coach_id = coach.id "
            f"WHERE departure.id IN ({marks}) "
            "ORDER BY departure.id, seat.is_accessible, coach.position, seat.row, seat.column",
            fresh,
        )
    inventory.freeze(departure_ids=fresh, now=now)


def free_seats(leg: LegRow, mask: int) -> list[FreeSeat]:
    """Answer the seats of the leg's class that are free on all segments of the mask."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {_SEAT_COLUMNS} {_SEATS_OF_CLASS} AND stock.taken & %s = 0 {_MAP_ORDER}",
            [leg.departure_id, leg.travel_class, mask],
        )
        return [FreeSeat(*row) for row in cursor.fetchall()]


def seats_with_bits(leg: LegRow) -> list[tuple[FreeSeat, int]]:
    """Answer every seat of the leg's class with its taken bits, in the order of the map."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {_SEAT_COLUMNS}, stock.taken {_SEATS_OF_CLASS} {_MAP_ORDER}",
            [leg.departure_id, leg.travel_class],
        )
        return [(FreeSeat(*row[:-1]), row[-1]) for row in cursor.fetchall()]


def take(parts: Iterable[Part]) -> bool:
    """
    Set the bits of these seats where all of them are clear; say whether that was so everywhere.
    """
    by_mask: dict[int, list[int]] = defaultdict(list)
    for part in parts:
        by_mask[segments_mask(part.first_segment, part.last_segment)].append(part.seat.stock_id)
    return all(_take(sorted(stock_ids), mask) for mask, stock_ids in by_mask.items())


def _take(stock_ids: Sequence[int], mask: int) -> bool:
    marks = ", ".join(["%s"] * len(stock_ids))
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE bookings_seatstock SET taken = taken | %s "  # noqa: S608 - only placeholders
            f"WHERE id IN ({marks}) AND taken & %s = 0",
            [mask, *stock_ids, mask],
        )
        return int(cursor.rowcount) == len(stock_ids)


def quota_left(leg: LegRow) -> int | None:
    """
    Answer how many more seats of the leg its fare may fill, or None where it has no quota.

    The quota counts on each segment by itself, as seats do; the fullest one decides.
    """
    if leg.quota is None:
        return None
    rows = (
        Coupon.objects.filter(
            ticket__departure_id=leg.departure_id,
            ticket__fare_id=leg.fare_id,
            claims__isnull=False,
        )
        .order_by()
        .values_list("id", "ticket_id")
        .distinct()
    )
    sold: dict[int, int] = defaultdict(int)
    for _, ticket_id in rows:
        parts = unpack(ticket_id)
        for segment in range(parts.from_position, parts.to_position):
            sold[segment] += 1
    fullest = max(sold[n] for n in range(leg.first_segment, leg.last_segment + 1))
    return leg.quota - fullest


def claims_of_reservations(reservation_ids: Sequence[int]) -> list[ClaimRow]:
    """Answer the claims of these reservations."""
    return _claims(Claim.objects.filter(coupon__passenger__reservation_id__in=reservation_ids))


def claims_of_coupons(coupon_ids: Sequence[int]) -> list[ClaimRow]:
    """Answer the claims of these coupons."""
    return _claims(Claim.objects.filter(coupon_id__in=coupon_ids))


def _claims(rows: QuerySet[Claim]) -> list[ClaimRow]:
    return [ClaimRow(*row) for row in rows.order_by("stock_id").values_list(*_CLAIM_COLUMNS)]


def give_back(claims: Sequence[ClaimRow]) -> None:
    """
    Delete the claims and clear their bits, seats in the order of their ids.

    :raises StockMismatch: some bits were not set; nothing may be committed then.
    """
    if not claims:
        return
    by_mask: dict[int, list[int]] = defaultdict(list)
    for row in claims:
        by_mask[segments_mask(row.first_segment, row.last_segment)].append(row.stock_id)
    Claim.objects.filter(id__in=[row.id for row in claims]).delete()
    with connection.cursor() as cursor:
        for mask, stock_ids in by_mask.items():
            marks = ", ".join(["%s"] * len(stock_ids))
            cursor.execute(
                "UPDATE bookings_seatstock SET taken = taken - %s "  # noqa: S608 - only marks
                f"WHERE id IN ({marks}) AND taken & %s = %s",
                [mask, *stock_ids, mask, mask],
            )
            if cursor.rowcount != len(stock_ids):
                raise StockMismatch(stock_ids)


def named_seats(claims: QuerySet[Claim]) -> dict[int, list[list[object]]]:
    """
    Answer, by reservation, coupon, departure, coach, seat, first and last segment of each claim:
    how the history remembers them.
    """
    found: dict[int, list[list[object]]] = {}
    for reservation_id, *claim in claims.order_by("coupon_id", "first_segment").values_list(
        "coupon__passenger__reservation_id",
        "coupon_id",
        "stock__departure_id",
        "stock__seat__coach__label",
        "stock__seat__label",
        "first_segment",
        "last_segment",
    ):
        found.setdefault(reservation_id, []).append(claim)
    return found


def seats_of_reservation(reservation_id: int) -> list[list[object]]:
    """Answer the claims of a reservation for its history."""
    claims = Claim.objects.filter(coupon__passenger__reservation_id=reservation_id)
    return named_seats(claims).get(reservation_id, [])


def count_change(departure_ids: Collection[int], *, held_until: datetime | None = None) -> None:
    """
    Raise the version of the departures' stock: what was cached of it is out of date.

    A new hold, which ends at `held_until`, can only bring the end of the first one forward.
    """
    changes: dict[str, object] = {"stock_version": F("stock_version") + 1}
    if held_until is not None:
        is_first = Q(earliest_hold_end__isnull=True) | Q(earliest_hold_end__gt=held_until)
        changes["earliest_hold_end"] = Case(
            When(is_first, then=Value(held_until)), default=F("earliest_hold_end")
        )
    Departure.objects.filter(id__in=departure_ids).update(**changes)
