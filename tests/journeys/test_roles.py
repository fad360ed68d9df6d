"""Finance, operations, an administrator and a carrier's staff at work, each seeing its own part."""

from __future__ import annotations

import csv
import io
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db.models import Sum
from playwright.sync_api import Page, expect

from accounts.models import User
from accounts.viewers import Viewer
from inventory.models import Membership
from payments import services as paying
from payments.models import Entry, Refund
from support import services as help_desk
from tests import factories
from tests.conftest import Clock
from tests.factories import PASSWORD, Timetable, Trip
from tests.journeys.staff import Open, sign_in
from tests.selling import adults, reserve
from travel.common.models import Act
from travel.common.money import Money

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("audited"),
]


def sections(page: Page) -> list[str]:
    """The sections of the overview, in order."""
    page.goto("/admin/")
    tables = page.locator("#content-main .module caption")
    expect(tables.first).to_be_visible()
    return [re.sub(r"\s+", " ", text).strip() for text in tables.all_inner_texts()]


def sell(trip: Trip, user: User, noon: Any) -> int:
    """Sell a ticket out of the user's wallet; answer the reservation's number."""
    held = reserve(user, trip.ticket_id(), now=noon, passengers=adults(1))
    paying.open_with(user_id=user.pk, amount=Money(held.price.minor, "EUR"), now=noon)
    paying.pay(
        viewer=Viewer(user_id=user.pk),
        reservation_id=held.id,
        method="Wallet",
        token=None,
        now=noon,
    )
    return held.id


def waived(reservation_id: int, by: User, noon: Any) -> Refund:
    """Cancel without the penalty: above the limit a second person has to approve it."""
    help_desk.cancel_reservation(
        viewer=Viewer(user_id=by.pk, is_support=True),
        reservation_id=reservation_id,
        reason="Our mistake",
        reason_code="staff_error",
        waive_penalty=True,
        now=noon,
    )
    return Refund.objects.get(payment__reservation_id=reservation_id)


def test_finance_approves_what_somebody_else_asked_for_and_takes_the_revenue_along(
    window: Open, train: Trip, staff: User, traveller: User, noon: Any, clock: Clock, settings: Any
) -> None:
    settings.REFUND_APPROVAL_LIMIT = 0
    fay = factories.make_user(
        email="fay@office.example",
        first_name="Fay",
        last_name="Ledger",
        is_staff=True,
        roles=["finance", "support agent"],
    )
    sell(train, factories.make_user(email="grace@example.org"), noon)
    others = waived(sell(train, traveller, noon), staff, noon)
    own = waived(sell(train, factories.make_user(email="kim@example.org"), noon), fay, noon)

    page = window()
    sign_in(page, fay)
    expect(page.get_by_text("2 for a second person, 0 failed")).to_be_visible()
    page.goto(f"/admin/payments/refund/{own.pk}/change/")
    page.get_by_role("button", name="Approve the refund").click()
    expect(page.locator(".messagelist .error")).to_be_visible()
    page.goto(f"/admin/payments/refund/{others.pk}/change/")
    page.get_by_role("button", name="Approve the refund").click()
    expect(page.get_by_text("The refund is approved.")).to_be_visible()
    own.refresh_from_db()
    others.refresh_from_db()
    assert (own.state, own.decided_by) == ("pendingApproval", None)
    assert (others.state, others.decided_by) == ("done", fay)
    act = Act.objects.get(about=f"payments.refund:{others.pk}")
    assert (act.actor, act.address) == (fay, "127.0.0.1")

    # A month later last month's revenue is what the accounts of carriers, fees and penalties say.
    clock.advance(days=30)
    page.goto("/admin/numbers/revenue/?first=2026-06-01&last=2026-06-30&by=month")
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV file").click()
    text = Path(download.value.path()).read_text("utf-8-sig")
    (row,) = csv.DictReader(io.StringIO(text))
    accounts = Entry.objects.filter(account__kind__in=["carrier", "fee", "penalty"])
    assert Decimal(row["net"]) * 100 == accounts.aggregate(sum=Sum("amount_minor"))["sum"]
    # By hand: three tickets at 45.00; both that were cancelled are given back in full.
    assert (row["sold"], row["net"]) == ("135.00", "45.00")
    assert Act.objects.filter(actor=fay, kind="exported").count() == 1


def test_operations_delay_a_departure_and_see_no_books(
    window: Open, train: Trip, traveller: User, noon: Any
) -> None:
    olga = factories.make_user(email="olga@office.example", is_staff=True, roles=["operations"])
    sell(train, traveller, noon)
    page = window()
    sign_in(page, olga)
    shown = sections(page)
    assert "Departures" in shown
    assert not {"Money", "People", "Passengers' reports"} & set(shown)
    for address in ("payments/payment/", "bookings/reservation/", "numbers/revenue/"):
        assert page.goto(f"/admin/{address}").status == 403  # type: ignore[union-attr]

    page.goto(f"/admin/departures-desk/{train.departure.pk}/")
    page.get_by_role("link", name="Delay").click()
    page.locator("#id_call").select_option(index=0)
    page.locator("#id_minutes").fill("25")
    page.locator("#id_reason").fill("Signal failure")
    page.get_by_role("button", name="Show what it means").click()
    expect(page.get_by_text("is expected 25 minutes late")).to_be_visible()
    page.get_by_role("button", name="Delay").click()
    expect(page.get_by_text("Done: Delay.")).to_be_visible()


def test_an_administrator_makes_an_agent_who_sees_the_agents_part_and_cannot_rise(
    window: Open, train: Trip, settings: Any
) -> None:
    berta = factories.make_user(
        email="berta@office.example", is_staff=True, roles=["administrator"]
    )
    page = window()
    sign_in(page, berta)
    page.goto("/admin/accounts/user/add/")
    page.locator("#id_email").fill("nora@office.example")
    page.locator("#id_first_name").fill("Nora")
    page.locator("#id_last_name").fill("Lind")
    page.locator("#id_password1").fill(PASSWORD)
    page.locator("#id_password2").fill(PASSWORD)
    page.get_by_label("Why").fill("Begins on Monday")
    page.get_by_role("button", name="Save", exact=True).click()
    offered = page.locator("#id_groups label")
    # Neither administrators nor superusers are hers to make.
    expect(offered).to_have_text(["finance", "operations", "support agent"])
    expect(page.locator("[name=is_superuser]")).to_have_count(0)
    page.get_by_label("support agent").check()
    page.get_by_label("Why").fill("For the desk")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".messagelist .success")).to_be_visible()
    user = User.objects.get(email="nora@office.example")
    assert [group.name for group in user.groups.all()] == ["support agent"]
    reasons = Act.objects.filter(about=f"accounts.user:{user.pk}").order_by("entry_id")
    assert [act.reason for act in reasons] == ["Begins on Monday", "For the desk"]

    theirs = window()
    sign_in(theirs, user)
    assert sections(theirs) == [
        "Reservations",
        "Money",
        "Departures desk",
        "In a traveller's place",
        "Passengers' reports",
        "Departures",
        "Places",
        "Carriers",
        "Services",
        "Vehicles and seats",
        "Fares",
        "Imports",
        "People",
        "Office",
    ]
    # Her own page has nothing to tick and no way to save.
    theirs.goto(f"/admin/accounts/user/{user.pk}/change/")
    expect(theirs.get_by_role("heading", name="Nora Lind").first).to_be_visible()
    expect(theirs.get_by_role("button", name="Save")).to_have_count(0)
    expect(theirs.locator("#content-main input[type=checkbox]")).to_have_count(0)
    assert theirs.goto("/admin/accounts/user/add/").status == 403  # type: ignore[union-attr]


def test_a_carriers_staff_see_their_own_departures_only(window: Open, timetable: Timetable) -> None:
    carla = factories.make_user(email="carla@railway.example", is_staff=True)
    carrier = timetable.train.departure.service.carrier
    Membership.objects.create(user=carla, carrier=carrier, role="viewer")
    page = window()
    sign_in(page, carla)
    assert sections(page) == ["Departures", "Recurring timetables", "Imports"]

    page.get_by_role("link", name="Departures desk").click()
    page.goto("/admin/departures-desk/?day=2026-06-02")
    expect(page.get_by_role("link", name="ICE 585")).to_be_visible()
    for number in ("QX 2024", "N 42"):
        expect(page.get_by_text(number)).to_have_count(0)
    page.get_by_role("link", name="ICE 585").click()
    expect(page.get_by_role("link", name="Delay")).to_have_count(0)
    page.goto("/admin/inventory/departure/")
    expect(page.locator("#result_list tbody tr")).to_have_count(1)
    page.locator("#result_list tbody a").first.click()
    expect(page.get_by_text("Göttingen Hbf")).to_be_visible()
    flight = timetable.flight.departure.pk
    for address in (f"departures-desk/{flight}/", f"departures-desk/{flight}/people.csv"):
        assert page.goto(f"/admin/{address}").status == 404  # type: ignore[union-attr]
