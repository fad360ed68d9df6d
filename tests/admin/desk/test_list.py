"""The departures of a day, and the page of one."""

from __future__ import annotations

import html
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from bookings.models import Reservation
from inventory.models import Call, Membership
from support.models import DisruptionJob
from tests import factories
from tests.admin.desk.pressing import (
    ask,
    confirm,
    page_of,
)
from tests.conftest import Clock

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("audited", "clock")]


MOST_STATEMENTS = 25


class TestList:
    def test_shows_the_departures_of_a_day(self, browser, timetable, sold):
        answer = browser.get(reverse("admin:desk"), {"day": "2026-06-02"})
        text = answer.content.decode()
        assert "3 departures" in text
        assert [row.departure.service.number for row in answer.context["rows"]] == [
            "ICE 585",
            "QX 2024",
            "N 42",
        ]
        assert [row.people for row in answer.context["rows"]] == [3, 0, 0]

    def test_finds_by_number_and_by_trouble(self, browser, timetable):
        Call.objects.filter(departure=timetable.coach.departure, position=1).update(is_skipped=True)
        found = browser.get(reverse("admin:desk"), {"day": "2026-06-02", "number": "qx"})
        assert [row.departure.service.number for row in found.context["rows"]] == ["QX 2024"]
        found = browser.get(reverse("admin:desk"), {"day": "2026-06-02", "disrupted": "on"})
        assert [row.departure.service.number for row in found.context["rows"]] == ["N 42"]
        assert "1 call left out" in found.content.decode()

    @pytest.mark.parametrize(
        ("place", "found"),
        [
            ("hamburg", ["ICE 585", "QX 2024", "N 42"]),
            ("HAM", ["QX 2024"]),
            ("Munich", ["ICE 585", "QX 2024", "N 42"]),
            ("goettingen", ["ICE 585"]),
        ],
    )
    def test_finds_by_a_place_as_travellers_type_it(self, browser, timetable, place, found):
        answer = browser.get(reverse("admin:desk"), {"day": "2026-06-02", "place": place})
        assert [row.departure.service.number for row in answer.context["rows"]] == found

    def test_a_place_that_is_none_is_told_and_finds_nothing(self, browser, timetable):
        answer = browser.get(reverse("admin:desk"), {"day": "2026-06-02", "place": "Atlantis"})
        assert answer.status_code == 400
        assert "No city, station or code is called this." in answer.content.decode()
        assert "ICE 585" not in answer.content.decode()

    def test_finds_by_carrier_and_by_passengers(self, browser, timetable, sold):
        def found(**asked: Any) -> list[str]:
            answer = browser.get(reverse("admin:desk"), {"day": "2026-06-02", **asked})
            return [row.departure.service.number for row in answer.context["rows"]]

        air = timetable.flight.departure.service.carrier_id
        rail = timetable.train.departure.service.carrier_id
        assert found(carrier=air) == ["QX 2024"]
        assert found(booked="on") == ["ICE 585"]
        assert found(booked="on", carrier=rail, place="Hannover") == ["ICE 585"]
        assert found(booked="on", carrier=air) == []

    @pytest.mark.parametrize("language", ["en", "de", "fa"])
    def test_the_day_stands_in_the_calendar_in_every_language(self, browser, timetable, language):
        browser.cookies[settings.LANGUAGE_COOKIE_NAME] = language
        answer = browser.get(reverse("admin:desk"), {"day": "2026-06-02"})
        assert str(answer.context["form"]["day"]).count('value="2026-06-02"') == 1
        again = browser.get(reverse("admin:desk"), {"day": "2026-06-02", "place": "Atlantis"})
        assert str(again.context["form"]["day"]).count('value="2026-06-02"') == 1

    def test_the_next_day_is_asked_for_in_the_same_way(self, browser, timetable):
        asked = {"day": "2026-06-02", "place": "Hamburg", "booked": "on", "p": "1"}
        text = html.unescape(browser.get(reverse("admin:desk"), asked).content.decode())
        assert '"?day=2026-06-03&place=Hamburg&booked=on"' in text
        assert '"?day=2026-06-01&place=Hamburg&booked=on"' in text

    def test_carriers_staff_choose_among_their_own(self, client, timetable, settings):
        """Of one carrier there is no choice; another one's number is no answer."""
        settings.STAFF_2FA = "optional"
        own = timetable.train.departure.service.carrier
        air = timetable.flight.departure.service.carrier
        user = factories.make_user(is_staff=True)
        Membership.objects.create(user=user, carrier=own, role="viewer")
        client.force_login(user)
        one = client.get(reverse("admin:desk"), {"day": "2026-06-02"})
        assert "carrier" not in one.context["form"].fields
        Membership.objects.create(
            user=user, carrier=timetable.coach.departure.service.carrier, role="viewer"
        )
        two = client.get(reverse("admin:desk"), {"day": "2026-06-02"})
        assert "Test Air" not in two.content.decode()
        refused = client.get(reverse("admin:desk"), {"day": "2026-06-02", "carrier": air.pk})
        assert refused.status_code == 400
        assert "QX 2024" not in refused.content.decode()

    def test_takes_as_many_statements_for_many_as_for_few(self, browser, timetable, noon):
        def count() -> int:
            with CaptureQueriesContext(connection) as queries:
                browser.get(reverse("admin:desk"), {"day": "2026-06-02"})
            return len(queries)

        few = count()
        service = timetable.train.departure.service
        for number in range(5):
            factories.make_trip(
                service,
                timetable.train.departure.vehicle,
                starts_at=timetable.train.calls[0].departs_at,
                stops=[
                    factories.Stop(timetable.train.calls[0].station, 0),
                    factories.Stop(timetable.train.calls[1].station, 60),
                ],
                run=str(number),
            )
        assert count() == few <= MOST_STATEMENTS

    @pytest.mark.parametrize("day", ["x", "2026-02-30", "0001-01-01", "9999-12-31"])
    def test_a_day_that_is_none_is_told(self, browser, timetable, day):
        answer = browser.get(reverse("admin:desk"), {"day": day})
        assert answer.status_code == 400
        assert answer.context["form"].errors.keys() == {"day"}
        assert answer.context["rows"] == []

    @pytest.mark.parametrize("query", [{"p": "9" * 30}, {"p": "-1"}, {"day": ""}])
    def test_odd_addresses(self, browser, timetable, query):
        assert browser.get(reverse("admin:desk"), query).status_code == 200


class TestDeparture:
    def test_tells_all_about_it(self, browser, train, sold):
        with CaptureQueriesContext(connection) as queries:
            text = browser.get(page_of(train)).content.decode()
        assert "3 passengers" in text
        assert "Hannover Hbf" in text
        assert "Cancel the departure" in text
        assert len(queries) <= MOST_STATEMENTS

    def test_everybody_as_a_file(self, browser, train, sold):
        answer = browser.get(reverse("admin:desk_people_csv", args=[train.departure.pk]))
        lines = b"".join(answer.streaming_content).decode().splitlines()
        assert len(lines) == 4
        assert "Ada Roe" in lines[1]
        assert "1/1A" in lines[1]

    @pytest.mark.parametrize(
        ("role", "at_carrier", "sum_", "codes"),
        [
            ("administrator", None, True, True),
            ("support agent", None, True, True),
            ("finance", None, True, None),
            ("operations", None, False, False),
            (None, "viewer", False, False),
            (None, "operations", False, False),
            (None, "manager", True, False),
        ],
    )
    def test_money_and_codes_are_shown_to_whom_they_concern(
        self, client, settings, train, sold, role, at_carrier, sum_, codes
    ):
        settings.STAFF_2FA = "optional"
        user = factories.make_user(
            email="who@office.example", is_staff=True, roles=[role] if role else []
        )
        if at_carrier:
            carrier = train.departure.service.carrier
            Membership.objects.create(user=user, carrier=carrier, role=at_carrier)
        client.force_login(user)
        page = client.get(page_of(train)).content.decode()
        assert "Paid reservations: 2, held unpaid: 0." in page
        assert ("€135.00" in page) is sum_
        made = Reservation.objects.values_list("pk", "locator")
        assert [code in page for _pk, code in made] == [bool(codes)] * 2
        file = client.get(reverse("admin:desk_people_csv", args=[train.departure.pk]))
        if codes is None:
            assert file.status_code == 403
            assert "Ada Roe" not in page
            return
        lines = b"".join(file.streaming_content).decode()
        assert "Ada Roe" in page
        assert "Ada Roe" in lines
        for pk, code in made:
            assert (code in lines) is codes
            assert (f"Reservation {pk}" in page) is (f"Reservation {pk}," in lines) is not codes

    def test_jobs_name_bookings_as_the_departure_does(self, browser, train, sold, clerk):
        confirm(browser, train, "cancel", ask(browser, train, "cancel", deed="tell", reason="Ice"))
        job = DisruptionJob.objects.get()
        agent = factories.make_user(
            email="amy@office.example", is_staff=True, roles=["support agent"]
        )
        made = list(Reservation.objects.values_list("pk", "locator"))
        for user, sees in ((clerk, False), (agent, True)):
            browser.force_login(user)
            page = browser.get(reverse("admin:desk_job", args=[job.pk])).content.decode()
            file = browser.get(reverse("admin:desk_job_csv", args=[job.pk]))
            lines = b"".join(file.streaming_content).decode()
            for pk, code in made:
                assert (code in page) is (code in lines) is sees
                assert (f"Reservation {pk}" in page) is (f"Reservation {pk}," in lines) is not sees

    def test_one_that_is_not_there(self, browser, train):
        for pk in (10**6, 10**18):
            assert browser.get(reverse("admin:desk_departure", args=[pk])).status_code == 404
        page = reverse("admin:desk_act", args=[train.departure.pk, "nonsense"])
        assert browser.get(page).status_code == 404


def test_it_is_led_to_from_the_overview(browser, clock: Clock) -> None:
    assert reverse("admin:desk") in browser.get(reverse("admin:index")).content.decode()
