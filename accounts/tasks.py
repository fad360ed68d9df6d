"""What the worker does for accounts."""

from __future__ import annotations

from celery import shared_task

from accounts import tokens
from travel.common import clock, outbox

MAX_BATCHES = 20


@shared_task
def send_messages() -> int:
    """Deliver the messages about accounts that are due."""
    return outbox.deliver_due(prefix="accounts.", now=clock.now())


@shared_task
def tidy_up() -> None:
    """Delete refresh tokens that ended, in batches."""
    for _ in range(MAX_BATCHES):
        if not tokens.forget_old(now=clock.now()):
            break
