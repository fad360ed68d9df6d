"""
Playing with the sandbox: the payer's part on its page, and the carrying of its webhooks.

The sandbox lives in this house, so its webhooks need no network; they come in by the same door as
any provider's, signed, and are believed no more.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from django.conf import settings

from accounts.viewers import Viewer
from bookings.selectors import ReservationDetail
from payments.errors import InvalidSignature
from payments.gateways.sandbox import SIGNATURE, SandboxGateway
from payments.gateways.signatures import timed_header
from payments.models import SandboxDelivery
from payments.services.asking import ask_attempt, ask_top_up
from payments.services.paying import get_attempt, refuse_staff
from payments.services.wallet import ToppedUp, get_top_up
from payments.services.webhooks import receive
from travel.common.errors import NotFound
from travel.common.transactions import in_transaction

MOST_TRIES = 10


def answer_sandbox(*, viewer: Viewer, key: str, accepted: bool, now: datetime) -> ReservationDetail:
    """
    Play the payer on the sandbox provider's page, then book what the provider says.

    :raises PaymentLocked: staff look with the viewer's eyes; so do the others here.
    :raises NotFound: there is no such attempt, or it is not the viewer's.
    """
    return _play(
        viewer, key, now, lambda sandbox: sandbox.answer(key=key, accepted=accepted, now=now)
    )


def send_sandbox_coins(
    *, viewer: Viewer, key: str, percent: int, now: datetime
) -> ReservationDetail:
    """
    Play a payer who sends so many hundredths of the coins asked for, then ask the provider.

    :raises NotFound: there is no such attempt, or it is not the viewer's.
    """
    return _play(
        viewer, key, now, lambda sandbox: sandbox.send_coins(key=key, percent=percent, now=now)
    )


def find_sandbox_block(*, viewer: Viewer, key: str, now: datetime) -> ReservationDetail:
    """
    Play the chain, which confirms what was sent once more, then ask the provider.

    :raises NotFound: there is no such attempt, or it is not the viewer's.
    """
    return _play(viewer, key, now, lambda sandbox: sandbox.find_block(key=key, now=now))


def answer_sandbox_top_up(*, user_id: int, key: str, accepted: bool, now: datetime) -> ToppedUp:
    """
    Play the payer of a top-up on the sandbox provider's page, then book what the provider says.

    :raises NotFound: there is none, or it is somebody else's.
    """
    row = get_top_up(user_id=user_id, key=key)
    if row.gateway != SandboxGateway.code:
        raise NotFound()
    SandboxGateway().answer(key=key, accepted=accepted, now=now)
    return ask_top_up(top_up_id=row.id, now=now)


def deliver_due(*, now: datetime, limit: int) -> int:
    """Carry the sandbox's webhooks that are due to the office's door; answer how many arrived."""
    due = SandboxDelivery.objects.filter(
        delivered_at__isnull=True, given_up_at__isnull=True, due_at__lte=now
    )
    arrived = 0
    for delivery_id in list(due.order_by("due_at", "id").values_list("id", flat=True)[:limit]):
        arrived += _deliver(delivery_id, now)
    return arrived


@in_transaction
def _deliver(delivery_id: int, now: datetime) -> int:
    row = SandboxDelivery.objects.select_for_update().select_related("charge").get(id=delivery_id)
    if row.delivered_at is not None or row.given_up_at is not None:
        return 0
    SandboxGateway().live(key=row.charge.key, now=now)
    body = row.body.encode()
    signature = timed_header(settings.SANDBOX_WEBHOOK_SECRET, body, now=now)
    try:
        receive(gateway=SandboxGateway.code, body=body, headers={SIGNATURE: signature}, now=now)
    except InvalidSignature:
        row.attempts += 1
        row.due_at = now + timedelta(minutes=row.attempts)
        row.given_up_at = now if row.attempts >= MOST_TRIES else None
    else:
        row.delivered_at = now
    row.save()
    return int(row.delivered_at is not None)


def _play(
    viewer: Viewer, key: str, now: datetime, act: Callable[[SandboxGateway], None]
) -> ReservationDetail:
    refuse_staff(viewer)
    payment, reservation = get_attempt(viewer=viewer, key=key, now=now)
    if payment.gateway != SandboxGateway.code:
        raise NotFound()
    act(SandboxGateway())
    ask_attempt(payment_id=payment.id, now=now)
    return reservation
