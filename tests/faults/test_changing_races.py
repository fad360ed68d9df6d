"""
Changing seats and rebooking, many at once: real threads, each with a connection of its own.

Whoever comes first: no seat is had by two, no ticket is both rebooked and given back, and nobody
meets an error that is no refusal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from accounts.models import User
from accounts.viewers import Viewer
from bookings import services
from bookings.engine.contract import Actor
from bookings.errors import AlreadyCancelled, NotCancellable, NotChangeable, SeatTaken, SoldOut
from bookings.models import Claim, Coupon, ReservationEvent
from bookings.services import SeatChoice
from payments import services as money
from payments.errors import QuoteExpired
from payments.models import Refund
from payments.services.called_off import WAITS, note_called_off, refund_called_off
from tests.bookings.disrupted import another, call_off, delay
from tests.factories import Trip
from tests.faults.racing import at_once, begun_again, buyer, tally
from tests.selling import audit, reserve, seats_of
from travel.common.errors import Refusal
from travel.common.models import OutboxMessage

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("seat_engine", "audited"),
]
OFFICE = Viewer(is_support=True)


@pytest.fixture(autouse=True)
def seats_audited(transactional_db: None) -> Iterator[None]:
    yield
    audit()


@pytest.fixture
def later(train: Trip) -> Trip:
    return another(train, starts_at=datetime(2026, 6, 2, 9, tzinfo=UTC), run="later")


def mover(row: Any, place: int, label: str, now: datetime) -> Callable[[], Any]:
    ticket = row.coupons[0].ticket_id
    return lambda: services.change_seats(
        viewer=OFFICE,
        reservation_id=row.id,
        seats=[SeatChoice(ticket, place, "1", label)],
        now=now,
    )


def paid(number: int | str, ticket: int, now: datetime, people: int = 1) -> Any:
    row = reserve(f"p{number}@example.org", ticket, now=now, passengers=people)
    money.pay(
        viewer=OFFICE, reservation_id=row.id, method="Bank Card", token="tok_accepted", now=now
    )
    return row


class TestSeats:
    def test_32_want_the_same_seat(self, train: Trip, noon: datetime) -> None:
        # Eight seats on each of four stretches, seven of them held: 28 who ride, and one is wanted.
        stretches = [(0, 1), (1, 2), (2, 3), (3, 4)]
        rows = [
            reserve(f"h{n}@example.org", train.ticket_id(*stretches[n % 4]), now=noon)
            for n in range(28)
        ]
        wanted = next(
            label
            for label in ("1A", "1B", "1C", "1D", "2A", "2B", "2C", "2D")
            if ("1", label) not in {seat for row in rows for seat in seats_of(row)}
        )
        acts = [mover(row, 0, wanted, noon) for row in rows] + [
            buyer(
                100 + n,
                train.ticket_id(*stretches[n]),
                now=noon,
                seats=[SeatChoice(train.ticket_id(*stretches[n]), 0, "1", wanted)],
            )
            for n in range(4)
        ]
        with begun_again() as errors:
            results = at_once(acts)

        # One for each stretch.
        assert tally(results) == {"done": 4, SeatTaken.code: 28}
        assert Claim.objects.filter(stock__seat__label=wanted).count() == 4
        assert errors == []

    def test_parties_that_swap_with_each_other_never_deadlock(
        self, train: Trip, noon: datetime
    ) -> None:
        # Four seats are free: everybody wants one of them, over and over.
        rows = [reserve(f"h{n}@example.org", train.ticket_id(), now=noon) for n in range(4)]
        labels = ["2A", "2B", "2C", "2D", "1A", "1B", "1C", "1D"]
        acts = [mover(rows[n % 4], 0, labels[(3 * n + n // 4) % 8], noon) for n in range(32)]
        with begun_again() as errors:
            results = at_once(acts)

        assert set(tally(results)) <= {"done", SeatTaken.code}
        assert Claim.objects.count() == 4
        assert errors == []

    def test_change_against_cancel(self, train: Trip, noon: datetime) -> None:
        rows = [paid(n, train.ticket_id(), noon) for n in range(4)]

        def cancel(row: Any) -> Callable[[], Any]:
            return lambda: money.cancel_and_refund(
                viewer=OFFICE, reservation_id=row.id, actor=Actor("holder"), now=noon
            )

        acts = [
            act
            for n, row in enumerate(rows)
            for act in (cancel(row), mover(row, 0, f"2{'ABCD'[n]}", noon))
        ]
        results = at_once(acts)

        assert [isinstance(one, Refusal) for one in results[::2]] == [False] * 4
        late = [one for one in results[1::2] if isinstance(one, Refusal)]
        assert all(isinstance(one, AlreadyCancelled) for one in late)
        assert Claim.objects.count() == 0
        moved = ReservationEvent.objects.filter(kind="seats_changed").count()
        assert moved == 4 - len(late)

    def test_change_against_reserve(self, train: Trip, noon: datetime) -> None:
        row = reserve("h@example.org", train.ticket_id(), now=noon)
        acts = [mover(row, 0, f"2{'ABCD'[n % 4]}", noon) for n in range(8)] + [
            buyer(n, train.ticket_id(), now=noon) for n in range(12)
        ]
        results = at_once(acts)
        # Seven seats are left for the buyers, wherever the one sits in the end.
        assert tally(results[8:]) == {"done": 7, SoldOut.code: 5}
        assert Claim.objects.count() == 8


class TestRebooking:
    def test_rebook_against_both_refunds_exactly_one_happens(
        self, train: Trip, later: Trip, noon: datetime
    ) -> None:
        rows = [paid(n, train.ticket_id(), noon) for n in range(6)]
        call_off(train)
        note_called_off(now=noon, limit=10)
        # All of it at the moment at which the week is over; the other train is a week later too.
        now = noon + WAITS
        other = another(train, starts_at=datetime(2026, 6, 9, 9, tzinfo=UTC), run="a week later")

        def rebook(row: Any) -> Callable[[], Any]:
            return lambda: services.rebook(
                viewer=OFFICE,
                reservation_id=row.id,
                ticket_id=train.ticket_id(),
                to_ticket_id=other.ticket_id(),
                now=now,
            )

        def give_back(row: Any) -> Callable[[], Any]:
            return lambda: money.cancel_and_refund(
                viewer=OFFICE,
                reservation_id=row.id,
                actor=Actor("holder"),
                ticket_ids=[train.ticket_id()],
                now=now,
            )

        office: list[Callable[[], Any]] = [
            lambda: refund_called_off(departure_id=train.departure.pk, now=now)
        ] * 2
        results = at_once(
            [*office, *(act for row in rows for act in (rebook(row), give_back(row)))]
        )

        refused = [one for one in results if isinstance(one, Refusal)]
        assert all(
            isinstance(one, AlreadyCancelled | NotCancellable | NotChangeable | QuoteExpired)
            for one in refused
        )
        for row in rows:
            coupons = Coupon.objects.filter(passenger__reservation_id=row.id)
            rebooked = coupons.filter(state="open", ticket_id=other.ticket_id()).count()
            given_back = Refund.objects.filter(payment__reservation_id=row.id).count()
            assert (rebooked, given_back) in {(1, 0), (0, 1)}
        open_now = Coupon.objects.filter(state="open").count()
        assert open_now + Refund.objects.count() == 6

    def test_32_want_the_last_seats_of_the_other_departure(
        self, train: Trip, later: Trip, noon: datetime
    ) -> None:
        rows = [paid(n, train.ticket_id(), noon, people=2) for n in range(4)]
        reserve("x@example.org", later.ticket_id(), now=noon, passengers=3)
        call_off(train)

        def rebook(row: Any) -> Callable[[], Any]:
            return lambda: services.rebook(
                viewer=OFFICE,
                reservation_id=row.id,
                ticket_id=train.ticket_id(),
                to_ticket_id=later.ticket_id(),
                now=noon,
                actor=Actor("staff", None, "strike"),
            )

        acts = [rebook(row) for row in rows for _ in range(4)] + [
            buyer(n, later.ticket_id(), now=noon) for n in range(16)
        ]
        with begun_again() as errors:
            results = at_once(acts)

        assert set(tally(results)) <= {
            "done",
            SoldOut.code,
            AlreadyCancelled.code,
        }
        # Eight seats in Economy, three held before: nobody got half of a party.
        assert Claim.objects.filter(stock__departure=later.departure).count() <= 8
        for row in rows:
            tickets = set(
                Coupon.objects.filter(passenger__reservation_id=row.id, state="open").values_list(
                    "ticket_id", flat=True
                )
            )
            assert len(tickets) == 1
        assert errors == []

    def test_to_each_others_departures_in_opposite_orders_never_deadlock(
        self, train: Trip, later: Trip, staff: User, noon: datetime
    ) -> None:
        rows = [
            (paid(n, one.ticket_id(), noon), one, other)
            for n in range(6)
            for one, other in [(train, later) if n % 2 else (later, train)]
        ]

        def rebook(row: Any, one: Trip, other: Trip) -> Callable[[], Any]:
            return lambda: services.rebook(
                viewer=OFFICE,
                reservation_id=row.id,
                ticket_id=one.ticket_id(),
                to_ticket_id=other.ticket_id(),
                now=noon,
                actor=Actor("staff", staff.pk, "strike"),
            )

        with begun_again() as errors:
            results = at_once([rebook(*one) for one in rows])
        assert tally(results) == {"done": 6}
        assert errors == []


class TestTelling:
    def test_many_who_look_tell_everybody_once(self, train: Trip, noon: datetime) -> None:
        for number in range(4):
            paid(number, train.ticket_id(), noon)
        delay(train, 30)
        look = [lambda: services.tell_of_changes(departure_id=train.departure.pk, now=noon)] * 8
        assert sum(at_once(look)) == 4
        assert OutboxMessage.objects.filter(kind="bookings.departure_changed").count() == 4
