"""
Reads feeds of the General Transit Feed Specification (https://gtfs.org/documentation/schedule/).

`read_gtfs` reads and checks a whole feed and gives a `TimetableDraft`.
"""

from inventory.timetable.gtfs.reader import GtfsOptions, read_gtfs

__all__ = ["GtfsOptions", "read_gtfs"]
