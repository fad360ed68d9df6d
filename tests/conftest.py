"""
The standing cast: an instant, people, a small timetable, and clients that speak for them.

A test names whom it needs: `def test_refuses(self, api, traveller, timetable, noon): ...`
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Self

import pytest
from django.conf import settings as office
from django.utils import translation
from rest_framework.test import APIClient

from accounts.models import User
from tests import factories


def pytest_configure(config: pytest.Config) -> None:
    """Make the suite quick; tests/plugins/office.py keeps its workers out of each other's way."""
    office.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    office.THROTTLES = "off"
    office.ALLOWED_HOSTS = ["*"]
    office.STATIC_ROOT.mkdir(parents=True, exist_ok=True)


@pytest.fixture(autouse=True)
def _english() -> None:
    """A test begins in the office's language, whatever page the one before it asked for last."""
    translation.activate(office.LANGUAGE_CODE)


# --- time -----------------------------------------------------------------------------------------


class Clock:
    """The office's clock, held still until a test moves it."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment

    def now(self) -> datetime:
        return self.moment

    def advance(self, **span: float) -> datetime:
        """Let time pass (`minutes=11`) and answer the new instant."""
        self.moment += timedelta(**span)
        return self.moment


@pytest.fixture
def noon() -> datetime:
    """Monday, 1 June 2026, 12:00 UTC: 14:00 in Berlin, 18 hours before the train leaves."""
    return datetime(2026, 6, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def clock(noon: datetime, monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The doors' clock, standing at noon."""
    still = Clock(noon)
    monkeypatch.setattr("travel.common.clock.now", still.now)
    return still


# --- people ---------------------------------------------------------------------------------------


@pytest.fixture
def traveller(db: None) -> User:
    """A passenger with an account and no reservation yet."""
    return factories.make_user(email="ada@example.org", first_name="Ada", last_name="Lovelace")


@pytest.fixture
def stranger(db: None) -> User:
    """Another passenger, who has no business with the traveller's things."""
    return factories.make_user(email="mallory@example.org", first_name="Mallory", last_name="Grey")


@pytest.fixture
def staff(db: None) -> User:
    """A support agent."""
    return factories.make_user(
        email="sam@office.example",
        first_name="Sam",
        last_name="Porter",
        is_staff=True,
        roles=["support agent"],
    )


# --- what is sold ---------------------------------------------------------------------------------


@pytest.fixture
def timetable(db: None) -> factories.Timetable:
    """A train, a flight and a coach from Hamburg to Munich; see factories.Timetable."""
    return factories.make_timetable()


@pytest.fixture
def train(timetable: factories.Timetable) -> factories.Trip:
    """ICE 585: five calls, two classes, three fares."""
    return timetable.train


@pytest.fixture
def flight(timetable: factories.Timetable) -> factories.Trip:
    """QX 2024: two calls, six seats."""
    return timetable.flight


@pytest.fixture
def coach(timetable: factories.Timetable) -> factories.Trip:
    """N 42: three calls, four seats without labels."""
    return timetable.coach


# --- clients --------------------------------------------------------------------------------------


class ApiClient(APIClient):
    """
    A client of the HTTP API that speaks JSON.

    `api.by(traveller)` is another client, who sends the traveller's bearer token.
    """

    def __init__(self, clock: Clock, **defaults: Any) -> None:
        super().__init__(**defaults)
        self.clock = clock

    def by(self, user: User) -> Self:
        """Answer a client that is signed in as the user."""
        from accounts import tokens

        pair = tokens.issue(user=user, now=self.clock.now())
        client = type(self)(self.clock)
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {pair.access}")
        return client


@pytest.fixture
def api(db: None, clock: Clock) -> ApiClient:
    """A client of the API without a token, at noon."""
    return ApiClient(clock)


# --- what must hold -------------------------------------------------------------------------------


@pytest.fixture
def audited(db: None) -> Iterator[None]:
    """When the test's story is over, every fact of the audit holds."""
    from support import audit

    yield
    broken = [(finding.fact.code, finding.rows) for finding in audit.findings()]
    assert broken == []
