"""Operations cancel a departure with 300 passengers, and see all of them refunded and told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from accounts.models import User
from accounts.viewers import Viewer
from bookings.models import Coupon
from payments import services as paying
from payments.models import Account, Refund
from support.tasks import work_on_disruptions
from tests import factories
from tests.conftest import Clock
from tests.factories import PASSWORD, Trip
from tests.plugins.browser import PATIENCE
from tests.selling import adults, reserve
from travel.common.models import OutboxMessage
from travel.common.money import Money

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("audited"),
]

PARTIES = 75
PEOPLE = 4


@pytest.fixture
def long_train(train: Trip) -> Trip:
    """A train with 320 seats, a day later than the other one."""
    vehicle = factories.make_vehicle(
        train.departure.service.carrier,
        coaches=[factories.CoachPlan(str(number), rows=16) for number in range(1, 6)],
    )
    return factories.make_trip(
        train.departure.service,
        vehicle,
        starts_at=datetime(2026, 6, 3, 6, tzinfo=UTC),
        stops=[
            factories.Stop(call.station, index * 60, index * 200)
            for index, call in enumerate(train.calls)
        ],
    )


@pytest.fixture
def sold(long_train: Trip, noon: datetime) -> list[User]:
    """75 parties of four, each paid from a wallet: 300 passengers at 45.00 EUR."""
    buyers = []
    for number in range(PARTIES):
        user = factories.make_user(email=f"party{number:02}@example.org")
        held = reserve(user, long_train.ticket_id(), now=noon, passengers=adults(PEOPLE))
        paying.open_with(user_id=user.pk, amount=Money(held.price.minor, "EUR"), now=noon)
        paying.pay(
            viewer=Viewer(user_id=user.pk),
            reservation_id=held.id,
            method="Wallet",
            token=None,
            now=noon,
        )
        buyers.append(user)
    return buyers


@pytest.fixture
def window(chromium: Browser, live_server: Any, clock: Clock, settings: Any) -> Iterator[Page]:
    settings.STAFF_2FA = "optional"
    context = chromium.new_context(base_url=live_server.url, locale="en-GB")
    context.set_default_timeout(PATIENCE)
    yield context.new_page()
    context.close()


def test_cancel_a_departure_with_300_passengers(
    window: Page, sold: list[User], long_train: Trip, clock: Clock
) -> None:
    factories.make_user(email="olga@office.example", is_staff=True, roles=["operations"])
    window.goto("/admin/departures-desk/?day=2026-06-03")
    window.locator("#id_username").fill("olga@office.example")
    window.locator("#id_password").fill(PASSWORD)
    window.get_by_role("button", name="Log in").click()

    window.get_by_role("link", name="ICE 585").click()
    expect(window.get_by_role("heading", name="300 passengers")).to_be_visible()
    window.get_by_role("link", name="Cancel the departure").click()
    window.get_by_label("Reason").fill("Storm damage near Hanover")
    window.get_by_role("button", name="Show what it means").click()
    meant = window.locator("#content")
    expect(meant).to_contain_text("300 passengers are told.")
    expect(meant).to_contain_text("75 paid reservations are refunded in full: €13,500.00.")
    window.get_by_role("button", name="Cancel the departure").click()
    expect(window.get_by_role("status")).to_have_text("0 of 75 reservations")

    assert work_on_disruptions() == PARTIES

    # The page looks again by itself.
    expect(window.get_by_role("status")).to_have_text("75 of 75 reservations")
    expect(window.locator("#progress")).to_contain_text("Refunded: 75")
    assert not Coupon.objects.exclude(state="cancelled").exists()
    assert Refund.objects.count() == PARTIES
    wallets = Account.objects.filter(kind="wallet")
    assert set(wallets.values_list("balance_minor", flat=True)) == {PEOPLE * 4_500}
    told = OutboxMessage.objects.filter(kind="bookings.departure_changed")
    assert sorted(told.values_list("recipient", flat=True)) == [user.email for user in sold]
    assert all("Storm damage near Hanover" in body for body in told.values_list("body", flat=True))
