"""Another vehicle, and seats kept back: everybody is seated anew, or waits for the desk."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import chain

import pytest

from accounts.models import User
from bookings import services
from bookings.engine.contract import SYSTEM, Actor
from bookings.engine.reseating import waiting_on
from bookings.models import Claim, Coupon, Reservation, ReservationEvent, SeatBlock, Unseated
from bookings.services import vehicle_swap
from bookings.services.vehicle_swap import Reseated
from inventory.errors import DepartureChanged, NotRunning
from inventory.models import Carrier, Departure, Seat, Vehicle
from support import audit
from tests import factories
from tests.factories import CoachPlan
from tests.selling import HOLD, adults, bits_of, everything, party, reserve, seats_of, version_of
from travel.common.errors import InvalidInput, NotFound

pytestmark = pytest.mark.django_db

STAFF = Actor("staff", None, "The other one broke down.")


@pytest.fixture(autouse=True)
def _audited(db: None) -> Iterator[None]:
    """Every story ends with the audit of seats; nobody has paid any money here."""
    yield
    facts = [fact for fact in audit.FACTS if fact.number in (1, 2, 3)]
    assert [(one.fact.code, one.rows) for one in audit.findings(facts)] == []


@pytest.fixture
def clerk(db: None) -> User:
    return factories.make_user(email="olga@office.example", is_staff=True, roles=["operations"])


def vehicle_like(trip: factories.Trip, *coaches: CoachPlan) -> Vehicle:
    """Another vehicle of the trip's carrier."""
    carrier = Carrier.objects.get(id=trip.departure.service.carrier_id)
    return factories.make_vehicle(carrier, coaches=coaches)


def swap(trip: factories.Trip, vehicle: Vehicle, now: datetime, revision: int = 0) -> Reseated:
    return vehicle_swap.swap_vehicle(
        departure_id=trip.departure.pk,
        vehicle_id=vehicle.pk,
        revision=revision,
        now=now,
        actor=STAFF,
    )


def paid(email: str, trip: factories.Trip, now: datetime, *, people: int = 1, **options):
    reservation = reserve(email, trip.ticket_id(**options), now=now, passengers=adults(people))
    services.confirm(reservation_id=reservation.id, now=now, actor=SYSTEM)
    return reservation


def names_of(reservation) -> list[str]:
    rows = Claim.objects.filter(coupon__passenger__reservation_id=reservation.id)
    return [
        f"{coach}/{label}"
        for coach, label in rows.order_by(
            "coupon__passenger__position", "first_segment"
        ).values_list("stock__seat__coach__label", "stock__seat__label")
    ]


def block(trip: factories.Trip, clerk: User, now: datetime, *names: str, **options) -> Reseated:
    stretch = {"first_segment": 0, "last_segment": 3, **options}
    return vehicle_swap.block_seats(
        departure_id=trip.departure.pk,
        seat_ids=[seat_id(trip, name) for name in names],
        reason="Broken",
        user_id=clerk.pk,
        revision=None,
        now=now,
        actor=STAFF,
        **stretch,
    )


def seat_id(trip: factories.Trip, name: str) -> int:
    coach, label = name.split("/")
    seats = Seat.objects.filter(coach__seat_map=trip.departure.vehicle.seat_map)
    return seats.get(coach__label=coach, label=label).pk


class TestSwap:
    def test_everybody_keeps_the_seat_of_the_same_name(self, train, noon):
        family = paid("a@example.org", train, noon, people=3)
        single = paid("b@example.org", train, noon, fare=2)
        before = [names_of(family), names_of(single)]
        bigger = vehicle_like(
            train, CoachPlan("1", rows=4), CoachPlan("2", "Business", "A|B", 3), CoachPlan("3")
        )

        done = swap(train, bigger, noon)

        assert done == Reseated(4, 0, 0, 0, frozenset())
        assert [names_of(family), names_of(single)] == before
        departure = Departure.objects.get(id=train.departure.pk)
        assert (departure.vehicle_id, departure.revision) == (bigger.pk, 1)
        assert len(bits_of(train)) == 16 + 6 + 8
        # Nobody's seat has changed, so nothing of it is told.
        assert not ReservationEvent.objects.filter(kind="seats_changed").exists()

    def test_what_is_cached_of_its_seats_is_out_of_date(self, train, noon):
        paid("a@example.org", train, noon)
        before = version_of(train)
        swap(train, vehicle_like(train, CoachPlan("1", rows=4)), noon)
        assert version_of(train) > before

    def test_who_finds_no_seat_waits_for_the_desk(self, train, noon):
        first = paid("a@example.org", train, noon, people=2)
        second = paid("b@example.org", train, noon, people=2)
        business = paid("c@example.org", train, noon, fare=2)
        smaller = vehicle_like(train, CoachPlan("1", layout="AB", rows=1))

        done = swap(train, smaller, noon)

        assert (done.kept, done.moved, done.unseated) == (2, 0, 3)
        assert done.reservations == {second.id, business.id}
        assert names_of(first) == ["1/1A", "1/1B"]
        waiting = list(
            Unseated.objects.order_by("coupon_id").values_list(
                "coupon__passenger__reservation_id", "cause", "had"
            )
        )
        assert waiting == [
            (second.id, "vehicle", "1/1C"),
            (second.id, "vehicle", "1/1D"),
            (business.id, "vehicle", "2/1A"),
        ]
        # Nobody is dropped: they are paid, open, and in the queue.
        assert Coupon.objects.filter(state="open").count() == 5
        assert Reservation.objects.filter(state="paid").count() == 3

    def test_the_story_tells_the_seat_before_and_after(self, train, noon):
        reservation = paid("a@example.org", train, noon)
        swap(train, vehicle_like(train, CoachPlan("9")), noon)
        event = ReservationEvent.objects.get(kind="seats_changed")
        coupon = Coupon.objects.get()
        before, after = event.details["before"], event.details["seats"]
        assert before == [[coupon.pk, train.departure.pk, "1", "1A", 0, 3]]
        assert after == [[coupon.pk, train.departure.pk, "9", "1A", 0, 3]]
        assert (event.reservation_id, event.actor_kind) == (reservation.id, "staff")

    def test_a_hold_keeps_its_seat_and_may_be_paid(self, train, noon):
        held = reserve("a@example.org", train.ticket_id(), now=noon)
        swap(train, vehicle_like(train, CoachPlan("7")), noon)
        services.confirm(reservation_id=held.id, now=noon, actor=SYSTEM)
        assert names_of(held) == ["7/1A"]

    def test_a_hold_that_has_ended_keeps_nothing(self, train, noon):
        reserve("a@example.org", train.ticket_id(), now=noon)
        done = swap(train, vehicle_like(train, CoachPlan("7")), noon + HOLD)
        assert (done.kept, done.moved, done.unseated) == (0, 0, 0)
        assert Reservation.objects.get().state == "expired"

    def test_who_changes_seats_on_the_way_may_sit_still(self, train, noon):
        for start, end in [(0, 2), (2, 4)] * 4:
            paid(f"x{start}@example.org", train, noon, start=start, end=end)
        # All eight are free on half of the way: 1A to 1D are taken twice over.
        family = paid("a@example.org", train, noon)
        done = swap(train, vehicle_like(train, CoachPlan("1", rows=3)), noon)
        assert (done.changing, done.unseated) == (0, 0)
        assert len(names_of(family)) == 1

    def test_an_infant_needs_no_seat(self, flight, noon):
        reserve("a@example.org", flight.ticket_id(), now=noon, passengers=party("adult", "infant"))
        done = swap(flight, vehicle_like(flight, CoachPlan("Cabin", layout="A", rows=1)), noon)
        assert (done.kept, done.unseated) == (1, 0)

    def test_free_seating_moves_nobody(self, coach, noon):
        paid("a@example.org", coach, noon, people=3)
        plan = CoachPlan("Deck", layout="AB|CD", rows=2, labelled=False)
        done = swap(coach, vehicle_like(coach, plan), noon)
        assert (done.kept, done.moved) == (3, 0)

    def test_one_that_has_not_sold_has_nobody_to_seat(self, train, noon):
        other = vehicle_like(train, CoachPlan("1", rows=4))
        assert swap(train, other, noon) == Reseated(0, 0, 0, 0, frozenset())
        reservation = reserve("a@example.org", train.ticket_id(), now=noon)
        assert len(bits_of(train)) == 16
        assert seats_of(reservation) == [("1", "1A")]

    def test_the_preview_says_the_same_and_writes_nothing(self, train, noon):
        paid("a@example.org", train, noon, people=4)
        paid("b@example.org", train, noon, people=3)
        smaller = vehicle_like(train, CoachPlan("1", layout="AB", rows=3))
        before = everything()
        shown = vehicle_swap.preview_swap(departure_id=train.departure.pk, vehicle_id=smaller.pk)
        assert everything() == before
        assert swap(train, smaller, noon) == shown

    def test_refuses_the_same_one_another_carriers_and_a_stale_page(self, train, flight, noon):
        paid("a@example.org", train, noon)
        before = everything()
        with pytest.raises(InvalidInput):
            swap(train, train.departure.vehicle, noon)
        with pytest.raises(NotFound):
            swap(train, flight.departure.vehicle, noon)
        with pytest.raises(DepartureChanged):
            swap(train, vehicle_like(train, CoachPlan("1")), noon, revision=3)
        Departure.objects.filter(id=train.departure.pk).update(state="cancelled")
        with pytest.raises(NotRunning):
            swap(train, vehicle_like(train, CoachPlan("1")), noon)
        Departure.objects.filter(id=train.departure.pk).update(state="scheduled")
        assert everything() == before

    def test_twice_and_back_again(self, train, noon):
        people = [paid(f"p{number}@example.org", train, noon, people=2) for number in range(4)]
        before = [names_of(one) for one in people]
        swap(train, vehicle_like(train, CoachPlan("1", layout="AB", rows=1)), noon)
        assert Unseated.objects.count() == 6
        back = vehicle_like(train, CoachPlan("1"), CoachPlan("2", "Business", "A|B", 2))
        done = swap(train, back, noon + timedelta(minutes=1), revision=1)
        assert (done.unseated, Unseated.objects.count()) == (0, 0)
        after = [names_of(one) for one in people]
        assert sorted(chain(*after)) == sorted(chain(*before))


class TestQueue:
    @pytest.fixture
    def queued(self, train, noon):
        """Ada has no seat any more: the vehicle has one, and Bob sits there."""
        bob = paid("bob@example.org", train, noon)
        ada = paid("ada@example.org", train, noon)
        swap(train, vehicle_like(train, CoachPlan("1", layout="A", rows=1)), noon)
        return ada, bob

    def test_is_seated_when_there_is_room_again(self, queued, train, noon):
        ada, bob = queued
        coupons = list(Coupon.objects.filter(passenger__reservation_id=bob.id))
        services.cancel_coupons(
            reservation_id=bob.id, coupon_ids=[coupons[0].pk], now=noon, actor=SYSTEM
        )
        done = vehicle_swap.seat_the_waiting(
            departure_id=train.departure.pk, revision=1, now=noon, actor=STAFF
        )
        assert (done.moved, done.unseated, done.reservations) == (1, 0, {ada.id})
        assert names_of(ada) == ["1/1A"]
        assert waiting_on(train.departure.pk) == set()

    def test_stays_while_there_is_none(self, queued, train, noon):
        ada, _ = queued
        events = ReservationEvent.objects.count()
        done = vehicle_swap.seat_the_waiting(
            departure_id=train.departure.pk, revision=1, now=noon, actor=STAFF
        )
        assert (done.moved, done.unseated) == (0, 1)
        assert ReservationEvent.objects.count() == events
        assert Unseated.objects.get().coupon.passenger.reservation_id == ada.id

    def test_whoever_cancels_waits_no_more(self, queued, train, noon):
        ada, _ = queued
        coupon = Unseated.objects.get().coupon_id
        services.cancel_coupons(reservation_id=ada.id, coupon_ids=[coupon], now=noon, actor=SYSTEM)
        assert waiting_on(train.departure.pk) == set()


class TestBlocks:
    def test_nobody_can_buy_a_seat_that_is_kept_back(self, train, clerk, noon):
        block(train, clerk, noon, *[f"1/{row}{c}" for row in (1, 2) for c in "ABC"])
        assert bits_of(train)["1/1A"] == 0b1111
        reserve("a@example.org", train.ticket_id(), now=noon, passengers=adults(2))
        from bookings.errors import SoldOut

        with pytest.raises(SoldOut):
            reserve("b@example.org", train.ticket_id(), now=noon)

    def test_only_on_its_stretch(self, train, clerk, noon):
        block(train, clerk, noon, "1/1A", first_segment=1, last_segment=2)
        assert bits_of(train)["1/1A"] == 0b0110
        first = reserve("a@example.org", train.ticket_id(0, 1), now=noon)
        assert seats_of(first) == [("1", "1A")]

    def test_who_sits_there_moves(self, train, clerk, noon):
        sits = paid("a@example.org", train, noon, people=2)
        assert names_of(sits) == ["1/1A", "1/1B"]
        shown = vehicle_swap.preview_block(
            departure_id=train.departure.pk,
            seat_ids=[seat_id(train, "1/1A")],
            first_segment=0,
            last_segment=3,
        )
        done = block(train, clerk, noon, "1/1A")
        assert done == shown
        assert (done.moved, done.unseated, done.reservations) == (1, 0, {sits.id})
        assert names_of(sits)[1] == "1/1B"
        assert names_of(sits)[0] != "1/1A"
        assert SeatBlock.objects.get().reason == "Broken"

    def test_or_waits_where_there_is_no_other(self, train, clerk, noon):
        paid("a@example.org", train, noon, people=8)
        done = block(train, clerk, noon, "1/1A", "1/2D")
        assert (done.moved, done.unseated) == (0, 2)
        # Their seats are kept back, so nobody gets them.
        released = vehicle_swap.unblock_seats(
            departure_id=train.departure.pk,
            block_ids=list(SeatBlock.objects.values_list("id", flat=True)),
            revision=None,
            now=noon,
            actor=STAFF,
        )
        assert (released.moved, Unseated.objects.count()) == (2, 0)

    def test_give_back_frees_the_bits(self, train, clerk, noon):
        block(train, clerk, noon, "1/1A", "1/1B")
        one = SeatBlock.objects.order_by("id")[0]
        vehicle_swap.unblock_seats(
            departure_id=train.departure.pk,
            block_ids=[one.pk],
            revision=None,
            now=noon,
            actor=STAFF,
        )
        assert (bits_of(train)["1/1A"], bits_of(train)["1/1B"]) == (0, 0b1111)
        with pytest.raises(NotFound):
            vehicle_swap.unblock_seats(
                departure_id=train.departure.pk,
                block_ids=[one.pk],
                revision=None,
                now=noon,
                actor=STAFF,
            )

    def test_refuses_what_is_kept_back_is_not_there_or_runs_backwards(
        self, train, flight, clerk, noon
    ):
        block(train, clerk, noon, "1/1A", first_segment=0, last_segment=1)
        before = everything()
        with pytest.raises(InvalidInput):
            block(train, clerk, noon, "1/1A", first_segment=1, last_segment=3)
        with pytest.raises(InvalidInput):
            vehicle_swap.block_seats(
                departure_id=train.departure.pk,
                seat_ids=[seat_id(flight, "Cabin/1A")],
                first_segment=0,
                last_segment=3,
                reason="Broken",
                user_id=clerk.pk,
                revision=None,
                now=noon,
                actor=STAFF,
            )
        with pytest.raises(InvalidInput):
            block(train, clerk, noon, "1/1B", first_segment=2, last_segment=1)
        with pytest.raises(InvalidInput):
            block(train, clerk, noon, "1/1B", first_segment=0, last_segment=4)
        assert everything() == before

    def test_another_vehicle_has_no_blocks(self, train, clerk, noon):
        paid("a@example.org", train, noon)
        block(train, clerk, noon, "1/2D")
        swap(train, vehicle_like(train, CoachPlan("1")), noon, revision=1)
        assert not SeatBlock.objects.exists()

    def test_the_audit_finds_a_block_without_its_bits(self, train, clerk, noon):
        block(train, clerk, noon, "1/1A")
        one = SeatBlock.objects.get()
        type(one.stock).objects.filter(id=one.stock_id).update(taken=0)
        assert {finding.fact.code for finding in audit.findings()} == {"stock_differs"}
        type(one.stock).objects.filter(id=one.stock_id).update(taken=0b1111)
