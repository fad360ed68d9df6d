from __future__ import annotations

import zipfile

import pytest

from inventory.timetable.gtfs import archive as archives
from inventory.timetable.gtfs.archive import Archive
from inventory.timetable.report import Report, SourceBroken
from tests.inventory.timetable.conftest import FEED


def faults(path):
    report = Report()
    with pytest.raises(SourceBroken) as refused:
        Archive(path, report)
    assert refused.value.report is report
    return [(finding.file, finding.reason) for finding in report]


class TestArchive:
    def test_files_may_stand_in_one_folder(self, make_feed):
        with Archive(make_feed(folder="export-2026/"), Report()) as archive:
            assert archive.open("trips.txt").read() == FEED["trips.txt"].encode()

    def test_no_zip(self, tmp_path):
        path = tmp_path / "feed.zip"
        path.write_text("not a zip")
        assert faults(path) == [("feed.zip", "cannot be opened as a zip file")]

    def test_not_there(self, tmp_path):
        assert faults(tmp_path / "none.zip") == [("none.zip", "cannot be opened as a zip file")]

    def test_every_missing_file_is_told(self, make_feed):
        path = make_feed({"trips.txt": None, "calendar_dates.txt": None})
        assert {file for file, _ in faults(path)} == {
            "trips.txt",
            "calendar.txt or calendar_dates.txt",
        }

    def test_two_feeds_in_two_folders(self, tmp_path):
        path = tmp_path / "two.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("a/stops.txt", "")
            archive.writestr("b/stops.txt", "")
        assert faults(path) == [("two.zip", "holds several feeds in several folders")]

    def test_a_file_that_unpacks_a_thousandfold(self, make_feed):
        bomb = b"t" * (9 * 1024 * 1024)
        [(file, reason)] = faults(make_feed({"shapes.txt": bomb}))
        assert file == "shapes.txt"
        assert "1000 times" in reason

    def test_more_than_any_timetable_holds(self, make_feed, monkeypatch):
        monkeypatch.setattr(archives, "MOST_BYTES", 100)
        [(_, reason)] = faults(make_feed())
        assert reason == "unpacks to more than 100 bytes"
