"""
The engine's contract: every outcome, and what is left after it.

It is asked of each engine that the database in use has. A refusal is followed by a rollback here,
as the caller promises, and then nothing may have changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from bookings import engine
from bookings.engine.contract import (
    SYSTEM,
    Actor,
    CouponRow,
    HolderRow,
    LegRow,
    Outcome,
    PassengerRow,
    PriceLineRow,
    ReserveCommand,
    Result,
)
from bookings.models import (
    Claim,
    Coupon,
    Passenger,
    PriceLine,
    Reservation,
    ReservationEvent,
    SeatStock,
)
from inventory.models import Departure, FareVersion, Seat, Ticket
from tests.factories import Trip
from tests.selling import HOLD, audit, bits_of, everything, version_of

TICK = timedelta(microseconds=1)
# SQLite has no stored procedures.
ENGINES = ["portable", "procedures"] if connection.vendor == "mysql" else ["portable"]
numbers = count(1)


def seat_id(trip: Trip, name: str) -> int:
    """Answer the seat of the trip's map by coach and label, as `1/2A`."""
    coach, label = name.split("/")
    seats = Seat.objects.filter(coach__seat_map=trip.departure.vehicle.seat_map)
    return seats.get(coach__label=coach, label=label).pk


def leg(
    trip: Trip,
    start: int = 0,
    end: int = -1,
    fare: int = 0,
    *,
    seats: Sequence[str | None] = (None,),
    closes_at: datetime | None = None,
) -> LegRow:
    """A ticket for as many passengers as `seats` has places; `lap` is an infant's."""
    last = end % len(trip.calls)
    version = FareVersion.objects.get(fare=trip.fares[fare])
    return LegRow(
        ticket_id=trip.ticket_id(start, last, fare),
        departure_id=trip.departure.pk,
        first_segment=start,
        last_segment=last - 1,
        travel_class=trip.fares[fare].travel_class,
        fare_id=trip.fares[fare].pk,
        closes_at=closes_at or trip.calls[start].departs_at,
        coupons=[
            CouponRow(
                passenger=index,
                barcode=f"barcode-{next(numbers)}",
                fare_version_id=version.pk,
                price_lines=[PriceLineRow("fare", "Saver", 4_206), PriceLineRow("tax", "Tax", 294)],
                needs_seat=name != "lap",
                seat_id=None if name in (None, "lap") else seat_id(trip, name),
            )
            for index, name in enumerate(seats)
        ],
    )


def command(
    *legs: LegRow,
    now: datetime,
    user_id: int | None = None,
    email: str = "",
    kinds: Sequence[str] = (),
    max_live_holds: int = 10,
    max_live_holds_there: int | None = None,
    accept_seat_change: bool = False,
    wishes: Sequence[str] = (),
) -> ReserveCommand:
    kinds = kinds or ["adult"] * len(legs[0].coupons)
    number = next(numbers)
    return ReserveCommand(
        locator=f"T{number:05}",
        holder=HolderRow(
            user_id=user_id,
            guest_digest=None if user_id else f"digest-{number}",
            contact_email=email or f"guest{number}@example.org",
            contact_phone=None,
            language="en",
        ),
        currency="EUR",
        hold_until=now + HOLD,
        passengers=[
            PassengerRow(
                position=index,
                first_name="Ada",
                last_name="Roe",
                kind=kind,
                seat_wish=wishes[index] if wishes else "",
                accompanied_by=0 if kind == "infant" else None,
            )
            for index, kind in enumerate(kinds)
        ],
        legs=legs,
        max_live_holds=max_live_holds,
        max_live_holds_there=max_live_holds_there,
        accept_seat_change=accept_seat_change,
    )


def reserve(*legs: LegRow, now: datetime, **options) -> Result:
    """Reserve in a transaction that a refusal rolls back."""
    with transaction.atomic():
        result = engine.current().reserve(
            command(*legs, now=now, **options), now=now, actor=Actor("holder")
        )
        if not result.done:
            transaction.set_rollback(True)
    return result


def hold(*legs: LegRow, now: datetime, **options) -> int:
    """Reserve, which must succeed; answer the reservation's id."""
    result = reserve(*legs, now=now, **options)
    assert result.outcome is Outcome.DONE
    assert result.reservation_id is not None
    return result.reservation_id


def pay(reservation_id: int, now: datetime) -> None:
    assert engine.current().confirm(reservation_id, now=now, actor=SYSTEM).done


def coupons_of(reservation_id: int) -> list[int]:
    rows = Coupon.objects.filter(passenger__reservation_id=reservation_id)
    return list(rows.order_by("passenger__position", "position").values_list("id", flat=True))


def state_of(reservation_id: int) -> str:
    return Reservation.objects.values_list("state", flat=True).get(id=reservation_id)


def story_of(reservation_id: int) -> list[tuple[str, str, str]]:
    events = ReservationEvent.objects.filter(reservation_id=reservation_id).order_by("id")
    return list(events.values_list("kind", "from_state", "to_state"))


@contextmanager
def nothing_changes() -> Iterator[None]:
    before = everything()
    yield
    assert everything() == before


@pytest.fixture(autouse=True, params=ENGINES)
def engine_in_use(request: pytest.FixtureRequest, settings: Any) -> str:
    """The contract is one, whoever keeps it."""
    settings.SEAT_ENGINE = request.param
    return str(request.param)


@pytest.fixture(autouse=True)
def audited(db: None) -> Iterator[None]:
    yield
    audit()


class TestReserve:
    def test_holds_a_seat_and_writes_everything_down(self, train, traveller, noon):
        reservation_id = hold(leg(train, 1, 3), now=noon, user_id=traveller.pk)

        reservation = Reservation.objects.get(id=reservation_id)
        assert (reservation.state, reservation.user_id) == ("held", traveller.pk)
        assert (reservation.created_at, reservation.hold_until) == (noon, noon + HOLD)
        assert Ticket.objects.get().pk == train.ticket_id(1, 3)
        claim = Claim.objects.get()
        assert (claim.first_segment, claim.last_segment) == (1, 2)
        assert list(PriceLine.objects.order_by("position").values_list("kind", "amount_minor")) == [
            ("fare", 4_206),
            ("tax", 294),
        ]
        assert story_of(reservation_id) == [("reserved", "", "held")]

    def test_the_first_lays_out_the_stock_and_freezes_the_departure(self, train, flight, noon):
        hold(leg(train, 0, 1), now=noon)

        departure = Departure.objects.get(pk=train.departure.pk)
        assert departure.frozen_at == noon
        assert (departure.stock_version, departure.earliest_hold_end) == (1, noon + HOLD)
        # Eight Economy seats and four of Business; the first is taken on segment 0.
        assert list(bits_of(train).values()) == [1] + [0] * 11
        assert not SeatStock.objects.filter(departure=flight.departure).exists()
        # The second one finds it as it is.
        hold(leg(train, 0, 1), now=noon + TICK)
        assert Departure.objects.get(pk=train.departure.pk).frozen_at == noon
        assert SeatStock.objects.count() == 12

    def test_a_ticket_s_row_is_made_once(self, train, noon):
        hold(leg(train), now=noon)
        hold(leg(train), now=noon)
        assert Ticket.objects.count() == 1

    def test_an_infant_has_a_coupon_and_no_claim(self, flight, noon):
        reservation_id = hold(leg(flight, seats=[None, "lap"]), now=noon, kinds=["adult", "infant"])
        assert Claim.objects.count() == 1
        adult, infant = Passenger.objects.order_by("position")
        assert infant.accompanied_by == adult
        assert len(coupons_of(reservation_id)) == 2

    def test_takes_exactly_the_chosen_seats(self, train, noon):
        hold(leg(train, 2, 4, seats=["1/2C", None, "1/1B"]), now=noon)
        # Segments 2 and 3 are bits 4 + 8.
        taken = {name for name, bits in bits_of(train).items() if bits == 12}
        assert {"1/2C", "1/1B"} < taken
        assert len(taken) == 3

    def test_a_seat_is_sold_again_from_where_it_is_left(self, train, noon):
        hold(leg(train, 0, 2, seats=["1/1A"]), now=noon)
        hold(leg(train, 2, 4, seats=["1/1A"]), now=noon)
        assert bits_of(train)["1/1A"] == 0b1111

    def test_two_tickets_of_one_departure_adjoin(self, train, noon):
        reservation_id = hold(leg(train, 0, 2), leg(train, 2, 4), now=noon)
        assert len(coupons_of(reservation_id)) == 2
        assert version_of(train) == 1

    @pytest.mark.parametrize(("start", "end"), [(0, 1), (1, 3), (0, 4), (2, 4), (2, 3)])
    def test_refuses_a_seat_that_is_taken_on_any_part_of_the_way(self, train, noon, start, end):
        hold(leg(train, start, end, seats=["1/1A"]), now=noon)
        with nothing_changes():
            result = reserve(leg(train, 0, 4, seats=["1/1A"]), now=noon)
        assert result.outcome is Outcome.SEAT_TAKEN
        assert result.ticket_id == train.ticket_id(0, 4)

    def test_refuses_when_too_few_are_left(self, flight, noon):
        hold(leg(flight, seats=[None] * 4), now=noon)
        with nothing_changes():
            result = reserve(leg(flight, seats=[None] * 3), now=noon)
        assert result.outcome is Outcome.SOLD_OUT
        assert reserve(leg(flight, seats=[None] * 2), now=noon).done

    def test_a_chosen_seat_that_is_free_is_not_to_blame(self, flight, noon):
        hold(leg(flight, seats=["Cabin/1A", *[None] * 4]), now=noon)
        free = next(name for name, bits in bits_of(flight).items() if not bits)
        assert reserve(leg(flight, seats=[free, None]), now=noon).outcome is Outcome.SOLD_OUT
        taken = reserve(leg(flight, seats=["Cabin/1A", None]), now=noon)
        assert taken.outcome is Outcome.SEAT_TAKEN

    def test_a_seat_chosen_twice_is_taken_by_the_other(self, train, noon):
        with nothing_changes():
            result = reserve(leg(train, seats=["1/1A", "1/1A"]), now=noon)
        assert result.outcome is Outcome.SEAT_TAKEN

    @pytest.mark.parametrize("fare", [0, 1])
    def test_refuses_a_seat_of_another_class_or_vehicle(self, train, flight, noon, fare):
        """One of Business, though its row is free, and one of the aircraft."""
        elsewhere = [leg(train, fare=fare, seats=["2/1A"])]
        other = leg(flight, seats=["Cabin/1A"]).coupons[0].seat_id
        first = leg(train, fare=fare)
        elsewhere.append(replace(first, coupons=[replace(first.coupons[0], seat_id=other)]))
        for wanted in elsewhere:
            with nothing_changes():
                assert reserve(wanted, now=noon).outcome is Outcome.SEAT_TAKEN

    def test_refuses_a_departure_that_does_not_exist(self, train, noon):
        gone = replace(leg(train), departure_id=train.departure.pk + 1_000_000)
        with nothing_changes():
            assert reserve(gone, now=noon).outcome is Outcome.DEPARTURE_CLOSED

    def test_more_passengers_than_seats(self, flight, noon):
        with nothing_changes():
            assert reserve(leg(flight, seats=[None] * 7), now=noon).outcome is Outcome.SOLD_OUT

    def test_classes_do_not_share_seats(self, train, noon):
        hold(leg(train, fare=2, seats=[None] * 4), now=noon)
        assert reserve(leg(train, fare=2), now=noon).outcome is Outcome.SOLD_OUT
        assert reserve(leg(train, fare=0, seats=[None] * 8), now=noon).done

    def test_all_tickets_or_none(self, train, flight, noon):
        hold(leg(flight, seats=[None] * 6), now=noon)
        with nothing_changes():
            result = reserve(leg(train), leg(flight), now=noon)
        assert (result.outcome, result.ticket_id) == (Outcome.SOLD_OUT, flight.ticket_id())

    def test_refuses_one_hold_too_many(self, train, traveller, noon):
        for _ in range(2):
            hold(leg(train), now=noon, user_id=traveller.pk, max_live_holds=2)
        with nothing_changes():
            result = reserve(leg(train), now=noon, user_id=traveller.pk, max_live_holds=2)
        assert result.outcome is Outcome.TOO_MANY_HOLDS

    def test_counts_only_holds_that_live(self, train, flight, traveller, noon):
        me = {"user_id": traveller.pk, "max_live_holds": 1}
        pay(hold(leg(train), now=noon, **me), noon)
        given_back = hold(leg(train), now=noon, **me)
        engine.current().release(given_back, now=noon, actor=SYSTEM)
        hold(leg(train), now=noon, **me)
        # Nobody has swept, and the next one is on another departure.
        assert reserve(leg(flight), now=noon + HOLD - TICK, **me).outcome is (
            Outcome.TOO_MANY_HOLDS
        )
        assert reserve(leg(flight), now=noon + HOLD, **me).done

    def test_a_guest_is_known_by_the_address(self, train, noon):
        hold(leg(train), now=noon, email="a@example.org", max_live_holds=1)
        again = reserve(leg(train), now=noon, email="a@example.org", max_live_holds=1)
        assert again.outcome is Outcome.TOO_MANY_HOLDS
        assert reserve(leg(train), now=noon, email="b@example.org", max_live_holds=1).done

    def test_refuses_a_boarding_call_that_is_closed(self, train, noon):
        closes = noon + timedelta(hours=1)
        with nothing_changes():
            result = reserve(leg(train, closes_at=closes), now=closes)
        assert (result.outcome, result.ticket_id) == (
            Outcome.DEPARTURE_CLOSED,
            train.ticket_id(),
        )
        assert reserve(leg(train, closes_at=closes), now=closes - TICK).done

    @pytest.mark.parametrize(
        "change",
        [
            {"state": "cancelled"},
            {"state": "withdrawn"},
            {"sales_closed_at": datetime(2026, 6, 1, tzinfo=UTC)},
        ],
        ids=["cancelled", "withdrawn", "off sale"],
    )
    def test_looks_at_the_departure_again_under_its_lock(self, train, noon, change):
        ready = leg(train)
        Departure.objects.filter(pk=train.departure.pk).update(**change)
        with nothing_changes():
            assert reserve(ready, now=noon).outcome is Outcome.DEPARTURE_CLOSED

    def test_refusals_come_in_the_order_of_the_contract(self, flight, traveller, noon):
        me = {"user_id": traveller.pk, "max_live_holds": 1}
        hold(leg(flight, seats=["Cabin/1A", *[None] * 5]), now=noon, **me)
        full_closed = leg(flight, seats=["Cabin/1A"], closes_at=noon)
        full = leg(flight, seats=["Cabin/1A"])
        assert [
            reserve(full_closed, now=noon, **me).outcome,
            reserve(full_closed, now=noon).outcome,
            reserve(full, now=noon).outcome,
            reserve(leg(flight), now=noon).outcome,
        ] == [
            Outcome.TOO_MANY_HOLDS,
            Outcome.DEPARTURE_CLOSED,
            Outcome.SEAT_TAKEN,
            Outcome.SOLD_OUT,
        ]


class TestHoldsThatEnded:
    def test_their_seats_are_sold_at_the_second_they_end(self, flight, noon):
        dead = hold(leg(flight, seats=[None] * 6), now=noon)

        assert reserve(leg(flight), now=noon + HOLD - TICK).outcome is Outcome.SOLD_OUT
        assert reserve(leg(flight, seats=[None] * 6), now=noon + HOLD).done
        assert state_of(dead) == "expired"
        assert story_of(dead) == [("reserved", "", "held"), ("expired", "held", "expired")]
        assert set(
            Coupon.objects.filter(passenger__reservation_id=dead).values_list("state", flat=True)
        ) == {"cancelled"}

    def test_a_chosen_seat_as_well(self, flight, noon):
        hold(leg(flight, seats=["Cabin/1A"]), now=noon)
        assert reserve(leg(flight, seats=["Cabin/1A"]), now=noon + HOLD).done

    def test_however_many_there_are(self, flight, noon):
        for _ in range(6):
            hold(leg(flight), now=noon)
        assert reserve(leg(flight, seats=[None] * 6), now=noon + HOLD).done

    def test_their_other_departure_is_freed_with_them(self, train, flight, noon):
        hold(leg(train, 0, 1), leg(flight), now=noon)
        hold(leg(train), now=noon + HOLD)
        assert set(bits_of(flight).values()) == {0}
        assert Departure.objects.get(pk=flight.departure.pk).earliest_hold_end is None

    def test_one_that_was_paid_in_time_is_left_alone(self, flight, noon):
        paid = hold(leg(flight, seats=["Cabin/1A"]), now=noon)
        pay(paid, noon + HOLD - TICK)
        later = reserve(leg(flight, seats=["Cabin/1A"]), now=noon + HOLD)
        assert later.outcome is Outcome.SEAT_TAKEN
        assert state_of(paid) == "paid"

    def test_a_refused_reserve_takes_its_sweeping_back(self, flight, noon):
        hold(leg(flight, seats=[None] * 2), now=noon)
        with nothing_changes():
            too_many = reserve(leg(flight, seats=[None] * 7), now=noon + HOLD)
        assert too_many.outcome is Outcome.SOLD_OUT


class TestConfirm:
    def test_pays_a_live_hold(self, train, noon):
        held = hold(leg(train), now=noon)
        result = engine.current().confirm(held, now=noon + HOLD - TICK, actor=SYSTEM)
        assert (result.outcome, result.reservation_id) == (Outcome.DONE, held)
        assert state_of(held) == "paid"
        assert story_of(held)[1:] == [("paid", "held", "paid")]

    def test_refuses_a_hold_that_ended_though_nobody_swept_it(self, train, noon):
        held = hold(leg(train), now=noon)
        with nothing_changes():
            result = engine.current().confirm(held, now=noon + HOLD, actor=SYSTEM)
        assert result.outcome is Outcome.HOLD_EXPIRED
        assert state_of(held) == "held"


class TestRelease:
    def test_frees_the_seats_at_once(self, train, noon):
        held = hold(leg(train, seats=[None] * 8), now=noon)
        assert engine.current().release(held, now=noon, actor=SYSTEM).done
        assert state_of(held) == "cancelled"
        assert set(bits_of(train).values()) == {0}
        assert Departure.objects.get(pk=train.departure.pk).earliest_hold_end is None
        assert reserve(leg(train, seats=[None] * 8), now=noon).done
        assert story_of(held)[1:] == [("released", "held", "cancelled")]

    def test_leaves_the_seat_to_who_has_it_on_the_other_part_of_the_way(self, train, noon):
        first = hold(leg(train, 0, 2, seats=["1/1A"]), now=noon)
        hold(leg(train, 2, 4, seats=["1/1A"]), now=noon)
        engine.current().release(first, now=noon, actor=SYSTEM)
        assert bits_of(train)["1/1A"] == 0b1100


Act = Callable[[int, datetime], Result]


def confirm(reservation_id: int, now: datetime) -> Result:
    return engine.current().confirm(reservation_id, now=now, actor=SYSTEM)


def release(reservation_id: int, now: datetime) -> Result:
    return engine.current().release(reservation_id, now=now, actor=SYSTEM)


def extend(reservation_id: int, now: datetime) -> Result:
    return engine.current().extend(
        reservation_id, until=now + HOLD, mark="extended_at", now=now, actor=SYSTEM
    )


def cancel(reservation_id: int, now: datetime) -> Result:
    return engine.current().cancel_coupons(
        reservation_id, coupons_of(reservation_id), now=now, actor=SYSTEM
    )


class TestStates:
    """Each act in each state that does not allow it."""

    @pytest.mark.parametrize("act", [confirm, release, extend, cancel])
    def test_what_does_not_exist_is_not_found(self, timetable, noon, act: Act):
        assert act(2**40, noon).outcome is Outcome.NOT_FOUND

    @pytest.mark.parametrize(
        ("act", "outcome"),
        [
            (confirm, Outcome.ALREADY_PAID),
            (release, Outcome.ALREADY_PAID),
            (extend, Outcome.ALREADY_PAID),
        ],
    )
    def test_paid(self, train, noon, act: Act, outcome):
        paid = hold(leg(train), now=noon)
        pay(paid, noon)
        with nothing_changes():
            assert act(paid, noon).outcome is outcome

    @pytest.mark.parametrize("act", [confirm, release, extend, cancel])
    def test_cancelled(self, train, noon, act: Act):
        given_back = hold(leg(train), now=noon)
        release(given_back, noon)
        with nothing_changes():
            assert act(given_back, noon).outcome is Outcome.ALREADY_CANCELLED

    @pytest.mark.parametrize("act", [confirm, release, extend, cancel])
    @pytest.mark.parametrize("swept", [True, False])
    def test_expired(self, train, noon, act: Act, swept):
        dead = hold(leg(train), now=noon)
        if swept:
            assert engine.current().expire(now=noon + HOLD, limit=10) == 1
        wanted = Outcome.HOLD_EXPIRED if swept or act is not cancel else Outcome.NOT_CANCELLABLE
        with nothing_changes():
            assert act(dead, noon + HOLD).outcome is wanted

    def test_a_hold_is_released_and_not_cancelled(self, train, noon):
        held = hold(leg(train), now=noon)
        with nothing_changes():
            assert cancel(held, noon).outcome is Outcome.NOT_CANCELLABLE


class TestExtend:
    def test_lengthens_once_for_each_mark(self, train, noon):
        held = hold(leg(train), now=noon)
        later = noon + timedelta(minutes=5)
        assert extend(held, later).details == {"changed": True}
        departure = Departure.objects.get(pk=train.departure.pk)
        assert departure.earliest_hold_end == later + HOLD
        with nothing_changes():
            assert extend(held, later + TICK).details == {"changed": False}
        paying = engine.current().extend(
            held, until=later + HOLD + TICK, mark="lengthened_at", now=later, actor=SYSTEM
        )
        assert paying.details == {"changed": True}
        assert story_of(held)[1:] == [("extended", "held", "held")] * 2

    def test_never_shortens(self, train, noon):
        held = hold(leg(train), now=noon)
        with nothing_changes():
            result = engine.current().extend(
                held, until=noon + HOLD, mark="lengthened_at", now=noon, actor=SYSTEM
            )
        assert (result.outcome, result.details) == (Outcome.DONE, {"changed": False})

    def test_a_longer_hold_keeps_its_seats_longer(self, flight, noon):
        held = hold(leg(flight, seats=[None] * 6), now=noon)
        extend(held, noon + timedelta(minutes=9))
        assert reserve(leg(flight), now=noon + timedelta(minutes=19) - TICK).outcome is (
            Outcome.SOLD_OUT
        )
        assert reserve(leg(flight), now=noon + timedelta(minutes=19)).done


class TestCancelCoupons:
    def test_a_part_frees_its_seat_and_leaves_the_rest_paid(self, train, noon):
        paid = hold(leg(train, seats=["1/1A", "1/1B"]), now=noon)
        pay(paid, noon)
        first, _second = coupons_of(paid)

        result = engine.current().cancel_coupons(paid, [first], now=noon, actor=SYSTEM)

        assert (result.outcome, result.details) == (Outcome.DONE, {"whole": False})
        assert state_of(paid) == "paid"
        assert (bits_of(train)["1/1A"], bits_of(train)["1/1B"]) == (0, 0b1111)
        assert story_of(paid)[2:] == [("part_cancelled", "paid", "paid")]

    def test_the_last_part_is_the_whole(self, train, noon):
        paid = hold(leg(train, seats=["1/1A", "1/1B"]), now=noon)
        pay(paid, noon)
        first, second = coupons_of(paid)
        engine.current().cancel_coupons(paid, [first], now=noon, actor=SYSTEM)
        result = engine.current().cancel_coupons(paid, [second], now=noon, actor=SYSTEM)
        assert result.details == {"whole": True}
        assert state_of(paid) == "cancelled"

    def test_refuses_a_part_that_is_cancelled_used_or_somebody_else_s(self, train, noon):
        paid = hold(leg(train, seats=[None] * 3), now=noon)
        other = hold(leg(train), now=noon)
        for one in (paid, other):
            pay(one, noon)
        gone, used, left = coupons_of(paid)
        engine.current().cancel_coupons(paid, [gone], now=noon, actor=SYSTEM)
        Coupon.objects.filter(id=used).update(state="used")

        wanted = {
            gone: Outcome.ALREADY_CANCELLED,
            used: Outcome.NOT_CANCELLABLE,
            coupons_of(other)[0]: Outcome.NOT_FOUND,
        }
        with nothing_changes():
            found = {
                coupon: engine.current()
                .cancel_coupons(paid, [left, coupon], now=noon, actor=SYSTEM)
                .outcome
                for coupon in wanted
            }
        assert found == wanted


class TestExpire:
    def test_takes_those_that_ended_the_longest_ago_up_to_the_limit(self, train, noon):
        holds = [hold(leg(train), now=noon + timedelta(minutes=n)) for n in range(4)]
        now = noon + HOLD + timedelta(minutes=2)

        assert engine.current().expire(now=now, limit=2) == 2
        assert [state_of(one) for one in holds] == ["expired", "expired", "held", "held"]
        assert engine.current().expire(now=now, limit=2) == 1
        assert engine.current().expire(now=now, limit=2) == 0
        assert state_of(holds[3]) == "held"

    def test_leaves_paid_ones_alone(self, train, noon):
        paid = hold(leg(train), now=noon)
        pay(paid, noon)
        assert engine.current().expire(now=noon + HOLD, limit=10) == 0
        assert state_of(paid) == "paid"

    def test_the_next_end_is_noted(self, train, noon):
        hold(leg(train), now=noon)
        hold(leg(train), now=noon + timedelta(minutes=1))
        engine.current().expire(now=noon + HOLD, limit=10)
        departure = Departure.objects.get(pk=train.departure.pk)
        assert departure.earliest_hold_end == noon + HOLD + timedelta(minutes=1)


class TestStatements:
    def count(self, act: Callable[[], object]) -> int:
        with CaptureQueriesContext(connection) as captured:
            act()
        return len(captured)

    def test_a_large_party_costs_as_many_as_a_small_one(self, train, noon):
        hold(leg(train, fare=2), now=noon)  # the stock is laid out
        two, eight = leg(train, 0, 1, seats=[None] * 2), leg(train, 1, 4, seats=[None] * 8)
        train.ticket(0, 1)
        train.ticket(1, 4)
        assert self.count(lambda: hold(two, now=noon)) == self.count(lambda: hold(eight, now=noon))

    def test_a_single_traveller_costs_no_more_than_a_party(self, train, noon):
        hold(leg(train, fare=2), now=noon)
        one, two = leg(train, 0, 1), leg(train, 1, 4, seats=[None] * 2)
        train.ticket(0, 1)
        train.ticket(1, 4)
        assert self.count(lambda: hold(one, now=noon)) <= self.count(lambda: hold(two, now=noon))

    def test_a_longer_way_costs_no_more(self, train, noon):
        hold(leg(train, fare=2), now=noon)
        short, long = leg(train, 0, 1), leg(train, 0, 4)
        assert self.count(lambda: hold(short, now=noon)) == self.count(lambda: hold(long, now=noon))

    def test_expiring_many_costs_as_much_as_one(self, train, noon):
        hold(leg(train), now=noon)
        one = self.count(lambda: engine.current().expire(now=noon + HOLD, limit=10))
        for _ in range(5):
            hold(leg(train), now=noon)
        five = self.count(lambda: engine.current().expire(now=noon + HOLD, limit=10))
        assert one == five


class TestQuota:
    def test_a_fare_fills_no_more_seats_than_its_quota(self, train, noon):
        three = replace(leg(train, seats=[None] * 3), quota=4)
        hold(three, now=noon)
        with nothing_changes():
            result = reserve(replace(leg(train, seats=[None] * 2), quota=4), now=noon)
        assert (result.outcome, result.ticket_id) == (Outcome.SOLD_OUT, train.ticket_id())
        assert reserve(replace(leg(train), quota=4), now=noon).done
        assert reserve(replace(leg(train), quota=4), now=noon).outcome is Outcome.SOLD_OUT

    def test_other_fares_have_the_rest(self, train, noon):
        hold(replace(leg(train), quota=1), now=noon)
        assert reserve(leg(train, fare=1, seats=[None] * 7), now=noon).done

    def test_it_counts_on_each_segment_by_itself(self, train, noon):
        hold(replace(leg(train, 0, 2), quota=1), now=noon)
        hold(replace(leg(train, 2, 4), quota=1), now=noon)
        with nothing_changes():
            assert reserve(replace(leg(train, 1, 3), quota=1), now=noon).outcome is (
                Outcome.SOLD_OUT
            )
        # One coupon on each segment, though two were sold: a second one fits everywhere.
        assert reserve(replace(leg(train, 0, 4), quota=2), now=noon).done

    def test_what_is_given_back_is_sold_again(self, train, noon):
        released = hold(replace(leg(train), quota=2), now=noon)
        hold(replace(leg(train), quota=2), now=noon)
        engine.current().release(released, now=noon, actor=SYSTEM)
        assert reserve(replace(leg(train), quota=2), now=noon).done
        # All of it ends, and nobody swept.
        assert reserve(replace(leg(train, seats=[None] * 2), quota=2), now=noon + HOLD).done

    def test_laps_fill_no_seat(self, train, noon):
        party = replace(leg(train, seats=[None, "lap"]), quota=1)
        assert reserve(party, now=noon, kinds=["adult", "infant"]).done


class TestSeatChange:
    """Eight seats; on segments 0 and 1 the first four are free, on 2 and 3 the others."""

    @pytest.fixture
    def split(self, train, noon) -> Trip:
        front = ["1/1A", "1/1B", "1/1C", "1/1D"]
        back = ["1/2A", "1/2B", "1/2C", "1/2D"]
        hold(leg(train, 2, 4, seats=front), now=noon)
        hold(leg(train, 0, 2, seats=back), now=noon)
        return train

    def test_is_offered_and_not_imposed(self, split, noon):
        with nothing_changes():
            result = reserve(leg(split), now=noon)
        assert result.outcome is Outcome.SOLD_OUT
        parts = result.details["seat_changes"]
        assert [
            (one.passenger, one.coach, one.seat, one.first_segment, one.last_segment)
            for one in parts
        ] == [(0, "1", "1A", 0, 1), (0, "1", "2A", 2, 3)]
        assert {one.ticket_id for one in parts} == {split.ticket_id()}

    def test_who_agrees_gets_one_seat_after_the_other(self, split, noon):
        held = hold(leg(split, seats=[None] * 2), now=noon, accept_seat_change=True)
        claims = Claim.objects.filter(coupon__passenger__reservation_id=held)
        assert sorted(
            claims.values_list("stock__seat__label", "first_segment", "last_segment")
        ) == [
            ("1A", 0, 1),
            ("1B", 0, 1),
            ("2A", 2, 3),
            ("2B", 2, 3),
        ]
        event = ReservationEvent.objects.get(reservation_id=held)
        assert [seat[2:] for seat in event.details["seats"]] == [
            ["1", "1A", 0, 1],
            ["1", "2A", 2, 3],
            ["1", "1B", 0, 1],
            ["1", "2B", 2, 3],
        ]

    def test_the_seats_come_back_with_the_release(self, split, noon):
        before = bits_of(split)
        held = hold(leg(split, seats=[None] * 4), now=noon, accept_seat_change=True)
        assert set(list(bits_of(split).values())[:8]) == {0b1111}
        engine.current().release(held, now=noon, actor=SYSTEM)
        assert bits_of(split) == before

    def test_or_with_the_end_of_the_hold(self, split, noon):
        hold(leg(split, seats=[None] * 4), now=noon, accept_seat_change=True)
        engine.current().expire(now=noon + HOLD, limit=10)
        assert set(bits_of(split).values()) == {0}

    def test_is_not_offered_where_a_segment_is_full(self, split, noon):
        hold(leg(split, 1, 2, seats=[None] * 4), now=noon)
        with nothing_changes():
            result = reserve(leg(split), now=noon)
        assert (result.outcome, result.details) == (Outcome.SOLD_OUT, {})
        agreed = reserve(leg(split), now=noon, accept_seat_change=True)
        assert agreed.outcome is Outcome.SOLD_OUT

    def test_is_not_offered_to_who_chose_a_seat(self, split, noon):
        result = reserve(leg(split, seats=["1/1A"]), now=noon)
        assert (result.outcome, result.details) == (Outcome.SEAT_TAKEN, {})

    def test_who_agrees_keeps_one_seat_where_there_is_one(self, train, noon):
        held = hold(leg(train), now=noon, accept_seat_change=True)
        assert Claim.objects.filter(coupon__passenger__reservation_id=held).count() == 1


class TestHoldsThere:
    def test_limits_the_holds_on_one_departure(self, train, flight, traveller, noon):
        me = {"user_id": traveller.pk, "max_live_holds_there": 2}
        hold(leg(train, 0, 1), now=noon, **me)
        hold(leg(train, 1, 2), leg(flight), now=noon, **me)
        with nothing_changes():
            assert reserve(leg(train, 2, 3), now=noon, **me).outcome is Outcome.TOO_MANY_HOLDS
        assert reserve(leg(flight), now=noon, **me).done
        assert reserve(leg(train, 2, 3), now=noon).done

    def test_a_guest_is_known_by_the_address_there_too(self, train, noon):
        me = {"email": "a@example.org", "max_live_holds_there": 1}
        hold(leg(train), now=noon, **me)
        assert reserve(leg(train), now=noon, **me).outcome is Outcome.TOO_MANY_HOLDS
        assert reserve(leg(train), now=noon + HOLD, **me).done


class TestWishes:
    """A single traveller's wish is met alike by every engine."""

    @pytest.fixture
    def car(self, timetable) -> Trip:
        """Coach 1: 1A 1B|1C 1D; 1A is a wheelchair space, 1C is quiet."""
        trip = timetable.train
        seats = Seat.objects.filter(coach__seat_map=trip.departure.vehicle.seat_map)
        seats.filter(coach__label="1", label="1A").update(is_accessible=True)
        seats.filter(coach__label="1", label="1C").update(is_quiet=True)
        return trip

    @pytest.mark.parametrize(
        ("wish", "seat"),
        [("", "1B"), ("window", "1D"), ("aisle", "1B"), ("quiet", "1C"), ("accessible", "1A")],
    )
    def test_gets_the_first_seat_that_meets_it(self, car, noon, wish, seat):
        held = hold(leg(car), now=noon, wishes=[wish])
        claim = Claim.objects.get(coupon__passenger__reservation_id=held)
        assert claim.stock.seat.label == seat

    def test_a_wheelchair_space_goes_last_to_who_needs_none(self, car, noon):
        hold(leg(car, seats=[None] * 7), now=noon)
        last = hold(leg(car), now=noon)
        claim = Claim.objects.get(coupon__passenger__reservation_id=last)
        assert claim.stock.seat.label == "1A"

    def test_who_needs_one_takes_another_when_it_is_gone(self, car, noon):
        hold(leg(car), now=noon, wishes=["accessible"])
        held = hold(leg(car), now=noon, wishes=["accessible"])
        claim = Claim.objects.get(coupon__passenger__reservation_id=held)
        assert claim.stock.seat.label == "1B"


class TestReclaim:
    """A payment came after the hold had ended."""

    later = HOLD + timedelta(minutes=1)

    def reclaim(self, reservation_id: int, now: datetime, *, other_seats: bool = False) -> Result:
        with transaction.atomic():
            result = engine.current().reclaim(
                reservation_id, until=now + HOLD, other_seats=other_seats, now=now, actor=SYSTEM
            )
            if not result.done:
                transaction.set_rollback(True)
        return result

    @pytest.mark.parametrize("swept", [True, False])
    def test_gets_the_same_seats_again(self, train, noon, swept):
        held = hold(leg(train, 1, 3, seats=["1/2C", "1/1B"]), leg(train, 3, 4), now=noon)
        before = bits_of(train)
        now = noon + self.later
        if swept:
            engine.current().expire(now=now, limit=10)

        assert self.reclaim(held, now).done

        assert bits_of(train) == before
        assert state_of(held) == "held"
        assert Reservation.objects.get(id=held).hold_until == now + HOLD
        assert set(Coupon.objects.values_list("state", flat=True)) == {"open"}
        assert story_of(held) == [
            ("reserved", "", "held"),
            ("expired", "held", "expired"),
            ("reclaimed", "expired", "held"),
        ]
        pay(held, now)
        assert state_of(held) == "paid"

    def test_not_once_somebody_else_has_one_of_them(self, train, noon):
        held = hold(leg(train, seats=["1/2C", "1/1B"]), now=noon)
        now = noon + self.later
        hold(leg(train, 3, 4, seats=["1/1B"]), now=now)
        with nothing_changes():
            assert self.reclaim(held, now).outcome is Outcome.SEAT_TAKEN

    def test_but_others_of_the_class_if_the_traveller_agreed(self, train, noon):
        held = hold(leg(train, seats=["1/2C", "1/1B"]), now=noon)
        now = noon + self.later
        hold(leg(train, 3, 4, seats=["1/1B"]), now=now)
        assert self.reclaim(held, now, other_seats=True).done
        seats = Claim.objects.filter(coupon__passenger__reservation_id=held)
        assert "1B" not in seats.values_list("stock__seat__label", flat=True)
        assert seats.count() == 2

    def test_not_when_nothing_is_left(self, flight, noon):
        held = hold(leg(flight), now=noon)
        now = noon + self.later
        hold(leg(flight, seats=[None] * 6), now=now)
        with nothing_changes():
            assert self.reclaim(held, now, other_seats=True).outcome is Outcome.SOLD_OUT

    def test_not_once_the_train_has_left(self, train, noon):
        held = hold(leg(train, 1, 3), now=noon)
        leaves = train.calls[1].departs_at
        assert self.reclaim(held, leaves).outcome is Outcome.DEPARTURE_CLOSED
        assert self.reclaim(held, leaves - TICK).done

    def test_not_when_the_departure_is_cancelled(self, train, noon):
        held = hold(leg(train), now=noon)
        Departure.objects.filter(pk=train.departure.pk).update(state="cancelled")
        with nothing_changes():
            assert self.reclaim(held, noon + self.later).outcome is Outcome.DEPARTURE_CLOSED

    def test_leaves_a_live_hold_as_it_is(self, train, noon):
        held = hold(leg(train), now=noon)
        with nothing_changes():
            assert self.reclaim(held, noon).done

    def test_seats_without_labels_are_as_good_as_each_other(self, coach, noon):
        held = hold(leg(coach, seats=[None] * 3), now=noon)
        assert self.reclaim(held, noon + self.later).done
        assert Claim.objects.count() == 3

    def test_who_changed_seats_does_so_again(self, train, noon):
        hold(leg(train, 2, 4, seats=[None] * 4), now=noon)
        hold(leg(train, 0, 2, seats=["1/2A", "1/2B", "1/2C", "1/2D"]), now=noon)
        for other in Reservation.objects.values_list("id", flat=True):
            pay(other, noon)
        held = hold(leg(train), now=noon, accept_seat_change=True)
        assert self.reclaim(held, noon + self.later).done
        assert Claim.objects.filter(coupon__passenger__reservation_id=held).count() == 2

    def test_also_where_seats_have_no_labels(self, coach, noon):
        # Two of the four seats are taken on the first segment, the other two on the second.
        for start, end in [(0, 1), (1, 2)]:
            fillers = [hold(leg(coach, start, end), now=noon) for _ in range(4)]
            for one in fillers:
                pay(one, noon)
            for one in fillers[2 * start : 2 * start + 2]:
                engine.current().cancel_coupons(one, coupons_of(one), now=noon, actor=SYSTEM)
        stock = SeatStock.objects.filter(departure=coach.departure)
        assert sorted(stock.values_list("taken", flat=True)) == [0b01, 0b01, 0b10, 0b10]
        held = hold(leg(coach), now=noon, accept_seat_change=True)
        assert self.reclaim(held, noon + self.later).done
        assert Claim.objects.filter(coupon__passenger__reservation_id=held).count() == 2

    def test_a_party_of_which_one_changes_gets_the_very_seats(self, train, noon):
        """Of eight seats 1A is free all the way, 1B to Göttingen and 1C from there."""
        others = [
            hold(leg(train, seats=["1/1D", "1/2A", "1/2B", "1/2C", "1/2D"]), now=noon),
            hold(leg(train, 2, 4, seats=["1/1B"]), now=noon),
            hold(leg(train, 0, 2, seats=["1/1C"]), now=noon),
        ]
        for other in others:
            pay(other, noon)
        held = hold(leg(train, seats=[None] * 2), now=noon, accept_seat_change=True)
        had = bits_of(train)
        assert self.reclaim(held, noon + self.later).done
        assert bits_of(train) == had
        assert Claim.objects.filter(coupon__passenger__reservation_id=held).count() == 3

    def test_what_is_paid_or_cancelled_is_told(self, train, noon):
        paid, released = hold(leg(train), now=noon), hold(leg(train), now=noon)
        pay(paid, noon)
        engine.current().release(released, now=noon, actor=SYSTEM)
        assert self.reclaim(paid, noon + self.later).outcome is Outcome.ALREADY_PAID
        assert self.reclaim(released, noon + self.later).outcome is Outcome.ALREADY_CANCELLED
        assert self.reclaim(released + 1_000, noon).outcome is Outcome.NOT_FOUND


@pytest.mark.mariadb
class TestRowsRead:
    """An act reads, and locks, the rows of its own departures: others sell at the same time."""

    def read(self, act: Callable[[], object]) -> int:
        """Do it; answer how many rows the server read for it."""

        def so_far() -> int:
            with connection.cursor() as cursor:
                cursor.execute("SHOW SESSION STATUS LIKE 'Handler_read%'")
                return sum(int(value) for _, value in cursor.fetchall())

        before = so_far()
        act()
        return so_far() - before

    def story(self, train: Trip, now: datetime) -> list[int]:
        """Reserve, pay; reserve, release; reserve, expire: rows read by each act."""
        paid, released = leg(train, 0, 1), leg(train, 1, 2)
        found = [self.read(lambda: hold(paid, now=now))]
        first = Reservation.objects.latest("id").pk
        found.append(self.read(lambda: pay(first, now)))
        second = hold(released, now=now)
        found.append(self.read(lambda: engine.current().release(second, now=now, actor=SYSTEM)))
        hold(leg(train, 2, 3), now=now)
        found.append(self.read(lambda: engine.current().expire(now=now + HOLD, limit=10)))
        return found

    def test_however_many_departures_have_sold(self, train, noon):
        hold(leg(train, 0, 4, fare=2), now=noon)  # the stock is laid out
        self.story(train, noon)
        few = self.story(train, noon + 2 * HOLD)
        seats = list(SeatStock.objects.filter(departure=train.departure))
        others = [
            Departure(
                service=train.departure.service,
                vehicle=train.departure.vehicle,
                travel_date=train.departure.travel_date,
                run=f"other {number}",
                frozen_at=noon,
                stock_version=1,
            )
            for number in range(200)
        ]
        Departure.objects.bulk_create(others)
        SeatStock.objects.bulk_create(
            SeatStock(departure=other, seat_id=one.seat_id, travel_class=one.travel_class, taken=0)
            for other in Departure.objects.filter(run__startswith="other")
            for one in seats
        )
        many = self.story(train, noon + 4 * HOLD)
        # 200 departures and 2,400 seats more would show. The coupons of this train add a few.
        assert max(late - early for early, late in zip(few, many, strict=True)) < 150
