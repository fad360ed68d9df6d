"""Reading all that belongs to reservations, in as many statements for many as for one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from bookings.models import Passenger, PriceLine, Reservation
from bookings.selectors.details import (
    CouponDetail,
    PassengerDetail,
    ReservationDetail,
    SeatPlace,
)
from bookings.selectors.statuses import status_of
from inventory import selectors as inventory
from inventory.selectors import TicketFacts
from travel.common.money import Money


def load(
    rows: Sequence[Reservation],
    *,
    now: datetime,
    tickets: Mapping[int, TicketFacts] | None = None,
) -> list[ReservationDetail]:
    """
    Read all that belongs to these reservations, in a number of statements that is constant.

    Who knows the facts of their tickets gives them, and they are not read again.
    """
    if not rows:
        return []
    passengers, coupons = _people(rows)
    if tickets is None:
        tickets = inventory.describe_tickets(
            {coupon.ticket_id for group in coupons.values() for coupon in group}
        )
    return [
        ReservationDetail(
            id=row.id,
            locator=row.locator,
            state=row.state,
            status=status_of(row.state, row.hold_until, now),
            user_id=row.user_id,
            contact_email=row.contact_email,
            contact_phone=row.contact_phone,
            language=row.language,
            currency=row.currency_id,
            created_at=row.created_at,
            hold_until=row.hold_until,
            extended_at=row.extended_at,
            passengers=passengers.get(row.id, []),
            coupons=coupons.get(row.id, []),
            tickets={
                coupon.ticket_id: tickets[coupon.ticket_id] for coupon in coupons.get(row.id, [])
            },
        )
        for row in rows
    ]


def _people(
    rows: Sequence[Reservation],
) -> tuple[dict[int, list[PassengerDetail]], dict[int, list[CouponDetail]]]:
    """
    Read passengers, their coupons and their seats in one statement, by reservation.

    A row is a claim, or a coupon without one: a passenger has at least one coupon.
    """
    currencies = {row.id: row.currency_id for row in rows}
    columns = list(
        Passenger.objects.filter(reservation_id__in=currencies)
        .order_by(
            "reservation_id",
            "coupons__position",
            "position",
            "coupons__id",
            "coupons__claims__first_segment",
        )
        .values_list(
            "reservation_id",
            *_PASSENGER_COLUMNS,
            *(f"coupons__{column}" for column in _COUPON_COLUMNS),
            *(f"coupons__claims__{column}" for column in _SEAT_COLUMNS),
        )
    )
    people: dict[int, dict[int, PassengerDetail]] = {}
    seats: dict[int, list[SeatPlace]] = {}
    coupons: dict[int, dict[int, tuple[PassengerDetail, tuple[Any, ...]]]] = {}
    for reservation_id, *rest in columns:
        passenger = PassengerDetail(*rest[: len(_PASSENGER_COLUMNS)])
        coupon = tuple(rest[len(_PASSENGER_COLUMNS) : -len(_SEAT_COLUMNS)])
        place = rest[-len(_SEAT_COLUMNS) :]
        people.setdefault(reservation_id, {})[passenger.id] = passenger
        coupons.setdefault(reservation_id, {})[coupon[0]] = (passenger, coupon)
        if place[-1] is not None:
            seats.setdefault(coupon[0], []).append(SeatPlace(*place))
    lines = _price_lines(coupon_id for group in coupons.values() for coupon_id in group)
    return (
        {
            reservation_id: sorted(group.values(), key=lambda one: one.position)
            for reservation_id, group in people.items()
        },
        {
            reservation_id: [
                _coupon(passenger, columns, currencies[reservation_id], lines, seats)
                for passenger, columns in group.values()
            ]
            for reservation_id, group in coupons.items()
        },
    )


_PASSENGER_COLUMNS = (
    "id",
    "position",
    "first_name",
    "last_name",
    "kind",
    "date_of_birth",
    "seat_wish",
    "accompanied_by__position",
)

_COUPON_COLUMNS = (
    "id",
    "position",
    "ticket_id",
    "fare_version_id",
    "state",
    "barcode",
    "issue",
    "reissued_at",
    "exchanged_for_id",
)

_SEAT_COLUMNS = (
    "stock__seat__coach__label",
    "stock__seat__label",
    "first_segment",
    "last_segment",
)


def _coupon(
    passenger: PassengerDetail,
    columns: tuple[Any, ...],
    currency: str,
    lines: Mapping[int, Sequence[tuple[str, str, int]]],
    seats: Mapping[int, list[SeatPlace]],
) -> CouponDetail:
    coupon_id, position, ticket_id, fare_version_id, state, *rest = columns
    barcode, issue, reissued_at, exchanged_for = rest
    priced = [
        (kind, label, Money(minor, currency)) for kind, label, minor in lines.get(coupon_id, [])
    ]
    return CouponDetail(
        id=coupon_id,
        passenger_id=passenger.id,
        passenger=passenger.position,
        position=position,
        ticket_id=ticket_id,
        fare_version_id=fare_version_id,
        state=state,
        barcode=barcode,
        issue=issue,
        reissued_at=reissued_at,
        lines=priced,
        price=Money(sum(money.minor for _, _, money in priced), currency),
        seats=seats.get(coupon_id, []),
        exchanged_for=exchanged_for,
    )


def _price_lines(coupon_ids: Iterable[int]) -> dict[int, list[tuple[str, str, int]]]:
    found: dict[int, list[tuple[str, str, int]]] = {}
    for coupon_id, kind, label, minor in (
        PriceLine.objects.filter(coupon_id__in=list(coupon_ids))
        .order_by("coupon_id", "position")
        .values_list("coupon_id", "kind", "label", "amount_minor")
    ):
        found.setdefault(coupon_id, []).append((kind, label, minor))
    return found
