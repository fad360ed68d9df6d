"""Reads and checks a whole feed, and gives it as a draft."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from inventory.timetable.changes import ChangeMaker
from inventory.timetable.draft import (
    CallDraft,
    CarrierClassDraft,
    CarrierDraft,
    CityDraft,
    DepartureDraft,
    Mode,
    ServiceDraft,
    StationDraft,
    StationKind,
    TariffDraft,
    TimetableDraft,
    VehicleDraft,
)
from inventory.timetable.gtfs.archive import Archive
from inventory.timetable.gtfs.calendar import Calendar, read_calendar
from inventory.timetable.gtfs.services import (
    Agency,
    Route,
    category_of,
    read_agencies,
    read_routes,
)
from inventory.timetable.gtfs.spool import PatternCall, Spool, SpooledTrip
from inventory.timetable.gtfs.stops import StationMaker, Stops, read_stops
from inventory.timetable.gtfs.times import LATEST_SECONDS, start_of_service_day
from inventory.timetable.gtfs.transfers import read_transfers
from inventory.timetable.gtfs.trips import (
    make_patterns,
    read_frequencies,
    read_stop_times,
    read_trips,
)
from inventory.timetable.places import CityFinder, KnownCity, with_spelling
from inventory.timetable.profile import CarrierRule, Profile, ServiceRule
from inventory.timetable.reading import Progress, Reading, check_feed_code
from inventory.timetable.report import Report, SourceBroken
from inventory.timetable.zones import zone_or_none

_KINDS: dict[Mode, StationKind] = {"Plane": "airport", "Train": "railStation", "Bus": "coachStop"}


@dataclass(frozen=True, slots=True)
class GtfsOptions:
    """
    What to read of a feed, and under which name.

    `shift_to` lays the feed's first day that has its weekday on it, and all others after it.
    `first_day` and `days` are the window, in days as shifted; the whole feed without them.
    """

    feed: str
    profile: Profile
    places: tuple[KnownCity, ...] = ()
    first_day: date | None = None
    days: int | None = None
    shift_to: date | None = None


@dataclass(slots=True)
class _Service:
    """A service with the rule that it is sold by."""

    ref: str
    route: Route
    number: str
    rule: ServiceRule
    carrier: str
    tariff: str
    vehicle: str


@contextmanager
def read_gtfs(
    path: Path, options: GtfsOptions, *, progress: Progress = lambda _step: None
) -> Iterator[Reading]:
    """
    Reads a feed's zip file whole, checks it, and holds it ready while the context lasts.

    :raises SourceBroken: the feed cannot be imported; its report says why.
    """
    report = Report()
    check_feed_code(options.feed, path=path, report=report)
    spool = Spool()
    try:
        yield _Reader(path, options, report, spool, progress).read()
    finally:
        spool.close()


class _Reader:
    def __init__(
        self, path: Path, options: GtfsOptions, report: Report, spool: Spool, progress: Progress
    ) -> None:
        self._path = path
        self._options = options
        self._profile = options.profile
        self._report = report
        self._spool = spool
        self._progress = progress

    def read(self) -> Reading:
        services, stops, calendar, changes, agencies = self._read_files()
        window = self._window(calendar)
        sold = self._sold(services)
        stations, cities = self._stations(stops, sold, next(iter(agencies.values())))
        days = _Days(
            spool=self._spool,
            calendar=calendar,
            services=sold,
            stations=stations,
            window=window,
            shift=window.shift,
        )
        self._progress("departures")
        departure_count, call_count = days.count()
        if departure_count == 0:
            self._report.fault(
                "calendar.txt or calendar_dates.txt",
                None,
                "no departure in the window",
                f"{window.first} to {window.last}",
            )
            raise SourceBroken(self._report)
        draft = TimetableDraft(
            feed=self._options.feed,
            feed_name=self._path.stem,
            first_date=window.first,
            last_date=window.last,
            cities=tuple(cities),
            stations=tuple(stations.values()),
            carriers=tuple(self._carriers(sold)),
            tariffs=tuple(self._tariffs(sold)),
            seat_maps=tuple(
                rule.draft()
                for rule in self._profile.seat_maps
                if rule.code in {service.rule.seat_map for service in sold.values()}
            ),
            vehicles=tuple(self._vehicles(sold)),
            services=tuple(self._services(sold)),
            departures=days.departures,
            minimum_changes=tuple(changes.changes(stations)),
            departure_count=departure_count,
        )
        return Reading(draft, self._report, self._digest(), call_count)

    def _read_files(
        self,
    ) -> tuple[list[tuple[Route, str]], Stops, Calendar, ChangeMaker, dict[str, Agency]]:
        with Archive(self._path, self._report) as archive:
            self._progress("agency.txt")
            agencies = read_agencies(archive, self._report)
            self._progress("stops.txt")
            stops = read_stops(archive, self._report)
            self._progress("routes.txt")
            routes, left_out = read_routes(archive, agencies, self._profile, self._report)
            self._progress("calendar")
            calendar = read_calendar(archive, self._report)
            self._progress("trips.txt")
            services = read_trips(
                archive,
                routes=routes,
                routes_left_out=left_out,
                calendar=calendar,
                spool=self._spool,
                report=self._report,
            )
            self._progress("stop_times.txt")
            read_stop_times(
                archive,
                stops=stops,
                spool=self._spool,
                report=self._report,
            )
            read_frequencies(archive, spool=self._spool, report=self._report)
            transfers = read_transfers(archive, stops, self._report)
        self._progress("trips")
        make_patterns(
            spool=self._spool,
            stops=stops,
            pass_through=[re.compile(mark) for mark in self._profile.places.pass_through],
            report=self._report,
        )
        self._spool.seal()
        return services, stops, calendar, ChangeMaker(transfers, self._profile.changes), agencies

    def _window(self, calendar: Calendar) -> _Window:
        span = calendar.first_and_last()
        if span is None:
            self._report.fault("calendar.txt or calendar_dates.txt", None, "no day of service")
            raise SourceBroken(self._report)
        first, last = span
        shift = timedelta(0)
        if (target := self._options.shift_to) is not None:
            # The feed's first day with the target's weekday, so that weekends stay weekends.
            match = first + timedelta(days=(target.weekday() - first.weekday()) % 7)
            shift = target - match
        start = self._options.first_day or self._options.shift_to or first + shift
        end = last + shift
        if self._options.days is not None:
            end = min(end, start + timedelta(days=self._options.days - 1))
        if end < start:
            self._report.fault(
                "calendar.txt or calendar_dates.txt",
                None,
                "the feed ends before the window begins",
                f"{first + shift} to {last + shift}",
            )
            raise SourceBroken(self._report)
        return _Window(max(start, first + shift), end, shift)

    def _sold(self, services: list[tuple[Route, str]]) -> dict[int, _Service]:
        """The services that have trips, by their numbers in the spool."""
        sold: dict[int, _Service] = {}
        for index in self._spool.services():
            route, number = services[index]
            category = category_of(number)
            rule = self._profile.rule_for(
                route_type=route.route_type, agency=route.agency.agency_id, category=category
            )
            if rule is None:
                self._report.skip("routes.txt", None, "no rule of the profile matches", number)
                continue
            carrier = self._carrier_code(route.agency)
            sold[index] = _Service(
                ref=f"{carrier}/{rule.mode}/{number}",
                route=route,
                number=number,
                rule=rule,
                carrier=carrier,
                tariff=rule.tariff,
                vehicle=f"{carrier}/{rule.vehicle}/{rule.seat_map}",
            )
        return sold

    def _stations(
        self, stops: Stops, sold: dict[int, _Service], agency: Agency
    ) -> tuple[dict[str, StationDraft], list[CityDraft]]:
        """The stations that departures call at, by their stop_id, and their cities."""
        self._progress("stations")
        maker = StationMaker(
            stops, profile=self._profile, feed=self._options.feed, agency_zone=agency.zone.key
        )
        kinds: dict[str, set[Mode]] = {}
        for index, calls in self._spool.stations():
            if index in sold:
                for call in calls:
                    kinds.setdefault(call.station, set()).add(sold[index].rule.mode)
        kind_of = {station: _kind(modes) for station, modes in sorted(kinds.items())}
        finder = CityFinder(
            known=self._options.places,
            rule=self._profile.places,
            default_country=self._profile.country,
        )
        cities, city_of = finder.find([maker.place(key, kind) for key, kind in kind_of.items()])
        stations = {
            key: maker.draft(key, kind, city_of[maker.code(key, kind)])
            for key, kind in kind_of.items()
        }
        return stations, [with_spelling(city) for city in cities]

    def _carrier_rule(self, agency: Agency) -> CarrierRule:
        return self._profile.carriers.get(agency.agency_id, CarrierRule())

    def _carrier_code(self, agency: Agency) -> str:
        """An agency_id with a letter is a code of the trade; a bare number is this feed's own."""
        if code := self._carrier_rule(agency).code:
            return code
        if re.search(r"[^\W\d_]", agency.agency_id) and len(agency.agency_id) <= 40:
            return agency.agency_id
        return f"{self._options.feed}:{agency.agency_id}"[:40].rstrip(":")

    def _carriers(self, sold: dict[int, _Service]) -> Iterator[CarrierDraft]:
        modes: dict[str, set[Mode]] = {}
        agencies: dict[str, Agency] = {}
        for service in sold.values():
            modes.setdefault(service.carrier, set()).add(service.rule.mode)
            agencies.setdefault(service.carrier, service.route.agency)
        for code, agency in sorted(agencies.items()):
            rule = self._carrier_rule(agency)
            # A railway that also runs coaches calls its classes by the railway's words.
            mode = next(mode for mode in ("Plane", "Train", "Bus") if mode in modes[code])
            words = dict(self._profile.classes.get(mode, {})) | rule.classes
            yield CarrierDraft(
                code=code,
                name=(rule.name or agency.name)[:120],
                currency=rule.currency or self._profile.currency,
                tz=agency.zone.key,
                country=rule.country or self._profile.country,
                classes=tuple(CarrierClassDraft(word, name) for word, name in words.items()),
            )

    def _tariffs(self, sold: dict[int, _Service]) -> Iterator[TariffDraft]:
        rules = {rule.code: rule for rule in self._profile.tariffs}
        pairs = {(service.carrier, service.tariff): service for service in sold.values()}
        for (carrier, code), service in sorted(pairs.items()):
            agency = service.route.agency
            yield rules[code].draft(
                carrier=carrier,
                currency=self._carrier_rule(agency).currency or self._profile.currency,
                zone=agency.zone,
            )

    def _vehicles(self, sold: dict[int, _Service]) -> Iterator[VehicleDraft]:
        by_ref = {service.vehicle: service for service in sold.values()}
        for ref, service in sorted(by_ref.items()):
            yield VehicleDraft(
                ref=ref,
                carrier=service.carrier,
                name=service.rule.vehicle,
                seat_map=service.rule.seat_map,
                code=service.rule.seat_map
                if sum(1 for other in by_ref.values() if _same_map(other, service)) == 1
                else f"{service.rule.seat_map}:{service.rule.vehicle}"[:60],
            )

    def _services(self, sold: dict[int, _Service]) -> Iterator[ServiceDraft]:
        by_ref: dict[str, _Service] = {}
        for service in sold.values():
            by_ref.setdefault(service.ref, service)
        for ref, service in sorted(by_ref.items()):
            yield ServiceDraft(
                ref=ref,
                carrier=service.carrier,
                mode=service.rule.mode,
                number=service.number,
                tariff=service.tariff,
                facts=service.rule.facts(category_of(service.number)),
                facilities=service.rule.facilities,
            )

    def _digest(self) -> str:
        """Of all that the draft depends on: the file, the profile, the places and the window."""
        digest = hashlib.sha256()
        with self._path.open("rb") as stream:
            while chunk := stream.read(1 << 20):
                digest.update(chunk)
        digest.update(repr(self._options).encode())
        return digest.hexdigest()


def _same_map(one: _Service, other: _Service) -> bool:
    return one.carrier == other.carrier and one.rule.seat_map == other.rule.seat_map


def _kind(modes: set[Mode]) -> StationKind:
    """What serves a place makes it: trains before aircraft before coaches."""
    return next(_KINDS[mode] for mode in ("Train", "Plane", "Bus") if mode in modes)


@dataclass(frozen=True, slots=True)
class _Window:
    """The days to import, as shifted, and by how much the feed's own days are shifted."""

    first: date
    last: date
    shift: timedelta


@dataclass(slots=True)
class _Start:
    """A trip that starts once: its day of service as shifted, and its first departure."""

    trip: SpooledTrip
    service_day: date
    offset: int


@dataclass(slots=True)
class _Days:
    """The departures of a window, day by day."""

    spool: Spool
    calendar: Calendar
    services: dict[int, _Service]
    stations: dict[str, StationDraft]
    window: _Window
    shift: timedelta
    _lengths: dict[int, int] = field(default_factory=dict)

    def count(self) -> tuple[int, int]:
        """Departures and calls of the window."""
        departures = calls = 0
        for _, starts in self._travel_days():
            departures += len(starts)
            calls += sum(len(self.spool.pattern(start.trip.trip)) for start in starts)
        return departures, calls

    def departures(self) -> Iterator[DepartureDraft]:
        """All departures, in the order of their days."""
        for day, starts in self._travel_days():
            for start, run in zip(starts, self._runs(starts), strict=True):
                service = self.services[start.trip.service]
                yield DepartureDraft(
                    service=service.ref,
                    travel_date=day,
                    vehicle=service.vehicle,
                    calls=self._calls(start, service),
                    run=run,
                )

    def _travel_days(self) -> Iterator[tuple[date, list[_Start]]]:
        """
        What departs on each day, by the clocks of the places of origin.

        A trip that starts past 24:00 belongs to a later day than its service; an origin in
        another time zone may be on an earlier one. So days are given once no service day can add
        to them.
        """
        most_days = LATEST_SECONDS // 86_400 + 1
        waiting: dict[date, list[_Start]] = {}
        day = self.window.first - timedelta(days=most_days)
        while day <= self.window.last + timedelta(days=1):
            for start in self._starts(day):
                travel_date = self._travel_date(start)
                if self.window.first <= travel_date <= self.window.last:
                    waiting.setdefault(travel_date, []).append(start)
            complete = day - timedelta(days=1)
            if starts := waiting.pop(complete, None):
                starts.sort(key=self._order)
                yield complete, starts
            day += timedelta(days=1)

    def _starts(self, service_day: date) -> Iterator[_Start]:
        calendars = self.calendar.running_on(service_day - self.shift)
        if not calendars:
            return
        for trip in self.spool.running(calendars):
            if trip.service not in self.services:
                continue
            if not trip.has_frequencies:
                yield _Start(trip, service_day, 0)
                continue
            for first, last, headway in self.spool.frequencies(trip.trip):
                for moment in range(first, last, headway):
                    yield _Start(trip, service_day, moment - trip.starts)

    def _travel_date(self, start: _Start) -> date:
        seconds = start.trip.starts + start.offset
        zone = zone_or_none(self.stations[start.trip.origin].tz) or UTC
        return (self._midnight(start) + timedelta(seconds=seconds)).astimezone(zone).date()

    def _midnight(self, start: _Start) -> datetime:
        zone = self.services[start.trip.service].route.agency.zone
        return start_of_service_day(start.service_day, zone)

    def _order(self, start: _Start) -> tuple[str, str, str, datetime, int]:
        moment = self._midnight(start) + timedelta(seconds=start.trip.starts + start.offset)
        trip = start.trip
        return (self.services[trip.service].ref, trip.origin, trip.terminus, moment, trip.trip)

    def _runs(self, starts: list[_Start]) -> Iterator[str]:
        """
        Empty where a service departs once on the day; else origin, terminus and a running number.

        So a portion of a train keeps its name when another portion's times change.
        """
        alone = Counter(self.services[start.trip.service].ref for start in starts)
        ways: Counter[tuple[str, str]] = Counter()
        for start in starts:
            ref = self.services[start.trip.service].ref
            if alone[ref] == 1:
                yield ""
                continue
            ends = (start.trip.origin, start.trip.terminus)
            way = "-".join(self.stations[end].code[:28] for end in ends)
            ways[ref, way] += 1
            number = ways[ref, way]
            yield way if number == 1 else f"{way}-{number}"

    def _calls(self, start: _Start, service: _Service) -> tuple[CallDraft, ...]:
        midnight = self._midnight(start) + timedelta(seconds=start.offset)
        return tuple([self._call(midnight, call) for call in self.spool.pattern(start.trip.trip)])

    def _call(self, midnight: datetime, call: PatternCall) -> CallDraft:
        return CallDraft(
            self.stations[call.station].code,
            None if call.arrives is None else midnight + timedelta(seconds=call.arrives),
            None if call.departs is None else midnight + timedelta(seconds=call.departs),
            call.may_board,
            call.may_alight,
            call.platform,
            call.distance_m,
        )
