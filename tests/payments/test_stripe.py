"""Stripe, against a server that speaks as its API does."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.viewers import Viewer
from bookings.engine.contract import Actor
from bookings.models import Reservation
from payments import gateways, services
from payments.gateways.contract import Answer
from payments.gateways.signatures import timed_header
from payments.models import MoneyAlarm, Payment, Refund, WebhookEvent
from payments.tasks import hear_webhooks, settle_due
from tests.conftest import Clock
from tests.payments.fakes import FakeStripe
from travel.common.money import Money

from .conftest import Hold

pytest.importorskip("stripe", reason="Stripe is an optional requirement.")

SECRET = "whsec_of_the_office"


@pytest.fixture
def stripe(settings: Any) -> Iterator[FakeStripe]:
    """The office takes cards by Stripe, which is a server of this test."""
    fake = FakeStripe()
    gateways.get.cache_clear()
    with fake.running():
        settings.PAYMENT_GATEWAYS = settings.PAYMENT_GATEWAYS | {"Bank Card": "stripe"}
        settings.STRIPE_API_URL = fake.url
        settings.STRIPE_SECRET_KEY = "sk_test_office"
        settings.STRIPE_WEBHOOK_SECRET = SECRET
        settings.SITE_URL = "https://tickets.example.org"
        yield fake
    gateways.get.cache_clear()


@pytest.fixture
def held(hold: Hold, clock: Clock) -> Any:
    return hold(1)


def pay(me: Viewer, held: Any, now: datetime) -> services.Paid:
    return services.pay(viewer=me, reservation_id=held.id, method="Bank Card", token=None, now=now)


def event(kind: str, subject: dict[str, Any], **more: Any) -> dict[str, Any]:
    """An event as Stripe writes it."""
    told = {"id": f"evt_{kind}", "object": "event", "type": kind, "livemode": False}
    return told | {"created": 1_780_315_200, "data": {"object": subject}} | more


def send(told: dict[str, Any], now: datetime) -> Any:
    body = json.dumps(told).encode()
    return Client().post(
        "/payments/webhooks/stripe",
        body,
        content_type="application/json",
        headers={"stripe-signature": timed_header(SECRET, body, now=now)},
    )


def state_of(held: Any) -> str:
    return Reservation.objects.values_list("state", flat=True).get(id=held.id)


class TestPaying:
    def test_leads_to_stripes_page_and_is_paid_by_its_event(
        self, stripe: FakeStripe, me: Viewer, held: Any, noon: datetime
    ) -> None:
        paid = pay(me, held, noon)

        assert paid.redirect_url == "https://checkout.stripe.com/c/pay/cs_test_1"
        assert (paid.state, state_of(held)) == ("pending", "held")
        form = stripe.calls[0].form
        assert form["line_items[0][price_data][unit_amount]"] == "4500"
        assert form["metadata[key]"] == f"payment-{paid.payment_id}"
        assert form["metadata[booking]"] == held.locator
        assert (
            form["success_url"]
            == f"https://tickets.example.org/pay/return/payment-{paid.payment_id}/"
        )
        assert stripe.calls[0].headers["idempotency-key"] == (
            f"tickets.example.org:payment-{paid.payment_id}"
        )

        session = stripe.pay("cs_test_1")
        for _time in range(3):
            assert send(event("checkout.session.completed", session), noon).status_code == 202
            hear_webhooks()

        assert state_of(held) == "paid"
        assert Payment.objects.get().provider_reference == "cs_test_1"
        assert WebhookEvent.objects.get().state == "done"

    def test_without_an_event_the_reconciler_finds_out(
        self, stripe: FakeStripe, me: Viewer, held: Any, noon: datetime, clock: Clock
    ) -> None:
        pay(me, held, noon)
        stripe.pay("cs_test_1")

        clock.advance(seconds=31)
        settle_due()

        assert state_of(held) == "paid"

    def test_what_was_set_aside_is_captured(
        self, stripe: FakeStripe, me: Viewer, held: Any, noon: datetime, clock: Clock
    ) -> None:
        pay(me, held, noon)
        session = stripe.pay("cs_test_1", payment_status="unpaid")
        session["payment_intent"]["status"] = "requires_capture"

        clock.advance(seconds=31)
        settle_due()

        assert state_of(held) == "paid"
        captures = [call for call in stripe.calls if call.path.endswith("/capture")]
        assert [call.form["amount_to_capture"] for call in captures] == ["4500"]

    def test_an_expired_session_ends_the_attempt(
        self, stripe: FakeStripe, me: Viewer, held: Any, noon: datetime
    ) -> None:
        pay(me, held, noon)
        session = stripe.sessions["cs_test_1"] | {"status": "expired"}

        send(event("checkout.session.expired", session), noon)
        hear_webhooks()

        assert (Payment.objects.get().state, Payment.objects.get().failure) == ("failed", "expired")

    @pytest.mark.parametrize("trouble", [{"broken": 500}, {"broken": 503}, {"deaf": True}])
    def test_trouble_leaves_it_unknown(
        self,
        stripe: FakeStripe,
        me: Viewer,
        held: Any,
        noon: datetime,
        trouble: dict[str, Any],
    ) -> None:
        vars(stripe).update(trouble)

        paid = pay(me, held, noon)

        assert (paid.state, state_of(held)) == ("started", "held")

    def test_a_provider_that_hangs_is_not_waited_for(
        self, stripe: FakeStripe, me: Viewer, held: Any, noon: datetime, settings: Any
    ) -> None:
        settings.GATEWAY_TIMEOUT_SECONDS = 0.3
        stripe.slow = 60.0
        began = time.monotonic()

        assert pay(me, held, noon).state == "started"

        assert time.monotonic() - began < 30


class TestEvents:
    def test_of_another_account_raises_an_alarm(
        self, stripe: FakeStripe, me: Viewer, held: Any, noon: datetime
    ) -> None:
        pay(me, held, noon)
        session = stripe.pay("cs_test_1")

        send(event("checkout.session.completed", session, livemode=True), noon)
        hear_webhooks()

        assert state_of(held) == "held"
        assert [one.kind for one in MoneyAlarm.objects.all()] == ["event_refused"]

    @pytest.mark.parametrize(
        ("lie", "alarm"),
        [
            ({"amount_total": 4_400}, "amount_differs"),
            ({"currency": "usd"}, "currency_differs"),
            ({"id": "cs_test_other"}, "booking_differs"),
        ],
    )
    def test_that_contradicts_moves_nothing(
        self,
        stripe: FakeStripe,
        me: Viewer,
        held: Any,
        noon: datetime,
        lie: dict[str, Any],
        alarm: str,
    ) -> None:
        pay(me, held, noon)

        send(event("checkout.session.completed", stripe.pay("cs_test_1") | lie), noon)
        hear_webhooks()

        assert state_of(held) == "held"
        assert [one.kind for one in MoneyAlarm.objects.all()] == [alarm]

    def test_of_another_office_is_left_alone(
        self, stripe: FakeStripe, me: Viewer, held: Any, noon: datetime
    ) -> None:
        pay(me, held, noon)
        session = stripe.pay("cs_test_1")
        session["metadata"]["office"] = "staging.example.org"

        send(event("checkout.session.completed", session), noon)
        hear_webhooks()

        assert (state_of(held), MoneyAlarm.objects.count()) == ("held", 0)
        assert WebhookEvent.objects.get().state == "done"

    def test_a_forged_one_is_400(self, stripe: FakeStripe, db: None) -> None:
        answer = Client().post(
            "/payments/webhooks/stripe",
            "{}",
            content_type="application/json",
            headers={"stripe-signature": "t=1,v1=00"},
        )

        assert answer.status_code == 400


class TestRefunds:
    @pytest.fixture
    def refund(
        self, stripe: FakeStripe, me: Viewer, held: Any, noon: datetime, clock: Clock
    ) -> Refund:
        pay(me, held, noon)
        stripe.pay("cs_test_1")
        clock.advance(seconds=31)
        settle_due()
        services.cancel_and_refund(
            viewer=me,
            reservation_id=held.id,
            actor=Actor("holder", me.user_id),
            now=clock.now(),
        )
        return Refund.objects.get()

    def test_goes_back_once(self, stripe: FakeStripe, refund: Refund, clock: Clock) -> None:
        settle_due()
        settle_due()

        refund.refresh_from_db()
        assert refund.state == "done"
        assert [one["amount"] for one in stripe.refunds] == [refund.amount_minor]

    def test_an_answer_that_was_lost_does_not_pay_twice(
        self, stripe: FakeStripe, refund: Refund, clock: Clock
    ) -> None:
        stripe.deaf = True
        settle_due()
        assert len(stripe.refunds) == 1
        stripe.deaf = False
        # Stripe forgets idempotency keys after a day.
        stripe.known.clear()
        clock.advance(days=2)
        settle_due()

        refund.refresh_from_db()
        assert refund.state == "done"
        assert len(stripe.refunds) == 1

    def test_one_that_fails_afterwards_is_shown_to_staff(
        self, stripe: FakeStripe, refund: Refund, noon: datetime, clock: Clock
    ) -> None:
        settle_due()
        failed = stripe.refunds[0] | {"status": "failed", "failure_reason": "lost_or_stolen_card"}

        send(event("refund.failed", failed), clock.now())
        hear_webhooks()

        assert [one.kind for one in MoneyAlarm.objects.all()] == ["refund_failed"]


def test_statement_counts_in_both_directions(stripe: FakeStripe, db: None, noon: datetime) -> None:
    facts = {"office": "tickets.example.org"}
    moment = int(noon.timestamp())
    stripe.transactions = [
        {
            "id": f"txn_{number}",
            "object": "balance_transaction",
            "type": kind,
            "amount": amount,
            "currency": currency,
            "created": moment + number,
            "source": {"object": "x", "metadata": facts | {"key": key}},
        }
        for number, (kind, amount, currency, key) in enumerate(
            [
                ("charge", 4_500, "eur", "payment-1"),
                ("refund", -900, "eur", "refund-1"),
                ("stripe_fee", -100, "eur", ""),
                ("charge", 500, "jpy", "payment-2"),
            ]
        )
    ]

    lines = gateways.get("stripe").statement(since=noon, until=noon + timedelta(days=1))

    assert [(line.key, line.amount) for line in lines] == [
        ("payment-1", Money(4_500, "EUR")),
        ("refund-1", Money(-900, "EUR")),
        ("payment-2", Money(500, "JPY")),
    ]


def test_an_unknown_session_without_reference_was_never_there(
    stripe: FakeStripe, db: None, noon: datetime
) -> None:
    found = gateways.get("stripe").find(key="payment-1", reference="", now=noon)

    assert found.answer is Answer.NOT_FOUND
    assert stripe.calls == []


class TestUnits:
    """https://docs.stripe.com/currencies: none, two or three places, and those of Iceland."""

    @pytest.mark.parametrize(
        ("money", "units"),
        [
            (Money(4_500, "EUR"), 4_500),
            (Money(500, "JPY"), 500),
            (Money(12_340, "KWD"), 12_340),
            (Money(1_000, "ISK"), 100_000),
            (Money(0, "EUR"), 0),
        ],
    )
    def test_there_and_back(self, money: Money, units: int) -> None:
        from payments.gateways.stripe import from_stripe, to_stripe

        assert to_stripe(money) == units
        assert from_stripe(units, money.currency.lower()) == money

    def test_a_third_place_is_refused(self) -> None:
        from payments.gateways.stripe import to_stripe

        with pytest.raises(ValueError, match="two places"):
            to_stripe(Money(12_345, "KWD"))
