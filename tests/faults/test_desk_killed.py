"""
A job of the departures desk, and a worker that is killed between two statements: at every one.

Whoever comes after it finishes the job: everybody has the price back once, and is told once.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import Sum

from accounts.models import User
from accounts.viewers import Viewer
from bookings.models import Coupon
from payments import services as paying
from payments.models import Account, Cancellation, Refund
from support.models import DeskEntry, DisruptionItem, DisruptionJob
from support.services import departures
from support.services.departures import Hand
from support.tasks import work_on_disruptions
from tests import factories
from tests.conftest import Clock
from tests.faults.crashing import Steps, at_once_in_processes, in_a_process
from tests.selling import adults, reserve
from travel.common.errors import Refusal
from travel.common.models import OutboxMessage
from travel.common.money import Money

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("audited")]

MOST_STEPS = 400
# Between two deaths so many statements are passed over; every one of them is died at by --full.
STRIDES = [pytest.param(9, id="some"), pytest.param(1, id="all", marks=pytest.mark.slow)]
PRICE = 4_500


@pytest.fixture
def buyers(train: factories.Trip, noon: Any) -> list[User]:
    """Three people who have paid 45.00 EUR each for the train from their wallets."""
    people = [factories.make_user(email=f"buyer{number}@example.org") for number in range(3)]
    for user in people:
        held = reserve(user, train.ticket_id(), now=noon, passengers=adults(1))
        paying.open_with(user_id=user.pk, amount=Money(PRICE, "EUR"), now=noon)
        paying.pay(
            viewer=Viewer(user_id=user.pk),
            reservation_id=held.id,
            method="Wallet",
            token=None,
            now=noon,
        )
    return people


@pytest.fixture
def cancel(train: factories.Trip, noon: Any) -> Callable[[], DeskEntry]:
    clerk = factories.make_user(is_staff=True, roles=["operations"])
    hand = Hand(clerk.pk, "Storm", once="token", revision=0)
    return lambda: departures.cancel(
        hand=hand, departure_id=train.departure.pk, deed="refund", now=noon
    )


def dies(act: Callable[[], Any], step: int) -> bool:
    """Do it in a process that is killed at a step; answer whether it was, before it was done."""

    def do_and_die() -> None:
        with Steps(at=step):
            act()

    code = in_a_process(do_and_die)
    assert code in (0, -signal.SIGKILL)
    return code != 0


def given_back() -> int:
    return Refund.objects.aggregate(sum=Sum("amount_minor"))["sum"] or 0


def wallets() -> list[int]:
    rows = Account.objects.filter(kind="wallet").order_by("id")
    return list(rows.values_list("balance_minor", flat=True))


def mails(kind: str) -> list[str]:
    rows = OutboxMessage.objects.filter(kind=kind).order_by("recipient")
    return list(rows.values_list("recipient", flat=True))


@pytest.mark.parametrize("stride", STRIDES)
def test_a_worker_that_dies_anywhere(
    buyers: list[User], cancel: Callable[[], DeskEntry], clock: Clock, stride: int
) -> None:
    cancel()
    deaths = 0
    for step in range(0, MOST_STEPS, stride):
        done_before = DisruptionItem.objects.filter(state="done").count()
        killed = dies(work_on_disruptions, step)
        # What is done is done whole: the item, the money and the message of it.
        done = DisruptionItem.objects.filter(state="done").count()
        assert done >= done_before
        assert given_back() == done * PRICE, step
        assert len(mails("bookings.departure_changed")) == done, step
        assert Cancellation.objects.count() == done
        if not killed:
            break
        deaths += 1
        if done == len(buyers) and DisruptionJob.objects.get().state == "done":
            break
    work_on_disruptions()

    assert deaths > 3
    assert DisruptionJob.objects.get().state == "done"
    assert wallets() == [PRICE] * 3
    everybody = [user.email for user in buyers]
    assert mails("bookings.departure_changed") == everybody
    assert mails("payments.cancellation") == everybody


@pytest.mark.parametrize("stride", STRIDES)
def test_an_act_that_dies_anywhere(
    buyers: list[User], cancel: Callable[[], DeskEntry], clock: Clock, stride: int
) -> None:
    """The departure, the line of the log, the job and its items are there together or not."""
    for step in range(0, MOST_STEPS, stride):
        killed = dies(cancel, step)
        entries = DeskEntry.objects.count()
        assert DisruptionJob.objects.count() == entries
        assert DisruptionItem.objects.count() == entries * len(buyers)
        if entries or not killed:
            break
    # Pressed again by whoever does not know what became of it.
    cancel()
    assert (DeskEntry.objects.count(), DisruptionJob.objects.count()) == (1, 1)
    work_on_disruptions()
    assert wallets() == [PRICE] * 3


def test_workers_at_once_and_a_traveller_who_cancels(
    buyers: list[User], cancel: Callable[[], DeskEntry], clock: Clock, noon: Any, tmp_path: Any
) -> None:
    cancel()
    clock.moment = noon + timedelta(seconds=10)
    first = Coupon.objects.order_by("id")[0].passenger.reservation_id

    def act(index: int) -> Any:
        if index == 3:
            try:
                paying.cancel_and_refund(
                    viewer=Viewer(user_id=buyers[0].pk),
                    reservation_id=first,
                    actor=Hand(buyers[0].pk).actor,
                    now=noon,
                )
            except Refusal as refusal:
                return type(refusal).__name__
            return "cancelled"
        return work_on_disruptions()

    told = at_once_in_processes(act, 4, folder=tmp_path)
    assert [code for code, _ in told] == [0] * 4
    work_on_disruptions()
    assert DisruptionJob.objects.get().state == "done"
    assert wallets() == [PRICE] * 3
    assert Refund.objects.count() == 3
