"""What all readers have in common: what they give, and under which name."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from inventory.timetable.draft import TimetableDraft
from inventory.timetable.report import Report, SourceBroken

LONGEST_FEED_CODE = 30
LONGEST_STATION_CODE = 40
_FEED_CODE = re.compile(r"[a-z0-9][a-z0-9_-]{0,29}")

#: Told of each step: what is being read.
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Reading:
    """What came of reading a source: the draft, what was skipped, a digest of all that was read."""

    draft: TimetableDraft
    report: Report
    digest: str
    call_count: int


def feed_code(path: Path) -> str:
    """A feed's code from its file's name: `db-fernverkehr` of `DB Fernverkehr.gtfs.zip`."""
    name = path.name.split(".")[0].casefold()
    return re.sub(r"[^a-z0-9_-]+", "-", name).strip("-_")[:LONGEST_FEED_CODE] or "feed"


def check_feed_code(code: str, *, path: Path, report: Report) -> None:
    """
    Refuses what cannot be the name of a feed.

    :raises SourceBroken: it is not 1 to 30 of a-z, 0-9, - and _.
    """
    if _FEED_CODE.fullmatch(code) is None:
        report.fault(path.name, None, "a feed's code is 1 to 30 of a-z, 0-9, - and _", code)
        raise SourceBroken(report)


def own_code(feed: str, key: str) -> str:
    """
    The code of a station that only its feed knows: `feed:key`, and unlike every other feed's.

    One that is too long is cut, and a digest of the whole keeps it apart.
    """
    code = f"{feed}:{key}"
    if len(code) <= LONGEST_STATION_CODE:
        return code
    digest = hashlib.sha256(code.encode()).hexdigest()
    return f"{code[: LONGEST_STATION_CODE - 13]}~{digest[:12]}"
