"""
Money, many at once: real threads, each with a connection of its own.

Whatever the order they come in: nobody is charged twice, nothing is given back twice, and what was
captured has bought something or is on its way back.
"""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import settings as office

from accounts.models import User
from accounts.viewers import Viewer
from bookings import services as booking
from bookings.engine.contract import SYSTEM, Actor
from bookings.errors import AlreadyCancelled, AlreadyPaid, HoldExpired
from bookings.models import Reservation
from inventory.models import FareVersion
from payments import services
from payments.gateways.sandbox import SIGNATURE, SandboxGateway
from payments.gateways.signatures import timed_header
from payments.models import (
    Account,
    Entry,
    Payment,
    Refund,
    SandboxCharge,
    SandboxDelivery,
    SandboxRefund,
    Transfer,
    WebhookEvent,
)
from payments.services.refunds import push_refund
from payments.tasks import hear_webhooks, settle_due
from tests.conftest import ApiClient, Clock
from tests.faults.racing import at_once, tally
from tests.selling import HOLD, reserve
from travel.common.errors import RequestInProgress
from travel.common.money import Money

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("audited")]

OFFICE = Viewer(is_support=True)
# The Saver on the train.
PRICE = 4_500


@pytest.fixture
def me(traveller: User) -> Viewer:
    return Viewer(user_id=traveller.pk)


def pay(me: Viewer, reservation_id: int, now: datetime, **details: Any) -> services.Paid:
    asked = {"method": "Bank Card", "token": "tok_accepted"} | details
    return services.pay(viewer=me, reservation_id=reservation_id, now=now, **asked)


def state_of(reservation_id: int) -> str:
    return Reservation.objects.values_list("state", flat=True).get(id=reservation_id)


def balance(kind: str) -> int:
    return sum(Account.objects.filter(kind=kind).values_list("balance_minor", flat=True))


class TestWallet:
    @pytest.fixture(autouse=True)
    def _as_many_holds_as_seats(self, settings: Any) -> None:
        settings.MAX_LIVE_HOLDS_THERE = 8

    def test_64_payments_at_once_spend_what_there_is_and_no_more(
        self, traveller: User, me: Viewer, train: Any, noon: datetime
    ) -> None:
        # Eight seats are held, and the money is enough for five.
        services.open_with(user_id=traveller.pk, amount=Money(5 * PRICE, "EUR"), now=noon)
        holds = [reserve(traveller, train.ticket_id(), now=noon) for _seat in range(8)]

        results = at_once(
            [
                lambda held=held: pay(me, held.id, noon, method="Wallet")  # type: ignore[misc]
                for _time in range(8)
                for held in holds
            ]
        )

        told = tally(results)
        assert told["done"] == 5
        assert set(told) <= {"done", "already_paid", "insufficient_funds"}
        assert balance("wallet") == 0
        assert Counter(state_of(held.id) for held in holds) == {"paid": 5, "held": 3}
        assert Entry.objects.filter(account__kind="wallet", amount_minor=-PRICE).count() == 5

    def test_cannot_be_spent_twice_by_cent(
        self, traveller: User, me: Viewer, train: Any, noon: datetime
    ) -> None:
        services.open_with(user_id=traveller.pk, amount=Money(2 * PRICE - 1, "EUR"), now=noon)
        holds = [reserve(traveller, train.ticket_id(), now=noon) for _seat in range(8)]

        results = at_once(
            [lambda held=held: pay(me, held.id, noon, method="Wallet") for held in holds]  # type: ignore[misc]
        )

        assert tally(results) == {"done": 1, "insufficient_funds": 7}
        assert balance("wallet") == PRICE - 1


class TestOneKey:
    """50 requests with one idempotency key."""

    def test_charge_once_and_are_answered_alike(
        self, traveller: User, train: Any, api: ApiClient, clock: Clock, noon: datetime
    ) -> None:
        held = reserve(traveller, train.ticket_id(), now=noon)
        body = {"reservationID": held.id, "paymentMethod": "Bank Card"}
        speaker = api.by(traveller)
        credentials = dict(speaker._credentials)

        def ask() -> tuple[int, bytes]:
            client = ApiClient(clock)
            client.credentials(**credentials)
            answer = client.post(
                "/reservations/pay", body, format="json", HTTP_IDEMPOTENCY_KEY="one-and-the-same"
            )
            return answer.status_code, answer.content

        answers = at_once([ask] * 50)
        later = ask()

        assert later[0] == 200
        # Who came while the first was at it was told to come again; nobody else differs.
        assert {status for status, _body in answers} <= {200, 409}
        assert {content for status, content in answers if status == 200} <= {later[1]}
        assert (Payment.objects.count(), SandboxCharge.objects.count()) == (1, 1)
        assert balance("gateway") == -PRICE

    def test_without_a_key_nobody_is_charged_twice_either(
        self, traveller: User, me: Viewer, train: Any, noon: datetime
    ) -> None:
        held = reserve(traveller, train.ticket_id(), now=noon)

        results = at_once([lambda: pay(me, held.id, noon)] * 32)

        assert {type(one) for one in results} <= {services.Paid, RequestInProgress, AlreadyPaid}
        assert SandboxCharge.objects.count() == 1
        assert state_of(held.id) == "paid"


class TestCancelling:
    def test_32_at_once_by_holder_and_staff_give_back_once(
        self, traveller: User, staff: User, me: Viewer, train: Any, noon: datetime, clock: Clock
    ) -> None:
        held = reserve(traveller, train.ticket_id(), now=noon, passengers=2)
        pay(me, held.id, noon)

        def cancel(viewer: Viewer, actor: Actor) -> Any:
            return services.cancel_and_refund(
                viewer=viewer, reservation_id=held.id, actor=actor, now=noon
            )

        results = at_once(
            [
                lambda: cancel(me, Actor("holder", traveller.pk)),
                lambda: cancel(OFFICE, Actor("staff", staff.pk)),
            ]
            * 16
        )

        assert tally(results) == {"done": 1, AlreadyCancelled.code: 31}
        refund = Refund.objects.get()
        refused = at_once([lambda: push_refund(refund_id=refund.id, now=noon)] * 16)
        assert set(refused) <= {"queued", "done"}
        settle_due()
        refund.refresh_from_db()
        assert refund.state == "done"
        assert SandboxRefund.objects.count() == 1
        assert SandboxCharge.objects.get().refunded_minor == refund.amount_minor
        assert balance("returns") == 0

    def test_each_passenger_once_though_all_are_cancelled_by_parts_and_whole(
        self, traveller: User, me: Viewer, train: Any, noon: datetime, clock: Clock
    ) -> None:
        held = reserve(traveller, train.ticket_id(), now=noon, passengers=4)
        pay(me, held.id, noon)

        def cancel(*passengers: int) -> Any:
            return services.cancel_and_refund(
                viewer=me,
                reservation_id=held.id,
                passenger_ids=passengers,
                actor=Actor("holder", traveller.pk),
                now=noon,
            )

        parts = [lambda one=one: cancel(one.id) for one in held.passengers]  # type: ignore[misc]
        at_once([*parts, *parts, cancel, cancel])

        settle_due()
        assert state_of(held.id) == "cancelled"
        given = sum(Refund.objects.filter(state="done").values_list("amount_minor", flat=True))
        assert given == 4 * PRICE + balance("gateway")
        assert SandboxCharge.objects.get().refunded_minor == given
        assert given <= 4 * PRICE


class TestCapturedMeanwhile:
    """B5, B7: the hold is paid, released, paid otherwise and expires, all at the same moment."""

    @pytest.mark.parametrize("round_", range(4))
    def test_it_has_bought_seats_or_goes_back_once(
        self,
        traveller: User,
        me: Viewer,
        train: Any,
        noon: datetime,
        clock: Clock,
        round_: int,
    ) -> None:
        services.open_with(user_id=traveller.pk, amount=Money(PRICE, "EUR"), now=noon)
        held = reserve(traveller, train.ticket_id(), now=noon)
        attempts = [pay(me, held.id, noon, token="tok_3ds") for _time in range(2)]
        for attempt in attempts:
            SandboxGateway().answer(key=f"payment-{attempt.payment_id}", accepted=True, now=noon)
        ends = noon + HOLD
        before = ends - timedelta(microseconds=1)

        results = at_once(
            [
                *[
                    lambda one=one: services.ask_attempt(payment_id=one.payment_id, now=before)  # type: ignore[misc]
                    for one in attempts * 4
                ],
                lambda: booking.release(
                    viewer=OFFICE, reservation_id=held.id, now=before, actor=SYSTEM
                ),
                lambda: booking.expire_holds(now=ends),
                lambda: pay(me, held.id, before, method="Wallet"),
                hear_webhooks,
                hear_webhooks,
            ]
        )

        refusals = (AlreadyPaid, AlreadyCancelled, HoldExpired, RequestInProgress)
        assert all(isinstance(one, refusals) for one in results if isinstance(one, Exception))
        clock.advance(minutes=11)
        hear_webhooks()
        settle_due()
        paid = state_of(held.id) == "paid"
        sold = Payment.objects.filter(settles=held.id)
        assert sold.count() == int(paid)
        # What was captured and has bought nothing has gone back, each capture by itself.
        captured = Payment.objects.filter(state="captured").exclude(settles=held.id)
        assert {payment.refunds.get().state for payment in captured} <= {"done"}
        assert balance("returns") == 0
        # The wallet began with the price: what it and the gateway gave is the price, or nothing.
        assert PRICE - balance("wallet") - balance("gateway") == (PRICE if paid else 0)
        assert sum(
            taken - back
            for taken, back in SandboxCharge.objects.values_list("captured_minor", "refunded_minor")
        ) == -balance("gateway")


class TestWebhooks:
    def test_one_event_brought_32_times_and_worked_on_by_16(
        self, traveller: User, me: Viewer, train: Any, noon: datetime, clock: Clock
    ) -> None:
        held = reserve(traveller, train.ticket_id(), now=noon)
        paid = pay(me, held.id, noon, token="tok_3ds")
        SandboxGateway().answer(key=f"payment-{paid.payment_id}", accepted=True, now=noon)
        body = SandboxDelivery.objects.get().body.encode()
        header = {SIGNATURE: timed_header(office.SANDBOX_WEBHOOK_SECRET, body, now=noon)}
        assert json.loads(body)["type"] == "charge.captured"

        at_once(
            [lambda: services.receive(gateway="sandbox", body=body, headers=header, now=noon)] * 32
        )
        event = WebhookEvent.objects.get()
        told = at_once([lambda: services.process_event(event_id=event.id, now=noon)] * 16)

        assert set(told) == {"done"}
        assert state_of(held.id) == "paid"
        assert Transfer.objects.filter(kind="payment").count() == 1

    def test_two_captures_told_at_once_settle_one(
        self, traveller: User, me: Viewer, train: Any, noon: datetime, clock: Clock
    ) -> None:
        held = reserve(traveller, train.ticket_id(), now=noon)
        for _time in range(2):
            paid = pay(me, held.id, noon, token="tok_3ds")
            SandboxGateway().answer(key=f"payment-{paid.payment_id}", accepted=True, now=noon)

        at_once([hear_webhooks] * 8)
        settle_due()

        assert Payment.objects.filter(settles=held.id).count() == 1
        refund = Refund.objects.get()
        assert (refund.cause, refund.state) == ("double_capture", "done")
        assert balance("gateway") == -PRICE


class TestPrice:
    def test_what_is_charged_is_what_was_held(
        self, traveller: User, me: Viewer, train: Any, noon: datetime
    ) -> None:
        """B20: a fare that changes between the search and the payment changes no hold."""
        held = reserve(traveller, train.ticket_id(), now=noon)
        fares = FareVersion.objects.filter(fare=train.fares[0])

        at_once([lambda: fares.update(base_minor=9_999), lambda: pay(me, held.id, noon)])

        assert fares.get().base_minor == 9_999
        assert SandboxCharge.objects.get().captured_minor == held.price.minor == PRICE
