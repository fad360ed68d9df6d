"""The zip file of a feed: which of its files are there, opened within bounds."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from types import TracebackType
from typing import Any

from inventory.timetable.report import Report, SourceBroken

REQUIRED_FILES = ("agency.txt", "stops.txt", "routes.txt", "trips.txt", "stop_times.txt")
CALENDAR_FILES = ("calendar.txt", "calendar_dates.txt")

#: A national feed is some gigabytes of text; whatever is larger is not a timetable.
MOST_BYTES = 8 * 1024**3
MOST_MEMBERS = 10_000
#: Timetables pack to about a twentieth. A file that packs a thousandfold is made to fill disks.
MOST_RATIO = 1_000
#: Below this size the ratio says nothing.
SMALL_BYTES = 8 * 1024**2


class Archive:
    """
    An opened feed. Its files may stand in one sub-folder of the zip, as some producers pack them.

    :raises SourceBroken: no zip, no feed in it, files missing, encrypted or beyond the bounds.
    """

    def __init__(self, path: Path, report: Report) -> None:
        self._path = path
        self._report = report
        try:
            self._zip = zipfile.ZipFile(path)
        except (OSError, zipfile.BadZipFile) as error:
            self._refuse(path.name, "cannot be opened as a zip file", str(error))
        self._members = self._find_members()
        self._check_required()

    def __enter__(self) -> Archive:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._zip.close()

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def open(self, name: str) -> io.BufferedReader:
        """A file's bytes. Reading stops at the size that the zip declares, checked above."""
        # The standard library's own types do not know that a zip's member is a raw stream.
        stream: Any = self._zip.open(self._members[name])
        return io.BufferedReader(stream, 1 << 16)

    def _find_members(self) -> dict[str, zipfile.ZipInfo]:
        infos = [info for info in self._zip.infolist() if not info.is_dir()]
        self._check_bounds(infos)

        folders: dict[str, dict[str, zipfile.ZipInfo]] = {}
        for info in infos:
            folder, _, name = info.filename.replace("\\", "/").rpartition("/")
            if name.endswith(".txt") and "__MACOSX" not in folder:
                if name in folders.setdefault(folder, {}):
                    self._refuse(info.filename, "stands twice in the zip file")
                folders[folder][name] = info

        feeds = [members for members in folders.values() if "stops.txt" in members]
        if "" in folders and "stops.txt" in folders[""]:
            feeds = [folders[""]]
        if len(feeds) > 1:
            self._refuse(self._path.name, "holds several feeds in several folders")
        if not feeds:
            self._refuse("stops.txt", "is missing")
        return feeds[0]

    def _check_bounds(self, infos: list[zipfile.ZipInfo]) -> None:
        if len(infos) > MOST_MEMBERS:
            self._refuse(self._path.name, f"holds more than {MOST_MEMBERS} files")
        if sum(info.file_size for info in infos) > MOST_BYTES:
            self._refuse(self._path.name, f"unpacks to more than {MOST_BYTES} bytes")
        for info in infos:
            packed = max(info.compress_size, 1)
            if info.file_size > SMALL_BYTES and info.file_size > MOST_RATIO * packed:
                self._refuse(info.filename, f"unpacks to more than {MOST_RATIO} times its size")
            if info.flag_bits & 0x1:
                self._refuse(info.filename, "is encrypted")

    def _check_required(self) -> None:
        for name in REQUIRED_FILES:
            if name not in self._members:
                self._report.fault(name, None, "is missing")
        if not any(name in self._members for name in CALENDAR_FILES):
            self._report.fault(" or ".join(CALENDAR_FILES), None, "is missing")
        if self._report.has_faults:
            raise SourceBroken(self._report)

    def _refuse(self, file: str, reason: str, quote: str = "") -> None:
        self._report.fault(file, None, reason, quote)
        raise SourceBroken(self._report)
