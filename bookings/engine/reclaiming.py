"""What an expired hold had: its legs and seats, so that a late payment can have them again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from bookings.engine import seating, stock
from bookings.engine.contract import CouponRow, LegRow, Outcome, Result
from bookings.engine.placement import Part
from bookings.engine.seating import Seating
from bookings.models import Coupon, Passenger, ReservationEvent
from inventory.models import Departure, Seat
from inventory.ticket_ids import segments_mask, unpack


class OldPart(NamedTuple):
    """A seat that a coupon had, with its segments; None had no label: any is as good."""

    seat_id: int | None
    first_segment: int
    last_segment: int


@dataclass(frozen=True, slots=True)
class Lost:
    """Legs in the order of their locks, each coupon with the seat it had, and the coupons."""

    legs: list[LegRow]
    wishes: Mapping[int, str]
    changes: set[int]
    coupons: Mapping[tuple[int, int], int]
    had: Mapping[int, list[OldPart]]

    def seat(self, leg: LegRow, *, other_seats: bool) -> Seating | Result:
        """
        Seat the leg's passengers where they sat, or somewhere in the class, or answer the refusal.

        Who had one seat after another, or one without a label, is placed anew; a party of which
        only some changed seats gets exactly what it had, or is placed anew as well.
        """
        accept_change = leg.ticket_id in self.changes
        answer = seating.seat(leg, self.wishes, accept_change=accept_change)
        if not isinstance(answer, Result):
            return answer
        exact = self._as_it_was(leg) if accept_change else None
        if exact is not None:
            return exact
        if answer.outcome is Outcome.SEAT_TAKEN and other_seats:
            anywhere = replace(leg, coupons=[replace(one, seat_id=None) for one in leg.coupons])
            answer = seating.seat(anywhere, self.wishes, accept_change=accept_change)
        # Nobody is there to be asked about a change of seats.
        return replace(answer, details={}) if isinstance(answer, Result) else answer

    def _as_it_was(self, leg: LegRow) -> Seating | None:
        """Answer the very seats that the leg's passengers had, if all of them are free."""
        seated = [one for one in leg.coupons if one.needs_seat]
        quota = stock.quota_left(leg)
        if quota is not None and quota < len(seated):
            return None
        bits = {seat.seat_id: (seat, taken) for seat, taken in stock.seats_with_bits(leg)}
        parts: dict[int, list[Part]] = {}
        for coupon in seated:
            for old in self.had[self.coupons[(coupon.passenger, leg.ticket_id)]]:
                if old.seat_id is None or old.seat_id not in bits:
                    return None
                seat, taken = bits[old.seat_id]
                if taken & segments_mask(old.first_segment, old.last_segment):
                    return None
                parts.setdefault(coupon.passenger, []).append(
                    Part(seat, old.first_segment, old.last_segment)
                )
        return Seating(leg, parts)


def still_boards(leg: LegRow, now: datetime) -> bool:
    """Say whether one may board the leg's departure yet."""
    return (
        now < leg.closes_at
        and Departure.objects.filter(
            id=leg.departure_id,
            state=Departure.State.SCHEDULED,
            sales_closed_at__isnull=True,
        ).exists()
    )


def read(reservation_id: int) -> Lost:
    """Answer what the reservation had when it expired."""
    coupons = list(
        Coupon.objects.filter(passenger__reservation_id=reservation_id)
        .select_related("passenger", "ticket__fare", "ticket__from_call", "fare_version")
        .order_by("position", "passenger__position")
    )
    seats = _seats_it_had(reservation_id)
    by_ticket: dict[int, list[Coupon]] = defaultdict(list)
    for coupon in coupons:
        by_ticket[coupon.ticket_id].append(coupon)
    legs = [_leg(own, seats) for own in by_ticket.values()]
    return Lost(
        legs=sorted(legs, key=lambda one: (one.departure_id, one.first_segment)),
        wishes={coupon.passenger.position: coupon.passenger.seat_wish for coupon in coupons},
        changes={coupon.ticket_id for coupon in coupons if len(seats.get(coupon.id, [])) > 1},
        coupons={(coupon.passenger.position, coupon.ticket_id): coupon.id for coupon in coupons},
        had=seats,
    )


def _leg(coupons: list[Coupon], seats: Mapping[int, list[OldPart]]) -> LegRow:
    ticket = coupons[0].ticket
    parts = unpack(ticket.id)
    boards = ticket.from_call
    leaves_at = boards.expected_departs_at or boards.departs_at
    assert leaves_at is not None
    return LegRow(
        ticket_id=ticket.id,
        departure_id=ticket.departure_id,
        first_segment=parts.from_position,
        last_segment=parts.to_position - 1,
        travel_class=ticket.fare.travel_class,
        fare_id=ticket.fare_id,
        closes_at=leaves_at,
        quota=coupons[0].fare_version.quota,
        coupons=[
            CouponRow(
                passenger=coupon.passenger.position,
                barcode=coupon.barcode,
                fare_version_id=coupon.fare_version_id,
                price_lines=(),
                needs_seat=coupon.passenger.kind != Passenger.Kind.INFANT,
                seat_id=_only(seats.get(coupon.id, [])),
            )
            for coupon in coupons
        ],
    )


def _only(parts: list[OldPart]) -> int | None:
    return parts[0].seat_id if len(parts) == 1 else None


def _seats_it_had(reservation_id: int) -> dict[int, list[OldPart]]:
    """Answer the seats of each coupon by what the history remembers of the hold's end."""
    event = (
        ReservationEvent.objects.filter(
            reservation_id=reservation_id, kind=ReservationEvent.Kind.EXPIRED
        )
        .order_by("-id")
        .first()
    )
    remembered = event.details.get("seats", []) if event is not None else []
    departures = {row[1] for row in remembered}
    known = {
        (departure_id, coach, label): seat_id
        for seat_id, departure_id, coach, label in Seat.objects.filter(
            stock__departure_id__in=departures
        )
        .exclude(label="")
        .values_list("id", "stock__departure_id", "coach__label", "label")
    }
    seats: dict[int, list[OldPart]] = defaultdict(list)
    for coupon_id, departure_id, coach, label, first, last in remembered:
        seats[coupon_id].append(OldPart(known.get((departure_id, coach, label)), first, last))
    return seats
