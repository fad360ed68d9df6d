"""Bills and refunds as pages show them before anything is bought."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.utils import timezone

from bookings.pages import offered
from inventory import selectors
from inventory.models import FareVersion, PenaltyTier
from inventory.search import find_rides
from inventory.selectors import Offer
from tests.factories import Trip
from tests.selling import party, reserve
from travel.common.money import Money


def offer_of(trip: Trip, now: datetime, fare: int = 0) -> Offer:
    return selectors.get_offer(trip.ticket_id(fare=fare), now=now)


def euros(minor: int) -> Money:
    return Money(minor, "EUR")


class TestRefundSteps:
    def test_follow_the_tiers_from_now_to_departure(self, train: Trip, noon: datetime) -> None:
        # The day before yesterday's noon: 10 % of 45.00 until 24 hours before, then half.
        steps = offered.refund_steps(
            offer_of(train, noon), ["adult"], round_trip=False, now=noon - timedelta(days=2)
        )

        assert [(step.until, step.refund, step.fee, step.percent) for step in steps] == [
            (datetime(2026, 6, 1, 6, tzinfo=UTC), euros(4_050), euros(450), 90),
            (datetime(2026, 6, 2, 5, tzinfo=UTC), euros(2_250), euros(2_250), 50),
            (None, euros(0), euros(4_500), 0),
        ]

    def test_begin_with_the_tier_in_force(self, train: Trip, noon: datetime) -> None:
        steps = offered.refund_steps(offer_of(train, noon), ["adult"], round_trip=False, now=noon)

        assert [step.refund for step in steps] == [euros(2_250), euros(0)]

    def test_round_and_floor_for_each_passenger(self, train: Trip, noon: datetime) -> None:
        # At least 30.00 each: of an adult's 45.00 fifteen come back, of a child's 22.50 nothing.
        PenaltyTier.objects.filter(fare_version__fare=train.fares[0]).update(minimum_minor=3_000)

        steps = offered.refund_steps(
            offer_of(train, noon), ["adult", "child"], round_trip=False, now=noon
        )

        # 15.00 of 67.50 are 22.2 %.
        assert (steps[0].refund, steps[0].fee, steps[0].percent) == (
            euros(1_500), euros(5_250), 22,
        )  # fmt: skip

    def test_are_told_on_the_clock_of_the_station(self, train: Trip, noon: datetime) -> None:
        step = offered.refund_steps(
            offer_of(train, noon, fare=1), ["adult"], round_trip=False, now=noon
        )[0]

        assert step.until is not None
        assert f"{step.until:%H:%M}" == "07:00"
        assert timezone.is_aware(step.until)

    def test_say_it_in_a_line(self, train: Trip, noon: datetime) -> None:
        def said(fare: int) -> tuple[str, str]:
            steps = offered.refund_steps(
                offer_of(train, noon, fare=fare), ["adult"], round_trip=False, now=noon
            )
            rule = offered.refund_rule(steps)
            return rule.tone, rule.text

        assert said(0) == ("warn", "50 % back today, less later")
        assert said(1) == ("good", "Full refund until 2 Jun, 07:00")
        PenaltyTier.objects.all().delete()
        assert said(0) == ("bad", "No refund")


class TestBill:
    def test_has_a_line_for_each_kind_and_for_fees(self, flight: Trip, noon: datetime) -> None:
        bill = offered.bill(
            [offer_of(flight, noon)], ["adult", "adult", "child", "infant"], round_trip=False
        )

        # 80.00 each, half for the child, nothing for the infant; 2.50 for each seat.
        assert [(line.label, line.amount) for line in bill.lines] == [
            ("2 adults, Light", euros(16_000)),
            ("1 child, Light", euros(4_000)),
            ("1 infant, Light", euros(0)),
            ("Fees", euros(750)),
        ]
        assert bill.total == euros(20_750)

    def test_is_what_reserving_costs(self, train: Trip, noon: datetime) -> None:
        FareVersion.objects.filter(fare=train.fares[0]).update(young_percent=77, fee_minor=123)
        kinds = ["adult", "young", "child", "infant"]

        bill = offered.bill([offer_of(train, noon)], kinds, round_trip=False)

        held = reserve("ada@example.org", train.ticket_id(), now=noon, passengers=party(*kinds))
        assert bill.total == held.price


class TestLate:
    """A ride that does not run as planned says so in the list of results."""

    def test_says_when_it_leaves_and_arrives_after_all(self, train, noon):
        late = timedelta(minutes=25)
        for call in train.calls[2:]:
            call.expected_departs_at = call.departs_at and call.departs_at + late
            call.expected_arrives_at = call.arrives_at and call.arrives_at + late
            call.save()
        told = {}
        for start in (0, 2):
            (stretch,) = find_rides([(train.departure.pk, start, 4)], now=noon)
            told[start] = [
                (one.tone, one.text)
                for one in offered._late(stretch, "Europe/Berlin", "Europe/Berlin")
            ]
        # Göttingen 10:05, Munich 13:30 local; whoever boards in Hamburg leaves in time.
        assert told[0] == [("warn", "Arrives at 13:55")]
        assert told[2] == [("warn", "Leaves at 10:30"), ("warn", "Arrives at 13:55")]
