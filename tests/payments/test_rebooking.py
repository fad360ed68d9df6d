"""Another departure instead of one that does not run as sold: seats, prices, and who asks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from accounts.models import User
from accounts.viewers import Viewer
from bookings import disruption
from bookings import selectors as bookings
from bookings import services as booking
from bookings.engine.contract import SYSTEM, Actor
from bookings.errors import (
    AlreadyCancelled,
    NotChangeable,
    NotDisrupted,
    ProofNeeded,
    SoldOut,
)
from bookings.models import Coupon, ReservationEvent
from bookings.selectors import ReservationDetail
from inventory import places
from inventory.errors import DepartureClosed
from inventory.models import Call, Departure, FareVersion, MinimumChange, Station
from payments import selectors, services
from payments.errors import QuoteExpired
from payments.models import Account, Cancellation, Payment, Refund, Transfer
from payments.services.called_off import WAITS, note_called_off, refund_called_off
from support import audit
from tests.bookings.disrupted import another, call_off, delay
from tests.factories import (
    Stop,
    Timetable,
    Trip,
    make_service,
    make_trip,
)
from tests.selling import adults, everything, party, reserve, seats_of
from travel.common.errors import NotFound
from travel.common.models import OutboxMessage
from travel.common.money import Money

pytestmark = pytest.mark.django_db
OFFICE = Viewer(is_support=True)


@pytest.fixture(autouse=True)
def audited(db: None) -> Iterator[None]:
    yield
    assert [(one.fact.code, one.rows) for one in audit.findings()] == []


@pytest.fixture
def me(traveller: User) -> Viewer:
    return Viewer(user_id=traveller.pk)


@pytest.fixture
def later(train: Trip) -> Trip:
    """The same way at 09:00 UTC, three hours after the train."""
    return another(train, starts_at=datetime(2026, 6, 2, 9, tzinfo=UTC), run="later")


def paid(who: User | str, *ticket_ids: int, now: datetime, people: Any = 1) -> ReservationDetail:
    """Reserve and pay by card."""
    held = reserve(who, *ticket_ids, now=now, passengers=people)
    services.pay(
        viewer=OFFICE, reservation_id=held.id, method="Bank Card", token="tok_accepted", now=now
    )
    return bookings.get_reservation(viewer=OFFICE, reservation_id=held.id, now=now)


def fresh(row: ReservationDetail, now: datetime) -> ReservationDetail:
    return bookings.get_reservation(viewer=OFFICE, reservation_id=row.id, now=now)


def wrong(row: ReservationDetail, now: datetime) -> dict[int, str]:
    found = disruption.disruptions(fresh(row, now), now=now)
    return {ticket_id: one.kind for ticket_id, one in found.items()}


def offered(row: ReservationDetail, ticket_id: int, now: datetime) -> list[int]:
    found = booking.find_alternatives(reservation=fresh(row, now), ticket_id=ticket_id, now=now)
    return [one.ticket_id for one in found]


def rebook(viewer: Viewer, row: ReservationDetail, old: int, new: int, now: datetime, **more: Any):
    return booking.rebook(
        viewer=viewer, reservation_id=row.id, ticket_id=old, to_ticket_id=new, now=now, **more
    )


class TestWhatIsWrong:
    def test_nothing_with_what_runs_as_sold(self, train, traveller, noon):
        row = paid(traveller, train.ticket_id(), now=noon)
        assert wrong(row, noon) == {}
        assert "rebook" not in selectors.available_actions(fresh(row, noon), now=noon)

    def test_a_hold_is_given_up_instead(self, train, traveller, noon):
        held = reserve(traveller, train.ticket_id(), now=noon)
        call_off(train)
        assert wrong(held, noon) == {}

    def test_a_departure_called_off_for_good(self, train, traveller, noon):
        row = paid(traveller, train.ticket_id(), now=noon)
        call_off(train)
        assert wrong(row, noon) == {train.ticket_id(): "cancelled"}
        assert wrong(row, noon + timedelta(days=6)) == {train.ticket_id(): "cancelled"}
        assert "rebook" in selectors.available_actions(fresh(row, noon), now=noon)

    @pytest.mark.parametrize(("position", "found"), [(0, True), (2, False), (4, True)])
    def test_a_call_that_is_passed_by(self, train, traveller, noon, position, found):
        row = paid(traveller, train.ticket_id(), now=noon)
        Call.objects.filter(pk=train.calls[position].pk).update(is_skipped=True)
        assert wrong(row, noon) == ({train.ticket_id(): "skipped"} if found else {})

    @pytest.mark.parametrize(
        ("name", "minutes", "found"),
        [
            ("train", 59, False),
            ("train", 60, True),
            ("coach", 119, False),
            ("coach", 120, True),
            ("flight", 299, False),
            ("flight", 300, True),
        ],
    )
    def test_a_long_delay(self, timetable, traveller, noon, name, minutes, found):
        trip = getattr(timetable, name)
        row = paid(traveller, trip.ticket_id(), now=noon)
        delay(trip, minutes)
        assert wrong(row, noon) == ({trip.ticket_id(): "delayed"} if found else {})

    def test_a_delay_counts_from_ones_own_calls(self, train, traveller, noon):
        early = paid(traveller, train.ticket_id(0, 1), now=noon)
        whole = paid(traveller, train.ticket_id(0, 4), now=noon)
        delay(train, 90, since=2)
        assert wrong(early, noon) == {}
        assert wrong(whole, noon) == {train.ticket_id(0, 4): "delayed"}

    def test_who_boards_late_travels(self, train, traveller, noon):
        row = paid(traveller, train.ticket_id(), now=noon)
        delay(train, 60)
        leaves = datetime(2026, 6, 2, 7, 0, tzinfo=UTC)
        assert wrong(row, leaves - timedelta(seconds=1)) != {}
        assert wrong(row, leaves) == {}

    def test_used_tickets_are_over(self, train, traveller, noon):
        row = paid(traveller, train.ticket_id(), now=noon)
        call_off(train)
        Coupon.objects.update(state="used")
        assert wrong(row, noon) == {}
        Coupon.objects.update(state="open")


class TestConnections:
    @pytest.fixture
    def onward(self, train: Trip) -> Trip:
        """
        A train from Munich on to Hanover's far side at 12:00 UTC: half an hour after the arrival.
        """
        munich = train.calls[4].station
        hanover = train.calls[1].station
        return make_trip(
            make_service(train.departure.service.tariff, "RE 9"),
            train.departure.vehicle,
            starts_at=datetime(2026, 6, 2, 12, 0, tzinfo=UTC),
            stops=[Stop(munich, 0), Stop(hanover, 180, 300)],
        )

    @pytest.mark.parametrize(("minutes", "found"), [(20, False), (25, False), (26, True)])
    def test_is_missed_when_too_little_time_is_left(
        self, train, onward, traveller, noon, minutes, found
    ):
        # Half an hour is planned, five minutes are needed at the station.
        row = paid(traveller, train.ticket_id(), onward.ticket_id(), now=noon)
        delay(train, minutes, since=4)
        assert wrong(row, noon) == ({onward.ticket_id(): "missed"} if found else {})

    def test_one_that_was_always_short_is_missed_when_it_gets_shorter(
        self, train, onward, traveller, noon
    ):
        Station.objects.filter(pk=train.calls[4].station_id).update(minimum_change_minutes=45)
        places.forget()
        row = paid(traveller, train.ticket_id(), onward.ticket_id(), now=noon)
        assert wrong(row, noon) == {}
        delay(train, 1, since=4)
        assert wrong(row, noon) == {onward.ticket_id(): "missed"}
        # There is more time than was sold, though not as much as a change should take.
        delay(onward, 10)
        assert wrong(row, noon) == {}

    def test_is_reached_when_it_is_late_as_well(self, train, onward, traveller, noon):
        row = paid(traveller, train.ticket_id(), onward.ticket_id(), now=noon)
        delay(train, 40, since=4)
        delay(onward, 40)
        assert wrong(row, noon) == {}

    def test_is_missed_when_the_first_does_not_run(self, train, onward, traveller, noon):
        row = paid(traveller, train.ticket_id(), onward.ticket_id(), now=noon)
        call_off(train)
        assert wrong(row, noon) == {train.ticket_id(): "cancelled", onward.ticket_id(): "missed"}

    def test_the_way_back_of_a_day_trip_is_no_connection(self, train, later, traveller, noon):
        munich, hamburg = train.calls[4].station, train.calls[0].station
        back = make_trip(
            train.departure.service,
            train.departure.vehicle,
            starts_at=datetime(2026, 6, 2, 16, 0, tzinfo=UTC),
            stops=[Stop(munich, 0), Stop(hamburg, 330, 800)],
            run="back",
        )
        row = paid(traveller, train.ticket_id(), back.ticket_id(), now=noon)
        call_off(train)
        assert wrong(row, noon) == {train.ticket_id(): "cancelled"}

    def test_the_pair_of_stations_says_how_long_a_change_takes(self, train, traveller, noon):
        munich = train.calls[4].station
        east = Station.objects.create(
            city=munich.city,
            kind=munich.kind,
            code="ME",
            name="München Ost",
            tz=munich.tz,
            latitude=48,
            longitude=11,
        )
        MinimumChange.objects.create(from_station=munich, to_station=east, minutes=28)
        places.forget()
        onward = make_trip(
            make_service(train.departure.service.tariff, "RE 8"),
            train.departure.vehicle,
            starts_at=datetime(2026, 6, 2, 12, 0, tzinfo=UTC),
            stops=[Stop(east, 0), Stop(train.calls[1].station, 100, 100)],
        )
        row = paid(traveller, train.ticket_id(), onward.ticket_id(), now=noon)
        delay(train, 2, since=4)
        assert wrong(row, noon) == {}
        delay(train, 3, since=4)
        assert wrong(row, noon) == {onward.ticket_id(): "missed"}

    def test_all_of_what_it_broke_is_given_back_in_full(self, train, onward, traveller, me, noon):
        row = paid(traveller, train.ticket_id(), onward.ticket_id(), now=noon)
        delay(train, 26, since=4)
        # The onward train has left without them.
        gone = datetime(2026, 6, 2, 12, 5, tzinfo=UTC)
        Coupon.objects.filter(ticket_id=train.ticket_id()).update(state="used")
        done = services.cancel_and_refund(
            viewer=me, reservation_id=row.id, actor=Actor("holder", me.user_id), now=gone
        )
        # 300 km at 5 cents and 5.00.
        assert (done.penalty, done.refund) == (Money(0, "EUR"), Money(2_000, "EUR"))
        assert Cancellation.objects.get().reason_code == "missed_connection"
        Coupon.objects.filter(state="used").update(state="used")

    def test_changes_are_reached_again_after_rebooking(self, train, onward, traveller, me, noon):
        sooner = another(train, starts_at=datetime(2026, 6, 2, 5, 30, tzinfo=UTC), run="sooner")
        after = another(train, starts_at=datetime(2026, 6, 2, 9, tzinfo=UTC), run="after")
        row = paid(traveller, train.ticket_id(), onward.ticket_id(), now=noon)
        call_off(train)
        found = booking.find_alternatives(
            reservation=fresh(row, noon), ticket_id=train.ticket_id(), now=noon
        )
        assert [(one.ticket_id, one.needs_more) for one in found] == [
            (sooner.ticket_id(), False),
            (after.ticket_id(), True),
        ]
        rebook(me, row, train.ticket_id(), sooner.ticket_id(), noon)
        assert wrong(row, noon) == {}


class TestAlternatives:
    def test_are_the_same_carriers_between_the_same_cities(
        self, timetable: Timetable, train, later, traveller, noon
    ):
        row = paid(traveller, train.ticket_id(), now=noon)
        call_off(train)
        # The coach and the flight are other carriers'.
        assert offered(row, train.ticket_id(), noon) == [later.ticket_id()]

    @pytest.mark.parametrize(
        ("starts_at", "found"),
        [
            ("2026-06-01T17:59", False),
            ("2026-06-01T18:00", True),
            ("2026-06-05T06:00", True),
            ("2026-06-05T06:01", False),
        ],
    )
    def test_leave_within_half_a_day_before_and_three_days_after(
        self, train, traveller, noon, starts_at, found
    ):
        moment = datetime.fromisoformat(starts_at).replace(tzinfo=UTC)
        other = another(train, starts_at=moment, run="other")
        row = paid(traveller, train.ticket_id(), now=noon)
        call_off(train)
        assert (other.ticket_id() in offered(row, train.ticket_id(), noon)) is found

    def test_have_room_for_the_whole_party(self, train, later, traveller, noon):
        row = paid(traveller, train.ticket_id(), now=noon, people=5)
        call_off(train)
        paid("first@example.org", later.ticket_id(), now=noon, people=3)
        assert offered(row, train.ticket_id(), noon) == [later.ticket_id()]
        paid("second@example.org", later.ticket_id(), now=noon, people=1)
        # Four are left in Economy, and Business has four for five.
        assert offered(row, train.ticket_id(), noon) == []

    def test_are_in_a_better_class_only_where_the_own_one_is_full(
        self, train, later, traveller, me, noon
    ):
        row = paid(traveller, train.ticket_id(), now=noon, people=2)
        call_off(train)
        first = later.ticket_id(fare=2)
        with pytest.raises(SoldOut):
            rebook(me, row, train.ticket_id(), first, noon)
        paid("a@example.org", later.ticket_id(), now=noon, people=7)
        assert offered(row, train.ticket_id(), noon) == [first]
        done = rebook(me, row, train.ticket_id(), first, noon)
        assert seats_of(done) == [("2", "1A"), ("2", "1B")]
        # Two Savers stay two Savers.
        assert done.price == Money(9_000, "EUR")

    def test_never_a_worse_class(self, train, later, traveller, me, noon):
        row = paid(traveller, train.ticket_id(fare=2), now=noon)
        call_off(train)
        assert offered(row, train.ticket_id(fare=2), noon) == [later.ticket_id(fare=2)]
        with pytest.raises(NotChangeable):
            rebook(me, row, train.ticket_id(fare=2), later.ticket_id(), noon)

    def test_of_a_ticket_that_is_not_there(self, train, later, traveller, noon):
        row = paid(traveller, train.ticket_id(), now=noon)
        with pytest.raises(NotFound):
            offered(row, later.ticket_id(), noon)


class TestRebook:
    def test_costs_nothing_and_moves_no_money(self, train, later, traveller, me, noon):
        row = paid(traveller, train.ticket_id(), now=noon, people=party("adult", "child", "infant"))
        call_off(train)
        balances = list(Account.objects.order_by("id").values_list("id", "balance_minor"))
        transfers = Transfer.objects.count()

        done = rebook(me, row, train.ticket_id(), later.ticket_id(), noon)

        assert (done.status, done.price) == ("Paid", row.price)
        assert [one.ticket_id for one in done.open_coupons] == [later.ticket_id()] * 3
        assert seats_of(done) == [("1", "1A"), ("1", "1B")]
        assert [one.price for one in done.open_coupons] == [one.price for one in row.coupons]
        assert list(Account.objects.order_by("id").values_list("id", "balance_minor")) == balances
        assert (Transfer.objects.count(), Refund.objects.count()) == (transfers, 0)
        old = {one.barcode for one in row.coupons}
        assert not old & {one.barcode for one in done.open_coupons}

    def test_is_told_by_mail(self, train, later, traveller, me, noon):
        row = paid(traveller, train.ticket_id(), now=noon)
        call_off(train)
        rebook(me, row, train.ticket_id(), later.ticket_id(), noon)
        message = OutboxMessage.objects.get(kind="bookings.rebooked")
        assert message.about == f"reservation:{row.id}"
        assert "08:00 Hamburg Hbf - 13:30 München Hbf, ICE 585" in message.body
        assert "11:00 Hamburg Hbf - 16:30 München Hbf, ICE 585" in message.body

    def test_penalties_count_from_the_new_departure(self, train, traveller, me, noon):
        # The train leaves in 18 hours (the Saver keeps half), the other one in 42: a tenth.
        other = another(train, starts_at=datetime(2026, 6, 3, 6, tzinfo=UTC), run="next day")
        row = paid(traveller, train.ticket_id(), now=noon)
        assert services.quote_for(fresh(row, noon), now=noon).penalty == Money(2_250, "EUR")
        call_off(train)
        assert services.quote_for(fresh(row, noon), now=noon).penalty == Money(0, "EUR")
        done = rebook(me, row, train.ticket_id(), other.ticket_id(), noon)
        assert services.quote_for(done, now=noon).penalty == Money(450, "EUR")
        cancelled = services.cancel_and_refund(
            viewer=me, reservation_id=row.id, actor=Actor("holder", me.user_id), now=noon
        )
        assert cancelled.refund == Money(4_050, "EUR")
        assert (cancelled.reservation.status, Refund.objects.count()) == ("Cancelled", 1)

    def test_tiers_are_those_that_were_sold(self, train, later, traveller, me, noon):
        row = paid(traveller, train.ticket_id(), now=noon)
        sold = row.coupons[0].fare_version_id
        FareVersion.objects.create(
            fare=train.fares[0], valid_from=noon, base_minor=9_900, per_km_micro=0
        )
        call_off(train)
        done = rebook(me, row, train.ticket_id(), later.ticket_id(), noon)
        assert [one.fare_version_id for one in done.open_coupons] == [sold]

    def test_not_what_runs_as_sold(self, train, later, traveller, me, noon):
        row = paid(traveller, train.ticket_id(), now=noon)
        before = everything()
        with pytest.raises(NotDisrupted):
            rebook(me, row, train.ticket_id(), later.ticket_id(), noon)
        assert everything() == before

    def test_staff_may_and_say_why(self, train, later, traveller, staff, noon):
        row = paid(traveller, train.ticket_id(), now=noon)
        agent = Actor("staff", staff.pk, "strike: agreed by telephone")
        done = rebook(OFFICE, row, train.ticket_id(), later.ticket_id(), noon, actor=agent)
        assert [one.ticket_id for one in done.open_coupons] == [later.ticket_id()]
        event = ReservationEvent.objects.get(kind="rebooked")
        assert (event.actor_id, event.reason) == (staff.pk, agent.reason)

    def test_another_carrier_or_another_way_is_no_alternative(
        self, timetable, train, later, traveller, me, noon
    ):
        row = paid(traveller, train.ticket_id(), now=noon)
        call_off(train)
        for other in (
            timetable.flight.ticket_id(),
            later.ticket_id(0, 3),
            train.ticket_id(0, 4, 1),
        ):
            with pytest.raises(NotChangeable):
                rebook(me, row, train.ticket_id(), other, noon)

    def test_too_late_or_gone(self, train, later, traveller, me, noon):
        row = paid(traveller, train.ticket_id(), now=noon)
        call_off(train)
        with pytest.raises(DepartureClosed):
            rebook(
                me, row, train.ticket_id(), later.ticket_id(), datetime(2026, 6, 2, 9, tzinfo=UTC)
            )
        rebook(me, row, train.ticket_id(), later.ticket_id(), noon)
        with pytest.raises(AlreadyCancelled):
            rebook(me, row, train.ticket_id(), later.ticket_id(), noon)

    def test_belongs_to_its_holder_who_proves_it(self, train, later, traveller, stranger, noon):
        row = paid(traveller, train.ticket_id(), now=noon)
        call_off(train)
        with pytest.raises(NotFound):
            rebook(Viewer(user_id=stranger.pk), row, train.ticket_id(), later.ticket_id(), noon)
        with pytest.raises(ProofNeeded):
            rebook(
                Viewer(looked_up=frozenset([row.id])),
                row,
                train.ticket_id(),
                later.ticket_id(),
                noon,
            )

    def test_only_the_ticket_that_is_wrong(self, train, later, coach, traveller, me, noon):
        row = paid(traveller, train.ticket_id(), coach.ticket_id(1, 2), now=noon)
        call_off(train)
        done = rebook(me, row, train.ticket_id(), later.ticket_id(), noon)
        assert [one.id for one in done.journey] == [later.ticket_id(), coach.ticket_id(1, 2)]


class TestInsteadOfARefund:
    def test_who_was_rebooked_is_not_paid_back_after_a_week(
        self, train, later, traveller, me, noon
    ):
        row = paid(traveller, train.ticket_id(), now=noon)
        other = paid("lazy@example.org", train.ticket_id(), now=noon)
        call_off(train)
        note_called_off(now=noon, limit=10)
        rebook(me, row, train.ticket_id(), later.ticket_id(), noon)

        done = refund_called_off(departure_id=train.departure.pk, now=noon + WAITS)

        assert done == 1
        assert fresh(row, noon).status == "Paid"
        assert fresh(other, noon).status == "Cancelled"
        assert [one.payment.reservation_id for one in Refund.objects.all()] == [other.id]

    def test_a_quote_for_what_was_called_off_is_void_after_rebooking(
        self, train, later, traveller, me, noon
    ):
        row = paid(traveller, train.ticket_id(), now=noon)
        call_off(train)
        quote = services.quote_for(fresh(row, noon), now=noon)
        rebook(me, row, train.ticket_id(), later.ticket_id(), noon)
        with pytest.raises(QuoteExpired):
            services.cancel_and_refund(
                viewer=me,
                reservation_id=row.id,
                actor=Actor("holder", me.user_id),
                quote_id=quote.id,
                now=noon,
            )
        assert Refund.objects.count() == 0

    def test_what_was_paid_back_is_not_rebooked(self, train, later, traveller, me, noon):
        row = paid(traveller, train.ticket_id(), now=noon, people=adults(2))
        call_off(train)
        services.cancel_and_refund(
            viewer=me, reservation_id=row.id, actor=Actor("holder", me.user_id), now=noon
        )
        assert Cancellation.objects.get().reason_code == "carrier"
        with pytest.raises(AlreadyCancelled):
            rebook(me, row, train.ticket_id(), later.ticket_id(), noon)
        assert Payment.objects.get().amount_minor == 9_000

    def test_cancelling_needs_proof_as_well(self, train, traveller, noon):
        row = paid(traveller, train.ticket_id(), now=noon)
        with pytest.raises(ProofNeeded):
            services.cancel_and_refund(
                viewer=Viewer(looked_up=frozenset([row.id])),
                reservation_id=row.id,
                actor=Actor("holder"),
                now=noon,
            )
        held = reserve("guest@example.org", train.ticket_id(), now=noon)
        with pytest.raises(ProofNeeded):
            booking.release(
                viewer=Viewer(looked_up=frozenset([held.id])),
                reservation_id=held.id,
                now=noon,
                actor=SYSTEM,
            )


def test_a_departure_that_is_not_sold_any_more_takes_nobody(
    train: Trip, later: Trip, traveller: User, noon: datetime
) -> None:

    row = paid(traveller, train.ticket_id(), now=noon)
    call_off(train)
    Departure.objects.filter(pk=later.departure.pk).update(sales_closed_at=noon)
    assert offered(row, train.ticket_id(), noon) == []
