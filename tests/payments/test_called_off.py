"""A departure that the carrier calls off: the traveller chooses, or the money comes by itself."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from accounts.models import User
from accounts.viewers import Viewer
from bookings import services as booking
from bookings.engine.contract import Actor
from bookings.models import Coupon, Reservation
from bookings.selectors import ReservationDetail
from inventory.models import Departure
from payments import selectors, services
from payments.models import Cancellation, Refund
from payments.services.called_off import KIND, WAITS, note_called_off, refund_called_off
from payments.tasks import refund_called_off as look_now
from tests import factories
from tests.conftest import Clock
from travel.common.models import Job
from travel.common.money import Money

from .conftest import Hold

TICK = timedelta(microseconds=1)


@pytest.fixture
def off(paid: Hold, train: factories.Trip) -> ReservationDetail:
    """Two adults on a train that is called off."""
    reservation = paid(2)
    Departure.objects.filter(id=train.departure.id).update(state="cancelled")
    return reservation


def wallet(me: Viewer) -> int:
    return selectors.balance(me.user_id or 0, "EUR").minor


def states() -> list[str]:
    return list(Coupon.objects.order_by("id").values_list("state", flat=True))


def test_nothing_happens_for_seven_days(
    off: ReservationDetail, me: Viewer, clock: Clock, noon: datetime
) -> None:
    look_now()
    clock.moment = noon + WAITS - TICK
    look_now()

    assert states() == ["open", "open"]
    assert Job.objects.get().due_at == noon + WAITS


def test_then_all_of_it_comes_back_by_itself(
    off: ReservationDetail, me: Viewer, clock: Clock, noon: datetime
) -> None:
    look_now()
    clock.moment = noon + WAITS

    look_now()

    assert (states(), wallet(me)) == (["cancelled", "cancelled"], 50_000)
    row = Cancellation.objects.get()
    assert (row.actor_kind, row.reason_code, row.actor_id) == ("system", "carrier", None)
    assert Job.objects.get().done_at == noon + WAITS
    look_now()
    assert Refund.objects.count() == 1


def test_the_traveller_may_be_quicker(
    off: ReservationDetail, me: Viewer, clock: Clock, noon: datetime
) -> None:
    look_now()
    services.cancel_and_refund(
        viewer=me,
        reservation_id=off.id,
        passenger_ids=[off.passengers[0].id],
        actor=Actor("holder", me.user_id),
        now=noon,
    )
    clock.moment = noon + WAITS
    look_now()

    assert sorted(Refund.objects.values_list("amount_minor", flat=True)) == [4_500, 4_500]
    assert wallet(me) == 50_000


def test_only_what_was_called_off(
    train: factories.Trip,
    traveller: User,
    me: Viewer,
    wallet: Money,
    clock: Clock,
    noon: datetime,
) -> None:
    """The way out is called off; the way back, weeks later, is still to be travelled."""
    first, *_others, last = [call.station for call in train.calls]
    back = factories.make_trip(
        train.departure.service,
        train.departure.vehicle,
        starts_at=noon + timedelta(days=20),
        stops=[factories.Stop(last, 0), factories.Stop(first, 330, 800)],
    )
    reservation = booking.reserve(
        holder=booking.Holder(user_id=traveller.pk, email="ada@example.org"),
        ticket_ids=[train.ticket_id(), back.ticket_id()],
        passengers=[booking.PassengerDetails("Ada", "Lovelace", "adult")],
        now=noon,
    ).reservation
    services.pay(viewer=me, reservation_id=reservation.id, method="Wallet", token=None, now=noon)
    Departure.objects.filter(id=train.departure.id).update(state="cancelled")
    look_now()
    clock.moment = noon + WAITS

    look_now()

    assert states() == ["cancelled", "open"]
    assert Reservation.objects.get().state == "paid"
    assert Refund.objects.get().amount_minor == 4_500


def test_used_coupons_and_holds_are_left_alone(
    off: ReservationDetail, hold: Hold, coach: factories.Trip, clock: Clock, noon: datetime
) -> None:
    Coupon.objects.update(state="used")
    hold(1, trip=coach)
    Departure.objects.update(state="cancelled")

    assert look_now() == 0
    assert not Job.objects.filter(kind=KIND).exists()


def test_one_that_runs_after_all_is_forgotten(
    off: ReservationDetail, clock: Clock, noon: datetime
) -> None:
    look_now()
    Departure.objects.update(state="scheduled")
    clock.moment = noon + WAITS
    look_now()

    assert (states(), Job.objects.count()) == (["open", "open"], 0)
    # Called off again, the week begins again.
    Departure.objects.update(state="cancelled")
    look_now()
    assert Job.objects.get().due_at == noon + 2 * WAITS


def test_a_lost_beat_loses_nothing(off: ReservationDetail, me: Viewer, noon: datetime) -> None:
    assert note_called_off(now=noon, limit=10) == 1
    assert note_called_off(now=noon + timedelta(days=1), limit=10) == 0
    late = noon + timedelta(days=20)

    assert refund_called_off(departure_id=int(Job.objects.get().reference), now=late) == 1
    assert wallet(me) == 50_000
