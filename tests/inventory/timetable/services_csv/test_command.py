"""The command, and the worked example of the handbook."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from inventory.models import Carrier, Departure, Feed, ImportRun, PendingChange, Seat, Station
from tests.inventory.timetable.services_csv.conftest import SHEETS

pytestmark = pytest.mark.django_db

EXAMPLE = Path(__file__).resolve().parents[4] / "docs" / "examples" / "coaches"


def run(folder: Path, *options: str) -> str:
    out = StringIO()
    window = ("--from=2026-01-12", "--days=7")
    call_command("import_services", str(folder), *window, *options, stdout=out)
    return out.getvalue()


def departures():
    return set(Departure.objects.values_list("pk", "state", "content_digest", "generation"))


class TestImportServices:
    def test_brings_a_timetable_in_and_says_so(self, make_sheets):
        told = run(make_sheets())
        assert "acme: 2026-01-12 to 2026-01-18, 5 departures with 15 calls, 1 services" in told
        assert "Added 5, replaced 0, withdrawn 0, unchanged 0; 0 wait" in told
        assert Seat.objects.count() == 40
        assert Feed.objects.get().name == "Acme Coaches"

    def test_once_more_is_no_change(self, make_sheets):
        run(make_sheets())
        before = departures()
        assert "Added 0, replaced 0, withdrawn 0, unchanged 5" in run(make_sheets())
        assert departures() == before

    def test_a_mistake_changes_nothing_and_says_what_to_write(self, make_sheets):
        run(make_sheets())
        before = departures()
        wrong = SHEETS["departures.csv"].replace("08:30", "8.30")
        with pytest.raises(CommandError) as refused:
            run(make_sheets({"departures.csv": wrong}))
        assert str(refused.value).splitlines()[:3] == [
            "Nothing was imported.",
            "fault: departures.csv: column leaves: write a time as HH:MM, such as 08:30 (1x)",
            "    line 2: 8.30",
        ]
        assert departures() == before
        assert ImportRun.objects.count() == 1

    def test_a_folder_that_is_not_there(self, tmp_path):
        with pytest.raises(CommandError, match=r"company\.csv: cannot be opened"):
            run(tmp_path / "nowhere")
        assert not Feed.objects.exists()

    def test_a_dry_run_writes_nothing(self, make_sheets):
        assert "Nothing was written" in run(make_sheets(), "--dry-run")
        assert not Station.objects.exists()

    def test_a_sold_departure_stays_and_the_difference_waits(self, make_sheets):
        run(make_sheets())
        Departure.objects.update(frozen_at="2026-01-01T12:00:00Z")
        before = departures()
        later = SHEETS["departures.csv"].replace("08:30", "08:45")
        assert "5 wait for the departures desk" in run(make_sheets({"departures.csv": later}))
        assert departures() == before
        assert PendingChange.objects.count() == 5

    def test_a_carrier_that_sells_in_another_currency_is_refused(self, make_sheets):
        Carrier.objects.create(
            code="acme", name="Acme", currency_id="GBP", tz="Europe/London", country="GB"
        )
        with pytest.raises(CommandError, match="sells in GBP already"):
            run(make_sheets())
        assert not Feed.objects.exists()
        assert not Station.objects.exists()


class TestTheExample:
    def test_is_imported(self):
        # Monday, 23 November, to Sunday, 6 December 2026: H 1 on ten working days and four days
        # of the weekend, H 3 and H 2 each day, H 4 on two Fridays and two Sundays, N 8 on two
        # week-ends of three days; four calls each, N 8 three.
        told = run(EXAMPLE, "--from=2026-11-23", "--days=14")
        assert "coaches: 2026-11-23 to 2026-12-06, 52 departures with 202 calls" in told
        assert "5 services, 5 stations, 5 cities." in told

    def test_keeps_christmas(self):
        run(EXAMPLE, "--from=2026-12-21", "--days=7")
        of_h1 = Departure.objects.filter(service__number="H 1").order_by("travel_date")
        # The row of working days leaves out 24 and 25 December; that of the weekend does not.
        assert [d.day for d in of_h1.values_list("travel_date", flat=True)] == [21, 22, 23, 26, 27]
        of_h4 = Departure.objects.filter(service__number="H 4").order_by("travel_date")
        assert [d.day for d in of_h4.values_list("travel_date", flat=True)] == [23, 25, 27]

    def test_finds_the_cities_that_are_known(self):
        run(EXAMPLE, "--from=2026-11-23", "--days=1")
        assert Station.objects.get(code="coaches:HAM").city.code == "de-hamburg"
        assert Station.objects.get(code="coaches:AMS").city.country == "NL"
