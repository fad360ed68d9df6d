"""What the worker does for money when it is told to look."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import structlog
from celery import shared_task

from bookings.documents.letters import DRESSERS
from payments.services.asking import ask_attempt, ask_top_up, due_attempts, due_top_ups
from payments.services.called_off import due_departures, note_called_off
from payments.services.called_off import refund_called_off as give_back_called_off
from payments.services.reconciling import gateways_in_use, nightly, reconcile
from payments.services.refunds import due_refunds, push_refund
from payments.services.sandbox import deliver_due
from payments.services.webhooks import due_events, postpone, process_event
from travel.common import clock, outbox

BATCH = 100
log = structlog.get_logger("payments")


@shared_task
def settle_due() -> int:
    """
    Ask providers about attempts whose last word never came, and push the refunds that are due.

    Each stands in a transaction of its own; one that fails is logged and does not stop the others.
    """
    now = clock.now()
    return (
        _each(
            "ask_attempt",
            due_attempts(now=now, limit=BATCH),
            lambda one: ask_attempt(payment_id=one, now=clock.now()),
        )
        + _each(
            "ask_top_up",
            due_top_ups(now=now, limit=BATCH),
            lambda one: ask_top_up(top_up_id=one, now=clock.now()),
        )
        + _each(
            "push_refund",
            due_refunds(now=clock.now(), limit=BATCH),
            lambda one: push_refund(refund_id=one, now=clock.now()),
        )
    )


@shared_task
def hear_webhooks() -> int:
    """Carry the sandbox's webhooks, and give the events that have come their effect."""
    deliver_due(now=clock.now(), limit=BATCH)
    done = 0
    for event_id in due_events(now=clock.now(), limit=BATCH):
        try:
            process_event(event_id=event_id, now=clock.now())
        except Exception as error:
            log.exception("webhook_failed", id=event_id)
            postpone(event_id=event_id, problem=type(error).__name__, now=clock.now())
        else:
            done += 1
    return done


@shared_task
def refund_called_off() -> int:
    """Note departures that carriers have cancelled, and give back what nobody chose in time."""
    note_called_off(now=clock.now(), limit=BATCH)
    return _each(
        "refund_called_off",
        due_departures(now=clock.now(), limit=BATCH),
        lambda one: give_back_called_off(departure_id=one, now=clock.now()),
    )


@shared_task
def reconcile_nightly() -> int:
    """Compare the last days of each provider's statement with the ledger; answer how many."""
    since, until = nightly(now=clock.now())
    done = 0
    for gateway in gateways_in_use():
        compared = reconcile(gateway=gateway, since=since, until=until, now=clock.now())
        if compared.problem or compared.still_open:
            log.error("reconciling_differs", gateway=gateway, open=compared.still_open)
        done += 1
    return done


@shared_task
def send_messages() -> int:
    """Deliver the messages about money that are due."""
    return outbox.deliver_due(prefix="payments.", now=clock.now(), dressers=DRESSERS)


def _each(what: str, ids: Iterable[int], act: Callable[[int], object]) -> int:
    """Do the same for each; answer how many did not fail."""
    done = 0
    for one in ids:
        try:
            act(one)
        except Exception:
            log.exception("job_failed", what=what, id=one)
        else:
            done += 1
    return done
