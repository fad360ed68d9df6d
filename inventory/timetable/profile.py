"""
A profile: what a feed does not say, read from a TOML file.

Seats, classes, fares, penalties, time zones of countries and times to change. The file's shape is
that of the classes below, `Profile` at the top; docs/IMPORT.md shows one with explanations.
"""

from __future__ import annotations

import dataclasses
import re
import tomllib
import types
import typing
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Literal, TypeVar
from zoneinfo import ZoneInfo

from inventory.timetable.draft import (
    MOST_FARES,
    BusFacts,
    FareDraft,
    FareVersionDraft,
    FlightFacts,
    Mode,
    PenaltyTierDraft,
    SeatFeature,
    SeatMapDraft,
    StationKind,
    TariffDraft,
    TrainFacts,
    TravelClass,
)
from inventory.timetable.seating import Labels, lay_out_coach
from travel.common.money import MAX_MINOR, minor_digits, parse_amount

T = TypeVar("T")

#: The profile that ships, for trains, coaches and flights in Europe.
PLAIN = Path(__file__).resolve().parent.parent / "profiles" / "plain.toml"
MOST_BYTES = 1024**2


class ProfileBroken(ValueError):
    """The profile cannot be used; the message says where and why."""


@dataclass(frozen=True, slots=True)
class CoachRule:
    """A coach as `seating.lay_out_coach` takes it; several `labels` give several like coaches."""

    labels: tuple[str, ...]
    travel_class: TravelClass
    layout: str
    rows: int
    first_row: int = 1
    seat_labels: Labels = "number"
    tables: tuple[int, ...] = ()
    accessible: tuple[int, ...] = ()
    backward: tuple[int, ...] = ()
    missing: tuple[str, ...] = ()
    features: tuple[SeatFeature, ...] = ()


@dataclass(frozen=True, slots=True)
class SeatMapRule:
    """A seat map, coaches from the front."""

    code: str
    name: str
    coaches: tuple[CoachRule, ...]

    def draft(self) -> SeatMapDraft:
        """The map with its seats."""
        return SeatMapDraft(
            code=self.code,
            name=self.name,
            coaches=tuple(
                lay_out_coach(
                    label=label,
                    travel_class=rule.travel_class,
                    layout=rule.layout,
                    rows=rule.rows,
                    first_row=rule.first_row,
                    labels=rule.seat_labels,
                    tables=rule.tables,
                    accessible=rule.accessible,
                    backward=rule.backward,
                    missing=rule.missing,
                    features=rule.features,
                )
                for rule in self.coaches
                for label in rule.labels
            ),
        )


@dataclass(frozen=True, slots=True)
class PenaltyRule:
    """Cancelling at least so many hours before departure costs this, in per cent of the price."""

    hours_before: int
    percent: str
    minimum: str = "0"


@dataclass(frozen=True, slots=True)
class FareRule:
    """A fare; amounts are decimal strings in the carrier's currency, per_km in whole units."""

    number: int
    travel_class: TravelClass
    name: str
    valid_from: date
    per_km: str
    penalties: tuple[PenaltyRule, ...]
    base: str = "0"
    minimum: str = "0"
    rounding: str = "0.01"
    tax_percent: str = "0"
    fee: str = "0"
    young_percent: int = 100
    child_percent: int = 50
    infant_percent: int = 0
    return_discount_percent: str = "0"
    young_until_age: int = 26
    child_until_age: int = 14
    infant_until_age: int = 1
    sales_close_minutes: int = 5
    conditions: str = ""
    quota: int | None = None

    def draft(self, *, currency: str, zone: ZoneInfo) -> FareDraft:
        """The fare in a currency, valid from midnight of the carrier's time zone."""
        version = FareVersionDraft(
            valid_from=datetime.combine(self.valid_from, time(), tzinfo=zone).astimezone(UTC),
            base_minor=_minor(self.base, currency),
            per_km_micro=_micro(self.per_km, currency),
            minimum_minor=_minor(self.minimum, currency),
            rounding_minor=max(1, _minor(self.rounding, currency, exact=False)),
            tax_basis_points=_basis_points(self.tax_percent),
            fee_minor=_minor(self.fee, currency),
            young_percent=self.young_percent,
            child_percent=self.child_percent,
            infant_percent=self.infant_percent,
            return_discount_basis_points=_basis_points(self.return_discount_percent),
            young_until_age=self.young_until_age,
            child_until_age=self.child_until_age,
            infant_until_age=self.infant_until_age,
            sales_close_minutes=self.sales_close_minutes,
            conditions=self.conditions,
            quota=self.quota,
            penalty_tiers=tuple(
                PenaltyTierDraft(
                    minutes_before=rule.hours_before * 60,
                    basis_points=_basis_points(rule.percent),
                    minimum_minor=_minor(rule.minimum, currency),
                )
                for rule in self.penalties
            ),
        )
        return FareDraft(self.number, self.travel_class, self.name, (version,))


@dataclass(frozen=True, slots=True)
class TariffRule:
    """A tariff, made for each carrier whose services use it."""

    code: str
    name: str
    fares: tuple[FareRule, ...]

    def draft(self, *, carrier: str, currency: str, zone: ZoneInfo) -> TariffDraft:
        """The tariff of one carrier, in its currency."""
        return TariffDraft(
            carrier=carrier,
            code=self.code,
            name=self.name,
            fares=tuple(fare.draft(currency=currency, zone=zone) for fare in self.fares),
        )


@dataclass(frozen=True, slots=True)
class CarrierRule:
    """An agency as a carrier; what is empty comes from the feed or from the profile's top."""

    code: str = ""
    name: str = ""
    country: str = ""
    currency: str = ""
    classes: dict[TravelClass, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ServiceRule:
    """
    How services are sold, for those that match; the first rule that matches holds.

    Without a condition everything matches. `route_types` are numbers of GTFS or ranges
    (`100-117`), `categories` the letters before a number (`ICE` of ICE 1672), case apart.
    """

    mode: Mode
    tariff: str
    seat_map: str
    vehicle: str
    route_types: tuple[str, ...] = ()
    agencies: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    facilities: tuple[str, ...] = ()
    stars: int | None = None
    has_compartments: bool = False
    kind: str = "Coach"
    seats_per_row: int = 4
    checked_bags: int = 0

    def matches(self, *, route_type: int, agency: str, category: str) -> bool:
        """Whether a service falls under this rule."""
        return (
            (not self.route_types or any(_within(route_type, text) for text in self.route_types))
            and (not self.agencies or agency in self.agencies)
            and (
                not self.categories
                or category.casefold() in {word.casefold() for word in self.categories}
            )
        )

    def facts(self, category: str) -> FlightFacts | TrainFacts | BusFacts:
        """What the rule says of a service of this category."""
        if self.mode == "Plane":
            return FlightFacts(aircraft=self.vehicle, checked_bags=self.checked_bags)
        if self.mode == "Bus":
            return BusFacts(kind=self.kind, seats_per_row=self.seats_per_row)
        return TrainFacts(
            category=category, stars=self.stars, has_compartments=self.has_compartments
        )


@dataclass(frozen=True, slots=True)
class ChangeRule:
    """Minutes to change within a station of a kind, and between the stations of a city."""

    within: dict[StationKind, int] = field(default_factory=dict)
    between_base: int = 15
    between_per_km: int = 4


@dataclass(frozen=True, slots=True)
class PlaceRule:
    """
    How stations are named and grouped.

    `station_words` are words of a name that tell a station, not a city (Hbf, Centrale, Ost);
    where a stop's name matches one of the `pass_through` expressions nobody boards or alights.
    Two stations further apart than `radius_km` are never of one city.
    """

    radius_km: int = 20
    station_words: tuple[str, ...] = ()
    airport_words: tuple[str, ...] = ()
    pass_through: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Profile:
    """Everything a feed lacks. `country` and `currency` hold where nothing better is known."""

    name: str
    country: str
    currency: str
    seat_maps: tuple[SeatMapRule, ...]
    tariffs: tuple[TariffRule, ...]
    services: tuple[ServiceRule, ...]
    classes: dict[Mode, dict[TravelClass, str]] = field(default_factory=dict)
    carriers: dict[str, CarrierRule] = field(default_factory=dict)
    time_zones: dict[str, str] = field(default_factory=dict)
    changes: ChangeRule = field(default_factory=ChangeRule)
    places: PlaceRule = field(default_factory=PlaceRule)
    uic_stops: Literal["auto", "yes", "no"] = "auto"

    def rule_for(self, *, route_type: int, agency: str, category: str) -> ServiceRule | None:
        """The first rule that matches; None says that the office does not sell it."""
        for rule in self.services:
            if rule.matches(route_type=route_type, agency=agency, category=category):
                return rule
        return None


def load_profile(path: Path = PLAIN) -> Profile:
    """
    Reads a profile.

    :raises ProfileBroken: the file is not there, is not TOML, or says something that cannot hold.
    """
    profile = read_toml(Profile, path)
    _check(profile, path.name)
    return profile


def read_toml(kind: type[T], path: Path) -> T:
    """
    A dataclass of the declared shape from a TOML file; every word that it does not know is refused.

    :raises ProfileBroken: the file is not there, is not TOML, or has another shape.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ProfileBroken(f"{path}: is larger than {MOST_BYTES} bytes")
        with path.open("rb") as stream:
            data = tomllib.load(stream)
    except OSError as error:
        raise ProfileBroken(f"{path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ProfileBroken(f"{path}: {error}") from error
    built: T = _build(kind, data, path.name)
    return built


def _check(profile: Profile, where: str) -> None:
    """References hold, amounts and layouts can be made: so that no import fails half-way."""
    seat_maps = {rule.code for rule in profile.seat_maps}
    tariffs = {rule.code for rule in profile.tariffs}
    for number, rule in enumerate(profile.services, start=1):
        if rule.seat_map not in seat_maps:
            raise ProfileBroken(f"{where}: services[{number}]: no seat map {rule.seat_map!r}")
        if rule.tariff not in tariffs:
            raise ProfileBroken(f"{where}: services[{number}]: no tariff {rule.tariff!r}")
        for text in rule.route_types:
            if re.fullmatch(r"\d+(-\d+)?", text) is None:
                raise ProfileBroken(f"{where}: services[{number}]: {text!r} is no route type")
    for country, name in profile.time_zones.items():
        _zone(name, f"{where}: time_zones.{country}")
    for expression in profile.places.pass_through:
        try:
            re.compile(expression)
        except re.error as error:
            raise ProfileBroken(f"{where}: places.pass_through: {error}") from error
    try:
        _check_drafts(profile)
    except ValueError as error:
        raise ProfileBroken(f"{where}: {error}") from error


def _check_drafts(profile: Profile) -> None:
    currencies = {profile.currency} | {c.currency for c in profile.carriers.values() if c.currency}
    for tariff in profile.tariffs:
        for currency in currencies:
            check_tariff(tariff, currency=currency)
    for seat_map in profile.seat_maps:
        check_seat_map(seat_map)


def check_tariff(tariff: TariffRule, *, currency: str) -> None:
    """
    Refuses a tariff that no carrier with this currency could sell.

    :raises ValueError: numbers that are not 0 to 63 and each once, amounts that cannot be.
    """
    numbers = [fare.number for fare in tariff.fares]
    if len(set(numbers)) != len(numbers) or not all(0 <= n < MOST_FARES for n in numbers):
        raise ValueError(f"tariff {tariff.code}: fare numbers are 0 to 63, each once")
    tariff.draft(carrier="", currency=currency, zone=ZoneInfo("UTC"))


def check_seat_map(seat_map: SeatMapRule) -> None:
    """
    Refuses a seat map that cannot be laid out.

    :raises ValueError: a coach's label stands twice, or a layout draws no seats.
    """
    labels = [label for coach in seat_map.coaches for label in coach.labels]
    if len(set(labels)) != len(labels):
        raise ValueError(f"seat map {seat_map.code}: a coach's label stands twice")
    seat_map.draft()


def _zone(name: str, where: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ProfileBroken(f"{where}: {name!r} is no time zone") from error


def _within(number: int, text: str) -> bool:
    first, _, last = text.partition("-")
    return int(first) <= number <= int(last or first)


def _minor(text: str, currency: str, *, exact: bool = True) -> int:
    """Minor units of a decimal string; a rounding step finer than the currency is not exact."""
    if not exact and Decimal(text) < Decimal(1).scaleb(-minor_digits(currency)):
        return 1
    minor = parse_amount(text, currency).minor
    if minor < 0:
        raise ValueError(f"{text} is negative")
    return minor


def _micro(text: str, currency: str) -> int:
    """Millionths of a minor unit."""
    try:
        micro = Decimal(text).scaleb(minor_digits(currency) + 6)
    except InvalidOperation as error:
        raise ValueError(f"{text!r} is not a decimal number") from error
    if micro != micro.to_integral_value() or not 0 <= micro <= MAX_MINOR:
        raise ValueError(f"{text!r} for each kilometre is out of range or too fine")
    return int(micro)


def _basis_points(text: str) -> int:
    try:
        points = Decimal(text) * 100
    except InvalidOperation as error:
        raise ValueError(f"{text!r} is not a percentage") from error
    if points != points.to_integral_value() or not 0 <= points <= 10_000:
        raise ValueError(f"{text!r} is not a percentage of 0 to 100 with two places")
    return int(points)


def _build(kind: Any, data: Any, where: str) -> Any:
    """A value of the declared type from plain TOML data; what does not fit is refused."""
    origin = typing.get_origin(kind)
    if dataclasses.is_dataclass(kind):
        return _build_class(kind, data, where)
    if origin is tuple:
        _expect(isinstance(data, list), where, "a list")
        item = typing.get_args(kind)[0]
        return tuple(_build(item, value, f"{where}[{n}]") for n, value in enumerate(data, start=1))
    if origin is dict:
        _expect(isinstance(data, dict), where, "a table")
        key_kind, value_kind = typing.get_args(kind)
        return {
            _build(key_kind, key, where): _build(value_kind, value, f"{where}.{key}")
            for key, value in data.items()
        }
    if origin is Literal:
        words = typing.get_args(kind)
        _expect(data in words, where, "one of " + ", ".join(map(str, words)))
        return data
    if origin is types.UnionType:
        return _build(typing.get_args(kind)[0], data, where)
    # In Python a boolean is an integer; in a profile it is a mistake.
    _expect(type(data) is kind, where, kind.__name__)
    return data


def _build_class(kind: Any, data: Any, where: str) -> Any:
    _expect(isinstance(data, dict), where, "a table")
    hints = typing.get_type_hints(kind)
    fields = {item.name: item for item in dataclasses.fields(kind)}
    for key in data:
        _expect(key in fields, f"{where}.{key}", "not there: the name is not known")
    for name, item in fields.items():
        required = (
            item.default is dataclasses.MISSING and item.default_factory is dataclasses.MISSING
        )
        _expect(not required or name in data, f"{where}.{name}", "there: it is required")
    return kind(**{key: _build(hints[key], value, f"{where}.{key}") for key, value in data.items()})


def _expect(holds: bool, where: str, what: str) -> None:
    if not holds:
        raise ProfileBroken(f"{where}: must be {what}")
