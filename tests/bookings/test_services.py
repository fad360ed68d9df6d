"""Reserving by the service: prices, ages, infants, seats, refusals; a refusal changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.viewers import Viewer
from bookings import selectors, services
from bookings.engine.contract import SYSTEM, Actor
from bookings.errors import (
    AlreadyCancelled,
    AlreadyPaid,
    HoldExpired,
    InfantWithoutAdult,
    NotExtendable,
    PriceChanged,
    SeatTaken,
    SoldOut,
    TooManyHolds,
    TooManyPassengers,
)
from bookings.models import Passenger, Reservation
from bookings.services import Holder, PassengerDetails, SeatChoice
from inventory import places
from inventory.errors import DepartureClosed, MixedCurrencies
from inventory.models import Departure, Fare, FareVersion
from tests.factories import (
    FarePlan,
    Stop,
    Trip,
    make_carrier,
    make_service,
    make_tariff,
    make_trip,
    make_vehicle,
)
from tests.selling import HOLD, adults, audit, everything, party, reserve, seats_of
from travel.common.errors import InvalidInput, NotFound
from travel.common.models import OutboxMessage
from travel.common.money import Money
from travel.common.transactions import in_transaction

LEAVES = datetime(2026, 6, 2, 6, 0, tzinfo=UTC)


@contextmanager
def refused(error: type[Exception]) -> Iterator[pytest.ExceptionInfo[Exception]]:
    """The act within is refused with this error, and not a row is another than before."""
    before = everything()
    with pytest.raises(error) as caught:
        yield caught
    assert everything() == before


@pytest.fixture(autouse=True)
def audited(db: None) -> Iterator[None]:
    yield
    audit()


def born(first_name: str, day: date, kind: str | None = None) -> PassengerDetails:
    return PassengerDetails(first_name, "Roe", kind=kind, date_of_birth=day)


def trip_back(trip: Trip, starts_at: datetime, *, name: str = "back") -> Trip:
    """The train turned round: the same way, vehicle and fares, from Munich to Hamburg."""
    calls = list(reversed(trip.calls))
    return make_trip(
        make_service(trip.departure.service.tariff, f"ICE {name}"),
        trip.departure.vehicle,
        starts_at=starts_at,
        stops=[
            Stop(call.station, 60 * index, (800_000 - call.distance_m) // 1000)
            for index, call in enumerate(calls)
        ],
    )


class TestPrice:
    def test_is_written_in_lines_that_sum_to_it(self, train, traveller, noon):
        held = reserve(traveller, train.ticket_id(), now=noon)

        (coupon,) = held.coupons
        # 45.00 with 7 % tax in it.
        assert [(kind, money.minor) for kind, _label, money in coupon.lines] == [
            ("fare", 4_206),
            ("tax", 294),
        ]
        assert (coupon.price, held.price) == (Money(4_500, "EUR"), Money(4_500, "EUR"))

    def test_of_a_family_by_air(self, flight, traveller, noon):
        held = reserve(
            traveller,
            flight.ticket_id(),
            now=noon,
            passengers=party("adult", "young", "child", "infant"),
        )
        # 80.00 each for adult and young, half for the child, and 2.50 for each seat.
        assert [coupon.price.minor for coupon in held.coupons] == [8_250, 8_250, 4_250, 0]
        assert held.price.minor == 20_750

    def test_of_a_part_of_the_way(self, train, traveller, noon):
        # 200 to 600 km: 5.00 + 400 * 0.05
        assert reserve(traveller, train.ticket_id(1, 3), now=noon).price.minor == 2_500

    def test_does_not_change_with_the_fare(self, train, traveller, noon):
        held = reserve(traveller, train.ticket_id(), now=noon)
        FareVersion.objects.create(
            fare=train.fares[0], valid_from=noon, base_minor=9_900, per_km_micro=0
        )
        again = selectors.get_reservation(
            viewer=Viewer(user_id=traveller.pk), reservation_id=held.id, now=noon
        )
        assert again.price.minor == 4_500
        assert reserve(traveller, train.ticket_id(), now=noon).price.minor == 9_900

    def test_that_was_expected_is_kept_or_refused(self, train, traveller, noon):
        reserve(traveller, train.ticket_id(), now=noon, expected_price=Money(4_500, "EUR"))
        for wrong in (Money(4_499, "EUR"), Money(4_501, "EUR"), Money(4_500, "USD")):
            with refused(PriceChanged) as caught:
                reserve(traveller, train.ticket_id(), now=noon, expected_price=wrong)
            assert caught.value.details == {"price": {"amount": "45.00", "currency": "EUR"}}

    def test_of_both_ways_less_the_fare_s_discount(self, train, traveller, noon):
        FareVersion.objects.filter(fare=train.fares[0]).update(return_discount_basis_points=1_000)
        back = trip_back(train, LEAVES + timedelta(days=2))
        both = [train.ticket_id(), back.ticket_id()]

        held = reserve(traveller, *both, now=noon, round_trip=True)
        # 45.00 less 10 %, twice; 40.50 contains 2.65 of tax.
        assert [coupon.price.minor for coupon in held.coupons] == [4_050, 4_050]
        assert [(kind, money.minor) for kind, _label, money in held.coupons[0].lines] == [
            ("fare", 4_235),
            ("discount", -450),
            ("tax", 265),
        ]
        # As two tickets of their own they cost what they cost.
        assert reserve(traveller, *both, now=noon).price.minor == 9_000


class TestAges:
    """The fare counts infants until 1, children until 14, the young until 26."""

    def kinds(self, trip: Trip, traveller, noon, *passengers: PassengerDetails) -> list[str]:
        held = reserve(traveller, trip.ticket_id(), now=noon, passengers=passengers)
        return [one.kind for one in held.passengers]

    def test_count_on_the_day_of_travel(self, train, traveller, noon):
        FareVersion.objects.update(young_percent=80)
        passengers = [
            born("Ada", date(1990, 1, 1)),
            born("Bob", date(2011, 6, 2)),  # fifteen on the day
            born("Cem", date(2011, 6, 3)),  # fifteen the day after
            born("Dora", date(2024, 6, 3)),  # two the day after
        ]
        assert self.kinds(train, traveller, noon, *passengers) == [
            "adult",
            "young",
            "child",
            "infant",
        ]

    def test_the_day_is_the_boarding_station_s(self, coach, traveller, noon):
        # Berlin is left at 23:05 UTC on 2 June: 01:05 on the 3rd in Berlin.
        held = reserve(
            traveller,
            coach.ticket_id(1, 2),
            now=noon,
            passengers=[born("Ada", date(1990, 1, 1)), born("Bob", date(2024, 6, 3))],
        )
        assert [one.kind for one in held.passengers] == ["adult", "child"]

    def test_a_birthday_between_the_two_ways_changes_the_way_back(self, train, traveller, noon):
        back = trip_back(train, LEAVES + timedelta(days=2))
        held = reserve(
            traveller,
            train.ticket_id(),
            back.ticket_id(),
            now=noon,
            round_trip=True,
            passengers=[born("Ada", date(1990, 1, 1)), born("Bob", date(2024, 6, 4))],
        )
        # An infant on the lap on the way there, a child on a seat of its own on the way back.
        bob = [coupon for coupon in held.coupons if coupon.passenger == 1]
        assert [coupon.price.minor for coupon in bob] == [0, 2_250]
        assert [len(coupon.seats) for coupon in bob] == [0, 1]

    def test_that_contradict_the_type_are_refused(self, train, traveller, noon):
        with refused(InvalidInput) as caught:
            self.kinds(train, traveller, noon, born("Ada", date(1990, 1, 1), "child"))
        assert list(caught.value.errors) == ["passengers[0].type"]

    def test_nobody_travels_before_being_born(self, train, traveller, noon):
        baby = born("Bob", date(2026, 6, 2), "infant")
        assert self.kinds(train, traveller, noon, born("Ada", date(1990, 1, 1)), baby) == [
            "adult",
            "infant",
        ]
        with refused(InvalidInput) as caught:
            self.kinds(train, traveller, noon, *adults(1), born("Bob", date(2026, 6, 3)))
        assert list(caught.value.errors) == ["passengers[1].dateOfBirth"]


class TestInfants:
    def test_each_goes_with_an_adult_of_its_own(self, train, traveller, noon):
        held = reserve(
            traveller,
            train.ticket_id(),
            now=noon,
            passengers=party("infant", "adult", "child", "infant", "adult"),
        )
        assert {one.position: one.accompanied_by for one in held.passengers} == {
            0: 1,
            1: None,
            2: None,
            3: 4,
            4: None,
        }
        assert len(seats_of(held)) == 3

    @pytest.mark.parametrize(
        "kinds",
        [("infant",), ("adult", "infant", "infant"), ("child", "infant"), ("young", "infant")],
        ids="-".join,
    )
    def test_none_travels_without_one(self, train, traveller, noon, kinds):
        with refused(InfantWithoutAdult):
            reserve(traveller, train.ticket_id(), now=noon, passengers=party(*kinds))

    def test_on_any_of_the_tickets(self, train, coach, traveller, noon):
        # By coach whoever is under three is an infant: Bob and Cem are children by rail only.
        FareVersion.objects.filter(fare=coach.fares[0]).update(infant_until_age=2)
        toddlers = [born("Bob", date(2024, 1, 1)), born("Cem", date(2024, 1, 1))]
        onward = [train.ticket_id(0, 1), coach.ticket_id(1, 2)]
        with refused(InfantWithoutAdult):
            reserve(traveller, *onward, now=noon, passengers=[*adults(1), *toddlers])

    def test_has_no_seat_to_choose(self, train, traveller, noon):
        ticket = train.ticket_id()
        with refused(InvalidInput) as caught:
            reserve(
                traveller,
                ticket,
                now=noon,
                passengers=party("adult", "infant"),
                seats=[SeatChoice(ticket, 1, "1", "1A")],
            )
        assert list(caught.value.errors) == ["seats[0].passenger"]


class TestParty:
    @pytest.mark.parametrize(
        ("size", "error"), [(0, InvalidInput), (10, TooManyPassengers), (1_000, TooManyPassengers)]
    )
    def test_has_one_to_nine_passengers(self, train, traveller, noon, size, error):
        with refused(error):
            reserve(
                traveller,
                train.ticket_id(),
                now=noon,
                passengers=[PassengerDetails("Ada", "Roe")] * size,
            )

    def test_nine_may_travel(self, train, traveller, noon):
        held = reserve(
            traveller, train.ticket_id(), now=noon, passengers=party(*["adult"] * 8, "infant")
        )
        assert len(held.passengers) == 9
        assert len(set(seats_of(held))) == 8

    def test_who_says_nothing_is_an_adult(self, train, traveller, noon):
        held = reserve(
            traveller, train.ticket_id(), now=noon, passengers=[PassengerDetails("Ada", "Roe")]
        )
        assert held.passengers[0].kind == "adult"


class TestSeats:
    def choice(self, trip: Trip, *named: tuple[int, str], **stretch) -> list[SeatChoice]:
        ticket = trip.ticket_id(**stretch)
        return [SeatChoice(ticket, index, *name.split("/")) for index, name in named]

    def test_that_were_chosen_are_the_ones(self, train, traveller, noon):
        held = reserve(
            traveller,
            train.ticket_id(),
            now=noon,
            passengers=3,
            seats=self.choice(train, (2, "1/2A"), (0, "1/1D")),
        )
        chosen = seats_of(held)
        assert (chosen[0], chosen[2]) == (("1", "1D"), ("1", "2A"))
        assert chosen[1] not in (chosen[0], chosen[2])

    def test_a_wish_is_met(self, train, traveller, noon):
        wishing = [PassengerDetails("Ada", "Roe", seat_wish="window")]
        held = reserve(traveller, train.ticket_id(), now=noon, passengers=wishing)
        assert seats_of(held) == [("1", "1A")]

    def test_that_is_taken_is_refused_by_its_name(self, train, stranger, traveller, noon):
        mine = self.choice(train, (0, "1/1A"), start=1, end=3)
        reserve(stranger, train.ticket_id(1, 3), now=noon, seats=mine)
        with refused(SeatTaken) as caught:
            reserve(traveller, train.ticket_id(), now=noon, seats=self.choice(train, (0, "1/1A")))
        assert caught.value.details == {"ticketID": train.ticket_id()}
        # Before and behind, the seat is free.
        for start, end in ((0, 1), (3, 4)):
            there = self.choice(train, (0, "1/1A"), start=start, end=end)
            reserve(traveller, train.ticket_id(start, end), now=noon, seats=there)

    @pytest.mark.parametrize(
        ("named", "field"),
        [
            ([(0, "2/1A")], "seats[0].seat"),  # Business, on an Economy ticket
            ([(0, "1/9Z")], "seats[0].seat"),
            ([(0, "9/1A")], "seats[0].seat"),
            ([(0, "1/1a")], "seats[0].seat"),
            ([(0, "1/")], "seats[0].seat"),
            ([(2, "1/1A")], "seats[0].passenger"),
            ([(-1, "1/1A")], "seats[0].passenger"),
            ([(0, "1/1A"), (1, "1/1A")], "seats[1]"),
            ([(0, "1/1A"), (0, "1/1B")], "seats[1]"),
        ],
    )
    def test_that_cannot_be_had_are_refused(self, train, traveller, noon, named, field):
        with refused(InvalidInput) as caught:
            reserve(
                traveller,
                train.ticket_id(),
                now=noon,
                passengers=2,
                seats=self.choice(train, *named),
            )
        assert list(caught.value.errors) == [field]

    def test_of_a_ticket_that_is_not_booked_are_refused(self, train, flight, traveller, noon):
        with refused(InvalidInput) as caught:
            reserve(
                traveller,
                train.ticket_id(),
                now=noon,
                seats=[SeatChoice(flight.ticket_id(), 0, "Cabin", "1A")],
            )
        assert list(caught.value.errors) == ["seats[0].ticketID"]

    def test_without_labels_are_given_and_not_chosen(self, coach, traveller, noon):
        held = reserve(traveller, coach.ticket_id(), now=noon, passengers=4)
        assert seats_of(held) == [("Deck", "")] * 4
        with refused(InvalidInput):
            reserve(
                traveller,
                coach.ticket_id(),
                now=noon,
                seats=[SeatChoice(coach.ticket_id(), 0, "Deck", "")],
            )


class TestTickets:
    def test_are_all_held_or_none(self, train, flight, stranger, traveller, noon):
        reserve(stranger, flight.ticket_id(), now=noon, passengers=6)
        with refused(SoldOut) as caught:
            reserve(traveller, train.ticket_id(0, 1), flight.ticket_id(), now=noon)
        assert caught.value.details == {"ticketID": flight.ticket_id()}

    def test_are_held_in_the_order_of_travel(self, train, coach, traveller, noon):
        held = reserve(traveller, coach.ticket_id(1, 2), train.ticket_id(0, 1), now=noon)
        assert [coupon.ticket_id for coupon in held.coupons] == [
            train.ticket_id(0, 1),
            coach.ticket_id(1, 2),
        ]

    def test_may_adjoin_on_one_train(self, train, traveller, noon):
        held = reserve(traveller, train.ticket_id(0, 2), train.ticket_id(2, 4, 1), now=noon)
        # 5.00 + 300 * 0.05, and 10.00 + 500 * 0.10
        assert [coupon.price.minor for coupon in held.coupons] == [2_000, 6_000]

    def test_that_overlap_in_time_are_refused(self, train, flight, traveller, noon):
        for pair in (
            (train.ticket_id(0, 3), train.ticket_id(2, 4)),
            (train.ticket_id(0, 4), train.ticket_id(0, 4, 1)),
            (train.ticket_id(), flight.ticket_id()),
        ):
            with refused(InvalidInput) as caught:
                reserve(traveller, *pair, now=noon)
            assert list(caught.value.errors) == ["ticketIDs"]

    def test_named_twice_or_not_at_all_or_too_many_are_refused(self, train, traveller, noon):
        ticket = train.ticket_id()
        for ids in ((), (ticket, ticket), range(1, 14)):
            with refused(InvalidInput) as caught:
                reserve(traveller, *ids, now=noon)
            assert list(caught.value.errors) == ["ticketIDs"]

    def test_in_two_currencies_are_refused(self, train, traveller, noon):
        swiss = make_carrier("swiss", currency="CHF")
        onward = make_trip(
            make_service(make_tariff(swiss, fares=[FarePlan()]), "EC 8"),
            make_vehicle(swiss),
            starts_at=LEAVES + timedelta(hours=8),
            stops=[Stop(train.calls[4].station, 0), Stop(train.calls[0].station, 60, 100)],
        )
        with refused(MixedCurrencies):
            reserve(traveller, train.ticket_id(), onward.ticket_id(), now=noon)

    def test_there_and_back_must_lead_back(self, train, coach, traveller, noon):
        back = trip_back(train, LEAVES + timedelta(days=2))
        for pair in (
            (train.ticket_id(0, 1), coach.ticket_id(1, 2)),
            (back.ticket_id(), train.ticket_id()),  # the way back comes first
            (train.ticket_id(0, 3), back.ticket_id()),  # back from another city
        ):
            with refused(InvalidInput) as caught:
                reserve(traveller, *pair, now=noon, round_trip=True)
            assert list(caught.value.errors) == ["returnTicketID"]

    @pytest.mark.parametrize("ticket_id", [1, 2**53 - 1, 2**60, 0, -5])
    def test_that_do_not_exist_are_not_found(self, train, traveller, noon, ticket_id):
        with refused(NotFound):
            reserve(traveller, train.ticket_id(), ticket_id, now=noon)

    def test_of_a_fare_that_is_off_sale_are_not_found(self, train, traveller, noon):
        Fare.objects.filter(pk=train.fares[0].pk).update(is_on_sale=False)
        with refused(NotFound):
            reserve(traveller, train.ticket_id(), now=noon)


class TestClosing:
    @pytest.mark.parametrize(
        "change",
        [
            {"state": "cancelled"},
            {"state": "withdrawn"},
            {"state": "replaced"},
            {"sales_closed_at": LEAVES - timedelta(days=9)},
        ],
        ids=str,
    )
    def test_a_departure_off_sale_is_refused(self, train, traveller, noon, change):
        Departure.objects.filter(pk=train.departure.pk).update(**change)
        with refused(DepartureClosed):
            reserve(traveller, train.ticket_id(), now=noon)

    def test_each_boarding_call_closes_by_itself(self, train, traveller):
        FareVersion.objects.filter(fare=train.fares[0]).update(sales_close_minutes=10)
        tick = timedelta(microseconds=1)
        # Hamburg is left at 06:00 and Hanover at 07:20 UTC.
        for start, leaves in ((0, LEAVES), (1, LEAVES + timedelta(minutes=80))):
            closes = leaves - timedelta(minutes=10)
            reserve(traveller, train.ticket_id(start), now=closes - tick)
            with refused(DepartureClosed) as caught:
                reserve(traveller, train.ticket_id(start), now=closes)
            assert caught.value.details == {"ticketID": train.ticket_id(start)}

    def test_one_closed_ticket_closes_the_journey(self, train, coach, traveller):
        with refused(DepartureClosed):
            reserve(traveller, train.ticket_id(0, 1), coach.ticket_id(1, 2), now=LEAVES)
        reserve(traveller, train.ticket_id(1, 2), coach.ticket_id(1, 2), now=LEAVES)


class TestHolds:
    def test_last_ten_minutes(self, train, traveller, noon):
        held = reserve(traveller, train.ticket_id(), now=noon)
        assert held.hold_until == noon + timedelta(minutes=10)

        def status(now: datetime) -> str:
            viewer = Viewer(user_id=traveller.pk)
            return selectors.get_reservation(viewer=viewer, locator=held.locator, now=now).status

        assert status(noon + HOLD - timedelta(microseconds=1)) == "Reserved"
        assert status(noon + HOLD) == "Expired"

    def test_that_ended_are_sold_again_though_no_worker_runs(
        self, flight, stranger, traveller, noon
    ):
        first = reserve(stranger, flight.ticket_id(), now=noon, passengers=6)
        with refused(SoldOut):
            reserve(traveller, flight.ticket_id(), now=noon + HOLD - timedelta(microseconds=1))
        held = reserve(traveller, flight.ticket_id(), now=noon + HOLD, passengers=6)
        assert sorted(seats_of(held)) == sorted(seats_of(first))
        assert Reservation.objects.get(id=first.id).state == "expired"

    def test_ten_at_once_are_enough(self, train, traveller, stranger, noon, settings):
        settings.MAX_LIVE_HOLDS_THERE = None
        for start, fare in [(start, fare) for start in range(4) for fare in (0, 1, 2)][:10]:
            reserve(traveller, train.ticket_id(start, start + 1, fare), now=noon)
        with refused(TooManyHolds):
            reserve(traveller, train.ticket_id(0, 1), now=noon)
        reserve(stranger, train.ticket_id(0, 1), now=noon)
        reserve(traveller, train.ticket_id(0, 1), now=noon + HOLD)

    def test_are_extended_once(self, train, traveller, noon):
        held = reserve(traveller, train.ticket_id(), now=noon)
        me = Viewer(user_id=traveller.pk)
        later = noon + timedelta(minutes=9)

        extended = services.extend_hold(viewer=me, reservation_id=held.id, now=later)
        assert extended.hold_until == later + HOLD
        with refused(NotExtendable):
            services.extend_hold(viewer=me, reservation_id=held.id, now=later)

    def test_are_lengthened_for_a_payment_to_five_minutes_and_never_shortened(
        self, train, traveller, noon
    ):
        held = reserve(traveller, train.ticket_id(), now=noon)

        def until(now: datetime) -> datetime:
            assert services.lengthen_while_paying(reservation_id=held.id, now=now)
            return Reservation.objects.get(id=held.id).hold_until

        assert until(noon + timedelta(minutes=5)) == noon + HOLD
        assert until(noon + timedelta(minutes=8)) == noon + timedelta(minutes=13)
        assert until(noon + timedelta(minutes=12)) == noon + timedelta(minutes=13)
        ended = noon + timedelta(minutes=13)
        assert not services.lengthen_while_paying(reservation_id=held.id, now=ended)

    def test_of_somebody_else_do_not_exist(self, train, traveller, stranger, noon):
        held = reserve(traveller, train.ticket_id(), now=noon)
        them = Viewer(user_id=stranger.pk)
        with refused(NotFound):
            services.extend_hold(viewer=them, reservation_id=held.id, now=noon)
        with refused(NotFound):
            services.release(
                viewer=them, reservation_id=held.id, now=noon, actor=Actor("holder", stranger.pk)
            )

    def test_are_released_paid_or_expired_once(self, train, traveller, noon):
        me = {"viewer": Viewer(user_id=traveller.pk), "actor": Actor("holder", traveller.pk)}
        held = reserve(traveller, train.ticket_id(), now=noon)
        services.release(reservation_id=held.id, now=noon, **me)
        with refused(AlreadyCancelled):
            services.release(reservation_id=held.id, now=noon, **me)
        paid = reserve(traveller, train.ticket_id(), now=noon)
        services.confirm(reservation_id=paid.id, now=noon, actor=SYSTEM)
        with refused(AlreadyPaid):
            services.confirm(reservation_id=paid.id, now=noon, actor=SYSTEM)
        with refused(AlreadyPaid):
            services.release(reservation_id=paid.id, now=noon, **me)
        dead = reserve(traveller, train.ticket_id(), now=noon)
        with refused(HoldExpired):
            services.confirm(reservation_id=dead.id, now=noon + HOLD, actor=SYSTEM)
        assert services.expire_holds(now=noon + HOLD) == 1
        with refused(HoldExpired):
            services.release(reservation_id=dead.id, now=noon + HOLD, **me)


class TestGuests:
    def test_get_a_secret_that_opens_the_reservation(self, train, noon):
        reserved = services.reserve(
            holder=Holder(email="guest@example.org"),
            ticket_ids=[train.ticket_id()],
            passengers=adults(1),
            now=noon,
        )
        assert reserved.guest_secret is not None
        assert len(reserved.guest_secret) >= 22  # 128 bits in base 64

        def read(secret: str):
            return selectors.get_reservation(
                viewer=Viewer.guest([secret]), locator=reserved.reservation.locator, now=noon
            )

        assert read(reserved.guest_secret).id == reserved.reservation.id
        for wrong in ("", reserved.guest_secret + "x", Reservation.objects.get().guest_digest):
            with pytest.raises(NotFound):
                read(wrong)

    def test_must_be_reached(self, train, noon):
        with refused(InvalidInput) as caught:
            services.reserve(
                holder=Holder(), ticket_ids=[train.ticket_id()], passengers=adults(1), now=noon
            )
        assert list(caught.value.errors) == ["contact"]

    def test_reservations_belong_to_nobody_who_has_no_secret(self, train, traveller, noon):
        held = reserve("guest@example.org", train.ticket_id(), now=noon)
        for viewer in (Viewer(), Viewer(user_id=traveller.pk), Viewer(user_id=None)):
            with pytest.raises(NotFound):
                selectors.get_reservation(viewer=viewer, reservation_id=held.id, now=noon)
            assert selectors.list_reservations(viewer=viewer, now=noon) == (0, [])


class TestMessages:
    def test_a_hold_is_told_of_in_the_transaction_that_makes_it(self, train, traveller, noon):
        held = reserve(traveller, train.ticket_id(), now=noon)
        message = OutboxMessage.objects.get()
        assert message.recipient == traveller.email
        assert held.locator in message.subject
        assert "45.00" in message.body

    def test_what_is_rolled_back_tells_nobody(self, train, flight, traveller, noon):
        @in_transaction
        def both() -> None:
            reserve(traveller, train.ticket_id(), now=noon)
            reserve(traveller, flight.ticket_id(), now=noon, passengers=7)

        with refused(SoldOut):
            both()

    def test_names_in_any_script_are_kept(self, train, traveller, noon):
        people = [
            PassengerDetails("Zoë", "O’Neill-Ŀuís"),
            PassengerDetails("李", "小龍"),
            PassengerDetails("محمد", "علي"),
        ]
        reserve(traveller, train.ticket_id(), now=noon, passengers=people)
        stored = Passenger.objects.order_by("position").values_list("first_name", "last_name")
        assert list(stored) == [(one.first_name, one.last_name) for one in people]


class TestStatements:
    def count(self, traveller, *ticket_ids: int, now: datetime, passengers) -> int:
        with CaptureQueriesContext(connection) as captured:
            reserve(traveller, *ticket_ids, now=now, passengers=passengers)
        return len(captured)

    def test_a_large_party_costs_as_many_as_a_small_one(self, train, traveller, noon):
        reserve(traveller, train.ticket_id(fare=2), now=noon)  # what the first one lays out
        reserve(traveller, train.ticket_id(), now=noon)
        services.expire_holds(now=noon + HOLD)
        later = noon + HOLD
        train.ticket(0, 1)
        train.ticket(1, 4)
        one = self.count(traveller, train.ticket_id(0, 1), now=later, passengers=1)
        two = self.count(traveller, train.ticket_id(0, 1), now=later, passengers=2)
        seven = self.count(traveller, train.ticket_id(1, 4), now=later, passengers=7)
        assert one <= two == seven < 50

    def test_a_train_of_64_calls_costs_as_much_as_a_flight(self, train, flight, traveller, noon):
        stations = [call.station for call in train.calls]
        long = make_trip(
            make_service(train.departure.service.tariff, "ICE 64"),
            train.departure.vehicle,
            starts_at=LEAVES,
            stops=[Stop(stations[n % 5], 10 * n, 10 * n) for n in range(64)],
        )
        places.resolve("Hamburg")  # reads the names of all places, once
        first = self.count(traveller, flight.ticket_id(), now=noon, passengers=2)
        assert self.count(traveller, long.ticket_id(0, 63), now=noon, passengers=2) == first
        # All 63 segments are one seat's bits.
        whole = [row for row in everything()["SeatStock"] if row[4]]
        assert {row[4] for row in whole if row[1] == long.departure.pk} == {2**63 - 1}


class TestExpireHolds:
    def test_goes_in_batches_until_none_is_left(self, train, noon):
        for number in range(7):
            reserve(f"guest{number}@example.org", train.ticket_id(), now=noon)
        done = [services.expire_holds(now=noon + HOLD, limit=3) for _ in range(4)]
        assert done == [3, 3, 1, 0]
        assert set(Reservation.objects.values_list("state", flat=True)) == {"expired"}


class TestSeatChange:
    """Four sit in front to Göttingen, four behind from there: no seat is free all the way."""

    @pytest.fixture
    def split(self, train, noon):
        front = [
            SeatChoice(train.ticket_id(0, 2), n, "1", f"1{row}") for n, row in enumerate("ABCD")
        ]
        back = [
            SeatChoice(train.ticket_id(2, 4), n, "1", f"2{row}") for n, row in enumerate("ABCD")
        ]
        reserve("a@example.org", train.ticket_id(0, 2), now=noon, passengers=4, seats=front)
        reserve("b@example.org", train.ticket_id(2, 4), now=noon, passengers=4, seats=back)
        return train

    def test_the_refusal_offers_it_in_words(self, split, traveller, noon):
        before = everything()
        with pytest.raises(SoldOut) as refused_with:
            reserve(traveller, split.ticket_id(), now=noon)
        assert everything() == before
        ticket = split.ticket_id()
        assert refused_with.value.details == {
            "ticketID": ticket,
            "seatChanges": [
                {
                    "ticketID": ticket,
                    "passenger": 0,
                    "coach": "1",
                    "seat": "2A",
                    "from": {"station": "Hamburg Hbf", "code": "HH"},
                    "to": {"station": "Göttingen Hbf", "code": "GOE"},
                },
                {
                    "ticketID": ticket,
                    "passenger": 0,
                    "coach": "1",
                    "seat": "1A",
                    "from": {"station": "Göttingen Hbf", "code": "GOE"},
                    "to": {"station": "München Hbf", "code": "MH"},
                },
            ],
        }

    def test_who_agrees_has_both_seats(self, split, traveller, noon):
        held = reserve(traveller, split.ticket_id(), now=noon, accept_seat_change=True)
        (coupon,) = held.coupons
        assert [(one.seat, one.first_segment, one.last_segment) for one in coupon.seats] == [
            ("2A", 0, 1),
            ("1A", 2, 3),
        ]
        audit()


class TestReclaim:
    def test_a_hold_that_ended_lives_five_minutes_more(self, flight, traveller, noon):
        held = reserve(traveller, flight.ticket_id(), now=noon, passengers=2)
        services.reclaim(reservation_id=held.id, other_seats=False, now=noon + 2 * HOLD)
        again = Reservation.objects.get(id=held.id)
        assert again.state == "held"
        assert again.hold_until == noon + 2 * HOLD + timedelta(minutes=5)
        audit()

    def test_nothing_is_left_of_it(self, flight, traveller, stranger, noon):
        held = reserve(traveller, flight.ticket_id(), now=noon)
        reserve(stranger, flight.ticket_id(), now=noon + HOLD, passengers=6)
        with refused(SoldOut):
            services.reclaim(reservation_id=held.id, other_seats=True, now=noon + HOLD)
