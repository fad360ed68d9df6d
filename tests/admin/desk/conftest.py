"""Who works at the departures desk, and a train with passengers."""

from __future__ import annotations

from datetime import datetime

import pytest
from django.test import Client

from accounts.models import User
from tests import factories
from tests.admin.desk.pressing import sell


@pytest.fixture
def clerk(db: None) -> User:
    """A member of staff of operations."""
    return factories.make_user(email="olga@office.example", is_staff=True, roles=["operations"])


@pytest.fixture
def browser(clerk: User, settings, client: Client) -> Client:
    settings.STAFF_2FA = "optional"
    client.force_login(clerk)
    return client


@pytest.fixture
def sold(train: factories.Trip, traveller: User, noon: datetime) -> list[User]:
    """Ada with two adults, and a stranger with one, on the train; all paid."""
    buyers = [(traveller, 2), (factories.make_user(email="grace@example.org"), 1)]
    for user, people in buyers:
        sell(train, user, people, noon)
    return [user for user, _ in buyers]
