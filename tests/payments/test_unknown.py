"""What nobody knows yet: lost answers, providers out of order, attempts that were given up."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import transaction

from accounts.models import User
from accounts.viewers import Viewer
from bookings import services as booking
from bookings.errors import AlreadyPaid
from bookings.models import Reservation
from payments import gateways, services
from payments.errors import NothingToBelieve, PaymentDeclined
from payments.gateways.careful import TransactionOpen
from payments.gateways.contract import Answer, GatewayReply, Order
from payments.gateways.sandbox import SandboxGateway
from payments.models import Account, MoneyAlarm, Payment, Refund, SandboxCharge, TopUp
from payments.tasks import hear_webhooks, settle_due
from tests.conftest import Clock
from travel.common.errors import InvalidInput, RequestInProgress
from travel.common.money import Money

from .conftest import Hold

Pay = Callable[..., services.Paid]


@pytest.fixture
def pay(me: Viewer, clock: Clock) -> Pay:
    """Pay by bank card, or otherwise, at the clock's time."""

    def act(reservation: Any, token: str = "tok_accepted", **details: Any) -> services.Paid:
        asked = {"method": "Bank Card", "token": token, "now": clock.now()} | details
        return services.pay(viewer=me, reservation_id=reservation.id, **asked)

    return act


def status_of(reservation: Any) -> str:
    return Reservation.objects.values_list("state", flat=True).get(id=reservation.id)


def paid_at(paid: services.Paid) -> datetime:
    return Payment.objects.get(id=paid.payment_id).created_at


def run_for(clock: Clock, **span: float) -> None:
    """Let time pass in steps of a worker that looks every quarter of a minute."""
    ends = clock.now() + timedelta(**span)
    while clock.now() < ends:
        clock.advance(seconds=15)
        settle_due()


class TestChargedButSilent:
    """B15 and B16: the money is taken, the answer is lost, and no webhook ever comes."""

    def test_is_final_within_fifteen_minutes_and_charged_once(
        self, hold: Hold, pay: Pay, clock: Clock
    ) -> None:
        reservation = hold(1)
        assert pay(reservation, "tok_timeout").state == "started"

        run_for(clock, minutes=1)

        assert status_of(reservation) == "paid"
        assert SandboxCharge.objects.count() == 1

    def test_a_second_attempt_at_once_is_in_progress(self, hold: Hold, pay: Pay) -> None:
        reservation = hold(1)
        pay(reservation, "tok_timeout")

        with pytest.raises(RequestInProgress):
            pay(reservation)

        assert SandboxCharge.objects.count() == 1

    def test_a_second_attempt_later_asks_about_the_first(
        self, hold: Hold, pay: Pay, clock: Clock
    ) -> None:
        reservation = hold(1)
        pay(reservation, "tok_timeout")
        clock.advance(seconds=16)

        with pytest.raises(AlreadyPaid):
            pay(reservation)

        assert (SandboxCharge.objects.count(), Payment.objects.count()) == (1, 1)

    @pytest.mark.parametrize("method", ["Bank Card", "Cryptocurrency", "Wallet"])
    def test_nobody_is_charged_again_while_the_provider_is_silent(
        self,
        hold: Hold,
        pay: Pay,
        wallet: Money,
        clock: Clock,
        monkeypatch: pytest.MonkeyPatch,
        method: str,
    ) -> None:
        reservation = hold(1)
        pay(reservation, "tok_timeout")
        clock.advance(seconds=60)

        def hangs(self: object, **details: object) -> GatewayReply:
            raise TimeoutError("ten seconds have passed")

        with monkeypatch.context() as patch:
            patch.setattr(SandboxGateway, "find", hangs)
            with pytest.raises(RequestInProgress):
                pay(reservation, method=method)
            settle_due()

        assert (SandboxCharge.objects.count(), Payment.objects.count()) == (1, 1)
        assert Payment.objects.get().state == "started"


class TestOutOfOrder:
    def test_what_never_arrived_may_be_tried_again(
        self, hold: Hold, pay: Pay, clock: Clock
    ) -> None:
        reservation = hold(1)
        assert pay(reservation, "tok_error").state == "started"
        clock.advance(seconds=16)

        assert pay(reservation).is_captured

        first, second = Payment.objects.order_by("id")
        assert (first.state, first.failure) == ("voided", "never_arrived")
        assert second.state == "captured"

    def test_after_a_minute_the_wallet_may_pay_instead(
        self, hold: Hold, pay: Pay, wallet: Money, clock: Clock
    ) -> None:
        reservation = hold(1)
        pay(reservation, "tok_error")
        with pytest.raises(RequestInProgress):
            pay(reservation, method="Wallet", token=None)

        run_for(clock, minutes=2)

        assert pay(reservation, method="Wallet", token=None).is_captured

    def test_and_if_it_arrives_after_all_it_goes_back(
        self, hold: Hold, pay: Pay, clock: Clock
    ) -> None:
        reservation = hold(1)
        pay(reservation, "tok_error")
        clock.advance(seconds=16)
        pay(reservation)
        # The first request was stuck somewhere, and is charged now.
        order = Order(
            key=Payment.objects.order_by("id")[0].gateway_reference or "",
            amount=Money(4_500, "EUR"),
            token="tok_accepted",
            purpose="",
            booking=reservation.locator,
            return_url="",
            expires_at=clock.now() + timedelta(minutes=30),
        )
        SandboxGateway().start(order, now=clock.now())

        run_for(clock, minutes=3)

        refund = Refund.objects.get()
        assert (refund.cause, refund.state) == ("double_capture", "done")
        assert [one.kind for one in MoneyAlarm.objects.all()] == ["paid_twice"]
        assert status_of(reservation) == "paid"

    def test_a_top_up_that_never_arrived_fails(
        self, me: Viewer, noon: datetime, clock: Clock
    ) -> None:
        services.top_up(
            user_id=me.user_id or 0, amount=Money(2_000, "EUR"), token="tok_error", now=noon
        )

        run_for(clock, minutes=12)

        assert (TopUp.objects.get().state, TopUp.objects.get().failure) == (
            "failed",
            "never_arrived",
        )


class TestGivenUp:
    def test_an_attempt_that_lost_is_asked_about_until_its_last_word(
        self, hold: Hold, pay: Pay, clock: Clock
    ) -> None:
        reservation = hold(1)
        lost = pay(reservation, "tok_3ds")
        pay(reservation)
        payment = Payment.objects.get(id=lost.payment_id)
        assert (payment.state, payment.check_at is not None) == ("voided", True)

        # Nobody consents: the provider lets the charge expire after half an hour.
        run_for(clock, minutes=40)

        payment.refresh_from_db()
        assert (payment.state, payment.check_at) == ("voided", None)
        assert Refund.objects.count() == 0

    def test_consent_to_one_that_lost_is_given_back_without_a_webhook(
        self, hold: Hold, pay: Pay, clock: Clock
    ) -> None:
        reservation = hold(1)
        lost = pay(reservation, "tok_3ds")
        pay(reservation)
        key = f"payment-{lost.payment_id}"
        SandboxGateway().answer(key=key, accepted=True, now=clock.now())

        run_for(clock, minutes=3)

        assert Refund.objects.get().state == "done"
        assert SandboxCharge.objects.get(key=key).refunded_minor == 4_500

    def test_after_thirty_days_staff_are_told(
        self, hold: Hold, pay: Pay, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pay(hold(1), "tok_timeout")

        def hangs(self: object, **details: object) -> GatewayReply:
            raise TimeoutError("ten seconds have passed")

        monkeypatch.setattr(SandboxGateway, "find", hangs)
        asked = 0
        for _hour in range(31 * 24):
            clock.advance(hours=1)
            asked += settle_due()

        assert [one.kind for one in MoneyAlarm.objects.all()] == ["no_answer"]
        assert Payment.objects.get().check_at is None
        # Pauses grow to six hours: it is asked about a few times a day, not each minute.
        assert 100 < asked < 250


class TestStories:
    def test_set_aside_then_taken(self, hold: Hold, pay: Pay) -> None:
        assert pay(hold(1), "tok_authorised").is_captured
        assert SandboxCharge.objects.get().captured_minor == 4_500

    def test_charged_twenty_minutes_later(self, hold: Hold, pay: Pay, clock: Clock) -> None:
        reservation = hold(1)
        assert pay(reservation, "tok_late_webhook").state == "pending"
        clock.advance(minutes=19)
        hear_webhooks()
        assert status_of(reservation) == "held"

        clock.advance(minutes=1)
        hear_webhooks()

        # The hold had ended; the seats were still free, and are taken again.
        assert status_of(reservation) == "paid"

    @pytest.mark.parametrize(("agrees", "state"), [(False, "expired"), (True, "paid")])
    def test_other_seats_of_the_class_if_the_payer_agreed(
        self, hold: Hold, pay: Pay, clock: Clock, agrees: bool, state: str
    ) -> None:
        reservation = hold(1)
        pay(reservation, "tok_late_webhook", seats_may_change=agrees)
        clock.advance(minutes=19)
        booking.expire_holds(now=clock.now())
        # Somebody holds the very seat now; seven others of the class are free.
        held = reservation.coupons[0].seats[0]
        booking.reserve(
            holder=booking.Holder(user_id=None, email="quick@example.org"),
            ticket_ids=[reservation.coupons[0].ticket_id],
            passengers=[booking.PassengerDetails("Quick", "Roe", "adult")],
            seats=[booking.SeatChoice(reservation.coupons[0].ticket_id, 0, held.coach, held.seat)],
            now=clock.now(),
        )

        clock.advance(minutes=1)
        hear_webhooks()

        assert status_of(reservation) == state
        assert Refund.objects.count() == (0 if agrees else 1)

    def test_charged_too_much_moves_nothing(self, hold: Hold, pay: Pay, clock: Clock) -> None:
        reservation = hold(1)
        pay(reservation, "tok_wrong_amount")
        clock.advance(seconds=6)
        hear_webhooks()
        run_for(clock, minutes=5)

        assert status_of(reservation) == "held"
        assert Account.objects.exclude(balance_minor=0).count() == 0
        assert [one.kind for one in MoneyAlarm.objects.all()] == ["amount_differs"]

    def test_and_is_booked_when_staff_believe_it(self, hold: Hold, pay: Pay, clock: Clock) -> None:
        reservation = hold(1)
        paid = pay(reservation, "tok_wrong_amount")
        clock.advance(seconds=6)
        hear_webhooks()

        services.believe_attempt(payment_id=paid.payment_id, now=clock.now())
        settle_due()

        assert status_of(reservation) == "paid"
        refund = Refund.objects.get()
        assert (refund.amount_minor, refund.cause, refund.state) == (100, "surplus", "done")

    def test_what_was_not_captured_cannot_be_believed(self, hold: Hold, pay: Pay) -> None:
        paid = pay(hold(1), "tok_3ds")

        with pytest.raises(NothingToBelieve):
            services.believe_attempt(payment_id=paid.payment_id, now=paid_at(paid))

        assert Payment.objects.get().state == "pending"

    def test_told_three_times(self, hold: Hold, pay: Pay, clock: Clock) -> None:
        reservation = hold(1)
        pay(reservation, "tok_duplicate_webhook")
        for _time in range(4):
            clock.advance(seconds=2)
            hear_webhooks()

        assert status_of(reservation) == "paid"
        assert Account.objects.get(kind="gateway").balance_minor == -4_500


class TestCoins:
    """45.00 EUR are 0.0009 of the sandbox's coin, which counts for 50,000."""

    @pytest.fixture
    def asked(self, hold: Hold, pay: Pay) -> Any:
        reservation = hold(1)
        paid = pay(reservation, method="Cryptocurrency", token=None)
        assert paid.redirect_url.endswith(f"/pay/sandbox/payment-{paid.payment_id}/")
        return reservation

    def _send(self, me: Viewer, percent: int, now: datetime) -> None:
        key = Payment.objects.get().gateway_reference or ""
        services.send_sandbox_coins(viewer=me, key=key, percent=percent, now=now)

    def _block(self, me: Viewer, now: datetime) -> None:
        key = Payment.objects.get().gateway_reference or ""
        services.find_sandbox_block(viewer=me, key=key, now=now)

    def test_is_paid_after_two_confirmations(self, asked: Any, me: Viewer, noon: datetime) -> None:
        invoice = Payment.objects.get().invoice
        assert (f"{invoice.amount:.8f}", invoice.confirmations_needed) == ("0.00090000", 2)
        self._send(me, 100, noon)
        self._block(me, noon)
        assert status_of(asked) == "held"

        self._block(me, noon)

        assert status_of(asked) == "paid"
        invoice.refresh_from_db()
        assert (f"{invoice.received:.8f}", invoice.confirmations) == ("0.00090000", 2)

    def test_what_is_too_much_goes_back(
        self, asked: Any, me: Viewer, noon: datetime, clock: Clock
    ) -> None:
        self._send(me, 200, noon)
        for _block in range(2):
            self._block(me, noon)
        settle_due()

        refund = Refund.objects.get()
        assert (refund.amount_minor, refund.cause, refund.state) == (4_500, "surplus", "done")
        assert status_of(asked) == "paid"
        assert Payment.objects.get().received_minor == 9_000
        assert Account.objects.get(kind="gateway").balance_minor == -4_500
        assert [one.kind for one in MoneyAlarm.objects.all()] == ["paid_too_much"]

    def test_too_little_goes_back_when_time_is_over(
        self, asked: Any, me: Viewer, noon: datetime, clock: Clock
    ) -> None:
        self._send(me, 50, noon)
        for _block in range(2):
            self._block(me, noon)
        assert Payment.objects.get().state == "pending"

        run_for(clock, minutes=40)

        refund = Refund.objects.get()
        assert (refund.amount_minor, refund.cause, refund.state) == (2_250, "underpaid", "done")
        assert status_of(asked) in ("held", "expired")
        assert Account.objects.exclude(balance_minor=0).count() == 0

    def test_nothing_sent_expires(self, asked: Any, clock: Clock) -> None:
        run_for(clock, minutes=40)

        assert (Payment.objects.get().state, Payment.objects.get().check_at) == ("voided", None)


class TestNoTransactionIsOpen:
    def test_a_call_within_one_is_a_defect(self, db: None, noon: datetime) -> None:
        gateway = gateways.get("sandbox")
        # A transaction of the office's own, inside that which the test rolls back.
        with pytest.raises(TransactionOpen), transaction.atomic():
            gateway.find(key="payment-1", reference="", now=noon)

        assert gateway.find(key="payment-1", reference="", now=noon).answer is Answer.NOT_FOUND

    @pytest.mark.parametrize("act", ["start", "capture", "find", "refund", "statement"])
    def test_none_of_its_calls_is_left_out(self, db: None, noon: datetime, act: str) -> None:
        gateway = gateways.get("sandbox")
        amount = Money(1, "EUR")
        order = Order("k", amount, "tok_accepted", "", "", "", noon)
        calls: dict[str, Callable[[], object]] = {
            "start": lambda: gateway.start(order, now=noon),
            "capture": lambda: gateway.capture(key="k", reference="", amount=amount, now=noon),
            "find": lambda: gateway.find(key="k", reference="", now=noon),
            "refund": lambda: gateway.refund(
                key="k", charge="k", reference="", amount=amount, now=noon
            ),
            "statement": lambda: gateway.statement(since=noon, until=noon),
        }
        with pytest.raises(TransactionOpen), transaction.atomic():
            calls[act]()

        assert SandboxCharge.objects.count() == 0


class TestCardNumbers:
    """Numbers that card schemes publish for tests; none may come anywhere near a row."""

    NUMBERS = ("4111111111111111", "4111 1111 1111 1111", "5555-5555-5555-4444", "378282246310005")

    @pytest.mark.parametrize("number", NUMBERS)
    def test_none_is_a_token(self, hold: Hold, pay: Pay, me: Viewer, number: str) -> None:
        reservation = hold(1)
        for token in (number, f"tok_{number}", f"card {number} 12/29"):
            with pytest.raises(InvalidInput):
                pay(reservation, token)
            with pytest.raises(InvalidInput):
                services.top_up(
                    user_id=me.user_id or 0,
                    amount=Money(100, "EUR"),
                    token=token,
                    now=reservation.created_at,
                )

        assert (Payment.objects.count(), TopUp.objects.count()) == (0, 0)
        assert SandboxCharge.objects.count() == 0

    def test_the_sandbox_keeps_no_word_it_does_not_know(self, hold: Hold, pay: Pay) -> None:
        with pytest.raises(PaymentDeclined):
            pay(hold(1), "4111-but-no-number")

        assert SandboxCharge.objects.get().token == ""


def test_a_strangers_attempt_is_not_asked_about(
    hold: Hold, pay: Pay, stranger: User, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    reservation = hold(1)
    pay(reservation, "tok_timeout")
    clock.advance(seconds=60)
    asked: list[object] = []
    monkeypatch.setattr(SandboxGateway, "find", lambda self, **details: asked.append(details))

    with pytest.raises(Exception, match=r".") as refused:
        services.pay(
            viewer=Viewer(user_id=stranger.pk),
            reservation_id=reservation.id,
            method="Bank Card",
            token=None,
            now=clock.now(),
        )

    assert getattr(refused.value, "code", "") == "not_found"
    assert asked == []
