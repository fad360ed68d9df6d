"""Webhooks: in any order, any number of times, early, late, forged, and telling what is not so."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from accounts.viewers import Viewer
from bookings.models import Reservation
from payments import services
from payments.gateways.sandbox import SandboxGateway
from payments.gateways.signatures import sign, timed_header
from payments.models import (
    Entry,
    MoneyAlarm,
    Payment,
    Refund,
    SandboxDelivery,
    TopUp,
    Transfer,
    WebhookEvent,
)
from payments.services.sandbox import deliver_due
from payments.tasks import hear_webhooks, settle_due
from tests.conftest import Clock
from travel.common.money import Money

from .conftest import Hold

DOOR = "/payments/webhooks/sandbox"


def told(kind: str, **data: Any) -> dict[str, Any]:
    """An event of the sandbox about the first payment, as it tells of it."""
    payment = Payment.objects.select_related("reservation").get()
    return {
        "id": f"evt:{kind}:{len(data)}",
        "type": kind,
        "created": "2026-06-01T12:00:00+00:00",
        "data": {
            "key": payment.gateway_reference,
            "booking": payment.reservation.locator,
            "amount": payment.amount_minor,
            "currency": "EUR",
            "counted": False,
            "reason": "",
        }
        | data,
    }


def send(event: dict[str, Any] | bytes, now: datetime, *, signed_at: datetime | None = None) -> Any:
    """Bring an event to the door, signed as the sandbox signs."""
    body = event if isinstance(event, bytes) else json.dumps(event).encode()
    header = timed_header(settings.SANDBOX_WEBHOOK_SECRET, body, now=signed_at or now)
    return Client().post(
        DOOR, body, content_type="application/json", headers={"x-sandbox-signature": header}
    )


def start(me: Viewer, reservation_id: int, now: datetime, token: str = "tok_3ds") -> services.Paid:
    return services.pay(
        viewer=me, reservation_id=reservation_id, method="Bank Card", token=token, now=now
    )


def state_of(reservation_id: int) -> str:
    return Reservation.objects.values_list("state", flat=True).get(id=reservation_id)


def money_rows() -> list[Any]:
    return [
        list(Payment.objects.order_by("id").values_list("id", "state", "received_minor")),
        list(Refund.objects.order_by("id").values_list("id", "state", "amount_minor")),
        list(Entry.objects.order_by("id").values_list("id", "amount_minor")),
    ]


@pytest.fixture
def attempt(hold: Hold, me: Viewer, noon: datetime, clock: Clock) -> services.Paid:
    """An attempt of 45.00 EUR that waits for the payer."""
    return start(me, hold(1).id, noon)


class TestTheDoor:
    def test_keeps_a_signed_event_as_it_came(self, attempt: services.Paid, noon: datetime) -> None:
        body = b' {"id": "evt-1",  "type":"charge.seen","data": {"key":"payment-1"}} '

        answer = send(body, noon)

        assert answer.status_code == 400  # no amount: it cannot be read
        body = json.dumps(told("charge.captured"), indent=3).encode()
        assert send(body, noon).status_code == 202
        row = WebhookEvent.objects.get()
        assert (row.body.encode(), row.state) == (body, "stored")
        assert row.headers["content-type"] == "application/json"
        assert "signature" not in str(row.headers)

    @pytest.mark.parametrize("times", [1, 2, 5])
    def test_answers_a_repeat_alike_and_keeps_one_row(
        self, attempt: services.Paid, noon: datetime, times: int
    ) -> None:
        answers = [send(told("charge.captured"), noon) for _time in range(times)]

        assert {(answer.status_code, answer.content) for answer in answers} == {
            (202, b'{"message": "Received."}')
        }
        assert WebhookEvent.objects.count() == 1

    @pytest.mark.parametrize(
        "headers",
        [
            {},
            {"x-sandbox-signature": ""},
            {"x-sandbox-signature": "t=1780315200"},
            {"x-sandbox-signature": "v1=" + "0" * 64},
            {"x-sandbox-signature": "t=1780315200,v1=" + "0" * 64},
            {"x-sandbox-signature": "t=99999999999999999999,v1=x"},
            {"x-sandbox-signature": "t=\u0661,v1=\u0662"},
        ],
    )
    def test_a_forged_event_is_400_and_leaves_nothing(
        self, attempt: services.Paid, noon: datetime, headers: dict[str, str]
    ) -> None:
        before = money_rows()

        answer = Client().post(
            DOOR,
            json.dumps(told("charge.captured")),
            content_type="application/json",
            headers=headers,
        )

        assert answer.status_code == 400
        assert answer["Content-Type"] == "application/problem+json"
        assert answer.json()["code"] == "invalid_signature"
        assert WebhookEvent.objects.count() == 0
        assert money_rows() == before

    def test_a_signature_of_another_body_is_forged(
        self, attempt: services.Paid, noon: datetime
    ) -> None:
        honest = json.dumps(told("charge.declined")).encode()
        header = timed_header(settings.SANDBOX_WEBHOOK_SECRET, honest, now=noon)

        answer = Client().post(
            DOOR,
            json.dumps(told("charge.captured")),
            content_type="application/json",
            headers={"x-sandbox-signature": header},
        )

        assert answer.status_code == 400
        assert WebhookEvent.objects.count() == 0

    @pytest.mark.parametrize(
        ("seconds", "status"), [(-301, 400), (-300, 202), (0, 202), (300, 202), (301, 400)]
    )
    def test_a_recording_is_refused_after_five_minutes(
        self, attempt: services.Paid, noon: datetime, seconds: int, status: int
    ) -> None:
        signed_at = noon + timedelta(seconds=seconds)

        assert send(told("charge.captured"), noon, signed_at=signed_at).status_code == status

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"[]",
            b"{",
            b'{"id": 7}',
            b'{"id": "x", "type": "charge.captured", "data": []}',
            b'{"id": "x", "type": "charge.captured", "data": {"amount": 1e999, "currency": "EUR"}}',
            b'{"id": "x", "type": "charge.captured", "data": {"amount": NaN, "currency": "EUR"}}',
            b'{"id": "x", "type": "charge.captured", "data": {"amount": -1, "currency": "EUR"}}',
            b'{"id": "x", "type": "charge.captured", "data": {"amount": true, "currency": "EUR"}}',
            b'{"id": "x", "type": "charge.captured", "data": {"amount": 1, "currency": "EURO"}}',
            b'{"id": "x", "type": "charge.captured", "data": {"amount": %d, "currency": "EUR"}}'
            % 10**30,
            b"[" * 100_000,
            b"\xff\xfe",
        ],
        ids=range(13),
    )
    def test_what_cannot_be_read_is_400(
        self, attempt: services.Paid, noon: datetime, body: bytes
    ) -> None:
        assert send(body, noon).status_code == 400
        assert WebhookEvent.objects.count() == 0

    @pytest.mark.parametrize("gateway", ["nobody", "wallet", "Sandbox"])
    def test_an_unknown_gateway_is_404(self, db: None, gateway: str) -> None:
        answer = Client().post(
            f"/payments/webhooks/{gateway}", "{}", content_type="application/json"
        )

        assert answer.status_code == 404
        assert answer.json()["code"] == "not_found"


class TestTheJob:
    def test_a_capture_pays_and_is_marked_done(
        self, attempt: services.Paid, noon: datetime
    ) -> None:
        send(told("charge.captured"), noon)

        assert hear_webhooks() == 1

        payment = Payment.objects.get()
        assert (payment.state, state_of(payment.reservation_id)) == ("captured", "paid")
        row = WebhookEvent.objects.get()
        assert (row.state, row.payment_id, row.processed_at) == ("done", payment.id, noon)

    def test_a_failing_effect_leaves_the_event_waiting(
        self,
        attempt: services.Paid,
        noon: datetime,
        clock: Clock,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        send(told("charge.captured"), noon)

        def broken(*details: Any) -> None:
            raise RuntimeError("the effect fails half-way")

        with monkeypatch.context() as patch:
            patch.setattr("payments.services.settling.book_sale", broken)
            assert hear_webhooks() == 0
        row = WebhookEvent.objects.get()
        assert (row.state, row.attempts, row.problem) == ("stored", 1, "RuntimeError")
        assert state_of(Payment.objects.get().reservation_id) == "held"
        assert Payment.objects.get().state == "pending"

        clock.advance(seconds=21)
        assert hear_webhooks() == 1
        assert state_of(Payment.objects.get().reservation_id) == "paid"

    def test_before_our_own_response(
        self, hold: Hold, me: Viewer, noon: datetime, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        reservation = hold(1)
        begin = SandboxGateway.start

        def slow(self: SandboxGateway, order: Any, *, now: datetime) -> Any:
            reply = begin(self, order, now=now)
            assert hear_webhooks() == 1
            assert state_of(reservation.id) == "paid"
            return reply

        monkeypatch.setattr(SandboxGateway, "start", slow)
        paid = start(me, reservation.id, noon, "tok_accepted")

        assert paid.is_captured
        assert Transfer.objects.filter(kind="payment").count() == 1

    def test_three_days_late_and_the_seats_are_gone(
        self, hold: Hold, me: Viewer, noon: datetime, clock: Clock
    ) -> None:
        reservation = hold(1)
        start(me, reservation.id, noon)
        event = told("charge.captured")
        late = clock.advance(days=3)

        assert send(event, late).status_code == 202
        hear_webhooks()

        # The train has left: no seat can be had again, so all of it goes back, once.
        refund = Refund.objects.get()
        assert (refund.amount_minor, refund.cause) == (4_500, "late_capture")
        assert state_of(reservation.id) == "held"

    def test_a_top_up_is_filled_by_its_event(
        self, me: Viewer, noon: datetime, clock: Clock, wallet: Money
    ) -> None:
        services.top_up(
            user_id=me.user_id or 0, amount=Money(2_000, "EUR"), token="tok_late_webhook", now=noon
        )
        clock.advance(minutes=20)

        deliver_due(now=clock.now(), limit=10)
        hear_webhooks()

        assert TopUp.objects.get().state == "captured"
        assert Entry.objects.filter(account__user_id=me.user_id, amount_minor=2_000).count() == 1


FOUR = ["charge.seen", "charge.declined", "charge.captured", "charge.expired"]


class TestAnyOrder:
    """
    Four events of one charge, in each of their 24 orders, each told once, twice or in two rounds.

    A capture is final whatever else is told, before or after it; so the reservation is always paid.
    """

    @pytest.mark.parametrize("order", list(itertools.permutations(FOUR)), ids="-".join)
    @pytest.mark.parametrize("repeats", ["once", "twice each", "two rounds", "heard late"])
    def test_is_one_effect(
        self, attempt: services.Paid, noon: datetime, order: Sequence[str], repeats: str
    ) -> None:
        for kind in self._told(order, repeats):
            assert send(told(kind), noon).status_code == 202
            if repeats != "heard late":
                hear_webhooks()
        hear_webhooks()

        assert not WebhookEvent.objects.filter(state="stored").exists()
        payment = Payment.objects.get()
        assert (payment.state, payment.received_minor) == ("captured", 4_500)
        assert state_of(payment.reservation_id) == "paid"
        assert list(Transfer.objects.values_list("kind", flat=True)) == ["payment"]
        assert Refund.objects.count() == 0

    def _told(self, order: Sequence[str], repeats: str) -> list[str]:
        if repeats == "twice each":
            return [kind for kind in order for _time in range(2)]
        return list(order) * (2 if repeats == "two rounds" else 1)


class TestContradictions:
    """What an event says other than what was asked for has no effect, and staff are told."""

    @pytest.mark.parametrize(
        ("lie", "alarm"),
        [
            ({"amount": 4_499}, "amount_differs"),
            ({"amount": 4_501}, "amount_differs"),
            ({"amount": 0}, "amount_differs"),
            ({"currency": "USD"}, "currency_differs"),
            ({"currency": "JPY"}, "currency_differs"),
            ({"booking": "ZZZZZZ"}, "booking_differs"),
            ({"key": "payment-999999"}, "unknown_payment"),
            ({"key": ""}, "unknown_payment"),
            ({"key": "top-up-999999"}, "unknown_payment"),
        ],
    )
    def test_moves_nothing_and_raises_an_alarm(
        self, attempt: services.Paid, noon: datetime, lie: dict[str, Any], alarm: str
    ) -> None:
        before = money_rows()
        event = told("charge.captured", **lie)
        for _time in range(2):
            send(event, noon)
            hear_webhooks()

        assert money_rows() == before
        assert state_of(Payment.objects.get().reservation_id) == "held"
        assert [one.kind for one in MoneyAlarm.objects.all()] == [alarm]
        row = WebhookEvent.objects.get()
        assert (row.state, row.problem != "") == ("refused", True)

    def test_the_truth_after_a_lie_still_pays(self, attempt: services.Paid, noon: datetime) -> None:
        send(told("charge.captured", amount=1), noon)
        hear_webhooks()
        send(told("charge.captured") | {"id": "evt-true"}, noon)
        hear_webhooks()

        assert Payment.objects.get().state == "captured"

    @pytest.mark.parametrize("minor", [1, 4_051, 10**9])
    def test_a_refund_of_another_amount(
        self, hold: Hold, me: Viewer, noon: datetime, clock: Clock, minor: int
    ) -> None:
        refund = self._refund(hold, me, noon)
        event = told("refund.done", key=f"refund-{refund.id}", amount=minor)

        send(event, noon)
        hear_webhooks()

        refund.refresh_from_db()
        assert refund.state == "queued"
        assert [one.kind for one in MoneyAlarm.objects.all()] == ["amount_differs"]

    def test_a_refund_told_by_its_event_before_our_own_call(
        self, hold: Hold, me: Viewer, noon: datetime, clock: Clock
    ) -> None:
        refund = self._refund(hold, me, noon)

        send(told("refund.done", key=f"refund-{refund.id}", amount=refund.amount_minor), noon)
        hear_webhooks()
        settle_due()

        refund.refresh_from_db()
        assert refund.state == "done"
        assert Transfer.objects.filter(refund=refund).count() == 1

    def _refund(self, hold: Hold, me: Viewer, noon: datetime) -> Refund:
        reservation = hold(1)
        start(me, reservation.id, noon, "tok_accepted")
        # The sandbox's own word of the capture is heard before the lie is told.
        hear_webhooks()
        services.cancel_and_refund(
            viewer=me,
            reservation_id=reservation.id,
            actor=_holder(me),
            now=noon,
        )
        return Refund.objects.get()


def _holder(me: Viewer) -> Any:
    from bookings.engine.contract import Actor

    return Actor("holder", me.user_id)


class TestTheSandboxesOwnPost:
    def test_is_signed_as_it_leaves_and_carried_once(
        self, hold: Hold, me: Viewer, noon: datetime, clock: Clock
    ) -> None:
        start(me, hold(1).id, noon, "tok_duplicate_webhook")
        assert SandboxDelivery.objects.count() == 3

        assert [deliver_due(now=noon + timedelta(seconds=s), limit=10) for s in range(6)] == [
            1, 0, 1, 0, 1, 0,
        ]  # fmt: skip

        assert WebhookEvent.objects.count() == 1

    def test_with_another_secret_it_is_given_up_after_ten_times(
        self, hold: Hold, me: Viewer, noon: datetime, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        start(me, hold(1).id, noon, "tok_accepted")
        monkeypatch.setattr(
            "payments.services.sandbox.timed_header",
            lambda secret, body, *, now: f"t={int(now.timestamp())},v1={sign('other', body)}",
        )
        for _time in range(12):
            deliver_due(now=clock.advance(minutes=15), limit=10)

        row = SandboxDelivery.objects.get()
        assert (row.attempts, row.given_up_at is not None, row.delivered_at) == (10, True, None)
        assert WebhookEvent.objects.count() == 0


def test_an_alarm_is_closed_once(
    attempt: services.Paid, noon: datetime, staff: Any, stranger: Any
) -> None:
    send(told("charge.captured", amount=1), noon)
    hear_webhooks()
    alarm = MoneyAlarm.objects.get()

    services.close_alarm(alarm_id=alarm.id, closer_id=staff.pk, note="Asked the bank.", now=noon)

    close: Callable[[], None] = lambda: services.close_alarm(  # noqa: E731
        alarm_id=alarm.id, closer_id=stranger.pk, note="Me too.", now=noon
    )
    with pytest.raises(Exception, match="closed this already"):
        close()
    alarm.refresh_from_db()
    assert (alarm.closed_by_id, alarm.note) == (staff.pk, "Asked the bank.")
