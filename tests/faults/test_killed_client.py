"""
A process is killed in mid-sentence, at every statement that it makes and on both sides of COMMIT.

Whatever it had begun is there whole or not at all: no seat without its reservation, no reservation
without its seats, no money that moved alone.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from accounts.viewers import Viewer
from bookings import services
from bookings.engine.contract import SYSTEM, Actor
from bookings.models import Claim, Reservation
from payments.services import cancel_and_refund, open_with, pay
from tests.factories import make_user
from tests.faults.crashing import Steps, in_a_process
from tests.selling import HOLD, audit, everything, reserve
from travel.common.money import Money

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("audited")]

OFFICE = Viewer(is_support=True)
MOST_STEPS = 120


def die_at_every_step(act: Callable[[], Any]) -> int:
    """
    Begin it again and again in processes that live for one step more each time, until it is done.

    Until then not one row may have changed. Answer how many steps were died at in vain.
    """

    def do_and_die(step: int) -> None:
        with Steps(at=step):
            act()

    for step in range(MOST_STEPS):
        before = everything()
        assert in_a_process(partial(do_and_die, step)) == -signal.SIGKILL
        audit()
        if everything() != before:
            return step
    raise AssertionError("it is never done")


def states() -> list[str]:
    return list(Reservation.objects.order_by("id").values_list("state", flat=True))


class TestKilled:
    def test_while_reserving_a_departure_never_sold_before(self, train, coach, noon):
        steps = die_at_every_step(
            lambda: reserve(
                "ada@example.org",
                train.ticket_id(0, 1),
                coach.ticket_id(1, 2),
                now=noon,
                passengers=3,
            )
        )

        # Offers are read, rows written, the reservation read again, a message laid out.
        assert steps > 5
        assert states() == ["held"]
        assert Claim.objects.count() == 6

    def test_while_reserving_seats_of_a_dead_hold(self, flight, noon):
        for number in range(2):
            reserve(f"dead{number}@example.org", flight.ticket_id(), now=noon, passengers=3)

        steps = die_at_every_step(
            lambda: reserve("ada@example.org", flight.ticket_id(), now=noon + HOLD, passengers=6)
        )

        assert steps > 5
        assert states() == ["expired", "expired", "held"]

    def test_while_it_is_paid_from_the_wallet_and_cancelled_again(self, train, noon):
        ada = make_user(email="ada@example.org")
        open_with(user_id=ada.pk, amount=Money(50_000, "EUR"), now=noon)
        held = reserve(ada, train.ticket_id(), now=noon, passengers=2)
        me = Viewer(user_id=ada.pk)

        paying = die_at_every_step(
            lambda: pay(viewer=me, reservation_id=held.id, method="Wallet", token=None, now=noon)
        )
        assert states() == ["paid"]

        cancelling = die_at_every_step(
            lambda: cancel_and_refund(
                viewer=me, reservation_id=held.id, actor=Actor("holder", ada.pk), now=noon
            )
        )
        assert states() == ["cancelled"]
        assert min(paying, cancelling) > 5

    def test_while_a_hold_is_extended_and_released(self, train, noon):
        held = reserve("ada@example.org", train.ticket_id(), now=noon, passengers=2)

        extending = die_at_every_step(
            lambda: services.extend_hold(viewer=OFFICE, reservation_id=held.id, now=noon + HOLD / 2)
        )
        releasing = die_at_every_step(
            lambda: services.release(viewer=OFFICE, reservation_id=held.id, now=noon, actor=SYSTEM)
        )

        assert min(extending, releasing) > 1
        assert states() == ["cancelled"]

    def test_while_holds_expire(self, timetable, noon):
        for trip in (timetable.train, timetable.flight, timetable.coach):
            reserve("ada@example.org", trip.ticket_id(), now=noon, passengers=2)

        assert die_at_every_step(lambda: services.expire_holds(now=noon + HOLD)) > 1
        assert states() == ["expired"] * 3
