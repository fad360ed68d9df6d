"""Being told of delays and cancellations: once for each change that matters."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bookings import services
from bookings.engine.contract import SYSTEM
from bookings.models import ReservationEvent
from bookings.tasks import tell_of_departures
from inventory.models import Call, Departure
from tests.bookings.disrupted import call_off, delay
from tests.selling import reserve
from travel.common.models import OutboxMessage

pytestmark = pytest.mark.django_db


def paid(who, *ticket_ids, now, **options):
    held = reserve(who, *ticket_ids, now=now, **options)
    services.confirm(reservation_id=held.id, now=now, actor=SYSTEM)
    return held


def tell(trip, now):
    return services.tell_of_changes(departure_id=trip.departure.pk, now=now)


def told():
    rows = OutboxMessage.objects.filter(kind="bookings.departure_changed").order_by("id")
    return [(row.recipient, row.subject) for row in rows]


def story(reservation):
    return [
        (kind, details["leaves_late"], details["arrives_late"])
        for kind, details in ReservationEvent.objects.filter(
            reservation_id=reservation.id, kind__in=["delayed", "called_off"]
        )
        .order_by("id")
        .values_list("kind", "details")
    ]


class TestDelays:
    def test_of_ten_minutes_are_told(self, train, noon):
        row = paid("ada@example.org", train.ticket_id(), now=noon)
        delay(train, 9)
        assert (tell(train, noon), story(row)) == (0, [])
        delay(train, 10)
        assert tell(train, noon) == 1
        assert story(row) == [("delayed", 10, 10)]
        assert told() == [("ada@example.org", f"Your departure is late: {row.locator}")]
        body = OutboxMessage.objects.latest("id").body
        # Ten past eight, and 13:40 at the other end, on the clocks there.
        assert "ICE 585 leaves Hamburg Hbf at 08:10 and arrives at 13:40." in body
        assert "free of charge" not in body

    def test_are_told_again_only_when_they_change_by_as_much(self, train, noon):
        row = paid("ada@example.org", train.ticket_id(), now=noon)
        for minutes in (10, 10, 19, 20, 25, 30, 21, 20):
            delay(train, minutes)
            tell(train, noon)
        assert [late for _kind, late, _arrives in story(row)] == [10, 20, 30, 20]

    def test_that_are_over_are_told_as_well(self, train, noon):
        row = paid("ada@example.org", train.ticket_id(), now=noon)
        for minutes in (15, 0):
            delay(train, minutes)
            tell(train, noon)
        assert story(row) == [("delayed", 15, 15), ("delayed", 0, 0)]
        assert told()[-1] == (
            "ada@example.org",
            f"Your departure runs on time again: {row.locator}",
        )

    def test_count_at_ones_own_calls(self, train, noon):
        early = paid("early@example.org", train.ticket_id(0, 1), now=noon)
        late = paid("late@example.org", train.ticket_id(1, 4), now=noon)
        delay(train, 30, since=2)
        assert tell(train, noon) == 1
        assert (story(early), story(late)) == ([], [("delayed", 0, 30)])

    def test_offer_a_choice_from_an_hour_on(self, train, noon):
        paid("ada@example.org", train.ticket_id(), now=noon)
        delay(train, 55)
        tell(train, noon)
        assert "free of charge" not in OutboxMessage.objects.latest("id").body
        # Five minutes more are news because of what one may do now.
        delay(train, 60)
        assert tell(train, noon) == 1
        assert "You may take another departure free of charge" in (
            OutboxMessage.objects.latest("id").body
        )

    def test_of_what_has_arrived_are_no_news(self, train, noon):
        paid("ada@example.org", train.ticket_id(), now=noon)
        delay(train, 20)
        assert tell(train, datetime(2026, 6, 2, 11, 50, tzinfo=UTC)) == 0
        assert tell(train, datetime(2026, 6, 2, 11, 49, tzinfo=UTC)) == 1


class TestCancellations:
    def test_are_told_once_with_the_choice(self, train, noon):
        row = paid("ada@example.org", train.ticket_id(), now=noon)
        call_off(train)
        assert [tell(train, noon) for _ in range(3)] == [1, 0, 0]
        assert story(row) == [("called_off", 0, 0)]
        assert told() == [("ada@example.org", f"Your departure was cancelled: {row.locator}")]
        assert "free of charge" in OutboxMessage.objects.get(kind__endswith="changed").body

    def test_that_are_taken_back_are_told(self, train, noon):
        row = paid("ada@example.org", train.ticket_id(), now=noon)
        call_off(train)
        tell(train, noon)
        Departure.objects.update(state="scheduled")
        assert tell(train, noon) == 1
        assert [kind for kind, *_ in story(row)] == ["called_off", "delayed"]

    def test_are_told_in_the_readers_language(self, train, noon):
        held = services.reserve(
            holder=services.Holder(email="ada@example.org", language="de"),
            ticket_ids=[train.ticket_id()],
            passengers=[services.PassengerDetails("Ada", "Roe", "adult")],
            now=noon,
        ).reservation
        services.confirm(reservation_id=held.id, now=noon, actor=SYSTEM)
        call_off(train)
        tell(train, noon)
        assert OutboxMessage.objects.get(kind="bookings.departure_changed").language == "de"

    def test_go_by_text_to_who_left_a_number_only(self, train, noon):
        held = services.reserve(
            holder=services.Holder(phone="+4915112345678"),
            ticket_ids=[train.ticket_id()],
            passengers=[services.PassengerDetails("Ada", "Roe", "adult")],
            now=noon,
        ).reservation
        services.confirm(reservation_id=held.id, now=noon, actor=SYSTEM)
        call_off(train)
        tell(train, noon)
        message = OutboxMessage.objects.get(kind="bookings.departure_changed")
        assert (message.channel, message.recipient) == ("sms", "+4915112345678")
        assert message.body.startswith("ICE 585 from Hamburg Hbf was cancelled by the carrier.")
        assert "Passengers" not in message.body


class TestWhoIsTold:
    def test_all_who_are_still_to_travel_and_nobody_else(self, train, coach, noon):
        going = paid("going@example.org", train.ticket_id(), now=noon, passengers=2)
        paid("elsewhere@example.org", coach.ticket_id(), now=noon)
        reserve("unpaid@example.org", train.ticket_id(), now=noon)
        gone = paid("gone@example.org", train.ticket_id(), now=noon)
        services.cancel_coupons(
            reservation_id=gone.id, coupon_ids=[gone.coupons[0].id], now=noon, actor=SYSTEM
        )
        call_off(train)
        assert tell(train, noon) == 1
        assert told() == [("going@example.org", f"Your departure was cancelled: {going.locator}")]


class TestTheWorker:
    def test_finds_what_has_changed_since_it_looked(self, train, coach, clock, noon):
        paid("ada@example.org", train.ticket_id(), now=noon)
        paid("bob@example.org", coach.ticket_id(), now=noon)
        assert tell_of_departures() == 0
        delay(train, 15)
        assert [tell_of_departures(), tell_of_departures()] == [1, 0]
        call_off(coach)
        assert [tell_of_departures(), tell_of_departures()] == [1, 0]
        delay(train, 40)
        assert tell_of_departures() == 1
        assert len(told()) == 3

    def test_tells_of_what_runs_as_planned_again(self, train, coach, clock, noon):
        late = paid("ada@example.org", train.ticket_id(), now=noon)
        off = paid("bob@example.org", coach.ticket_id(), now=noon)
        delay(train, 15)
        call_off(coach)
        assert tell_of_departures() == 2
        Call.objects.update(expected_arrives_at=None, expected_departs_at=None)
        Departure.objects.update(state="scheduled")
        assert [tell_of_departures(), tell_of_departures()] == [2, 0]
        assert story(late)[-1] == story(off)[-1] == ("delayed", 0, 0)

    def test_leaves_days_alone_that_are_far_away_or_over(self, train, clock, noon):
        paid("ada@example.org", train.ticket_id(), now=noon)
        delay(train, 15)
        for days in (-5, 5):
            clock.moment = noon + timedelta(days=days)
            assert tell_of_departures() == 0
