"""How much a search reads: as much at ten times the timetable, for the join goes by the indexes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from inventory import search
from inventory.places import StationFacts
from tests import factories

DAY = date(2026, 6, 2)
NOW = datetime(2026, 6, 1, tzinfo=UTC)
EVERY_DAY = 6


def facts_of(station: factories.Station) -> StationFacts:
    return StationFacts(
        station.pk, station.code, station.name, station.kind, station.tz, station.city_id
    )


class Line:
    """A train line through five stations that runs six times a day."""

    def __init__(self) -> None:
        carrier = factories.make_carrier("reads")
        self.service = factories.make_service(factories.make_tariff(carrier), "R 1", category="R")
        self.vehicle = factories.make_vehicle(carrier)
        self.stations = [
            factories.make_station(factories.make_city(f"Town {name}"), f"T{name}")
            for name in "ABCDE"
        ]

    def run(self, days: range) -> None:
        for day in days:
            for number in range(EVERY_DAY):
                start = datetime(2026, 6, 2, 5 + 2 * number, tzinfo=UTC) + timedelta(days=day)
                factories.make_trip(
                    self.service,
                    self.vehicle,
                    starts_at=start,
                    run=str(number),
                    stops=[
                        factories.Stop(station, 30 * position, 50 * position)
                        for position, station in enumerate(self.stations)
                    ],
                )

    def search(self) -> list[search.Stretch]:
        return search.find_stretches(
            origins=[facts_of(self.stations[1])],
            destinations=[facts_of(self.stations[3])],
            day=DAY,
            now=NOW,
        )


@pytest.mark.mariadb
def test_ten_times_the_timetable_is_no_more_to_read(db: None) -> None:
    line = Line()
    line.run(range(4))
    before = _rows_read(line)

    line.run(range(4, 40))
    after = _rows_read(line)

    assert len(line.search()) == EVERY_DAY
    assert after <= 1.1 * before


def test_sqlite_goes_by_the_indexes(db: None) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("MariaDB counts the rows instead")
    line = Line()
    line.run(range(1))
    with CaptureQueriesContext(connection) as captured:
        assert len(line.search()) == EVERY_DAY
    (query,) = captured.captured_queries
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN QUERY PLAN " + query["sql"])
        plan = [row[3] for row in cursor.fetchall()]

    assert plan[0].startswith("SEARCH start USING INDEX call_station_time (station_id=? AND dep")
    assert "INDEX call_way (departure_id=? AND station_id=? AND position>?)" in plan[1]
    assert not any(line.startswith("SCAN") for line in plan)


def _rows_read(line: Line) -> int:
    before = _rows_read_so_far()
    line.search()
    return _rows_read_so_far() - before


def _rows_read_so_far() -> int:
    """What this session has read; FLUSH STATUS would commit the test's rows."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW SESSION STATUS LIKE 'Handler_read%'")
        return sum(
            int(value) for name, value in cursor.fetchall() if name != "Handler_read_rnd_next"
        )
