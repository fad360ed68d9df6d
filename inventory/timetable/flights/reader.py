"""Reads and checks the routes, and gives the flights on them as a draft."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from itertools import islice
from pathlib import Path
from zoneinfo import ZoneInfo

from babel import Locale

from inventory.timetable.changes import ChangeMaker
from inventory.timetable.distance import great_circle_metres
from inventory.timetable.draft import (
    CarrierClassDraft,
    CarrierDraft,
    CityDraft,
    FlightFacts,
    ServiceDraft,
    StationDraft,
    TariffDraft,
    TimetableDraft,
    VehicleDraft,
)
from inventory.timetable.flights.airports import (
    CORRECTIONS,
    Airport,
    airport_fault,
    find_cities,
    load_airports,
    station,
)
from inventory.timetable.flights.numbers import number_of, number_pairs, pair_of
from inventory.timetable.flights.profile import AircraftRule, AirlineRule, BandRule, FlightProfile
from inventory.timetable.flights.schedule import Flight, Schedule, minutes_in_all, time_and_days
from inventory.timetable.flights.sources import (
    Airline,
    Airlines,
    Route,
    read_airlines,
    read_planes,
    read_routes,
)
from inventory.timetable.places import KnownCity
from inventory.timetable.reading import Progress, Reading, check_feed_code
from inventory.timetable.report import Report, SourceBroken

#: Airlines and railways may share two letters; the scheme keeps their codes apart.
CARRIER_SCHEME = "iata"
#: The files beside the routes that are taken when none are named.
AIRLINES_FILE, PLANES_FILE = "airlines.dat", "planes.dat"


@dataclass(frozen=True, slots=True)
class FlightOptions:
    """
    What to read, and under which name.

    Only routes of `airlines` and from or to `airports` are flown, where any are named, and of
    those the first `limit`. All others count for the numbers of flights nevertheless.
    """

    feed: str
    profile: FlightProfile
    first_day: date
    days: int
    places: tuple[KnownCity, ...] = ()
    corrections: Path = CORRECTIONS
    airlines_file: Path | None = None
    planes_file: Path | None = None
    airlines: tuple[str, ...] = ()
    airports: tuple[str, ...] = ()
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class _Leg:
    """A route that can be flown, with all that its flights need."""

    route: Route
    origin: Airport
    destination: Airport
    metres: int
    band: BandRule
    aircraft: AircraftRule
    equipment: str

    @property
    def carrier(self) -> str:
        return f"{CARRIER_SCHEME}:{self.route.airline}"

    @property
    def vehicle(self) -> str:
        return f"{self.carrier}/{self.equipment or self.aircraft.code}"


@contextmanager
def read_flights(
    path: Path, options: FlightOptions, *, progress: Progress = lambda _step: None
) -> Iterator[Reading]:
    """
    Reads a file of routes whole, checks it, and gives the flights of the window.

    :raises SourceBroken: the files cannot be imported; the report says why.
    """
    report = Report()
    check_feed_code(options.feed, path=path, report=report)
    yield _Reader(path, options, report, progress).read()


class _Reader:
    def __init__(
        self, path: Path, options: FlightOptions, report: Report, progress: Progress
    ) -> None:
        self._path = path
        self._options = options
        self._profile = options.profile
        self._report = report
        self._progress = progress
        self._airlines_path = options.airlines_file or _beside(path, AIRLINES_FILE)
        self._planes_path = options.planes_file or _beside(path, PLANES_FILE)
        self._countries = {name: code for code, name in Locale("en").territories.items()}

    def read(self) -> Reading:
        self._progress("airlines")
        airlines = read_airlines(self._airlines_path, self._report) if self._airlines_path else None
        planes = read_planes(self._planes_path, self._report) if self._planes_path else {}
        self._progress("airports")
        airports = load_airports(self._options.corrections)
        self._progress("routes")
        legs = self._legs(airports, airlines)
        chosen = self._chosen(legs)
        self._progress("flights")
        schedule, services = self._flights(chosen, self._numbers(legs), planes)
        count = schedule.count()
        if count == 0:
            window = f"{schedule.first} to {schedule.last}"
            self._refuse("no departure in the window", window)
        stations, cities = self._places(chosen, airports)
        hubs = _hubs(legs)
        carriers = [
            self._carrier(code, airports[hubs[code]], airlines, route)
            for code, route in sorted({leg.carrier: leg.route for leg in chosen}.items())
        ]
        vehicles = self._vehicles(chosen, planes)
        used_maps = {vehicle.seat_map for vehicle in vehicles}
        draft = TimetableDraft(
            feed=self._options.feed,
            feed_name=self._path.stem,
            first_date=schedule.first,
            last_date=schedule.last,
            cities=tuple(cities),
            stations=tuple(stations.values()),
            carriers=tuple(carriers),
            tariffs=tuple(self._tariffs(chosen, carriers)),
            seat_maps=tuple(
                rule.draft() for rule in self._profile.seat_maps if rule.code in used_maps
            ),
            vehicles=tuple(vehicles),
            services=tuple(services),
            departures=schedule.departures,
            minimum_changes=tuple(ChangeMaker({}, self._profile.changes).changes(stations)),
            departure_count=count,
        )
        return Reading(draft, self._report, self._digest(), 2 * count)

    def _refuse(self, reason: str, quote: str = "") -> None:
        self._report.fault(self._path.name, None, reason, quote)
        raise SourceBroken(self._report)

    # --- routes -----------------------------------------------------------------------------------

    def _legs(self, airports: dict[str, Airport], airlines: Airlines | None) -> list[_Leg]:
        """Every route of the file that can be flown."""
        sound = {code: airport_fault(airport) is None for code, airport in airports.items()}
        legs = []
        for route in read_routes(self._path, self._report):
            if airlines is not None and self._airline(airlines, route) is None:
                self._skip(route, "the airline is not known", route.airline)
                continue
            strange = [code for code in route[3:5] if not sound.get(code, False)]
            if strange:
                self._skip(route, "the airport is not known", " ".join(strange))
            elif (leg := self._leg(route, airports)) is not None:
                legs.append(leg)
        return legs

    def _airline(self, airlines: Airlines, route: Route) -> Airline | None:
        """The list's airline; one that the profile names needs none."""
        found = airlines.find(route)
        if found is None and (name := self._rule(route.airline).name):
            return Airline(route.airline_id, name, "")
        return found

    def _leg(self, route: Route, airports: dict[str, Airport]) -> _Leg | None:
        origin, destination = airports[route.origin], airports[route.destination]
        metres = great_circle_metres(
            origin.latitude, origin.longitude, destination.latitude, destination.longitude
        )
        band = self._profile.band(metres)
        if band is None:
            self._skip(route, "longer than any band of the profile", f"{metres // 1000} km")
            return None
        for equipment in route.equipment:
            aircraft = self._profile.aircraft_for(equipment)
            if aircraft is not None:
                return _Leg(route, origin, destination, metres, band, aircraft, equipment)
        self._report.note(
            self._path.name,
            route.line,
            "no aircraft of the profile: its band's is taken",
            " ".join(route.equipment) or "none",
        )
        usual = next(rule for rule in self._profile.aircraft if rule.code == band.aircraft)
        return _Leg(route, origin, destination, metres, band, usual, "")

    def _skip(self, route: Route, reason: str, quote: str) -> None:
        self._report.skip(self._path.name, route.line, reason, f"{route}: {quote}")

    def _chosen(self, legs: list[_Leg]) -> list[_Leg]:
        """The routes that are asked for; what is asked for in vain is a mistake, and refused."""
        airlines, airports = set(self._options.airlines), set(self._options.airports)
        flown = {leg.route.airline for leg in legs}
        served = {code for leg in legs for code in leg.route[3:5]}
        for code in sorted(airlines - flown):
            self._report.fault(self._path.name, None, "no route of this airline", code)
        for code in sorted(airports - served):
            self._report.fault(self._path.name, None, "no route of this airport", code)
        if self._report.has_faults:
            raise SourceBroken(self._report)
        wanted = (
            leg
            for leg in legs
            if (not airlines or leg.route.airline in airlines)
            and (not airports or airports & {leg.route.origin, leg.route.destination})
        )
        return list(islice(wanted, self._options.limit))

    # --- flights ----------------------------------------------------------------------------------

    def _numbers(self, legs: list[_Leg]) -> dict[str, dict[tuple[str, str, int], int]]:
        """Flight numbers by airline, of all routes of the file."""
        pairs: dict[str, list[tuple[str, str, int]]] = {}
        for leg in legs:
            pairs.setdefault(leg.route.airline, []).extend(
                pair_of(leg.route.origin, leg.route.destination, flight)
                for flight in range(len(leg.band.flights))
            )
        return {airline: number_pairs(airline, wanted) for airline, wanted in pairs.items()}

    def _flights(
        self,
        legs: list[_Leg],
        numbers: dict[str, dict[tuple[str, str, int], int]],
        planes: dict[str, str],
    ) -> tuple[Schedule, list[ServiceDraft]]:
        flights: list[Flight] = []
        services: list[ServiceDraft] = []
        for leg in legs:
            route = leg.route
            zone = ZoneInfo(leg.origin.tz)
            minutes = minutes_in_all(leg.band, leg.aircraft, leg.metres)
            facts = FlightFacts(
                aircraft=self._aircraft_name(leg, planes), checked_bags=leg.aircraft.checked_bags
            )
            for place, rule in enumerate(leg.band.flights):
                number = number_of(numbers[route.airline], route.origin, route.destination, place)
                if number is None:
                    self._skip(route, "no flight number is left", f"flight {place + 1} of the day")
                    continue
                ref = f"{leg.carrier}/{number:05d}"
                leaves, days = time_and_days(
                    rule, route.airline, route.origin, route.destination, place
                )
                flights.append(
                    Flight(
                        ref, leg.vehicle, route.origin, route.destination, leaves, zone,
                        minutes, days, leg.metres,
                    )
                )  # fmt: skip
                services.append(
                    ServiceDraft(
                        ref=ref,
                        carrier=leg.carrier,
                        mode="Plane",
                        number=f"{route.airline} {number}",
                        tariff=leg.aircraft.tariff,
                        facts=facts,
                        facilities=leg.aircraft.facilities,
                    )
                )
        flights.sort(key=lambda flight: flight.service)
        services.sort(key=lambda service: service.ref)
        return Schedule(flights, self._options.first_day, self._options.days), services

    def _aircraft_name(self, leg: _Leg, planes: dict[str, str]) -> str:
        own = self._profile.equipment_names.get(leg.equipment)
        return (own or planes.get(leg.equipment) or leg.aircraft.name)[:80]

    def _vehicles(self, legs: list[_Leg], planes: dict[str, str]) -> list[VehicleDraft]:
        by_ref = {leg.vehicle: leg for leg in legs}
        return [
            VehicleDraft(
                ref=ref,
                carrier=leg.carrier,
                name=self._aircraft_name(leg, planes),
                seat_map=leg.aircraft.seat_map,
                code=leg.equipment or leg.aircraft.code,
            )
            for ref, leg in sorted(by_ref.items())
        ]

    # --- airlines and airports --------------------------------------------------------------------

    def _rule(self, airline: str) -> AirlineRule:
        return self._profile.airlines.get(airline, AirlineRule())

    def _carrier(
        self, code: str, hub: Airport, airlines: Airlines | None, route: Route
    ) -> CarrierDraft:
        """An airline is at home where its list says, and its clocks are those of its hub."""
        rule = self._rule(route.airline)
        listed = self._airline(airlines, route) if airlines is not None else None
        if listed is None and not rule.name:
            self._report.note(
                self._path.name, route.line, "an airline is named by its code", route.airline
            )
        country = rule.country or (self._country(listed) if listed is not None else "")
        country = country or hub.country
        currency = self._profile.currency_of(airline=route.airline, country=country)
        return CarrierDraft(
            code=code,
            name=rule.name or (listed.name if listed is not None else route.airline),
            currency=currency.code if currency is not None else self._profile.currency,
            tz=hub.tz,
            country=country,
            classes=tuple(
                CarrierClassDraft(word, name) for word, name in self._profile.classes.items()
            ),
        )

    def _country(self, airline: Airline) -> str:
        """The code of a country by its English name; empty where it is not known."""
        name = airline.country
        return self._profile.country_names.get(name) or self._countries.get(name, "")

    def _tariffs(self, legs: list[_Leg], carriers: Sequence[CarrierDraft]) -> Iterator[TariffDraft]:
        rules = {rule.code: rule for rule in self._profile.tariffs}
        currencies = {rule.code: rule for rule in self._profile.currencies}
        by_code = {carrier.code: carrier for carrier in carriers}
        for code, tariff in sorted({(leg.carrier, leg.aircraft.tariff) for leg in legs}):
            carrier = by_code[code]
            rule = rules[tariff]
            if (currency := currencies.get(carrier.currency)) is not None:
                rule = currency.convert(rule)
            yield rule.draft(carrier=code, currency=carrier.currency, zone=ZoneInfo(carrier.tz))

    def _places(
        self, legs: list[_Leg], airports: dict[str, Airport]
    ) -> tuple[dict[str, StationDraft], list[CityDraft]]:
        """The airports that are flown to, and their cities."""
        cities, city_of = find_cities(
            airports, known=self._options.places, rule=self._profile.places
        )
        used = sorted({code for leg in legs for code in leg.route[3:5]})
        stations = {code: station(airports[code], city=city_of[code]) for code in used}
        return stations, [cities[code] for code in sorted({city_of[code] for code in used})]

    def _digest(self) -> str:
        """Of all that the draft depends on: the files, the profile, the places, the window."""
        digest = hashlib.sha256()
        for path in (
            self._path, self._airlines_path, self._planes_path, self._options.corrections,
        ):  # fmt: skip
            if path is not None:
                digest.update(path.read_bytes())
        digest.update(repr(self._options).encode())
        return digest.hexdigest()


def _beside(path: Path, name: str) -> Path | None:
    """A file in the same folder; None where there is none."""
    neighbour = path.with_name(name)
    return neighbour if neighbour.is_file() else None


def _hubs(legs: list[_Leg]) -> dict[str, str]:
    """The airport that each carrier serves most, by its code where several are equal."""
    counts: dict[str, Counter[str]] = {}
    for leg in legs:
        counts.setdefault(leg.carrier, Counter()).update(leg.route[3:5])
    return {
        carrier: min(count, key=lambda code: (-count[code], code))
        for carrier, count in counts.items()
    }
