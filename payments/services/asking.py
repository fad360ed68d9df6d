"""
Asking providers what became of attempts and top-ups whose last word is not known.

It is the only way by which an unknown outcome becomes a known one, apart from what providers tell
by themselves. No transaction is open while a provider is asked.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from django.db.models import Q

from payments import gateways
from payments.errors import NothingToBelieve
from payments.gateways.careful import CarefulGateway
from payments.gateways.contract import Answer, GatewayReply
from payments.models import Payment, TopUp
from payments.services.settling import OPEN, Paid, settle_attempt, void
from payments.services.wallet import ToppedUp, settle_top_up
from travel.common.errors import NotFound, RequestInProgress
from travel.common.money import Money
from travel.common.transactions import in_transaction

State = Payment.State
# No attempt has more than a few brothers; the bound is for the loop.
MOST_ATTEMPTS = 20


def take(
    gateway: CarefulGateway, *, key: str, amount: Money, reply: GatewayReply, now: datetime
) -> GatewayReply:
    """Take what a provider has only set aside; any other answer stays as it is."""
    if reply.answer is not Answer.AUTHORISED:
        return reply
    return gateway.capture(key=key, reference=reply.reference, amount=amount, now=now)


def ask_attempt(*, payment_id: int, now: datetime) -> Paid:
    """
    Ask the provider what became of an attempt, and book what it answers.

    :raises NotFound: there is no such attempt.
    """
    payment = _attempt(payment_id)
    return settle_attempt(payment_id=payment_id, reply=_ask(payment, now), now=now)


def believe_attempt(*, payment_id: int, now: datetime) -> Paid:
    """
    Ask the provider once more, and believe the amount that it tells: staff have looked.

    The price buys, what is beyond it goes back; less than the price goes back as a whole.

    :raises NotFound: there is no such attempt.
    :raises NothingToBelieve: the provider has not captured anything in the attempt's currency.
    """
    payment = _attempt(payment_id)
    reply = _ask(payment, now)
    told = reply.amount
    if reply.answer is not Answer.CAPTURED or told is None or told.currency != payment.currency_id:
        raise NothingToBelieve()
    return settle_attempt(payment_id=payment_id, reply=replace(reply, counted=True), now=now)


def clear_the_way(*, reservation_id: int, young_since: datetime, now: datetime) -> None:
    """
    See that no earlier attempt of a reservation may still charge the payer unknown to the office.

    Each attempt of which the provider has told nothing is asked about first. One that the provider
    never heard of is given up.

    :raises RequestInProgress: an attempt is still under way, or its provider does not answer.
    """
    unknown = Payment.objects.filter(reservation_id=reservation_id, state=State.STARTED)
    for payment in unknown.order_by("id")[:MOST_ATTEMPTS]:
        if payment.created_at > young_since:
            raise RequestInProgress(retry_after=5)
        reply = _ask(payment, now)
        paid = settle_attempt(payment_id=payment.id, reply=reply, now=now)
        if paid.state != State.STARTED:
            continue
        if reply.answer is not Answer.NOT_FOUND:
            raise RequestInProgress(retry_after=30)
        _give_up(payment.id, now)


def due_attempts(*, now: datetime, limit: int) -> list[int]:
    """Answer the attempts that a provider has to be asked about, the longest due first."""
    waiting = Q(state__in=[*OPEN, State.VOIDED])
    rows = Payment.objects.filter(waiting, check_at__lte=now).exclude(gateway_reference=None)
    return list(rows.order_by("check_at", "id").values_list("id", flat=True)[:limit])


def ask_top_up(*, top_up_id: int, now: datetime) -> ToppedUp:
    """
    Ask the provider what became of a top-up, and book what it answers.

    :raises NotFound: there is no such top-up.
    """
    row = TopUp.objects.select_related("account").filter(id=top_up_id).first()
    if row is None:
        raise NotFound()
    gateway = gateways.get(row.gateway)
    key = row.gateway_reference or ""
    reply = gateway.find(key=key, reference=row.provider_reference or "", now=now)
    amount = Money(row.amount_minor, row.account.currency_id)
    reply = take(gateway, key=key, amount=amount, reply=reply, now=now)
    return settle_top_up(top_up_id=top_up_id, reply=reply, now=now)


def due_top_ups(*, now: datetime, limit: int) -> list[int]:
    """Answer the top-ups that a provider has to be asked about, the longest due first."""
    rows = TopUp.objects.filter(state=TopUp.State.STARTED, check_at__lte=now)
    return list(
        rows.exclude(gateway_reference=None)
        .order_by("check_at", "id")
        .values_list("id", flat=True)[:limit]
    )


def _attempt(payment_id: int) -> Payment:
    payment = Payment.objects.filter(id=payment_id).first()
    if payment is None:
        raise NotFound()
    return payment


def _ask(payment: Payment, now: datetime) -> GatewayReply:
    gateway = gateways.get(payment.gateway)
    key = payment.gateway_reference or ""
    reply = gateway.find(key=key, reference=payment.provider_reference or "", now=now)
    amount = Money(payment.amount_minor, payment.currency_id)
    return take(gateway, key=key, amount=amount, reply=reply, now=now)


@in_transaction
def _give_up(payment_id: int, now: datetime) -> None:
    payment = Payment.objects.select_for_update().get(id=payment_id)
    if payment.state == State.STARTED:
        void(payment, "never_arrived", now)
