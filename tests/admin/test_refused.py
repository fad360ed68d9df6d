"""A page of the back office that is not there, or not one's own: staff stay in the back office."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from accounts.models import User

BACK_OFFICE = 'id="content-main" class="desk"'


@pytest.fixture
def browser(staff: User, settings: Any) -> Client:
    settings.STAFF_2FA = "optional"
    client = Client()
    client.force_login(staff)
    return client


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/admin/reports-desk/999999/", 404),
        ("/admin/nothing/at/all/", 404),
        ("/admin/payments/transfer/payout/", 403),
    ],
)
def test_staff_stay_in_the_back_office(browser: Client, address: str, status: int) -> None:
    answer = browser.get(address)

    page = answer.content.decode()
    assert answer.status_code == status
    assert BACK_OFFICE in page
    assert 'href="/admin/"' in page
    assert "Search for a trip" not in page


def test_on_the_travellers_pages_they_are_travellers(browser: Client) -> None:
    answer = browser.get("/nothing/at/all/")

    assert answer.status_code == 404
    assert BACK_OFFICE not in answer.content.decode()


def test_nobody_else_sees_the_back_office(traveller: User, settings: Any) -> None:
    client = Client()
    client.force_login(traveller)

    for address in ("/admin/nothing/", "/admin/reports-desk/999999/"):
        assert BACK_OFFICE not in client.get(address, follow=True).content.decode()


def test_staff_without_their_second_factor_see_nothing_of_it(staff: User, settings: Any) -> None:
    settings.STAFF_2FA = "required"
    client = Client()
    client.force_login(staff)

    assert BACK_OFFICE not in client.get("/admin/nothing/at/all/", follow=True).content.decode()
