"""Recurring timetables and uploads in the admin: looked at first, done after, by whoever may."""

from __future__ import annotations

import io
import zipfile
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from accounts.models import User
from inventory.models import Departure, Membership, TimetablePattern, TimetableUpload
from inventory.tasks import work_on_uploads
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "examples" / "coaches"


@pytest.fixture
def browser(settings: Any, client: Client) -> Client:
    settings.STAFF_2FA = "optional"
    chief = factories.make_user(email="chief@office.example", is_staff=True, is_superuser=True)
    client.force_login(chief)
    return client


def form_of(train: factories.Trip, **changed: Any) -> dict[str, Any]:
    """What a browser sends for a pattern with two calls."""
    return {
        "service": train.departure.service_id,
        "run": "evening",
        "vehicle": train.departure.vehicle_id,
        "days": [0, 1],
        "leaves": "17:05",
        "first_day": "2026-06-08",
        "last_day": "2026-06-21",
        "calls-TOTAL_FORMS": 2,
        "calls-INITIAL_FORMS": 0,
        "calls-MIN_NUM_FORMS": 0,
        "calls-MAX_NUM_FORMS": 1000,
        "calls-0-position": 0,
        "calls-0-station": train.calls[0].station_id,
        "calls-0-arrives": "",
        "calls-0-departs": 0,
        "calls-0-platform": "3",
        "calls-1-position": 1,
        "calls-1-station": train.calls[4].station_id,
        "calls-1-arrives": 330,
        "calls-1-departs": "",
        "calls-1-platform": "",
    } | changed


class TestPatterns:
    ADD = "admin:inventory_timetablepattern_add"

    def test_is_kept_looked_at_and_published(self, browser, train):
        answer = browser.post(reverse(self.ADD), form_of(train))
        assert answer.status_code == 302, answer.context["errors"]
        row = TimetablePattern.objects.get()
        assert (row.weekdays, row.calls.count()) == (0b11, 2)
        page = reverse("admin:inventory_timetablepattern_publish", args=[row.pk])
        text = browser.get(page).content.decode()
        assert "ICE 585, 2026-06-08" in text
        assert not Departure.objects.filter(run="evening").exists()
        browser.post(page)
        assert Departure.objects.filter(run="evening").count() == 4
        assert "Added 4" in LogEntry.objects.order_by("-id")[0].change_message
        assert (
            "Mo Tu"
            in browser.get(reverse("admin:inventory_timetablepattern_changelist")).content.decode()
        )

    @pytest.mark.parametrize(
        ("changed", "told"),
        [
            ({"calls-1-arrives": 330, "calls-1-departs": 335}, "an arrival alone"),
            ({"calls-1-arrives": ""}, "is violated"),
            ({"calls-0-departs": 5}, "0 minutes"),
            ({"calls-TOTAL_FORMS": 1}, "at least two calls"),
            ({"last_day": "2029-06-21"}, "550 days"),
            ({"days": []}, "required"),
        ],
    )
    def test_refuses_what_cannot_run(self, browser, train, changed, told):
        answer = browser.post(reverse(self.ADD), form_of(train, **changed))
        assert answer.status_code == 200
        assert told in answer.content.decode()
        assert not TimetablePattern.objects.exists()

    def test_refuses_another_carriers_vehicle(self, browser, train, flight):
        changed = {"vehicle": flight.departure.vehicle_id}
        answer = browser.post(reverse(self.ADD), form_of(train, **changed))
        # The service's own form knows it, whatever the browser sends.
        assert "another carrier" in answer.content.decode()


def sheets() -> SimpleUploadedFile:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as packed:
        for path in sorted(EXAMPLE.glob("*.csv")):
            packed.write(path, path.name)
    return SimpleUploadedFile("My Coaches.zip", stream.getvalue(), "application/zip")


class TestUploads:
    UPLOAD = "admin:inventory_timetableupload_upload"

    def test_report_first_then_taken_over(self, browser, noon: datetime):
        answer = browser.post(
            reverse(self.UPLOAD),
            {"kind": "sheets", "file": sheets(), "first_day": "2026-07-06", "days": 7},
        )
        row = TimetableUpload.objects.get()
        page = reverse("admin:inventory_timetableupload_change", args=[row.pk])
        assert answer.url == page
        assert row.feed == "my-coaches"
        assert "A worker is at it." in browser.get(page).content.decode()
        work_on_uploads()
        text = browser.get(page).content.decode()
        assert "What taking it over would change" in text
        assert not Departure.objects.exists()
        browser.post(reverse("admin:inventory_timetableupload_confirm", args=[row.pk]))
        # A second press does nothing.
        browser.post(reverse("admin:inventory_timetableupload_confirm", args=[row.pk]))
        work_on_uploads()
        row.refresh_from_db()
        assert (row.state, Departure.objects.count()) == ("done", row.report["counts"]["added"])
        acts = LogEntry.objects.order_by("id").values_list("change_message", flat=True)
        assert list(acts) == ["Uploaded.", "Confirmed."]

    def test_is_dropped(self, browser):
        browser.post(reverse(self.UPLOAD), {"kind": "sheets", "file": sheets()})
        row = TimetableUpload.objects.get()
        browser.post(reverse("admin:inventory_timetableupload_drop", args=[row.pk]))
        row.refresh_from_db()
        assert row.state == "dropped"
        assert work_on_uploads() == 0

    def test_refuses_what_is_no_zip_file(self, browser):
        text = SimpleUploadedFile("x.zip", b"hello", "application/zip")
        answer = browser.post(reverse(self.UPLOAD), {"kind": "gtfs", "file": text})
        assert answer.status_code == 400
        assert "no zip file" in answer.content.decode()
        assert not TimetableUpload.objects.exists()

    @pytest.mark.parametrize("role", ["support agent", "finance", "own operations"])
    def test_not_by_everybody(self, client, settings, train, role):
        settings.STAFF_2FA = "optional"
        roles = [] if role.startswith("own") else [role]
        user: User = factories.make_user(is_staff=True, roles=roles)
        if not roles:
            Membership.objects.create(
                user=user, carrier=train.departure.service.carrier, role="operations"
            )
        client.force_login(user)
        assert client.get(reverse(self.UPLOAD)).status_code == 403
        answer = client.post(reverse(self.UPLOAD), {"kind": "sheets", "file": sheets()})
        assert answer.status_code == 403
        for name in ("confirm", "drop"):
            page = reverse(f"admin:inventory_timetableupload_{name}", args=[1])
            assert client.post(page).status_code == 403
        assert not TimetableUpload.objects.exists()


def test_a_seat_map_is_drawn(browser, train) -> None:
    seat_map = train.departure.vehicle.seat_map_id
    text = browser.get(reverse("admin:inventory_seatmap_change", args=[seat_map])).content.decode()
    assert "As travellers see it" in text
    # Eight seats of Economy in two rows of four, four of Business in rows of two.
    assert text.count('name="drawn"') == 12
    assert "plan-2-2" in text
    assert "plan-1-1" in text
