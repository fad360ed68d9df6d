"""No page on the way to a ticket makes more than twelve statements, among few rows or many."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from accounts.models import SavedPassenger, User
from inventory.models import Call, Departure
from tests.conftest import Clock
from tests.factories import Timetable, Trip

pytestmark = pytest.mark.django_db
MOST = 12
A_DAY = 200
ASKED = "origin=Hamburg&destination=Munich&date=2026-06-02&adult=2&child=1"


def run_more(trip: Trip, number: int) -> None:
    """Let the train run so much more often, up to two hundred times on each day from 2 June."""
    first, last = trip.calls[0], trip.calls[-1]
    departures = Departure.objects.bulk_create(
        Departure(
            service=trip.departure.service,
            vehicle=trip.departure.vehicle,
            travel_date=trip.departure.travel_date + timedelta(days=place // A_DAY),
            run=f"more-{place % A_DAY}",
        )
        for place in range(number)
    )
    noon = datetime(2026, 6, 2, 12, 0, tzinfo=UTC)
    Call.objects.bulk_create(
        Call(
            id=departure.pk * 64 + position,
            departure=departure,
            position=position,
            station=call.station,
            arrives_at=leaves_at + timedelta(hours=5) if position else None,
            departs_at=None if position else leaves_at,
            may_board=not position,
            may_alight=bool(position),
            distance_m=position * 800_000,
        )
        for place, departure in enumerate(departures)
        for leaves_at in [noon + timedelta(days=place // A_DAY, minutes=place % A_DAY)]
        for position, call in enumerate((first, last))
    )


@pytest.mark.parametrize("rows", [10, 10_000])
def test_every_page_up_to_the_hold_is_few_statements(
    rows: int,
    timetable: Timetable,
    traveller: User,
    clock: Clock,
    noon: datetime,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    run_more(timetable.train, rows)
    SavedPassenger.objects.bulk_create(
        SavedPassenger(
            user=traveller, first_name="Kim", last_name=f"Number {place}", created_at=noon
        )
        for place in range(min(rows, 50))
    )
    train = timetable.train.ticket_id()
    browser = Client()
    browser.force_login(traveller)
    # The second page of results is as long as the first at the bigger size.
    for path in (
        "/",
        "/search/",
        f"/search/?{ASKED}",
        f"/search/?{ASKED}&sort=price&mode=Train&page=2",
        f"/search/?{ASKED}&way=return&return_date=2026-06-03&out={train}",
        f"/trip/{train}/?{ASKED}",
        f"/trip/{train}/seats/?{ASKED}",
        f"/trip/{train}/seats/?{ASKED}&view=list",
        f"/checkout/?ticket={train}&{ASKED}",
        "/account/",
        "/account/data/",
        "/account/data/erase/",
    ):
        with django_assert_max_num_queries(MOST, info=path):
            assert browser.get(path).status_code == 200
