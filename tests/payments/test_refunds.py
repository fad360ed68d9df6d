"""Refunds on their way: in parts, never too much, pushed until they arrive, or given to staff."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import transaction

from accounts.models import User
from accounts.viewers import Viewer
from bookings import services as booking
from bookings.engine.contract import Actor
from bookings.selectors import ReservationDetail
from payments import gateways, selectors, services
from payments.engine.contract import RefundTooHigh
from payments.errors import ProviderSilent, RefundNotFailed
from payments.gateways.contract import Answer, GatewayReply
from payments.models import Account, MoneyAlarm, Payment, Refund, SandboxRefund
from payments.services.refunds import GIVE_UP_AFTER, LEASE, book_reply, due_refunds, queue_refund
from tests import factories
from tests.conftest import Clock
from travel.common.errors import InvalidInput, NotAllowed, NotFound
from travel.common.money import Money

from .conftest import Hold

TICK = timedelta(microseconds=1)


@pytest.fixture
def card(hold: Hold, me: Viewer, noon: datetime) -> Hold:
    """Hold and pay by card."""

    def make(adults: int = 1) -> ReservationDetail:
        reservation = hold(adults)
        services.pay(
            viewer=me, reservation_id=reservation.id, method="Bank Card", token=None, now=noon
        )
        return reservation

    return make


def cancel(me: Viewer, reservation: ReservationDetail, now: datetime, **details: Any) -> Any:
    return services.cancel_and_refund(
        viewer=me,
        reservation_id=reservation.id,
        actor=Actor("holder", me.user_id),
        now=now,
        **details,
    )


class Provider:
    """A provider of refunds that answers as it is told, and counts."""

    def __init__(self) -> None:
        self.reply = GatewayReply(Answer.UNKNOWN, reason="no_answer")
        self.asked: list[tuple[str, int]] = []

    def refund(self, *, key: str, amount: Money, **details: Any) -> GatewayReply:
        self.asked.append((key, amount.minor))
        return self.reply

    def says(self, answer: Answer, **details: Any) -> None:
        self.reply = GatewayReply(answer, **details)


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Provider:
    one = Provider()
    monkeypatch.setattr(gateways.get("sandbox"), "refund", one.refund)
    return one


def push_until_it_rests(refund: Refund, now: datetime) -> datetime:
    """Push a refund whenever it is due, until it is due no more; answer when that was."""
    for _ in range(GIVE_UP_AFTER + 3):
        refund.refresh_from_db()
        if refund.state != "queued":
            return now
        now = max(now, refund.due_at)
        services.push_refund(refund_id=refund.pk, now=now)
    raise AssertionError("it is pushed for ever")


@contextmanager
def untouched(refund: Refund) -> Iterator[None]:
    before = Refund.objects.filter(pk=refund.pk).values().get()
    accounts = list(Account.objects.order_by("id").values_list("id", "balance_minor"))
    yield
    assert Refund.objects.filter(pk=refund.pk).values().get() == before
    assert list(Account.objects.order_by("id").values_list("id", "balance_minor")) == accounts


class TestWhereItGoes:
    def test_to_the_card_unless_asked_otherwise(self, card: Hold, me: Viewer, noon: datetime):
        done = cancel(me, card(), noon)
        assert (done.refund_state, done.refund_to) == ("queued", "source")

    def test_to_the_wallet_at_once(self, card: Hold, me: Viewer, noon: datetime) -> None:
        done = cancel(me, card(), noon, refund_to="wallet")

        assert (done.refund_state, done.refund_to) == ("done", "wallet")
        assert selectors.balance(me.user_id or 0, "EUR") == Money(2_250, "EUR")
        # The provider keeps what it has taken: the office owes the traveller instead.
        assert Account.objects.get(code="gateway:sandbox:EUR").balance_minor == -4_500
        assert not due_refunds(now=noon + timedelta(days=1), limit=10)

    def test_what_came_from_a_wallet_goes_back_to_it(
        self, paid: Hold, me: Viewer, noon: datetime
    ) -> None:
        assert cancel(me, paid(), noon, refund_to="source").refund_to == "wallet"

    def test_a_guest_has_no_wallet(self, train: factories.Trip, noon: datetime) -> None:
        held = booking.reserve(
            holder=booking.Holder(email="guest@example.org"),
            ticket_ids=[train.ticket_id()],
            passengers=[booking.PassengerDetails("Gus", "Roe", "adult")],
            now=noon,
        )
        office = Viewer(is_support=True)
        services.pay(
            viewer=office,
            reservation_id=held.reservation.id,
            method="Bank Card",
            token=None,
            now=noon,
        )
        quote = services.quote_cancellation(
            viewer=office, reservation_id=held.reservation.id, now=noon
        )
        assert quote.ways_back == ("source",)

        with pytest.raises(InvalidInput):
            cancel(office, held.reservation, noon, refund_to="wallet")

        assert cancel(office, held.reservation, noon).refund_state == "queued"

    def test_nowhere_else(self, card: Hold, me: Viewer, noon: datetime) -> None:
        with pytest.raises(InvalidInput):
            cancel(me, card(), noon, refund_to="cash")

    def test_a_quote_says_where_it_may_go(
        self, card: Hold, paid: Hold, me: Viewer, noon: datetime
    ) -> None:
        def ways(reservation: ReservationDetail) -> tuple[str, ...]:
            return services.quote_cancellation(
                viewer=me, reservation_id=reservation.id, now=noon
            ).ways_back

        assert ways(card()) == ("source", "wallet")
        assert ways(paid()) == ("wallet",)


class TestInParts:
    def test_several_parts_sum_to_what_the_rules_give(
        self, card: Hold, me: Viewer, noon: datetime, clock: Clock
    ) -> None:
        reservation = card(3)
        for passenger in reservation.passengers:
            cancel(me, reservation, noon, passenger_ids=[passenger.id])
        for refund in Refund.objects.all():
            push_until_it_rests(refund, noon)

        assert list(Refund.objects.values_list("state", "amount_minor")) == [("done", 2_250)] * 3
        assert Account.objects.get(code="gateway:sandbox:EUR").balance_minor == -13_500 + 6_750
        assert sorted(SandboxRefund.objects.values_list("amount_minor", flat=True)) == [2_250] * 3

    @pytest.mark.parametrize("minor", [4_501, 10**13, 10**18])
    def test_never_more_than_was_taken(self, card: Hold, noon: datetime, minor: int) -> None:
        card()
        with pytest.raises(RefundTooHigh), transaction.atomic():
            queue_refund(
                payment=Payment.objects.select_for_update().get(),
                amount=Money(minor, "EUR"),
                cause="surplus",
                reference="too much",
                now=noon,
            )
        assert not Refund.objects.exists()

    def test_nor_with_what_is_on_its_way(self, card: Hold, me: Viewer, noon: datetime) -> None:
        cancel(me, card(), noon)
        with pytest.raises(RefundTooHigh), transaction.atomic():
            queue_refund(
                payment=Payment.objects.select_for_update().get(),
                amount=Money(2_251, "EUR"),
                cause="surplus",
                reference="a cent too much",
                now=noon,
            )
        assert Refund.objects.count() == 1

    def test_an_attempt_that_took_nothing_gives_nothing(
        self, hold: Hold, noon: datetime, me: Viewer
    ) -> None:
        reservation = hold()
        payment = Payment.objects.create(
            reservation_id=reservation.id,
            method="Bank Card",
            gateway="sandbox",
            state="failed",
            currency_id="EUR",
            amount_minor=4_500,
            created_at=noon,
            finished_at=noon,
        )
        with pytest.raises(RefundTooHigh):
            queue_refund(
                payment=payment,
                amount=Money(1, "EUR"),
                cause="surplus",
                reference="nothing",
                now=noon,
            )


class TestPushing:
    @pytest.fixture
    def due(self, card: Hold, me: Viewer, noon: datetime) -> Refund:
        cancel(me, card(), noon)
        return Refund.objects.get()

    @pytest.mark.parametrize("answer", [Answer.UNKNOWN, Answer.DECLINED, Answer.WAITING])
    def test_no_and_silence_are_asked_again_later(
        self, due: Refund, provider: Provider, noon: datetime, answer: Answer
    ) -> None:
        provider.says(answer, reason="later")

        services.push_refund(refund_id=due.pk, now=noon)

        due.refresh_from_db()
        assert (due.state, due.attempts, due.last_error) == ("queued", 1, "later")
        assert (due.due_at, due.lease_until) == (noon + timedelta(seconds=30), None)

    def test_pauses_grow_to_six_hours(
        self, due: Refund, provider: Provider, noon: datetime
    ) -> None:
        pauses = []
        now = noon
        for _ in range(GIVE_UP_AFTER - 1):
            services.push_refund(refund_id=due.pk, now=now)
            due.refresh_from_db()
            pauses.append((due.due_at - now).total_seconds())
            now = due.due_at
        assert pauses == [30, 60, 120, 240, 480, 960, 1_920, 3_840, 7_680, 15_360, 21_600]

    def test_not_before_it_is_due(self, due: Refund, provider: Provider, noon: datetime) -> None:
        services.push_refund(refund_id=due.pk, now=noon)
        services.push_refund(refund_id=due.pk, now=noon + timedelta(seconds=30) - TICK)
        assert len(provider.asked) == 1

    def test_always_under_one_key(self, due: Refund, provider: Provider, noon: datetime) -> None:
        push_until_it_rests(due, noon)

        assert set(provider.asked) == {(f"refund-{due.pk}", 2_250)}
        assert len(provider.asked) == GIVE_UP_AFTER

    def test_one_that_fails_is_an_alarm_and_stays_owed(
        self, due: Refund, provider: Provider, noon: datetime
    ) -> None:
        provider.says(Answer.DECLINED, reason="account_closed")

        push_until_it_rests(due, noon)

        due.refresh_from_db()
        assert (due.state, due.last_error) == ("failed", "account_closed")
        alarm = MoneyAlarm.objects.get()
        assert (alarm.kind, alarm.refund_id, alarm.closed_at) == ("refund_failed", due.pk, None)
        assert Account.objects.get(code="returns:EUR").balance_minor == 2_250

    def test_a_lost_answer_pays_once(
        self, due: Refund, noon: datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The provider pays, the answer is lost, and the same key is told that it was done."""
        gateway = gateways.get("sandbox")
        true = gateway.refund
        monkeypatch.setattr(
            gateway, "refund", lambda **asked: true(**asked) and GatewayReply(Answer.UNKNOWN)
        )
        services.push_refund(refund_id=due.pk, now=noon)
        monkeypatch.undo()
        push_until_it_rests(due, noon)

        assert SandboxRefund.objects.count() == 1
        assert Account.objects.get(code="gateway:sandbox:EUR").balance_minor == -2_250

    def test_a_gateway_that_is_switched_off_pays_nothing_and_staff_hear_of_it(
        self, due: Refund, noon: datetime
    ) -> None:
        Payment.objects.update(gateway="gone")
        push_until_it_rests(due, noon)

        due.refresh_from_db()
        assert (due.state, due.last_error) == ("failed", "gateway_off")
        assert MoneyAlarm.objects.get().kind == "refund_failed"

    def test_while_one_asks_others_leave_it_alone(
        self, due: Refund, provider: Provider, noon: datetime
    ) -> None:
        Refund.objects.update(lease_until=noon + LEASE)
        assert due_refunds(now=noon, limit=10) == []

        assert services.push_refund(refund_id=due.pk, now=noon + LEASE - TICK) == "queued"
        assert provider.asked == []
        # Whoever held the lease died: after it the next one asks.
        services.push_refund(refund_id=due.pk, now=noon + LEASE)
        assert len(provider.asked) == 1

    def test_is_booked_once_however_often_it_is_told(self, due: Refund, noon: datetime) -> None:
        for _ in range(3):
            book_reply(
                refund_id=due.pk, reply=GatewayReply(Answer.DONE, reference="re_1"), now=noon
            )
        due.refresh_from_db()
        assert (due.state, due.gateway_reference) == ("done", "re_1")
        assert Account.objects.get(code="returns:EUR").balance_minor == 0

    def test_a_no_after_the_yes_is_an_alarm(self, due: Refund, noon: datetime) -> None:
        book_reply(refund_id=due.pk, reply=GatewayReply(Answer.DONE), now=noon)
        book_reply(
            refund_id=due.pk, reply=GatewayReply(Answer.DECLINED, reason="bounced"), now=noon
        )

        assert MoneyAlarm.objects.get().details == {"reason": "bounced"}
        due.refresh_from_db()
        assert due.state == "done"


class TestWhatHasFailed:
    @pytest.fixture
    def failed(self, card: Hold, me: Viewer, provider: Provider, noon: datetime) -> Refund:
        cancel(me, card(), noon)
        refund = Refund.objects.get()
        provider.says(Answer.DECLINED, reason="account_closed")
        push_until_it_rests(refund, noon)
        refund.refresh_from_db()
        provider.asked.clear()
        return refund

    def test_is_tried_again_under_its_old_key(
        self, failed: Refund, provider: Provider, staff: User, noon: datetime
    ) -> None:
        services.retry_refund(refund_id=failed.pk, staff_id=staff.pk, now=noon)
        provider.says(Answer.DONE, reference="re_2")
        push_until_it_rests(failed, noon)

        failed.refresh_from_db()
        assert (failed.state, failed.gateway_reference) == ("done", "re_2")
        assert provider.asked == [(f"refund-{failed.pk}", 2_250)]
        alarm = MoneyAlarm.objects.get()
        assert (alarm.closed_by_id, alarm.note) == (staff.pk, "Tried again.")

    def test_goes_to_the_wallet_once_the_provider_says_no_again(
        self, failed: Refund, provider: Provider, staff: User, me: Viewer, noon: datetime
    ) -> None:
        state = services.refund_to_wallet(refund_id=failed.pk, staff_id=staff.pk, now=noon)

        failed.refresh_from_db()
        assert (state, failed.state, failed.destination) == ("done", "done", "wallet")
        assert selectors.balance(me.user_id or 0, "EUR") == Money(2_250, "EUR")
        assert Account.objects.get(code="gateway:sandbox:EUR").balance_minor == -4_500
        assert provider.asked == [(f"refund-{failed.pk}", 2_250)]

    def test_not_where_the_provider_pays_after_all(
        self, failed: Refund, provider: Provider, staff: User, me: Viewer, noon: datetime
    ) -> None:
        provider.says(Answer.DONE, reference="re_3")

        services.refund_to_wallet(refund_id=failed.pk, staff_id=staff.pk, now=noon)

        failed.refresh_from_db()
        assert (failed.state, failed.destination) == ("done", "source")
        assert selectors.balance(me.user_id or 0, "EUR") == Money(0, "EUR")

    def test_nor_while_it_says_nothing(
        self, failed: Refund, provider: Provider, staff: User, me: Viewer, noon: datetime
    ) -> None:
        provider.says(Answer.UNKNOWN)

        with pytest.raises(ProviderSilent):
            services.refund_to_wallet(refund_id=failed.pk, staff_id=staff.pk, now=noon)

        failed.refresh_from_db()
        assert (failed.state, failed.destination) == ("failed", "source")
        assert selectors.balance(me.user_id or 0, "EUR") == Money(0, "EUR")

    def test_a_guest_has_no_wallet(
        self, failed: Refund, provider: Provider, staff: User, noon: datetime
    ) -> None:
        reservation = failed.payment.reservation
        reservation.user, reservation.guest_digest = None, "digest"
        reservation.save()

        with untouched(failed), pytest.raises(NotAllowed):
            services.refund_to_wallet(refund_id=failed.pk, staff_id=staff.pk, now=noon)
        assert provider.asked == []

    @pytest.mark.parametrize("state", ["queued", "done", "pendingApproval"])
    def test_only_what_has_failed(
        self, card: Hold, me: Viewer, staff: User, noon: datetime, state: str
    ) -> None:
        cancel(me, card(), noon)
        Refund.objects.update(state=state, done_at=noon if state == "done" else None)
        refund = Refund.objects.get()

        with untouched(refund):
            with pytest.raises(RefundNotFailed):
                services.retry_refund(refund_id=refund.pk, staff_id=staff.pk, now=noon)
            with pytest.raises(RefundNotFailed):
                services.refund_to_wallet(refund_id=refund.pk, staff_id=staff.pk, now=noon)
        Refund.objects.update(state="queued", done_at=None)

    def test_an_unknown_one_is_not_there(self, staff: User, noon: datetime) -> None:
        for act in (services.retry_refund, services.refund_to_wallet):
            with pytest.raises(NotFound):
                act(refund_id=999, staff_id=staff.pk, now=noon)


class TestRounding:
    """Each coupon is rounded by itself, so parts sum to the whole however it is taken apart."""

    @pytest.fixture(params=["JPY", "EUR", "KWD"])
    def abroad(self, request: pytest.FixtureRequest, train: factories.Trip) -> factories.Trip:
        """A way of 1,001 minor units of a currency; cancelling keeps 33.33 % of it: 333.63, 334."""
        carrier = factories.make_carrier("abroad", currency=request.param)
        plan = factories.FarePlan(base_minor=1_001, per_km_minor=0, tiers=[(0, 3_333)])
        return factories.make_trip(
            factories.make_service(factories.make_tariff(carrier, fares=[plan]), "X 1"),
            factories.make_vehicle(carrier),
            starts_at=datetime.fromisoformat("2026-06-02T06:00:00+00:00"),
            stops=[
                factories.Stop(train.calls[0].station, 0),
                factories.Stop(train.calls[1].station, 60),
            ],
        )

    @pytest.mark.parametrize("parts", [[[0, 1, 2]], [[0], [1], [2]], [[2, 0], [1]]])
    def test_one_by_one_or_all_at_once_is_the_same(
        self,
        abroad: factories.Trip,
        hold: Hold,
        me: Viewer,
        noon: datetime,
        parts: list[list[int]],
    ) -> None:
        reservation = hold(3, trip=abroad)
        currency = reservation.currency
        services.open_with(user_id=me.user_id or 0, amount=Money(9_000, currency), now=noon)
        services.pay(
            viewer=me, reservation_id=reservation.id, method="Wallet", token=None, now=noon
        )
        people = reservation.passengers

        done = [
            cancel(me, reservation, noon, passenger_ids=[people[one].id for one in part])
            for part in parts
        ]

        assert sum(one.refund.minor for one in done) == 3 * 667
        assert sum(one.penalty.minor for one in done) == 3 * 334
        assert selectors.balance(me.user_id or 0, currency).minor == 9_000 - 3 * 334
        kinds = dict(
            Account.objects.filter(currency_id=currency).values_list("kind", "balance_minor")
        )
        assert (kinds["carrier"], kinds["penalty"], kinds["returns"]) == (0, 1_002, 0)
