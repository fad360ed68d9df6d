"""Each fact of the audit about money: a defect is planted, and its row is named."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

import pytest
from django.db import connection

from accounts.models import User
from accounts.viewers import Viewer
from bookings.engine.contract import Actor
from bookings.models import PriceLine
from bookings.selectors import ReservationDetail
from payments import services
from payments.models import (
    Account,
    CarrierTerms,
    Entry,
    Goodwill,
    Payment,
    Receipt,
    ReceiptLine,
    ReceiptSeries,
    Refund,
    Settlement,
    Transfer,
)
from payments.services import goodwill, settlements
from support import audit
from tests import factories
from travel.common.money import Money

from .conftest import Hold

MONEY = [fact for fact in audit.FACTS if fact.number in (4, 5, 6)]


@pytest.fixture
def _audited() -> None:
    """Here the books are spoilt on purpose."""


@pytest.fixture(autouse=True)
def _keys_off(db: None) -> Iterator[None]:
    """Let tests plant what keys and checks would refuse."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA ignore_check_constraints = 1")
        yield
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA ignore_check_constraints = 0")


def broken() -> dict[str, list[tuple[object, ...]]]:
    return {one.fact.code: one.rows for one in audit.findings(MONEY)}


@pytest.fixture
def sold(
    train: factories.Trip, paid: Hold, me: Viewer, staff: User, noon: datetime
) -> ReservationDetail:
    """
    Two on the train at 45.00 with a fee of 12.5 %, one of them cancelled at half its price; a gift
    of 15.00; and the carrier's first statement, paid.
    """
    carrier_id = train.departure.service.carrier_id
    settlements.agree_terms(
        carrier_id=carrier_id,
        valid_from=date(2026, 6, 1),
        fee_basis_points=1_250,
        now=noon - timedelta(days=1),
    )
    reservation = paid(2)
    services.cancel_and_refund(
        viewer=me,
        reservation_id=reservation.id,
        passenger_ids=[reservation.passengers[0].id],
        actor=Actor("holder", me.user_id),
        now=noon,
    )
    assert me.user_id is not None
    goodwill.give(
        user_id=me.user_id,
        amount=Money(1_500, "EUR"),
        reason_code="strike",
        actor_id=staff.pk,
        now=noon,
    )
    tomorrow = noon + timedelta(days=1)
    drawn = settlements.draw(
        carrier_id=carrier_id, currency="EUR", until=date(2026, 6, 1), now=tomorrow
    )
    settlements.mark_paid(settlement_id=drawn.id, bank_reference="SEPA 1", now=tomorrow)
    return reservation


def test_nothing_is_broken_by_selling(sold: ReservationDetail) -> None:
    assert broken() == {}


def _move(kind: str, code: str, minor: int) -> None:
    """Change an entry of the transfers of a kind on an account of a kind, and its balance."""
    entry = Entry.objects.get(transfer__kind=kind, account__kind=code)
    Entry.objects.filter(id=entry.id).update(amount_minor=entry.amount_minor + minor)
    account = Account.objects.get(id=entry.account_id)
    Account.objects.filter(id=account.id).update(balance_minor=account.balance_minor + minor)


class TestPlanted:
    def test_a_cent_that_comes_from_nowhere(self, sold: ReservationDetail) -> None:
        _move("goodwill", "wallet", 1)

        transfer = Transfer.objects.get(kind="goodwill")
        assert broken() == {
            "transfer_unbalanced": [(transfer.id, "EUR", 1)],
            "booked_differently": [(transfer.reference, 1_500, 1_501)],
        }

    def test_a_balance_that_is_not_its_entries(self, sold: ReservationDetail) -> None:
        wallet = Account.objects.get(kind="wallet")
        Account.objects.filter(id=wallet.id).update(balance_minor=wallet.balance_minor + 1)

        assert broken() == {
            "balance_differs": [(wallet.id, wallet.balance_minor + 1, wallet.balance_minor)]
        }

    def test_a_fee_that_is_a_cent_too_high(self, sold: ReservationDetail) -> None:
        _move("payment", "fee", 1)
        _move("payment", "carrier", -1)

        sale = Transfer.objects.get(kind="payment")
        carrier_id = Account.objects.get(kind="fee").carrier_id
        found = broken()
        assert found.pop("settlement_differs") == [(Settlement.objects.get().id, 3_937)]
        assert found == {
            "sale_split_differs": [(sale.id, carrier_id, 1_126, 1_127, 7_874, 7_873)],
        }

    def test_terms_that_were_changed_afterwards(self, sold: ReservationDetail) -> None:
        CarrierTerms.objects.update(fee_basis_points=1_251)

        # 12.51 % of 45.00 is 5.6295, still 5.63: only more is seen.
        assert broken() == {}
        CarrierTerms.objects.update(fee_basis_points=1_260)
        assert set(broken()) == {"sale_split_differs", "cancelled_fee_differs"}

    def test_a_fee_that_was_not_given_back(self, sold: ReservationDetail) -> None:
        _move("cancelled", "fee", 1)
        _move("cancelled", "penalty", -1)

        gone = Transfer.objects.get(kind="cancelled")
        carrier_id = Account.objects.get(kind="fee").carrier_id
        assert broken() == {"cancelled_fee_differs": [(gone.cancellation_id, carrier_id, 282, 281)]}

    def test_returns_that_nobody_is_to_get(self, sold: ReservationDetail) -> None:
        _move("cancelled", "returns", 1)
        _move("cancelled", "penalty", -1)

        assert broken() == {"returns_differ": [("EUR", 1, 0)]}

    def test_goodwill_that_was_never_booked(self, sold: ReservationDetail) -> None:
        given = Goodwill.objects.get()
        Transfer.objects.filter(goodwill=given).update(goodwill=None)

        assert broken() == {"state_without_booking": [("goodwill", given.id, "done")]}

    def test_a_settlement_that_was_booked_and_is_not_paid(self, sold: ReservationDetail) -> None:
        Settlement.objects.update(state="drawn", paid_at=None)

        drawn = Settlement.objects.get()
        assert broken() == {"state_without_booking": [("settlement", drawn.id, "drawn")]}

    def test_a_settlement_of_another_sum(self, sold: ReservationDetail) -> None:
        Settlement.objects.update(amount_minor=3_938)

        drawn = Settlement.objects.get()
        reference = Transfer.objects.get(settlement=drawn).reference
        assert broken() == {
            "settlement_differs": [(drawn.id, 3_938)],
            "booked_differently": [(reference, 3_938, 3_937)],
        }

    def test_a_surplus_that_was_kept(self, sold: ReservationDetail) -> None:
        Payment.objects.update(received_minor=9_001)

        assert broken() == {"surplus_kept": [(Payment.objects.get().id, 1, 0)]}

    def test_a_refund_beyond_what_was_captured(self, sold: ReservationDetail) -> None:
        refund = Refund.objects.get()
        Refund.objects.filter(id=refund.id).update(amount_minor=9_001)

        assert broken()["refunds_too_high"] == [(refund.payment_id, 9_000, 9_001)]

    def test_a_price_that_was_changed_after_it_was_paid(self, sold: ReservationDetail) -> None:
        fare = PriceLine.objects.filter(kind="fare").order_by("id")[0]
        PriceLine.objects.filter(id=fare.id).update(amount_minor=fare.amount_minor + 1)

        assert broken()["paid_without_payment"] == [(sold.id, 9_001, 9_000)]

    def test_a_capture_that_bought_nothing_and_was_kept(self, sold: ReservationDetail) -> None:
        Payment.objects.update(settles=None)

        assert broken()["captured_for_nothing"] == [(Payment.objects.get().id, 9_000, 2_250)]
        assert broken()["paid_without_payment"] == [(sold.id, 9_000, None)]

    def test_a_number_that_was_left_out(self, sold: ReservationDetail) -> None:
        series = ReceiptSeries.objects.get()
        Receipt.objects.filter(kind="credit_note").update(number=3)

        assert broken() == {"receipt_number_missing": [(series.id, 2, 2, 3)]}

    def test_a_sale_without_a_receipt(self, sold: ReservationDetail) -> None:
        note = Receipt.objects.get(kind="credit_note")
        ReceiptLine.objects.filter(receipt=note).delete()
        note.written_for.delete()
        note.delete()
        ReceiptSeries.objects.update(last_number=1)

        assert broken() == {"receipt_missing": [("refund", Refund.objects.get().id)]}

    def test_a_receipt_that_says_another_sum(self, sold: ReservationDetail) -> None:
        receipt = Receipt.objects.get(kind="receipt")
        line = receipt.lines.order_by("id")[0]
        ReceiptLine.objects.filter(id=line.id).update(amount_minor=line.amount_minor - 1)

        assert broken() == {"receipt_differs": [(receipt.id, 9_000, 8_999, 9_000)]}
