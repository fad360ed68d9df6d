"""Reads of tickets: what an id means, whether it is still sold, and what is told of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from inventory import places, selectors
from inventory.errors import DepartureClosed
from inventory.models import Departure, Fare, FareVersion
from travel.common.errors import NotFound

LEAVES = datetime(2026, 6, 2, 6, 0, tzinfo=UTC)


class TestGetOffer:
    def test_tells_everything_of_a_ticket(self, train, noon):
        offer = selectors.get_offer(train.ticket_id(1, 3), now=noon)

        ticket = offer.ticket
        assert (ticket.origin.station.code, ticket.destination.station.code) == ("HAJ", "NUE")
        assert ticket.departs_at == datetime(2026, 6, 2, 7, 20, tzinfo=UTC)
        assert ticket.arrives_at == datetime(2026, 6, 2, 10, 0, tzinfo=UTC)
        assert (ticket.distance_m, ticket.stops) == (400_000, 1)
        # Segments 1 and 2 lie between the calls 1, 2 and 3.
        assert (ticket.first_segment, ticket.last_segment) == (1, 2)
        assert (ticket.travel_class, ticket.class_name) == ("Economy", "Second class")
        assert (ticket.service.number, ticket.service.details["stars"]) == ("ICE 585", 4)
        assert [call.position for call in offer.calls] == [1, 2, 3]
        assert [(tier.minutes_before, tier.basis_points) for tier in offer.tiers] == [
            (1440, 1_000),
            (60, 5_000),
        ]

    @pytest.mark.parametrize(
        ("start", "end", "fare"),
        [(4, 0, 0), (2, 2, 0), (0, 5, 0), (5, 6, 0), (0, 63, 0), (63, 0, 0), (0, 4, 3), (0, 4, 63)],
        ids=str,
    )
    def test_a_stretch_or_fare_that_never_was_is_not_found(self, train, noon, start, end, fare):
        with pytest.raises(NotFound):
            selectors.get_offer(train.ticket_id(start, end, fare), now=noon)

    @pytest.mark.parametrize("ticket_id", [0, -1, 1, 2**53 - 1, 2**53, 2**63, 10**30, -(2**70)])
    def test_a_number_that_is_no_ticket_is_not_found(self, timetable, noon, ticket_id):
        with pytest.raises(NotFound):
            selectors.get_offer(ticket_id, now=noon)

    @pytest.mark.parametrize(
        ("position", "change"),
        [
            (0, {"may_board": False}),
            (0, {"is_skipped": True}),
            (4, {"may_alight": False}),
            (4, {"is_skipped": True}),
        ],
    )
    def test_an_end_where_nobody_gets_on_or_off_is_not_found(self, train, noon, position, change):
        train.departure.calls.filter(position=position).update(**change)
        with pytest.raises(NotFound):
            selectors.get_offer(train.ticket_id(), now=noon)

    def test_a_replaced_departure_is_closed_even_without_its_calls(self, train, noon):
        Departure.objects.filter(pk=train.departure.pk).update(state="replaced")
        train.departure.calls.all().delete()
        with pytest.raises(DepartureClosed):
            selectors.get_offer(train.ticket_id(), now=noon)

    @pytest.mark.parametrize(
        "change",
        [
            {"state": Departure.State.CANCELLED},
            {"state": Departure.State.WITHDRAWN},
            {"sales_closed_at": datetime(2026, 5, 1, tzinfo=UTC)},
        ],
    )
    def test_a_departure_off_sale_is_shown_as_that(self, train, noon, change):
        Departure.objects.filter(pk=train.departure.pk).update(**change)
        assert not selectors.get_offer(train.ticket_id(), now=noon).is_on_sale(noon)

    def test_a_train_may_pass_a_station_that_was_closed(self, train, noon):
        goettingen = train.calls[2].station
        type(goettingen).objects.filter(pk=goettingen.pk).update(is_active=False)
        places.forget()

        offer = selectors.get_offer(train.ticket_id(), now=noon)

        assert [call.city.name for call in offer.calls][2] == "Göttingen"

    def test_the_price_is_the_newest_version_s(self, train, noon):
        FareVersion.objects.create(
            fare=train.fares[0], valid_from=noon, base_minor=700, per_km_micro=0
        )
        earlier = noon - timedelta(seconds=1)
        assert selectors.get_offer(train.ticket_id(), now=earlier).rule.base_minor == 500
        assert selectors.get_offer(train.ticket_id(), now=noon).rule.base_minor == 700

    def test_several_come_in_the_order_asked_for(self, train, coach, noon):
        wanted = [coach.ticket_id(), train.ticket_id(2, 3), train.ticket_id(0, 1, 2)]
        offers = selectors.get_offers(wanted, now=noon)
        assert [offer.ticket.id for offer in offers] == wanted

    def test_several_cost_as_few_statements_as_one(
        self, timetable, noon, django_assert_max_num_queries
    ):
        places.resolve("Hamburg")
        trips = (timetable.train, timetable.flight, timetable.coach)
        with django_assert_max_num_queries(6):
            selectors.get_offers([trip.ticket_id() for trip in trips], now=noon)


class TestSalesClose:
    def closing(self, trip, minutes: int) -> None:
        FareVersion.objects.filter(fare=trip.fares[0]).update(sales_close_minutes=minutes)

    def test_counts_from_the_boarding_call_of_the_ticket(self, train, noon):
        self.closing(train, 15)
        # Hanover is left at +80, Munich's platform never matters.
        for start, leaves in ((0, LEAVES), (1, LEAVES + timedelta(minutes=80))):
            offer = selectors.get_offer(train.ticket_id(start), now=noon)
            assert offer.sales_close_at == leaves - timedelta(minutes=15)

    def test_ends_at_the_instant(self, train, noon):
        self.closing(train, 15)
        offer = selectors.get_offer(train.ticket_id(), now=noon)
        closes = LEAVES - timedelta(minutes=15)
        assert offer.is_on_sale(closes - timedelta(microseconds=1))
        assert not offer.is_on_sale(closes)

    def test_a_train_under_way_is_sold_ahead(self, train, noon):
        under_way = LEAVES + timedelta(minutes=10)
        assert not selectors.get_offer(train.ticket_id(0), now=noon).is_on_sale(under_way)
        assert selectors.get_offer(train.ticket_id(1), now=noon).is_on_sale(under_way)

    def test_a_delay_keeps_the_sale_open(self, train, noon):
        train.departure.calls.filter(position=0).update(
            expected_departs_at=LEAVES + timedelta(minutes=30)
        )
        offer = selectors.get_offer(train.ticket_id(), now=noon)
        assert offer.is_on_sale(LEAVES + timedelta(minutes=29))
        assert not offer.is_on_sale(LEAVES + timedelta(minutes=30))

    def test_each_fare_closes_by_itself(self, train, noon):
        self.closing(train, 60)
        late = LEAVES - timedelta(minutes=30)
        on_sale = [
            selectors.get_offer(train.ticket_id(fare=number), now=noon).is_on_sale(late)
            for number in (0, 1)
        ]
        assert on_sale == [False, True]


class TestSoldTickets:
    def test_are_told_whatever_became_of_them(self, train, noon):
        ticket = train.ticket(0, 4)
        Departure.objects.filter(pk=train.departure.pk).update(state="cancelled")
        Fare.objects.filter(pk=train.fares[0].pk).update(is_on_sale=False)
        train.departure.calls.filter(position=0).update(is_skipped=True)
        train.calls[0].station.__class__.objects.update(is_active=False)
        places.forget()

        facts = selectors.describe_tickets([ticket.pk])[ticket.pk]

        assert (facts.departure_state, facts.fare_name) == ("cancelled", "Saver")
        assert facts.origin.station.name == "Hamburg Hbf"

    def test_one_without_a_row_is_left_out(self, train):
        assert selectors.describe_tickets([train.ticket_id()]) == {}


class TestSeatMap:
    def test_goes_by_coach_row_and_column(self, train):
        seats = selectors.seat_map(train.departure.vehicle.seat_map_id)
        assert [f"{seat.coach}/{seat.label}" for seat in seats] == [
            *("1/1A", "1/1B", "1/1C", "1/1D", "1/2A", "1/2B", "1/2C", "1/2D"),
            *("2/1A", "2/1B", "2/2A", "2/2B"),
        ]
        assert [seat.travel_class for seat in seats].count("Business") == 4
