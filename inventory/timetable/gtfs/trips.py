"""Trips, their stop times and frequencies: read, checked, and made into patterns."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise

from inventory.timetable.distance import great_circle_metres
from inventory.timetable.draft import MOST_CALLS
from inventory.timetable.gtfs.archive import Archive
from inventory.timetable.gtfs.calendar import Calendar
from inventory.timetable.gtfs.services import Route, service_number
from inventory.timetable.gtfs.spool import BATCH, PatternCall, Spool, StopTime
from inventory.timetable.gtfs.stops import Stops
from inventory.timetable.gtfs.tables import read_table
from inventory.timetable.gtfs.times import parse_time
from inventory.timetable.report import Report

TRIPS, STOP_TIMES, FREQUENCIES = "trips.txt", "stop_times.txt", "frequencies.txt"

#: A headway that fills a day with more departures than minutes is a mistake.
MOST_DEPARTURES_OF_A_FREQUENCY = 1_440

SLIP = "a time goes back: nobody may board or alight there"
SLIP_IN_PASSING = "a time in passing goes back and is worked out anew"

# Both columns: 0 or empty regular, 1 none, 2 phone the agency first, 3 tell the driver. An office
# that sells a seat cannot leave it to a telephone call; a word to the driver is easily given.
_MAY = {"": True, "0": True, "1": False, "2": False, "3": True}
_SEQUENCE = re.compile(r"\d{1,9}")

_parse_time = lru_cache(maxsize=65_536)(parse_time)


def read_trips(
    archive: Archive,
    *,
    routes: dict[str, Route],
    routes_left_out: set[str],
    calendar: Calendar,
    spool: Spool,
    report: Report,
) -> list[tuple[Route, str]]:
    """Puts the trips into the spool; answers the services, by the numbers the spool has of them."""
    services: dict[tuple[str, str, int], int] = {}
    of_number: list[tuple[Route, str]] = []
    for line, (route_id, service_id, trip_id, short_name) in read_table(
        archive,
        TRIPS,
        required=("route_id", "service_id", "trip_id"),
        optional=("trip_short_name",),
        report=report,
    ):
        route = routes.get(route_id)
        if trip_id and (route is None or service_id not in calendar):
            # Its stop times are to be no findings of their own.
            spool.leave_out(trip_id)
        if not trip_id:
            report.skip(TRIPS, line, "trip_id is empty")
        elif route is None:
            if route_id in routes_left_out:
                report.skip(TRIPS, line, "its route is left out", trip_id)
            else:
                report.skip(TRIPS, line, "route_id is not known", route_id)
        elif service_id not in calendar:
            report.skip(TRIPS, line, "service_id is not known", service_id)
        else:
            number = service_number(route=route, route_id=route_id, trip_short_name=short_name)
            key = (route.agency.agency_id, number, route.route_type)
            if key not in services:
                services[key] = len(of_number)
                of_number.append((route, number))
            added = spool.add_trip(trip_id, calendar=service_id, service=services[key], line=line)
            if not added:
                report.skip(TRIPS, line, "a trip_id stands twice", trip_id)
    return of_number


def read_stop_times(archive: Archive, *, stops: Stops, spool: Spool, report: Report) -> None:
    """Puts the stop times into the spool; one that cannot be read takes its trip along."""
    last_id, trip = "", None
    for line, row in read_table(
        archive,
        STOP_TIMES,
        required=("trip_id", "arrival_time", "departure_time", "stop_id", "stop_sequence"),
        optional=("pickup_type", "drop_off_type"),
        report=report,
    ):
        trip_id, arrival, departure, stop_id, sequence, pickup, drop_off = row
        if trip_id != last_id:
            last_id, trip = trip_id, spool.find_trip(trip_id)
        if trip is None:
            if not spool.is_left_out(trip_id):
                report.skip(STOP_TIMES, line, "trip_id is not known", trip_id)
            continue
        arrives = _parse_time(arrival) if arrival else None
        departs = _parse_time(departure) if departure else None
        reason = _reason_against(row, stops, arrives, departs)
        if reason is not None:
            report.skip(STOP_TIMES, line, reason, f"{trip_id}: {','.join(row[1:])}")
            spool.mark_bad(trip)
            continue
        spool.add_stop_time(
            StopTime(
                trip=trip,
                sequence=int(sequence),
                stop=stop_id,
                arrives=arrives if arrives is not None else departs,
                departs=departs if departs is not None else arrives,
                may_board=_MAY[pickup],
                may_alight=_MAY[drop_off],
                line=line,
            )
        )


def _reason_against(
    row: tuple[str, ...], stops: Stops, arrives: int | None, departs: int | None
) -> str | None:
    _, arrival, departure, stop_id, sequence, pickup, drop_off = row
    if stop_id not in stops:
        return "stop_id is not known"
    if _SEQUENCE.fullmatch(sequence) is None:
        return "stop_sequence is no number"
    if (arrival and arrives is None) or (departure and departs is None):
        return "not a time"
    if arrives is not None and departs is not None and departs < arrives:
        return "departs before it arrives"
    if pickup not in _MAY or drop_off not in _MAY:
        return "pickup_type or drop_off_type is not 0 to 3"
    return None


def read_frequencies(archive: Archive, *, spool: Spool, report: Report) -> None:
    """Trips that run every so often; both kinds of exact_times become dated departures."""
    for line, (trip_id, start, end, headway) in read_table(
        archive,
        FREQUENCIES,
        required=("trip_id", "start_time", "end_time", "headway_secs"),
        report=report,
    ):
        trip = spool.find_trip(trip_id)
        first, last = parse_time(start), parse_time(end)
        seconds = int(headway) if re.fullmatch(r"\d{1,7}", headway) else 0
        if trip is None:
            if not spool.is_left_out(trip_id):
                report.skip(FREQUENCIES, line, "trip_id is not known", trip_id)
        elif first is None or last is None or last <= first:
            report.skip(FREQUENCIES, line, "not a time, or ends before it starts", f"{start},{end}")
        elif seconds < 1 or (last - first) / seconds > MOST_DEPARTURES_OF_A_FREQUENCY:
            report.skip(FREQUENCIES, line, "headway_secs is out of range", headway)
        else:
            spool.add_frequency(trip, first=first, last=last, headway=seconds)


def make_patterns(
    *, spool: Spool, stops: Stops, pass_through: list[re.Pattern[str]], report: Report
) -> None:
    """Checks every trip as a whole and keeps its calls, with distances; leaves out what fails."""
    closed = {
        stop.stop_id for stop in stops if any(mark.search(stop.name) for mark in pass_through)
    }
    waiting: list[tuple[int, list[PatternCall]]] = []
    for trip, line, trip_id, rows in spool.trips_with_stop_times():
        rows = _without_stray_times(rows, closed, report)
        reason = _reason_against_trip(rows)
        if reason is not None:
            place = (STOP_TIMES, rows[0].line) if rows else (TRIPS, line)
            report.skip(*place, reason, trip_id)
            continue
        calls = _calls(rows, stops, closed)
        if not _somebody_can_travel(calls):
            report.skip(STOP_TIMES, rows[0].line, "nobody may board and alight later", trip_id)
            continue
        waiting.append((trip, calls))
        if len(waiting) >= BATCH:
            spool.save_patterns(waiting)
            waiting = []
    spool.save_patterns(waiting)


def _without_stray_times(rows: list[StopTime], closed: set[str], report: Report) -> list[StopTime]:
    """
    Takes away a time that goes back, so that a train is not lost for one slip.

    Where a train only passes through, its time is worked out anew: timing points on borders come in
    the clock of either country. One stop of a trip may be so too; nobody may board or alight there
    then. A trip with more of them stays as it is, to be refused.
    """
    fitting: list[StopTime] = []
    timed: list[int] = []
    slips: list[tuple[StopTime, str]] = []
    for row in rows:
        position = len(fitting)
        fitting.append(row)
        if row.arrives is None:
            continue
        if timed and row.arrives < (fitting[timed[-1]].departs or 0):
            before = fitting[timed[-1]]
            if before.stop in closed and len(timed) > 1:
                fitting[timed.pop()] = before._replace(arrives=None, departs=None)
                slips.append((before, SLIP_IN_PASSING))
        if timed and row.arrives < (fitting[timed[-1]].departs or 0):
            fitting[position] = row._replace(
                arrives=None, departs=None, may_board=False, may_alight=False
            )
            slips.append((row, SLIP_IN_PASSING if row.stop in closed else SLIP))
        else:
            timed.append(position)
    if sum(1 for _, reason in slips if reason == SLIP) > 1:
        return rows
    for row, reason in slips:
        report.note(STOP_TIMES, row.line, reason, row.stop)
    return fitting


def _reason_against_trip(rows: list[StopTime]) -> str | None:
    if len(rows) < 2:
        return "a trip has fewer than two stops"
    if len(rows) > MOST_CALLS:
        return f"a trip has more than {MOST_CALLS} stops"
    if len({row.sequence for row in rows}) != len(rows):
        return "a stop_sequence stands twice in a trip"
    if rows[0].departs is None or rows[-1].arrives is None:
        return "the first or the last stop has no time"
    latest = 0
    for row in rows:
        if row.arrives is not None and row.departs is not None:
            if row.arrives < latest:
                return "times go back"
            latest = row.departs
    return None


def _calls(rows: list[StopTime], stops: Stops, closed: set[str]) -> list[PatternCall]:
    distances = _distances(rows, stops)
    last = len(rows) - 1
    calls = []
    for position, (row, (arrives, departs)) in enumerate(
        zip(rows, _with_all_times(rows, distances), strict=True)
    ):
        is_open = row.stop not in closed
        calls.append(
            PatternCall(
                station=stops.station_id(row.stop),
                arrives=arrives if position > 0 else None,
                departs=departs if position < last else None,
                may_board=row.may_board and is_open and position < last,
                may_alight=row.may_alight and is_open and position > 0,
                platform=stops[row.stop].platform,
                distance_m=distances[position],
            )
        )
    return calls


def _distances(rows: list[StopTime], stops: Stops) -> list[int]:
    """The great-circle way from the first stop along the stops, by the stations' positions."""
    distances, metres = [0], 0
    for row, following in pairwise(rows):
        start = stops[stops.station_id(row.stop)]
        end = stops[stops.station_id(following.stop)]
        metres += great_circle_metres(start.latitude, start.longitude, end.latitude, end.longitude)
        distances.append(metres)
    return distances


def _with_all_times(rows: list[StopTime], distances: list[int]) -> list[tuple[int, int]]:
    """
    Times of all stops: where they are blank, in proportion to the way between the timed stops.

    Stops in one place share the time evenly. Whole seconds, rounded down, so that times never go
    back.
    """
    timed = [position for position, row in enumerate(rows) if row.arrives is not None]
    times: list[tuple[int, int]] = []
    for before, after in zip(timed, [*timed[1:], timed[-1]], strict=True):
        arrives, departs = _both_times(rows[before])
        times.append((arrives, departs))
        reaches, _ = _both_times(rows[after])
        for position in range(before + 1, after):
            way, whole = (
                distances[position] - distances[before],
                distances[after] - distances[before],
            )
            if whole == 0:
                way, whole = position - before, after - before
            moment = departs + (reaches - departs) * way // whole
            times.append((moment, moment))
    return times


def _both_times(row: StopTime) -> tuple[int, int]:
    """The times of a stop that is known to have them."""
    if row.arrives is None or row.departs is None:
        raise AssertionError("only timed stops are asked for")
    return row.arrives, row.departs


def _somebody_can_travel(calls: list[PatternCall]) -> bool:
    boarding = next((n for n, call in enumerate(calls) if call.may_board), len(calls))
    return any(call.may_alight for call in calls[boarding + 1 :])
