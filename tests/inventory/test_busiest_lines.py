"""Which ways most departures of a day lead."""

from __future__ import annotations

from datetime import date, timedelta

from inventory import selectors
from inventory.models import Departure
from tests.factories import Stop, Timetable, make_trip

TUESDAY = date(2026, 6, 2)


def test_counts_the_departures_of_the_day(timetable: Timetable) -> None:
    lines = selectors.busiest_lines(TUESDAY, of_each_mode=2)

    # All run once; the shortest way comes first.
    assert [(one.mode, one.departures, one.shortest) for one in lines] == [
        ("Plane", 1, timedelta(minutes=75)),
        ("Train", 1, timedelta(minutes=330)),
        ("Bus", 1, timedelta(minutes=600)),
    ]


def test_takes_there_and_back_for_one_line(timetable: Timetable) -> None:
    train = timetable.train
    again = make_trip(
        train.departure.service,
        train.departure.vehicle,
        starts_at=train.calls[0].departs_at + timedelta(hours=2),
        stops=[Stop(train.calls[0].station, 0), Stop(train.calls[-1].station, 300, 800)],
        run="again",
    )
    make_trip(
        train.departure.service,
        train.departure.vehicle,
        starts_at=train.calls[0].departs_at + timedelta(hours=4),
        stops=[Stop(train.calls[-1].station, 0), Stop(train.calls[0].station, 240, 800)],
        run="back",
    )

    first = selectors.busiest_lines(TUESDAY, of_each_mode=1)[0]

    # Two lead there and one back: the line is told in its first direction, with what runs there.
    assert (first.mode, first.departures) == ("Train", 2)
    assert (first.from_station_id, first.to_station_id) == (
        again.calls[0].station_id,
        again.calls[-1].station_id,
    )
    # Back it goes in four hours.
    assert first.shortest == timedelta(minutes=240)


def test_leaves_out_what_does_not_run(timetable: Timetable) -> None:
    Departure.objects.filter(pk=timetable.train.departure.pk).update(state="cancelled")

    modes = [one.mode for one in selectors.busiest_lines(TUESDAY, of_each_mode=2)]

    assert modes == ["Plane", "Bus"]
    assert selectors.busiest_lines(date(2026, 6, 9), of_each_mode=2) == []
