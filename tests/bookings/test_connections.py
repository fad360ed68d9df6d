"""Connections for sale: what is offered when nothing goes through, and at what price."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bookings import connections, search
from bookings.connections import Connection
from bookings.errors import SoldOut
from bookings.search import Filters, Query
from bookings.services import SeatChoice
from inventory import places
from inventory.models import (
    Call,
    Departure,
    Facility,
    FareVersion,
    MinimumChange,
    Station,
    StationKind,
)
from tests.factories import (
    CoachPlan,
    FarePlan,
    Stop,
    Trip,
    make_carrier,
    make_city,
    make_service,
    make_station,
    make_tariff,
    make_trip,
    make_vehicle,
)
from tests.selling import HOLD, everything, reserve
from travel.common.errors import InvalidInput

TRAVEL_DAY = date(2026, 6, 2)
# 08:00 in Berlin.
EIGHT = datetime(2026, 6, 2, 6, 0, tzinfo=UTC)


@dataclass
class Network:
    """
    From Altdorf by Bergen to Celle: a train of 08:00 that arrives at 09:00, another of 09:10 that
    arrives at 10:10, each 100 km for 10.00, in EUR, with eight seats.
    """

    stations: dict[str, Station]
    first: Trip
    second: Trip
    carrier: Any
    vehicle: Any
    tariff: Any

    def run(
        self, number: str, *stops: tuple[str, int], start: datetime = EIGHT, **options: Any
    ) -> Trip:
        """Let another one run: its stops with the minutes after 08:00, each 100 km on."""
        begin = stops[0][1]
        tariff = options.pop("tariff", self.tariff)
        mode = options.pop("mode", "Train")
        return make_trip(
            make_service(tariff, number, mode=mode),
            options.pop("vehicle", self.vehicle),
            starts_at=start + timedelta(minutes=begin),
            stops=[
                Stop(self.stations[code], minutes - begin, 100 * index, stay=2)
                for index, (code, minutes) in enumerate(stops)
            ],
            **options,
        )


@pytest.fixture
def net(db: None) -> Network:
    altdorf, bergen, celle = (make_city(name) for name in ("Altdorf", "Bergen", "Celle"))
    stations = {
        "ALT": make_station(altdorf, "ALT"),
        "BER": make_station(bergen, "BER"),
        "ZOB": make_station(bergen, "ZOB", kind=StationKind.COACH_STOP),
        "CEL": make_station(celle, "CEL"),
        "DOR": make_station(make_city("Dorf"), "DOR"),
    }
    carrier = make_carrier("railway")
    vehicle = make_vehicle(carrier)
    tariff = make_tariff(carrier)
    net = Network(stations, None, None, carrier, vehicle, tariff)  # type: ignore[arg-type]
    net.first = net.run("R 1", ("ALT", 0), ("BER", 60))
    net.second = net.run("R 2", ("BER", 70), ("CEL", 130))
    return net


def query(origin: str = "Altdorf", destination: str = "Celle", **options: Any) -> Query:
    places.forget()
    start, end = places.resolve(origin), places.resolve(destination)
    assert start is not None
    assert end is not None
    return Query(origin=start, destination=end, **{"day": TRAVEL_DAY, **options})


def find(now: datetime, *, max_changes: int = 2, **options: Any) -> list[Connection]:
    asked = query(**options)
    direct = search.find(asked, now=now)
    return connections.find(asked, direct=direct, now=now, max_changes=max_changes)


def told(found: list[Connection]) -> list[tuple[str, ...]]:
    return [tuple(one.stretch.number for one in each.tickets) for each in found]


class TestWhenNothingGoesThrough:
    def test_a_change_is_offered(self, net, noon):
        (one,) = find(noon)

        assert told([one]) == [("R 1", "R 2")]
        assert one.ticket_ids == (net.first.ticket_id(), net.second.ticket_id())
        assert one.price.amount == "20.00"
        assert (one.departs_at, one.arrives_at) == (EIGHT, EIGHT + timedelta(minutes=130))
        (change,) = one.changes
        assert (change.arrival.code, change.departure.code) == ("BER", "BER")
        assert (change.wait, change.least) == (timedelta(minutes=10), timedelta(minutes=5))

    def test_or_two(self, net, noon):
        net.run("R 3", ("CEL", 140), ("DOR", 200))

        (one,) = find(noon, destination="Dorf")
        assert told([one]) == [("R 1", "R 2", "R 3")]
        assert [change.departure.code for change in one.changes] == ["BER", "CEL"]
        assert one.price.amount == "30.00"
        assert find(noon, destination="Dorf", max_changes=1) == []

    def test_the_price_is_the_whole_party_s(self, net, noon):
        # Half for the child, nothing for the infant: 15.00 on each train.
        (one,) = find(noon, passengers=("adult", "child", "infant"))
        assert one.price.amount == "30.00"

    def test_the_cheapest_fare_of_each_ride_counts(self, net, noon):
        tariff = make_tariff(
            net.carrier,
            fares=[FarePlan("Flex", base_minor=2000), FarePlan("Saver", base_minor=300)],
        )
        net.run("R 9", ("BER", 65), ("CEL", 100), tariff=tariff)

        (one,) = find(noon)
        # 10.00, and 3.00 with 100 km at 5 c.
        assert [(each.rule.name, each.price.amount) for each in one.tickets] == [
            ("Saver", "10.00"),
            ("Saver", "8.00"),
        ]

    def test_nothing_is_offered_in_two_currencies(self, net, noon):
        swiss = make_carrier("swiss", currency="CHF")
        net.run("S 9", ("BER", 65), ("CEL", 100), tariff=make_tariff(swiss))
        assert told(find(noon)) == [("R 1", "R 2")]

        Departure.objects.filter(pk=net.second.departure.pk).delete()
        assert find(noon) == []

    def test_a_cheaper_way_stays_beside_a_faster_one(self, net, noon):
        cheap = make_tariff(net.carrier, fares=[FarePlan(base_minor=0, per_km_minor=1)])
        dear = make_tariff(net.carrier, fares=[FarePlan(base_minor=9000)])
        net.run("N 1", ("ALT", -10), ("BER", 90), mode="Bus", tariff=cheap)
        net.run("N 2", ("BER", 100), ("CEL", 150), mode="Bus", tariff=cheap)
        assert told(find(noon)) == [("N 1", "N 2"), ("R 1", "R 2")]

        # As slow, and not cheaper: there is no reason for it.
        for service in ("N 1", "N 2"):
            type(net.first.departure.service).objects.filter(number=service).update(tariff=dear)
        assert told(find(noon)) == [("R 1", "R 2")]


class TestBesideDirectTrips:
    def test_only_what_is_clearly_faster(self, net, noon):
        net.run("R 7", ("ALT", 0), ("CEL", 159))
        assert find(noon) == []

    def test_half_an_hour_is_clearly_faster(self, net, noon):
        net.run("R 7", ("ALT", 0), ("CEL", 160))
        assert told(find(noon)) == [("R 1", "R 2")]

    def test_a_direct_trip_that_is_sold_out_is_none(self, net, noon):
        direct = net.run("R 7", ("ALT", 0), ("CEL", 120))
        assert find(noon) == []

        reserve("full@example.org", direct.ticket_id(), now=noon, passengers=8)
        assert told(find(noon)) == [("R 1", "R 2")]


class TestChanging:
    @pytest.mark.parametrize(("minutes", "found"), [(10, 1), (11, 0)])
    def test_takes_as_long_as_the_station_says(self, net, noon, minutes, found):
        Station.objects.filter(code="BER").update(minimum_change_minutes=minutes)
        assert len(find(noon)) == found

    @pytest.mark.parametrize(("minutes", "found"), [(None, 0), (30, 1), (31, 0)])
    def test_between_stations_is_possible_where_its_time_is_known(self, net, noon, minutes, found):
        Departure.objects.filter(pk=net.second.departure.pk).delete()
        net.run("N 3", ("ZOB", 90), ("CEL", 180), mode="Bus")
        if minutes:
            MinimumChange.objects.create(
                from_station=net.stations["BER"], to_station=net.stations["ZOB"], minutes=minutes
            )
        ways = find(noon)

        assert len(ways) == found
        if found:
            (change,) = ways[0].changes
            assert change.is_elsewhere
            assert (change.arrival.code, change.departure.code) == ("BER", "ZOB")

    def test_at_a_closed_station_is_not_possible(self, net, noon):
        Station.objects.filter(code="BER").update(is_active=False)
        assert find(noon) == []

    @pytest.mark.parametrize(
        "change",
        [
            {"state": Departure.State.CANCELLED},
            {"state": Departure.State.REPLACED},
            {"state": Departure.State.WITHDRAWN},
            {"sales_closed_at": datetime(2026, 5, 1, tzinfo=UTC)},
        ],
    )
    @pytest.mark.parametrize("which", ["first", "second"])
    def test_what_is_not_sold_is_no_part_of_it(self, net, noon, change, which):
        Departure.objects.filter(pk=getattr(net, which).departure.pk).update(**change)
        assert find(noon) == []

    @pytest.mark.parametrize(
        ("which", "position", "change"),
        [
            ("first", 1, {"is_skipped": True}),
            ("second", 0, {"is_skipped": True}),
            ("first", 0, {"may_board": False}),
            ("first", 1, {"may_alight": False}),
            ("second", 0, {"may_board": False}),
            ("second", 1, {"may_alight": False}),
        ],
    )
    def test_where_nobody_gets_on_or_off(self, net, noon, which, position, change):
        departure = getattr(net, which).departure
        Call.objects.filter(departure=departure, position=position).update(**change)
        assert find(noon) == []

    def test_a_delay_breaks_a_change(self, net, noon):
        late = EIGHT + timedelta(minutes=65)
        calls = Call.objects.filter(departure=net.first.departure, position=1)

        calls.update(expected_arrives_at=late)
        assert len(find(noon)) == 1
        calls.update(expected_arrives_at=late + timedelta(minutes=1))
        assert find(noon) == []

    def test_one_may_be_taken_after_the_first_train_has_left_elsewhere(self, net):
        # Under way since 07:00, it calls at Altdorf at 08:00.
        Departure.objects.filter(pk=net.first.departure.pk).delete()
        net.run("R 0", ("DOR", -60), ("ALT", 0), ("BER", 60))
        assert told(find(EIGHT - timedelta(minutes=10))) == [("R 0", "R 2")]
        assert find(EIGHT + timedelta(minutes=2)) == []


class TestRoom:
    def fill(self, trip: Trip, noon: datetime, seats: int = 8, **way: int) -> None:
        reserve(
            f"{trip.departure.pk}-{seats}@example.org",
            trip.ticket_id(**way),
            now=noon,
            passengers=seats,
        )

    def test_a_leg_that_is_full_gives_way_to_the_next(self, net, noon):
        net.run("R 4", ("BER", 100), ("CEL", 160))
        assert told(find(noon)) == [("R 1", "R 2")]

        self.fill(net.second, noon)
        assert told(find(noon)) == [("R 1", "R 4")]
        assert told(find(noon + HOLD)) == [("R 1", "R 2")]

    def test_and_without_another_to_nothing(self, net, noon):
        self.fill(net.second, noon, 7)
        assert len(find(noon)) == 1
        assert find(noon, passengers=("adult", "adult")) == []
        assert len(find(noon, passengers=("adult", "infant"))) == 1

    def test_a_train_that_is_full_on_a_part_of_its_way_is_taken_on_the_other(self, net, noon):
        long = net.run("R 5", ("BER", 65), ("DOR", 75), ("CEL", 100))
        self.fill(long, noon, start=1, end=2)
        net.run("R 6", ("DOR", 85), ("CEL", 95))
        assert told(find(noon)) == [("R 1", "R 2"), ("R 1", "R 5", "R 6")]

    def test_a_party_larger_than_the_vehicle_takes_another(self, net, noon):
        large = make_vehicle(net.carrier, coaches=[CoachPlan(rows=3)])
        net.run("R 1L", ("ALT", -30), ("BER", 40), vehicle=large)
        net.run("R 2L", ("BER", 80), ("CEL", 170), vehicle=large)

        assert told(find(noon, passengers=("adult",) * 9)) == [("R 1L", "R 2L")]

    def test_a_fare_that_is_closed_is_not_sold(self, net):
        FareVersion.objects.update(sales_close_minutes=60)
        boards = EIGHT + timedelta(minutes=70)

        assert len(find(EIGHT - timedelta(minutes=61))) == 1
        assert find(EIGHT - timedelta(minutes=60)) == []
        # The second alone would still be sold.
        assert search.find(query("Bergen"), now=boards - timedelta(minutes=61)) != []

    def test_a_change_of_seat_on_the_way_is_told(self, net, noon):
        small = make_vehicle(net.carrier, coaches=[CoachPlan(layout="A|B", rows=1)])
        Departure.objects.filter(pk=net.second.departure.pk).delete()
        way = net.run("R 8", ("BER", 70), ("DOR", 90), ("CEL", 130), vehicle=small)
        reserve("a@example.org", way.ticket_id(0, 1), now=noon)
        there = SeatChoice(way.ticket_id(1, 2), 0, "1", "1B")
        reserve("b@example.org", way.ticket_id(1, 2), now=noon, seats=[there])
        (one,) = find(noon)
        assert [each.needs_seat_change for each in one.tickets] == [False, True]


class TestTime:
    def shift(self, net: Network, trip: Trip, by: timedelta) -> None:
        for call in trip.calls:
            Call.objects.filter(pk=call.pk).update(
                arrives_at=call.arrives_at and call.arrives_at + by,
                departs_at=call.departs_at and call.departs_at + by,
            )

    def test_over_midnight_it_is_found_under_the_day_it_leaves(self, net, noon):
        # 23:30 to 00:30, and 00:40 to 01:40.
        by = timedelta(hours=15, minutes=30)
        for trip in (net.first, net.second):
            self.shift(net, trip, by)

        (one,) = find(noon)
        assert one.changes[0].wait == timedelta(minutes=10)
        assert find(noon, day=date(2026, 6, 3)) == []

    @pytest.mark.parametrize(
        ("leaves", "day"),
        [
            # 01:30 at +1; at 02:00 the clocks go to 03:00, and 02:40 at +1 is 03:40 at +2.
            (datetime(2026, 3, 29, 0, 30, tzinfo=UTC), date(2026, 3, 29)),
            # 02:30 at +2; at 03:00 the clocks go back, and half an hour later it is 02:00 at +1.
            (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), date(2026, 10, 25)),
        ],
    )
    def test_when_the_clocks_change_minutes_stay_minutes(self, net, leaves, day):
        for trip in (net.first, net.second):
            Departure.objects.filter(pk=trip.departure.pk).update(travel_date=day)
            self.shift(net, trip, leaves - EIGHT)
        (one,) = find(leaves - timedelta(days=1), day=day)

        assert one.changes[0].wait == timedelta(minutes=10)
        assert one.duration == timedelta(minutes=130)
        Station.objects.filter(code="BER").update(minimum_change_minutes=11)
        assert find(leaves - timedelta(days=1), day=day) == []

    def test_the_first_and_last_hour_of_a_long_day_are_its_own(self, net):
        # The 25th of October has 25 hours: from 22:00 UTC to 23:00 UTC of the next day.
        day, before = date(2026, 10, 25), datetime(2026, 10, 20, tzinfo=UTC)
        for trip in (net.first, net.second):
            Departure.objects.filter(pk=trip.departure.pk).update(travel_date=day)
        begins = datetime(2026, 10, 24, 22, 0, tzinfo=UTC)
        found = {}
        for minutes in (-1, 0, 25 * 60 - 1, 25 * 60):
            for trip in (net.first, net.second):
                self.shift(net, trip, begins + timedelta(minutes=minutes) - EIGHT)
            found[minutes] = len(find(before, day=day))

        assert found == {-1: 0, 0: 1, 25 * 60 - 1: 1, 25 * 60: 0}

    def test_zones_between_the_legs_are_told_on_their_clocks(self, net, noon):
        Station.objects.filter(code="ALT").update(tz="Europe/London")
        Station.objects.filter(code="CEL").update(tz="Asia/Kolkata")
        (one,) = find(noon)

        # 07:00 in London, 10:10 in Berlin, 13:40 in Kolkata: 130 minutes all the same.
        assert search.boards_at(one.tickets[0].stretch).time() == time(7)
        assert one.duration == timedelta(minutes=130)
        # Each station has its own day: at 00:30 in Berlin it is the day before in London.
        for trip in (net.first, net.second):
            self.shift(net, trip, timedelta(hours=-7, minutes=-30))
        assert find(noon, day=TRAVEL_DAY) == []
        assert len(find(noon, day=date(2026, 6, 1))) == 1


class TestFilters:
    @pytest.mark.parametrize(
        ("filters", "found"),
        [
            (Filters(modes=("Train",)), 1),
            (Filters(modes=("Plane", "Bus")), 0),
            (Filters(carriers=("railway",)), 1),
            (Filters(carriers=("other",)), 0),
            (Filters(travel_class="Economy"), 1),
            (Filters(travel_class="Business"), 0),
            (Filters(depart_after=time(8)), 1),
            (Filters(depart_after=time(8, 1)), 0),
            (Filters(depart_before=time(8)), 1),
            (Filters(depart_before=time(7, 59)), 0),
            (Filters(price_max=Decimal("20")), 1),
            (Filters(price_max=Decimal("19.99")), 0),
            (Filters(price_min=Decimal("20.01")), 0),
            (Filters(facilities=("wifi",)), 0),
            (Filters(max_stops=0), 1),
        ],
        ids=str,
    )
    def test_hold_for_connections(self, net, noon, filters, found):
        assert len(find(noon, filters=filters)) == found

    def test_one_that_is_left_out_hides_none_behind_it(self, net, noon):
        net.run("R 1b", ("ALT", 5), ("BER", 55))
        assert told(find(noon)) == [("R 1b", "R 2")]
        assert told(find(noon, filters=Filters(depart_before=time(8, 4)))) == [("R 1", "R 2")]

    def test_facilities_must_be_on_board_of_each(self, net, noon):
        wifi = Facility.objects.create(code="wifi", name="wifi")
        net.first.departure.service.facilities.add(wifi)
        assert find(noon, filters=Filters(facilities=("wifi",))) == []
        net.second.departure.service.facilities.add(wifi)
        assert len(find(noon, filters=Filters(facilities=("wifi",)))) == 1

    def test_stops_are_those_on_board(self, net, noon):
        Departure.objects.filter(pk=net.second.departure.pk).delete()
        net.run("R 5", ("BER", 65), ("DOR", 75), ("CEL", 100))
        assert find(noon, filters=Filters(max_stops=0)) == []
        assert len(find(noon, filters=Filters(max_stops=1))) == 1

    @pytest.mark.parametrize(
        ("sort", "first"),
        [("departure", "N 1"), ("price", "N 1"), ("arrival", "R 1"), ("duration", "R 1")],
    )
    def test_sorts_have_their_order(self, net, noon, sort, first):
        cheap = make_tariff(net.carrier, fares=[FarePlan(base_minor=0, per_km_minor=1)])
        net.run("N 1", ("ALT", -10), ("BER", 90), mode="Bus", tariff=cheap)
        net.run("N 2", ("BER", 100), ("CEL", 150), mode="Bus", tariff=cheap)
        assert told(find(noon, sort=sort))[0][0] == first


class TestChosen:
    def test_is_what_was_found(self, net, noon):
        asked = query(passengers=("adult", "child"))
        (one,) = connections.find(asked, direct=[], now=noon)
        again = connections.chosen(one.ticket_ids, asked, now=noon)

        assert again is not None
        assert (again.ticket_ids, again.price, again.changes) == (
            one.ticket_ids,
            one.price,
            one.changes,
        )

    def test_tickets_that_do_not_lead_on_are_none(self, net, noon):
        first, second = net.first.ticket_id(), net.second.ticket_id()
        early = net.run("R 2a", ("BER", 64), ("CEL", 120)).ticket_id()
        apart = net.run("N 3", ("ZOB", 90), ("CEL", 180), mode="Bus").ticket_id()

        assert connections.chosen([second, first], query(), now=noon) is None
        assert connections.chosen([first, early], query(), now=noon) is None
        assert connections.chosen([first, apart], query(), now=noon) is None
        assert connections.chosen([first, 2**53], query(), now=noon) is None
        assert connections.chosen([], query(), now=noon) is None
        assert connections.chosen([first, second], query(), now=noon) is not None

    def test_takes_two_statements(self, net, noon, django_assert_num_queries):
        asked = query()
        ids = [net.first.ticket_id(), net.second.ticket_id()]
        with django_assert_num_queries(2):
            connections.chosen(ids, asked, now=noon)


class TestReserving:
    def test_is_one_reservation(self, net, traveller, noon, audited):
        (one,) = find(noon, passengers=("adult", "adult"))
        made = reserve(traveller, *one.ticket_ids, now=noon, passengers=2)

        assert made.price == one.price
        assert sorted((one.passenger, one.position, one.ticket_id) for one in made.coupons) == [
            (passenger, position, ticket_id)
            for passenger in (0, 1)
            for position, ticket_id in enumerate(one.ticket_ids)
        ]
        assert all(each.seats for each in made.coupons)

    def test_is_all_or_nothing(self, net, traveller, noon, audited):
        (one,) = find(noon)
        reserve("full@example.org", net.second.ticket_id(), now=noon, passengers=8)
        before = everything()

        with pytest.raises(SoldOut):
            reserve(traveller, *one.ticket_ids, now=noon)
        assert everything() == before

    def test_both_ways_with_changes_are_a_round_trip(self, net, traveller, noon, audited):
        FareVersion.objects.update(return_discount_basis_points=1_000)
        two_days = timedelta(days=2)
        back = [
            net.run("B 1", ("CEL", 0), ("BER", 60), start=EIGHT + two_days).ticket_id(),
            net.run("B 2", ("BER", 70), ("ALT", 130), start=EIGHT + two_days).ticket_id(),
        ]
        there = [net.first.ticket_id(), net.second.ticket_id()]
        made = reserve(traveller, *there, *back, now=noon, round_trip=True)
        # Four tickets of 10.00, less 10 % each.
        assert made.price.amount == "36.00"

    @pytest.mark.parametrize(
        "rides",
        [
            # It ends elsewhere.
            [(("CEL", 0), ("DOR", 60))],
            # It begins where the way out does not end.
            [(("DOR", 0), ("ALT", 60))],
            # It is under way for longer than a day.
            [(("CEL", 0), ("BER", 60)), (("BER", 24 * 60), ("ALT", 25 * 60))],
        ],
    )
    def test_what_does_not_lead_back_is_none(self, net, traveller, noon, rides):
        there = [net.first.ticket_id(), net.second.ticket_id()]
        start = EIGHT + timedelta(days=2)
        back = [
            net.run(f"B {number}", *stops, start=start).ticket_id()
            for number, stops in enumerate(rides)
        ]
        before = everything()

        with pytest.raises(InvalidInput):
            reserve(traveller, *there, *back, now=noon, round_trip=True)
        assert everything() == before

    def test_overlapping_tickets_are_refused(self, net, traveller, noon):
        early = net.run("R 2a", ("BER", 59), ("CEL", 120))
        with pytest.raises(InvalidInput):
            reserve(traveller, net.first.ticket_id(), early.ticket_id(), now=noon)


class TestStatements:
    def count(self, noon: datetime, asked: Query) -> tuple[int, int]:
        with CaptureQueriesContext(connection) as captured:
            found = connections.find(asked, direct=[], now=noon)
        return len(captured), len(found)

    def test_are_as_many_for_a_hundred_trains(self, net, noon):
        asked = query()
        few, found = self.count(noon, asked)
        assert found == 1
        for number in range(1, 50):
            net.run(f"F {number}", ("ALT", 3 * number), ("BER", 60 + 3 * number))
            net.run(f"S {number}", ("BER", 70 + 3 * number), ("CEL", 130 + 3 * number))
        many, found = self.count(noon, asked)

        assert found == connections.MOST_CONNECTIONS
        # Departures, calls, rules, seat maps.
        assert many == few == 4

    def test_without_a_way_are_two(self, net, noon):
        asked = replace(query(), day=date(2026, 6, 20))
        assert self.count(noon, asked) == (2, 0)
