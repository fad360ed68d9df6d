"""The desk's pages in a real Chromium: no fault of axe, and nothing runs off the side."""

from __future__ import annotations

import json
import os
from datetime import date, time
from typing import Any

import pytest
from playwright.sync_api import expect

from accounts.models import User
from accounts.viewers import Viewer
from inventory.models import (
    Departure,
    Feed,
    PatternCall,
    PendingChange,
    TimetablePattern,
    TimetableUpload,
)
from payments import services as paying
from support.models import DisruptionJob
from support.services import departures
from support.services.departures import Hand
from support.tasks import work_on_disruptions
from tests import factories
from tests.conftest import Clock
from tests.factories import CoachPlan
from tests.pages.conftest import faults, scrolls_sideways
from tests.plugins.browser import LOOKS
from tests.selling import adults, reserve
from travel.common.money import Money

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PICTURES = os.environ.get("PICTURES", "")


@pytest.fixture
def clerk(db: None) -> User:
    return factories.make_user(
        email="olga@office.example",
        first_name="Olga",
        last_name="Novak",
        is_staff=True,
        roles=["operations"],
    )


@pytest.fixture
def office(timetable: factories.Timetable, clerk: User, clock: Clock, noon: Any) -> Any:
    """A day with everything: late, cancelled with a job, a queue, blocked seats, changes."""
    train, flight, coach = timetable.train, timetable.flight, timetable.coach
    for number, (trip, people) in enumerate([(train, 3), (train, 2), (flight, 2), (coach, 1)]):
        user = factories.make_user(email=f"buyer{number}@example.org")
        held = reserve(user, trip.ticket_id(), now=noon, passengers=adults(people))
        paying.open_with(user_id=user.pk, amount=Money(held.price.minor, "EUR"), now=noon)
        paying.pay(
            viewer=Viewer(user_id=user.pk),
            reservation_id=held.id,
            method="Wallet",
            token=None,
            now=noon,
        )
    hand = Hand(clerk.pk, "Storm damage near Hanover", address="192.0.2.7")
    departures.delay(
        hand=hand, departure_id=train.departure.pk, position=1, minutes=25, tell=True, now=noon
    )
    smaller = factories.make_vehicle(
        train.departure.service.carrier, coaches=[CoachPlan("1", layout="AB|CD", rows=1)]
    )
    departures.swap_vehicle(
        hand=hand, departure_id=train.departure.pk, vehicle_id=smaller.pk, tell=True, now=noon
    )
    departures.cancel(hand=hand, departure_id=flight.departure.pk, deed="refund", now=noon)
    work_on_disruptions()
    departures.cancel(hand=hand, departure_id=coach.departure.pk, deed="tell", now=noon)
    Departure.objects.filter(pk=train.departure.pk).update(
        feed=Feed.objects.create(code="db", name="DB")
    )
    change = PendingChange.objects.create(
        departure=train.departure,
        kind="calls",
        digest="x",
        created_at=noon,
        proposal={
            "vehicle": "V",
            "calls": [
                {"station": "HH", "arrivesAt": None, "departsAt": "2026-06-02T06:00:00+00:00"},
                {
                    "station": "GOE",
                    "arrivesAt": "2026-06-02T08:30:00+00:00",
                    "departsAt": "2026-06-02T08:35:00+00:00",
                },
                {"station": "MH", "arrivesAt": "2026-06-02T11:45:00+00:00", "departsAt": None},
            ],
        },
    )
    pattern = TimetablePattern.objects.create(
        service=train.departure.service,
        vehicle=train.departure.vehicle,
        first_day=date(2026, 6, 8),
        last_day=date(2026, 6, 21),
        leaves=time(17, 5),
    )
    for position, (call, arrives, departs) in enumerate(
        [(train.calls[0], None, 0), (train.calls[4], 330, None)]
    ):
        PatternCall.objects.create(
            pattern=pattern,
            position=position,
            station=call.station,
            arrives=arrives,
            departs=departs,
        )
    upload = TimetableUpload.objects.create(
        kind="gtfs",
        file_name="feed.zip",
        size=123_456,
        digest="0" * 64,
        feed="feed",
        state="checked",
        report={
            "first_day": "2026-06-01",
            "last_day": "2026-06-30",
            "counts": {
                "added": 12,
                "replaced": 3,
                "withdrawn": 1,
                "unchanged": 240,
                "pending": 2,
            },
            "examples": {"added": ["ICE 1, 2026-06-03"], "pending": ["ICE 2, 2026-06-04"]},
            "findings": ["note: stops.txt: has no parent station (3x)"],
        },
        created_at=noon,
        created_by=clerk,
        due_at=noon,
    )
    job = DisruptionJob.objects.filter(cause="cancelled").order_by("id")[0]
    desk = "/admin/departures-desk/"
    here = f"{desk}{train.departure.pk}/"
    return {
        "list": f"{desk}?day=2026-06-02",
        "list-refused": f"{desk}?day=2026-06-31&place=Atlantis",
        "departure": here,
        "cancelled": f"{desk}{flight.departure.pk}/",
        "delay": f"{here}delay/",
        "cancel": f"{here}cancel/",
        "skip": f"{here}skip/",
        "block": f"{here}block/",
        "extra": f"{here}extra/",
        "job": f"{desk}jobs/{job.pk}/",
        "change": f"{desk}changes/{change.pk}/",
        "publish": f"/admin/inventory/timetablepattern/{pattern.pk}/publish/",
        "upload-form": "/admin/inventory/timetableupload/upload/",
        "upload": f"/admin/inventory/timetableupload/{upload.pk}/change/",
        "seat-map": f"/admin/inventory/seatmap/{train.departure.vehicle.seat_map_id}/change/",
    }


@LOOKS
def test_pages_are_fit_to_read(
    window: Any, office: dict[str, str], width: int, scheme: str
) -> None:
    chief = factories.make_user(email="chief@office.example", is_staff=True, is_superuser=True)
    page = window(chief, width, scheme)
    found = {}
    for name, address in office.items():
        page.goto(address)
        expect(page.locator("#content h1")).to_have_count(1)
        if PICTURES:
            page.screenshot(path=f"{PICTURES}/{name}-{width}-{scheme}.png", full_page=True)
        # Django's own rows of an inline have no labels of their own.
        wrong = [] if name == "seat-map" else faults(page)
        if scrolls_sideways(page):
            wrong.append("scrolls sideways")
        if wrong:
            found[name] = wrong
    page.goto(office["cancel"])
    page.get_by_label("Reason").fill("Storm")
    page.get_by_role("button", name="Show what it means").click()
    expect(page.get_by_role("heading", name="This will happen")).to_be_visible()
    if PICTURES:
        page.screenshot(path=f"{PICTURES}/confirm-{width}-{scheme}.png", full_page=True)
    if wrong := faults(page):
        found["confirm"] = wrong
    page.goto(office["extra"])
    page.get_by_label("Day").fill("2026-06-03")
    page.get_by_label("Leaves the first call at").fill("09:30")
    page.get_by_role("button", name="Show what it means").click()
    expect(page.get_by_role("region", name="Calls")).to_contain_text("3 Jun 2026, 09:30")
    if PICTURES:
        page.screenshot(path=f"{PICTURES}/extra-confirm-{width}-{scheme}.png", full_page=True)
    wrong = faults(page)
    if scrolls_sideways(page):
        wrong.append("scrolls sideways")
    if wrong:
        found["extra-confirm"] = wrong
    assert found == {}, json.dumps(found, indent=1)
