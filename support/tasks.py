"""What the worker does for the help desk when it is told to look."""

from __future__ import annotations

from celery import shared_task

from support import services
from travel.common import clock, outbox

# So many exports are made each time the worker looks.
EXPORTS = 5
BATCH = 500


@shared_task
def send_messages() -> int:
    """Deliver the messages about reports that are due."""
    sent = outbox.deliver_due(prefix="support.", now=clock.now())
    services.forget_farewells()
    return sent


@shared_task
def make_exports() -> int:
    """Pack the data that people asked for; answer how many."""
    due = services.due_exports(now=clock.now(), limit=EXPORTS)
    for export_id in due:
        services.make_export(export_id=export_id, now=clock.now())
    return len(due)


@shared_task
def tidy_up() -> None:
    """Delete the files with people's data whose days are over."""
    services.forget_exports(now=clock.now(), limit=BATCH)
