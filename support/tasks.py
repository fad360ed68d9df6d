"""What the worker does for the help desk when it is told to look."""

from __future__ import annotations

import structlog
from celery import shared_task

from support import notifications, services
from support.services import closing_days, disruptions, serving, subscriptions
from travel.common import clock, outbox

# So many exports are made each time the worker looks.
EXPORTS = 5
BATCH, MAX_BATCHES = 500, 20
# So many days are closed, and so many departures measured, at each look.
DAYS, LOADS = 40, 2_000
# So many reservations of the departures desk's jobs are worked on at each look.
ITEMS = 200
log = structlog.get_logger("support")


@shared_task
def send_messages() -> int:
    """Deliver the messages about reports that are due."""
    sent = outbox.deliver_due(
        prefix="support.",
        now=clock.now(),
        dressers={notifications.NUMBERS: subscriptions.file_of},
    )
    services.forget_farewells()
    return sent


@shared_task
def close_answered_reports() -> int:
    """
    Close the answered reports on which nobody has written for long; answer how many were closed.

    Each stands in a transaction of its own: one that breaks off does not stop the others, and the
    next look goes on where this one ends.
    """
    closed = 0
    for report_id in services.due_to_close(now=clock.now(), limit=BATCH):
        try:
            closed += services.close_lapsed(report_id=report_id, now=clock.now())
        except Exception:
            log.exception("report_not_closed", report=report_id)
    return closed


@shared_task
def make_exports() -> int:
    """Pack the data that people asked for; answer how many."""
    due = services.due_exports(now=clock.now(), limit=EXPORTS)
    for export_id in due:
        services.make_export(export_id=export_id, now=clock.now())
    return len(due)


@shared_task
def tidy_up() -> None:
    """Delete the files with people's data, and the log of staff's looks, whose days are over."""
    services.forget_exports(now=clock.now(), limit=BATCH)
    for _ in range(MAX_BATCHES):
        if not serving.forget_old(now=clock.now(), limit=BATCH):
            break


@shared_task
def close_days() -> int:
    """Keep ready the sales of the days that are over; answer how many were closed."""
    now = clock.now()
    return sum(
        closing_days.close_day(day=day, now=now)
        for day in closing_days.days_to_close(now=now, limit=DAYS)
    )


@shared_task
def measure_loads() -> int:
    """Keep ready how full departures are whose stock has changed; answer of how many."""
    return closing_days.measure_loads(now=clock.now(), limit=LOADS)


@shared_task
def send_numbers() -> int:
    """Write the messages of the reports that are due; answer how many."""
    sent = 0
    for subscription_id in subscriptions.due_subscriptions(now=clock.now(), limit=BATCH):
        try:
            sent += subscriptions.send_due(subscription_id=subscription_id, now=clock.now())
        except Exception:
            log.exception("numbers_not_sent", subscription=subscription_id)
    return sent


@shared_task
def work_on_disruptions() -> int:
    """
    Work on the jobs of the departures desk, an item at a time; answer how many were worked on.

    Each item stands in a transaction of its own; one that breaks off is put off and does not stop
    the others. The next look goes on where this one ends.
    """
    done = 0
    for item_id in disruptions.due_items(now=clock.now(), limit=ITEMS):
        try:
            disruptions.work_on(item_id=item_id, now=clock.now())
        except Exception as error:
            log.exception("disruption_failed", item=item_id)
            disruptions.fail(item_id=item_id, error=error, now=clock.now())
        done += 1
    for job_id in disruptions.due_jobs(now=clock.now(), limit=BATCH):
        disruptions.look_after(job_id=job_id, now=clock.now())
    return done
