"""
A schedule profile: all that a list of routes does not say, read from a TOML file.

The file's shape is that of the classes below, `FlightProfile` at the top; docs/IMPORT.md shows one
with explanations.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import time
from decimal import Decimal, InvalidOperation
from fnmatch import fnmatchcase
from pathlib import Path

from inventory.timetable.draft import TravelClass
from inventory.timetable.profile import (
    ChangeRule,
    FareRule,
    PlaceRule,
    ProfileBroken,
    SeatMapRule,
    TariffRule,
    check_seat_map,
    check_tariff,
    read_toml,
)
from travel.common.money import known_currency, minor_digits

#: The schedule profile that ships.
SHIPPED = Path(__file__).resolve().parents[2] / "profiles" / "flights.toml"
#: Departures are on minutes that people can remember.
STEP_MINUTES = 5
MOST_FLIGHTS_A_DAY = 24
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")


@dataclass(frozen=True, slots=True)
class FlightRule:
    """
    One flight of a day: it leaves between `earliest` and `latest`, by the clocks of its origin.

    It may leave on `weekdays` (1 is Monday, 7 Sunday), and does on `days_a_week` of them, spread
    evenly; which ones differs from route to route.
    """

    earliest: str
    latest: str
    weekdays: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 7)
    days_a_week: int = 7

    def times(self) -> list[time]:
        """Every time of day at which the flight may leave."""
        first, last = _minutes(self.earliest), _minutes(self.latest)
        return [time(*divmod(minutes, 60)) for minutes in range(first, last + 1, STEP_MINUTES)]

    def running_days(self, turn: int) -> frozenset[int]:
        """
        The weekdays of a route, of which `turn` says where the rhythm begins.

        Two days of seven are three or four days apart, three are two or three days apart.
        """
        several = len(self.weekdays)
        wanted = min(self.days_a_week, several)
        return frozenset(
            day
            for place, day in enumerate(self.weekdays)
            if (place + turn) * wanted % several < wanted
        )


@dataclass(frozen=True, slots=True)
class BandRule:
    """
    Routes up to so many kilometres, beyond those of the band before.

    A flight takes `ground_minutes` (taxiing, climbing, landing) and the great circle at
    `cruise_kmh`, up to five minutes. `aircraft` flies where the equipment is not known. `flights`
    are those of one day.
    """

    up_to_km: int
    cruise_kmh: int
    ground_minutes: int
    aircraft: str
    flights: tuple[FlightRule, ...]


@dataclass(frozen=True, slots=True)
class AircraftRule:
    """
    A size of aircraft: the IATA codes of its types, `*` and `?` standing for letters.

    `cruise_kmh` holds instead of the band's where the band's is faster: propellers are slow.
    """

    code: str
    name: str
    seat_map: str
    tariff: str
    equipment: tuple[str, ...] = ()
    cruise_kmh: int = 0
    checked_bags: int = 0
    facilities: tuple[str, ...] = ()

    def flies(self, equipment: str) -> bool:
        """Whether a type is of this size."""
        return any(fnmatchcase(equipment, pattern) for pattern in self.equipment)


@dataclass(frozen=True, slots=True)
class CurrencyRule:
    """
    The currency of airlines of some countries, and how many of it the prices make of one unit.

    Prices are rounded to `rounding`. The rate is part of the made-up prices, and no exchange rate.
    """

    code: str
    rate: str
    countries: tuple[str, ...]
    rounding: str = "1"

    def convert(self, tariff: TariffRule) -> TariffRule:
        """The tariff with its amounts in this currency."""
        return replace(tariff, fares=tuple(self._fare(fare) for fare in tariff.fares))

    def _fare(self, fare: FareRule) -> FareRule:
        digits = minor_digits(self.code)
        return replace(
            fare,
            base=self._amount(fare.base),
            minimum=self._amount(fare.minimum),
            fee=self._amount(fare.fee),
            per_km=f"{Decimal(fare.per_km) * Decimal(self.rate):.{digits + 4}f}",
            rounding=self.rounding,
            penalties=tuple(
                replace(tier, minimum=self._amount(tier.minimum)) for tier in fare.penalties
            ),
        )

    def _amount(self, text: str) -> str:
        step = Decimal(self.rounding)
        steps = (Decimal(text) * Decimal(self.rate) / step).quantize(Decimal(1))
        return f"{steps * step:.{minor_digits(self.code)}f}"


@dataclass(frozen=True, slots=True)
class AirlineRule:
    """What is known better of an airline than its list says; what is empty comes from there."""

    name: str = ""
    country: str = ""
    currency: str = ""


@dataclass(frozen=True, slots=True)
class FlightProfile:
    """
    Everything that a list of routes lacks.

    `currency` is that of the amounts, and of airlines whose country has none in `currencies`.
    `airlines` are named by their IATA codes, `equipment_names` and `country_names` complete what
    the lists of aircraft and airlines leave out.
    """

    name: str
    currency: str
    bands: tuple[BandRule, ...]
    aircraft: tuple[AircraftRule, ...]
    seat_maps: tuple[SeatMapRule, ...]
    tariffs: tuple[TariffRule, ...]
    currencies: tuple[CurrencyRule, ...] = ()
    classes: dict[TravelClass, str] = field(default_factory=dict)
    airlines: dict[str, AirlineRule] = field(default_factory=dict)
    equipment_names: dict[str, str] = field(default_factory=dict)
    country_names: dict[str, str] = field(default_factory=dict)
    changes: ChangeRule = field(default_factory=ChangeRule)
    places: PlaceRule = field(default_factory=PlaceRule)

    def band(self, metres: int) -> BandRule | None:
        """The band of a distance; None beyond the last one."""
        return next((band for band in self.bands if metres <= band.up_to_km * 1000), None)

    def aircraft_for(self, equipment: str) -> AircraftRule | None:
        """The size of a type, by the first rule that names it."""
        return next((rule for rule in self.aircraft if rule.flies(equipment)), None)

    def currency_of(self, *, airline: str, country: str) -> CurrencyRule | None:
        """The currency of an airline; None: the profile's own."""
        wanted = self.airlines.get(airline, AirlineRule()).currency
        for rule in self.currencies:
            if rule.code == wanted or (not wanted and country in rule.countries):
                return rule
        return None


def load_flight_profile(path: Path = SHIPPED) -> FlightProfile:
    """
    Reads a schedule profile.

    :raises ProfileBroken: the file is not there, is not TOML, or says something that cannot hold.
    """
    profile = read_toml(FlightProfile, path)
    try:
        _check(profile)
    except (ValueError, InvalidOperation) as error:
        raise ProfileBroken(f"{path.name}: {error}") from error
    return profile


def _check(profile: FlightProfile) -> None:
    """References hold and amounts can be made: so that no import fails half-way."""
    seat_maps = {rule.code for rule in profile.seat_maps}
    tariffs = {rule.code for rule in profile.tariffs}
    sizes = {rule.code for rule in profile.aircraft}
    for aircraft in profile.aircraft:
        _must(aircraft.seat_map in seat_maps, f"aircraft {aircraft.code}: no such seat map")
        _must(aircraft.tariff in tariffs, f"aircraft {aircraft.code}: no such tariff")
        _must(aircraft.cruise_kmh >= 0, f"aircraft {aircraft.code}: cruise_kmh is not above 0")
    _must(len(profile.bands) > 0, "there is no band")
    ends = [band.up_to_km for band in profile.bands]
    _must(ends == sorted(set(ends)), "bands go from the shortest to the longest, each once")
    for band in profile.bands:
        _check_band(band, sizes)
    for seat_map in profile.seat_maps:
        check_seat_map(seat_map)
    _check_currencies(profile)


def _check_band(band: BandRule, sizes: set[str]) -> None:
    where = f"the band up to {band.up_to_km} km"
    _must(band.aircraft in sizes, f"{where}: no such aircraft")
    _must(band.cruise_kmh >= 1, f"{where}: cruise_kmh is not above 0")
    _must(0 <= band.ground_minutes <= 600, f"{where}: ground_minutes are not 0 to 600")
    _must(1 <= len(band.flights) <= MOST_FLIGHTS_A_DAY, f"{where}: flights are not 1 to 24")
    for flight in band.flights:
        days = flight.weekdays
        _must(
            bool(days) and list(days) == sorted(set(days)) and {*days} <= {*range(1, 8)},
            f"{where}: weekdays are 1 to 7, in order, each once",
        )
        _must(1 <= flight.days_a_week <= 7, f"{where}: days_a_week are not 1 to 7")
        _must(bool(flight.times()), f"{where}: latest is before earliest")


def _check_currencies(profile: FlightProfile) -> None:
    codes = [profile.currency, *(rule.code for rule in profile.currencies)]
    _must(len(set(codes)) == len(codes), "a currency stands twice")
    for code in codes:
        _must(known_currency(code), f"{code!r} is no currency of ISO 4217")
    for code, airline in profile.airlines.items():
        _must(airline.currency in ("", *codes), f"airline {code}: its currency has no rate")
    for tariff in profile.tariffs:
        check_tariff(tariff, currency=profile.currency)
        for rule in profile.currencies:
            _must(Decimal(rule.rate) > 0, f"{rule.code}: rate is not above 0")
            _must(Decimal(rule.rounding) > 0, f"{rule.code}: rounding is not above 0")
            check_tariff(rule.convert(tariff), currency=rule.code)


def _must(holds: bool, what: str) -> None:
    if not holds:
        raise ValueError(what)


def _minutes(text: str) -> int:
    match = _CLOCK.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no time of day, write HH:MM")
    return int(match[1]) * 60 + int(match[2])
