"""Reads of money: a reservation's payments and what may be done with it, purchases, the wallet."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet

from accounts.viewers import Viewer
from bookings import disruption
from bookings import selectors as bookings
from bookings.models import Coupon, Reservation
from bookings.selectors import CouponDetail, ReservationDetail
from payments.models import (
    Account,
    CancelledCoupon,
    CryptoInvoice,
    Difference,
    Entry,
    Payment,
    Refund,
)
from travel.common.money import Money

WHEN = ("upcoming", "past", "cancelled")


@dataclass(frozen=True, slots=True)
class RefundDetail:
    """Money that went back, or is on its way."""

    id: int
    amount: Money
    state: str
    destination: str
    cause: str
    created_at: datetime
    done_at: datetime | None


@dataclass(frozen=True, slots=True)
class PaymentDetail:
    """An attempt to pay, with its refunds."""

    id: int
    reservation_id: int
    method: str
    state: str
    amount: Money
    failure: str
    created_at: datetime
    finished_at: datetime | None
    refunds: list[RefundDetail]


@dataclass(frozen=True, slots=True)
class InvoiceDetail:
    """What is asked for in a cryptocurrency, where to, and what was seen of it."""

    asset: str
    address: str
    amount: str
    received: str
    confirmations: int
    confirmations_needed: int
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Overview:
    """A reservation as its holder sees it: with payments and what may be done now."""

    reservation: ReservationDetail
    payments: list[PaymentDetail]
    available_actions: list[str]

    @property
    def refunded(self) -> Money:
        """What has gone back or is on its way."""
        return Money(
            sum(refund.amount.minor for payment in self.payments for refund in payment.refunds),
            self.reservation.currency,
        )


@dataclass(frozen=True, slots=True)
class Purchase:
    """A coupon that was paid for, with the reservation it is part of."""

    reservation: ReservationDetail
    coupon: CouponDetail


@dataclass(frozen=True, slots=True)
class StatementLine:
    """A move on an account, as its owner reads it."""

    at: datetime
    kind: str
    memo: str
    amount: Money


def get_overview(
    *, viewer: Viewer, now: datetime, reservation_id: int | None = None, locator: str | None = None
) -> Overview:
    """
    Answer a reservation with its payments and available actions.

    :raises NotFound: there is none, or it is not this viewer's to see.
    """
    reservation = bookings.get_reservation(
        viewer=viewer, reservation_id=reservation_id, locator=locator, now=now
    )
    return overviews([reservation], now=now)[0]


def overviews(reservations: Sequence[ReservationDetail], *, now: datetime) -> list[Overview]:
    """Add payments and actions to reservations, in two statements."""
    payments = payments_of([one.id for one in reservations])
    return [
        Overview(one, payments.get(one.id, []), available_actions(one, now=now))
        for one in reservations
    ]


def available_actions(reservation: ReservationDetail, *, now: datetime) -> list[str]:
    """
    Answer what the holder may do now: what clients, pages and the admin draw their buttons from.
    """
    actions: list[str] = []
    disrupted: Collection[int] = ()
    if reservation.is_live_hold:
        actions = ["pay", "cancel"]
        # What was booked by phone is held longer than an extension would reach.
        if reservation.extended_at is None and (
            reservation.hold_until <= now + settings.HOLD_DURATION
        ):
            actions.append("extendHold")
    elif reservation.status == "Paid":
        disrupted = disruption.disruptions(reservation, now=now)
        if any(
            coupon.ticket_id in disrupted or reservation.tickets[coupon.ticket_id].leaves_at > now
            for coupon in reservation.open_coupons
        ):
            actions.append("cancel")
    else:
        return []
    if any(_may_reseat(reservation, coupon, now) for coupon in reservation.open_coupons):
        actions.append("changeSeats")
    if any(_may_rename(reservation, one.id, now) for one in reservation.passengers):
        actions.append("correctNames")
    if disrupted:
        actions.append("rebook")
    return actions


def _may_reseat(reservation: ReservationDetail, coupon: CouponDetail, now: datetime) -> bool:
    """Say whether a coupon has a seat with a name, on a departure that is still to leave."""
    ticket = reservation.tickets[coupon.ticket_id]
    has_name = any(place.seat for place in coupon.seats)
    return has_name and ticket.departure_state == "scheduled" and ticket.leaves_at > now


def _may_rename(reservation: ReservationDetail, passenger_id: int, now: datetime) -> bool:
    """Say whether all that a passenger travels on is still ahead."""
    own = [
        one
        for one in reservation.coupons
        if one.passenger_id == passenger_id and one.state != Coupon.State.CANCELLED
    ]
    return bool(own) and all(
        one.state == Coupon.State.OPEN and reservation.tickets[one.ticket_id].leaves_at > now
        for one in own
    )


def payments_of(reservation_ids: Iterable[int]) -> dict[int, list[PaymentDetail]]:
    """Answer the attempts of each reservation, the oldest first, with their refunds."""
    found: dict[int, list[PaymentDetail]] = {}
    for payment in _read(Payment.objects.filter(reservation_id__in=list(reservation_ids))):
        found.setdefault(payment.reservation_id, []).append(payment)
    return found


def get_payment(payment_id: int) -> PaymentDetail:
    """Answer one attempt; the caller may see its reservation already."""
    return _read(Payment.objects.filter(id=payment_id))[0]


def get_invoice(payment_id: int) -> InvoiceDetail | None:
    """Answer what an attempt asks for in a cryptocurrency, if it does; the caller may see it."""
    row = CryptoInvoice.objects.filter(payment_id=payment_id).first()
    if row is None:
        return None
    return InvoiceDetail(
        asset=row.asset,
        address=row.address,
        amount=_coins(row.amount),
        received=_coins(row.received),
        confirmations=row.confirmations,
        confirmations_needed=row.confirmations_needed,
        expires_at=row.expires_at,
    )


def _coins(amount: Decimal) -> str:
    """Write an amount of a cryptocurrency without the zeros at its end."""
    return f"{amount.normalize():f}"


def get_payments(payment_ids: Iterable[int]) -> dict[int, PaymentDetail]:
    """Answer attempts by id; the caller may see their reservations already."""
    return {one.id: one for one in _read(Payment.objects.filter(id__in=list(payment_ids)))}


def list_purchases(
    *, viewer: Viewer, now: datetime, when: str | None = None, offset: int = 0, limit: int = 20
) -> tuple[int, list[Purchase]]:
    """
    Answer how many coupons the viewer has paid for, and a page of them by departure.

    `upcoming` have not left, `past` have, `cancelled` were paid and cancelled afterwards; without a
    word all of them, the nearest departure first among those to come.
    """
    rows = _purchased(viewer, now, when)
    backwards = when in ("past", "cancelled")
    leaves = F("ticket__from_call__departs_at")
    page = list(
        rows.order_by(leaves.desc() if backwards else leaves.asc(), "id").values_list(
            "id", "passenger__reservation_id"
        )[offset : offset + limit]
    )
    reservations = {
        one.id: one
        for one in bookings.load(
            list(Reservation.objects.filter(id__in={row[1] for row in page})), now=now
        )
    }
    return rows.count(), [
        Purchase(
            reservations[reservation_id],
            next(one for one in reservations[reservation_id].coupons if one.id == coupon_id),
        )
        for coupon_id, reservation_id in page
    ]


def _purchased(viewer: Viewer, now: datetime, when: str | None) -> QuerySet[Coupon]:
    cancelled = Exists(CancelledCoupon.objects.filter(coupon_id=OuterRef("id")))
    rows = Coupon.objects.filter(
        passenger__reservation__in=bookings.visible_to(viewer).filter(user__isnull=False)
    )
    bought = Q(passenger__reservation__state=Reservation.State.PAID) & ~Q(
        state=Coupon.State.CANCELLED
    )
    if when == "cancelled":
        return rows.filter(cancelled)
    if when == "upcoming":
        return rows.filter(bought, ticket__from_call__departs_at__gt=now)
    if when == "past":
        return rows.filter(bought, ticket__from_call__departs_at__lte=now)
    return rows.filter(bought | cancelled)


def refunded_at(coupon_id: int) -> datetime | None:
    """Answer when money of a cancelled coupon went back, if some did; the caller may see it."""
    return (
        Refund.objects.filter(
            state=Refund.State.DONE,
            cancellation__coupons__coupon_id=coupon_id,
            cancellation__coupons__refund_minor__gt=0,
        )
        .order_by("-done_at")
        .values_list("done_at", flat=True)
        .first()
    )


def balances(user_id: int) -> list[Money]:
    """Answer what the user's wallets hold, one amount a currency, by code."""
    return [
        Money(minor, currency)
        for currency, minor in Account.objects.filter(kind=Account.Kind.WALLET, user_id=user_id)
        .order_by("currency_id")
        .values_list("currency_id", "balance_minor")
    ]


def balance(user_id: int, currency: str) -> Money:
    """Answer what the user's wallet holds in a currency; nothing where it was never opened."""
    minor = (
        Account.objects.filter(kind=Account.Kind.WALLET, user_id=user_id, currency_id=currency)
        .values_list("balance_minor", flat=True)
        .first()
    )
    return Money(minor or 0, currency)


def statement(*, user_id: int, offset: int = 0, limit: int = 20) -> tuple[int, list[StatementLine]]:
    """Answer how many moves the user's wallets had, and a page of them, the newest first."""
    rows = Entry.objects.filter(account__kind=Account.Kind.WALLET, account__user_id=user_id)
    return rows.aggregate(n=Count("id"))["n"], [
        StatementLine(at, kind, memo, Money(minor, currency))
        for at, kind, memo, minor, currency in rows.order_by("-id").values_list(
            "transfer__at",
            "transfer__kind",
            "transfer__memo",
            "amount_minor",
            "account__currency_id",
        )[offset : offset + limit]
    ]


@dataclass(frozen=True, slots=True)
class OpenDifference:
    """What a provider's statement and the ledger do not agree on; None: no move there."""

    id: int
    reference: str
    ledger: Money | None
    provider: Money | None


def open_differences(*, gateway: str, limit: int) -> list[OpenDifference]:
    """Answer the differences with a gateway that nobody has closed, the oldest first."""
    rows = Difference.objects.filter(closed_at=None, first_run__gateway=gateway).order_by("id")
    return [
        OpenDifference(
            row.id,
            row.reference,
            _money(row.ledger_minor, row.ledger_currency_id),
            _money(row.provider_minor, row.provider_currency_id),
        )
        for row in rows[:limit]
    ]


def _money(minor: int | None, currency: str | None) -> Money | None:
    return None if minor is None or currency is None else Money(minor, currency)


def _read(rows: QuerySet[Payment]) -> list[PaymentDetail]:
    """Read payments with their refunds in one statement, by reservation and age."""
    columns: Iterable[tuple[Any, ...]] = rows.order_by(
        "reservation_id", "id", "refunds__id"
    ).values_list(
        "id",
        "reservation_id",
        "method",
        "state",
        "amount_minor",
        "currency_id",
        "failure",
        "created_at",
        "finished_at",
        "refunds__id",
        "refunds__amount_minor",
        "refunds__state",
        "refunds__destination",
        "refunds__cause",
        "refunds__created_at",
        "refunds__done_at",
    )
    found: dict[int, PaymentDetail] = {}
    for payment_id, *rest in columns:
        reservation_id, method, state, minor, currency, failure, created, finished, *refund = rest
        payment = found.setdefault(
            payment_id,
            PaymentDetail(
                payment_id,
                reservation_id,
                method,
                state,
                Money(minor, currency),
                failure,
                created,
                finished,
                refunds=[],
            ),
        )
        refund_id, refund_minor, *story = refund
        # What was rejected moves no money: staff read of it in the admin.
        if refund_id is not None and story[0] != Refund.State.REJECTED:
            payment.refunds.append(RefundDetail(refund_id, Money(refund_minor, currency), *story))
    return list(found.values())
