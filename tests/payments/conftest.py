"""What tests of money share: a filled wallet and reservations at each stage of their life."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest

from accounts.models import User
from accounts.viewers import Viewer
from bookings import services as booking
from bookings.selectors import ReservationDetail
from payments import services
from tests import factories
from travel.common.money import Money

Hold = Callable[..., ReservationDetail]


@pytest.fixture(autouse=True)
def _audited(audited: None) -> None:
    """Every story about money ends with the audit."""


@pytest.fixture
def me(traveller: User) -> Viewer:
    return Viewer(user_id=traveller.pk)


@pytest.fixture
def wallet(traveller: User, noon: datetime) -> Money:
    """The traveller's wallet holds 500.00 EUR."""
    amount = Money(50_000, "EUR")
    services.open_with(user_id=traveller.pk, amount=amount, now=noon)
    return amount


@pytest.fixture
def hold(traveller: User, train: factories.Trip, noon: datetime) -> Hold:
    """Hold seats for so many adults on the train at the Saver fare, 45.00 EUR each."""

    def make(
        adults: int = 1, *, infants: int = 0, trip: factories.Trip = train, now: datetime = noon
    ) -> ReservationDetail:
        people = [
            booking.PassengerDetails(f"Adult{number}", "Roe", "adult") for number in range(adults)
        ] + [
            booking.PassengerDetails(f"Baby{number}", "Roe", "infant") for number in range(infants)
        ]
        return booking.reserve(
            holder=booking.Holder(user_id=traveller.pk, email="ada@example.org"),
            ticket_ids=[trip.ticket_id()],
            passengers=people,
            now=now,
        ).reservation

    return make


@pytest.fixture
def paid(hold: Hold, me: Viewer, wallet: Money, noon: datetime) -> Hold:
    """Hold and pay from the wallet."""

    def make(adults: int = 1, **details: object) -> ReservationDetail:
        reservation = hold(adults, **details)
        services.pay(
            viewer=me, reservation_id=reservation.id, method="Wallet", token=None, now=noon
        )
        return reservation

    return make
