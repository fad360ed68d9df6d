"""
Parties that take departures in opposite orders: one written order of locks, so nobody waits in a
circle.

A deadlock would be tried again and be seen by nobody; here it is seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from accounts.viewers import Viewer
from bookings import services
from bookings.engine.contract import SYSTEM
from bookings.errors import SoldOut
from bookings.models import Claim, Reservation
from tests.factories import Stop, Timetable, Trip, make_service, make_trip
from tests.faults.racing import at_once, begun_again, buyer, tally
from tests.selling import HOLD, audit, reserve, seats_of
from travel.common.errors import Refusal

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("seat_engine")]

OFFICE = Viewer(is_support=True)


@pytest.fixture(autouse=True)
def audited(transactional_db: None) -> Iterator[None]:
    yield
    audit()


@pytest.fixture
def journeys(timetable: Timetable, noon: datetime) -> list[tuple[int, int]]:
    """
    Two ways over two lines that meet twice: each changes to the line that the other one leaves.

    Both lines have the train's eight seats in Economy.
    """
    one, other = (_line(timetable.train, number, starts_at=noon) for number in ("RE 1", "RE 2"))
    return [
        (one.ticket_id(0, 1), other.ticket_id(2, 3)),
        (other.ticket_id(0, 1), one.ticket_id(2, 3)),
    ]


def _line(train: Trip, number: str, *, starts_at: datetime) -> Trip:
    return make_trip(
        make_service(train.departure.service.tariff, number),
        train.departure.vehicle,
        starts_at=starts_at + timedelta(hours=12),
        stops=[Stop(call.station, 60 * hour, 100 * hour) for hour, call in enumerate(train.calls)],
    )


class TestParties:
    def test_that_reserve_in_opposite_orders_never_deadlock(self, journeys, noon):
        with begun_again() as errors:
            results = at_once([buyer(n, *journeys[n % 2], now=noon) for n in range(24)])

        done = [one for one in results if not isinstance(one, Refusal)]
        assert set(tally(results)) == {"done", SoldOut.code}
        # Eight of either way: they ride different stretches of each line.
        assert len(done) == 16
        assert all(len(seats_of(one)) == 2 for one in done)
        assert Claim.objects.count() == 2 * len(done)
        assert errors == []

    def test_that_give_back_in_opposite_orders_never_deadlock(self, journeys, noon):
        held = [reserve(f"h{n}@example.org", *journeys[n % 2], now=noon) for n in range(4)]
        paid = [reserve(f"p{n}@example.org", *journeys[n % 2], now=noon) for n in range(2)]
        for one in paid:
            services.confirm(reservation_id=one.id, now=noon, actor=SYSTEM)

        def release(reservation_id: int) -> Callable[[], Any]:
            return lambda: services.release(
                viewer=OFFICE, reservation_id=reservation_id, now=noon, actor=SYSTEM
            )

        def cancel(reservation: Any) -> Callable[[], Any]:
            return lambda: services.cancel_coupons(
                reservation_id=reservation.id,
                coupon_ids=[coupon.id for coupon in reservation.coupons],
                now=noon,
                actor=SYSTEM,
            )

        with begun_again() as errors:
            results = at_once(
                [
                    *(release(one.id) for one in held),
                    *(cancel(one) for one in paid),
                    *(buyer(n, *journeys[n % 2], now=noon) for n in range(12)),
                ]
            )

        assert tally(results[:6]) == {"done": 6}
        assert errors == []

    def test_that_expire_while_others_reserve_never_deadlock(self, journeys, noon):
        dead = [reserve(f"d{n}@example.org", *journeys[n % 2], now=noon) for n in range(6)]
        ends = noon + HOLD

        with begun_again() as errors:
            at_once(
                [
                    *([lambda: services.expire_holds(now=ends, limit=2)] * 4),
                    *(buyer(n, *journeys[n % 2], now=ends) for n in range(12)),
                ]
            )

        while services.expire_holds(now=ends):
            pass
        states = Reservation.objects.filter(id__in=[one.id for one in dead])
        assert {one.state for one in states} == {"expired"}
        assert errors == []
