"""Paying on the page: each way to pay, each refusal, and nothing paid twice."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from bookings.models import Reservation
from payments.gateways.sandbox import CRYPTO_TOKEN, STORIES
from payments.models import Payment, Refund
from payments.pages.forms import TEST_CARDS
from tests import selling
from tests.conftest import Clock
from tests.factories import Trip
from tests.pages.cast import fill_wallet, hold_as_guest, signed_in, text_of

pytestmark = pytest.mark.django_db

State = Reservation.State


@pytest.fixture
def browser(traveller: User, clock: Clock) -> Client:
    """The traveller's browser, at noon."""
    return signed_in(traveller)


@pytest.fixture
def held(traveller: User, train: Trip, noon: datetime) -> Any:
    """Two seats on the train, 90.00 EUR, held until 12:10 UTC."""
    return selling.reserve(traveller, train.ticket_id(), now=noon, passengers=2)


def page_of(held: Any) -> str:
    return f"/checkout/{held.locator}/payment/"


def state_of(held: Any) -> str:
    return Reservation.objects.values_list("state", flat=True).get(id=held.id)


class TestThePage:
    def test_says_what_is_paid_and_until_when(self, browser: Client, held: Any) -> None:
        page = text_of(browser.get(page_of(held)))

        assert "Pay €90.00" in page
        # 12:10 UTC is ten past two in Hamburg, where the train leaves.
        assert 'data-until="2026-06-01T14:10:00+02:00"' in page
        assert "ICE 585" in page
        assert "Coach 1, seats 1A and 1B" in page

    def test_says_what_cancelling_gives_back(self, browser: Client, held: Any) -> None:
        page = text_of(browser.get(page_of(held)))

        # The train leaves at 08:00: until 07:00 half of 90.00 comes back.
        assert "Until 2 Jun 2026, 07:00: €45.00 back (50 %)." in page
        assert "After that nothing comes back." in page

    def test_has_no_field_for_a_card_number(self, browser: Client, held: Any) -> None:
        page = browser.get(page_of(held)).content.decode()

        assert "cc-number" not in page
        assert "Test card that is accepted" in page

    def test_half_the_coins_and_then_the_rest_are_the_price(
        self, browser: Client, held: Any
    ) -> None:
        asked = browser.post(page_of(held), {"method": "Cryptocurrency"})
        for _time in range(2):
            assert browser.post(asked.url, {"answer": "half"}).url == asked.url
        page = text_of(browser.get(asked.url))
        # 90.00 EUR at 50,000 for one coin.
        assert "0.0018 SBX" in page
        assert "0 of 2" in page
        assert browser.post(asked.url, {"answer": "block"}).url == asked.url

        answer = browser.post(asked.url, {"answer": "block"})

        assert answer.url == f"/booking/{held.locator}/done/"
        assert Payment.objects.get().received_minor == 9_000

    def test_coming_back_without_an_answer_waits_for_the_provider(
        self, browser: Client, held: Any
    ) -> None:
        browser.post(page_of(held), {"method": "Bank Card", "card": "tok_late_webhook"})
        key = Payment.objects.get().gateway_reference

        answer = browser.get(f"/pay/return/{key}/")

        assert answer.url == f"/booking/{held.locator}/"
        assert "has not answered yet" in text_of(browser.get(answer.url))
        assert state_of(held) == State.HELD

    def test_of_somebody_else_is_not_there(self, stranger: User, clock: Clock, held: Any) -> None:
        browser = signed_in(stranger)

        assert browser.get(page_of(held)).status_code == 404
        assert browser.post(page_of(held), {"method": "Bank Card"}).status_code == 404
        assert state_of(held) == State.HELD

    def test_of_nobody_is_not_there(self, browser: Client) -> None:
        assert browser.get("/checkout/QQQQQQ/payment/").status_code == 404
        assert browser.get("/checkout/%00%F0%9F%9A%82/payment/").status_code == 404

    def test_a_guest_opens_it_by_the_link_of_the_message(
        self, client: Client, clock: Clock, train: Trip, noon: datetime
    ) -> None:
        held, secret = hold_as_guest(train.ticket_id(), now=noon)

        first = client.get(f"{page_of(held)}?key={secret}")
        page = text_of(client.get(first.url))

        assert first.url == page_of(held)
        assert "Pay €45.00" in page
        assert "Sign in to pay from your wallet." in page

    def test_takes_twelve_statements_at_most(
        self, browser: Client, held: Any, django_assert_max_num_queries: Any
    ) -> None:
        browser.get(page_of(held))

        with django_assert_max_num_queries(12):
            browser.get(page_of(held))


class TestByCard:
    def test_pays_and_confirms(self, browser: Client, held: Any) -> None:
        answer = browser.post(page_of(held), {"method": "Bank Card", "card": "tok_accepted"})

        assert answer.url == f"/booking/{held.locator}/done/"
        assert state_of(held) == State.PAID
        page = text_of(browser.get(answer.url))
        assert "You are booked" in page
        assert held.locator in page

    @pytest.mark.parametrize(
        ("card", "why"),
        [
            ("tok_declined", "The bank declined the card."),
            ("tok_insufficient", "There was not enough money on the card."),
            ("tok_expired", "The card has expired."),
        ],
    )
    def test_a_refusal_says_why_and_keeps_the_hold(
        self, browser: Client, held: Any, card: str, why: str
    ) -> None:
        answer = browser.post(page_of(held), {"method": "Bank Card", "card": card})

        page = text_of(answer)
        assert answer.status_code == 402
        assert why in page
        assert "Nothing was charged, and your seats are still held." in page
        assert 'role="alert"' in page
        assert "data-until=" in page
        assert state_of(held) == State.HELD

    def test_pressed_twice_pays_once(self, browser: Client, held: Any) -> None:
        browser.post(page_of(held), {"method": "Bank Card", "card": "tok_accepted"})

        again = browser.post(page_of(held), {"method": "Bank Card", "card": "tok_accepted"})

        assert again.url == f"/booking/{held.locator}/done/"
        assert Payment.objects.filter(state=Payment.State.CAPTURED).count() == 1

    @pytest.mark.parametrize(
        "wrong",
        [{}, {"method": "Cash"}, {"method": "Bank Card", "card": "4242424242424242"}],
    )
    def test_an_unknown_choice_changes_nothing(
        self, browser: Client, held: Any, wrong: dict[str, str]
    ) -> None:
        before = selling.everything()

        assert browser.post(page_of(held), wrong).status_code == 400
        assert selling.everything() == before


class TestFromTheWallet:
    def test_pays_and_leaves_the_rest(
        self, traveller: User, browser: Client, held: Any, noon: datetime
    ) -> None:
        fill_wallet(traveller, "100.00", now=noon)
        assert "Balance €100.00." in text_of(browser.get(page_of(held)))

        answer = browser.post(page_of(held), {"method": "Wallet"})

        assert answer.url == f"/booking/{held.locator}/done/"
        assert state_of(held) == State.PAID
        assert "€10.00" in text_of(browser.get("/wallet/"))

    def test_too_little_is_told_before_and_refused_after(
        self, traveller: User, browser: Client, held: Any, noon: datetime
    ) -> None:
        fill_wallet(traveller, "63.40", now=noon)
        page = text_of(browser.get(page_of(held)))
        # 90.00 - 63.40
        assert "Balance €63.40: €26.60 is missing." in page
        assert 'value="Wallet" disabled' in page
        assert "/wallet/?amount=26.60&amp;currency=EUR" in page
        before = selling.everything()

        answer = browser.post(page_of(held), {"method": "Wallet"})

        assert answer.status_code == 402
        assert "There is not enough money in the wallet." in text_of(answer)
        assert selling.everything() == before

    def test_is_not_used_for_what_a_guest_booked(
        self, traveller: User, browser: Client, train: Trip, noon: datetime
    ) -> None:
        fill_wallet(traveller, "100.00", now=noon)
        held, secret = hold_as_guest(train.ticket_id(), now=noon)
        browser.get(f"{page_of(held)}?key={secret}")
        assert 'value="Wallet" disabled' in text_of(browser.get(page_of(held)))
        before = selling.everything()

        answer = browser.post(page_of(held), {"method": "Wallet"})

        assert answer.status_code == 400
        assert selling.everything() == before


def test_every_test_card_is_a_story_of_the_sandbox() -> None:
    assert {token for token, _text in TEST_CARDS} == set(STORIES) - {CRYPTO_TOKEN}


class TestThroughTheProvidersPage:
    @pytest.mark.parametrize(
        "way", [{"method": "Bank Card", "card": "tok_3ds"}, {"method": "Cryptocurrency"}]
    )
    def test_consent_pays(self, browser: Client, held: Any, way: dict[str, str]) -> None:
        asked = browser.post(page_of(held), way)
        assert asked.url.startswith("/pay/sandbox/payment-")
        assert "Yes, pay €90.00" in text_of(browser.get(asked.url))

        answer = browser.post(asked.url, {"answer": "accept"})

        assert answer.url == f"/booking/{held.locator}/done/"
        assert state_of(held) == State.PAID

    def test_refusing_leads_back_to_paying(self, browser: Client, held: Any) -> None:
        asked = browser.post(page_of(held), {"method": "Cryptocurrency"})

        answer = browser.post(asked.url, {"answer": "refuse"})

        assert answer.url == page_of(held)
        page = text_of(browser.get(answer.url))
        assert "You refused it on the provider&#x27;s page. Nothing was charged." in page
        assert state_of(held) == State.HELD

    def test_answering_twice_changes_nothing(self, browser: Client, held: Any) -> None:
        asked = browser.post(page_of(held), {"method": "Cryptocurrency"})
        browser.post(asked.url, {"answer": "accept"})
        before = selling.everything()

        again = browser.post(asked.url, {"answer": "refuse"})

        assert again.url == f"/booking/{held.locator}/done/"
        assert selling.everything() == before

    def test_consent_after_the_hold_has_the_seats_that_are_still_free(
        self, browser: Client, held: Any, clock: Clock
    ) -> None:
        asked = browser.post(page_of(held), {"method": "Cryptocurrency"})
        clock.advance(minutes=30)

        answer = browser.post(asked.url, {"answer": "accept"})

        assert answer.url == f"/booking/{held.locator}/done/"
        assert state_of(held) == State.PAID

    def test_consent_after_the_seats_were_sold_is_given_back(
        self, browser: Client, held: Any, clock: Clock, train: Trip
    ) -> None:
        asked = browser.post(page_of(held), {"method": "Cryptocurrency"})
        late = clock.advance(minutes=30)
        selling.reserve("quick@example.org", train.ticket_id(), now=late, passengers=8)

        answer = browser.post(asked.url, {"answer": "accept"})

        assert answer.url == f"/booking/{held.locator}/"
        page = text_of(browser.get(answer.url))
        assert "€90.00 goes back to you in full." in page
        assert list(Refund.objects.values_list("amount_minor", "cause")) == [
            (9000, Refund.Cause.LATE_CAPTURE)
        ]

    def test_of_somebody_else_is_not_there(
        self, browser: Client, stranger: User, held: Any
    ) -> None:
        asked = browser.post(page_of(held), {"method": "Cryptocurrency"})
        other = signed_in(stranger)

        assert other.get(asked.url).status_code == 404
        assert other.post(asked.url, {"answer": "accept"}).status_code == 404
        assert state_of(held) == State.HELD

    @pytest.mark.parametrize("key", ["payment-999", "top-up-1", "top-up-x", "nothing"])
    def test_of_nothing_is_not_there(self, browser: Client, key: str) -> None:
        assert browser.get(f"/pay/sandbox/{key}/").status_code == 404


class TestTheHold:
    def test_is_extended_once(self, browser: Client, held: Any, clock: Clock) -> None:
        clock.advance(minutes=8)

        answer = browser.post(f"/booking/{held.locator}/extend/")

        assert answer.url == page_of(held)
        page = text_of(browser.get(answer.url))
        # Ten minutes from 12:08 UTC.
        assert 'data-until="2026-06-01T14:18:00+02:00"' in page
        assert "/extend/" not in page
        browser.post(f"/booking/{held.locator}/extend/")
        assert "The time to pay has been extended once already." in text_of(
            browser.get(page_of(held))
        )

    def test_is_not_extended_by_a_link(self, browser: Client, held: Any) -> None:
        assert browser.get(f"/booking/{held.locator}/extend/").status_code == 405

    def test_that_ended_says_so_and_offers_the_search(
        self, browser: Client, held: Any, clock: Clock
    ) -> None:
        clock.advance(minutes=10)

        page = text_of(browser.get(page_of(held)))

        assert "The time to pay has run out" in page
        assert "Nothing was charged." in page
        assert (
            "/search/?origin=Hamburg&amp;destination=M%C3%BCnchen&amp;date=2026-06-02&amp;adult=2"
            in page
        )

    def test_that_ended_is_not_paid(self, browser: Client, held: Any, clock: Clock) -> None:
        clock.advance(minutes=10)
        before = selling.everything()

        answer = browser.post(page_of(held), {"method": "Bank Card", "card": "tok_accepted"})

        assert answer.status_code == 409
        assert "The time to pay has run out" in text_of(answer)
        assert selling.everything() == before
