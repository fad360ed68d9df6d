"""
Many at once at the money: one wallet, one series of receipts, one carrier's account.

Whatever the order they come in: a wallet is never overdrawn, nobody is refused money that is there,
receipts have no gap, and each entry is in one settlement.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from accounts.models import User
from accounts.viewers import Viewer
from bookings.errors import AlreadyPaid
from payments import selectors, services
from payments.errors import InsufficientFunds
from payments.models import (
    Entry,
    Goodwill,
    Payment,
    Receipt,
    ReceiptLine,
    ReceiptName,
    ReceiptSeries,
    Settlement,
)
from payments.services import goodwill, receipts, settlements
from support import audit
from tests import factories
from tests.faults.racing import at_once, tally
from tests.selling import reserve
from travel.common.errors import NotFound
from travel.common.money import Money
from travel.common.transactions import in_transaction

pytestmark = pytest.mark.django_db(transaction=True)

MONDAY = date(2026, 6, 1)
PRICE = 4_500


@pytest.fixture
def long_train(train: factories.Trip, settings: Any) -> factories.Trip:
    """The train on another day with 80 seats, of which one person may hold all."""
    settings.MAX_LIVE_HOLDS = settings.MAX_LIVE_HOLDS_THERE = 1_000
    service = train.departure.service
    return factories.make_trip(
        service,
        factories.make_vehicle(service.carrier, coaches=[factories.CoachPlan("9", rows=20)]),
        starts_at=datetime.fromisoformat("2026-06-05T06:00:00+00:00"),
        stops=[
            factories.Stop(call.station, index * 60, index * 200)
            for index, call in enumerate(train.calls)
        ],
    )


@pytest.fixture
def pays(
    long_train: factories.Trip, traveller: User, noon: datetime
) -> Callable[[int], list[Callable[[], Any]]]:
    """Hold so many seats at 45.00 for the traveller; answer what pays each from the wallet."""

    def make(number: int) -> list[Callable[[], Any]]:
        held = [reserve(traveller, long_train.ticket_id(), now=noon) for _ in range(number)]
        return [_payer(traveller, one.id, noon) for one in held]

    return make


def _payer(user: User, reservation_id: int, now: datetime) -> Callable[[], Any]:
    return lambda: services.pay(
        viewer=Viewer(user_id=user.pk),
        reservation_id=reservation_id,
        method="Wallet",
        token=None,
        now=now,
    )


def fill(user: User, minor: int, now: datetime) -> None:
    services.open_with(user_id=user.pk, amount=Money(minor, "EUR"), now=now)


def numbers() -> list[int]:
    return list(Receipt.objects.order_by("number").values_list("number", flat=True))


def proven() -> None:
    assert [(one.fact.code, one.rows) for one in audit.findings()] == []


class TestOneWallet:
    def test_64_payments_spend_what_is_there_and_no_more(
        self, pays: Any, traveller: User, noon: datetime
    ) -> None:
        fill(traveller, 10 * PRICE + PRICE - 1, noon)

        results = at_once(pays(64))

        assert tally(results) == {"done": 10, InsufficientFunds.code: 54}
        assert selectors.balance(traveller.pk, "EUR") == Money(PRICE - 1, "EUR")
        assert numbers() == list(range(1, 11))
        proven()

    def test_one_reservation_is_paid_once_by_64(
        self, long_train: factories.Trip, traveller: User, noon: datetime
    ) -> None:
        fill(traveller, 64 * PRICE, noon)
        held = reserve(traveller, long_train.ticket_id(), now=noon)

        results = at_once([_payer(traveller, held.id, noon)] * 64)

        assert tally(results) == {"done": 1, AlreadyPaid.code: 63}
        assert selectors.balance(traveller.pk, "EUR") == Money(63 * PRICE, "EUR")
        assert Payment.objects.count() == 1
        assert numbers() == [1]
        proven()


class TestReceipts:
    def test_have_no_gap_where_others_are_rolled_back(
        self, pays: Any, traveller: User, noon: datetime
    ) -> None:
        fill(traveller, 64 * PRICE, noon)
        acts = [_refused(act) if index % 3 == 0 else act for index, act in enumerate(pays(48))]

        results = at_once(acts)

        assert tally(results) == {"done": 32, NotFound.code: 16}
        assert numbers() == list(range(1, 33))
        assert ReceiptSeries.objects.get().last_number == 32
        proven()

    def test_have_no_gap_where_nothing_else_is_locked(
        self, pays: Any, traveller: User, noon: datetime
    ) -> None:
        """Late receipts meet at the series alone, and at its first number."""
        fill(traveller, 24 * PRICE, noon)
        for act in pays(24):
            act()
        ReceiptLine.objects.all().delete()
        ReceiptName.objects.all().delete()
        Receipt.objects.all().delete()
        ReceiptSeries.objects.all().delete()
        sold = list(Payment.objects.values_list("id", flat=True))

        results = at_once([_late_receipt(payment_id, noon) for payment_id in sold])

        assert tally(results) == {"done": 24}
        assert numbers() == list(range(1, 25))
        proven()


class TestGoodwill:
    def test_gifts_at_once_count_together(
        self, traveller: User, staff: User, noon: datetime, settings: Any
    ) -> None:
        limit = settings.REFUND_APPROVAL_LIMIT

        def give() -> None:
            goodwill.give(
                user_id=traveller.pk,
                amount=Money(limit // 2, "EUR"),
                reason_code="strike",
                actor_id=staff.pk,
                now=noon,
            )

        at_once([give] * 16)

        assert Goodwill.objects.filter(state="done").count() == 2
        assert Goodwill.objects.filter(state="pendingApproval").count() == 14
        assert selectors.balance(traveller.pk, "EUR") == Money(limit, "EUR")
        proven()


class TestSettlements:
    def test_each_entry_is_in_one_however_much_is_sold_meanwhile(
        self, pays: Any, long_train: factories.Trip, traveller: User, noon: datetime
    ) -> None:
        fill(traveller, 64 * PRICE, noon)
        carrier_id = long_train.departure.service.carrier_id
        acts = pays(33)
        acts.pop()()
        tomorrow = noon + timedelta(days=1)

        def draw(until: date, now: datetime) -> Settlement:
            return settlements.draw(carrier_id=carrier_id, currency="EUR", until=until, now=now)

        results = at_once([*acts, *([lambda: draw(MONDAY, tomorrow)] * 8)])

        assert tally(results) == {"done": 33, "invalid_input": 7}
        first = Settlement.objects.get()
        counted = Entry.objects.filter(account=first.account, id__lte=first.last_entry_id).count()
        assert first.amount_minor == counted * PRICE
        if counted < 33:
            draw(MONDAY + timedelta(days=1), tomorrow + timedelta(days=1))
        assert sum(Settlement.objects.values_list("amount_minor", flat=True)) == 33 * PRICE
        proven()

    def test_one_is_paid_once_by_eight(
        self, pays: Any, long_train: factories.Trip, traveller: User, noon: datetime
    ) -> None:
        fill(traveller, PRICE, noon)
        pays(1)[0]()
        drawn = settlements.draw(
            carrier_id=long_train.departure.service.carrier_id,
            currency="EUR",
            until=MONDAY,
            now=noon + timedelta(days=1),
        )

        results = at_once(
            [
                lambda: settlements.mark_paid(
                    settlement_id=drawn.id, bank_reference="SEPA 1", now=noon + timedelta(days=1)
                )
            ]
            * 8
        )

        assert tally(results) == {"done": 1, "settlement_paid": 7}
        proven()


def _late_receipt(payment_id: int, now: datetime) -> Callable[[], Any]:
    return lambda: receipts._issue_late_receipt(payment_id, now)


def _refused(act: Callable[[], Any]) -> Callable[[], Any]:
    """Do it, and refuse afterwards: everything is rolled back, a receipt's number too."""

    @in_transaction
    def run() -> None:
        act()
        raise NotFound

    return run
