"""
No card number comes in: whatever field it is written into, by the API or on a page.

The numbers are those that card schemes publish for tests. After every try nothing that is stored,
logged or sent holds one.
"""

from __future__ import annotations

import logging
from typing import Any

import pytest
from django.apps import apps
from django.db import models
from django.test import Client

from accounts.models import User
from tests.conftest import ApiClient, Clock
from tests.pages.cast import signed_in
from tests.selling import reserve
from travel.common.text import has_card_number

NUMBERS = ["4111111111111111", "5555 5555 5555 4444", "3782-822463-10005", "6011111111111117"]
DIGITS = [number.replace(" ", "").replace("-", "") for number in NUMBERS]


def stored_texts() -> str:
    """Answer all text of all rows of the office, digits without what stands between them."""
    texts = []
    for model in apps.get_models():
        names = [
            field.attname
            for field in model._meta.concrete_fields
            if isinstance(field, models.CharField | models.TextField | models.JSONField)
        ]
        if names:
            texts += [str(row) for row in model._base_manager.values_list(*names)]
    return "".join(texts).replace(" ", "").replace("-", "")


@pytest.fixture
def held(traveller: User, train: Any, clock: Clock) -> Any:
    return reserve(traveller, train.ticket_id(), now=clock.now())


@pytest.mark.parametrize("number", NUMBERS)
class TestApi:
    def test_refuses_it_in_every_text(
        self,
        api: ApiClient,
        traveller: User,
        train: Any,
        held: Any,
        number: str,
        caplog: pytest.LogCaptureFixture,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        caplog.set_level(logging.DEBUG)
        me = api.by(traveller)
        ticket = train.ticket_id()
        person = {"firstName": number, "lastName": "Roe", "type": "adult"}
        asked = [
            ("/reservations/pay", {"reservationID": held.id, "paymentMethod": "Bank Card",
                                   "paymentToken": number}),
            ("/reservations/pay", {"reservationID": held.id, "paymentMethod": number}),
            ("/wallet/top-up", {"amount": "10.00", "currency": "EUR", "paymentToken": number}),
            ("/wallet/top-up", {"amount": number, "currency": "EUR"}),
            ("/reservations/reserve", {"ticketID": ticket, "passengers": [person]}),
            ("/reservations/cancel", {"reservationID": held.id, "quoteID": number}),
            ("/reports/submit", {"ticketID": ticket, "reservationID": held.id,
                                 "category": "Other", "text": f"My card is {number}."}),
            ("/users/signup", {"firstName": number, "lastName": "Roe", "email": "x@example.org",
                               "password": "a long enough secret", "userType": "Passenger"}),
        ]  # fmt: skip
        for path, body in asked:
            answer = me.post(path, body, format="json")
            assert answer.status_code == 400, (path, answer.content)
            assert number not in answer.content.decode()

        assert not [one for one in DIGITS if one in stored_texts()]
        told = capsys.readouterr()
        logged = f"{caplog.text}{told.out}{told.err}".replace(" ", "").replace("-", "")
        assert not [one for one in DIGITS if one in logged]


@pytest.mark.parametrize("number", NUMBERS)
class TestPages:
    def test_have_no_field_for_it(self, traveller: User, held: Any, number: str) -> None:
        browser = signed_in(traveller)
        page = f"/checkout/{held.locator}/payment/"
        for sent in (
            {"method": "Bank Card", "card": number},
            {"method": number, "card": "tok_accepted"},
            {"method": "Bank Card", "card": "tok_accepted", "number": number, "cvc": "123"}
            | {"method": "Nothing"},
        ):
            assert browser.post(page, sent).status_code == 400

        wallet = {"amount": "10.00", "currency": "EUR", "card": number, "once": "x"}
        assert browser.post("/wallet/", wallet).status_code == 400
        assert not [one for one in DIGITS if one in stored_texts()]


def test_the_page_asks_for_no_number(traveller: User, held: Any) -> None:
    page = signed_in(traveller).get(f"/checkout/{held.locator}/payment/").content.decode()

    assert "cc-number" not in page
    assert "cardnumber" not in page.lower()


def test_a_webhook_of_nobody_is_not_kept(db: None, clock: Clock) -> None:
    Client().post(
        "/payments/webhooks/sandbox", f'{{"card": "{NUMBERS[0]}"}}', content_type="application/json"
    )

    assert DIGITS[0] not in stored_texts()


class TestTelling:
    @pytest.mark.parametrize(
        "text",
        [*NUMBERS, *DIGITS, f"tok_{DIGITS[0]}", f"{NUMBERS[1]} 12/29 123", f"a {NUMBERS[0]} b"],
    )
    def test_a_number_from_other_text(self, text: str) -> None:
        assert has_card_number(text)

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "4111111111111112",  # the last digit does not check
            "411111111111",  # twelve digits
            "41111111111111111111",  # twenty digits
            "+4915112345678",
            "DE89370400440532013000",
            "978-3-16-148410-0",
            "2026-06-01 12:00:00",
            "1 2 3 4 5 6 7 8 9",
        ],
    )
    def test_other_text_from_a_number(self, text: str) -> None:
        assert not has_card_number(text)
