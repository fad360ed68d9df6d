"""Lists of big tables, and the page of a reservation."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from bookings.admin.rows import segments
from bookings.models import Reservation
from inventory.models import City
from tests import factories
from travel.common import admin_bases
from travel.common.admin_bases import BoundedPaginator, percent, phone, station_time, whole_number


class TestBoundedPaginator:
    @pytest.fixture
    def cities(self, db: None) -> None:
        for number in range(7):
            factories.make_city(f"City {number}")

    def test_counts_no_further_than_the_bound(self, cities: None, monkeypatch) -> None:
        monkeypatch.setattr(admin_bases, "MOST_ROWS", 5)
        pages = BoundedPaginator(City.objects.order_by("name"), 2)

        with CaptureQueriesContext(connection) as queries:
            assert pages.count == 5
        assert pages.is_cut_off
        assert pages.num_pages == 3
        assert "LIMIT 6" in queries[0]["sql"]
        assert "ORDER BY" not in queries[0]["sql"]

    def test_a_short_list_is_whole(self, cities: None) -> None:
        pages = BoundedPaginator(City.objects.order_by("name"), 2)

        assert (pages.count, pages.is_cut_off) == (7, False)

    def test_the_page_says_that_there_is_more(self, cities, desk: Client, monkeypatch) -> None:
        monkeypatch.setattr(admin_bases, "MOST_ROWS", 5)

        text = desk.get(reverse("admin:inventory_city_changelist")).content.decode()

        assert "More than 5 cities" in text


class TestReservations:
    @pytest.mark.parametrize("typed", ["aaa-aaa", "AAAAAA", " aaaaaa ", "Buyer0@Example.org"])
    def test_is_found_by_code_and_address(
        self, desk: Client, sell: Callable[[int], Reservation], typed: str
    ) -> None:
        wanted = sell(0)
        sell(1)

        answer = desk.get(reverse("admin:bookings_reservation_changelist"), {"q": typed})

        assert list(answer.context["cl"].result_list) == [wanted]
        assert "€45.00" in answer.content.decode()

    def test_tells_the_story(self, desk: Client, sell: Callable[[int], Reservation]) -> None:
        reservation = sell(0)

        page = desk.get(reverse("admin:bookings_reservation_change", args=[reservation.pk]))

        text = page.content.decode()
        for word in [
            "AAAAAA",
            "Buyer Number0",
            "ICE 585",
            "Hamburg Hbf",
            "München Hbf",
            # The train leaves at 06:00 UTC, which is 08:00 in Hamburg.
            "2 Jun 2026, 08:00",
            "2 Jun 2026, 06:00 UTC",
            "Europe/Berlin",
            "Coach 1, seat 100A",
            "Saver",
            "€42.06",
            "€2.94",
            "€45.00",
            "Bank card",
            "Captured",
            "€40.50",
            "On its way",
            "10 %",
            "Strike",
            "Seats reserved",
        ]:
            assert word in text, word
        assert text.index("Seats reserved") < text.index(">Paid</a>")

    def test_a_hold_that_ended_is_called_so(
        self, desk: Client, sell: Callable[[int], Reservation], clock
    ) -> None:
        reservation = sell(0)
        Reservation.objects.filter(pk=reservation.pk).update(state="held")
        listed = reverse("admin:bookings_reservation_changelist")

        assert "Hold ended" not in desk.get(listed).content.decode()
        clock.advance(minutes=10)
        assert "Hold ended" in desk.get(listed).content.decode()

    def test_hostile_names_are_text(self, desk: Client, sell: Callable[[int], Reservation]) -> None:
        reservation = sell(0)
        passenger = reservation.passengers.get()
        passenger.last_name = "<script>alert(1)</script>"
        passenger.save()

        page = desk.get(reverse("admin:bookings_reservation_change", args=[reservation.pk]))

        assert "<script>alert" not in page.content.decode()


class TestWords:
    @pytest.mark.parametrize(
        ("bits", "runs"), [(0, "-"), (0b1, "0"), (0b100111, "0-2, 5"), (2**63 - 1, "0-62")]
    )
    def test_taken_segments_read_as_runs(self, bits: int, runs: str) -> None:
        assert segments(bits) == runs

    @pytest.mark.parametrize(
        ("basis_points", "text"), [(0, "0 %"), (700, "7 %"), (1250, "12.5 %"), (1, "0.01 %")]
    )
    def test_shares_read_as_per_cent(self, basis_points: int, text: str) -> None:
        assert percent(basis_points) == text

    @pytest.mark.parametrize(
        ("typed", "number"),
        [("12", 12), ("9223372036854775807", 2**63 - 1), ("9223372036854775808", None)]
        + [(text, None) for text in ("", "-1", "1.0", "²", "٣", "9" * 400)],
    )
    def test_only_ids_are_numbers(self, typed: str, number: int | None) -> None:
        assert whole_number(typed) == number

    def test_phones_are_read_with_their_country(self) -> None:
        assert phone("+49 171 1234567") == "+491711234567"
        assert phone("0171 1234567") is None

    def test_times_stand_on_the_stations_clock_with_its_zone(self) -> None:
        written = station_time(datetime(2026, 6, 1, 23, 30, tzinfo=UTC), "Europe/Berlin")

        assert "2 Jun 2026, 01:30" in written
        assert "Europe/Berlin" in written
        assert "1 Jun 2026, 23:30 UTC" in written


def test_departures_are_found_by_their_day(
    desk: Client, train: factories.Trip, clock, noon
) -> None:
    listed = reverse("admin:inventory_departure_changelist")

    def shown(day: str) -> list[int]:
        rows = desk.get(listed, {"day": day, "q": "ICE 585"}).context["cl"].result_list
        return [row.pk for row in rows]

    assert (shown("today"), shown("tomorrow")) == ([], [train.departure.pk])
    assert (shown("week"), shown("past")) == ([train.departure.pk], [])
    clock.moment = noon + timedelta(days=2)
    assert (shown("tomorrow"), shown("past")) == ([], [train.departure.pk])
