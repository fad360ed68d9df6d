"""Receipts and credit notes: written with the sale, numbered without gaps."""

from __future__ import annotations

from base64 import b64decode
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.management import call_command

from accounts.models import User
from accounts.viewers import Viewer
from bookings import selectors as bookings
from bookings.engine.contract import Actor
from bookings.selectors import ReservationDetail
from payments import services
from payments.errors import InsufficientFunds
from payments.models import Payment, Receipt, ReceiptName, ReceiptSeries, Refund
from payments.penalties import Waiver
from payments.services import receipts
from tests import factories
from tests.conftest import ApiClient, Clock
from tests.selling import reserve
from travel.common.money import Money

from .conftest import Hold

RIDE = "ICE 585 Hamburg Hbf – München Hbf, 2 Jun 2026"


def cancel(me: Viewer, reservation: ReservationDetail, now: datetime, **details: Any) -> None:
    services.cancel_and_refund(
        viewer=me,
        reservation_id=reservation.id,
        actor=Actor("holder", me.user_id),
        now=now,
        **details,
    )


def lines(receipt: Receipt) -> list[tuple[str, str, int]]:
    return list(receipt.lines.order_by("position").values_list("kind", "label", "amount_minor"))


class TestReceipt:
    def test_is_written_with_the_sale(
        self, paid: Hold, me: Viewer, noon: datetime, settings: LazySettings
    ) -> None:
        settings.RECEIPT_ISSUER_TEXT = "Onward Ltd\n1 Station Road\nVAT 123"
        reservation = paid(1)

        receipt = Receipt.objects.get()
        assert (receipt.kind, receipt.number, receipt.total_minor) == ("receipt", 1, 4_500)
        assert (receipt.series.issuer, receipt.series.year) == ("R", 2026)
        assert receipt.payment == Payment.objects.get(settles=reservation.id)
        assert receipt.issuer_text == "Onward Ltd\n1 Station Road\nVAT 123"
        # 7/107 of 45.00 is 2.94.
        assert lines(receipt) == [("fare", f"{RIDE}, Saver", 4_206), ("tax", "Tax", 294)]

    def test_is_written_for_who_owns_the_account(self, paid: Hold) -> None:
        paid(1)

        name = ReceiptName.objects.get()
        assert (name.name, name.kept_until) == ("Ada Lovelace", date(2036, 12, 31))

    def test_is_written_for_a_guests_first_passenger(
        self, train: factories.Trip, noon: datetime
    ) -> None:
        held = reserve("guest@example.org", train.ticket_id(), now=noon)

        services.pay(
            viewer=Viewer(is_support=True),
            reservation_id=held.id,
            method="Bank Card",
            token=None,
            now=noon,
        )

        assert ReceiptName.objects.get().name == "Ada Roe"

    def test_holds_no_name_itself(self, paid: Hold) -> None:
        paid(1)

        everything = str(list(Receipt.objects.values())) + str(lines(Receipt.objects.get()))
        assert "Roe" not in everything
        assert "Lovelace" not in everything

    def test_numbers_begin_anew_each_year(self, paid: Hold, noon: datetime) -> None:
        paid(1)
        new_year = datetime(2027, 1, 1, tzinfo=UTC)
        sold = Payment.objects.get()
        reservation = bookings.get_reservation(
            viewer=Viewer(is_support=True), reservation_id=sold.reservation_id, now=noon
        )
        _forget_receipts()
        old = new_year - timedelta(microseconds=1)

        first = receipts.issue_receipt(payment=sold, reservation=reservation, now=old)
        _forget_receipts(series=False)
        second = receipts.issue_receipt(payment=sold, reservation=reservation, now=new_year)

        assert (first.series.year, first.number) == (2026, 1)
        assert (second.series.year, second.number) == (2027, 1)
        ReceiptSeries.objects.filter(year=2026).delete()

    def test_a_payment_that_is_rolled_back_takes_its_number_back(
        self, hold: Hold, paid: Hold, me: Viewer, noon: datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        paid(1)
        reservation = hold(1)

        def fail(**details: object) -> None:
            raise InsufficientFunds

        with monkeypatch.context() as patch:
            patch.setattr(ReceiptName.objects, "create", fail)
            with pytest.raises(InsufficientFunds):
                services.pay(
                    viewer=me,
                    reservation_id=reservation.id,
                    method="Wallet",
                    token=None,
                    now=noon,
                )
        assert ReceiptSeries.objects.get().last_number == 1
        services.pay(
            viewer=me, reservation_id=reservation.id, method="Wallet", token=None, now=noon
        )

        assert list(Receipt.objects.order_by("id").values_list("number", flat=True)) == [1, 2]

    def test_a_capture_that_buys_nothing_has_none(
        self, hold: Hold, me: Viewer, wallet: Money, noon: datetime
    ) -> None:
        reservation = hold(1)
        by_card = services.pay(
            viewer=me, reservation_id=reservation.id, method="Bank Card", token="tok_3ds", now=noon
        )
        services.pay(
            viewer=me, reservation_id=reservation.id, method="Wallet", token=None, now=noon
        )

        services.answer_sandbox(
            viewer=me, key=f"payment-{by_card.payment_id}", accepted=True, now=noon
        )

        assert Refund.objects.get().cause == "double_capture"
        assert Receipt.objects.get().payment == Payment.objects.get(method="Wallet")


class TestCreditNote:
    def test_takes_the_lines_back_and_keeps_the_penalty(
        self, paid: Hold, me: Viewer, noon: datetime
    ) -> None:
        reservation = paid(2)

        cancel(me, reservation, noon, passenger_ids=[reservation.passengers[0].id])

        receipt, note = Receipt.objects.order_by("id")
        assert (note.kind, note.number, note.total_minor) == ("credit_note", 2, 2_250)
        assert note.credits == receipt
        assert lines(note) == [
            ("fare", f"{RIDE}, Saver", 4_206),
            ("tax", "Tax", 294),
            ("penalty", "Kept: penalty", -2_250),
        ]
        assert {line.coupon_id for line in note.lines.all()} == {reservation.coupons[0].id}

    def test_is_not_written_where_nothing_goes_back(
        self, paid: Hold, me: Viewer, noon: datetime
    ) -> None:
        reservation = paid(1)

        cancel(me, reservation, noon + timedelta(hours=17, minutes=30))

        assert Refund.objects.count() == 0
        assert Receipt.objects.count() == 1

    def test_waits_for_the_second_person(
        self,
        paid: Hold,
        me: Viewer,
        staff: User,
        noon: datetime,
        settings: LazySettings,
    ) -> None:
        settings.REFUND_APPROVAL_LIMIT = 4_499
        reservation = paid(1)
        services.cancel_and_refund(
            viewer=Viewer(is_support=True),
            reservation_id=reservation.id,
            actor=Actor("staff", staff.pk),
            waiver=Waiver("strike"),
            reason_code="strike",
            now=noon,
        )
        assert Receipt.objects.count() == 1

        chief = factories.make_user(is_staff=True, roles=["finance"])
        services.approve_refund(refund_id=Refund.objects.get().id, approver_id=chief.pk, now=noon)

        assert Receipt.objects.get(kind="credit_note").total_minor == 4_500

    def test_is_written_once(self, paid: Hold, me: Viewer, noon: datetime) -> None:
        reservation = paid(1)
        cancel(me, reservation, noon)

        again = receipts.issue_credit_note(refund=Refund.objects.get(), now=noon)

        assert again == Receipt.objects.get(kind="credit_note")
        assert ReceiptSeries.objects.get().last_number == 2


class TestWhatCameBefore:
    def test_gets_its_receipts_late(self, paid: Hold, me: Viewer, noon: datetime) -> None:
        cancel(me, paid(1), noon)
        paid(1)
        _forget_receipts()

        assert receipts.issue_missing(now=noon, limit=10) == 3
        assert receipts.issue_missing(now=noon, limit=10) == 0

        assert list(Receipt.objects.order_by("number").values_list("kind", flat=True)) == [
            "receipt",
            "receipt",
            "credit_note",
        ]

    def test_some_at_a_time(self, paid: Hold, me: Viewer, noon: datetime) -> None:
        cancel(me, paid(1), noon)
        paid(1)
        _forget_receipts()

        assert receipts.issue_missing(now=noon, limit=2) == 2
        assert receipts.issue_missing(now=noon, limit=2) == 1


class TestNames:
    def test_are_deleted_when_their_term_ends(self, paid: Hold) -> None:
        paid(1)

        assert receipts.erase_names(today=date(2036, 12, 31), limit=10) == 0
        assert receipts.erase_names(today=date(2037, 1, 1), limit=10) == 1
        assert ReceiptName.objects.count() == 0
        assert Receipt.objects.count() == 1


def _forget_receipts(*, series: bool = True) -> None:
    """Empty the tables as they were before there were receipts."""
    for receipt in Receipt.objects.order_by("-id"):
        receipt.lines.all().delete()
        receipt.written_for.delete()
        receipt.delete()
    if series:
        ReceiptSeries.objects.all().delete()


def test_the_command_writes_what_is_missing(
    paid: Hold, me: Viewer, noon: datetime, clock: Clock
) -> None:
    cancel(me, paid(1), noon)
    _forget_receipts()

    told = StringIO()
    call_command("issue_receipts", stdout=told)

    assert told.getvalue() == "2 receipts and credit notes written, 0 names deleted\n"
    assert Receipt.objects.count() == 2


class TestAPI:
    def test_leads_from_a_purchase_to_the_document(
        self, paid: Hold, me: Viewer, traveller: User, noon: datetime, api: ApiClient
    ) -> None:
        cancel(me, paid(1), noon)
        paid(1)
        mine = api.by(traveller)

        bought = mine.get("/reservations/purchased").json()["results"]
        receipts_at = bought[0]["documents"]["receipts"].removeprefix("http://testserver")
        listed = mine.get(receipts_at).json()

        assert listed["count"] == 2
        first, second = listed["results"]
        assert (first["number"], first["kind"]) == ("R-2026-000001", "receipt")
        assert first["total"] == {"amount": "45.00", "currency": "EUR"}
        assert first["tax"] == {"amount": "2.94", "currency": "EUR"}
        note = mine.get(f"/reservations/receipts/{second['receiptID']}").json()
        assert (note["kind"], note["credits"]) == ("credit_note", "R-2026-000001")
        assert [line["amount"]["amount"] for line in note["lines"]] == ["42.06", "2.94", "-22.50"]
        assert b64decode(note["pdf"]).startswith(b"%PDF-")

    def test_the_wallet_tells_its_balance_after_each_move(
        self, paid: Hold, traveller: User, api: ApiClient
    ) -> None:
        paid(1)

        moves = api.by(traveller).get("/wallet?currency=EUR").json()["results"]

        assert [(one["amount"]["amount"], one["balance"]["amount"]) for one in moves] == [
            ("-45.00", "455.00"),
            ("500.00", "500.00"),
        ]
        assert api.by(traveller).get("/wallet?currency=GBP").json()["results"] == []
        assert api.by(traveller).get("/wallet?currency=XX").status_code == 400
