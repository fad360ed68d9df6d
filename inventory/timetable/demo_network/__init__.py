"""
The demo network: an invented timetable between real cities, for trying the office out.

52 cities, most of them in Europe, each with an airport, a railway station and a coach stop; the
carriers, numbers, fares and times are made up, the places are real. The facts stand in the
tables beside this file (cities.csv, stations.csv, flights.csv, trains.toml, coaches.toml), seats
and fares in fleet.py and fares.py.

Two rules hold for every day and every scale, and are tested:

* Among any 14 cities there is a flight, a train and a coach between two of them. So the cities
  fall, for each mode, into 13 groups that are linked inside without a gap.
* The timetable of a day depends on that day and the scale alone: making it again tomorrow adds a
  day and changes nothing else.
"""

from inventory.timetable.demo_network.timetable import (
    FEED,
    LARGEST_SCALE,
    demo_timetable,
    edition_digest,
)

__all__ = ["FEED", "LARGEST_SCALE", "demo_timetable", "edition_digest"]
