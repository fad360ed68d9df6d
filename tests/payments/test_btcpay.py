"""BTCPay, against a server that speaks as its Greenfield API does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.viewers import Viewer
from bookings.engine.contract import Actor
from bookings.models import Reservation
from payments import gateways, services
from payments.gateways.signatures import sign
from payments.models import Account, MoneyAlarm, Payment, Refund, WebhookEvent
from payments.tasks import hear_webhooks, settle_due
from tests.conftest import Clock
from tests.payments.fakes import FakeBTCPay
from travel.common.models import OutboxMessage
from travel.common.money import Money

from .conftest import Hold

SECRET = "secret_of_the_store"


@pytest.fixture
def btcpay(settings: Any) -> Iterator[FakeBTCPay]:
    """The office takes bitcoin by a BTCPay server of this test."""
    fake = FakeBTCPay()
    with fake.running():
        settings.PAYMENT_GATEWAYS = settings.PAYMENT_GATEWAYS | {"Cryptocurrency": "btcpay"}
        settings.BTCPAY_URL = fake.url
        settings.BTCPAY_STORE = "STORE"
        settings.BTCPAY_API_KEY = "key_of_store"
        settings.BTCPAY_WEBHOOK_SECRET = SECRET
        yield fake


@pytest.fixture
def held(hold: Hold, clock: Clock) -> Any:
    """45.00 EUR: 0.0009 bitcoin at 50,000."""
    return hold(1)


def pay(me: Viewer, held: Any, now: datetime) -> services.Paid:
    return services.pay(
        viewer=me, reservation_id=held.id, method="Cryptocurrency", token=None, now=now
    )


def event(kind: str, now: datetime, **more: Any) -> dict[str, Any]:
    payment = Payment.objects.select_related("reservation").get()
    return {
        "deliveryId": f"delivery-{kind}",
        "originalDeliveryId": f"delivery-{kind}",
        "type": kind,
        "timestamp": int(now.timestamp()),
        "storeId": "STORE",
        "invoiceId": payment.provider_reference,
        "metadata": {
            "orderId": payment.gateway_reference,
            "booking": payment.reservation.locator,
        },
    } | more


def send(told: dict[str, Any], *, secret: str = SECRET) -> Any:
    body = json.dumps(told).encode()
    return Client().post(
        "/payments/webhooks/btcpay",
        body,
        content_type="application/json",
        headers={"BTCPay-Sig": f"sha256={sign(secret, body)}"},
    )


def state_of(held: Any) -> str:
    return Reservation.objects.values_list("state", flat=True).get(id=held.id)


class TestPaying:
    def test_asks_for_address_amount_and_confirmations(
        self, btcpay: FakeBTCPay, me: Viewer, held: Any, noon: datetime
    ) -> None:
        paid = pay(me, held, noon)

        assert paid.redirect_url == f"{btcpay.url}/i/INV1"
        invoice = Payment.objects.get().invoice
        assert (invoice.asset, invoice.address) == ("BTC", "bc1qinv1")
        assert (f"{invoice.amount:.8f}", invoice.confirmations_needed) == ("0.00090000", 1)
        assert invoice.expires_at == noon + timedelta(minutes=31)

    def test_a_lost_answer_makes_no_second_invoice(
        self, btcpay: FakeBTCPay, me: Viewer, held: Any, noon: datetime, clock: Clock
    ) -> None:
        btcpay.deaf = True
        assert pay(me, held, noon).state == "started"
        btcpay.deaf = False
        assert len(btcpay.invoices) == 1
        clock.advance(seconds=31)

        settle_due()

        payment = Payment.objects.get()
        assert (payment.state, payment.provider_reference) == ("pending", "INV1")
        btcpay.move("INV1", "Settled", paid="0.0009")
        clock.advance(minutes=1)
        settle_due()
        assert (state_of(held), len(btcpay.invoices)) == ("paid", 1)

    def test_is_seen_then_confirmed(
        self, btcpay: FakeBTCPay, me: Viewer, held: Any, noon: datetime
    ) -> None:
        pay(me, held, noon)
        btcpay.move("INV1", "Processing", paid="0.0009")
        send(event("InvoiceProcessing", noon))
        hear_webhooks()
        assert (state_of(held), Payment.objects.get().state) == ("held", "pending")

        btcpay.move("INV1", "Settled", paid="0.0009")
        for _time in range(2):
            send(event("InvoiceSettled", noon))
            hear_webhooks()

        assert state_of(held) == "paid"
        assert Account.objects.get(kind="gateway").balance_minor == -4_500

    def test_too_much_buys_and_the_rest_goes_back(
        self, btcpay: FakeBTCPay, me: Viewer, held: Any, noon: datetime, clock: Clock
    ) -> None:
        pay(me, held, noon)
        btcpay.move("INV1", "Settled", "PaidOver", paid="0.001")
        send(event("InvoiceSettled", noon))
        hear_webhooks()
        settle_due()

        refund = Refund.objects.get()
        assert (refund.amount_minor, refund.cause, refund.state) == (500, "surplus", "done")
        assert state_of(held) == "paid"
        assert btcpay.claims[0]["amount"] == "5.00"

    def test_too_little_in_time_goes_back(
        self, btcpay: FakeBTCPay, me: Viewer, held: Any, noon: datetime, clock: Clock
    ) -> None:
        pay(me, held, noon)
        btcpay.move("INV1", "Expired", "PaidPartial", paid="0.0004")
        send(event("InvoiceExpired", noon))
        hear_webhooks()
        settle_due()

        refund = Refund.objects.get()
        assert (refund.amount_minor, refund.cause, refund.state) == (2_000, "underpaid", "done")
        assert state_of(held) == "held"
        assert [one.kind for one in MoneyAlarm.objects.all()] == ["paid_too_little"]

    def test_nothing_in_time_ends_the_attempt(
        self, btcpay: FakeBTCPay, me: Viewer, held: Any, noon: datetime
    ) -> None:
        pay(me, held, noon)
        btcpay.move("INV1", "Expired")
        send(event("InvoiceExpired", noon))
        hear_webhooks()

        assert (Payment.objects.get().state, Payment.objects.get().failure) == ("failed", "expired")

    def test_refund_is_claimed_once_though_the_answer_was_lost(
        self, btcpay: FakeBTCPay, me: Viewer, held: Any, noon: datetime, clock: Clock
    ) -> None:
        pay(me, held, noon)
        btcpay.move("INV1", "Settled", paid="0.0009")
        clock.advance(seconds=31)
        settle_due()
        services.cancel_and_refund(
            viewer=me, reservation_id=held.id, actor=Actor("holder", me.user_id), now=clock.now()
        )
        refund = Refund.objects.get()
        gateways.get("btcpay").refund(
            key=f"refund-{refund.id}",
            charge="payment-1",
            reference="INV1",
            amount=Money(refund.amount_minor, "EUR"),
            now=clock.now(),
        )

        settle_due()

        refund.refresh_from_db()
        assert (refund.state, len(btcpay.claims)) == ("done", 1)
        message = OutboxMessage.objects.get(kind="payments.refund_claim")
        assert f"{btcpay.url}/pull-payments/PULL2" in message.body


class TestEvents:
    @pytest.mark.parametrize(
        ("days", "status"), [(-8, 400), (-6, 202), (0, 202), (6, 202), (8, 400)]
    )
    def test_are_taken_for_a_week(
        self,
        btcpay: FakeBTCPay,
        me: Viewer,
        held: Any,
        noon: datetime,
        days: int,
        status: int,
    ) -> None:
        pay(me, held, noon)

        answer = send(event("InvoiceSettled", noon + timedelta(days=days)))

        assert answer.status_code == status

    def test_are_believed_only_when_signed(
        self, btcpay: FakeBTCPay, me: Viewer, held: Any, noon: datetime
    ) -> None:
        pay(me, held, noon)

        assert send(event("InvoiceSettled", noon), secret="other").status_code == 400
        assert WebhookEvent.objects.count() == 0

    def test_a_lie_about_being_settled_moves_nothing(
        self, btcpay: FakeBTCPay, me: Viewer, held: Any, noon: datetime
    ) -> None:
        pay(me, held, noon)

        send(event("InvoiceSettled", noon))
        hear_webhooks()

        # What counts is what the server answers when it is asked.
        assert (state_of(held), Payment.objects.get().state) == ("held", "pending")

    def test_of_another_store_raises_an_alarm(
        self, btcpay: FakeBTCPay, me: Viewer, held: Any, noon: datetime
    ) -> None:
        pay(me, held, noon)
        btcpay.move("INV1", "Settled", paid="0.0009")

        send(event("InvoiceSettled", noon, storeId="OTHER"))
        hear_webhooks()

        assert state_of(held) == "held"
        assert [one.kind for one in MoneyAlarm.objects.all()] == ["event_refused"]

    def test_waits_while_the_server_is_out_of_order(
        self, btcpay: FakeBTCPay, me: Viewer, held: Any, noon: datetime, clock: Clock
    ) -> None:
        pay(me, held, noon)
        btcpay.move("INV1", "Settled", paid="0.0009")
        send(event("InvoiceSettled", noon))
        btcpay.broken = 502
        hear_webhooks()
        assert WebhookEvent.objects.get().state == "stored"

        btcpay.broken = 0
        clock.advance(minutes=1)
        hear_webhooks()

        assert (WebhookEvent.objects.get().state, state_of(held)) == ("done", "paid")


def test_statement_tells_invoices_and_claims(
    btcpay: FakeBTCPay, me: Viewer, held: Any, noon: datetime
) -> None:
    pay(me, held, noon)
    btcpay.move("INV1", "Settled", "PaidOver", paid="0.001")
    gateway = gateways.get("btcpay")
    gateway.refund(key="refund-1", charge="", reference="INV1", amount=Money(500, "EUR"), now=noon)

    lines = gateway.statement(since=noon, until=noon + timedelta(days=1))

    assert [(line.key, line.amount) for line in lines] == [
        (f"payment-{Payment.objects.get().id}", Money(5_000, "EUR")),
        ("refund-1", Money(-500, "EUR")),
    ]
