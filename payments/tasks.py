"""What the worker does for money when it is told to look."""

from __future__ import annotations

import structlog
from celery import shared_task

from payments import gateways
from payments.services.paying import due_attempts, settle_attempt
from payments.services.refunds import due_refunds, push_refund
from payments.services.wallet import due_top_ups, settle_top_up
from travel.common import clock, outbox

BATCH = 100
log = structlog.get_logger("payments")


@shared_task
def settle_due() -> int:
    """
    Ask providers about attempts whose answer never came, and push the refunds that are due.

    Each stands in a transaction of its own; one that fails is logged and does not stop the others.
    """
    done = 0
    for payment_id, gateway, key in due_attempts(now=clock.now(), limit=BATCH):
        reply = gateways.get(gateway).find(key=key)
        settle_attempt(payment_id=payment_id, reply=reply, now=clock.now())
        done += 1
    for top_up_id, gateway, key in due_top_ups(now=clock.now(), limit=BATCH):
        reply = gateways.get(gateway).find(key=key)
        settle_top_up(top_up_id=top_up_id, reply=reply, now=clock.now())
        done += 1
    for refund_id in due_refunds(now=clock.now(), limit=BATCH):
        state = push_refund(refund_id=refund_id, now=clock.now())
        if state == "failed":
            log.error("refund_failed", refund=refund_id)
        done += 1
    return done


@shared_task
def send_messages() -> int:
    """Deliver the messages about money that are due."""
    return outbox.deliver_due(prefix="payments.", now=clock.now())
