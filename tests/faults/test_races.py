"""
Many at once: real threads, each with a connection of its own, and commits that last.

Whatever the order they come in: nothing is ever sold twice, nobody meets an error that is no
refusal, and nobody is refused what is still there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import cycle, islice
from typing import Any

import pytest

from accounts.viewers import Viewer
from bookings import services
from bookings.availability import availability
from bookings.engine.contract import SYSTEM
from bookings.errors import (
    AlreadyCancelled,
    AlreadyPaid,
    HoldExpired,
    SeatTaken,
    SoldOut,
    TooManyHolds,
)
from bookings.models import Claim, Reservation, ReservationEvent, SeatStock
from bookings.services import SeatChoice
from inventory import places
from inventory.models import Departure, Ticket
from tests.bookings.test_availability import ride
from tests.faults.racing import at_once, buyer, tally
from tests.selling import HOLD, audit, reserve
from travel.common.errors import Refusal

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("seat_engine")]

OFFICE = Viewer(is_support=True)
TICK = timedelta(microseconds=1)


@pytest.fixture(autouse=True)
def audited(transactional_db: None) -> Iterator[None]:
    yield
    audit()


class TestLastSeat:
    def test_64_buyers_and_one_seat(self, flight, noon):
        reserve("early@example.org", flight.ticket_id(), now=noon, passengers=5)

        results = at_once([buyer(n, flight.ticket_id(), now=noon) for n in range(64)])

        assert tally(results) == {"done": 1, SoldOut.code: 63}
        assert Claim.objects.count() == 6

    def test_16_buyers_want_the_same_chosen_seat(self, train, noon):
        ticket = train.ticket_id(1, 3)
        wanted = [SeatChoice(ticket, 0, "1", "2B")]

        results = at_once([buyer(n, ticket, now=noon, seats=wanted) for n in range(16)])

        assert tally(results) == {"done": 1, SeatTaken.code: 15}

    def test_64_first_buyers_lay_out_the_seats_of_a_departure_once(self, train, noon):
        results = at_once([buyer(n, train.ticket_id(), now=noon) for n in range(64)])

        assert tally(results) == {"done": 8, SoldOut.code: 56}
        assert SeatStock.objects.filter(departure=train.departure).count() == 12
        assert Ticket.objects.count() == 1
        assert Departure.objects.get(pk=train.departure.pk).stock_version == 8


class TestStretches:
    def test_overlapping_and_adjoining_parties(self, train, noon):
        stretches = [(0, 4), (0, 2), (2, 4), (1, 3), (0, 1), (1, 2), (2, 3), (3, 4)]
        wanted = [
            (start, end, size)
            for (start, end), size in islice(
                zip(cycle(stretches), cycle([1, 2, 3, 2, 1]), strict=False), 40
            )
        ]
        results = at_once(
            [
                buyer(n, train.ticket_id(start, end), now=noon, passengers=size)
                for n, (start, end, size) in enumerate(wanted)
            ]
        )

        sold: Counter[int] = Counter()
        for (start, end, size), result in zip(wanted, results, strict=True):
            if not isinstance(result, Refusal):
                sold.update(dict.fromkeys(range(start, end), size))
        assert max(sold.values()) <= 8
        # Nothing was given back: who was refused would still be refused.
        whole = ride(train)
        found = availability([whole], now=noon)
        for (start, end, size), result in zip(wanted, results, strict=True):
            if isinstance(result, Refusal):
                assert isinstance(result, SoldOut)
                assert found.left(ride(train, start, end), "Economy") < size

    def test_both_halves_of_the_way_are_sold_out_exactly(self, train, noon):
        halves = [train.ticket_id(0, 2), train.ticket_id(2, 4)] * 12
        results = at_once([buyer(n, ticket, now=noon) for n, ticket in enumerate(halves)])
        assert tally(results) == {"done": 16, SoldOut.code: 8}


class TestEndOfAHold:
    def test_paid_released_extended_or_expired_but_never_two_ends(self, train, noon):
        holds = [reserve(f"holder{n}@example.org", train.ticket_id(), now=noon) for n in range(8)]
        ends = noon + HOLD
        before = ends - TICK

        def acts_on(held: int) -> list[Callable[[], Any]]:
            return [
                lambda: services.confirm(reservation_id=held, now=before, actor=SYSTEM),
                lambda: services.release(
                    viewer=OFFICE, reservation_id=held, now=before, actor=SYSTEM
                ),
                lambda: services.extend_hold(viewer=OFFICE, reservation_id=held, now=before),
            ]

        acts = [act for held in holds for act in acts_on(held.id)]
        expiries: list[Callable[[], Any]] = [lambda: services.expire_holds(now=ends)] * 2
        results = at_once([*acts, *expiries])

        refusals = [one for one in results if isinstance(one, Refusal)]
        assert all(
            isinstance(one, HoldExpired | AlreadyPaid | AlreadyCancelled) for one in refusals
        )
        ended = ReservationEvent.objects.filter(from_state="held").exclude(to_state="held")
        assert len(ended) == len({move.reservation_id for move in ended})
        rows = {row.id: row for row in Reservation.objects.all()}
        states = Counter(row.state for row in rows.values())
        assert states["held"] == 8 - len(ended)
        # Who still holds was extended in time, and nobody else was spared.
        for row in rows.values():
            if row.state == "held":
                assert row.hold_until == before + HOLD
        assert Claim.objects.count() == states["paid"] + states["held"]

    def test_two_sweepers_share_the_work(self, timetable, noon):
        trips = [timetable.train, timetable.flight, timetable.coach]
        for number in range(18):
            stretch = {"start": 0, "end": 1} if number % 3 == 0 else {}
            if number % 3 == 2 and number > 11:
                continue  # the coach has four seats
            reserve(f"h{number}@example.org", trips[number % 3].ticket_id(**stretch), now=noon)
        held = Reservation.objects.count()

        def sweep() -> int:
            total = 0
            for _ in range(20):
                total += services.expire_holds(now=noon + HOLD, limit=4)
            return total

        assert sum(at_once([sweep, sweep, sweep])) == held
        assert ReservationEvent.objects.filter(kind="expired").count() == held
        assert not Claim.objects.exists()

    def test_buyers_and_sweepers_meet_at_the_second_it_ends(self, flight, noon):
        for number in range(6):
            reserve(f"dead{number}@example.org", flight.ticket_id(), now=noon)
        ends = noon + HOLD
        results = at_once(
            [
                *(buyer(n, flight.ticket_id(), now=ends) for n in range(12)),
                *([lambda: services.expire_holds(now=ends)] * 3),
            ]
        )
        assert tally(results[:12]) == {"done": 6, SoldOut.code: 6}
        assert ReservationEvent.objects.filter(kind="expired").count() == 6

    def test_an_extended_hold_is_not_swept(self, flight, traveller, noon):
        me = Viewer(user_id=traveller.pk)
        held = reserve(traveller, flight.ticket_id(), now=noon, passengers=6)
        ends = noon + HOLD

        extended, swept, sold = at_once(
            [
                lambda: services.extend_hold(viewer=me, reservation_id=held.id, now=ends - TICK),
                lambda: services.expire_holds(now=ends),
                buyer(1, flight.ticket_id(), now=ends),
            ]
        )
        state = Reservation.objects.get(id=held.id).state
        if isinstance(extended, Refusal):
            assert (state, isinstance(extended, HoldExpired)) == ("expired", True)
            assert not isinstance(sold, Refusal)
        else:
            assert (state, swept, isinstance(sold, SoldOut)) == ("held", 0, True)


class TestCancelling:
    def test_a_coupon_is_cancelled_once(self, train, noon):
        held = reserve("a@example.org", train.ticket_id(), now=noon, passengers=2)
        services.confirm(reservation_id=held.id, now=noon, actor=SYSTEM)
        first = held.coupons[0].id

        def cancel() -> bool:
            return services.cancel_coupons(
                reservation_id=held.id, coupon_ids=[first], now=noon, actor=SYSTEM
            )

        assert tally(at_once([cancel] * 6)) == {"done": 1, AlreadyCancelled.code: 5}
        assert Claim.objects.count() == 1


class TestHoldLimit:
    def test_is_exact_for_one_user_in_many_windows(self, timetable, traveller, noon, settings):
        settings.MAX_LIVE_HOLDS = 4
        trips = [timetable.train, timetable.flight, timetable.coach]

        def window(number: int) -> Callable[[], Any]:
            return lambda: reserve(traveller, trips[number % 3].ticket_id(0, 1), now=noon)

        # Three windows for each departure, which is as many as one may hold there.
        results = at_once([window(n) for n in range(9)])
        assert tally(results) == {"done": 4, TooManyHolds.code: 5}

    def test_is_exact_on_one_departure(self, train, traveller, noon):
        def window(number: int) -> Callable[[], Any]:
            # Seven windows for either stretch, which has eight seats: none is sold out.
            start = number % 2
            return lambda: reserve(traveller, train.ticket_id(start, start + 1), now=noon)

        results = at_once([window(n) for n in range(14)])
        assert tally(results) == {"done": 3, TooManyHolds.code: 11}


class TestReading:
    def test_nobody_is_shown_more_seats_than_before_while_others_buy(self, train, noon):
        places.resolve("Hamburg")
        seen: list[list[int]] = []

        def look() -> None:
            shown = []
            for _ in range(40):
                one = ride(train)
                shown.append(availability([one], now=noon).left(one, "Economy"))
            seen.append(shown)

        at_once([look, look, *(buyer(n, train.ticket_id(), now=noon) for n in range(10))])

        for shown in seen:
            assert shown == sorted(shown, reverse=True)
            assert set(shown) <= set(range(9))
        last = ride(train)
        assert availability([last], now=noon).left(last, "Economy") == 0


class TestTwins:
    def test_the_same_request_sent_at_once_holds_once(self, train, traveller, api, clock):
        me = api.by(traveller)
        token = me._credentials["HTTP_AUTHORIZATION"]

        def send() -> tuple[int, bytes]:
            twin = type(me)(clock)
            twin.credentials(HTTP_AUTHORIZATION=token)
            answer = twin.post(
                "/reservations/reserve",
                {"ticketID": train.ticket_id()},
                headers={"Idempotency-Key": "one and the same"},
            )
            return answer.status_code, answer.content

        answers = set(at_once([send] * 8))

        assert len(answers) == 1
        assert answers.pop()[0] == 201
        assert Reservation.objects.count() == 1
