"""Rows of a feed's CSV files."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator, Sequence

from inventory.timetable.gtfs.archive import Archive
from inventory.timetable.report import Report, SourceBroken
from inventory.timetable.tables import read_rows


def read_table(
    archive: Archive,
    name: str,
    *,
    required: Sequence[str],
    optional: Sequence[str] = (),
    report: Report,
) -> Iterator[tuple[int, tuple[str, ...]]]:
    """
    The rows of one file as `read_rows` gives them; a file that is not there gives none.

    :raises SourceBroken: a required column is missing, or the file is not UTF-8 CSV.
    """
    if name not in archive:
        return
    with archive.open(name) as stream:
        try:
            yield from read_rows(stream, name, required=required, optional=optional, report=report)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
            report.fault(name, None, "cannot be unpacked", str(error))
            raise SourceBroken(report) from error
