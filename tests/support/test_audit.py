"""Each fact of the audit about seats and states: a defect is planted, and its row is named."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection

from bookings.engine.contract import SYSTEM
from bookings.models import Claim, Coupon, PriceLine, Reservation, ReservationEvent, SeatStock
from bookings.services import confirm, expire_holds
from inventory.models import Departure, FareVersion, Seat
from support import audit
from support.audit.facts import PROMISES
from tests.selling import HOLD, adults, party, reserve
from travel.common.models import IdempotencyKey

pytestmark = pytest.mark.django_db

SEATS_AND_STATES = [fact for fact in audit.FACTS if fact.number in (1, 2, 3, 7, 8)]


@pytest.fixture
def held(train, noon):
    """Ada and Bob from Hanover to Nuremberg (segments 1 and 2), held in seats 1A and 1B."""
    return reserve("ada@example.org", train.ticket_id(1, 3), now=noon, passengers=adults(2))


@pytest.fixture
def claims(held):
    """The claims of Ada and of Bob."""
    return list(Claim.objects.order_by("id"))


@pytest.fixture
def coupons(held):
    return list(Coupon.objects.order_by("id"))


def broken() -> dict[str, list[tuple[object, ...]]]:
    return {one.fact.code: one.rows for one in audit.findings(SEATS_AND_STATES)}


def cancel(reservation, state="cancelled"):
    Reservation.objects.filter(id=reservation.id).update(state=state)


class TestSound:
    def test_nothing_is_broken_where_nothing_was_sold(self, train):
        assert broken() == {}

    def test_nothing_is_broken_by_selling(self, held, train, coach, noon):
        paid = reserve(
            "eve@example.org",
            train.ticket_id(0, 4, fare=2),
            coach.ticket_id(1, 2),
            now=noon,
            passengers=party("adult", "infant"),
        )
        confirm(reservation_id=paid.id, now=noon, actor=SYSTEM)
        reserve("late@example.org", train.ticket_id(2, 3), now=noon + timedelta(minutes=1))
        assert expire_holds(now=noon + HOLD) == 1
        assert broken() == {}

    def test_a_change_of_seat_on_the_way_is_a_seat_all_the_way(self, claims):
        ada = claims[0]
        other = SeatStock.objects.filter(taken=0, travel_class="Economy").order_by("id")[0]
        Claim.objects.filter(id=ada.id).update(last_segment=1)
        Claim.objects.create(coupon_id=ada.coupon_id, stock=other, first_segment=2, last_segment=2)
        SeatStock.objects.filter(id=ada.stock_id).update(taken=0b0010)
        SeatStock.objects.filter(id=other.id).update(taken=0b0100)
        assert broken() == {}

    def test_every_fact_has_a_name_and_a_number_of_its_own(self):
        assert len({fact.code for fact in audit.FACTS}) == len(audit.FACTS)
        assert {fact.number for fact in audit.FACTS} == set(PROMISES)


class TestSeats:
    def test_a_segment_claimed_twice(self, claims, coupons):
        ada, bob = claims
        # Bob is moved onto Ada's seat, from segment 2 on: segment 2 is now claimed twice.
        Claim.objects.filter(id=bob.id).update(stock=ada.stock, first_segment=2, last_segment=3)
        assert broken()["seat_claimed_twice"] == [(ada.stock_id, ada.id, bob.id)]

    def test_an_open_coupon_without_a_seat(self, held, claims, coupons):
        SeatStock.objects.filter(id=claims[1].stock_id).update(taken=0)
        claims[1].delete()
        assert broken() == {"seat_missing": [(coupons[1].id, "open", None)]}

    @pytest.mark.parametrize(("first", "last"), [(2, 2), (1, 1), (0, 2), (1, 3)])
    def test_a_seat_for_another_stretch(self, held, claims, coupons, first, last):
        ada = claims[0]
        bits = sum(1 << segment for segment in range(first, last + 1))
        Claim.objects.filter(id=ada.id).update(first_segment=first, last_segment=last)
        SeatStock.objects.filter(id=ada.stock_id).update(taken=bits)
        assert broken() == {"seat_missing": [(coupons[0].id, "open", ada.id)]}

    def test_a_gap_between_two_seats(self, train, noon):
        reserve("ada@example.org", train.ticket_id(0, 4), now=noon)
        ada = Claim.objects.get()
        other = SeatStock.objects.filter(taken=0, travel_class="Economy").order_by("id")[0]
        Claim.objects.filter(id=ada.id).update(last_segment=1)
        SeatStock.objects.filter(id=ada.stock_id).update(taken=0b0011)
        second = Claim.objects.create(
            coupon_id=ada.coupon_id, stock=other, first_segment=3, last_segment=3
        )
        SeatStock.objects.filter(id=other.id).update(taken=0b1000)
        rows = broken()["seat_missing"]
        assert sorted(row[-1] for row in rows) == [ada.id, second.id]
        assert {row[0] for row in rows} == {ada.coupon_id}

    @pytest.mark.parametrize("state", ["cancelled", "expired"])
    def test_a_claim_of_a_dead_reservation(self, held, claims, coupons, state):
        cancel(held, state)
        ReservationEvent.objects.create(
            reservation_id=held.id,
            at=held.hold_until,
            kind="expired",
            from_state="held",
            to_state=state,
            actor_kind="system",
        )
        assert broken() == {"claim_of_the_dead": [(held.id, state, claim.id) for claim in claims]}

    def test_a_claim_of_a_cancelled_coupon(self, held, claims, coupons):
        Coupon.objects.filter(id=coupons[1].id).update(state="cancelled")
        assert broken() == {"seat_missing": [(coupons[1].id, "cancelled", claims[1].id)]}

    def test_a_claim_in_another_class(self, claims, coupons):
        business = SeatStock.objects.filter(travel_class="Business").order_by("id")[0]
        SeatStock.objects.filter(id=claims[0].stock_id).update(taken=0)
        SeatStock.objects.filter(id=business.id).update(taken=0b0110)
        Claim.objects.filter(id=claims[0].id).update(stock=business)
        assert broken() == {"claim_elsewhere": [(claims[0].id, coupons[0].id, business.id)]}

    def test_a_claim_on_another_departure(self, claims, coupons, coach, noon):
        reserve("eve@example.org", coach.ticket_id(0, 1), now=noon)
        elsewhere = SeatStock.objects.filter(departure=coach.departure, taken=0).order_by("id")[0]
        SeatStock.objects.filter(id=claims[0].stock_id).update(taken=0)
        SeatStock.objects.filter(id=elsewhere.id).update(taken=0b0110)
        Claim.objects.filter(id=claims[0].id).update(stock=elsewhere)
        assert broken() == {"claim_elsewhere": [(claims[0].id, coupons[0].id, elsewhere.id)]}

    def test_a_price_by_another_fare_than_the_tickets(self, claims, coupons, train):
        flex = FareVersion.objects.get(fare=train.fares[1])
        Coupon.objects.filter(id=coupons[0].id).update(fare_version=flex)
        assert broken() == {"claim_elsewhere": [(claims[0].id, coupons[0].id, claims[0].stock_id)]}

    def test_what_came_in_the_place_of_another_keeps_the_fare_that_was_sold(
        self, claims, coupons, train
    ):
        flex = FareVersion.objects.get(fare=train.fares[1])
        Coupon.objects.filter(id=coupons[0].id).update(fare_version=flex)
        Coupon.objects.create(
            passenger_id=coupons[0].passenger_id,
            position=9,
            ticket_id=coupons[0].ticket_id,
            fare_version=flex,
            state="cancelled",
            barcode="old",
            exchanged_for=coupons[0],
        )
        assert broken() == {}

    def test_an_exchanged_coupon_that_kept_its_price(self, held, coupons):
        ada, bob = coupons
        old = Coupon.objects.create(
            passenger_id=ada.passenger_id,
            position=9,
            ticket_id=ada.ticket_id,
            fare_version_id=ada.fare_version_id,
            state="cancelled",
            barcode="old",
            exchanged_for=ada,
        )
        assert broken() == {}
        line = PriceLine.objects.create(
            coupon=old, position=0, kind="fare", label="Saver", amount_minor=1
        )
        assert broken() == {"exchange_astray": [(old.id, ada.id, line.id)]}
        line.delete()
        # Bob's coupon does not take the place of Ada's.
        Coupon.objects.filter(id=old.id).update(exchanged_for=bob)
        assert broken() == {"exchange_astray": [(old.id, bob.id, None)]}

    @pytest.mark.parametrize("taken", [0, 0b0010, 0b1110])
    def test_bits_that_are_not_the_claims(self, claims, taken):
        stock = claims[0].stock_id
        SeatStock.objects.filter(id=stock).update(taken=taken)
        assert broken() == {"stock_differs": [(stock, taken, 0b0110)]}

    def test_the_last_of_63_segments_is_counted(self, claims):
        stock = claims[0].stock_id
        Claim.objects.filter(id=claims[0].id).update(first_segment=0, last_segment=62)
        SeatStock.objects.filter(id=stock).update(taken=2**63 - 1)
        assert "stock_differs" not in broken()
        SeatStock.objects.filter(id=stock).update(taken=2**62 - 1)
        assert broken()["stock_differs"] == [(stock, 2**62 - 1, 2**63 - 1)]


class TestWhatIsShown:
    def test_a_departure_whose_stock_nobody_would_read(self, held, train):
        Departure.objects.filter(id=train.departure.pk).update(stock_version=0)
        ((departure, version, _),) = broken()["stock_unread"]
        assert (departure, version) == (train.departure.pk, 0)

    def test_a_seat_that_is_not_in_the_stock(self, held, train):
        SeatStock.objects.filter(taken=0).order_by("id")[0].delete()
        assert broken() == {"stock_incomplete": [(train.departure.pk, 11, 12)]}

    def test_a_frozen_departure_without_any_stock(self, train, noon):
        Departure.objects.filter(id=train.departure.pk).update(frozen_at=noon)
        assert broken() == {"stock_incomplete": [(train.departure.pk, None, 12)]}

    def test_stock_in_another_class_than_its_seat(self, held, train):
        stock = SeatStock.objects.filter(taken=0, travel_class="Economy").order_by("id")[0]
        SeatStock.objects.filter(id=stock.id).update(travel_class="Business")
        assert broken() == {"stock_elsewhere": [(stock.id, train.departure.pk, stock.seat_id)]}

    def test_stock_of_another_vehicles_seat(self, held, train, flight):
        stock = SeatStock.objects.filter(taken=0, travel_class="Economy").order_by("id")[0]
        strange = Seat.objects.filter(coach__seat_map=flight.departure.vehicle.seat_map).first()
        SeatStock.objects.filter(id=stock.id).update(seat=strange)
        assert broken() == {"stock_elsewhere": [(stock.id, train.departure.pk, strange.pk)]}

    @pytest.mark.parametrize("known", [None, timedelta(seconds=1)])
    def test_a_hold_whose_end_the_departure_does_not_know(self, held, train, known):
        later = None if known is None else held.hold_until + known
        Departure.objects.filter(id=train.departure.pk).update(earliest_hold_end=later)
        ((departure, *_),) = broken()["hold_end_unknown"]
        assert departure == train.departure.pk


class TestStates:
    def test_paid_when_the_hold_had_ended(self, held):
        confirm(reservation_id=held.id, now=held.hold_until - HOLD, actor=SYSTEM)
        assert broken() == {}
        paid = ReservationEvent.objects.get(kind="paid")
        ReservationEvent.objects.filter(id=paid.id).update(at=held.hold_until)
        ((reservation, event, *_),) = broken()["paid_after_end"]
        assert (reservation, event) == (held.id, paid.id)

    def test_a_move_without_an_event(self, held):
        cancel(held, "paid")
        assert broken() == {"event_missing": [(held.id, "paid", "h")]}

    def test_a_reservation_without_any_event(self, held):
        ReservationEvent.objects.all().delete()
        assert broken() == {"event_missing": [(held.id, "held", None)]}

    def test_an_event_that_begins_where_nothing_ended(self, held, noon):
        confirm(reservation_id=held.id, now=noon, actor=SYSTEM)
        # It is told that the hold was extended when it had been paid already.
        wrong = ReservationEvent.objects.create(
            reservation_id=held.id,
            at=noon,
            kind="extended",
            from_state="held",
            to_state="held",
            actor_kind="holder",
        )
        found = broken()
        assert found["move_not_told"] == [(held.id, wrong.id, "h", "p")]
        assert set(found) == {"move_not_told", "event_missing"}

    def test_a_first_event_that_does_not_begin_with_nothing(self, held):
        first = ReservationEvent.objects.get()
        ReservationEvent.objects.filter(id=first.id).update(from_state="held")
        assert broken() == {"move_not_told": [(held.id, first.id, "h", None)]}

    @pytest.mark.parametrize(
        ("before", "after", "kind"),
        [
            ("", "paid", "paid"),
            ("cancelled", "held", "extended"),
            ("expired", "paid", "paid"),
            ("expired", "held", "extended"),
            ("paid", "held", "reserved"),
            ("paid", "expired", "expired"),
        ],
    )
    def test_a_move_off_the_graph(self, held, before, after, kind):
        event = ReservationEvent.objects.get()
        ReservationEvent.objects.filter(id=event.id).update(
            from_state=before, to_state=after, kind=kind
        )
        assert broken()["move_not_allowed"] == [(event.id, before, after)]

    def test_an_expired_hold_that_claims_again_is_on_the_graph(self, held):
        ReservationEvent.objects.update(from_state="expired", kind="reclaimed")
        assert "move_not_allowed" not in broken()


class TestKeys:
    def key(self, text: str, location: str, noon, **fields) -> IdempotencyKey:
        return IdempotencyKey.objects.create(
            **{
                "scope": "s",
                "method": "POST",
                "path": "/reservations/reserve",
                "key": text,
                "fingerprint": "f",
                "status": 201,
                "location": location,
                "created_at": noon,
                "finished_at": noon,
                **fields,
            }
        )

    def test_answers_that_tell_the_truth(self, held, noon):
        self.key("one", f"/reservations/{held.id}", noon)
        self.key("two", "/reports/1", noon)
        self.key("three", "", noon, status=409)
        assert broken() == {}

    def test_an_answer_about_nothing(self, held, noon):
        key = self.key("one", f"/reservations/{held.id + 1}", noon)
        assert broken() == {"key_without_effect": [(key.pk, f"/reservations/{held.id + 1}")]}

    def test_two_keys_and_one_reservation(self, held, noon):
        place = f"/reservations/{held.id}"
        self.key("one", place, noon)
        self.key("two", place, noon)
        assert broken() == {"effect_of_two_keys": [(place, 2)]}


class TestCommand:
    def test_says_of_each_fact_that_it_holds(self, held):
        out = StringIO()
        call_command("audit", stdout=out)
        assert [line[:5] for line in out.getvalue().splitlines()] == ["holds"] * len(audit.FACTS)

    def test_names_the_rows_and_fails(self, held):
        cancel(held, "paid")
        out = StringIO()
        with pytest.raises(SystemExit) as stopped:
            call_command("audit", stdout=out)
        assert stopped.value.code == 1
        assert f"{held.id}, paid, h" in out.getvalue()


@pytest.mark.django_db(transaction=True)
class TestSeveralAtOnce:
    def test_find_what_one_finds(self, held):
        cancel(held, "paid")
        found = audit.findings(SEATS_AND_STATES, jobs=3)
        assert [one.fact.code for one in found] == ["event_missing"]

    @pytest.mark.mariadb
    def test_the_session_is_left_as_it_was(self, held):
        with connection.cursor() as cursor:
            cursor.execute("SELECT @@sort_buffer_size, @@tmp_table_size, @@max_heap_table_size")
            before = cursor.fetchone()
        audit.findings()
        with connection.cursor() as cursor:
            cursor.execute("SELECT @@sort_buffer_size, @@tmp_table_size, @@max_heap_table_size")
            assert cursor.fetchone() == before
