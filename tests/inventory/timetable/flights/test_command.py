"""The command: what it says, and that what it refuses changes nothing."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from inventory.models import (
    Carrier,
    Departure,
    FareVersion,
    Feed,
    ImportRun,
    PendingChange,
    SeatMap,
    Service,
    Station,
)
from tests.inventory.timetable.flights.conftest import OUT_AND_BACK, PROFILE

pytestmark = pytest.mark.django_db


@pytest.fixture
def run(folder: Path):
    """Runs the command on routes of the small world, for 14 and 15 January 2026."""

    def import_flights(*options: str, routes: str = OUT_AND_BACK) -> str:
        (folder / "routes.dat").write_text(routes, encoding="utf-8")
        out = StringIO()
        call_command(
            "import_flights",
            str(folder / "routes.dat"),
            f"--profile={folder / 'profile.toml'}",
            f"--airports={folder / 'airports.csv'}",
            "--from=2026-01-14",
            "--days=2",
            *options,
            stdout=out,
        )
        return out.getvalue()

    return import_flights


def state():
    return (
        set(Departure.objects.values_list("pk", "state", "content_digest", "generation")),
        set(Service.objects.values_list("pk", "number")),
        set(FareVersion.objects.values_list("pk", flat=True)),
        set(SeatMap.objects.values_list("pk", "code")),
        set(Station.objects.values_list("pk", "code")),
    )


class TestImportFlights:
    def test_brings_flights_in_and_says_so(self, run):
        told = run()
        assert "routes: 2026-01-14 to 2026-01-15, 4 departures with 8 calls, 2 services" in told
        assert "Added 4, replaced 0, withdrawn 0, unchanged 0; 0 wait" in told
        departure = Departure.objects.filter(calls__station__code="QQA", calls__position=0).first()
        assert departure.service.mode == "Plane"
        assert departure.service.flight.aircraft == "Airbus A320"
        assert departure.vehicle.seat_map.coaches.get().seats.count() == 40
        assert departure.service.tariff.fares.get().name == "Light"

    def test_once_more_is_no_change(self, run):
        run()
        before = state()
        assert "Added 0, replaced 0, withdrawn 0, unchanged 4" in run()
        assert state() == before

    def test_says_what_it_skips(self, run):
        told = run(routes=OUT_AND_BACK + "BX,2,QQA,1,QQB,2,Y,0,320\n")
        assert "skipped: routes.dat: a codeshare: another airline flies it (1x)" in told
        assert "line 3: BX,2,QQA,1,QQB,2,Y,0,320" in told
        assert len(ImportRun.objects.get().report["findings"]) == 1

    def test_a_dry_run_writes_nothing(self, run):
        assert "Nothing was written" in run("--dry-run")
        assert not Feed.objects.exists()
        assert not Station.objects.exists()

    def test_a_broken_file_changes_nothing(self, run):
        run()
        before = state()
        with pytest.raises(CommandError, match=r"(?s)Nothing was imported.*routes\.dat"):
            run(routes="AX,1,QQA\x00\n")
        assert state() == before
        assert ImportRun.objects.count() == 1

    def test_a_broken_profile_changes_nothing(self, run, folder):
        (folder / "profile.toml").write_text(PROFILE.replace("600", "0"), encoding="utf-8")
        with pytest.raises(CommandError, match="cruise_kmh"):
            run()
        assert not Feed.objects.exists()

    def test_a_list_of_airlines_that_is_not_there_changes_nothing(self, run):
        with pytest.raises(CommandError, match="cannot be opened"):
            run("--airlines=/nowhere/at.all")
        assert not Carrier.objects.exists()

    def test_a_route_that_is_gone_is_withdrawn(self, run):
        run()
        told = run(routes=OUT_AND_BACK.splitlines(keepends=True)[0])
        assert "Added 0, replaced 0, withdrawn 2, unchanged 2" in told

    def test_a_sold_flight_stays_and_the_difference_waits(self, run, folder):
        run()
        Departure.objects.update(frozen_at="2026-01-01T12:00:00Z")
        before = state()
        # An hour later.
        later = PROFILE.replace('"10:00"', '"11:00"')
        (folder / "profile.toml").write_text(later, encoding="utf-8")
        assert "4 wait for the departures desk" in run()
        assert state() == before
        assert {change.kind for change in PendingChange.objects.all()} == {"calls"}

    def test_an_airline_is_no_railway_with_the_same_letters(self, run):
        Carrier.objects.create(
            code="AX", name="A railway", currency_id="EUR", tz="Europe/Berlin", country="DE"
        )
        run()
        assert set(Carrier.objects.values_list("code", "name")) == {
            ("AX", "A railway"),
            ("iata:AX", "Alpha Air"),
        }

    @pytest.mark.parametrize(
        "option",
        ["--days=0", "--from=tomorrow", "--from=9999-12-31", "--limit=0", "--limit=many",
         "--airline=ABCD", "--airline=é1", "--airport=QQ"],
    )  # fmt: skip
    def test_refuses_options_that_make_no_sense(self, run, option):
        with pytest.raises(CommandError):
            run(option)

    def test_takes_what_is_asked_for(self, run):
        told = run("--airline=ax", "--airport=qqa", "--limit=1", "--feed=alpha")
        assert told.startswith("alpha: ")
        assert "2 departures with 4 calls" in told
