"""The command: what it says, and that what it refuses changes nothing."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from inventory.models import (
    Carrier,
    City,
    Departure,
    Fare,
    Feed,
    ImportRun,
    PendingChange,
    Service,
    Station,
)
from inventory.timetable.reading import feed_code
from tests.inventory.timetable.conftest import FEED

pytestmark = pytest.mark.django_db


def run(path: Path, *options: str) -> str:
    out = StringIO()
    call_command("import_gtfs", str(path), *options, stdout=out)
    return out.getvalue()


class TestImportGtfs:
    def test_brings_a_feed_in_and_says_so(self, make_feed):
        told = run(make_feed(), "--feed", "test")
        assert "1 departures with 3 calls, 1 services, 3 stations, 3 cities." in told
        assert "Added 1, replaced 0, withdrawn 0, unchanged 0; 0 wait" in told
        departure = Departure.objects.get()
        assert (departure.service.number, departure.feed.code) == ("ICE 1", "test")
        assert departure.calls.count() == 3

    def test_keeps_a_report_of_the_run(self, make_feed):
        run(make_feed({"stops.txt": FEED["stops.txt"] + "X,X,100,1\n"}), "--feed", "test")
        imported = ImportRun.objects.get()
        assert imported.finished_at is not None
        assert len(imported.digest) == 64
        assert imported.report["counts"]["added"] == 1
        [finding] = imported.report["findings"]
        assert (finding["file"], finding["reason"], finding["examples"]) == (
            "stops.txt", "a stop is nowhere on earth", [[5, "100,1"]],
        )  # fmt: skip

    def test_says_what_it_skips(self, make_feed):
        told = run(make_feed({"stops.txt": FEED["stops.txt"] + "X,X,100,1\n"}))
        assert "skipped: stops.txt: a stop is nowhere on earth (1x)" in told
        assert "line 5: 100,1" in told

    def test_a_dry_run_writes_nothing(self, make_feed):
        told = run(make_feed(), "--dry-run")
        assert "Nothing was written" in told
        assert not Feed.objects.exists()
        assert not Station.objects.exists()

    def test_a_broken_feed_changes_nothing(self, make_feed):
        run(make_feed(), "--feed", "test")
        broken = make_feed({"stop_times.txt": b"trip_id,arrival_time\n\xff"})
        with pytest.raises(CommandError, match=r"(?s)Nothing was imported.*stop_times\.txt"):
            run(broken, "--feed", "test")
        assert Departure.objects.get().state == "scheduled"
        assert ImportRun.objects.count() == 1

    def test_a_feed_whose_every_trip_is_wrong_changes_nothing(self, make_feed):
        run(make_feed(), "--feed", "test")
        wrong = FEED["stop_times.txt"].replace("8000152", "NOWHERE")
        with pytest.raises(CommandError, match="no departure in the window"):
            run(make_feed({"stop_times.txt": wrong}), "--feed", "test")
        assert Departure.objects.get().state == "scheduled"

    @pytest.mark.parametrize("option", ["--profile", "--places"])
    def test_a_file_that_is_not_there_changes_nothing(self, make_feed, option):
        with pytest.raises(CommandError, match="Nothing was imported"):
            run(make_feed(), option, "/nowhere/at.all")
        assert not City.objects.exists()

    @pytest.mark.parametrize(
        "options", [("--from", "tomorrow"), ("--days", "0"), ("--shift-to", "2026-13-01")]
    )
    def test_refuses_options_that_make_no_sense(self, make_feed, options):
        with pytest.raises(CommandError):
            run(make_feed(), *options)

    def test_lays_the_feed_on_another_year(self, make_feed):
        # The feed's only day is a Monday, and so is 4 January 2027.
        run(make_feed(), "--shift-to", "2027-01-04", "--days", "7")
        assert str(Departure.objects.get().travel_date) == "2027-01-04"

    def test_a_window_that_misses_the_feed_withdraws_nothing(self, make_feed):
        run(make_feed(), "--feed", "test")
        with pytest.raises(CommandError):
            run(make_feed(), "--feed", "test", "--from", "2026-07-01", "--days", "30")
        assert Departure.objects.get().state == "scheduled"

    def test_once_more_is_no_change(self, make_feed):
        run(make_feed(), "--feed", "test")
        departure, fares = Departure.objects.get(), set(Fare.objects.values_list("pk", flat=True))
        told = run(make_feed(), "--feed", "test")
        assert "Added 0, replaced 0, withdrawn 0, unchanged 1" in told
        assert Departure.objects.get() == departure
        assert set(Fare.objects.values_list("pk", flat=True)) == fares
        assert (Service.objects.count(), Carrier.objects.count()) == (1, 1)

    def test_a_sold_departure_that_changed_is_said(self, make_feed):
        run(make_feed(), "--feed", "test")
        departure = Departure.objects.get()
        Departure.objects.update(frozen_at="2026-05-01T12:00:00Z")
        later = FEED["stop_times.txt"].replace("13:30:00", "13:45:00")
        told = run(make_feed({"stop_times.txt": later}), "--feed", "test")
        assert "1 wait for the departures desk" in told
        assert PendingChange.objects.get().departure == departure

    def test_a_profile_and_places_of_ones_own(self, make_feed, tmp_path):
        places = tmp_path / "places.csv"
        places.write_text(
            "name,country,latitude,longitude,names,stations\n"
            "Nordstadt,DE,53.5,10.0,en:Northtown,Hamburg Hbf\n",
            encoding="utf-8",
        )
        run(make_feed(), "--places", str(places))
        assert Station.objects.get(name="Hamburg Hbf").city.name == "Nordstadt"


class TestFeedCode:
    @pytest.mark.parametrize(
        ("name", "code"),
        [
            ("db-fernverkehr-2019.gtfs.zip", "db-fernverkehr-2019"),
            ("VBB (2026).zip", "vbb-2026"),
            ("Ж.zip", "feed"),
            ("x" * 50 + ".zip", "x" * 30),
        ],
    )
    def test_from_the_name_of_the_file(self, name, code):
        assert feed_code(Path(name)) == code
