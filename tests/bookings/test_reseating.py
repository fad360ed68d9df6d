"""Changing seats and correcting names as the holder and staff do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from accounts.viewers import Viewer
from bookings import services
from bookings.engine.contract import SYSTEM, Actor
from bookings.errors import (
    AlreadyCancelled,
    CorrectedOften,
    HoldExpired,
    NameTooDifferent,
    NotChangeable,
    ProofNeeded,
    SeatTaken,
)
from bookings.models import Claim, Coupon, Passenger, ReservationEvent
from bookings.services import SeatChoice
from bookings.services.naming import corrections_left
from inventory.models import Call
from tests.selling import HOLD, everything, party, reserve, seats_of
from travel.common.errors import InvalidInput, NotFound
from travel.common.models import OutboxMessage

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("audited_seats")]

STAFF = Actor("staff", None, "Passport shown at the desk.")
OFFICE = Viewer(is_support=True)
LEAVES = datetime(2026, 6, 2, 6, 0, tzinfo=UTC)
TICK = timedelta(microseconds=1)


@pytest.fixture
def audited_seats(db):
    from tests.selling import audit

    yield
    audit()


@pytest.fixture
def me(traveller):
    return Viewer(user_id=traveller.pk)


@pytest.fixture
def paid(train, traveller, noon):
    """Ada and Bob on the train, in 1A and 1B, paid."""
    held = reserve(traveller, train.ticket_id(), now=noon, passengers=2)
    services.confirm(reservation_id=held.id, now=noon, actor=SYSTEM)
    return held


def change(viewer, reservation, *seats, now):
    ticket = reservation.coupons[0].ticket_id
    return services.change_seats(
        viewer=viewer,
        reservation_id=reservation.id,
        seats=[SeatChoice(ticket, *seat) for seat in seats],
        now=now,
    )


class TestChangeSeats:
    def test_moves_who_is_named_and_tells_the_holder(self, paid, me, noon):
        fresh = change(me, paid, (1, "1", "2D"), now=noon)

        assert seats_of(fresh) == [("1", "1A"), ("1", "2D")]
        message = OutboxMessage.objects.get(kind="bookings.seats_changed")
        assert message.recipient == "ada@example.org"
        assert message.about == f"reservation:{paid.id}"
        assert "ICE 585, Bob Roe: coach 1, seat 2D" in message.body

    def test_a_swap(self, paid, me, noon):
        fresh = change(me, paid, (0, "1", "1B"), (1, "1", "1A"), now=noon)
        assert seats_of(fresh) == [("1", "1B"), ("1", "1A")]

    def test_of_a_hold_is_not_worth_a_message(self, train, traveller, me, noon):
        held = reserve(traveller, train.ticket_id(), now=noon)
        assert seats_of(change(me, held, (0, "1", "2A"), now=noon)) == [("1", "2A")]
        assert not OutboxMessage.objects.filter(kind="bookings.seats_changed").exists()

    def test_the_same_again_tells_nobody_again(self, paid, me, noon):
        for _ in range(2):
            change(me, paid, (0, "1", "2A"), now=noon)
        assert ReservationEvent.objects.filter(kind="seats_changed").count() == 1
        assert OutboxMessage.objects.filter(kind="bookings.seats_changed").count() == 1

    def test_until_the_departure_of_ones_own_call(self, train, traveller, me, noon):
        # Nuremberg: 10:05 UTC, and half an hour late today.
        held = reserve(traveller, train.ticket_id(3, 4), now=noon)
        services.confirm(reservation_id=held.id, now=noon, actor=SYSTEM)
        Call.objects.filter(pk=train.calls[3].pk).update(
            expected_departs_at=datetime(2026, 6, 2, 10, 35, tzinfo=UTC)
        )
        late = datetime(2026, 6, 2, 10, 35, tzinfo=UTC)
        change(me, held, (0, "1", "2A"), now=late - TICK)
        with pytest.raises(NotChangeable):
            change(me, held, (0, "1", "2B"), now=late)
        assert Claim.objects.get().stock.seat.label == "2A"

    @pytest.mark.parametrize(
        "seat",
        [
            (0, "2", "1A"),
            (0, "9", "1A"),
            (0, "1", "9Z"),
            (0, "1", ""),
            (5, "1", "2A"),
        ],
    )
    def test_what_is_not_there(self, paid, me, noon, seat):
        before = everything()
        with pytest.raises(InvalidInput):
            change(me, paid, seat, now=noon)
        assert everything() == before

    def test_nothing_twice_named_twice_or_nothing_at_all(self, paid, me, flight, noon):
        with pytest.raises(InvalidInput):
            change(me, paid, (0, "1", "2A"), (0, "1", "2B"), now=noon)
        with pytest.raises(InvalidInput):
            change(me, paid, (0, "1", "2A"), (1, "1", "2A"), now=noon)
        with pytest.raises(InvalidInput):
            change(me, paid, now=noon)
        with pytest.raises(InvalidInput):
            services.change_seats(
                viewer=me,
                reservation_id=paid.id,
                seats=[SeatChoice(flight.ticket_id(), 0, "Cabin", "1A")],
                now=noon,
            )

    def test_free_seating_has_nothing_to_choose(self, coach, traveller, me, noon):
        held = reserve(traveller, coach.ticket_id(), now=noon)
        with pytest.raises(InvalidInput):
            change(me, held, (0, "Deck", ""), now=noon)

    def test_an_infant_has_no_seat(self, train, traveller, me, noon):
        held = reserve(traveller, train.ticket_id(), now=noon, passengers=party("adult", "infant"))
        with pytest.raises(InvalidInput):
            change(me, held, (1, "1", "2A"), now=noon)

    def test_a_taken_seat(self, paid, train, me, noon):
        reserve(
            "other@example.org",
            train.ticket_id(0, 1),
            now=noon,
            seats=[SeatChoice(train.ticket_id(0, 1), 0, "1", "2A")],
        )
        before = everything()
        with pytest.raises(SeatTaken) as refused:
            change(me, paid, (0, "1", "2A"), now=noon)
        assert refused.value.details == {"ticketID": train.ticket_id()}
        assert everything() == before

    def test_of_somebody_else(self, paid, stranger, noon):
        with pytest.raises(NotFound):
            change(Viewer(user_id=stranger.pk), paid, (0, "1", "2A"), now=noon)

    def test_who_knows_code_and_name_looks_and_does_not_touch(self, paid, noon):
        with pytest.raises(ProofNeeded):
            change(Viewer(looked_up=frozenset([paid.id])), paid, (0, "1", "2A"), now=noon)
        proved = Viewer(looked_up=frozenset([paid.id]), proved=frozenset([paid.id]))
        assert seats_of(change(proved, paid, (0, "1", "2A"), now=noon))[0] == ("1", "2A")

    def test_the_owner_who_has_looked_it_up_too_may(self, paid, traveller, noon):
        both = Viewer(user_id=traveller.pk, looked_up=frozenset([paid.id]))
        assert seats_of(change(both, paid, (0, "1", "2A"), now=noon))[0] == ("1", "2A")


def rename(viewer, reservation, place, first, last, *, now, actor=None):
    return services.correct_name(
        viewer=viewer,
        reservation_id=reservation.id,
        passenger_id=reservation.passengers[place].id,
        first_name=first,
        last_name=last,
        now=now,
        actor=actor,
    )


class TestCorrectName:
    def test_writes_it_down_and_tells_the_contact(self, paid, me, traveller, noon):
        fresh = rename(me, paid, 0, " Adda ", "Røe", now=noon)

        assert fresh.passengers[0].full_name == "Adda Røe"
        event = ReservationEvent.objects.get(kind="name_corrected")
        assert (event.actor_kind, event.actor_id) == ("holder", traveller.pk)
        assert (event.from_state, event.to_state) == ("paid", "paid")
        assert event.details == {
            "passenger": paid.passengers[0].id,
            "before": ["Ada", "Roe"],
            "after": ["Adda", "Røe"],
        }
        message = OutboxMessage.objects.get(kind="bookings.name_corrected")
        assert "Before: Ada Roe\nNow: Adda Røe" in message.body

    def test_the_same_name_changes_nothing(self, paid, me, noon):
        before = everything()
        rename(me, paid, 0, "Ada", "Roe ", now=noon)
        assert everything() == before

    @pytest.mark.parametrize(("first", "last"), [("Bob", "Roe"), ("Ada", "Smith"), ("A", "R")])
    def test_another_person_is_refused(self, paid, me, noon, first, last):
        before = everything()
        with pytest.raises(NameTooDifferent):
            rename(me, paid, 0, first, last, now=noon)
        assert everything() == before

    def test_two_steps_lead_no_further_than_one(self, train, traveller, me, noon):
        held = reserve(
            traveller,
            train.ticket_id(),
            now=noon,
            passengers=[services.PassengerDetails("Ada", "Lovelace", "adult")],
        )
        rename(me, held, 0, "Ada", "Lovelas", now=noon)
        # Three letters from there, and four from what was booked.
        with pytest.raises(NameTooDifferent):
            rename(me, held, 0, "Adee", "Lovela", now=noon)

    def test_twice_and_then_staff_help(self, paid, me, noon):
        rename(me, paid, 0, "Adda", "Roe", now=noon)
        rename(me, paid, 0, "Ada", "Rowe", now=noon)
        with pytest.raises(CorrectedOften):
            rename(me, paid, 0, "Ada", "Roe", now=noon)
        # Another passenger has corrections of his own.
        rename(me, paid, 1, "Bobb", "Roe", now=noon)
        left = corrections_left(paid.id)
        assert [left[one.id] for one in paid.passengers] == [0, 1]

    def test_staff_write_any_name_and_say_why(self, paid, me, noon, staff):
        agent = Actor("staff", staff.pk, "Married, certificate seen.")
        fresh = rename(OFFICE, paid, 0, "Ada", "Byron", now=noon, actor=agent)
        assert fresh.passengers[0].last_name == "Byron"
        assert ReservationEvent.objects.get(kind="name_corrected").reason == agent.reason
        with pytest.raises(InvalidInput):
            rename(OFFICE, paid, 0, "Ada", "King", now=noon, actor=Actor("staff", staff.pk, " "))
        # From then on slips are measured against what staff wrote.
        with pytest.raises(NameTooDifferent):
            rename(me, paid, 0, "Ada", "Roe", now=noon)
        rename(me, paid, 0, "Ada", "Byrom", now=noon)

    @pytest.mark.parametrize("name", ["", "  ", "A" * 81, "A\u202eda", "A\x00"])
    def test_what_is_no_name(self, paid, me, noon, name):
        with pytest.raises(InvalidInput):
            rename(me, paid, 0, name, "Roe", now=noon)
        with pytest.raises(InvalidInput):
            rename(me, paid, 0, "Ada", name, now=noon)

    def test_until_the_departure(self, paid, me, noon):
        rename(me, paid, 0, "Adda", "Roe", now=LEAVES - TICK)
        with pytest.raises(NotChangeable):
            rename(me, paid, 0, "Ada", "Roe", now=LEAVES)
        with pytest.raises(NotChangeable):
            rename(OFFICE, paid, 0, "Ada", "Roe", now=LEAVES, actor=STAFF)

    def test_never_after_a_ticket_was_used(self, train, traveller, me, noon, coach):
        held = reserve(traveller, train.ticket_id(0, 1), coach.ticket_id(), now=noon)
        services.confirm(reservation_id=held.id, now=noon, actor=SYSTEM)
        Coupon.objects.filter(id=held.coupons[0].id).update(state="used")
        for actor in (None, STAFF):
            with pytest.raises(NotChangeable):
                rename(OFFICE, held, 0, "Adda", "Roe", now=noon, actor=actor)

    def test_of_what_is_over(self, paid, train, traveller, me, noon):
        held = reserve(traveller, train.ticket_id(), now=noon)
        with pytest.raises(HoldExpired):
            rename(me, held, 0, "Adda", "Roe", now=noon + HOLD)
        services.cancel_coupons(
            reservation_id=paid.id, coupon_ids=[paid.coupons[0].id], now=noon, actor=SYSTEM
        )
        with pytest.raises(AlreadyCancelled):
            rename(me, paid, 0, "Adda", "Roe", now=noon)
        rename(me, paid, 1, "Bobb", "Roe", now=noon)

    def test_of_somebody_else(self, paid, stranger, me, train, noon):
        with pytest.raises(NotFound):
            rename(Viewer(user_id=stranger.pk), paid, 0, "Adda", "Roe", now=noon)
        other = reserve("other@example.org", train.ticket_id(), now=noon)
        with pytest.raises(NotFound):
            services.correct_name(
                viewer=me,
                reservation_id=paid.id,
                passenger_id=other.passengers[0].id,
                first_name="Adda",
                last_name="Roe",
                now=noon,
            )
        assert not Passenger.objects.filter(first_name="Adda").exists()

    def test_needs_proof(self, paid, noon):
        with pytest.raises(ProofNeeded):
            rename(Viewer(looked_up=frozenset([paid.id])), paid, 0, "Adda", "Roe", now=noon)
