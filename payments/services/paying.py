"""
Paying a reservation: one row for each attempt, and one capture that settles.

A wallet pays in one transaction. A gateway is called between two: the attempt is committed first,
the answer is booked after, and whatever is cut off in between is asked about by the reconciler.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils.translation import gettext as _

from accounts.viewers import Viewer
from bookings import selectors as bookings
from bookings import services as booking
from bookings.engine.contract import Actor
from bookings.errors import AlreadyCancelled, AlreadyPaid, HoldExpired
from bookings.models import ReservationEvent
from bookings.selectors import ReservationDetail
from payments import gateways, ledger
from payments.errors import PaymentDeclined, UnknownPaymentMethod
from payments.gateways.contract import Answer, GatewayReply
from payments.gateways.sandbox import CRYPTO_TOKEN, DEFAULT_TOKEN, SandboxGateway
from payments.ledger import Side
from payments.models import Method, Payment, Refund, Transfer
from payments.services import sales
from payments.services.refunds import queue_refund
from travel.common.errors import InvalidInput, NotFound, RequestInProgress
from travel.common.money import Money
from travel.common.transactions import in_transaction

State = Payment.State
WALLET = "wallet"
# After so long an attempt whose answer never came is asked about.
ASK_AFTER = timedelta(seconds=30)
# While the first attempt is this young, a second one of the same reservation waits its turn.
IN_FLIGHT = timedelta(seconds=15)
# A provider that does not know a charge by then will never know it.
NEVER_ARRIVED = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Paid:
    """
    What became of paying: the attempt, its state, and the provider's page where one is needed.
    """

    payment_id: int
    state: str
    redirect_url: str = ""
    failure: str = ""

    @property
    def is_captured(self) -> bool:
        return self.state == State.CAPTURED


def pay(
    *, viewer: Viewer, reservation_id: int, method: str, token: str | None, now: datetime
) -> Paid:
    """
    Pay a live hold; it is paid when this answers `captured`.

    A redirect is answered where the payer has to consent on a page of the provider.

    :raises NotFound: the reservation is not the viewer's.
    :raises UnknownPaymentMethod: the office does not take it.
    :raises HoldExpired, AlreadyPaid, AlreadyCancelled: it is no live hold.
    :raises InsufficientFunds: the wallet holds less than the price.
    :raises PaymentDeclined: the provider said no; the hold stays.
    """
    if method not in Method.values:
        raise UnknownPaymentMethod()
    if method == Method.WALLET:
        return _pay_from_wallet(viewer=viewer, reservation_id=reservation_id, now=now)
    story = CRYPTO_TOKEN if method == Method.CRYPTO else (token or DEFAULT_TOKEN)
    attempt = _start(viewer=viewer, reservation_id=reservation_id, method=method, now=now)
    reply = gateways.get(attempt.gateway).charge(
        key=attempt.gateway_reference, amount=attempt.amount, token=story
    )
    paid = settle_attempt(payment_id=attempt.payment_id, reply=reply, now=now)
    if paid.state == State.FAILED:
        raise PaymentDeclined(reason=paid.failure)
    return paid


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
    _book_sale(payment, reservation, source, now)
    return Paid(payment.id, payment.state)


@dataclass(frozen=True, slots=True)
class _Attempt:
    payment_id: int
    gateway: str
    gateway_reference: str
    amount: Money


@in_transaction
def _start(*, viewer: Viewer, reservation_id: int, method: str, now: datetime) -> _Attempt:
    """Write the attempt down and give it five minutes, before anybody is asked for money."""
    reservation = _payable(viewer, reservation_id, now)
    if not booking.lengthen_while_paying(reservation_id=reservation.id, now=now):
        raise HoldExpired()
    in_flight = Payment.objects.filter(
        reservation_id=reservation.id, state=State.STARTED, created_at__gt=now - IN_FLIGHT
    )
    if in_flight.exists():
        raise RequestInProgress(retry_after=5)
    payment = Payment.objects.create(
        reservation_id=reservation.id,
        method=method,
        gateway=SandboxGateway.code,
        currency_id=reservation.currency,
        amount_minor=reservation.price.minor,
        created_at=now,
        check_at=now + ASK_AFTER,
    )
    key = f"payment-{payment.id}"
    Payment.objects.filter(id=payment.id).update(gateway_reference=key)
    _tell(reservation.id, ReservationEvent.Kind.PAYING, payment, now)
    return _Attempt(payment.id, payment.gateway, key, reservation.price)


@in_transaction
def settle_attempt(*, payment_id: int, reply: GatewayReply, now: datetime) -> Paid:
    """
    Book a provider's answer to an attempt, once, whenever it comes.

    A capture pays the reservation if its hold still lives. If it does not, or something else paid
    it, the money is given back in full, by itself.
    """
    known = Payment.objects.filter(id=payment_id).values_list("reservation_id", flat=True).first()
    if known is None:
        raise NotFound()
    # The lock order: what confirming locks comes before the payment.
    reservation = bookings.get_reservation(
        viewer=Viewer(is_support=True), reservation_id=known, now=now
    )
    if reply.answer is Answer.CAPTURED:
        return _capture(payment_id, reservation, now)
    payment = Payment.objects.select_for_update().get(id=payment_id)
    if payment.state not in (State.STARTED, State.PENDING):
        return Paid(payment.id, payment.state, failure=payment.failure)
    if reply.answer is Answer.DECLINED:
        return _fail(payment, reply.reason, now)
    if reply.answer is Answer.NOT_FOUND and now - payment.created_at > NEVER_ARRIVED:
        return _fail(payment, "never_arrived", now)
    payment.state = State.PENDING
    payment.check_at = now + ASK_AFTER
    payment.save(update_fields=["state", "check_at"])
    if reply.answer is Answer.REDIRECT and not reservation.is_live_hold:
        return _finish(payment, State.VOIDED, "hold_expired", now)
    return Paid(payment.id, payment.state, redirect_url=reply.redirect_url)


def answer_sandbox(*, viewer: Viewer, key: str, accepted: bool, now: datetime) -> ReservationDetail:
    """
    Play the payer on the sandbox provider's page, then book what the provider says.

    :raises NotFound: there is no such attempt, or it is not the viewer's.
    """
    payment, reservation = get_attempt(viewer=viewer, key=key, now=now)
    gateway = gateways.get(payment.gateway)
    assert isinstance(gateway, SandboxGateway)
    gateway.answer(key=key, accepted=accepted)
    settle_attempt(payment_id=payment.id, reply=gateway.find(key=key), now=now)
    return reservation


def get_attempt(*, viewer: Viewer, key: str, now: datetime) -> tuple[Payment, ReservationDetail]:
    """Answer an attempt at the sandbox by its key, for whoever may see its reservation."""
    payment = Payment.objects.filter(gateway=SandboxGateway.code, gateway_reference=key).first()
    if payment is None:
        raise NotFound()
    return payment, bookings.get_reservation(
        viewer=viewer, reservation_id=payment.reservation_id, now=now
    )


def due_attempts(*, now: datetime, limit: int) -> list[tuple[int, str, str]]:
    """Answer id, gateway and key of the attempts that a provider has to be asked about."""
    rows = (
        Payment.objects.filter(state__in=[State.STARTED, State.PENDING], check_at__lte=now)
        .exclude(gateway_reference=None)
        .order_by("check_at", "id")
        .values_list("id", "gateway", "gateway_reference")[:limit]
    )
    return [(row_id, gateway, str(key)) for row_id, gateway, key in rows]


def _payable(viewer: Viewer, reservation_id: int, now: datetime) -> ReservationDetail:
    reservation = bookings.get_reservation(viewer=viewer, reservation_id=reservation_id, now=now)
    if not reservation.is_live_hold:
        raise {"Expired": HoldExpired, "Paid": AlreadyPaid, "Cancelled": AlreadyCancelled}[
            reservation.status
        ]()
    return reservation


def _capture(payment_id: int, reservation: ReservationDetail, now: datetime) -> Paid:
    refusal: HoldExpired | AlreadyPaid | AlreadyCancelled | None = None
    settled = Payment.objects.filter(id=payment_id, state=State.CAPTURED).exists()
    if not settled:
        try:
            booking.confirm(reservation_id=reservation.id, now=now, actor=Actor("system"))
        except (HoldExpired, AlreadyPaid, AlreadyCancelled) as error:
            refusal = error
    payment = Payment.objects.select_for_update().get(id=payment_id)
    if payment.state == State.CAPTURED:
        return Paid(payment.id, payment.state)
    payment.state = State.CAPTURED
    payment.finished_at = now
    payment.check_at = None
    payment.failure = ""
    payment.received_minor = payment.amount_minor
    payment.settles_id = None if refusal else reservation.id
    payment.save(
        update_fields=["state", "finished_at", "check_at", "failure", "received_minor", "settles"]
    )
    source = ledger.gateway(payment.gateway, payment.currency_id)
    if refusal is None:
        _book_sale(payment, reservation, source, now)
        _void_others(payment, now)
        return Paid(payment.id, payment.state)
    _give_back(payment, refusal, now)
    return Paid(payment.id, payment.state, failure=refusal.code)


def _book_sale(
    payment: Payment, reservation: ReservationDetail, source: ledger.Account, now: datetime
) -> None:
    """Move the price from where it was taken to carriers and fees."""
    sales.book_sale(payment=payment, reservation=reservation, source=source, now=now)


def _give_back(
    payment: Payment, refusal: HoldExpired | AlreadyPaid | AlreadyCancelled, now: datetime
) -> None:
    """Book a capture that buys nothing, and queue its refund."""
    amount = Money(payment.amount_minor, payment.currency_id)
    ledger.post(
        kind=Transfer.Kind.LATE,
        reference=f"payment:{payment.id}:captured",
        sides=[
            Side(ledger.gateway(payment.gateway, payment.currency_id), -amount),
            Side(ledger.returns(payment.currency_id), amount),
        ],
        payment_id=payment.id,
        now=now,
    )
    queue_refund(
        payment=payment,
        amount=amount,
        cause=(
            Refund.Cause.DOUBLE_CAPTURE
            if isinstance(refusal, AlreadyPaid)
            else Refund.Cause.LATE_CAPTURE
        ),
        reference=f"payment:{payment.id}:back",
        now=now,
    )


def _void_others(payment: Payment, now: datetime) -> None:
    Payment.objects.filter(
        ~Q(id=payment.id),
        reservation_id=payment.reservation_id,
        state__in=[State.STARTED, State.PENDING],
    ).update(state=State.VOIDED, finished_at=now, failure="paid_otherwise")


def _fail(payment: Payment, reason: str, now: datetime) -> Paid:
    _tell(payment.reservation_id, ReservationEvent.Kind.PAYMENT_FAILED, payment, now, reason)
    return _finish(payment, State.FAILED, reason, now)


def _finish(payment: Payment, state: str, failure: str, now: datetime) -> Paid:
    payment.state = state
    payment.failure = failure
    payment.finished_at = now
    payment.check_at = None
    payment.save(update_fields=["state", "failure", "finished_at", "check_at"])
    return Paid(payment.id, payment.state, failure=failure)


def _tell(
    reservation_id: int, kind: str, payment: Payment, now: datetime, reason: str = ""
) -> None:
    booking.note(
        reservation_id=reservation_id,
        kind=kind,
        reason=reason,
        details={"payment": payment.id, "method": payment.method},
        now=now,
    )
