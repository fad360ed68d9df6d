"""What the worker does for the help desk when it is told to look."""

from __future__ import annotations

from celery import shared_task

from travel.common import clock, outbox


@shared_task
def send_messages() -> int:
    """Deliver the messages about reports that are due."""
    return outbox.deliver_due(prefix="support.", now=clock.now())
