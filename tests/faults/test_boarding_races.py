"""
Doors, many at once: real threads, each with a connection of its own.

Whatever the order they come in: a ticket is let in once, what was used is not given back, what was
given back is not used, and nobody waits in a circle.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from accounts.models import User
from accounts.viewers import Viewer
from bookings import manifest, services
from bookings.engine.contract import SYSTEM
from bookings.models import Coupon, ReservationEvent, Scan
from payments import services as money
from payments.models import Refund
from tests.bookings.boarding import code_of, coupons, merged, show, sold, state_of
from tests.factories import Trip
from tests.faults.racing import at_once, begun_again, tally
from travel.common.errors import Refusal

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("audited")]
OFFICE = Viewer(is_support=True)


@pytest.fixture
def early(noon: datetime) -> datetime:
    return noon.replace(day=2, hour=5, minute=30)


def scanner(
    staff: User, trip: Trip, coupon: int, number: int, now: datetime, **told: Any
) -> Callable[[], Any]:
    """Answer what a device of this number does: show the ticket at a door."""
    return lambda: show(
        staff, trip, now=now, device=f"device-{number:02}", coupon_id=coupon, **told
    )


def words(results: list[Any]) -> Counter[str]:
    return Counter(one.code if isinstance(one, Refusal) else one.word for one in results)


class TestOneTicket:
    def test_32_doors_let_it_in_once(self, staff, traveller, train, noon, early):
        mine = coupons(sold(traveller, train, now=noon))[0]
        code = code_of(mine)

        with begun_again() as errors:
            results = at_once(
                [
                    lambda n=n: show(staff, train, now=early, device=f"device-{n:02}", code=code)
                    for n in range(32)
                ]
            )

        assert words(results) == {"admitted": 1, "already_used": 31}
        assert Scan.objects.filter(let_in=True).count() == 1
        assert ReservationEvent.objects.filter(kind="boarded").count() == 1
        assert errors == []

    def test_sent_16_times_it_is_written_once(self, staff, traveller, train, noon, early):
        mine = coupons(sold(traveller, train, now=noon))[0]

        results = at_once([scanner(staff, train, mine, 1, early, client_id="the-same")] * 16)

        assert words(results) == {"admitted": 16}
        assert Scan.objects.count() == 1

    def test_16_devices_merge_and_the_first_by_time_counts(
        self, staff, traveller, train, noon, early
    ):
        mine = coupons(sold(traveller, train, now=noon))[0]

        def merge(number: int) -> Callable[[], Any]:
            at = early + timedelta(minutes=(number * 7) % 16)
            return lambda: merged(
                staff,
                train,
                now=early + timedelta(hours=1),
                at=at,
                device=f"device-{number:02}",
                coupon_id=mine,
            )

        at_once([merge(number) for number in range(16)])

        rider = manifest.riders(train.departure.pk)[0]
        assert (rider.admission.at, rider.admission.device) == (early, "device-00")
        assert len(manifest.conflicts(train.departure.pk)) == 15


def cancel(reservation_id: int, now: datetime) -> Callable[[], Any]:
    """Answer what the office does: cancel a whole reservation and give its money back."""
    return lambda: money.cancel_and_refund(
        viewer=OFFICE, reservation_id=reservation_id, actor=SYSTEM, now=now
    )


class TestMoney:
    @pytest.fixture(autouse=True)
    def accounts(self, train: Trip, coach: Trip, noon: datetime) -> None:
        """The ledger's accounts are opened once in their life, in front of all locks."""
        for trip in (train, coach):
            cancel(sold("first@example.org", trip, now=noon).id, noon)()

    def test_scanned_or_given_back_but_never_both(self, staff, train, noon, early):
        booked = [sold(f"p{n}@example.org", train, now=noon) for n in range(8)]

        acts = []
        for number, one in enumerate(booked):
            acts += [scanner(staff, train, coupons(one)[0], number, early), cancel(one.id, noon)]
        with begun_again() as errors:
            results = at_once(acts)

        for number, one in enumerate(booked):
            scan, cancelled = results[2 * number : 2 * number + 2]
            state = state_of(coupons(one)[0])
            given_back = Refund.objects.filter(cancellation__reservation_id=one.id).exists()
            if isinstance(cancelled, Refusal):
                assert (cancelled.code, scan.word) == ("not_cancellable", "admitted")
                assert (state, given_back) == ("used", False)
            else:
                assert scan.word == "cancelled"
                assert (state, given_back) == ("cancelled", True)
        assert errors == []

    def test_a_round_trip_cancelled_while_both_ways_are_scanned(
        self, staff, train, coach, noon, early
    ):
        """The doors of two departures, a cancellation of both: no circle."""
        from tests.selling import reserve

        evening = early + timedelta(hours=14)
        booked = []
        for number in range(4):
            held = reserve(f"p{number}@example.org", train.ticket_id(), coach.ticket_id(), now=noon)
            money.pay(
                viewer=OFFICE, reservation_id=held.id, method="Bank Card", token=None, now=noon
            )
            booked.append(held)
        acts: list[Callable[[], Any]] = []
        for number, one in enumerate(booked):
            out, on = coupons(one)
            acts += [
                scanner(staff, train, out, number, early),
                scanner(staff, coach, on, number, evening),
                # Shown at the other door.
                scanner(staff, train, on, number, early),
                cancel(one.id, noon),
            ]
        with begun_again() as errors:
            at_once(acts)

        refunded = set(Refund.objects.values_list("cancellation__coupons__coupon_id", flat=True))
        for coupon in Coupon.objects.all():
            assert (coupon.state == "cancelled") is (coupon.pk in refunded)
            assert coupon.state in ("used", "cancelled")
        assert errors == []


class TestWhoNeverCame:
    def test_marked_once_and_found_by_a_late_device(self, staff, train, noon, early):
        people = [coupons(sold(f"p{n}@example.org", train, now=noon))[0] for n in range(6)]
        show(staff, train, now=early, coupon_id=people[0])
        over = train.calls[-1].arrives_at + timedelta(hours=6)

        def mark() -> int:
            return services.mark_no_shows(departure_id=train.departure.pk, now=over)

        def late(number: int) -> Callable[[], Any]:
            return lambda: merged(
                staff, train, now=over, at=early, device="device-late", coupon_id=people[number]
            )

        results = at_once([mark, mark, mark, late(1), late(2)])

        marked = sum(one for one in results if isinstance(one, int))
        assert [state_of(one) for one in people] == ["used"] * 3 + ["no_show"] * 3
        told = ReservationEvent.objects.filter(kind="no_show").count()
        assert marked == told
        assert 3 <= marked <= 5

    def test_taken_back_by_one_and_let_in_by_another(self, staff, traveller, train, noon, early):
        mine = coupons(sold(traveller, train, now=noon))[0]
        show(staff, train, now=early, device="device-00", coupon_id=mine, client_id="mistaken")

        results = at_once(
            [
                lambda: show(staff, train, now=early, device="device-00", undoes="mistaken"),
                *(scanner(staff, train, mine, number, early) for number in range(1, 8)),
            ]
        )

        told = words(results)
        assert told["undone"] == 1
        # Whoever came after it was taken back let in, and only the first of them.
        assert told["admitted"] in (0, 1)
        assert state_of(mine) == ("used" if told["admitted"] else "open")
        assert tally(results) == {"done": 8}
