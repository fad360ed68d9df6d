"""What the worker does for the timetable when it is told to look."""

from __future__ import annotations

import structlog
from celery import shared_task

from inventory.services import uploads
from travel.common import clock

BATCH = 2
log = structlog.get_logger("inventory")


@shared_task
def work_on_uploads() -> int:
    """Read or take over the timetables that staff uploaded; answer how many."""
    due = uploads.due_uploads(now=clock.now(), limit=BATCH)
    for upload_id in due:
        try:
            uploads.work_on(upload_id=upload_id, now=clock.now())
        except Exception as error:
            log.exception("upload_failed", upload=upload_id)
            uploads.fail(upload_id=upload_id, error=error, now=clock.now())
    return len(due)
