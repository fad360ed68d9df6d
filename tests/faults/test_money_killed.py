"""
Money, and a process that is killed between two statements: kill -9 at every one of them.

Whoever comes after it finds the truth out, by asking and by hearing webhooks: the payer is charged
once for a paid reservation, or is not charged.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db.models import F

from accounts.models import User
from accounts.viewers import Viewer
from bookings.engine.contract import Actor
from bookings.models import Reservation
from inventory.models import Call
from payments import services
from payments.gateways.sandbox import SandboxGateway
from payments.models import Account, Payment, Refund, SandboxCharge, SandboxRefund, WebhookEvent
from payments.tasks import hear_webhooks, settle_due
from tests.conftest import Clock
from tests.faults.crashing import Steps, in_a_process
from tests.selling import reserve

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("audited")]

PRICE = 4_500
MOST_STEPS = 200
# Between two deaths so many statements are passed over; every one of them is died at by --full.
STRIDES = [pytest.param(5, id="some"), pytest.param(1, id="all", marks=pytest.mark.slow)]


@pytest.fixture
def me(traveller: User) -> Viewer:
    return Viewer(user_id=traveller.pk)


def dies(act: Callable[[], Any], step: int) -> bool:
    """Do it in a process that is killed at a step; answer whether it was, before it was done."""

    def do_and_die() -> None:
        with Steps(at=step):
            act()

    code = in_a_process(do_and_die)
    assert code in (0, -signal.SIGKILL)
    return code != 0


def come_after(clock: Clock) -> None:
    """A worker that looks again and again, until the quarter of an hour is over."""
    for minutes in (1, 2, 4, 8):
        clock.advance(minutes=minutes)
        hear_webhooks()
        settle_due()


def balance(kind: str) -> int:
    return sum(Account.objects.filter(kind=kind).values_list("balance_minor", flat=True))


@pytest.mark.parametrize("stride", STRIDES)
def test_while_paying_by_card(
    traveller: User, me: Viewer, train: Any, noon: Any, clock: Clock, stride: int
) -> None:
    # A quarter of an hour for each death: the train must not leave meanwhile.
    month = timedelta(days=30)
    Call.objects.filter(departure=train.departure).update(
        arrives_at=F("arrives_at") + month, departs_at=F("departs_at") + month
    )
    outcomes = set()
    for step in range(0, MOST_STEPS, stride):
        now = clock.now()
        held = reserve(traveller, train.ticket_id(), now=now)
        pay = partial(
            services.pay,
            viewer=me,
            reservation_id=held.id,
            method="Bank Card",
            token="tok_accepted",
            now=now,
        )
        killed = dies(pay, step)
        come_after(clock)

        state = Reservation.objects.values_list("state", flat=True).get(id=held.id)
        keys = Payment.objects.filter(reservation_id=held.id).values_list("gateway_reference")
        charges = SandboxCharge.objects.filter(key__in=keys)
        taken = sum(charges.values_list("captured_minor", flat=True))
        assert taken == (PRICE if state == "paid" else 0), (step, state)
        assert not Payment.objects.filter(
            reservation_id=held.id, state__in=["started", "pending"]
        ).exists()
        outcomes.add((killed, state == "paid"))
        _give_seats_back(held, me, state, clock)
        if not killed:
            break

    # Some died before the charge, some after it, and the last was not killed.
    assert outcomes == {(True, False), (True, True), (False, True)}
    assert balance("returns") == 0


@pytest.mark.parametrize("stride", STRIDES)
def test_while_working_on_webhooks(
    traveller: User, me: Viewer, train: Any, noon: Any, clock: Clock, stride: int
) -> None:
    held = reserve(traveller, train.ticket_id(), now=noon)
    paid = services.pay(
        viewer=me, reservation_id=held.id, method="Bank Card", token="tok_3ds", now=noon
    )
    SandboxGateway().answer(key=f"payment-{paid.payment_id}", accepted=True, now=noon)

    for step in range(0, MOST_STEPS, stride):
        killed = dies(hear_webhooks, step)
        done = WebhookEvent.objects.filter(state="done").exists()
        # The mark and the effect are there together, or neither is.
        state = Reservation.objects.values_list("state", flat=True).get(id=held.id)
        assert (state == "paid") is done, step
        assert balance("gateway") == (-PRICE if done else 0)
        if not killed:
            break

    assert (killed, state) == (False, "paid")
    assert WebhookEvent.objects.get().processed_at == noon


@pytest.mark.parametrize("stride", STRIDES)
def test_while_a_refund_is_pushed(
    traveller: User, me: Viewer, train: Any, noon: Any, clock: Clock, stride: int
) -> None:
    held = reserve(traveller, train.ticket_id(), now=noon)
    services.pay(
        viewer=me, reservation_id=held.id, method="Bank Card", token="tok_accepted", now=noon
    )
    services.cancel_and_refund(
        viewer=me, reservation_id=held.id, actor=Actor("holder", me.user_id), now=noon
    )
    refund = Refund.objects.get()
    for step in range(0, MOST_STEPS, stride):
        # Whoever died holds its lease for two minutes.
        clock.advance(minutes=3)
        killed = dies(lambda: services.push_refund(refund_id=refund.id, now=clock.now()), step)
        refund.refresh_from_db()
        assert SandboxRefund.objects.count() <= 1
        assert (balance("returns") == 0) is (refund.state == "done")
        if not killed:
            break

    assert refund.state == "done"
    assert SandboxCharge.objects.get().refunded_minor == refund.amount_minor


def _give_seats_back(held: Any, me: Viewer, state: str, clock: Clock) -> None:
    """Free the seats for the next round; a hold that was not paid has ended by itself."""
    if state == "paid":
        services.cancel_and_refund(
            viewer=me,
            reservation_id=held.id,
            actor=Actor("holder", me.user_id),
            now=clock.now(),
        )
        settle_due()
