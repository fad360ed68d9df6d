"""Paying: what settles a reservation, what does not, and what comes back by itself."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from accounts.models import User
from accounts.viewers import Viewer
from bookings import services as booking
from bookings.engine.contract import Actor
from bookings.errors import AlreadyCancelled, AlreadyPaid, HoldExpired
from bookings.models import Reservation, ReservationEvent
from payments import selectors, services
from payments.errors import InsufficientFunds, PaymentDeclined, UnknownPaymentMethod
from payments.gateways.contract import Answer, GatewayReply, Order
from payments.gateways.sandbox import SandboxGateway
from payments.models import Account, Payment, Refund, SandboxCharge
from payments.tasks import settle_due
from tests.conftest import Clock
from travel.common.errors import NotFound, RequestInProgress
from travel.common.models import OutboxMessage
from travel.common.money import Money

from .conftest import Hold


def pay(viewer: Viewer, reservation_id: int, now: datetime, **details: object) -> services.Paid:
    return services.pay(
        viewer=viewer,
        reservation_id=reservation_id,
        now=now,
        **{"method": "Bank Card", "token": None, **details},
    )


def balances() -> dict[str, int]:
    return dict(Account.objects.exclude(balance_minor=0).values_list("code", "balance_minor"))


def state_of(reservation_id: int) -> str:
    return Reservation.objects.values_list("state", flat=True).get(id=reservation_id)


class TestPayFromWallet:
    def test_moves_the_price_to_the_carrier(
        self, hold: Hold, me: Viewer, wallet: Money, noon: datetime
    ) -> None:
        reservation = hold(2)

        paid = pay(me, reservation.id, noon, method="Wallet")

        carrier = reservation.tickets[reservation.coupons[0].ticket_id].service.carrier_id
        assert paid.is_captured
        assert state_of(reservation.id) == "paid"
        assert balances() == {
            "equity:EUR": -50_000,
            f"wallet:{me.user_id}:EUR": 41_000,
            f"carrier:{carrier}:EUR": 9_000,
        }

    def test_refuses_more_than_the_wallet_holds(
        self, hold: Hold, me: Viewer, traveller: User, noon: datetime
    ) -> None:
        services.open_with(user_id=traveller.pk, amount=Money(4_499, "EUR"), now=noon)
        reservation = hold(1)

        with pytest.raises(InsufficientFunds):
            pay(me, reservation.id, noon, method="Wallet")

        assert state_of(reservation.id) == "held"
        assert Payment.objects.count() == 0
        assert selectors.balance(traveller.pk, "EUR") == Money(4_499, "EUR")

    def test_the_last_cent_is_enough(
        self, hold: Hold, me: Viewer, traveller: User, noon: datetime
    ) -> None:
        services.open_with(user_id=traveller.pk, amount=Money(4_500, "EUR"), now=noon)

        pay(me, hold(1).id, noon, method="Wallet")

        assert selectors.balance(traveller.pk, "EUR") == Money(0, "EUR")

    def test_refuses_to_pay_twice(self, paid: Hold, me: Viewer, noon: datetime) -> None:
        reservation = paid(1)

        with pytest.raises(AlreadyPaid):
            pay(me, reservation.id, noon, method="Wallet")

        assert Payment.objects.count() == 1
        assert selectors.balance(me.user_id or 0, "EUR") == Money(45_500, "EUR")

    def test_a_hold_ends_at_its_second(
        self, hold: Hold, me: Viewer, wallet: Money, noon: datetime
    ) -> None:
        first, second = hold(1), hold(1)

        pay(
            me,
            first.id,
            noon + timedelta(minutes=10) - timedelta(microseconds=1),
            method="Wallet",
        )
        with pytest.raises(HoldExpired):
            pay(me, second.id, noon + timedelta(minutes=10), method="Wallet")

        assert (state_of(first.id), state_of(second.id)) == ("paid", "held")

    def test_a_strangers_reservation_is_not_there(
        self, hold: Hold, stranger: User, noon: datetime
    ) -> None:
        with pytest.raises(NotFound):
            pay(Viewer(user_id=stranger.pk), hold(1).id, noon, method="Wallet")

    def test_a_released_hold_cannot_be_paid(
        self, hold: Hold, me: Viewer, wallet: Money, noon: datetime
    ) -> None:
        reservation = hold(1)
        booking.release(
            viewer=me,
            reservation_id=reservation.id,
            now=noon,
            actor=Actor("holder", me.user_id),
        )

        with pytest.raises(AlreadyCancelled):
            pay(me, reservation.id, noon, method="Wallet")


class TestPayByCard:
    def test_an_accepted_card_settles(self, hold: Hold, me: Viewer, noon: datetime) -> None:
        reservation = hold(1)

        paid = pay(me, reservation.id, noon, token="tok_accepted")

        assert paid.is_captured
        assert state_of(reservation.id) == "paid"
        assert balances()["gateway:sandbox:EUR"] == -4_500

    @pytest.mark.parametrize("token", ["tok_declined", "tok_insufficient", "tok_nonsense"])
    def test_a_declined_card_leaves_the_hold(
        self, hold: Hold, me: Viewer, noon: datetime, token: str
    ) -> None:
        reservation = hold(1)

        with pytest.raises(PaymentDeclined):
            pay(me, reservation.id, noon, token=token)

        assert state_of(reservation.id) == "held"
        assert Payment.objects.get().state == "failed"
        assert balances() == {}

    def test_another_card_may_be_tried_after_a_declined_one(
        self, hold: Hold, me: Viewer, noon: datetime
    ) -> None:
        reservation = hold(1)
        with pytest.raises(PaymentDeclined):
            pay(me, reservation.id, noon, token="tok_declined")

        assert pay(me, reservation.id, noon, token="tok_accepted").is_captured

    def test_an_unknown_method_is_refused(self, hold: Hold, me: Viewer, noon: datetime) -> None:
        with pytest.raises(UnknownPaymentMethod):
            pay(me, hold(1).id, noon, method="Cheque")

        assert Payment.objects.count() == 0

    def test_an_attempt_gives_the_hold_five_minutes_once(
        self, hold: Hold, me: Viewer, noon: datetime
    ) -> None:
        reservation = hold(1)
        late = noon + timedelta(minutes=8)

        pay(me, reservation.id, late, token="tok_3ds")
        again = late + timedelta(minutes=4)
        pay(me, reservation.id, again, token="tok_3ds")

        # 12:08 + 5 minutes; the second attempt does not lengthen it again.
        assert Reservation.objects.get().hold_until == noon + timedelta(minutes=13)

    def test_a_second_attempt_waits_for_one_in_flight(
        self, hold: Hold, me: Viewer, noon: datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        reservation = hold(1)
        seen: list[type[Exception]] = []

        def slow(self: object, order: Order, *, now: datetime) -> GatewayReply:
            try:
                pay(me, reservation.id, noon, token="tok_accepted")
            except RequestInProgress as error:
                seen.append(type(error))
            return GatewayReply(Answer.UNKNOWN)

        monkeypatch.setattr(SandboxGateway, "start", slow)
        paid = pay(me, reservation.id, noon)

        assert seen == [RequestInProgress]
        assert paid.state == "started"


class TestThreeDSecure:
    def test_consent_settles(self, hold: Hold, me: Viewer, noon: datetime) -> None:
        reservation = hold(1)
        paid = pay(me, reservation.id, noon, token="tok_3ds")
        assert (paid.state, state_of(reservation.id)) == ("pending", "held")
        assert paid.redirect_url.endswith(f"/pay/sandbox/payment-{paid.payment_id}/")

        services.answer_sandbox(
            viewer=me, key=f"payment-{paid.payment_id}", accepted=True, now=noon
        )

        assert state_of(reservation.id) == "paid"

    def test_refusal_leaves_the_hold(self, hold: Hold, me: Viewer, noon: datetime) -> None:
        reservation = hold(1)
        paid = pay(me, reservation.id, noon, token="tok_3ds")

        services.answer_sandbox(
            viewer=me, key=f"payment-{paid.payment_id}", accepted=False, now=noon
        )

        assert state_of(reservation.id) == "held"
        assert Payment.objects.get().failure == "refused_by_payer"

    def test_a_stranger_cannot_answer_for_the_payer(
        self, hold: Hold, me: Viewer, stranger: User, noon: datetime
    ) -> None:
        paid = pay(me, hold(1).id, noon, token="tok_3ds")

        with pytest.raises(NotFound):
            services.answer_sandbox(
                viewer=Viewer(user_id=stranger.pk),
                key=f"payment-{paid.payment_id}",
                accepted=True,
                now=noon,
            )

        assert SandboxCharge.objects.get().state == "waiting"

    def test_consent_after_the_hold_ended_has_the_seats_that_are_still_free(
        self, hold: Hold, me: Viewer, noon: datetime, clock: Clock
    ) -> None:
        reservation = hold(1)
        paid = pay(me, reservation.id, noon, token="tok_3ds")
        late = clock.advance(minutes=10)
        booking.expire_holds(now=late)

        services.answer_sandbox(
            viewer=me, key=f"payment-{paid.payment_id}", accepted=True, now=late
        )

        assert state_of(reservation.id) == "paid"
        assert balances()["gateway:sandbox:EUR"] == -4_500
        assert Refund.objects.count() == 0

    def test_consent_after_the_seats_were_sold_is_given_back(
        self, hold: Hold, me: Viewer, noon: datetime, clock: Clock
    ) -> None:
        reservation = hold(1)
        paid = pay(me, reservation.id, noon, token="tok_3ds")
        late = clock.advance(minutes=10)
        booking.expire_holds(now=late)
        # Eight seats of the class: the one that was held is among them.
        hold(8, now=late)

        services.answer_sandbox(
            viewer=me, key=f"payment-{paid.payment_id}", accepted=True, now=late
        )

        assert state_of(reservation.id) == "expired"
        assert balances() == {"gateway:sandbox:EUR": -4_500, "returns:EUR": 4_500}
        settle_due()
        assert balances() == {}
        assert Refund.objects.get().state == "done"
        assert SandboxCharge.objects.get().refunded_minor == 4_500
        messages = OutboxMessage.objects.filter(kind="payments.money_back")
        assert [message.recipient for message in messages] == ["ada@example.org"]

    def test_consent_after_paying_otherwise_is_given_back(
        self, hold: Hold, me: Viewer, wallet: Money, noon: datetime
    ) -> None:
        reservation = hold(1)
        card = pay(me, reservation.id, noon, token="tok_3ds")
        pay(me, reservation.id, noon + timedelta(seconds=20), method="Wallet")

        services.answer_sandbox(
            viewer=me, key=f"payment-{card.payment_id}", accepted=True, now=noon
        )
        settle_due()

        assert Refund.objects.get().cause == "double_capture"
        assert balances().get("gateway:sandbox:EUR", 0) == 0
        assert state_of(reservation.id) == "paid"


class TestReconciling:
    def test_an_answer_that_was_lost_is_asked_for(
        self,
        hold: Hold,
        me: Viewer,
        noon: datetime,
        clock: Clock,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        reservation = hold(1)
        start = SandboxGateway.start

        def lost(self: SandboxGateway, order: Order, *, now: datetime) -> GatewayReply:
            start(self, order, now=now)
            raise ConnectionError("the answer was lost on the way")

        with monkeypatch.context() as patch:
            patch.setattr(SandboxGateway, "start", lost)
            assert pay(me, reservation.id, noon).state == "started"
        assert state_of(reservation.id) == "held"

        clock.advance(seconds=31)
        settle_due()

        assert state_of(reservation.id) == "paid"
        assert SandboxCharge.objects.count() == 1

    def test_a_charge_that_never_arrived_is_given_up(
        self,
        hold: Hold,
        me: Viewer,
        noon: datetime,
        clock: Clock,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        reservation = hold(1)

        def unreachable(self: object, order: Order, *, now: datetime) -> GatewayReply:
            raise ConnectionError("nobody answers")

        with monkeypatch.context() as patch:
            patch.setattr(SandboxGateway, "start", unreachable)
            assert pay(me, reservation.id, noon).state == "started"

        clock.advance(minutes=5)
        settle_due()
        payment = Payment.objects.get()
        assert (payment.state, payment.failure) == ("voided", "never_arrived")
        assert payment.check_at is not None
        clock.advance(minutes=6)
        settle_due()
        assert Payment.objects.get().check_at is None

    def test_the_story_tells_of_each_attempt(self, hold: Hold, me: Viewer, noon: datetime) -> None:
        reservation = hold(1)
        with pytest.raises(PaymentDeclined):
            pay(me, reservation.id, noon, token="tok_declined")
        pay(me, reservation.id, noon)

        kinds = list(
            ReservationEvent.objects.order_by("id").values_list("kind", "from_state", "to_state")
        )
        assert kinds == [
            ("reserved", "", "held"),
            ("paying", "held", "held"),
            ("payment_failed", "held", "held"),
            ("paying", "held", "held"),
            ("paid", "held", "paid"),
        ]
