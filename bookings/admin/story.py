"""The story of a reservation as its page tells it to staff: who, where, for how much, and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Prefetch
from django.utils.translation import gettext_lazy as _

from bookings.models import Claim, Coupon, Passenger, Reservation, ReservationEvent
from payments.models import Cancellation, Payment, Refund
from travel.common.admin_bases import STATE_TONES, percent
from travel.common.money import Money, total
from travel.common.templatetags.look import tone_icon

# A story is read by a person; what is longer is read in the list of events.
MOST_EVENTS = 200


@dataclass(frozen=True)
class Word:
    """A state's word with its tone and sign."""

    text: str
    tone: str

    @property
    def sign(self) -> str:
        return tone_icon(self.tone)


@dataclass(frozen=True)
class CouponLine:
    """A coupon as staff read it: who travels where, on which seats, for how much."""

    coupon: Coupon
    passenger: Passenger
    state: Word
    seats: list[str]
    lines: list[tuple[str, Money]]
    price: Money


@dataclass(frozen=True)
class Story:
    """All that happened to a reservation."""

    coupons: list[CouponLine]
    price: Money
    payments: list[tuple[Payment, Word, Money]]
    refunds: list[tuple[Refund, Word, Money]]
    cancellations: list[tuple[Cancellation, list[tuple[int, Money, Money, str]]]]
    events: list[ReservationEvent]


def tell(reservation: Reservation) -> Story:
    """Read a reservation's whole story in a fixed number of statements."""
    currency = reservation.currency_id
    coupons = [
        _coupon_line(coupon, passenger, currency)
        for passenger in _passengers(reservation)
        for coupon in passenger.coupons.all()
    ]
    payments = list(reservation.payments.order_by("created_at", "id"))
    refunds = Refund.objects.filter(payment__in=payments).order_by("created_at", "id")
    return Story(
        coupons=coupons,
        price=total((line.price for line in coupons), currency=currency),
        payments=[
            (
                payment,
                _word(payment),
                Money(payment.amount_minor, payment.currency_id),
            )
            for payment in payments
        ],
        refunds=[
            (refund, _word(refund), Money(refund.amount_minor, currency)) for refund in refunds
        ],
        cancellations=_cancellations(reservation),
        events=list(reservation.events.select_related("actor").order_by("at", "id")[:MOST_EVENTS]),
    )


def _passengers(reservation: Reservation) -> Iterable[Passenger]:
    coupons = Coupon.objects.select_related(
        "ticket__departure__service",
        "ticket__from_call__station",
        "ticket__to_call__station",
        "ticket__fare",
    ).prefetch_related(
        "price_lines",
        Prefetch("claims", Claim.objects.select_related("stock__seat__coach")),
    )
    return reservation.passengers.prefetch_related(Prefetch("coupons", coupons))


def _coupon_line(coupon: Coupon, passenger: Passenger, currency: str) -> CouponLine:
    lines = [
        (f"{line.get_kind_display()}: {line.label}", Money(line.amount_minor, currency))
        for line in coupon.price_lines.all()
    ]
    return CouponLine(
        coupon=coupon,
        passenger=passenger,
        state=_word(coupon),
        seats=[seat_of(claim) for claim in coupon.claims.all()],
        lines=lines,
        price=total((amount for _label, amount in lines), currency=currency),
    )


def _cancellations(
    reservation: Reservation,
) -> list[tuple[Cancellation, list[tuple[int, Money, Money, str]]]]:
    currency = reservation.currency_id
    rows = reservation.cancellations.select_related("actor").prefetch_related("coupons")
    return [
        (
            cancellation,
            [
                (
                    line.coupon_id,
                    Money(line.penalty_minor, currency),
                    Money(line.refund_minor, currency),
                    percent(line.penalty_basis_points),
                )
                for line in cancellation.coupons.all()
            ],
        )
        for cancellation in rows.order_by("at", "id")
    ]


def seat_of(claim: Claim) -> str:
    """Say which seat a claim is on: coach and label, or that seating is free."""
    seat = claim.stock.seat
    if not seat.label:
        return str(_("free seating"))
    return f"{seat.coach.label} / {seat.label}"


def _word(row: Any) -> Word:
    return Word(text=str(row.get_state_display()), tone=STATE_TONES.get(row.state, ""))
