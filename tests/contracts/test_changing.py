"""
The engine's contract on changing what is booked: other seats, and another departure.

As in test_engine, each engine of the database in use is asked, and a refusal changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction

from bookings import engine
from bookings.engine.contract import (
    Actor,
    CouponRow,
    ExchangeCommand,
    LegRow,
    Outcome,
    Result,
    SeatChange,
)
from bookings.models import Claim, Coupon, PriceLine, Reservation, ReservationEvent, SeatStock
from inventory.models import Departure, FareVersion
from tests.contracts.test_engine import (
    ENGINES,
    coupons_of,
    hold,
    leg,
    nothing_changes,
    pay,
    seat_id,
    state_of,
    story_of,
)
from tests.factories import Stop, Trip, make_trip
from tests.selling import HOLD, audit, bits_of, version_of

TICK = timedelta(microseconds=1)
HOLDER = Actor("holder")


@pytest.fixture(autouse=True, params=ENGINES)
def engine_in_use(request: pytest.FixtureRequest, settings: Any) -> str:
    settings.SEAT_ENGINE = request.param
    return str(request.param)


@pytest.fixture(autouse=True)
def audited(db: None) -> Iterator[None]:
    yield
    audit()


def taken(trip: Trip) -> dict[str, int]:
    return {name: bits for name, bits in bits_of(trip).items() if bits}


def change(
    reservation_id: int, *wanted: tuple[int, int], now: datetime, actor: Actor = HOLDER
) -> Result:
    """Change seats in a transaction that a refusal rolls back; pairs of coupon and seat."""
    with transaction.atomic():
        result = engine.current().change_seats(
            reservation_id, [SeatChange(*one) for one in wanted], now=now, actor=actor
        )
        if not result.done:
            transaction.set_rollback(True)
    return result


class TestChangeSeats:
    def test_gives_one_seat_for_another(self, train, noon):
        booked = hold(leg(train, 1, 3), now=noon)
        pay(booked, noon)
        (coupon,) = coupons_of(booked)
        version = version_of(train)

        result = change(booked, (coupon, seat_id(train, "1/2D")), now=noon)

        assert (result.outcome, result.details) == (Outcome.DONE, {"changed": True})
        # Segments 1 and 2.
        assert taken(train) == {"1/2D": 0b0110}
        assert version_of(train) == version + 1
        assert story_of(booked)[-1] == ("seats_changed", "paid", "paid")
        event = ReservationEvent.objects.get(kind="seats_changed")
        assert event.details == {
            "before": [[coupon, train.departure.pk, "1", "1A", 1, 2]],
            "seats": [[coupon, train.departure.pk, "1", "2D", 1, 2]],
        }

    def test_changes_a_hold_and_leaves_its_end(self, train, noon):
        booked = hold(leg(train, 0, 1), now=noon)
        (coupon,) = coupons_of(booked)
        assert change(booked, (coupon, seat_id(train, "1/1B")), now=noon + HOLD - TICK).done
        assert taken(train) == {"1/1B": 0b0001}
        assert Reservation.objects.get().hold_until == noon + HOLD
        assert Departure.objects.get(pk=train.departure.pk).earliest_hold_end == noon + HOLD

    def test_a_party_swaps_among_itself(self, train, noon):
        booked = hold(leg(train, seats=("1/1A", "1/1B")), now=noon)
        ada, bob = coupons_of(booked)

        done = change(
            booked, (ada, seat_id(train, "1/1B")), (bob, seat_id(train, "1/1A")), now=noon
        )

        assert done.done
        sits = dict(Claim.objects.values_list("coupon_id", "stock__seat__label"))
        assert sits == {ada: "1B", bob: "1A"}

    def test_who_changed_seats_on_the_way_has_one_all_the_way(self, train, noon):
        # 1A is taken on segment 0, every other seat on segment 3: nobody can sit still.
        hold(leg(train, 0, 1, seats=("1/1A",)), now=noon)
        others = hold(
            leg(train, 3, 4, seats=("1/1B", "1/1C", "1/1D", "1/2A", "1/2B", "1/2C", "1/2D")),
            now=noon,
        )
        booked = hold(leg(train), now=noon, accept_seat_change=True)
        (coupon,) = coupons_of(booked)
        assert Claim.objects.filter(coupon_id=coupon).count() == 2
        assert engine.current().release(others, now=noon, actor=HOLDER).done

        assert change(booked, (coupon, seat_id(train, "1/2C")), now=noon).done

        assert taken(train) == {"1/1A": 0b0001, "1/2C": 0b1111}

    def test_on_several_tickets_at_once(self, train, flight, noon):
        booked = hold(leg(train), leg(flight), now=noon)
        on_train, on_flight = coupons_of(booked)
        done = change(
            booked,
            (on_flight, seat_id(flight, "Cabin/1F")),
            (on_train, seat_id(train, "1/2A")),
            now=noon,
        )
        assert done.done
        assert taken(train) == {"1/2A": 0b1111}
        assert taken(flight) == {"Cabin/1F": 0b1}
        assert (version_of(train), version_of(flight)) == (2, 2)

    def test_to_where_one_sits_already_changes_nothing(self, train, noon):
        booked = hold(leg(train, seats=("1/1C",)), now=noon)
        with nothing_changes():
            result = change(booked, (coupons_of(booked)[0], seat_id(train, "1/1C")), now=noon)
        assert (result.outcome, result.details) == (Outcome.DONE, {"changed": False})

    def test_takes_the_seat_of_a_hold_that_has_ended(self, train, noon):
        dead = hold(leg(train, seats=("1/2B",)), now=noon)
        booked = hold(leg(train, seats=("1/1A",)), now=noon + HOLD - TICK)
        assert change(booked, (coupons_of(booked)[0], seat_id(train, "1/2B")), now=noon + HOLD).done
        assert state_of(dead) == "expired"
        assert taken(train) == {"1/2B": 0b1111}

    def test_a_seat_free_on_ones_own_stretch_is_free(self, train, noon):
        hold(leg(train, 0, 2, seats=("1/2A",)), now=noon)
        booked = hold(leg(train, 2, 4, seats=("1/1A",)), now=noon)
        assert change(booked, (coupons_of(booked)[0], seat_id(train, "1/2A")), now=noon).done
        assert taken(train) == {"1/2A": 0b1111}


class TestRefusedSeats:
    @pytest.mark.parametrize(("start", "end"), [(0, 4), (0, 1), (3, 4), (1, 2)])
    def test_a_taken_seat(self, train, noon, start, end):
        hold(leg(train, start, end, seats=("1/2A",)), now=noon)
        booked = hold(leg(train, seats=("1/1A",)), now=noon)
        with nothing_changes():
            result = change(booked, (coupons_of(booked)[0], seat_id(train, "1/2A")), now=noon)
        assert (result.outcome, result.ticket_id) == (Outcome.SEAT_TAKEN, train.ticket_id())

    def test_all_or_nothing(self, train, noon):
        hold(leg(train, seats=("1/2A",)), now=noon)
        booked = hold(leg(train, seats=("1/1A", "1/1B")), now=noon)
        ada, bob = coupons_of(booked)
        with nothing_changes():
            result = change(
                booked, (ada, seat_id(train, "1/2B")), (bob, seat_id(train, "1/2A")), now=noon
            )
        assert result.outcome is Outcome.SEAT_TAKEN

    def test_one_seat_for_two(self, train, noon):
        booked = hold(leg(train, seats=("1/1A", "1/1B")), now=noon)
        wanted = seat_id(train, "1/2A")
        with nothing_changes():
            result = change(booked, *((one, wanted) for one in coupons_of(booked)), now=noon)
        assert result.outcome is Outcome.SEAT_TAKEN

    def test_the_seat_of_a_companion_who_stays(self, train, noon):
        booked = hold(leg(train, seats=("1/1A", "1/1B")), now=noon)
        ada, _bob = coupons_of(booked)
        with nothing_changes():
            result = change(booked, (ada, seat_id(train, "1/1B")), now=noon)
        assert result.outcome is Outcome.SEAT_TAKEN

    @pytest.mark.parametrize("name", ["2/1A", "nowhere"])
    def test_another_class_or_another_vehicle(self, train, flight, noon, name):
        booked = hold(leg(train), now=noon)
        wanted = seat_id(flight, "Cabin/1A") if name == "nowhere" else seat_id(train, name)
        with nothing_changes():
            result = change(booked, (coupons_of(booked)[0], wanted), now=noon)
        assert result.outcome is Outcome.SEAT_TAKEN

    def test_a_hold_that_ended(self, train, noon):
        booked = hold(leg(train), now=noon)
        with nothing_changes():
            result = change(
                booked, (coupons_of(booked)[0], seat_id(train, "1/2A")), now=noon + HOLD
            )
        assert result.outcome is Outcome.HOLD_EXPIRED

    def test_what_is_cancelled(self, train, noon):
        booked = hold(leg(train, seats=("1/1A", "1/1B")), now=noon)
        pay(booked, noon)
        ada, bob = coupons_of(booked)
        assert engine.current().cancel_coupons(booked, [ada], now=noon, actor=HOLDER).done
        with nothing_changes():
            result = change(booked, (ada, seat_id(train, "1/2A")), now=noon)
        assert result.outcome is Outcome.ALREADY_CANCELLED
        assert engine.current().cancel_coupons(booked, [bob], now=noon, actor=HOLDER).done
        with nothing_changes():
            result = change(booked, (bob, seat_id(train, "1/2A")), now=noon)
        assert result.outcome is Outcome.ALREADY_CANCELLED

    @pytest.mark.parametrize("state", ["used", "no_show"])
    def test_what_was_used(self, train, noon, state):
        booked = hold(leg(train), now=noon)
        pay(booked, noon)
        Coupon.objects.update(state=state)
        with nothing_changes():
            result = change(booked, (coupons_of(booked)[0], seat_id(train, "1/2A")), now=noon)
        assert result.outcome is Outcome.NOT_CHANGEABLE

    def test_a_departure_that_does_not_run(self, train, noon):
        booked = hold(leg(train), now=noon)
        Departure.objects.filter(pk=train.departure.pk).update(state="cancelled")
        with nothing_changes():
            result = change(booked, (coupons_of(booked)[0], seat_id(train, "1/2A")), now=noon)
        assert result.outcome is Outcome.NOT_CHANGEABLE

    def test_somebody_elses_coupon_and_no_reservation(self, train, noon):
        mine, other = (hold(leg(train), now=noon) for _ in range(2))
        wanted = seat_id(train, "1/2A")
        with nothing_changes():
            assert change(mine, (coupons_of(other)[0], wanted), now=noon).outcome == "not_found"
            assert change(10**6, (1, wanted), now=noon).outcome == "not_found"


# --- another departure ----------------------------------------------------------------------------


@pytest.fixture
def later(train: Trip) -> Trip:
    """The same train three hours later, with the same eight seats in Economy."""
    departure = train.departure
    return make_trip(
        departure.service,
        departure.vehicle,
        starts_at=datetime(2026, 6, 2, 9, 0, tzinfo=UTC),
        stops=[
            Stop(call.station, minutes)
            for call, minutes in zip(train.calls, [0, 75, 120, 240, 330], strict=True)
        ],
        run="later",
    )


def exchange(
    reservation_id: int,
    trip: Trip,
    other: Trip,
    *,
    now: datetime,
    fare: int = 0,
    only: Sequence[int] | None = None,
    lap: bool = False,
    closes_at: datetime | None = None,
) -> Result:
    """Move who is open on the whole way of a trip to the other one's; `lap`: the last is there."""
    ticket = trip.ticket_id()
    rows = Coupon.objects.filter(
        passenger__reservation_id=reservation_id, ticket_id=ticket, exchanged_for=None
    ).order_by("passenger__position")
    chosen = [row for row in rows if only is None or row.pk in only]
    last = len(other.calls) - 1
    command = ExchangeCommand(
        reservation_id=reservation_id,
        from_ticket_id=ticket,
        leg=LegRow(
            ticket_id=other.ticket_id(fare=fare),
            departure_id=other.departure.pk,
            first_segment=0,
            last_segment=last - 1,
            travel_class=other.fares[fare].travel_class,
            fare_id=other.fares[fare].pk,
            closes_at=closes_at or other.calls[0].departs_at,
            coupons=[
                CouponRow(
                    passenger=row.passenger.position,
                    barcode=f"new-{row.pk}",
                    fare_version_id=row.fare_version_id,
                    price_lines=(),
                    needs_seat=not (lap and row == chosen[-1]),
                )
                for row in chosen
            ],
        ),
        coupons={row.passenger.position: row.pk for row in chosen},
        wishes={row.passenger.position: "" for row in chosen},
    )
    with transaction.atomic():
        result = engine.current().exchange(command, now=now, actor=HOLDER)
        if not result.done:
            transaction.set_rollback(True)
    return result


class TestExchange:
    def test_moves_the_whole_party_with_its_price(self, train, later, noon):
        booked = hold(leg(train, seats=("1/1C", "1/1D")), now=noon)
        pay(booked, noon)
        old = coupons_of(booked)
        version, first_version = version_of(later), version_of(train)

        result = exchange(booked, train, later, now=noon)

        assert (result.outcome, result.ticket_id) == (Outcome.DONE, later.ticket_id())
        assert (taken(train), taken(later)) == ({}, {"1/1A": 0b1111, "1/1B": 0b1111})
        assert (version_of(train), version_of(later)) == (first_version + 1, version + 1)
        rows = list(Coupon.objects.order_by("passenger__position", "position"))
        assert [(row.state, row.position, row.ticket_id) for row in rows] == [
            ("open", 0, later.ticket_id()),
            ("cancelled", 1, train.ticket_id()),
        ] * 2
        assert [row.exchanged_for_id for row in rows] == [None, rows[0].pk, None, rows[2].pk]
        assert [row.pk for row in rows[1::2]] == old
        assert {row.barcode for row in rows[::2]} == {f"new-{one}" for one in old}
        saver = FareVersion.objects.get(fare=train.fares[0])
        assert {row.fare_version_id for row in rows} == {saver.pk}
        lines = PriceLine.objects.order_by("coupon__passenger__position", "position")
        assert list(lines.values_list("coupon_id", "amount_minor")) == [
            (rows[0].pk, 4_206),
            (rows[0].pk, 294),
            (rows[2].pk, 4_206),
            (rows[2].pk, 294),
        ]
        assert state_of(booked) == "paid"
        assert story_of(booked)[-1] == ("rebooked", "paid", "paid")
        event = ReservationEvent.objects.get(kind="rebooked")
        assert event.details == {
            "from_ticket": train.ticket_id(),
            "to_ticket": later.ticket_id(),
            "coupons": [[old[0], rows[0].pk], [old[1], rows[2].pk]],
            "before": [
                [old[0], train.departure.pk, "1", "1C", 0, 3],
                [old[1], train.departure.pk, "1", "1D", 0, 3],
            ],
            "seats": [
                [rows[0].pk, later.departure.pk, "1", "1A", 0, 3],
                [rows[2].pk, later.departure.pk, "1", "1B", 0, 3],
            ],
        }

    def test_an_infant_stays_on_its_lap(self, train, later, noon):
        booked = hold(leg(train, seats=(None, "lap")), now=noon, kinds=["adult", "infant"])
        pay(booked, noon)
        assert exchange(booked, train, later, now=noon, lap=True).done
        assert taken(later) == {"1/1A": 0b1111}
        assert Coupon.objects.filter(state="open", ticket_id=later.ticket_id()).count() == 2

    def test_to_a_better_class(self, train, later, noon):
        booked = hold(leg(train), now=noon)
        pay(booked, noon)
        assert exchange(booked, train, later, now=noon, fare=2).done
        assert taken(later) == {"2/1A": 0b1111}

    def test_twice(self, train, later, noon):
        booked = hold(leg(train), now=noon)
        pay(booked, noon)
        assert exchange(booked, train, later, now=noon).done
        assert exchange(booked, later, train, now=noon).done
        rows = Coupon.objects.order_by("position")
        assert [(row.state, row.ticket_id) for row in rows] == [
            ("open", train.ticket_id()),
            ("cancelled", train.ticket_id()),
            ("cancelled", later.ticket_id()),
        ]
        assert PriceLine.objects.filter(coupon=rows[0]).count() == PriceLine.objects.count() == 2

    def test_from_a_departure_that_was_called_off(self, train, later, noon):
        booked = hold(leg(train), now=noon)
        pay(booked, noon)
        Departure.objects.filter(pk=train.departure.pk).update(state="cancelled")
        assert exchange(booked, train, later, now=noon).done
        assert taken(later) == {"1/1A": 0b1111}

    def test_what_came_in_its_place_can_be_cancelled_and_nothing_is_left(self, train, later, noon):
        booked = hold(leg(train), now=noon)
        pay(booked, noon)
        assert exchange(booked, train, later, now=noon).done
        fresh = Coupon.objects.get(state="open")
        done = engine.current().cancel_coupons(booked, [fresh.pk], now=noon, actor=HOLDER)
        assert done.details == {"whole": True}
        assert state_of(booked) == "cancelled"


class TestRefusedExchange:
    @pytest.fixture
    def paid(self, train: Trip, noon: datetime) -> int:
        booked = hold(leg(train, seats=(None, None)), now=noon)
        pay(booked, noon)
        return booked

    def test_too_few_seats_for_all_of_them(self, paid, train, later, noon):
        hold(leg(later, seats=(None,) * 7), now=noon)
        with nothing_changes():
            result = exchange(paid, train, later, now=noon)
        assert (result.outcome, result.ticket_id) == (Outcome.SOLD_OUT, later.ticket_id())

    def test_seats_of_holds_that_ended_count_as_free(self, paid, train, later, noon):
        hold(leg(later, seats=(None,) * 7), now=noon)
        assert exchange(paid, train, later, now=noon + HOLD).done

    @pytest.mark.parametrize("fields", [{"state": "cancelled"}, {"sales_closed_at": "now"}])
    def test_a_departure_that_takes_nobody(self, paid, train, later, noon, fields):
        told = {key: noon if value == "now" else value for key, value in fields.items()}
        Departure.objects.filter(pk=later.departure.pk).update(**told)
        with nothing_changes():
            result = exchange(paid, train, later, now=noon)
        assert result.outcome is Outcome.DEPARTURE_CLOSED

    def test_the_moment_at_which_it_closes(self, paid, train, later, noon):
        with nothing_changes():
            result = exchange(paid, train, later, now=noon, closes_at=noon)
        assert result.outcome is Outcome.DEPARTURE_CLOSED
        assert exchange(paid, train, later, now=noon, closes_at=noon + TICK).done

    def test_part_of_the_party(self, paid, train, later, noon):
        with nothing_changes():
            result = exchange(paid, train, later, now=noon, only=coupons_of(paid)[:1])
        assert result.outcome is Outcome.NOT_CHANGEABLE

    def test_who_was_on_board(self, paid, train, later, noon):
        Coupon.objects.filter(pk=coupons_of(paid)[0]).update(state="used")
        with nothing_changes():
            result = exchange(paid, train, later, now=noon)
        assert result.outcome is Outcome.NOT_CHANGEABLE

    def test_what_is_cancelled(self, paid, train, later, noon):
        ada, _bob = coupons_of(paid)
        engine.current().cancel_coupons(paid, [ada], now=noon, actor=HOLDER)
        with nothing_changes():
            result = exchange(paid, train, later, now=noon)
        assert result.outcome is Outcome.ALREADY_CANCELLED

    def test_a_hold(self, train, later, noon):
        held = hold(leg(train), now=noon)
        with nothing_changes():
            assert exchange(held, train, later, now=noon).outcome is Outcome.NOT_CHANGEABLE

    def test_no_stock_is_laid_out_by_a_refusal(self, paid, train, later, noon):
        with nothing_changes():
            exchange(paid, train, later, now=noon, only=coupons_of(paid)[:1])
        assert not SeatStock.objects.filter(departure=later.departure).exists()
