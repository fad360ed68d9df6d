"""Times to change, as transfers.txt has them."""

from __future__ import annotations

import re

from inventory.timetable.changes import Transfers
from inventory.timetable.gtfs.archive import Archive
from inventory.timetable.gtfs.stops import Stops
from inventory.timetable.gtfs.tables import read_table
from inventory.timetable.report import Report

FILE = "transfers.txt"
RECOMMENDED, TIMED, MINIMUM, IMPOSSIBLE = "0", "1", "2", "3"
#: A change that needs more than a day is no change.
LONGEST_SECONDS = 24 * 3600


def read_transfers(archive: Archive, stops: Stops, report: Report) -> Transfers:
    """
    The feed's own times between stations; platforms are folded, and the slowest pair counts.

    Rules for single trips or routes say nothing of a pair of stations and are left aside.
    """
    transfers: Transfers = {}
    for line, row in read_table(
        archive,
        FILE,
        required=("transfer_type",),
        optional=(
            "from_stop_id", "to_stop_id", "min_transfer_time", "from_route_id", "to_route_id",
            "from_trip_id", "to_trip_id",
        ),
        report=report,
    ):  # fmt: skip
        kind, from_stop, to_stop, seconds = row[:4]
        if any(row[4:]) or kind not in ("", RECOMMENDED, TIMED, MINIMUM, IMPOSSIBLE):
            report.note(FILE, line, "a rule for trips or routes is left aside", ",".join(row))
            continue
        if from_stop not in stops or to_stop not in stops:
            report.skip(FILE, line, "stop_id is not known", f"{from_stop},{to_stop}")
            continue
        pair = stops.station_id(from_stop), stops.station_id(to_stop)
        if kind == IMPOSSIBLE:
            if pair[0] == pair[1]:
                report.note(FILE, line, "a change within one station stays possible", from_stop)
            else:
                transfers.setdefault(pair, None)
        elif kind == MINIMUM:
            if not re.fullmatch(r"\d{1,6}", seconds) or int(seconds) > LONGEST_SECONDS:
                report.skip(FILE, line, "min_transfer_time is out of range", seconds)
            else:
                minutes = -(-int(seconds) // 60)
                transfers[pair] = max(minutes, transfers.get(pair) or 0)
    return transfers
