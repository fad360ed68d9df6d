"""
What a provider says became of an attempt, booked once, whenever and however often it is told.

A capture of the price buys what is held. Whatever else was captured goes back by itself: what came
too late, twice, or beyond the price; and what contradicts what was asked for moves nothing, and
staff are told.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from accounts.viewers import Viewer
from bookings import selectors as bookings
from bookings import services as booking
from bookings.engine.contract import Actor
from bookings.errors import (
    AlreadyCancelled,
    AlreadyPaid,
    DepartureClosed,
    HoldExpired,
    SeatTaken,
    SoldOut,
)
from bookings.models import ReservationEvent
from bookings.selectors import ReservationDetail
from payments import ledger, notifications
from payments.gateways.contract import Answer, GatewayReply, Invoice
from payments.ledger import Side
from payments.models import CryptoInvoice, MoneyAlarm, Payment, Refund, Transfer
from payments.services import sales
from payments.services.alarms import raise_alarm
from payments.services.refunds import queue_refund
from travel.common.errors import NotFound
from travel.common.money import Money
from travel.common.transactions import in_transaction

State = Payment.State
Alarm = MoneyAlarm.Kind
OPEN = (State.STARTED, State.PENDING)
# After so long an attempt whose answer never came is asked about for the first time.
ASK_AFTER = timedelta(seconds=30)
# Then it is asked about each minute, later less often the older it is.
SHORTEST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=6)
# No call takes so long: what a provider does not know by then has got lost, and may be tried again.
SURELY_LOST = timedelta(minutes=1)
# A provider that does not know a charge by then will never know it.
NEVER_ARRIVED = timedelta(minutes=10)
# After so long nobody asks any more, and staff are told.
STOP_ASKING = timedelta(days=30)

Refused = HoldExpired | AlreadyPaid | AlreadyCancelled


@dataclass(frozen=True, slots=True)
class Paid:
    """
    What became of paying: the attempt, its state, and the provider's page where one is needed.

    `astray` names what the provider told and the office did not believe.
    """

    payment_id: int
    state: str
    redirect_url: str = ""
    failure: str = ""
    astray: str = ""

    @property
    def is_captured(self) -> bool:
        return self.state == State.CAPTURED


@in_transaction
def settle_attempt(*, payment_id: int, reply: GatewayReply, now: datetime) -> Paid:
    """
    Book a provider's answer to an attempt, once, whenever it comes.

    A capture pays the reservation if its hold still lives, or if its seats can be had again. If
    not, or if something else paid it, the money is given back in full, by itself.

    :raises NotFound: there is no such attempt.
    """
    payment = Payment.objects.filter(id=payment_id).first()
    if payment is None:
        raise NotFound()
    # The lock order: what confirming locks comes before the payment.
    reservation = bookings.get_reservation(
        viewer=Viewer(is_support=True), reservation_id=payment.reservation_id, now=now
    )
    if reply.answer is Answer.CAPTURED:
        return _capture(payment, reservation, reply, now)
    payment = Payment.objects.select_for_update().get(id=payment_id)
    if payment.state == State.CAPTURED:
        return Paid(payment.id, payment.state)
    _keep_reference(payment, reply, now)
    never = reply.answer is Answer.NOT_FOUND and now - payment.created_at > NEVER_ARRIVED
    if reply.answer is Answer.DECLINED or never:
        return _end(payment, reply.reason or ("never_arrived" if never else "declined"), now)
    if payment.state in OPEN:
        return _wait(payment, reservation, reply, now)
    if payment.state == State.VOIDED:
        ask_again(payment, now)
    return Paid(payment.id, payment.state, failure=payment.failure)


def ask_again(payment: Payment, now: datetime) -> None:
    """Say when a locked attempt without the provider's last word is asked about next."""
    age = now - payment.created_at
    payment.asked = min(payment.asked + 1, 32_767)
    shortest = ASK_AFTER if age < ASK_AFTER else SHORTEST_PAUSE
    payment.check_at = now + max(shortest, min(age / 8, LONGEST_PAUSE))
    if age > STOP_ASKING:
        payment.check_at = None
        raise_alarm(
            kind=Alarm.NO_ANSWER,
            reference=f"payment:{payment.id}:no_answer",
            payment_id=payment.id,
            now=now,
        )
    payment.save(update_fields=["asked", "check_at"])


def void(payment: Payment, failure: str, now: datetime) -> None:
    """Give up a locked attempt; the provider is asked about it until its last word."""
    payment.state, payment.failure, payment.finished_at = State.VOIDED, failure, now
    payment.save(update_fields=["state", "failure", "finished_at"])
    ask_again(payment, now)


def book_sale(
    payment: Payment, reservation: ReservationDetail, source: ledger.Account, now: datetime
) -> None:
    """Move the price from where it was taken to carriers and fees; write the receipt."""
    sales.book_sale(payment=payment, reservation=reservation, source=source, now=now)


def void_others(payment: Payment, now: datetime) -> None:
    """Give up the other attempts of a reservation that is paid."""
    Payment.objects.filter(
        ~Q(id=payment.id), reservation_id=payment.reservation_id, state__in=OPEN
    ).update(
        state=State.VOIDED,
        finished_at=now,
        failure="paid_otherwise",
        check_at=now + SHORTEST_PAUSE,
    )


def tell(reservation_id: int, kind: str, payment: Payment, now: datetime, reason: str = "") -> None:
    """Write into a reservation's story what became of an attempt."""
    booking.note(
        reservation_id=reservation_id,
        kind=kind,
        reason=reason,
        details={"payment": payment.id, "method": payment.method},
        now=now,
    )


# --- not captured ---------------------------------------------------------------------------------


def _wait(
    payment: Payment, reservation: ReservationDetail, reply: GatewayReply, now: datetime
) -> Paid:
    """The provider waits for the payer, is at it, or has told nothing: leave it open."""
    if reply.answer in (Answer.REDIRECT, Answer.WAITING, Answer.AUTHORISED):
        payment.state = State.PENDING
        payment.save(update_fields=["state"])
    if reply.answer is Answer.REDIRECT and not reservation.is_live_hold:
        void(payment, "hold_expired", now)
        return Paid(payment.id, payment.state, failure=payment.failure)
    if reply.answer is Answer.NOT_FOUND and now - payment.created_at > SURELY_LOST:
        void(payment, "never_arrived", now)
        return Paid(payment.id, payment.state, failure=payment.failure)
    ask_again(payment, now)
    return Paid(payment.id, payment.state, redirect_url=reply.redirect_url)


def _end(payment: Payment, reason: str, now: datetime) -> Paid:
    """The provider has taken nothing, and never will: nobody asks any more."""
    if payment.state in OPEN:
        tell(
            payment.reservation_id, ReservationEvent.Kind.PAYMENT_FAILED, payment, now, reason[:40]
        )
        payment.state, payment.failure, payment.finished_at = State.FAILED, reason[:40], now
    payment.check_at = None
    payment.save(update_fields=["state", "failure", "finished_at", "check_at"])
    return Paid(payment.id, payment.state, failure=payment.failure)


def _keep_reference(payment: Payment, reply: GatewayReply, now: datetime) -> None:
    if reply.reference and not payment.provider_reference:
        payment.provider_reference = reply.reference[:120]
        payment.save(update_fields=["provider_reference"])
    if reply.invoice is not None:
        _keep_invoice(payment, reply.invoice, now)


def _keep_invoice(payment: Payment, invoice: Invoice, now: datetime) -> None:
    CryptoInvoice.objects.update_or_create(
        payment=payment,
        defaults={
            "asset": invoice.asset,
            "address": invoice.address,
            "amount": invoice.amount,
            "rate": invoice.rate,
            "received": invoice.received,
            "confirmations": invoice.confirmations,
            "confirmations_needed": invoice.confirmations_needed,
            "expires_at": invoice.expires_at,
            "seen_at": now,
        },
    )


# --- captured -------------------------------------------------------------------------------------


def _capture(
    payment: Payment, reservation: ReservationDetail, reply: GatewayReply, now: datetime
) -> Paid:
    asked = Money(payment.amount_minor, payment.currency_id)
    taken = asked if reply.amount is None else reply.amount
    if astray := _contradiction(asked, taken, counted=reply.counted):
        return _disbelieve(payment.id, astray, asked, taken, now)
    refusal: Refused | None = None
    if payment.state != State.CAPTURED and not taken < asked:
        refusal = _buy(payment, reservation, now)
    payment = Payment.objects.select_for_update().get(id=payment.id)
    if payment.state == State.CAPTURED:
        return Paid(payment.id, payment.state)
    _keep_reference(payment, reply, now)
    bought = refusal is None and not taken < asked
    payment.state, payment.failure = State.CAPTURED, ""
    payment.finished_at, payment.check_at = now, None
    payment.received_minor = taken.minor
    payment.settles_id = reservation.id if bought else None
    payment.save()
    if not bought:
        return _give_back(payment, reservation, taken, refusal, now)
    book_sale(payment, reservation, ledger.gateway(payment.gateway, taken.currency), now)
    if asked < taken:
        _give_back_surplus(payment, taken - asked, now)
    void_others(payment, now)
    return Paid(payment.id, payment.state)


def _contradiction(asked: Money, taken: Money, *, counted: bool) -> str:
    """Name what a capture says other than what was asked for, as nobody could have paid it."""
    if taken.currency != asked.currency:
        return Alarm.CURRENCY_DIFFERS.value
    if taken.minor == asked.minor or (counted and taken.minor > 0):
        return ""
    return Alarm.AMOUNT_DIFFERS.value


def _disbelieve(payment_id: int, astray: str, asked: Money, taken: Money, now: datetime) -> Paid:
    """Move nothing, tell staff, and go on asking."""
    payment = Payment.objects.select_for_update().get(id=payment_id)
    raise_alarm(
        kind=astray,
        reference=f"payment:{payment.id}:{astray}",
        payment_id=payment.id,
        details={"asked": str(asked), "told": str(taken)},
        now=now,
    )
    if payment.state != State.CAPTURED:
        ask_again(payment, now)
    return Paid(payment.id, payment.state, failure=payment.failure, astray=astray)


def _buy(payment: Payment, reservation: ReservationDetail, now: datetime) -> Refused | None:
    """Turn the hold into a sale, or its seats if they can be had again; answer why it cannot be."""
    try:
        if reservation.is_live_hold:
            with transaction.atomic():
                booking.confirm(reservation_id=reservation.id, now=now, actor=Actor("system"))
            return None
    except (AlreadyPaid, AlreadyCancelled) as refusal:
        return refusal
    except HoldExpired:
        # It ended between the reading and the lock.
        pass
    return _buy_again(payment, reservation, now)


def _buy_again(payment: Payment, reservation: ReservationDetail, now: datetime) -> Refused | None:
    try:
        with transaction.atomic():
            booking.reclaim(
                reservation_id=reservation.id, other_seats=payment.seats_may_change, now=now
            )
            booking.confirm(reservation_id=reservation.id, now=now, actor=Actor("system"))
    except (AlreadyPaid, AlreadyCancelled) as refusal:
        return refusal
    except (HoldExpired, SeatTaken, SoldOut, DepartureClosed):
        return HoldExpired()
    return None


def _give_back(
    payment: Payment,
    reservation: ReservationDetail,
    taken: Money,
    refusal: Refused | None,
    now: datetime,
) -> Paid:
    """Book a capture that buys nothing, queue its refund, and tell payer and staff."""
    ledger.post(
        kind=Transfer.Kind.LATE,
        reference=f"payment:{payment.id}:captured",
        sides=[
            Side(ledger.gateway(payment.gateway, taken.currency), -taken),
            Side(ledger.returns(taken.currency), taken),
        ],
        payment_id=payment.id,
        now=now,
    )
    cause, alarm = _why(refusal)
    queue_refund(
        payment=payment,
        amount=taken,
        cause=cause,
        reference=f"payment:{payment.id}:back",
        now=now,
    )
    raise_alarm(
        kind=alarm,
        reference=f"payment:{payment.id}:{alarm}",
        payment_id=payment.id,
        details={"amount": str(taken)},
        now=now,
    )
    notifications.money_back(
        reservation=reservation, payment_id=payment.id, amount=taken, cause=cause, now=now
    )
    failure = refusal.code if refusal else cause
    return Paid(payment.id, payment.state, failure=failure)


def _why(refusal: Refused | None) -> tuple[str, str]:
    """Answer why money goes back, and what staff are told of it."""
    if refusal is None:
        return Refund.Cause.UNDERPAID.value, Alarm.PAID_TOO_LITTLE.value
    if isinstance(refusal, AlreadyPaid):
        return Refund.Cause.DOUBLE_CAPTURE.value, Alarm.PAID_TWICE.value
    return Refund.Cause.LATE_CAPTURE.value, Alarm.PAID_LATE.value


def _give_back_surplus(payment: Payment, surplus: Money, now: datetime) -> None:
    ledger.post(
        kind=Transfer.Kind.SURPLUS,
        reference=f"payment:{payment.id}:surplus",
        sides=[
            Side(ledger.gateway(payment.gateway, surplus.currency), -surplus),
            Side(ledger.returns(surplus.currency), surplus),
        ],
        payment_id=payment.id,
        now=now,
    )
    queue_refund(
        payment=payment,
        amount=surplus,
        cause=Refund.Cause.SURPLUS,
        reference=f"payment:{payment.id}:surplus",
        now=now,
    )
    raise_alarm(
        kind=Alarm.PAID_TOO_MUCH,
        reference=f"payment:{payment.id}:paid_too_much",
        payment_id=payment.id,
        details={"surplus": str(surplus)},
        now=now,
    )
