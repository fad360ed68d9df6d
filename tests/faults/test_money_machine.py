"""
Money at random: people reserve, pay in every way, consent late, cancel, fill wallets; providers
tell things twice and late; time passes. After every step the whole audit holds, and in the end
every unit that the provider took has bought something or has gone back.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from accounts.models import User
from accounts.viewers import Viewer
from bookings import services as booking
from bookings.engine.contract import Actor
from bookings.models import Reservation
from payments import services
from payments.gateways.sandbox import SandboxGateway
from payments.models import (
    Account,
    Payment,
    Refund,
    SandboxCharge,
    SandboxDelivery,
    TopUp,
    WebhookEvent,
)
from payments.tasks import hear_webhooks, settle_due
from support import audit
from tests.conftest import Clock
from tests.selling import reserve
from travel.common.errors import Refusal
from travel.common.money import Money

pytestmark = pytest.mark.django_db

TOKENS = [
    "tok_accepted",
    "tok_3ds",
    "tok_authorised",
    "tok_timeout",
    "tok_error",
    "tok_late_webhook",
    "tok_duplicate_webhook",
    "tok_wrong_amount",
    "tok_declined",
]
SANDBOX = SandboxGateway()
picks = st.integers(min_value=0, max_value=30)


class Office(RuleBasedStateMachine):
    """Rows are undone after each run; what the machine remembers are ids."""

    traveller: User
    trip: Any
    clock: Clock
    noon: datetime

    def __init__(self) -> None:
        super().__init__()
        self.clock.moment = self.noon
        self.block = transaction.atomic()
        # As a test's own transaction: the office does not take it for one of its own.
        self.block._from_testcase = True  # type: ignore[attr-defined]
        self.block.__enter__()
        self.me = Viewer(user_id=self.traveller.pk)
        self.holds: list[Any] = []
        services.open_with(
            user_id=self.traveller.pk, amount=Money(12_000, "EUR"), now=self.clock.now()
        )

    # --- what people do ---------------------------------------------------------------------------

    @rule(passengers=st.integers(1, 3))
    def reserves(self, passengers: int) -> None:
        self._try(
            lambda: self.holds.append(
                reserve(
                    self.traveller,
                    self.trip.ticket_id(),
                    now=self.clock.now(),
                    passengers=passengers,
                )
            )
        )

    @rule(pick=picks, token=st.sampled_from(TOKENS), other_seats=st.booleans())
    def pays_by_card(self, pick: int, token: str, other_seats: bool) -> None:
        self._pay(pick, method="Bank Card", token=token, seats_may_change=other_seats)

    @rule(pick=picks)
    def pays_from_the_wallet(self, pick: int) -> None:
        self._pay(pick, method="Wallet", token=None)

    @rule(pick=picks)
    def pays_in_coins(self, pick: int) -> None:
        self._pay(pick, method="Cryptocurrency", token=None)

    @rule(pick=picks, accepted=st.booleans())
    def answers_the_provider(self, pick: int, accepted: bool) -> None:
        key = self._key(pick)
        if key:
            SANDBOX.answer(key=key, accepted=accepted, now=self.clock.now())

    @rule(pick=picks, percent=st.sampled_from([40, 60, 100, 130]), blocks=st.integers(0, 2))
    def sends_coins(self, pick: int, percent: int, blocks: int) -> None:
        keys = list(
            SandboxCharge.objects.filter(token="tok_crypto")
            .order_by("id")
            .values_list("key", flat=True)
        )
        if keys:
            key = keys[pick % len(keys)]
            SANDBOX.send_coins(key=key, percent=percent, now=self.clock.now())
            for _block in range(blocks):
                SANDBOX.find_block(key=key, now=self.clock.now())

    @rule(pick=picks)
    def releases(self, pick: int) -> None:
        held = self._pick(pick)
        if held:
            self._try(
                lambda: booking.release(
                    viewer=self.me,
                    reservation_id=held.id,
                    actor=Actor("holder", self.traveller.pk),
                    now=self.clock.now(),
                )
            )

    @rule(pick=picks, part=st.one_of(st.none(), st.integers(0, 2)))
    def cancels(self, pick: int, part: int | None) -> None:
        held = self._pick(pick)
        if held:
            chosen = [] if part is None else [held.passengers[part % len(held.passengers)].id]
            self._try(
                lambda: services.cancel_and_refund(
                    viewer=self.me,
                    reservation_id=held.id,
                    passenger_ids=chosen,
                    actor=Actor("holder", self.traveller.pk),
                    now=self.clock.now(),
                )
            )

    @rule(minor=st.integers(1, 9_000), token=st.sampled_from(TOKENS))
    def tops_up(self, minor: int, token: str) -> None:
        self._try(
            lambda: services.top_up(
                user_id=self.traveller.pk,
                amount=Money(minor, "EUR"),
                token=token,
                now=self.clock.now(),
            )
        )

    # --- what happens by itself -------------------------------------------------------------------

    @rule(minutes=st.sampled_from([0.5, 1, 5, 11, 25]))
    def time_passes(self, minutes: float) -> None:
        self.clock.advance(minutes=minutes)

    @rule()
    def holds_expire(self) -> None:
        booking.expire_holds(now=self.clock.now())

    @rule()
    def the_worker_asks(self) -> None:
        settle_due()

    @rule()
    def webhooks_are_heard(self) -> None:
        hear_webhooks()

    @rule(pick=picks)
    def an_old_webhook_comes_again(self, pick: int) -> None:
        rows = list(SandboxDelivery.objects.order_by("id").values_list("id", flat=True))
        if rows:
            SandboxDelivery.objects.filter(id=rows[pick % len(rows)]).update(delivered_at=None)

    # --- what holds -------------------------------------------------------------------------------

    @invariant()
    def the_audit_holds(self) -> None:
        assert [(one.fact.code, one.rows) for one in audit.findings()] == []

    @invariant()
    def nothing_is_captured_beyond_the_provider(self) -> None:
        booked = -sum(
            Account.objects.filter(kind="gateway").values_list("balance_minor", flat=True)
        )
        assert 0 <= booked <= self._taken()

    def teardown(self) -> None:
        try:
            for _round in range(40):
                self.clock.advance(minutes=5)
                hear_webhooks()
                settle_due()
            self.the_audit_holds()
            self._every_unit_is_accounted_for()
        finally:
            transaction.set_rollback(True)
            self.block.__exit__(None, None, None)

    def _every_unit_is_accounted_for(self) -> None:
        assert not WebhookEvent.objects.filter(state="stored").exists()
        lies = set(
            SandboxCharge.objects.filter(token="tok_wrong_amount", state="captured").values_list(
                "key", flat=True
            )
        )
        booked = set(
            Payment.objects.filter(state="captured", gateway="sandbox").values_list(
                "gateway_reference", flat=True
            )
        ) | set(TopUp.objects.filter(state="captured").values_list("gateway_reference", flat=True))
        taken = set(SandboxCharge.objects.filter(state="captured").values_list("key", flat=True))
        assert booked == taken - lies
        for payment in Payment.objects.filter(state="captured", settles=None):
            assert sum(one.amount_minor for one in payment.refunds.all()) == payment.received_minor
        assert set(Refund.objects.values_list("state", flat=True)) <= {"done"}
        assert not Account.objects.filter(kind="returns").exclude(balance_minor=0).exists()
        gateway = sum(
            Account.objects.filter(kind="gateway").values_list("balance_minor", flat=True)
        )
        assert -gateway == self._taken() - self._taken(keys=lies)
        for held in self.holds:
            paid = Payment.objects.filter(settles=held.id).count()
            state = Reservation.objects.values_list("state", flat=True).get(id=held.id)
            assert paid == 1 if state == "paid" else paid <= 1

    def _taken(self, keys: set[str] | None = None) -> int:
        rows = SandboxCharge.objects.all()
        if keys is not None:
            rows = rows.filter(key__in=keys)
        return sum(
            taken - back for taken, back in rows.values_list("captured_minor", "refunded_minor")
        )

    # --- helpers ----------------------------------------------------------------------------------

    def _pick(self, pick: int) -> Any:
        return self.holds[pick % len(self.holds)] if self.holds else None

    def _key(self, pick: int) -> str:
        keys = list(
            SandboxCharge.objects.filter(token="tok_3ds")
            .order_by("id")
            .values_list("key", flat=True)
        )
        return keys[pick % len(keys)] if keys else ""

    def _pay(self, pick: int, **details: Any) -> None:
        held = self._pick(pick)
        if held:
            self._try(
                lambda: services.pay(
                    viewer=self.me, reservation_id=held.id, now=self.clock.now(), **details
                )
            )

    def _try(self, act: Callable[[], object]) -> None:
        """Do it; a refusal is an answer like any other."""
        with suppress(Refusal):
            act()


@pytest.mark.parametrize(
    ("examples", "steps"),
    [
        pytest.param(4, 20, id="short"),
        pytest.param(150, 40, id="long", marks=pytest.mark.slow),
    ],
)
def test_whatever_happens_the_books_are_right(
    traveller: User,
    train: Any,
    clock: Clock,
    noon: datetime,
    settings_of_holds: None,
    examples: int,
    steps: int,
) -> None:
    Office.traveller, Office.trip = traveller, train
    Office.clock, Office.noon = clock, noon
    run_state_machine_as_test(
        Office,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            derandomize=examples < 10,
        ),
    )


@pytest.fixture
def settings_of_holds(settings: Any) -> None:
    """People may hold as much as there is: the limits have tests of their own."""
    settings.MAX_LIVE_HOLDS = settings.MAX_LIVE_HOLDS_THERE = 30
    settings.HOLD_DURATION = timedelta(minutes=10)
