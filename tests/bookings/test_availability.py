"""
How many seats are left, against a model that knows nothing but intervals.

The model keeps a list of who sits where from when to when, and counts. The office keeps bits,
versions, a cache and holds that end by themselves; both must always say the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import combinations, count

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from accounts.viewers import Viewer
from bookings import engine, selectors, services
from bookings.availability import availability, taken_seats
from bookings.engine.contract import SYSTEM
from bookings.errors import SoldOut
from bookings.services import SeatChoice
from inventory import search
from inventory.models import Departure, FareVersion
from tests.factories import Stop, Trip, make_trip
from tests.selling import HOLD, audit, bits_of, party, reserve, seats_of, version_of

OFFICE = Viewer(is_support=True)
ECONOMY, BUSINESS = "Economy", "Business"


@dataclass(frozen=True)
class Ride:
    """A stretch as a search would have read it."""

    departure_id: int
    from_position: int
    to_position: int
    seat_map_id: int
    stock_version: int
    earliest_hold_end: datetime | None


def ride(trip: Trip, start: int = 0, end: int = -1) -> Ride:
    row = Departure.objects.select_related("vehicle").get(pk=trip.departure.pk)
    return Ride(
        row.pk,
        start,
        end % len(trip.calls),
        row.vehicle.seat_map_id,
        row.stock_version,
        row.earliest_hold_end,
    )


def left(trip: Trip, start: int = 0, end: int = -1, *, now: datetime, of: str = ECONOMY) -> int:
    one = ride(trip, start, end)
    return availability([one], now=now).left(one, of)


class TestLeft:
    def test_a_departure_that_never_sold_has_its_whole_seat_map(self, train, noon):
        assert (left(train, now=noon), left(train, now=noon, of=BUSINESS)) == (8, 4)
        assert left(train, now=noon, of="VIP") == 0

    def test_a_seat_is_gone_on_each_stretch_it_shares(self, train, traveller, noon):
        reserve(traveller, train.ticket_id(1, 3), now=noon)

        gone = {
            (start, end): 8 - left(train, start, end, now=noon)
            for start, end in combinations(range(5), 2)
        }
        # Hanover to Nuremberg is taken: the ends of the line are free before and after.
        assert {stretch for stretch, seats in gone.items() if seats == 0} == {(0, 1), (3, 4)}
        assert set(gone.values()) == {0, 1}
        assert left(train, now=noon, of=BUSINESS) == 4

    def test_seats_of_adjoining_stretches_are_taken_twice(self, train, noon):
        for start, end in ((0, 2), (2, 4)):
            for number in range(8):
                reserve(f"{start}-{number}@example.org", train.ticket_id(start, end), now=noon)
        assert left(train, now=noon) == 0
        audit()

    def test_a_seat_is_free_all_the_way_or_not_at_all(self, train, noon):
        # One takes the first half of a seat; the other seven are taken on the second half.
        reserve("a@example.org", train.ticket_id(0, 2), now=noon)
        reserve("b@example.org", train.ticket_id(2, 4), now=noon, passengers=7)

        assert left(train, 0, 2, now=noon) == 7
        assert left(train, 2, 4, now=noon) == 1
        # First-fit puts the second party on the seat of the first as well: one stays free.
        assert left(train, 0, 4, now=noon) == 1

    def test_an_infant_takes_no_seat(self, flight, traveller, noon):
        reserve(traveller, flight.ticket_id(), now=noon, passengers=party("adult", "infant"))
        assert left(flight, now=noon) == 5

    def test_which_seats_are_taken_is_told_for_the_plan(self, train, traveller, noon):
        reserve(traveller, train.ticket_id(1, 3), now=noon)
        taken = {
            (first, last): len(taken_seats(train.departure.pk, first=first, last=last, now=noon))
            for first, last in ((0, 0), (1, 1), (2, 3), (3, 3), (0, 3))
        }
        assert taken == {(0, 0): 0, (1, 1): 1, (2, 3): 1, (3, 3): 0, (0, 3): 1}


class TestHoldsThatEnd:
    def test_count_as_free_the_second_they_end_though_no_worker_runs(self, train, traveller, noon):
        reserve(traveller, train.ticket_id(), now=noon, passengers=3)
        tick = timedelta(microseconds=1)

        assert left(train, now=noon + HOLD - tick) == 5
        assert left(train, now=noon + HOLD) == 8
        assert taken_seats(train.departure.pk, first=0, last=3, now=noon + HOLD) == set()
        # Nobody has swept: the bits are still there.
        assert sum(bits > 0 for bits in bits_of(train).values()) == 3

    def test_only_those_that_ended(self, train, noon):
        reserve("early@example.org", train.ticket_id(0, 2), now=noon, passengers=2)
        reserve(
            "late@example.org", train.ticket_id(1, 4), now=noon + timedelta(minutes=3), passengers=3
        )
        assert left(train, now=noon + timedelta(minutes=9)) == 3
        assert left(train, now=noon + timedelta(minutes=10)) == 5
        assert left(train, now=noon + timedelta(minutes=13)) == 8

    def test_a_paid_reservation_stays(self, train, traveller, noon):
        paid = reserve(traveller, train.ticket_id(), now=noon)
        services.confirm(reservation_id=paid.id, now=noon, actor=SYSTEM)
        assert left(train, now=noon + HOLD) == 7


class TestCache:
    def test_an_answer_is_kept_under_its_version(self, train, traveller, noon):
        reserve(traveller, train.ticket_id(), now=noon)
        one = ride(train)
        assert availability([one], now=noon).left(one, ECONOMY) == 7

        with CaptureQueriesContext(connection) as captured:
            assert availability([one], now=noon).left(one, ECONOMY) == 7
        assert len(captured) == 0

    def test_each_claim_and_each_release_has_a_version_of_its_own(self, train, traveller, noon):
        seen = [version_of(train)]

        def note() -> None:
            seen.append(version_of(train))

        first = reserve(traveller, train.ticket_id(), now=noon)
        note()
        services.release(viewer=OFFICE, reservation_id=first.id, now=noon, actor=SYSTEM)
        note()
        paid = reserve(traveller, train.ticket_id(), now=noon)
        note()
        services.confirm(reservation_id=paid.id, now=noon, actor=SYSTEM)
        services.cancel_coupons(
            reservation_id=paid.id, coupon_ids=[paid.coupons[0].id], now=noon, actor=SYSTEM
        )
        note()
        reserve(traveller, train.ticket_id(), now=noon)
        note()
        services.expire_holds(now=noon + HOLD)
        note()
        assert seen == sorted(set(seen))

    def test_an_older_version_is_never_asked_for_again(self, train, traveller, noon):
        reserve(traveller, train.ticket_id(), now=noon)
        assert left(train, now=noon) == 7
        reserve(traveller, train.ticket_id(), now=noon)
        assert left(train, now=noon) == 6

    def test_what_was_read_late_is_not_filed_under_an_early_version(self, train, traveller, noon):
        reserve(traveller, train.ticket_id(), now=noon)
        early = ride(train)
        reserve(traveller, train.ticket_id(), now=noon)

        # A search read the version, then somebody bought, then the search reads the seats.
        assert availability([early], now=noon).left(early, ECONOMY) == 6
        cached = cache.get(f"stock:{train.departure.pk}:{early.stock_version}")
        assert cached is None

    def test_an_entry_ends_with_the_first_hold_in_it(self, train, traveller, noon):
        reserve(traveller, train.ticket_id(), now=noon)
        assert left(train, now=noon) == 7
        assert left(train, now=noon + HOLD) == 8

    def test_an_answer_given_after_a_hold_ended_is_not_kept_for_earlier_clocks(
        self, train, traveller, noon
    ):
        reserve(traveller, train.ticket_id(), now=noon)
        assert left(train, now=noon + HOLD) == 8
        # Another host's clock is a second behind.
        assert left(train, now=noon + HOLD - timedelta(seconds=1)) == 7

    def test_a_sale_does_not_switch_it_off(self, train, traveller, noon):
        paid = reserve(traveller, train.ticket_id(), now=noon)
        services.confirm(reservation_id=paid.id, now=noon, actor=SYSTEM)
        later = noon + timedelta(hours=1)
        assert left(train, now=later) == 7

        one = ride(train)
        with CaptureQueriesContext(connection) as captured:
            assert availability([one], now=later).left(one, ECONOMY) == 7
        assert len(captured) == 0

    @pytest.mark.parametrize("failing", ["get_many", "set_many"])
    def test_is_not_needed(self, train, traveller, noon, monkeypatch, failing):
        def fail(*args, **kwargs):
            raise ConnectionError("the cache is down")

        reserve(traveller, train.ticket_id(), now=noon)
        monkeypatch.setattr(cache._connections["default"], failing, fail)

        assert left(train, now=noon) == 7
        assert left(train, now=noon) == 7


class TestStatements:
    def test_many_departures_cost_as_much_as_one(self, train, flight, coach, noon):
        trips = [train, flight, coach]
        reserve("a@example.org", train.ticket_id(), now=noon)
        reserve("b@example.org", flight.ticket_id(), now=noon - HOLD)
        rides = [ride(trip) for trip in trips]
        cache.clear()

        with CaptureQueriesContext(connection) as captured:
            found = availability(rides, now=noon)

        assert [found.left(one, ECONOMY) for one in rides] == [7, 6, 4]
        # Seat maps, capacities, touched seats, ended holds.
        assert len(captured) == 4


# --- the model ------------------------------------------------------------------------------------

numbers = count(1)
steps = st.one_of(
    st.tuples(
        st.just("reserve"),
        st.sampled_from(list(combinations(range(5), 2))),
        st.integers(1, 4),
        st.sampled_from([0, 1, 2]),
    ),
    st.tuples(st.sampled_from(["release", "confirm", "cancel", "extend"]), st.integers(0, 9)),
    st.tuples(st.just("wait"), st.sampled_from([1, 4, 9, 10])),
    st.tuples(st.just("sweep")),
)


@dataclass
class Sold:
    """What the model knows of a reservation."""

    reservation_id: int
    coupon_ids: list[int]
    seats: list[tuple[str, str]]
    segments: set[int]
    until: datetime | None
    is_over: bool = False
    was_extended: bool = False

    def lives(self, now: datetime) -> bool:
        return not self.is_over and (self.until is None or now < self.until)


class Model:
    """Who sits where, and nothing else."""

    ROWS = {
        ECONOMY: {("1", f"{row}{letter}") for row in (1, 2) for letter in "ABCD"},
        BUSINESS: {("2", f"{row}{letter}") for row in (1, 2) for letter in "AB"},
    }

    def __init__(self) -> None:
        self.sold: list[Sold] = []

    def free(self, travel_class: str, segments: set[int], now: datetime) -> set[tuple[str, str]]:
        taken = {
            seat
            for one in self.sold
            if one.lives(now) and one.segments & segments
            for seat in one.seats
        }
        return self.ROWS[travel_class] - taken


class TestAgainstAModel:
    @settings(
        max_examples=15,
        derandomize=True,
        # A story that fails is told as it was: making it shorter takes minutes of a database.
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    @given(story=st.lists(steps, min_size=6, max_size=18))
    def test_any_story_leaves_what_the_intervals_leave(self, train, noon, story):
        trip = another_run(train, noon)
        model, now = Model(), noon
        for step in story:
            now = act(step, trip, model, now)
            agree(trip, model, now)
        audit()


def another_run(train: Trip, noon: datetime) -> Trip:
    """The same train once more, so that each story begins with an empty one."""
    ways = [(0, 0), (75, 200), (120, 300), (240, 600), (330, 800)]
    return make_trip(
        train.departure.service,
        train.departure.vehicle,
        starts_at=noon + timedelta(days=3),
        stops=[
            Stop(call.station, minutes, km)
            for call, (minutes, km) in zip(train.calls, ways, strict=True)
        ],
        run=f"story {next(numbers)}",
    )


def act(step: tuple, trip: Trip, model: Model, now: datetime) -> datetime:
    """Do it in the office and in the model; answer the time after it."""
    match step:
        case ("reserve", (start, end), size, fare):
            buy(trip, model, start, end, size, fare, now)
        case ("wait", minutes):
            return now + timedelta(minutes=minutes)
        case ("sweep",):
            services.expire_holds(now=now)
        case (verb, index) if model.sold:
            change(verb, model.sold[index % len(model.sold)], now)
    return now


def buy(trip: Trip, model: Model, start: int, end: int, size: int, fare: int, now: datetime):
    segments = set(range(start, end))
    free = model.free(BUSINESS if fare == 2 else ECONOMY, segments, now)
    buyer = f"buyer{next(numbers)}@example.org"
    try:
        held = reserve(buyer, trip.ticket_id(start, end, fare), now=now, passengers=size)
    except SoldOut:
        assert len(free) < size, "refused though there was room"
        return
    seats = seats_of(held)
    assert len(seats) == size == len(set(seats))
    assert set(seats) <= free, "sold a seat that was not free"
    model.sold.append(
        Sold(held.id, [one.id for one in held.coupons], seats, segments, until=now + HOLD)
    )


def change(verb: str, sold: Sold, now: datetime) -> None:
    acts = engine.current()
    is_hold = sold.lives(now) and sold.until is not None
    is_paid = sold.lives(now) and sold.until is None
    match verb:
        case "release":
            assert acts.release(sold.reservation_id, now=now, actor=SYSTEM).done == is_hold
            sold.is_over = sold.is_over or is_hold
        case "confirm":
            assert acts.confirm(sold.reservation_id, now=now, actor=SYSTEM).done == is_hold
            sold.until = None if is_hold else sold.until
        case "extend":
            until = now + HOLD
            result = acts.extend(
                sold.reservation_id, until=until, mark="extended_at", now=now, actor=SYSTEM
            )
            assert result.done == is_hold
            if is_hold and not sold.was_extended and until > sold.until:
                sold.until, sold.was_extended = until, True
        case "cancel":
            result = acts.cancel_coupons(
                sold.reservation_id, sold.coupon_ids[:1], now=now, actor=SYSTEM
            )
            assert result.done == is_paid
            if is_paid:
                sold.coupon_ids, sold.seats = sold.coupon_ids[1:], sold.seats[1:]
                sold.is_over = not sold.seats


def agree(trip: Trip, model: Model, now: datetime) -> None:
    """Compare every stretch and class, from the cache and without it."""
    wanted = {
        (start, end, travel_class): len(model.free(travel_class, set(range(start, end)), now))
        for start, end in combinations(range(5), 2)
        for travel_class in (ECONOMY, BUSINESS)
    }
    whole = ride(trip)
    for cached in ("as it is", "emptied", "just filled"):
        if cached == "emptied":
            cache.clear()
        found = availability([whole], now=now)
        assert {
            key: found.left(
                Ride(
                    whole.departure_id,
                    key[0],
                    key[1],
                    whole.seat_map_id,
                    whole.stock_version,
                    whole.earliest_hold_end,
                ),
                key[2],
            )
            for key in wanted
        } == wanted, f"with the cache {cached}"


def test_the_detail_of_a_ticket_tells_the_same(train, traveller, noon):
    reserve(traveller, train.ticket_id(1, 3), now=noon, passengers=2)
    told = {
        (start, end): selectors.get_offer_with_seats(train.ticket_id(start, end), now=noon)[1]
        for start, end in ((0, 1), (0, 2), (1, 3), (2, 4), (3, 4))
    }
    assert told == {(0, 1): 8, (0, 2): 6, (1, 3): 6, (2, 4): 6, (3, 4): 8}


class TestQuota:
    @pytest.fixture
    def quota(self, train) -> None:
        """At most three seats of any segment at the Saver."""
        FareVersion.objects.filter(fare=train.fares[0]).update(quota=3)

    def left(self, train, start: int = 0, end: int = -1, *, now: datetime, fare: int = 0) -> int:
        one = ride(train, start, end)
        rules = search.price_rules({train.departure.service.tariff_id}, now=now)
        rule = rules[train.departure.service.tariff_id][fare]
        return availability([one], now=now, rules=[rule]).left_of(one, rule)

    def test_no_more_are_shown_than_the_fare_may_fill(self, train, quota, noon):
        assert self.left(train, now=noon) == 3
        assert self.left(train, now=noon, fare=1) == 8

    def test_counts_on_each_segment(self, train, quota, traveller, noon):
        reserve(traveller, train.ticket_id(0, 2), now=noon, passengers=2)
        reserve(traveller, train.ticket_id(2, 3), now=noon)
        assert self.left(train, 0, 4, now=noon) == 1
        assert self.left(train, 2, 4, now=noon) == 2
        assert self.left(train, 3, 4, now=noon) == 3
        # The class has eight less the three that sit on the first half.
        assert self.left(train, 0, 2, now=noon, fare=1) == 6

    def test_a_hold_that_ended_fills_nothing(self, train, quota, traveller, noon):
        reserve(traveller, train.ticket_id(), now=noon, passengers=3)
        assert self.left(train, now=noon + HOLD - timedelta(microseconds=1)) == 0
        assert self.left(train, now=noon + HOLD) == 3

    def test_what_is_shown_is_sold_and_no_more(self, train, quota, traveller, stranger, noon):
        reserve(traveller, train.ticket_id(1, 3), now=noon, passengers=2)
        with pytest.raises(SoldOut):
            reserve(stranger, train.ticket_id(), now=noon, passengers=2)
        reserve(stranger, train.ticket_id(), now=noon)
        assert self.left(train, now=noon) == 0


class TestWithChanges:
    def test_the_fullest_segment_decides(self, train, traveller, stranger, noon):
        first = search.price_rules({train.departure.service.tariff_id}, now=noon)
        rule = first[train.departure.service.tariff_id][0]
        seats = [
            SeatChoice(train.ticket_id(0, 2), n, "1", f"1{row}") for n, row in enumerate("ABCD")
        ]
        reserve(traveller, train.ticket_id(0, 2), now=noon, passengers=4, seats=seats)
        seats = [
            SeatChoice(train.ticket_id(2, 4), n, "1", f"2{row}") for n, row in enumerate("ABC")
        ]
        reserve(stranger, train.ticket_id(2, 4), now=noon, passengers=3, seats=seats)

        one = ride(train)
        found = availability([one], now=noon, rules=[rule])
        assert found.left_of(one, rule) == 1
        assert found.left_with_changes(one, rule) == 4
