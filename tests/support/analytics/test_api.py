"""The numbers over the API: names, shapes, rights, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import User
from inventory.models import Membership
from tests import factories
from tests.conftest import ApiClient, Clock
from tests.support.analytics.conftest import Sales, at

pytestmark = pytest.mark.django_db


@pytest.fixture
def numbers(api: ApiClient, clock: Clock, settings: Any) -> Any:
    """Ask for a report at noon of 2 June, as staff of a role."""
    settings.STAFF_2FA = "optional"
    clock.moment = at(2, 12)

    def ask(path: str, *, role: str = "administrator", user: User | None = None) -> Any:
        who = user or factories.make_user(is_staff=True, roles=[role])
        return api.by(who).get(f"/support/analytics/{path}")

    return ask


def test_revenue_by_day(numbers: Any, sales: Sales) -> None:
    answer = numbers("revenue?from=2026-06-01&to=2026-06-01")

    assert answer.status_code == 200
    assert answer.json() == {
        "zone": "Europe/Berlin",
        "from": "2026-06-01",
        "to": "2026-06-01",
        "by": "day",
        "count": 2,
        "results": [
            {
                "key": "2026-06-01",
                "label": "2026-06-01",
                "tickets": 4,
                "cancelled": 2,
                "sold": {"amount": "217.50", "currency": "EUR"},
                "givenBack": {"amount": "67.50", "currency": "EUR"},
                "kept": {"amount": "22.50", "currency": "EUR"},
                "net": {"amount": "150.00", "currency": "EUR"},
            },
            {
                "key": "2026-06-01",
                "label": "2026-06-01",
                "tickets": 1,
                "cancelled": 0,
                "sold": {"amount": "5000", "currency": "JPY"},
                "givenBack": {"amount": "0", "currency": "JPY"},
                "kept": {"amount": "0", "currency": "JPY"},
                "net": {"amount": "5000", "currency": "JPY"},
            },
        ],
    }


def test_shares_are_exact_decimals_of_one(numbers: Any, sales: Sales) -> None:
    (line, *_others) = numbers("cancellations?by=carrier").json()["results"]

    assert (line["label"], line["tickets"], line["cancelled"]) == ("Test Railway", 3, 2)
    assert line["cancelledShare"] == "0.6667"


def test_one_carrier_and_one_mode(numbers: Any, sales: Sales) -> None:
    air = sales.timetable.flight.departure.service.carrier_id

    by_carrier = numbers(f"revenue?by=month&carrierID={air}").json()["results"]
    by_mode = numbers("revenue?by=month&mode=Bus").json()["results"]

    assert [line["net"]["amount"] for line in by_carrier] == ["82.50"]
    assert [line["net"]["amount"] for line in by_mode] == ["32.00"]


def test_carriers_staff_ask_for_their_own_alone(numbers: Any, sales: Sales) -> None:
    user = factories.make_user(is_staff=True)
    rail = sales.timetable.train.departure.service.carrier
    air = sales.timetable.flight.departure.service.carrier
    Membership.objects.create(user=user, carrier=rail, role="manager")

    mine = numbers("revenue?by=carrier", user=user)
    other = numbers(f"revenue?carrierID={air.pk}", user=user)

    assert [line["label"] for line in mine.json()["results"]] == ["Test Railway"]
    assert (other.status_code, other.json()["code"]) == (403, "not_allowed")
    assert numbers("users", user=user).status_code == 403


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("from=2026-06-02&to=2026-06-01", "to"),
        ("from=2020-01-01", "from"),
        ("from=yesterday", "from"),
        ("by=password", "by"),
        ("mode=Boat", "mode"),
        ("carrierID=0", "carrierID"),
    ],
)
def test_what_makes_no_sense_is_refused(numbers: Any, query: str, field: str) -> None:
    answer = numbers(f"revenue?{query}")

    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == [field]
