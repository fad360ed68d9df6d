"""Timetables from the browser: read and compared, confirmed, taken over; nothing else changes."""

from __future__ import annotations

import io
import zipfile
from datetime import date
from pathlib import Path

import pytest

from inventory.models import Departure, ImportRun, TimetableUpload, UploadPart
from inventory.services import uploads
from inventory.tasks import work_on_uploads
from tests import factories
from tests.inventory.timetable.conftest import FEED
from travel.common.errors import InvalidInput, NotFound

pytestmark = pytest.mark.django_db

SHEETS = Path(__file__).resolve().parents[2] / "docs" / "examples"


@pytest.fixture
def clerk(db: None):
    return factories.make_user(email="olga@office.example", is_staff=True, roles=["operations"])


def sheets_zip(folder: Path, *, prefix: str = "line/") -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as packed:
        for path in sorted(folder.glob("*.csv")):
            packed.write(path, f"{prefix}{path.name}")
    return stream.getvalue()


def example() -> Path:
    """The folder of sheets that the documentation shows."""
    found = sorted({path.parent for path in SHEETS.rglob("departures.csv")})
    return found[0]


def take(clerk, content: bytes, now, **options):
    given = {"kind": "sheets", "feed": "line", "first_day": date(2026, 7, 6), "days": 14}
    return uploads.upload(
        file_name="line.zip",
        content=[content[at : at + 1000] for at in range(0, len(content), 1000)],
        user_id=clerk.pk,
        now=now,
        **(given | options),
    )


class TestSheets:
    def test_is_compared_first_and_taken_over_when_confirmed(self, clerk, clock, noon):
        row = take(clerk, sheets_zip(example()), noon)
        before = Departure.objects.count()
        work_on_uploads()
        row.refresh_from_db()
        assert (row.state, Departure.objects.count()) == ("checked", before)
        promised = row.report["counts"]
        assert promised["added"] > 0

        uploads.confirm(upload_id=row.pk, user_id=clerk.pk, now=noon)
        work_on_uploads()
        row.refresh_from_db()
        assert row.state == "done"
        assert row.report["counts"] == promised
        assert Departure.objects.count() == before + promised["added"]
        assert row.run == ImportRun.objects.get()
        assert not UploadPart.objects.exists()
        # Nobody takes it over twice.
        with pytest.raises(NotFound):
            uploads.confirm(upload_id=row.pk, user_id=clerk.pk, now=noon)

    def test_the_second_time_all_is_unchanged(self, clerk, clock, noon):
        for _ in range(2):
            row = take(clerk, sheets_zip(example()), noon)
            work_on_uploads()
            uploads.confirm(upload_id=row.pk, user_id=clerk.pk, now=noon)
            work_on_uploads()
        row.refresh_from_db()
        counts = row.report["counts"]
        assert (counts["added"], counts["replaced"], counts["withdrawn"]) == (0, 0, 0)
        assert counts["unchanged"] > 0

    def test_a_mistake_is_told_and_nothing_changes(self, clerk, clock, noon, tmp_path):
        for path in example().glob("*.csv"):
            (tmp_path / path.name).write_bytes(path.read_bytes())
        (tmp_path / "stops.csv").unlink()
        row = take(clerk, sheets_zip(tmp_path), noon)
        work_on_uploads()
        row.refresh_from_db()
        assert row.state == "refused"
        assert any("stops.csv" in line for line in row.report["findings"])
        assert not Departure.objects.exists()

    def test_may_be_dropped(self, clerk, clock, noon):
        row = take(clerk, sheets_zip(example()), noon)
        work_on_uploads()
        uploads.drop(upload_id=row.pk, now=noon)
        assert not UploadPart.objects.exists()
        with pytest.raises(NotFound):
            uploads.confirm(upload_id=row.pk, user_id=clerk.pk, now=noon)
        assert work_on_uploads() == 0

    def test_a_worker_that_dies_is_followed_by_another(self, clerk, clock, noon):
        row = take(clerk, sheets_zip(example()), noon)
        TimetableUpload.objects.filter(pk=row.pk).update(lease_until=noon + uploads.LEASE)
        assert work_on_uploads() == 0
        clock.moment = noon + uploads.LEASE
        assert work_on_uploads() == 1
        row.refresh_from_db()
        assert row.state == "checked"

    def test_two_workers_do_not_read_the_same(self, clerk, clock, noon, monkeypatch):
        row = take(clerk, sheets_zip(example()), noon)
        compare = uploads.preview
        second = []

        def meanwhile(draft, *, now):
            if not second:
                second.append("looks")
                second.append(uploads.work_on(upload_id=row.pk, now=now))
            return compare(draft, now=now)

        monkeypatch.setattr(uploads, "preview", meanwhile)
        assert uploads.work_on(upload_id=row.pk, now=noon) == "checked"
        assert second == ["looks", ""]

    def test_what_breaks_off_again_and_again_is_refused(self, clerk, clock, noon, monkeypatch):
        row = take(clerk, sheets_zip(example()), noon)

        def break_off(*_args: object, **_options: object) -> None:
            raise RuntimeError

        monkeypatch.setattr(uploads, "preview", break_off)
        for _ in range(uploads.ATTEMPTS):
            work_on_uploads()
            clock.advance(hours=1)
        row.refresh_from_db()
        assert (row.state, row.report["findings"]) == ("refused", ["RuntimeError"])


class TestBounds:
    def test_refuses_what_is_no_zip_file_or_empty(self, clerk, noon):
        for content in (b"", b"hello, world"):
            with pytest.raises(InvalidInput):
                take(clerk, content, noon)
        assert not TimetableUpload.objects.exists()

    def test_refuses_what_is_too_large(self, clerk, noon, monkeypatch):
        monkeypatch.setattr(uploads, "MOST_BYTES", 2_000)
        with pytest.raises(InvalidInput):
            take(clerk, b"PK" + bytes(2_000), noon)
        assert not UploadPart.objects.exists()

    def test_cuts_a_large_file_in_parts_and_puts_it_together(self, clerk, noon, monkeypatch):
        monkeypatch.setattr(uploads, "PART_BYTES", 100)
        content = sheets_zip(example())
        row = take(clerk, content, noon)
        parts = UploadPart.objects.filter(upload=row).order_by("position")
        assert parts.count() == -(-len(content) // 100)
        assert b"".join(bytes(part.content) for part in parts) == content

    @pytest.mark.parametrize("kind", ["sheets", "gtfs"])
    def test_refuses_a_file_that_was_made_to_fill_disks(self, clerk, clock, noon, kind):
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as packed:
            packed.writestr("stops.csv", bytes(uploads.SMALL_BYTES + 1))
            packed.writestr("stops.txt", bytes(uploads.SMALL_BYTES + 1))
        row = take(clerk, stream.getvalue(), noon, kind=kind)
        work_on_uploads()
        row.refresh_from_db()
        assert row.state == "refused"
        assert "far more" in row.report["findings"][0]

    def test_refuses_a_broken_zip_file(self, clerk, clock, noon):
        row = take(clerk, b"PK\x03\x04 and then nothing", noon)
        work_on_uploads()
        row.refresh_from_db()
        assert row.state == "refused"

    def test_leaves_what_stands_outside_the_folder_alone(self, clerk, clock, noon, tmp_path):
        stream = io.BytesIO(sheets_zip(example(), prefix="../../"))
        row = take(clerk, stream.getvalue(), noon)
        work_on_uploads()
        row.refresh_from_db()
        # The sheets are found by their names; no path of the file is followed.
        assert row.state == "checked"

    @pytest.mark.parametrize("days", [0, 401])
    def test_refuses_too_many_days(self, clerk, noon, days):
        with pytest.raises(InvalidInput):
            take(clerk, sheets_zip(example()), noon, days=days)


def test_a_gtfs_feed(clerk, clock, noon):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in FEED.items():
            packed.writestr(name, content)
    row = take(clerk, stream.getvalue(), noon, kind="gtfs", first_day=None, days=None)
    work_on_uploads()
    row.refresh_from_db()
    assert row.state == "checked", row.report
    assert row.report["counts"]["added"] == row.report["departures"] > 0
