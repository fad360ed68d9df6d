"""What the worker does for reservations when it is told to look."""

from __future__ import annotations

from celery import shared_task

from bookings import services
from bookings.documents.letters import DRESSERS
from travel.common import clock, outbox

BATCH = 200
MAX_BATCHES = 50


@shared_task
def expire_holds() -> int:
    """Expire the holds that ended, batch by batch, each in a transaction of its own."""
    expired = 0
    for _ in range(MAX_BATCHES):
        batch = services.expire_holds(now=clock.now(), limit=BATCH)
        expired += batch
        if batch < BATCH:
            break
    return expired


@shared_task
def tell_of_departures() -> int:
    """Tell travellers of departures whose times or state have changed since the last look."""
    return services.tell_everybody(now=clock.now())


@shared_task
def send_messages() -> int:
    """Deliver the messages about reservations that are due."""
    return outbox.deliver_due(prefix="bookings.", now=clock.now(), dressers=DRESSERS)


@shared_task
def mark_no_shows() -> int:
    """Mark who never came, on departures that were boarded and are over; answer how many."""
    return sum(
        services.mark_no_shows(departure_id=departure_id, now=clock.now())
        for departure_id in services.due_no_shows(now=clock.now(), limit=BATCH)
    )
