from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory.timetable.gtfs.times import parse_date, parse_time, start_of_service_day

BERLIN = ZoneInfo("Europe/Berlin")


class TestParseTime:
    @pytest.mark.parametrize(
        ("text", "seconds"),
        [
            ("00:00:00", 0),
            ("8:05:09", 8 * 3600 + 5 * 60 + 9),
            ("24:00:00", 86_400),
            ("57:40:00", 57 * 3600 + 40 * 60),
            ("336:00:00", 14 * 86_400),
        ],
    )
    def test_counts_seconds_past_midnight_and_beyond(self, text, seconds):
        assert parse_time(text) == seconds

    @pytest.mark.parametrize(
        "text",
        ["", "8:05", "08:60:00", "08:00:60", "-1:00:00", "336:00:01", "08:00:00 ", "ab:cd:ef"],
    )
    def test_refuses_what_is_no_time(self, text):
        assert parse_time(text) is None


class TestParseDate:
    def test_reads_a_day(self):
        assert parse_date("20260329") == date(2026, 3, 29)

    @pytest.mark.parametrize(
        "text", ["", "2026-03-29", "20260230", "20261301", "00000101", "2026032"]
    )
    def test_refuses_what_is_no_day(self, text):
        assert parse_date(text) is None


class TestStartOfServiceDay:
    """Noon minus twelve hours; reckoned by hand from the clocks of Berlin in 2026."""

    @pytest.mark.parametrize(
        ("day", "time", "instant"),
        [
            # An ordinary day in winter: midnight in Berlin is 23:00 UTC of the day before.
            (date(2026, 3, 28), "00:00:00", datetime(2026, 3, 27, 23, 0)),
            (date(2026, 3, 28), "08:00:00", datetime(2026, 3, 28, 7, 0)),
            # 02:30:00 past 24:00 into the night when the clocks go forward: 02:00 becomes 03:00.
            (date(2026, 3, 28), "25:59:00", datetime(2026, 3, 29, 0, 59)),
            (date(2026, 3, 28), "26:30:00", datetime(2026, 3, 29, 1, 30)),
            # 29 March has 23 hours. Noon is 10:00 UTC, so the count starts at 22:00 UTC, which
            # is 23:00 of the day before; eight o'clock is eight o'clock.
            (date(2026, 3, 29), "00:00:00", datetime(2026, 3, 28, 22, 0)),
            (date(2026, 3, 29), "03:30:00", datetime(2026, 3, 29, 1, 30)),
            (date(2026, 3, 29), "08:00:00", datetime(2026, 3, 29, 6, 0)),
            (date(2026, 3, 29), "24:10:00", datetime(2026, 3, 29, 22, 10)),
            # 25 October has 25 hours. Noon is 11:00 UTC, so the count starts at 23:00 UTC, which
            # is one o'clock in the morning of summer time.
            (date(2026, 10, 25), "00:00:00", datetime(2026, 10, 24, 23, 0)),
            (date(2026, 10, 25), "02:30:00", datetime(2026, 10, 25, 1, 30)),
            (date(2026, 10, 25), "08:00:00", datetime(2026, 10, 25, 7, 0)),
            # The evening before, past midnight: both 02:30 are there, an hour apart.
            (date(2026, 10, 24), "26:30:00", datetime(2026, 10, 25, 0, 30)),
            (date(2026, 10, 24), "27:30:00", datetime(2026, 10, 25, 1, 30)),
        ],
    )
    def test_by_hand(self, day, time, instant):
        moment = start_of_service_day(day, BERLIN) + timedelta(seconds=parse_time(time))
        assert moment == instant.replace(tzinfo=UTC)

    @given(
        day=st.dates(min_value=date(1990, 1, 1), max_value=date(2036, 12, 31)),
        zone=st.sampled_from(
            ["Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "UTC"]
        ),
    )
    def test_twelve_hours_later_it_is_noon(self, day, zone):
        noon = (start_of_service_day(day, ZoneInfo(zone)) + timedelta(hours=12)).astimezone(
            ZoneInfo(zone)
        )
        assert (noon.date(), noon.hour, noon.minute) == (day, 12, 0)
