"""Who answers is called by the name; without one colleagues read the address, travellers never."""

from __future__ import annotations

from datetime import datetime

import pytest
from django.conf import LazySettings
from django.test import Client
from django.urls import reverse

from accounts.models import User
from accounts.viewers import Viewer
from payments.services import goodwill
from support import reports, selectors, services
from support.analytics import desk
from support.analytics.days import Span
from support.errors import ReportTaken
from support.models import CannedReply
from support.selectors import ReportDetail
from support.story import books
from tests.conftest import ApiClient, Clock
from travel.common.money import Money

from ..conftest import Buy
from .conftest import respond

ADDRESS = "sam@office.example"


@pytest.fixture
def nameless(staff: User) -> User:
    """The agent, whose account was made before it had to have a name."""
    User.objects.filter(pk=staff.pk).update(first_name="", last_name="")
    staff.refresh_from_db()
    return staff


@pytest.fixture
def answered(nameless: User, report: ReportDetail, agent: Viewer, noon: datetime) -> ReportDetail:
    services.take(viewer=agent, report_id=report.id, now=noon)
    return respond(report, agent, noon, state="In Progress")


def test_a_person_is_called_by_the_first_that_there_is(nameless: User) -> None:
    assert nameless.known_as == ADDRESS
    nameless.first_name = "Sam"
    assert nameless.known_as == "Sam"


def test_colleagues_read_the_address(
    answered: ReportDetail, agent: Viewer, uma: Viewer, noon: datetime
) -> None:
    found = selectors.get_report(viewer=agent, report_id=answered.id)

    assert found.assigned_to == ADDRESS
    assert {one.known_as for one in found.messages if one.is_from_staff} == {ADDRESS}
    assert ADDRESS in [one.name for one in reports.answering_staff()]
    assert reports.choices(found).colleagues == reports.answering_staff()
    with pytest.raises(ReportTaken, match=f"{ADDRESS} has this report"):
        services.give_back(viewer=uma, report_id=answered.id, held_by=uma.user_id, now=noon)
    (told,) = desk.answers_by_staff(over=Span(noon.date(), noon.date()))
    assert told.name == ADDRESS


def test_colleagues_read_it_on_their_pages(
    answered: ReportDetail, api: ApiClient, uma: Viewer, clock: Clock, settings: LazySettings
) -> None:
    settings.STAFF_2FA = "optional"
    browser = Client()
    browser.force_login(User.objects.get(first_name="Uma"))
    page = browser.get(reverse("admin:reports_desk_report", args=[answered.id])).content.decode()
    assert f'<strong><bdi dir="auto">{ADDRESS}</bdi></strong>' in page
    assert f"<bdi>{ADDRESS}</bdi> has this report." in page

    office = api.by(User.objects.get(first_name="Uma"))
    (found,) = office.get("/support/admin/reports").json()["results"]
    assert found["assignedTo"] == ADDRESS
    assert {one["author"] for one in found["thread"] if one["sender"] == "support"} == {ADDRESS}


def test_travellers_read_no_address(
    answered: ReportDetail, me: Viewer, traveller: User, api: ApiClient, clock: Clock
) -> None:
    found = selectors.get_report(viewer=me, report_id=answered.id)
    assert (found.assigned_to, found.helper) == ("", "")
    assert ADDRESS not in repr(found)

    browser = Client()
    browser.force_login(traveller)
    page = browser.get(f"/help/{answered.id}/").content.decode()
    assert "<strong><bdi>The support desk</bdi></strong>" in page
    assert ADDRESS not in page
    assert ADDRESS not in api.by(traveller).get("/support/reports").content.decode()


def test_a_canned_reply_is_signed_by_the_desk(report: ReportDetail, nameless: User) -> None:
    reply = CannedReply.objects.create(title="All", body="Yours, {agent}", category="")

    filled = reports.fill_in(reply, report=report, agent=nameless.first_name)

    assert filled == "Yours, the support desk"


def test_stories_name_who_decided(
    buy: Buy, traveller: User, accountant: User, nameless: User, noon: datetime
) -> None:
    User.objects.filter(pk=accountant.pk).update(first_name="", last_name="")
    booked = buy()
    given = goodwill.give(
        user_id=traveller.pk,
        amount=Money(90_000, "EUR"),
        reason_code="goodwill",
        locator=booked.locator,
        actor_id=nameless.pk,
        now=noon,
    )
    goodwill.decide(goodwill_id=given.id, approved=True, actor_id=accountant.pk, now=noon)

    found = books.read_all(booked)

    (entry,) = (one for one in found.entries if one.source == "goodwill")
    assert (entry.actor, entry.details["decided_by"]) == (ADDRESS, "fin@office.example")
