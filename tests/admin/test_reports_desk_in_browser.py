"""The reports desk in a real Chromium: no fault of axe, and nothing runs off the side."""

from __future__ import annotations

import json
import os
from datetime import datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import expect

from accounts.models import User
from accounts.viewers import Viewer
from payments import services as paying
from support import services
from support.models import CannedReply
from support.selectors import ReportDetail
from tests import factories
from tests.conftest import Clock
from tests.pages.conftest import faults, scrolls_sideways
from tests.plugins.browser import LOOKS
from tests.selling import adults, reserve
from travel.common.money import Money

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PICTURES = os.environ.get("PICTURES", "")
HOUR = timedelta(hours=1)


@pytest.fixture
def agents(staff: User) -> list[Viewer]:
    """Sam, and Uma."""
    uma = factories.make_user(
        email="uma@office.example",
        first_name="Uma",
        last_name="Ray",
        is_staff=True,
        roles=["support agent"],
    )
    return [Viewer(user_id=user.pk, is_support=True) for user in (staff, uma)]


def send(trip: factories.Trip, user: User, now: datetime, **details: Any) -> ReportDetail:
    held = reserve(user, trip.ticket_id(), now=now, passengers=adults(2))
    paying.open_with(user_id=user.pk, amount=Money(100_000, "EUR"), now=now)
    paying.pay(
        viewer=Viewer(user_id=user.pk),
        reservation_id=held.id,
        method="Wallet",
        token=None,
        now=now,
    )
    return services.submit_report(
        viewer=Viewer(user_id=user.pk),
        reservation_id=held.id,
        ticket_id=held.coupons[0].ticket_id,
        now=now,
        **details,
    )


@pytest.fixture
def office(
    timetable: factories.Timetable,
    traveller: User,
    stranger: User,
    agents: list[Viewer],
    clock: Clock,
    noon: datetime,
) -> dict[str, str]:
    """A desk with everything: late, due soon, taken, answered, merged, closed."""
    sam, uma = agents
    train, flight = timetable.train, timetable.flight
    reader = factories.make_user(
        email="leila@example.org", first_name="لیلا", last_name="کریمی", language="fa"
    )
    CannedReply.objects.create(
        title="A dead socket", category="Seat Or Equipment", body="Dear {name},\nsorry."
    )
    CannedReply.objects.create(title="Verspätung", language="de", body="Guten Tag {name}")
    main = send(
        train,
        traveller,
        noon,
        category="Seat Or Equipment",
        text="Both sockets at our seats were dead, and nobody on the train knew anything about it. "
        "We had to charge the telephone in the bistro.\n\nIs there something for that?",
    )
    late = send(train, stranger, noon - 50 * HOUR, category="Payment Issue", text="Charged twice!")
    ramp = send(flight, reader, noon, category="Accessibility", text="آیا رمپ هست؟")
    twin = send(train, traveller, noon, category="Other", text="Did you get my other message?")
    done = send(flight, stranger, noon, category="Travel Delay", text="An hour late.")
    services.give(
        viewer=uma,
        report_id=main.id,
        colleague_id=sam.user_id or 0,
        held_by=None,
        note="You answered her last time; third dead socket in this coach this week.",
        now=noon,
    )
    services.respond(
        viewer=sam,
        report_id=main.id,
        answer="Dear Ada,\nwe have asked the carrier and write again tomorrow.\nSam",
        state="In Progress",
        now=noon,
    )
    services.add_message(
        viewer=Viewer(user_id=traveller.pk),
        report_id=main.id,
        text="Thank you. It was coach 1, by the way.",
        now=noon + HOUR,
    )
    services.merge(viewer=sam, report_id=twin.id, into_id=main.id, now=noon + HOUR)
    services.respond(viewer=uma, report_id=done.id, answer="Yes.", state="Closed", now=noon)
    clock.advance(hours=2)
    desk = "/admin/reports-desk/"
    return {
        "queue": desk,
        "mine": f"{desk}?tab=mine",
        "overdue": f"{desk}?tab=overdue",
        "nothing": f"{desk}?tab=answered",
        "found": f"{desk}?find=ada@example.org",
        "report": f"{desk}{main.id}/",
        "late": f"{desk}{late.id}/",
        "persian": f"{desk}{ramp.id}/",
        "merged": f"{desk}{twin.id}/",
        "closed": f"{desk}{done.id}/",
        "reply": "/admin/support/cannedreply/add/",
        "overview": "/admin/",
    }


@LOOKS
def test_pages_are_fit_to_read(
    window: Any, office: dict[str, str], staff: User, width: int, scheme: str
) -> None:
    staff.groups.add(*factories.Group.objects.filter(name="administrator"))
    page = window(staff, width, scheme)
    found = {}
    for name, address in office.items():
        page.goto(address)
        expect(page.locator("#content h1")).to_have_count(1)
        for fold in page.locator("details.report-fold").all():
            fold.locator("summary").click()
        if PICTURES:
            page.screenshot(path=f"{PICTURES}/{name}-{width}-{scheme}.png", full_page=True)
        wrong = faults(page)
        if scrolls_sideways(page):
            wrong.append("scrolls sideways")
        if wrong:
            found[name] = wrong
    assert found == {}, json.dumps(found, indent=1)
