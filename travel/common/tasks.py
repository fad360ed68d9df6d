"""What the worker does for the office as a whole."""

from __future__ import annotations

from celery import shared_task

from travel.common import clock, idempotency

MAX_BATCHES = 20


@shared_task  # type: ignore[untyped-decorator]
def tidy_up() -> None:
    """Forget idempotency keys that have grown old, in batches."""
    for _ in range(MAX_BATCHES):
        if not idempotency.forget_old(now=clock.now()):
            break
