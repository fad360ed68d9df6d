"""
Paying a reservation: one row for each attempt, and one capture that settles.

A wallet pays in one transaction. A gateway is called between two: the attempt is committed first,
the answer is booked after (settling), and whatever is cut off in between is asked about (asking).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.utils.translation import gettext as _

from accounts.viewers import Viewer
from bookings import selectors as bookings
from bookings import services as booking
from bookings.engine.contract import Actor
from bookings.errors import AlreadyCancelled, AlreadyPaid, HoldExpired
from bookings.models import ReservationEvent
from bookings.selectors import ReservationDetail
from payments import gateways, ledger
from payments.errors import PaymentDeclined, PaymentLocked, UnknownPaymentMethod
from payments.gateways.careful import CarefulGateway
from payments.gateways.contract import Order
from payments.gateways.sandbox import CRYPTO_TOKEN, DEFAULT_TOKEN
from payments.models import Method, Payment
from payments.services.asking import clear_the_way, take
from payments.services.settling import (
    ASK_AFTER,
    Paid,
    book_sale,
    settle_attempt,
    tell,
    void_others,
)
from travel.common.errors import InvalidInput, NotFound, RequestInProgress
from travel.common.money import Money
from travel.common.text import has_card_number
from travel.common.transactions import in_transaction

State = Payment.State
WALLET = "wallet"
# While the first attempt is this young, a second one of the same reservation waits its turn. It is
# longer than any call to a gateway takes.
IN_FLIGHT = timedelta(seconds=15)


def pay(
    *,
    viewer: Viewer,
    reservation_id: int,
    method: str,
    token: str | None,
    now: datetime,
    seats_may_change: bool = False,
) -> Paid:
    """
    Pay a live hold; it is paid when this answers `captured`.

    A redirect is answered where the payer has to consent on a page of the provider. With
    `seats_may_change` the payer takes other seats of the same class, should the hold run out before
    the money comes.

    :raises PaymentLocked: staff look with the viewer's eyes.
    :raises NotFound: the reservation is not the viewer's.
    :raises UnknownPaymentMethod: the office does not take it.
    :raises HoldExpired, AlreadyPaid, AlreadyCancelled: it is no live hold.
    :raises RequestInProgress: an earlier attempt may still charge the payer.
    :raises InsufficientFunds: the wallet holds less than the price.
    :raises PaymentDeclined: the provider said no; the hold stays.
    :raises InvalidInput: the token is the number of a card, which nobody may send here.
    """
    refuse_staff(viewer)
    if method not in Method.values:
        raise UnknownPaymentMethod()
    if method == Method.WALLET:
        return _pay_from_wallet(viewer=viewer, reservation_id=reservation_id, now=now)
    gateway = gateways.for_method(method)
    refuse_card_number(token)
    _payable(viewer, reservation_id, now)
    clear_the_way(reservation_id=reservation_id, young_since=now - IN_FLIGHT, now=now)
    attempt = _start(
        viewer=viewer,
        reservation_id=reservation_id,
        method=method,
        gateway=gateway,
        seats_may_change=seats_may_change,
        now=now,
    )
    order = Order(
        key=attempt.key,
        amount=attempt.amount,
        token=CRYPTO_TOKEN if method == Method.CRYPTO else (token or DEFAULT_TOKEN),
        purpose=_("Booking %(locator)s") % {"locator": attempt.locator},
        booking=attempt.locator,
        return_url=return_url(attempt.key),
        expires_at=now + settings.PAY_WITHIN,
    )
    reply = gateway.start(order, now=now)
    reply = take(gateway, key=attempt.key, amount=attempt.amount, reply=reply, now=now)
    paid = settle_attempt(payment_id=attempt.payment_id, reply=reply, now=now)
    if paid.state == State.FAILED:
        raise PaymentDeclined(reason=paid.failure)
    return paid


def refuse_staff(viewer: Viewer) -> None:
    """
    Let nobody pay in a traveller's place, whichever door they came by.

    :raises PaymentLocked: a member of staff looks with the viewer's eyes.
    """
    if viewer.served_by is not None:
        raise PaymentLocked()


def refuse_card_number(token: str | None) -> None:
    """
    Let nobody send the number of a card; it goes from the payer to the provider only.

    :raises InvalidInput: the text holds one.
    """
    if token and has_card_number(token):
        raise InvalidInput(errors={"paymentToken": [_("Never write the number of a card here.")]})


def return_url(key: str) -> str:
    """Answer where a payer comes back to from a page of the provider."""
    return f"{settings.SITE_URL}/pay/return/{key}/"


@in_transaction
def _pay_from_wallet(*, viewer: Viewer, reservation_id: int, now: datetime) -> Paid:
    if viewer.user_id is None:
        raise InvalidInput(errors={"paymentMethod": [_("Only an account has a wallet.")]})
    reservation = _payable(viewer, reservation_id, now)
    if reservation.user_id != viewer.user_id:
        # What is paid from a wallet goes back to it, and only the holder's is known then.
        raise InvalidInput(
            errors={"paymentMethod": [_("Only the account that reserved pays from its wallet.")]}
        )
    booking.confirm(reservation_id=reservation.id, now=now, actor=Actor("holder", viewer.user_id))
    # The reservation is locked now, so no attempt begins meanwhile.
    _refuse_while_unknown(reservation.id)
    payment = Payment.objects.create(
        reservation_id=reservation.id,
        settles_id=reservation.id,
        method=Method.WALLET,
        gateway=WALLET,
        state=State.CAPTURED,
        currency_id=reservation.currency,
        amount_minor=reservation.price.minor,
        received_minor=reservation.price.minor,
        created_at=now,
        finished_at=now,
    )
    source = ledger.wallet(viewer.user_id, reservation.currency)
    book_sale(payment, reservation, source, now)
    void_others(payment, now)
    return Paid(payment.id, payment.state)


@dataclass(frozen=True, slots=True)
class _Attempt:
    payment_id: int
    key: str
    amount: Money
    locator: str


@in_transaction
def _start(
    *,
    viewer: Viewer,
    reservation_id: int,
    method: str,
    gateway: CarefulGateway,
    seats_may_change: bool,
    now: datetime,
) -> _Attempt:
    """Write the attempt down and give it five minutes, before anybody is asked for money."""
    reservation = _payable(viewer, reservation_id, now)
    if not booking.lengthen_while_paying(reservation_id=reservation.id, now=now):
        raise HoldExpired()
    _refuse_while_unknown(reservation.id)
    payment = Payment.objects.create(
        reservation_id=reservation.id,
        method=method,
        gateway=gateway.code,
        gateway_version=gateway.version,
        currency_id=reservation.currency,
        amount_minor=reservation.price.minor,
        seats_may_change=seats_may_change,
        created_at=now,
        check_at=now + ASK_AFTER,
    )
    key = f"payment-{payment.id}"
    Payment.objects.filter(id=payment.id).update(gateway_reference=key)
    tell(reservation.id, ReservationEvent.Kind.PAYING, payment, now)
    return _Attempt(payment.id, key, reservation.price, reservation.locator)


def _refuse_while_unknown(reservation_id: int) -> None:
    """Begin nothing while an attempt may be charging the payer: nobody is charged twice."""
    if Payment.objects.filter(reservation_id=reservation_id, state=State.STARTED).exists():
        raise RequestInProgress(retry_after=5)


def get_attempt(*, viewer: Viewer, key: str, now: datetime) -> tuple[Payment, ReservationDetail]:
    """
    Answer an attempt by its key, for whoever may see its reservation.

    :raises NotFound: there is no such attempt, or it is not the viewer's.
    """
    payment = Payment.objects.filter(gateway_reference=key).order_by("id").first()
    if payment is None:
        raise NotFound()
    return payment, bookings.get_reservation(
        viewer=viewer, reservation_id=payment.reservation_id, now=now
    )


def _payable(viewer: Viewer, reservation_id: int, now: datetime) -> ReservationDetail:
    reservation = bookings.get_reservation(viewer=viewer, reservation_id=reservation_id, now=now)
    if not reservation.is_live_hold:
        raise {"Expired": HoldExpired, "Paid": AlreadyPaid, "Cancelled": AlreadyCancelled}[
            reservation.status
        ]()
    return reservation
