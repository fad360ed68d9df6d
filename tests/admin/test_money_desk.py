"""What finance does in the admin: terms, statements, payouts, goodwill; and nobody else."""

from __future__ import annotations

import csv
import io
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from accounts.viewers import Viewer
from bookings.selectors import ReservationDetail
from inventory.models import Carrier
from payments import selectors, services
from payments.models import Account, CarrierTerms, Goodwill, Settlement, Transfer
from payments.services import settlements
from tests import factories
from tests.conftest import Clock
from tests.factories import Trip
from tests.selling import reserve
from travel.common.money import Money


@pytest.fixture(autouse=True)
def _audited(audited: None) -> None:
    """Every story about money ends with the audit."""


@pytest.fixture
def browser_of(settings: Any, clock: Clock) -> Any:
    """Answer the browser of somebody in a role."""
    settings.STAFF_2FA = "optional"

    def make(role: str) -> Client:
        client = Client()
        client.force_login(factories.make_user(is_staff=True, roles=[role]))
        return client

    return make


@pytest.fixture
def finance(browser_of: Any) -> Client:
    browser: Client = browser_of("finance")
    return browser


@pytest.fixture
def carrier(train: factories.Trip, clock: Clock) -> Carrier:
    """The train's carrier, whose fee is 12.5 % since this Monday."""
    found: Carrier = train.departure.service.carrier
    settlements.agree_terms(
        carrier_id=found.pk,
        valid_from=clock.now().date(),
        fee_basis_points=1_250,
        now=clock.now() - timedelta(days=1),
    )
    return found


@pytest.fixture
def sold(carrier: Carrier, traveller: User, train: factories.Trip, clock: Clock) -> Any:
    """One ticket of 45.00 by card on Monday; then it is Tuesday."""
    held: ReservationDetail = reserve(traveller, train.ticket_id(), now=clock.now())
    services.pay(
        viewer=Viewer(user_id=traveller.pk),
        reservation_id=held.id,
        method="Bank Card",
        token="tok_accepted",
        now=clock.now(),
    )
    clock.advance(days=1)
    return held


def rows(answer: Any) -> list[list[str]]:
    content = b"".join(answer.streaming_content).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(content, newline="")))


class TestTerms:
    address = "/admin/payments/carrierterms/agree/"

    def test_are_agreed(self, finance: Client, train: factories.Trip, clock: Clock) -> None:
        carrier = train.departure.service.carrier
        day = clock.now().date() + timedelta(days=1)

        answer = finance.post(
            self.address, {"carrier": carrier.pk, "valid_from": day.isoformat(), "share": "12.5"}
        )

        terms = CarrierTerms.objects.get()
        assert answer.headers["Location"] == f"/admin/payments/carrierterms/{terms.pk}/change/"
        assert (terms.carrier, terms.valid_from, terms.fee_basis_points) == (carrier, day, 1_250)

    def test_are_refused_beside_the_field(
        self, finance: Client, train: factories.Trip, clock: Clock
    ) -> None:
        answer = finance.post(
            self.address,
            {
                "carrier": train.departure.service.carrier.pk,
                "valid_from": clock.now().date().isoformat(),
                "share": "12.5",
            },
        )

        assert answer.status_code == 400
        assert "valid_from" in answer.context["form"].errors
        assert CarrierTerms.objects.count() == 0


class TestSettlements:
    def test_are_drawn_shown_and_paid(self, finance: Client, sold: Any, carrier: Carrier) -> None:
        account = Account.objects.get(kind="carrier")

        answer = finance.post(
            "/admin/payments/settlement/draw/", {"account": account.pk, "until": "2026-06-01"}
        )

        drawn = Settlement.objects.get()
        assert answer.headers["Location"] == f"/admin/payments/settlement/{drawn.pk}/change/"
        address = reverse("admin:payments_settlement_statement", args=[drawn.pk])
        page = finance.get(address).content.decode()
        for amount in ("€45.00", "€5.63", "€39.37"):
            assert amount in page

        finance.post(address, {"bank_reference": "SEPA 2026/17"})

        drawn.refresh_from_db()
        assert (drawn.state, drawn.bank_reference) == ("paid", "SEPA 2026/17")
        assert "SEPA 2026/17" in finance.get(address).content.decode()
        assert Account.objects.get(kind="bank").balance_minor == 3_937

    def test_are_files_as_well(
        self, finance: Client, sold: Any, carrier: Carrier, train: factories.Trip
    ) -> None:
        train.departure.service.number = "=cmd|' /C calc'!A0"
        train.departure.service.save()
        drawn = settlements.draw(
            carrier_id=carrier.pk,
            currency="EUR",
            until=sold.created_at.date(),
            now=sold.created_at + timedelta(days=1),
        )

        head, line = rows(finance.get(f"/admin/payments/settlement/{drawn.pk}/statement.csv"))

        told = dict(zip(head, line, strict=True))
        assert told["service"] == "'=cmd|' /C calc'!A0"
        assert (told["price"], told["fee"], told["carrier"]) == ("45.00", "-5.63", "39.37")

    def test_a_wrong_reference_is_told(self, finance: Client, sold: Any, carrier: Carrier) -> None:
        drawn = settlements.draw(
            carrier_id=carrier.pk,
            currency="EUR",
            until=sold.created_at.date(),
            now=sold.created_at + timedelta(days=1),
        )
        address = reverse("admin:payments_settlement_statement", args=[drawn.pk])

        answer = finance.post(address, {"bank_reference": " "})

        assert "Write the bank" in answer.content.decode()
        drawn.refresh_from_db()
        assert drawn.state == "drawn"


class TestAccounts:
    def test_show_their_statement(self, finance: Client, sold: Any) -> None:
        account = Account.objects.get(kind="fee")

        page = finance.get(reverse("admin:payments_account_statement", args=[account.pk]))

        text = page.content.decode()
        assert "+€5.63" in text
        assert sold.locator in text

    def test_and_the_file_of_it(self, finance: Client, sold: Any) -> None:
        account = Account.objects.get(kind="gateway")

        head, line = rows(finance.get(f"/admin/payments/account/{account.pk}/statement.csv"))

        told = dict(zip(head, line, strict=True))
        assert (told["amount"], told["balance"], told["currency"]) == ("-45.00", "-45.00", "EUR")

    def test_a_payout_is_booked_once(self, finance: Client, sold: Any) -> None:
        said = {
            "gateway": "sandbox",
            "amount": "40.00",
            "currency": "EUR",
            "bank_reference": "PO 1",
            "once": "pressed-twice",
        }

        finance.post("/admin/payments/transfer/payout/", said)
        finance.post("/admin/payments/transfer/payout/", said)

        assert Transfer.objects.filter(kind="payout").count() == 1
        assert Account.objects.get(kind="bank").balance_minor == -4_000


class TestGoodwill:
    address = "/admin/payments/goodwill/give/"
    said = {
        "traveller": "ada@example.org",
        "amount": "15.00",
        "currency": "EUR",
        "reason_code": "strike",
        "confirmed": "Give goodwill",
    }

    def test_is_shown_before_it_is_given(self, browser_of: Any, traveller: User) -> None:
        browser = browser_of("support agent")
        said = {name: text for name, text in self.said.items() if name != "confirmed"}

        answer = browser.post(self.address, said)

        html = answer.content.decode()
        assert answer.status_code == 200
        assert "€15.00 goes to the wallet of Ada Lovelace (ada@example.org)." in html
        assert 'name="amount" value="15.00"' in html
        assert 'name="confirmed"' in html
        assert Goodwill.objects.count() == 0

        done = browser.post(self.address, self.said, follow=True)
        assert [str(one) for one in done.context["messages"]] == [
            "€15.00 is in the wallet of Ada Lovelace."
        ]

    def test_goes_on_with_the_booking_it_is_about(
        self, finance: Client, traveller: User, train: Trip, noon: datetime
    ) -> None:
        held = reserve(traveller, train.ticket_id(), now=noon)

        answer = finance.post(self.address, self.said | {"locator": held.locator})

        page = reverse("admin:bookings_reservation_change", args=[held.id])
        assert answer.headers["Location"] == page

    # ISO 4217 keeps XXX for no currency at all; ABC is nobody's, and a choice is not typed.
    @pytest.mark.parametrize("currency", ["ABC", "XXX", "eur", ""])
    def test_of_a_currency_that_is_none_is_refused(
        self, finance: Client, traveller: User, currency: str
    ) -> None:
        answer = finance.post(self.address, self.said | {"currency": currency})

        assert answer.status_code == 400
        assert set(answer.context["form"].errors) == {"currency"}

    @pytest.mark.parametrize(
        ("typed", "minor"),
        [("2,50", 250), ("2.5", 250), ("2500", 250_000), (" 7 ", 700), ("٥٫۵", 550), ("۱۲", 1_200)],
    )
    def test_is_read_as_it_is_typed(
        self, finance: Client, traveller: User, settings: Any, typed: str, minor: int
    ) -> None:
        settings.REFUND_APPROVAL_LIMIT = 1_000_000

        finance.post(self.address, self.said | {"amount": typed})

        assert Goodwill.objects.get().amount_minor == minor

    def test_is_given_by_the_help_desk_once(self, browser_of: Any, traveller: User) -> None:
        browser = browser_of("support agent")
        form = browser.get(self.address).context["form"]
        said = self.said | {"once": form.initial["once"]}

        answer = browser.post(self.address, said)
        browser.post(self.address, said)

        given = Goodwill.objects.get()
        assert answer.headers["Location"] == f"/admin/payments/goodwill/{given.pk}/change/"
        assert Account.objects.get(kind="wallet").balance_minor == 1_500

    def test_waits_for_finance_beyond_the_limit(
        self, browser_of: Any, finance: Client, traveller: User
    ) -> None:
        browser_of("support agent").post(self.address, self.said | {"amount": "500.01"})
        given = Goodwill.objects.get()
        assert given.state == "pendingApproval"

        finance.post(reverse("admin:payments_goodwill_approve", args=[given.pk]))

        assert Account.objects.get(kind="wallet").balance_minor == 50_001

    def test_needs_a_traveller(self, finance: Client) -> None:
        answer = finance.post(self.address, self.said)

        assert answer.status_code == 400
        assert "traveller" in answer.context["form"].errors
        assert Goodwill.objects.count() == 0


class TestOthers:
    @pytest.mark.parametrize("role", ["support agent", "operations"])
    @pytest.mark.parametrize(
        "address", ["carrierterms/agree", "settlement/draw", "transfer/payout"]
    )
    def test_do_not_handle_money(self, browser_of: Any, role: str, address: str) -> None:
        browser = browser_of(role)

        assert browser.get(f"/admin/payments/{address}/").status_code == 403
        assert browser.post(f"/admin/payments/{address}/", {}).status_code == 403

    def test_do_not_mark_statements_as_paid(
        self, browser_of: Any, sold: Any, carrier: Carrier
    ) -> None:
        drawn = settlements.draw(
            carrier_id=carrier.pk,
            currency="EUR",
            until=sold.created_at.date(),
            now=sold.created_at + timedelta(days=1),
        )
        address = reverse("admin:payments_settlement_statement", args=[drawn.pk])

        answer = browser_of("support agent").post(address, {"bank_reference": "x"})

        assert answer.status_code == 403
        drawn.refresh_from_db()
        assert drawn.state == "drawn"

    def test_without_the_right_to_look_see_no_statement(
        self, settings: Any, sold: Any, clock: Clock, staff: User
    ) -> None:
        settings.STAFF_2FA = "optional"
        browser = Client()
        browser.force_login(staff)
        account = Account.objects.get(kind="carrier")

        for page in ("statement/", "statement.csv"):
            answer = browser.get(f"/admin/payments/account/{account.pk}/{page}")
            assert answer.status_code in (302, 403)
            assert "39.37" not in b"".join(answer).decode()

    def test_a_statement_of_nothing_is_no_fault(self, finance: Client) -> None:
        for page in ("account/999/statement/", "settlement/999/statement.csv"):
            assert finance.get(f"/admin/payments/{page}").status_code == 302

    def test_an_amount_that_is_none_is_refused(self, finance: Client, traveller: User) -> None:
        for amount in (
            *("NaN", "-1", "0", "1e3", "15.005", "9" * 16),
            # 2500.00 or 2.50? Nobody knows.
            *("2,500", "1.500", "1,000", "2,500.00", "2 500", "1'000", ".5", "5.", "²"),
        ):
            answer = finance.post(TestGoodwill.address, TestGoodwill.said | {"amount": amount})
            assert answer.status_code == 400, amount
        assert selectors.balance(traveller.pk, "EUR") == Money(0, "EUR")
