"""
Webhooks: what providers tell by themselves, kept as it came, and worked on as a job.

The door checks signature and age and writes one row for each event, however often it comes. The
job does the rest, in one transaction with the mark that it is done. Events come in any order, early
or late, so each is worth what it says and no more: settling knows what to make of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from payments import gateways
from payments.errors import InvalidSignature
from payments.gateways.contract import About, Answer, Event, Forged, GatewayReply
from payments.models import MoneyAlarm, Payment, Refund, TopUp, WebhookEvent
from payments.services.alarms import raise_alarm
from payments.services.asking import take
from payments.services.refunds import book_reply
from payments.services.settling import settle_attempt
from payments.services.wallet import settle_top_up
from travel.common.errors import NotFound
from travel.common.money import Money
from travel.common.transactions import in_transaction

State = WebhookEvent.State
Alarm = MoneyAlarm.Kind
# What of a request's headers is kept beside its body: nothing that lets anybody in.
KEPT_HEADERS = ("content-type", "user-agent", "x-request-id")
BIGGEST = 256 * 1024
FIRST_PAUSE = timedelta(seconds=10)
LONGEST_PAUSE = timedelta(hours=1)
MOST_TRIES = 40


def receive(*, gateway: str, body: bytes, headers: Mapping[str, str], now: datetime) -> None:
    """
    Keep an event for the job; one that is known already changes nothing.

    :raises NotFound: there is no such gateway.
    :raises InvalidSignature: it is not the provider's, too old, or cannot be read.
    """
    try:
        speaker = gateways.get(gateway)
    except KeyError as error:
        raise NotFound() from error
    try:
        event = speaker.read_event(body, headers, now=now)
        text = body.decode("utf-8")
    except (Forged, UnicodeDecodeError) as error:
        raise InvalidSignature() from error
    if not event.id or len(body) > BIGGEST or "\0" in text:
        raise InvalidSignature()
    _keep(gateway, event, text, headers, now)


@in_transaction
def _keep(gateway: str, event: Event, text: str, headers: Mapping[str, str], now: datetime) -> None:
    WebhookEvent.objects.bulk_create(
        [
            WebhookEvent(
                gateway=gateway,
                event_id=event.id,
                kind=event.kind,
                body=text,
                headers={name: headers[name][:200] for name in KEPT_HEADERS if name in headers},
                occurred_at=event.occurred_at,
                received_at=now,
                due_at=now,
            )
        ],
        ignore_conflicts=True,
    )


def due_events(*, now: datetime, limit: int) -> list[int]:
    """Answer the events that wait to be worked on, the longest due first."""
    return list(
        WebhookEvent.objects.filter(state=State.STORED, due_at__lte=now)
        .order_by("due_at", "id")
        .values_list("id", flat=True)[:limit]
    )


def process_event(*, event_id: int, now: datetime) -> str:
    """
    Give an event its effect, once; answer its state afterwards.

    Where it does not say what became of the money the provider is asked, with no transaction open.

    :raises NotFound: there is no such event.
    """
    row = WebhookEvent.objects.filter(id=event_id).first()
    if row is None:
        raise NotFound()
    if row.state != State.STORED:
        return str(row.state)
    try:
        event = gateways.get(row.gateway).parse_event(row.body)
    except Forged as error:
        return _finish(event_id, f"unreadable: {error}", now)
    reply = _learn(row.gateway, event, now)
    if reply is not None and reply.answer is Answer.UNKNOWN:
        return postpone(event_id=event_id, problem="no answer", now=now)
    return _apply(event_id, event, reply, now)


@in_transaction
def postpone(*, event_id: int, problem: str, now: datetime) -> str:
    """Try an event again later; after many tries staff take over."""
    row = WebhookEvent.objects.select_for_update().get(id=event_id)
    if row.state != State.STORED:
        return str(row.state)
    row.attempts += 1
    row.problem = problem[:300]
    row.due_at = now + min(FIRST_PAUSE * 2 ** min(row.attempts, 20), LONGEST_PAUSE)
    if row.attempts >= MOST_TRIES:
        row.state, row.processed_at = State.REFUSED, now
        _alarm(row, Alarm.EVENT_REFUSED, now)
    row.save()
    return str(row.state)


def _learn(gateway: str, event: Event, now: datetime) -> GatewayReply | None:
    """Answer what became of the event's charge: as it says, or as the provider says when asked."""
    if event.about is not About.CHARGE or event.contradiction:
        return event.reply
    asked = gateways.get(gateway)
    reply = event.reply
    if reply is None:
        reply = asked.find(key=event.key, reference=event.reference, now=now)
    amount = _amount_of(gateway, event.key)
    return (
        reply if amount is None else take(asked, key=event.key, amount=amount, reply=reply, now=now)
    )


def _amount_of(gateway: str, key: str) -> Money | None:
    payment = _payment(gateway, key)
    if payment is not None:
        return Money(payment.amount_minor, payment.currency_id)
    row = _top_up(gateway, key)
    return None if row is None else Money(row.amount_minor, row.account.currency_id)


@in_transaction
def _apply(event_id: int, event: Event, reply: GatewayReply | None, now: datetime) -> str:
    row = WebhookEvent.objects.select_for_update().get(id=event_id)
    if row.state != State.STORED:
        return str(row.state)
    problem = _effect(row, event, reply, now)
    _mark(row, problem, now)
    return str(row.state)


@in_transaction
def _finish(event_id: int, problem: str, now: datetime) -> str:
    row = WebhookEvent.objects.select_for_update().get(id=event_id)
    if row.state == State.STORED:
        _mark(row, problem, now)
        _alarm(row, Alarm.EVENT_REFUSED, now)
    return str(row.state)


def _mark(row: WebhookEvent, problem: str, now: datetime) -> None:
    row.state = State.REFUSED if problem else State.DONE
    row.problem, row.processed_at = problem[:300], now
    row.save()


def _effect(row: WebhookEvent, event: Event, reply: GatewayReply | None, now: datetime) -> str:
    """Do what the event asks for; answer why nothing was done, or nothing."""
    if event.about is About.OTHER:
        return ""
    if event.contradiction:
        _alarm(row, Alarm.EVENT_REFUSED, now, {"contradiction": event.contradiction})
        return f"differs: {event.contradiction}"
    if reply is None:
        return "says nothing"
    if event.about is About.REFUND:
        return _effect_on_refund(row, event, reply, now)
    payment = _payment(row.gateway, event.key)
    if payment is not None:
        return _effect_on_payment(row, event, payment, reply, now)
    top_up = _top_up(row.gateway, event.key)
    if top_up is not None:
        row.top_up = top_up
        return settle_top_up(top_up_id=top_up.id, reply=reply, now=now).astray
    if reply.answer is Answer.CAPTURED:
        _alarm(row, Alarm.UNKNOWN_PAYMENT, now, {"key": event.key, "amount": str(reply.amount)})
    return "unknown payment"


def _effect_on_payment(
    row: WebhookEvent, event: Event, payment: Payment, reply: GatewayReply, now: datetime
) -> str:
    row.payment = payment
    told, known = event.reference, payment.provider_reference
    booking_differs = bool(event.booking) and event.booking != payment.reservation.locator
    if booking_differs or (told and known and told != known):
        _alarm(row, Alarm.BOOKING_DIFFERS, now, {"booking": event.booking, "reference": told})
        return Alarm.BOOKING_DIFFERS.value
    return settle_attempt(payment_id=payment.id, reply=reply, now=now).astray


def _effect_on_refund(row: WebhookEvent, event: Event, reply: GatewayReply, now: datetime) -> str:
    number = event.key.removeprefix("refund-")
    refund = (
        Refund.objects.filter(id=int(number), payment__gateway=row.gateway).first()
        if number.isascii() and number.isdigit() and len(number) < 19
        else None
    )
    if refund is None:
        _alarm(row, Alarm.UNKNOWN_PAYMENT, now, {"key": event.key, "amount": str(reply.amount)})
        return "unknown refund"
    row.refund = refund
    asked = Money(refund.amount_minor, refund.payment.currency_id)
    if reply.answer is Answer.DONE and reply.amount not in (None, asked):
        _alarm(row, Alarm.AMOUNT_DIFFERS, now, {"asked": str(asked), "told": str(reply.amount)})
        return Alarm.AMOUNT_DIFFERS.value
    book_reply(refund_id=refund.id, reply=reply, now=now)
    return ""


def _payment(gateway: str, key: str) -> Payment | None:
    return (
        Payment.objects.select_related("reservation")
        .filter(gateway=gateway, gateway_reference=key)
        .first()
    )


def _top_up(gateway: str, key: str) -> TopUp | None:
    return (
        TopUp.objects.select_related("account")
        .filter(gateway=gateway, gateway_reference=key)
        .first()
    )


def _alarm(
    row: WebhookEvent, kind: str, now: datetime, details: dict[str, object] | None = None
) -> None:
    raise_alarm(
        kind=kind,
        reference=f"event:{row.id}:{kind}",
        event_id=row.id,
        payment_id=row.payment_id,
        refund_id=row.refund_id,
        details=details,
        now=now,
    )
