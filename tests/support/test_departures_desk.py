"""The departures desk: each act once, in the log, by whoever may; and jobs that lose nobody."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from importlib import import_module

import pytest
from django.apps import apps

from accounts.models import User
from accounts.viewers import Viewer
from bookings.models import Coupon, Reservation, ReservationEvent, SeatBlock, Unseated
from bookings.selectors import ReservationDetail, get_reservation
from inventory.errors import DepartureChanged, HasArrived, NotRunning
from inventory.models import Call, Departure, Membership, Seat
from inventory.reach import reach_of
from payments import selectors as money
from payments import services as paying
from payments.models import Cancellation, Refund
from support import desk
from support.models import DeskEntry, DisruptionItem, DisruptionJob
from support.services import departures, disruptions, extras
from support.services.departures import Hand
from support.story.books import read_all
from support.story.words import tell_all
from support.tasks import work_on_disruptions
from tests import factories
from tests.conftest import Clock
from tests.selling import HOLD, adults, party, reserve
from travel.common.errors import InvalidInput, NotAllowed, NotFound
from travel.common.models import OutboxMessage
from travel.common.money import Money

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("audited")]

Pay = Callable[..., ReservationDetail]


@pytest.fixture
def clerk(db: None) -> User:
    """A member of staff of operations."""
    return factories.make_user(email="olga@office.example", is_staff=True, roles=["operations"])


@pytest.fixture
def hand(clerk: User) -> Hand:
    return Hand(user_id=clerk.pk, reason="Storm", address="192.0.2.7")


@pytest.fixture
def pay(traveller: User, noon: datetime) -> Pay:
    """Reserve and pay from the wallet of a traveller."""

    def make(
        trip: factories.Trip, *, people: int = 1, who: User | None = None, more=(), **way: int
    ) -> ReservationDetail:
        user = who or traveller
        held = reserve(user, trip.ticket_id(**way), *more, now=noon, passengers=adults(people))
        paying.open_with(user_id=user.pk, amount=Money(held.price.minor, "EUR"), now=noon)
        paying.pay(
            viewer=Viewer(user_id=user.pk),
            reservation_id=held.id,
            method="Wallet",
            token=None,
            now=noon,
        )
        return held

    return make


def balance(user: User) -> int:
    return money.balance(user.pk, "EUR").minor


def kinds_of_mail(user: User) -> list[str]:
    mails = OutboxMessage.objects.filter(recipient=user.email).order_by("id")
    return list(mails.values_list("kind", flat=True))


def times_of(trip: factories.Trip) -> list[int]:
    """Minutes later than planned at each call, of departing or else arriving; -1 for no word."""
    late = []
    for call in Call.objects.filter(departure=trip.departure).order_by("position"):
        expected = call.expected_departs_at or call.expected_arrives_at
        planned = call.departs_at or call.arrives_at
        late.append(-1 if expected is None else (expected - planned) // timedelta(minutes=1))
    return late


class TestDelay:
    def test_is_expected_from_a_call_on(self, hand, train, noon):
        entry = departures.delay(
            hand=hand,
            departure_id=train.departure.pk,
            position=2,
            minutes=25,
            tell=False,
            now=noon,
        )
        assert times_of(train) == [-1, -1, 25, 25, 25]
        third = Call.objects.get(departure=train.departure, position=2)
        assert third.expected_arrives_at == third.arrives_at + timedelta(minutes=25)
        assert (entry.act, entry.actor_id, entry.address) == ("delay", hand.user_id, "192.0.2.7")
        assert (entry.reason, entry.details) == ("Storm", {"from": 2, "minutes": 25, "before": {}})
        assert entry.job is None

    def test_nothing_takes_it_back(self, hand, train, noon):
        ask = {"hand": hand, "departure_id": train.departure.pk, "tell": False, "now": noon}
        departures.delay(position=0, minutes=30, **ask)
        departures.delay(position=3, minutes=0, **ask)
        assert times_of(train) == [30, 30, 30, -1, -1]
        assert "0" in DeskEntry.objects.order_by("-id")[0].details["before"]

    @pytest.mark.parametrize(("position", "minutes"), [(5, 10), (-1, 10), (0, -1), (0, 2881)])
    def test_refuses_what_cannot_be(self, hand, train, noon, position, minutes):
        with pytest.raises(InvalidInput):
            departures.delay(
                hand=hand,
                departure_id=train.departure.pk,
                position=position,
                minutes=minutes,
                tell=True,
                now=noon,
            )
        assert not DeskEntry.objects.exists()
        assert not DisruptionJob.objects.exists()

    def test_tells_those_who_are_late(self, hand, train, pay, traveller, stranger, clock, noon):
        early = pay(train, start=0, end=2)
        late = pay(train, who=stranger, start=1, end=4)
        departures.delay(
            hand=hand, departure_id=train.departure.pk, position=3, minutes=40, tell=True, now=noon
        )
        # Ada has alighted two calls before.
        items = DisruptionItem.objects.values_list("reservation_id", flat=True)
        assert list(items) == [late.id]
        assert work_on_disruptions() == 1
        assert "bookings.departure_changed" in kinds_of_mail(stranger)
        assert "bookings.departure_changed" not in kinds_of_mail(traveller)
        event = ReservationEvent.objects.get(kind="delayed")
        assert (event.reservation_id, event.reason) == (late.id, "Storm")
        assert event.details["arrives_late"] == 40
        assert "Storm" in OutboxMessage.objects.get(kind="bookings.departure_changed").body
        assert DisruptionJob.objects.get().state == "done"
        assert early.id != late.id


class TestCancel:
    def test_is_not_sold_any_more(self, hand, train, noon):
        departures.cancel(hand=hand, departure_id=train.departure.pk, deed="tell", now=noon)
        from inventory.errors import DepartureClosed

        with pytest.raises(DepartureClosed):
            reserve("a@example.org", train.ticket_id(), now=noon)

    def test_refunds_everybody_in_full(self, hand, train, pay, traveller, stranger, clock, noon):
        first = pay(train, people=2)
        pay(train, who=stranger, fare=1)
        entry = departures.cancel(
            hand=hand, departure_id=train.departure.pk, deed="refund", now=noon
        )

        work_on_disruptions()

        # 2 x 45.00 and 90.00 EUR.
        assert (balance(traveller), balance(stranger)) == (9_000, 9_000)
        job = desk.get_job(reach=reach_of(User.objects.get(pk=hand.user_id)), job_id=entry.job_id)
        assert (job.states, job.outcomes, job.told) == ({"done": 2}, {"refunded": 2}, 2)
        assert job.job.state == "done"
        assert job.job.finished_at == noon
        for user in (traveller, stranger):
            mails = kinds_of_mail(user)
            assert mails.count("bookings.departure_changed") == 1
            assert mails.count("payments.cancellation") == 1
        row = Cancellation.objects.get(reservation_id=first.id)
        assert (row.actor_kind, row.reason_code, row.reason) == (
            "system",
            "carrier",
            "Storm",
        )
        # Whoever has the money back is not asked to choose.
        body = OutboxMessage.objects.filter(kind="bookings.departure_changed")[0].body
        assert "have your money back" not in body

    def test_who_is_only_told_may_choose(self, hand, train, pay, traveller, clock, noon):
        pay(train)
        departures.cancel(hand=hand, departure_id=train.departure.pk, deed="tell", now=noon)
        work_on_disruptions()
        assert Coupon.objects.get().state == "open"
        assert not Refund.objects.exists()
        body = OutboxMessage.objects.get(kind="bookings.departure_changed").body
        assert "have your money back" in body

    def test_other_tickets_of_a_booking_stay(self, hand, train, coach, pay, traveller, clock, noon):
        pay(train, more=[coach.ticket_id()])
        departures.cancel(hand=hand, departure_id=coach.departure.pk, deed="refund", now=noon)
        work_on_disruptions()
        assert balance(traveller) == 3_200
        assert sorted(Coupon.objects.values_list("state", flat=True)) == ["cancelled", "open"]

    def test_what_is_not_paid_is_given_up(self, hand, train, traveller, clock, noon):
        held = reserve(traveller, train.ticket_id(), now=noon)
        departures.cancel(hand=hand, departure_id=train.departure.pk, deed="refund", now=noon)
        work_on_disruptions()
        assert Reservation.objects.get(id=held.id).state == "cancelled"
        item = DisruptionItem.objects.get()
        assert (item.state, item.outcome, item.is_told) == ("done", "released", True)
        mail = OutboxMessage.objects.get(kind="support.disruption")
        assert "Nothing was charged" in mail.body

    def test_who_pays_while_it_runs_is_found(self, hand, train, pay, traveller, clock, noon):
        """A hold of that moment is not in the list; the job looks again before it ends."""
        entry = departures.cancel(
            hand=hand, departure_id=train.departure.pk, deed="refund", now=noon
        )
        Departure.objects.filter(id=train.departure.pk).update(state="scheduled")
        late = pay(train)
        Departure.objects.filter(id=train.departure.pk).update(state="cancelled")
        work_on_disruptions()
        work_on_disruptions()
        assert DisruptionItem.objects.get().reservation_id == late.id
        assert balance(traveller) == 4_500
        assert DisruptionJob.objects.get(id=entry.job_id).state == "done"

    def test_it_does_not_end_while_seats_are_held(self, hand, train, traveller, clock, noon):
        """Somebody's hold that could not be given up may still be paid."""
        entry = departures.cancel(
            hand=hand, departure_id=train.departure.pk, deed="refund", now=noon
        )
        Departure.objects.filter(id=train.departure.pk).update(state="scheduled")
        reserve(traveller, train.ticket_id(), now=noon)
        Departure.objects.filter(id=train.departure.pk).update(state="cancelled")
        assert disruptions.look_after(job_id=entry.job_id, now=noon) == "running"
        assert disruptions.look_after(job_id=entry.job_id, now=noon + HOLD) == "running"
        for item in disruptions.due_items(now=noon + HOLD, limit=9):
            assert disruptions.work_on(item_id=item, now=noon + HOLD) == "left"
        assert disruptions.look_after(job_id=entry.job_id, now=noon + HOLD) == "done"

    def test_the_traveller_may_be_quicker(self, hand, train, pay, traveller, clock, noon):
        reservation = pay(train)
        departures.cancel(hand=hand, departure_id=train.departure.pk, deed="refund", now=noon)
        paying.cancel_and_refund(
            viewer=Viewer(user_id=traveller.pk),
            reservation_id=reservation.id,
            actor=hand.actor,
            now=noon,
        )
        work_on_disruptions()
        item = DisruptionItem.objects.get()
        assert (item.state, item.outcome) == ("left", "settled")
        assert Refund.objects.count() == 1

    def test_asks_for_a_reason(self, hand, train, noon):
        silent = Hand(user_id=hand.user_id, reason="  ")
        with pytest.raises(InvalidInput):
            departures.cancel(hand=silent, departure_id=train.departure.pk, deed="tell", now=noon)
        assert Departure.objects.get(id=train.departure.pk).state == "scheduled"

    def test_a_second_press_of_the_button_does_nothing(self, hand, train, pay, traveller, noon):
        pay(train)
        once = Hand(hand.user_id, "Storm", once="token-of-the-page", revision=0)
        first = departures.cancel(
            hand=once, departure_id=train.departure.pk, deed="refund", now=noon
        )
        second = departures.cancel(
            hand=once, departure_id=train.departure.pk, deed="refund", now=noon
        )
        assert first.pk == second.pk
        assert (DeskEntry.objects.count(), DisruptionJob.objects.count()) == (1, 1)

    def test_a_stale_page_does_nothing(self, hand, train, noon):
        departures.set_sales(hand=hand, departure_id=train.departure.pk, is_open=False, now=noon)
        stale = Hand(hand.user_id, "Storm", revision=0)
        with pytest.raises(DepartureChanged):
            departures.cancel(hand=stale, departure_id=train.departure.pk, deed="tell", now=noon)
        assert Departure.objects.get(id=train.departure.pk).state == "scheduled"
        assert DeskEntry.objects.count() == 1

    def test_is_not_cancelled_twice(self, hand, train, noon):
        departures.cancel(hand=hand, departure_id=train.departure.pk, deed="tell", now=noon)
        with pytest.raises(NotRunning):
            departures.cancel(hand=hand, departure_id=train.departure.pk, deed="tell", now=noon)

    def test_a_job_may_follow_later(self, hand, train, pay, traveller, clock, noon):
        pay(train)
        ask = {"hand": hand, "departure_id": train.departure.pk, "now": noon}
        with pytest.raises(InvalidInput):
            departures.begin_job(deed="refund", **ask)
        departures.cancel(deed="tell", **ask)
        work_on_disruptions()
        departures.begin_job(deed="refund", **ask)
        work_on_disruptions()
        assert balance(traveller) == 4_500
        # Told once, though two jobs were about it.
        assert kinds_of_mail(traveller).count("bookings.departure_changed") == 1


class TestArrived:
    """The train is in Munich at 11:30 UTC on 2 June."""

    ARRIVAL = datetime(2026, 6, 2, 11, 30, tzinfo=UTC)

    def acts(self, hand: Hand, train: factories.Trip, now: datetime) -> list[Callable[[], object]]:
        """Each act that changes how a departure runs, ready to be done."""
        to = {"hand": hand, "departure_id": train.departure.pk, "now": now}
        seat = Seat.objects.filter(coach__seat_map=train.departure.vehicle.seat_map)[0]
        other = factories.make_vehicle(
            train.departure.service.carrier,
            coaches=[factories.CoachPlan("1"), factories.CoachPlan("2", "Business", "A|B", 2)],
        )
        return [
            lambda: departures.delay(position=0, minutes=30, tell=True, **to),
            lambda: departures.set_platform(position=0, platform="7", tell=True, **to),
            lambda: departures.block_seats(
                seat_ids=[seat.pk], from_call=0, to_call=1, tell=True, **to
            ),
            lambda: departures.unblock_seats(
                block_ids=SeatBlock.objects.values_list("pk", flat=True), **to
            ),
            lambda: departures.seat_the_waiting(**to),
            lambda: departures.set_sales(is_open=False, **to),
            lambda: departures.swap_vehicle(vehicle_id=other.pk, tell=True, **to),
            lambda: departures.skip(positions=[1], deed="refund", **to),
            lambda: departures.cancel(deed="refund", **to),
        ]

    def test_nothing_is_changed_any_more(self, hand, train, pay):
        pay(train)
        for act in self.acts(hand, train, self.ARRIVAL):
            with pytest.raises(HasArrived):
                act()
        assert not DeskEntry.objects.exists()
        assert not DisruptionJob.objects.exists()
        assert Departure.objects.get(pk=train.departure.pk).revision == 0

    def test_till_then_everything_may_be(self, hand, train, pay):
        pay(train)
        for act in self.acts(hand, train, self.ARRIVAL - timedelta(seconds=1)):
            act()
        assert DeskEntry.objects.count() == 9

    def test_a_button_pressed_again_after_the_arrival(self, hand, train):
        once = replace(hand, once="token-of-the-page")
        to = {"hand": once, "departure_id": train.departure.pk, "deed": "tell"}
        first = departures.cancel(now=self.ARRIVAL - timedelta(minutes=1), **to)
        assert departures.cancel(now=self.ARRIVAL, **to) == first

    def test_one_that_was_cancelled_is_still_settled(self, hand, train, pay, traveller, clock):
        pay(train)
        to = {"hand": hand, "departure_id": train.departure.pk}
        departures.cancel(deed="tell", now=clock.now(), **to)
        work_on_disruptions()
        clock.moment = self.ARRIVAL + timedelta(days=1)
        begun = departures.begin_job(deed="refund", now=clock.now(), **to)
        departures.stop_job(hand=hand, job=begun.job, now=clock.now())
        departures.retry_job(hand=hand, job=begun.job, now=clock.now())
        work_on_disruptions()
        assert balance(traveller) == 4_500


class TestRebook:
    @pytest.fixture
    def later(self, train, noon):
        """The same train two hours later, with the same seats."""
        service = train.departure.service
        return factories.make_trip(
            service,
            factories.make_vehicle(
                service.carrier,
                coaches=[
                    factories.CoachPlan("1"),
                    factories.CoachPlan("2", "Business", "A|B", 2),
                ],
            ),
            starts_at=datetime.fromisoformat("2026-06-02T08:00:00+00:00"),
            stops=[
                factories.Stop(call.station, minutes, km)
                for call, minutes, km in zip(
                    train.calls,
                    [0, 75, 120, 240, 330],
                    [0, 200, 300, 600, 800],
                    strict=True,
                )
            ],
            run="2",
        )

    def test_moves_them_to_the_next_one(self, hand, train, later, pay, traveller, clock, noon):
        reservation = pay(train, people=2)
        departures.cancel(hand=hand, departure_id=train.departure.pk, deed="rebook", now=noon)
        work_on_disruptions()
        still_open = Coupon.objects.filter(state="open")
        assert {one.ticket_id for one in still_open} == {later.ticket_id()}
        assert still_open.count() == 2
        item = DisruptionItem.objects.get(reservation_id=reservation.id)
        assert (item.state, item.outcome) == ("done", "rebooked")
        assert balance(traveller) == 0
        assert "bookings.rebooked" in kinds_of_mail(traveller)

    def test_refunds_where_there_is_no_room(
        self, hand, train, later, pay, traveller, stranger, clock, noon
    ):
        pay(train, people=6)
        pay(train, people=2, who=stranger)
        reserve("full@example.org", later.ticket_id(), now=noon, passengers=adults(7))
        reserve("biz@example.org", later.ticket_id(fare=2), now=noon, passengers=adults(4))
        departures.cancel(hand=hand, departure_id=train.departure.pk, deed="rebook", now=noon)
        work_on_disruptions()
        outcomes = DisruptionItem.objects.order_by("id").values_list("outcome", flat=True)
        assert list(outcomes) == ["refunded", "refunded"]
        assert (balance(traveller), balance(stranger)) == (27_000, 9_000)


class TestSkip:
    def test_concerns_those_who_board_or_alight_there(
        self, hand, train, pay, traveller, stranger, clock, noon
    ):
        pay(train, start=0, end=4)
        pay(train, who=stranger, start=1, end=4)
        departures.skip(
            hand=hand, departure_id=train.departure.pk, positions=[1], deed="refund", now=noon
        )
        work_on_disruptions()
        # Hanover to Munich, 600 km: 5.00 + 30.00 EUR.
        assert (balance(traveller), balance(stranger)) == (0, 3_500)
        assert Call.objects.get(departure=train.departure, position=1).is_skipped
        with pytest.raises(NotFound):
            reserve("a@example.org", train.ticket_id(1, 4), now=noon)
        reserve("a@example.org", train.ticket_id(0, 4), now=noon)

    @pytest.mark.parametrize("positions", [[], [7], [0, 1, 2, 3], [0, 1, 2, 3, 4]])
    def test_leaves_two_calls_at_least(self, hand, train, noon, positions):
        with pytest.raises(InvalidInput):
            departures.skip(
                hand=hand,
                departure_id=train.departure.pk,
                positions=positions,
                deed="tell",
                now=noon,
            )
        assert not Call.objects.filter(is_skipped=True).exists()


class TestPlatform:
    def test_is_told_to_those_who_board_there(
        self, hand, train, pay, traveller, stranger, clock, noon
    ):
        pay(train, start=0, end=4)
        pay(train, who=stranger, start=1, end=4)
        departures.set_platform(
            hand=hand,
            departure_id=train.departure.pk,
            position=1,
            platform="7b",
            tell=True,
            now=noon,
        )
        work_on_disruptions()
        assert Call.objects.get(departure=train.departure, position=1).platform == "7b"
        mail = OutboxMessage.objects.get(kind="support.disruption")
        assert mail.recipient == stranger.email
        assert "ICE 585 leaves Hannover Hbf from platform 7b." in mail.body


class TestExtra:
    def ask(self, hand: Hand, trip: factories.Trip, now: datetime, **other: object) -> DeskEntry:
        wanted = {"day": date(2026, 6, 3), "leaves": time(9, 30), "second": False, **other}
        return extras.add_extra(
            hand=hand,
            departure_id=trip.departure.pk,
            vehicle_id=trip.departure.vehicle_id,
            now=now,
            **wanted,
        )

    def test_of_an_older_revision(self, hand, train, noon):
        with pytest.raises(DepartureChanged):
            self.ask(replace(hand, revision=train.departure.revision + 1), train, noon)
        assert self.ask(replace(hand, revision=train.departure.revision), train, noon).departure

    def test_of_another_departure_of_the_service_at_the_same_minute(self, hand, train, noon):
        """Extra ones of two departures of a service are numbered in one row, and are twins."""
        made = self.ask(hand, train, noon).departure
        assert made is not None
        copied = factories.Trip(made, [], [])
        with pytest.raises(InvalidInput) as refused:
            self.ask(hand, copied, noon, leaves=time(9, 30, 59))
        assert list(refused.value.errors) == ["second"]
        second = self.ask(hand, copied, noon, second=True).departure
        later = self.ask(hand, copied, noon, leaves=time(9, 31)).departure
        assert [made.run, second.run, later.run] == ["extra-1", "extra-2", "extra-3"]
        assert Call.objects.filter(departure=later).count() == 5


class TestSeats:
    def test_those_who_sit_elsewhere_learn_it(
        self, hand, train, pay, traveller, stranger, clock, noon
    ):
        pay(train)
        pay(train, who=stranger, people=2)
        smaller = factories.make_vehicle(
            train.departure.service.carrier,
            coaches=[factories.CoachPlan("1", layout="AB", rows=1)],
        )
        entry = departures.swap_vehicle(
            hand=hand,
            departure_id=train.departure.pk,
            vehicle_id=smaller.pk,
            tell=True,
            now=noon,
        )
        assert (entry.details["kept"], entry.details["unseated"]) == (2, 1)
        work_on_disruptions()
        mail = OutboxMessage.objects.get(kind="support.disruption")
        assert mail.recipient == stranger.email
        assert "We are looking for a seat for Bob Roe" in mail.body
        waiting = desk.waiting(reach=reach_of(User.objects.get(pk=hand.user_id)))
        assert [(one.name, one.had) for one in waiting] == [("Bob Roe", "1/1C")]

    def test_what_is_told_is_called_what_it_is(self, hand, train, pay, stranger, clock, noon):
        # All seats of the class are taken: whoever has to go finds none.
        seats = Seat.objects.filter(
            coach__seat_map=train.departure.vehicle.seat_map, travel_class="Economy"
        )
        pay(train, people=4)
        pay(train, who=stranger, people=seats.count() - 4)
        seat = seats[0]
        act = {"hand": hand, "departure_id": train.departure.pk, "now": noon}
        departures.block_seats(seat_ids=[seat.pk], from_call=0, to_call=4, tell=True, **act)
        work_on_disruptions()
        waits = Unseated.objects.get().coupon.passenger.reservation_id
        block = SeatBlock.objects.get()
        departures.unblock_seats(block_ids=[block.pk], **act)
        work_on_disruptions()
        assert list(DisruptionJob.objects.order_by("id").values_list("cause", flat=True)) == [
            "blocked",
            "seated",
        ]
        mails = OutboxMessage.objects.filter(
            kind="support.disruption", about=f"reservation:{waits}"
        ).order_by("id")
        assert ["We are looking for a seat" in mail.body for mail in mails] == [True, False]
        assert all(mail.subject.startswith("Your seats have changed") for mail in mails)
        detail = get_reservation(
            viewer=Viewer(is_support=True), reservation_id=waits, now=clock.now()
        )
        notes = [note for told in tell_all(detail, read_all(detail)) for note in told.notes]
        assert "Seats kept back" in notes
        assert "Seats found for those who waited" in notes
        assert "Other vehicle" not in notes

    def test_older_jobs_are_called_what_they_are(self, hand, train, noon):
        """What came of keeping seats back was said to be of another vehicle before."""
        jobs = {}
        for act in ("swap", "block", "unblock", "seat"):
            jobs[act] = DisruptionJob.objects.create(
                departure=train.departure,
                cause="vehicle",
                deed="tell",
                created_at=noon,
                created_by_id=hand.user_id,
                due_at=noon,
            )
            for line in (act, "stop"):
                DeskEntry.objects.create(
                    at=noon,
                    act=line,
                    actor_id=hand.user_id,
                    departure=train.departure,
                    job=jobs[act],
                )
        written = import_module("support.migrations.0012_seats_kept_back")

        def causes() -> list[str]:
            return [DisruptionJob.objects.get(pk=job.pk).cause for job in jobs.values()]

        written.call_them_what_they_are(apps, None)
        assert causes() == ["vehicle", "blocked", "seated", "seated"]
        written.call_them_other_vehicles(apps, None)
        assert causes() == ["vehicle"] * 4


class TestWhoMay:
    @pytest.fixture
    def member(self, train):
        """Staff of the train's carrier, in a role there."""

        def make(role: str, trip: factories.Trip = train) -> User:
            user = factories.make_user(is_staff=True)
            Membership.objects.create(user=user, carrier=trip.departure.service.carrier, role=role)
            return user

        return make

    def close(self, user: User, trip: factories.Trip, now: datetime) -> None:
        departures.set_sales(
            hand=Hand(user.pk, "x"), departure_id=trip.departure.pk, is_open=False, now=now
        )

    def test_operations_administrators_and_superusers(self, train, noon):
        for fields in (
            {"roles": ["operations"]},
            {"roles": ["administrator"]},
            {"is_superuser": True},
        ):
            user = factories.make_user(is_staff=True, **fields)
            self.close(user, train, noon)

    @pytest.mark.parametrize("roles", [["support agent"], ["finance"], []])
    def test_no_other_role(self, train, noon, roles):
        user = factories.make_user(is_staff=True, roles=roles)
        with pytest.raises(NotAllowed):
            self.close(user, train, noon)
        assert not DeskEntry.objects.exists()

    def test_nobody_who_is_no_staff(self, train, traveller, noon):
        traveller.groups.set([factories.Group.objects.get_or_create(name="operations")[0]])
        with pytest.raises(NotAllowed):
            self.close(traveller, train, noon)

    @pytest.mark.parametrize("role", ["operations", "manager"])
    def test_carriers_own_staff_their_own(self, train, flight, member, noon, role):
        user = member(role)
        self.close(user, train, noon)
        with pytest.raises(NotAllowed):
            self.close(user, flight, noon)

    def test_a_viewer_only_looks(self, train, member, noon):
        with pytest.raises(NotAllowed):
            self.close(member("viewer"), train, noon)

    def test_what_each_sees(self, train, flight, member, staff):
        day = train.departure.travel_date
        found = {
            name: [row.departure.pk for row in desk.departures(reach=reach_of(user), day=day)[1]]
            for name, user in {
                "agent": staff,
                "member": member("viewer"),
                "stranger": factories.make_user(is_staff=True),
            }.items()
        }
        assert found["member"] == [train.departure.pk]
        assert flight.departure.pk in found["agent"]
        assert found["stranger"] == []
        with pytest.raises(NotFound):
            desk.get_departure(reach=reach_of(member("viewer")), departure_id=flight.departure.pk)


class TestJobs:
    def test_what_keeps_failing_waits_for_a_person(
        self, hand, train, pay, traveller, clock: Clock, noon, monkeypatch
    ):
        pay(train)
        entry = departures.cancel(
            hand=hand, departure_id=train.departure.pk, deed="refund", now=noon
        )

        def break_off(**_: object) -> None:
            raise RuntimeError("out of order")

        with monkeypatch.context() as patch:
            patch.setattr(disruptions, "cancel_and_refund", break_off)
            for _ in range(disruptions.ATTEMPTS):
                work_on_disruptions()
                clock.advance(minutes=10)
        item = DisruptionItem.objects.get()
        assert (item.state, item.last_error, item.is_told) == ("failed", "RuntimeError", False)
        # What broke off has told nobody either.
        assert "bookings.departure_changed" not in kinds_of_mail(traveller)
        work_on_disruptions()
        assert DisruptionJob.objects.get().state == "done"
        assert desk.jobs(reach=reach_of(User.objects.get(pk=hand.user_id)), only_open=True)

        departures.retry_job(hand=hand, job=entry.job, now=clock.now())
        work_on_disruptions()
        item.refresh_from_db()
        assert (item.state, item.outcome, balance(traveller)) == ("done", "refunded", 4_500)

    def test_a_stopped_job_goes_on_where_it_was(
        self, hand, train, pay, traveller, stranger, clock, noon
    ):
        pay(train)
        pay(train, who=stranger)
        entry = departures.cancel(
            hand=hand, departure_id=train.departure.pk, deed="refund", now=noon
        )
        first = disruptions.due_items(now=noon, limit=1)
        disruptions.work_on(item_id=first[0], now=noon)
        departures.stop_job(hand=hand, job=entry.job, now=noon)
        assert work_on_disruptions() == 0
        assert (
            disruptions.work_on(item_id=DisruptionItem.objects.get(state="waiting").pk, now=noon)
            == ""
        )
        assert (balance(traveller), balance(stranger)) == (4_500, 0)
        departures.retry_job(hand=hand, job=entry.job, now=noon)
        work_on_disruptions()
        assert (balance(traveller), balance(stranger)) == (4_500, 4_500)
        assert [one.act for one in DeskEntry.objects.order_by("id")] == ["cancel", "stop", "retry"]

    def test_money_only_where_the_trip_cannot_be_made(self, hand, train, pay, noon):
        from django.db import IntegrityError

        with pytest.raises(IntegrityError):
            disruptions.begin(
                departure_id=train.departure.pk,
                cause="delayed",
                deed="refund",
                concern=desk.EVERYBODY,
                reason="",
                user_id=hand.user_id,
                now=noon,
            )


def test_the_numbers_before_an_act(hand, train, pay, traveller, stranger, noon):
    """Four adults for 45.00, one of Business for 140.00, a hold; a guest cannot be reached."""
    pay(train, people=4)
    pay(train, who=stranger, fare=2, start=1, end=3)
    reserve("guest@example.org", train.ticket_id(), now=noon, passengers=party("adult", "infant"))

    found = desk.numbers(train.departure.pk)
    assert (found.passengers, found.reservations, found.paid, found.held) == (7, 3, 2, 1)
    # Business from Hanover to Nuremberg, 400 km: 20.00 + 60.00 EUR.
    assert found.price == [Money(4 * 4_500 + 8_000, "EUR")]
    assert (found.guests, found.unreachable) == (1, 0)
    some = desk.numbers(train.departure.pk, desk.Concern(only_at=(3,)))
    assert (some.passengers, some.price) == (1, [Money(8_000, "EUR")])
    assert desk.numbers(train.departure.pk, desk.Concern(boarding_at=0)).passengers == 6
    assert desk.numbers(train.departure.pk, desk.Concern(after=4)).passengers == 6
    people = desk.people(train.departure.pk)
    assert [one.seat for one in people][:2] == ["1/1A", "1/1B"]
    assert len(list(desk.everybody(train.departure.pk))) == 7
