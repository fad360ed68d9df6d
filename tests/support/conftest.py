"""What tests of the help desk share: paid reservations, reports, and colleagues by their roles."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from accounts.models import User
from accounts.viewers import Viewer
from bookings.selectors import ReservationDetail
from payments import services as money
from support import services
from support.selectors import ReportDetail
from tests import factories, selling
from travel.common.money import Money

Buy = Callable[..., ReservationDetail]
Send = Callable[..., ReportDetail]


@pytest.fixture
def me(traveller: User) -> Viewer:
    return Viewer(user_id=traveller.pk)


@pytest.fixture
def agent(staff: User) -> Viewer:
    """The support agent at the desk."""
    return Viewer(user_id=staff.pk, is_support=True)


@pytest.fixture
def accountant(db: None) -> User:
    """Staff of finance, who approve refunds."""
    return factories.make_user(
        email="fin@office.example", first_name="Fin", is_staff=True, roles=["finance"]
    )


@pytest.fixture
def hold(traveller: User, train: factories.Trip, noon: datetime) -> Buy:
    """Hold seats on the train for so many adults; the Saver costs 45.00 EUR each."""

    def make(
        adults: int = 1, *, who: User = traveller, fare: int = 0, trip: factories.Trip = train
    ) -> ReservationDetail:
        return selling.reserve(who, trip.ticket_id(fare=fare), now=noon, passengers=adults)

    return make


@pytest.fixture
def buy(hold: Buy, traveller: User, noon: datetime) -> Buy:
    """Hold and pay, from a wallet that is filled for it, or by card with `method`."""

    def make(
        adults: int = 1, *, who: User = traveller, method: str = "Wallet", **details: Any
    ) -> ReservationDetail:
        reservation = hold(adults, who=who, **details)
        if method == "Wallet":
            money.open_with(user_id=who.pk, amount=Money(100_000, "EUR"), now=noon)
        money.pay(
            viewer=Viewer(user_id=who.pk),
            reservation_id=reservation.id,
            method=method,
            token=None,
            now=noon,
        )
        return reservation

    return make


@pytest.fixture
def report(buy: Buy, me: Viewer, noon: datetime) -> ReportDetail:
    """The traveller's report that a socket was dead."""
    return send(buy(), me, noon)


def send(
    reservation: ReservationDetail, viewer: Viewer, now: datetime, **details: Any
) -> ReportDetail:
    """Report that a socket was dead on the reservation's ticket."""
    return services.submit_report(
        viewer=viewer,
        reservation_id=reservation.id,
        ticket_id=reservation.coupons[0].ticket_id,
        now=now,
        **{"category": "Seat Or Equipment", "text": "The socket was dead.", **details},
    )
