"""
A few days of sales, small enough to add up by hand.

Carriers: the railway of the small timetable leaves the office 12.5 %, the others nothing; a ferry
of the skies sells in yen. Times are UTC; the numbers' days are Berlin's, two hours ahead.

*1 June, 12:00* Ada buys two Savers (45.00 each) by wallet and a flight (82.50) by card. Bob buys a
Saver by card and a flight for 5,000 yen by wallet. *13:00* staff cancel Bob's Saver, waiving the
penalty: 45.00 wait for a second person. *20:00* Ada cancels one Saver: half of it, 22.50, goes
back. *22:30*, which is 2 June in Berlin: Bob buys the coach (32.00) by wallet.
*30 June, 22:30*, which is 1 July in Berlin: Bob's refund is rejected, and 22.50 of it stays here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from accounts.models import User
from accounts.viewers import Viewer
from bookings.engine.contract import Actor
from payments import services as money
from payments.models import CarrierTerms, Refund
from payments.penalties import Waiver
from tests import factories, selling
from travel.common.money import Money

Sell = Callable[..., Any]


@dataclass(frozen=True)
class Sales:
    """Who bought what."""

    ada: User
    bob: User
    timetable: factories.Timetable
    sky: factories.Trip


def at(day: int, hour: int, minute: int = 0, month: int = 6) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _berlin(settings: Any) -> None:
    settings.REPORT_TIME_ZONE = "Europe/Berlin"


@pytest.fixture
def sell() -> Sell:
    """Reserve and pay, the same instant."""

    def make(
        who: User,
        trip: factories.Trip,
        *,
        now: datetime,
        adults: int = 1,
        method: str = "Wallet",
        **ticket: Any,
    ) -> Any:
        reservation = selling.reserve(who, trip.ticket_id(**ticket), now=now, passengers=adults)
        money.pay(
            viewer=Viewer(user_id=who.pk),
            reservation_id=reservation.id,
            method=method,
            token=None,
            now=now,
        )
        return reservation

    return make


@pytest.fixture
def sky(timetable: factories.Timetable) -> factories.Trip:
    """A flight from Hamburg to Munich on 4 June that is sold in yen: 5,000 a seat."""
    carrier = factories.make_carrier("YY", name="Yen Air", currency="JPY")
    tariff = factories.make_tariff(
        carrier, fares=[factories.FarePlan("Light", base_minor=5_000, per_km_minor=0)]
    )
    origin, target = (call.station for call in timetable.flight.calls)
    return factories.make_trip(
        factories.make_service(tariff, "YY 7", mode="Plane"),
        factories.make_vehicle(carrier),
        starts_at=at(4, 8),
        stops=[factories.Stop(origin, 0), factories.Stop(target, 75, 600)],
    )


@pytest.fixture
def sales(
    traveller: User,
    stranger: User,
    staff: User,
    timetable: factories.Timetable,
    sky: factories.Trip,
    sell: Sell,
    settings: Any,
) -> Sales:
    settings.REFUND_APPROVAL_LIMIT = 3_000
    noon = at(1, 12)
    CarrierTerms.objects.create(
        carrier=timetable.train.departure.service.carrier,
        valid_from=at(1, 0, month=1).date(),
        fee_basis_points=1_250,
    )
    for who in (traveller, stranger):
        money.open_with(user_id=who.pk, amount=Money(50_000, "EUR"), now=noon)
    money.open_with(user_id=stranger.pk, amount=Money(50_000, "JPY"), now=noon)

    savers = sell(traveller, timetable.train, now=noon, adults=2)
    sell(traveller, timetable.flight, now=noon, method="Bank Card")
    saver = sell(stranger, timetable.train, now=noon, method="Bank Card")
    sell(stranger, sky, now=noon)
    money.cancel_and_refund(
        viewer=Viewer(user_id=staff.pk, is_support=True),
        reservation_id=saver.id,
        actor=Actor("staff", staff.pk, "strike"),
        waiver=Waiver("strike", 10_000),
        now=at(1, 13),
    )
    money.cancel_and_refund(
        viewer=Viewer(user_id=traveller.pk),
        reservation_id=savers.id,
        actor=Actor("holder", traveller.pk, ""),
        passenger_ids=[savers.passengers[0].id],
        now=at(1, 20),
    )
    sell(stranger, timetable.coach, now=at(1, 22, 30))
    second = factories.make_user(is_staff=True, roles=["finance"])
    money.reject_refund(
        refund_id=Refund.objects.get(state="pendingApproval").pk,
        approver_id=second.pk,
        note="No strike that day.",
        now=at(30, 22, 30),
    )
    return Sales(traveller, stranger, timetable, sky)
