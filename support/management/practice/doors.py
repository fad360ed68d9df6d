"""Who came to the doors of the departures that have left: most of them, with good tickets."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

from bookings import manifest, services
from bookings.models import Coupon
from bookings.services import Showing

#: Before a departure leaves, its people come within this time.
OPEN_FOR = timedelta(minutes=20)
SHARE_THAT_COMES = 0.93
DEVICE = "practice-device-1"


def let_people_in(random: Random, *, staff_id: int, now: datetime) -> int:
    """Show the tickets of departures that have left at their doors; answer how many people came."""
    keeper = manifest.keeper_of(user_id=staff_id)
    came = 0
    for coupon in (
        Coupon.objects.filter(
            state="open",
            passenger__reservation__state="paid",
            ticket__from_call__departs_at__lt=now,
        )
        .select_related("ticket__from_call")
        .order_by("ticket__from_call__departs_at", "id")
    ):
        leaves = coupon.ticket.from_call.departs_at
        if leaves is None or random.random() > SHARE_THAT_COMES:
            continue
        at = leaves - OPEN_FOR * random.random()
        showing = Showing(
            client_id=f"practice-{coupon.pk:08}",
            device=DEVICE,
            at=at,
            stop=coupon.ticket.from_call.position,
            how="list",
            coupon_id=coupon.pk,
        )
        services.scan(
            keeper=keeper,
            departure_id=coupon.ticket.departure_id,
            showing=showing,
            now=at,
        )
        came += 1
    return came
