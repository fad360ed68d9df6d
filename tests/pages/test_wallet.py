"""The wallet's page: balances, statement, top-up."""

from __future__ import annotations

import itertools
import re
from datetime import datetime
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from payments import services as money
from payments.models import TopUp
from tests import selling
from tests.conftest import Clock
from tests.factories import Timetable, Trip
from tests.pages.cast import fill_wallet, paid, signed_in, text_of
from travel.common.money import Money

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(traveller: User, timetable: Timetable, clock: Clock) -> Client:
    """The traveller's browser, at noon."""
    return signed_in(traveller)


# Each form that is shown has a token of its own.
FORMS = itertools.count(1)


def top_up(amount: str = "50.00", **fields: str) -> dict[str, str]:
    once = f"form-{next(FORMS)}"
    return {"amount": amount, "currency": "EUR", "card": "tok_accepted", "once": once, **fields}


class TestWallet:
    def test_is_for_whoever_signed_in(self, client: Client) -> None:
        assert client.get("/wallet/").url == "/account/sign-in/?next=/wallet/"

    def test_tells_every_currency_and_move(
        self, browser: Client, traveller: User, train: Trip, noon: datetime
    ) -> None:
        fill_wallet(traveller, "100.00", now=noon)
        money.open_with(user_id=traveller.pk, amount=Money(1_050, "GBP"), now=noon)
        booked = paid(traveller, train.ticket_id(), now=noon, method="Wallet")

        page = text_of(browser.get("/wallet/"))

        for told in ("€55.00", "£10.50", "Opening balance", "−€45.00", booked.locator):
            assert told in page, told

    def test_takes_twelve_statements_at_most(
        self,
        browser: Client,
        traveller: User,
        noon: datetime,
        django_assert_max_num_queries: Any,
    ) -> None:
        for _ in range(25):
            browser.post("/wallet/", top_up("1.00"))

        with django_assert_max_num_queries(12):
            page = text_of(browser.get("/wallet/?page=2"))

        assert "€25.00" in page
        # 20 of the 25 moves are on the first page.
        assert page.count("+€1.00") == 5


class TestTopUp:
    @pytest.mark.parametrize(
        ("typed", "now_in_it"), [("50.00", "€50.00"), ("7,5", "€7.50"), ("١٢", "€12.00")]
    )
    def test_fills_the_wallet(self, browser: Client, typed: str, now_in_it: str) -> None:
        answer = browser.post("/wallet/", top_up(typed))

        assert answer.url == "/wallet/"
        assert f"{now_in_it} is in your wallet." in text_of(browser.get("/wallet/"))

    @pytest.mark.parametrize(
        "typed",
        ["", "0", "-5", "0.001", "1e3", "NaN", "1,000", "2.500", "99999999999", "1000000.01"],
    )
    def test_refuses_what_is_no_amount(self, browser: Client, typed: str) -> None:
        before = selling.everything()

        answer = browser.post("/wallet/", top_up(typed))

        assert answer.status_code == 400
        assert 'role="alert"' in text_of(answer)
        assert selling.everything() == before
        assert not TopUp.objects.exists()

    def test_refuses_a_currency_nothing_is_sold_in(self, browser: Client) -> None:
        # ISO 4217 keeps this code for no currency at all.
        assert browser.post("/wallet/", top_up(currency="XXX")).status_code == 400

    def test_a_declined_card_says_so(self, browser: Client) -> None:
        answer = browser.post("/wallet/", top_up(card="tok_declined"))

        assert answer.status_code == 400
        assert "The bank declined the card." in text_of(answer)
        assert "Your wallet is empty." in text_of(answer)

    def test_pressed_twice_fills_once(self, browser: Client) -> None:
        page = browser.get("/wallet/").content.decode()
        (token,) = re.findall(r'name="once" value="([\w-]+)"', page)

        for _ in range(2):
            answer = browser.post("/wallet/", top_up("50.00", once=token))
            assert answer.url == "/wallet/"

        assert TopUp.objects.count() == 1
        page = text_of(browser.get("/wallet/"))
        assert page.count("+€50.00") == 1
        assert "This was sent before." in page

    def test_may_be_sent_again_after_a_refusal(self, browser: Client) -> None:
        page = browser.post("/wallet/", top_up(card="tok_declined")).content.decode()
        (token,) = re.findall(r'name="once" value="([\w-]+)"', page)

        browser.post("/wallet/", top_up(once=token))

        assert "+€50.00" in text_of(browser.get("/wallet/"))

    def test_waits_for_consent(self, browser: Client) -> None:
        asked = browser.post("/wallet/", top_up(card="tok_3ds"))
        assert asked.url.startswith("/pay/sandbox/top-up-")
        assert "Wallet top-up" in text_of(browser.get(asked.url))

        browser.post(asked.url, {"answer": "accept"})
        browser.post(asked.url, {"answer": "accept"})

        assert text_of(browser.get("/wallet/")).count("+€50.00") == 1

    def test_refused_consent_moves_nothing(self, browser: Client) -> None:
        asked = browser.post("/wallet/", top_up(card="tok_3ds"))

        browser.post(asked.url, {"answer": "refuse"})

        assert "Nothing was charged." in text_of(browser.get("/wallet/"))
        assert TopUp.objects.get().state == TopUp.State.FAILED

    def test_consent_is_the_owners_alone(self, browser: Client, stranger: User) -> None:
        asked = browser.post("/wallet/", top_up(card="tok_3ds"))

        other = signed_in(stranger)

        assert other.post(asked.url, {"answer": "accept"}).status_code == 404
        assert Client().get(asked.url).status_code == 404

    def test_leads_back_to_what_was_to_be_paid(
        self, browser: Client, traveller: User, train: Trip, noon: datetime
    ) -> None:
        held = selling.reserve(traveller, train.ticket_id(), now=noon)
        back = f"/checkout/{held.locator}/payment/"

        assert browser.post("/wallet/", top_up(next=back)).url == back
        assert browser.post("/wallet/", top_up(next="https://evil.example/")).url == "/wallet/"
