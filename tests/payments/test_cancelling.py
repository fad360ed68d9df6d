"""Cancelling: the quote, exactly that, and where the money goes."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.core import signing

from accounts.models import User
from accounts.viewers import Viewer
from bookings import services as booking
from bookings.engine.contract import Actor
from bookings.errors import AlreadyCancelled, HoldExpired, NotCancellable
from bookings.models import Claim, Coupon, Reservation, SeatStock
from bookings.selectors import ReservationDetail
from inventory.models import Call, Departure, FareVersion
from payments import selectors, services
from payments.errors import QuoteExpired
from payments.models import Account, Cancellation, Payment, Refund
from payments.services.cancelling import Cancelled
from payments.tasks import settle_due
from tests import factories, selling
from tests.conftest import Clock
from travel.common.errors import InvalidInput, NotFound
from travel.common.money import Money

from .conftest import Hold


def cancel(viewer: Viewer, reservation: ReservationDetail, now: datetime, **details) -> Cancelled:
    return services.cancel_and_refund(
        viewer=viewer,
        reservation_id=reservation.id,
        actor=Actor("holder", viewer.user_id),
        now=now,
        **details,
    )


def quote(viewer: Viewer, reservation: ReservationDetail, now: datetime, **details):
    return services.quote_cancellation(
        viewer=viewer, reservation_id=reservation.id, now=now, **details
    )


def wallet_of(viewer: Viewer) -> int:
    return selectors.balance(viewer.user_id or 0, "EUR").minor


@pytest.fixture
def morning(noon: datetime) -> datetime:
    """More than a day before the train leaves at 2 June, 06:00 UTC."""
    return noon - timedelta(hours=12)


class TestQuote:
    def test_tells_penalty_and_refund_by_the_time_left(
        self, paid: Hold, me: Viewer, noon: datetime, morning: datetime
    ) -> None:
        reservation = paid(2)

        early = quote(me, reservation, morning)
        late = quote(me, reservation, noon)

        # 2 x 45.00: 10 % until a day before, then 50 %.
        assert (early.penalty.minor, early.refund.minor, early.percentage) == (900, 8_100, 10.0)
        assert (late.penalty.minor, late.refund.minor, late.percentage) == (4_500, 4_500, 50.0)

    def test_holds_for_ten_minutes_or_until_the_next_tier(
        self, paid: Hold, me: Viewer, noon: datetime
    ) -> None:
        reservation = paid(1)
        tier_ends = datetime.fromisoformat("2026-06-01T06:00:00+00:00")

        assert quote(me, reservation, noon).valid_until == noon + timedelta(minutes=10)
        near = tier_ends - timedelta(minutes=4)
        assert quote(me, reservation, near).valid_until == tier_ends

    def test_changes_nothing(self, paid: Hold, me: Viewer, noon: datetime) -> None:
        reservation = paid(1)

        quote(me, reservation, noon)

        assert Cancellation.objects.count() == 0
        assert Reservation.objects.get().state == "paid"

    def test_of_a_hold_is_free(self, hold: Hold, me: Viewer, noon: datetime) -> None:
        found = quote(me, hold(2), noon)

        assert (found.penalty.minor, found.refund.minor, found.percentage) == (0, 0, 0.0)

    def test_of_a_strangers_reservation_is_not_there(
        self, paid: Hold, stranger: User, noon: datetime
    ) -> None:
        with pytest.raises(NotFound):
            quote(Viewer(user_id=stranger.pk), paid(1), noon)


class TestCancelTheWhole:
    def test_frees_the_seats_and_pays_back(self, paid: Hold, me: Viewer, noon: datetime) -> None:
        reservation = paid(2)

        done = cancel(me, reservation, noon)

        assert (done.penalty.minor, done.refund.minor) == (4_500, 4_500)
        assert (done.reservation.status, done.refund_state) == ("Cancelled", "done")
        assert wallet_of(me) == 50_000 - 9_000 + 4_500
        assert Claim.objects.count() == 0
        assert set(SeatStock.objects.values_list("taken", flat=True)) == {0}
        carrier = reservation.tickets[reservation.coupons[0].ticket_id].service.carrier_id
        assert Account.objects.get(code=f"penalty:{carrier}:EUR").balance_minor == 4_500
        assert Account.objects.get(code=f"carrier:{carrier}:EUR").balance_minor == 0

    def test_a_card_is_refunded_by_the_provider(
        self, hold: Hold, me: Viewer, noon: datetime, clock: Clock
    ) -> None:
        reservation = hold(1)
        services.pay(
            viewer=me, reservation_id=reservation.id, method="Bank Card", token=None, now=noon
        )

        done = cancel(me, reservation, noon)
        assert (done.refund_state, Refund.objects.get().state) == ("queued", "queued")
        settle_due()

        assert Refund.objects.get().state == "done"
        assert Account.objects.get(code="gateway:sandbox:EUR").balance_minor == -2_250

    def test_twice_is_refused(self, paid: Hold, me: Viewer, noon: datetime) -> None:
        reservation = paid(1)
        cancel(me, reservation, noon)

        with pytest.raises(AlreadyCancelled):
            cancel(me, reservation, noon)

        assert Refund.objects.count() == 1
        assert wallet_of(me) == 47_750

    def test_after_departure_is_refused(self, paid: Hold, me: Viewer) -> None:
        reservation = paid(1)

        with pytest.raises(NotCancellable):
            cancel(me, reservation, datetime.fromisoformat("2026-06-02T06:00:00+00:00"))

        assert Reservation.objects.get().state == "paid"

    def test_too_late_for_any_tier_pays_nothing_back(self, paid: Hold, me: Viewer) -> None:
        reservation = paid(1)

        done = cancel(me, reservation, datetime.fromisoformat("2026-06-02T05:30:00+00:00"))

        assert (done.penalty.minor, done.refund.minor, done.refund_state) == (4_500, 0, "")
        assert Refund.objects.count() == 0
        assert wallet_of(me) == 45_500

    def test_counts_from_the_own_call_when_the_train_is_late(
        self, paid: Hold, me: Viewer, train: factories.Trip
    ) -> None:
        reservation = paid(1)
        Call.objects.filter(id=train.calls[0].id).update(
            expected_departs_at=datetime.fromisoformat("2026-06-02T06:45:00+00:00")
        )

        # 05:30 is half an hour before the plan, but one and a quarter before it really leaves; and
        # 45 minutes are too few for the whole price.
        done = cancel(me, reservation, datetime.fromisoformat("2026-06-02T05:30:00+00:00"))

        assert done.refund.minor == 2_250

    def test_what_the_carrier_cancelled_is_paid_back_in_full(
        self, paid: Hold, me: Viewer, train: factories.Trip
    ) -> None:
        reservation = paid(1)
        Departure.objects.filter(id=train.departure.id).update(state="cancelled")

        done = cancel(me, reservation, datetime.fromisoformat("2026-06-03T06:00:00+00:00"))

        assert (done.penalty.minor, done.refund.minor) == (0, 4_500)


class TestCancelAPart:
    def test_one_passenger_leaves_and_the_others_travel(
        self, paid: Hold, me: Viewer, noon: datetime
    ) -> None:
        reservation = paid(3)

        done = cancel(me, reservation, noon, passenger_ids=[reservation.passengers[1].id])

        assert done.reservation.status == "Paid"
        assert done.refund.minor == 2_250
        states = [coupon.state for coupon in done.reservation.coupons]
        assert states == ["open", "cancelled", "open"]
        assert Claim.objects.count() == 2

    def test_all_passengers_one_by_one_cancel_the_reservation(
        self, paid: Hold, me: Viewer, noon: datetime
    ) -> None:
        reservation = paid(2)

        cancel(me, reservation, noon, passenger_ids=[reservation.passengers[0].id])
        done = cancel(me, reservation, noon, passenger_ids=[reservation.passengers[1].id])

        assert done.reservation.status == "Cancelled"
        assert wallet_of(me) == 50_000 - 9_000 + 2 * 2_250

    def test_an_infant_leaves_with_its_adult(self, paid: Hold, me: Viewer, noon: datetime) -> None:
        reservation = paid(2, infants=1)
        adult = reservation.passengers[0]
        assert reservation.passengers[2].accompanied_by == adult.position

        done = cancel(me, reservation, noon, passenger_ids=[adult.id])

        assert [coupon.state for coupon in done.reservation.coupons] == [
            "cancelled",
            "open",
            "cancelled",
        ]

    def test_a_stranger_to_the_reservation_is_refused(
        self, paid: Hold, me: Viewer, noon: datetime
    ) -> None:
        reservation = paid(1)

        with pytest.raises(InvalidInput):
            cancel(me, reservation, noon, passenger_ids=[reservation.passengers[0].id + 99])

        assert Coupon.objects.get().state == "open"

    def test_a_part_of_a_hold_is_refused(self, hold: Hold, me: Viewer, noon: datetime) -> None:
        reservation = hold(2)

        with pytest.raises(InvalidInput):
            cancel(me, reservation, noon, passenger_ids=[reservation.passengers[0].id])

        assert Reservation.objects.get().state == "held"


class TestQuoteID:
    def test_exactly_the_quote_is_done(self, paid: Hold, me: Viewer, noon: datetime) -> None:
        reservation = paid(1)
        promised = quote(me, reservation, noon)

        done = cancel(me, reservation, noon + timedelta(minutes=9), quote_id=promised.id)

        assert done.refund == promised.refund

    def test_a_quote_ends(self, paid: Hold, me: Viewer, noon: datetime) -> None:
        reservation = paid(1)
        promised = quote(me, reservation, noon)

        with pytest.raises(QuoteExpired):
            cancel(me, reservation, noon + timedelta(minutes=10), quote_id=promised.id)

        assert Reservation.objects.get().state == "paid"

    def test_a_quote_for_less_is_not_a_quote_for_all(
        self, paid: Hold, me: Viewer, noon: datetime
    ) -> None:
        reservation = paid(2)
        part = quote(me, reservation, noon, passenger_ids=[reservation.passengers[0].id])

        with pytest.raises(QuoteExpired):
            cancel(me, reservation, noon, quote_id=part.id)

    @pytest.mark.parametrize("forged", ["", "x", "a:b:c", "ā" * 10])
    def test_a_forged_quote_is_refused(
        self, paid: Hold, me: Viewer, noon: datetime, forged: str
    ) -> None:
        with pytest.raises(InvalidInput):
            cancel(me, paid(1), noon, quote_id=forged)

    def test_a_changed_delay_ends_a_quote(
        self, paid: Hold, me: Viewer, train: factories.Trip
    ) -> None:
        reservation = paid(1)
        before_tier = datetime.fromisoformat("2026-06-01T06:01:00+00:00")
        promised = quote(me, reservation, before_tier)
        Call.objects.filter(id=train.calls[0].id).update(
            expected_departs_at=datetime.fromisoformat("2026-06-02T08:00:00+00:00")
        )

        with pytest.raises(QuoteExpired):
            cancel(me, reservation, before_tier, quote_id=promised.id)


class TestRelease:
    def test_a_hold_is_given_up_for_nothing(
        self, hold: Hold, me: Viewer, wallet: Money, noon: datetime
    ) -> None:
        done = cancel(me, hold(2), noon)

        assert (done.reservation.status, done.refund.minor) == ("Cancelled", 0)
        assert Claim.objects.count() == 0
        assert Payment.objects.count() == 0

    def test_an_expired_hold_is_no_longer_there_to_release(
        self, hold: Hold, me: Viewer, noon: datetime
    ) -> None:
        reservation = hold(1)

        with pytest.raises(HoldExpired):
            cancel(me, reservation, noon + timedelta(minutes=10))


class TestBadInput:
    """Nothing moves, whatever is asked for."""

    @pytest.mark.parametrize("field", ["passenger_ids", "ticket_ids"])
    @pytest.mark.parametrize("wrong", [0, -1, 999_999, 2**53, 10**30])
    def test_strangers_to_the_reservation(
        self, paid: Hold, me: Viewer, noon: datetime, field: str, wrong: int
    ) -> None:
        reservation = paid(1)
        before = selling.everything()

        with pytest.raises(InvalidInput):
            cancel(me, reservation, noon, **{field: [wrong]})

        assert selling.everything() == before

    @pytest.mark.parametrize("wrong", [0, -1, 999_999, 2**53, 10**30])
    def test_reservations_that_are_not_there(self, me: Viewer, noon: datetime, wrong: int) -> None:
        with pytest.raises(NotFound):
            services.cancel_and_refund(
                viewer=me, reservation_id=wrong, actor=Actor("holder", me.user_id), now=noon
            )

    def test_somebody_else_s(self, paid: Hold, stranger: User, noon: datetime) -> None:
        reservation = paid(1)
        before = selling.everything()

        with pytest.raises(NotFound):
            cancel(Viewer(user_id=stranger.pk), reservation, noon)

        assert selling.everything() == before

    def test_a_passenger_without_the_chosen_ticket(
        self, paid: Hold, me: Viewer, noon: datetime
    ) -> None:
        """Passengers and tickets of one reservation that do not meet are nothing to cancel."""
        reservation = paid(2)
        cancel(me, reservation, noon, passenger_ids=[reservation.passengers[0].id])

        with pytest.raises(AlreadyCancelled):
            cancel(me, reservation, noon, passenger_ids=[reservation.passengers[0].id])

        assert Refund.objects.count() == 1

    @pytest.mark.parametrize("field", ["reservation", "coupons", "until"])
    def test_a_quote_that_was_changed(
        self, paid: Hold, me: Viewer, noon: datetime, field: str
    ) -> None:
        reservation = paid(1)
        promised = quote(me, reservation, noon).id
        body = signing.loads(promised, salt="payments.quote")
        body[field] = {"reservation": 1, "coupons": [[1, 0, 4_500]], "until": "2030-01-01"}[field]
        # Whoever has no key signs with another one.
        forged = signing.dumps(body, key="guessed", salt="payments.quote", compress=True)

        with pytest.raises(InvalidInput):
            cancel(me, reservation, noon, quote_id=forged)

        assert Reservation.objects.get().state == "paid"


class TestRoundTrip:
    @pytest.fixture
    def both(
        self, traveller: User, me: Viewer, wallet: Money, train: factories.Trip, noon: datetime
    ) -> ReservationDetail:
        """The train to Munich on Tuesday and back on Thursday, 10 % less for the round trip."""
        FareVersion.objects.update(return_discount_basis_points=1_000)
        stations = [call.station for call in train.calls]
        back = factories.make_trip(
            train.departure.service,
            train.departure.vehicle,
            starts_at=datetime.fromisoformat("2026-06-04T06:00:00+00:00"),
            stops=[factories.Stop(stations[-1], 0), factories.Stop(stations[0], 330, 800)],
        )
        reservation = booking.reserve(
            holder=booking.Holder(user_id=traveller.pk, email="ada@example.org"),
            ticket_ids=[train.ticket_id(), back.ticket_id()],
            passengers=[booking.PassengerDetails("Ada", "Lovelace", "adult")],
            round_trip=True,
            now=noon,
        ).reservation
        services.pay(
            viewer=me, reservation_id=reservation.id, method="Wallet", token=None, now=noon
        )
        return reservation

    def test_the_rest_keeps_its_price(
        self, both: ReservationDetail, me: Viewer, noon: datetime
    ) -> None:
        out, back = both.coupons
        assert (out.price.minor, back.price.minor) == (4_050, 4_050)

        done = cancel(me, both, noon, ticket_ids=[out.ticket_id])

        # Half of 40.50, 18 hours before; the way back is still a part of a round trip.
        assert (done.penalty.minor, done.refund.minor) == (2_025, 2_025)
        assert [one.price.minor for one in done.reservation.coupons] == [4_050, 4_050]
        assert [one.state for one in done.reservation.coupons] == ["cancelled", "open"]

    def test_unused_after_the_way_out_it_refunds_its_own(
        self, both: ReservationDetail, me: Viewer
    ) -> None:
        out = both.coupons[0]
        Coupon.objects.filter(id=out.id).update(state="used")
        tuesday_noon = datetime.fromisoformat("2026-06-02T12:00:00+00:00")

        whole = cancel(me, both, tuesday_noon)

        # 42 hours before the way back, by its own tier: 10 % of 40.50.
        assert (whole.penalty.minor, whole.refund.minor) == (405, 3_645)
        assert whole.reservation.status == "Paid"
        assert [one.state for one in whole.reservation.coupons] == ["used", "cancelled"]

    def test_a_way_out_that_has_left_is_not_chosen(
        self, both: ReservationDetail, me: Viewer
    ) -> None:
        tuesday_noon = datetime.fromisoformat("2026-06-02T12:00:00+00:00")
        with pytest.raises(NotCancellable):
            cancel(me, both, tuesday_noon, ticket_ids=[one.ticket_id for one in both.coupons])

        assert cancel(me, both, tuesday_noon).refund.minor == 3_645

    def test_today_s_price_does_not_count(
        self, both: ReservationDetail, me: Viewer, noon: datetime
    ) -> None:
        promised = quote(me, both, noon)
        FareVersion.objects.update(base_minor=99_999, return_discount_basis_points=0)

        done = cancel(me, both, noon, quote_id=promised.id)

        assert (done.refund, done.penalty) == (promised.refund, promised.penalty)


def test_a_used_coupon_refunds_nothing(paid: Hold, me: Viewer, noon: datetime) -> None:
    reservation = paid(1)
    Coupon.objects.update(state="used")

    with pytest.raises(NotCancellable):
        cancel(me, reservation, noon)


def test_a_way_back_is_cancelled_by_its_own_tiers(
    traveller: User, me: Viewer, wallet: Money, timetable: factories.Timetable, noon: datetime
) -> None:
    # The coach back to back with the train: 32.00 EUR, its own carrier and tiers.
    reservation = booking.reserve(
        holder=booking.Holder(user_id=traveller.pk, email="ada@example.org"),
        ticket_ids=[timetable.train.ticket_id(), timetable.coach.ticket_id()],
        passengers=[booking.PassengerDetails("Ada", "Lovelace", "adult")],
        now=noon,
    ).reservation
    services.pay(viewer=me, reservation_id=reservation.id, method="Wallet", token=None, now=noon)
    assert wallet_of(me) == 50_000 - 4_500 - 3_200

    done = cancel(me, reservation, noon, ticket_ids=[timetable.coach.ticket_id()])

    # The coach leaves at 20:00 UTC the next day: 32 hours ahead, 10 % are kept.
    assert (done.penalty.minor, done.refund.minor) == (320, 2_880)
    assert done.reservation.status == "Paid"
