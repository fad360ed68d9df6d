"""Changes of the timetable to settle, and who may change what."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from bookings.models import Coupon
from inventory.models import Call, Departure, Feed, Membership, PendingChange
from support.models import DeskEntry, DisruptionJob
from support.tasks import work_on_disruptions
from tests import factories
from tests.admin.desk.pressing import (
    hidden,
    sell,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("audited", "clock")]


class TestChanges:
    @pytest.fixture
    def change(self, train, sold, noon):
        """A feed has other calls: Hanover is left out, Göttingen is later, Erfurt is new."""
        feed = Feed.objects.create(code="db", name="DB")
        Departure.objects.filter(id=train.departure.pk).update(feed=feed)

        def call(code: str, arrives: str | None, departs: str | None) -> dict[str, Any]:
            return {
                "station": code,
                "arrivesAt": arrives and f"2026-06-02T{arrives}:00+00:00",
                "departsAt": departs and f"2026-06-02T{departs}:00+00:00",
                "mayBoard": departs is not None,
                "mayAlight": arrives is not None,
                "platform": "",
            }

        return PendingChange.objects.create(
            departure=train.departure,
            kind="calls",
            digest="new",
            created_at=noon,
            proposal={
                "vehicle": train.departure.vehicle.code,
                "calls": [
                    call("HH", None, "06:00"),
                    call("GOE", "08:30", "08:35"),
                    call("ERF", "09:00", "09:05"),
                    call("NUE", "10:00", "10:05"),
                    call("MH", "11:30", None),
                ],
            },
        )

    def page(self, change: PendingChange) -> str:
        return reverse("admin:desk_change", args=[change.pk])

    def test_shows_what_it_does(self, browser, change):
        text = browser.get(self.page(change)).content.decode()
        assert text.count("left out") == 1
        assert text.count("other times") == 1
        assert "new, not taken over" in text

    def test_is_taken_over(self, browser, change, train, clerk, stranger, noon):
        sell(train, stranger, 1, noon, start=1, end=4)
        page = self.page(change)
        fields = hidden(browser.get(page).content.decode())
        browser.post(page, {**fields, "deed": "refund", "reason": "Works", "apply": "1"})
        calls = list(Call.objects.filter(departure=train.departure).order_by("position"))
        assert [call.is_skipped for call in calls] == [False, True, False, False, False]
        assert calls[2].expected_departs_at.isoformat() == "2026-06-02T08:35:00+00:00"
        assert calls[3].expected_departs_at is None
        change.refresh_from_db()
        assert (change.settled_by, change.decision) == (clerk, "Taken over. Works")
        work_on_disruptions()
        gone = Coupon.objects.filter(state="cancelled")
        assert [one.passenger.reservation.user for one in gone] == [stranger]

    def test_is_left_as_it_is(self, browser, change, train):
        page = self.page(change)
        fields = hidden(browser.get(page).content.decode())
        sent = {**fields, "deed": "refund", "reason": "No", "reject": "1"}
        browser.post(page, sent)
        browser.post(page, sent)
        change.refresh_from_db()
        assert change.decision == "Left as it is. No"
        assert not Call.objects.filter(is_skipped=True).exists()
        assert DeskEntry.objects.count() == 1

    def test_a_withdrawn_departure_is_called_off(self, browser, train, sold, noon):
        change = PendingChange.objects.create(
            departure=train.departure, kind="withdrawn", digest="withdrawn", created_at=noon
        )
        page = self.page(change)
        text = browser.get(page).content.decode()
        assert "3 passengers can no longer travel as booked." in text
        browser.post(page, {**hidden(text), "deed": "refund", "reason": "Gone", "apply": "1"})
        work_on_disruptions()
        assert Departure.objects.get(id=train.departure.pk).state == "cancelled"
        assert Coupon.objects.filter(state="cancelled").count() == 3

    def test_another_vehicle_is_swapped_in(self, browser, train, sold, noon):
        bigger = factories.make_vehicle(
            train.departure.service.carrier, coaches=[factories.CoachPlan("1", rows=9)], code="XXL"
        )
        change = PendingChange.objects.create(
            departure=train.departure,
            kind="vehicle",
            digest="vehicle",
            created_at=noon,
            proposal={"vehicle": "XXL", "calls": []},
        )
        page = self.page(change)
        text = browser.get(page).content.decode()
        browser.post(page, {**hidden(text), "deed": "tell", "reason": "", "apply": "1"})
        assert Departure.objects.get(id=train.departure.pk).vehicle_id == bigger.pk


class TestWhoMay:
    PAGES = ("desk", "desk_departure", "desk_people_csv", "desk_act", "desk_job", "desk_job_csv")

    def addresses(self, trip: factories.Trip, job: DisruptionJob) -> dict[str, str]:
        pk = trip.departure.pk
        return {
            "desk": reverse("admin:desk"),
            "desk_departure": reverse("admin:desk_departure", args=[pk]),
            "desk_people_csv": reverse("admin:desk_people_csv", args=[pk]),
            "desk_act": reverse("admin:desk_act", args=[pk, "cancel"]),
            "desk_job": reverse("admin:desk_job", args=[job.pk]),
            "desk_job_csv": reverse("admin:desk_job_csv", args=[job.pk]),
        }

    @pytest.mark.parametrize(
        ("who", "expected"),
        [
            ("operations", [200, 200, 200, 200, 200, 200]),
            ("administrator", [200, 200, 200, 200, 200, 200]),
            ("support agent", [200, 200, 200, 403, 200, 200]),
            ("finance", [200, 200, 403, 403, 200, 200]),
            ("no role", [403, 403, 403, 403, 403, 403]),
            ("own viewer", [200, 200, 200, 403, 200, 200]),
            ("own operations", [200, 200, 200, 200, 200, 200]),
            ("other operations", [200, 404, 404, 404, 404, 404]),
            ("traveller", [302, 302, 302, 302, 302, 302]),
        ],
    )
    def test_each_page(
        self, client, settings, train, flight, traveller, clerk, noon, who, expected
    ):
        settings.STAFF_2FA = "optional"
        job = DisruptionJob.objects.create(
            departure=train.departure,
            cause="delayed",
            deed="tell",
            created_at=noon,
            created_by=clerk,
            due_at=noon,
        )
        user = traveller
        if who != "traveller":
            roles = (
                [who] if who in ("operations", "administrator", "support agent", "finance") else []
            )
            user = factories.make_user(is_staff=True, roles=roles)
        if who.startswith(("own", "other")):
            trip = train if who.startswith("own") else flight
            Membership.objects.create(
                user=user, carrier=trip.departure.service.carrier, role=who.split()[1]
            )
        client.force_login(user)
        addresses = self.addresses(train, job)
        assert [client.get(addresses[name]).status_code for name in self.PAGES] == expected
        if expected[3] != 200:
            answer = client.post(
                addresses["desk_act"], {"revision": 0, "deed": "tell", "reason": "x", "confirm": 1}
            )
            assert answer.status_code == expected[3]
            assert client.post(addresses["desk_job"], {"stop": "1"}).status_code in (302, 403, 404)
            assert DisruptionJob.objects.get().state == "running"
        assert Departure.objects.get(id=train.departure.pk).state == "scheduled"

    def test_carriers_own_staff_see_their_rows_in_the_tables(self, client, settings, train, flight):
        settings.STAFF_2FA = "optional"
        user = factories.make_user(is_staff=True)
        Membership.objects.create(user=user, carrier=train.departure.service.carrier, role="viewer")
        client.force_login(user)
        listed = client.get(reverse("admin:inventory_departure_changelist")).content.decode()
        assert "ICE 585" in listed
        assert "QX 2024" not in listed
        page = reverse("admin:inventory_departure_change", args=[flight.departure.pk])
        assert client.get(page).status_code == 302
        assert client.get(reverse("admin:bookings_reservation_changelist")).status_code == 403
