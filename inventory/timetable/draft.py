"""
A timetable as plain data: what every reader produces and what the publisher writes.

Nothing here knows a database, a file format or the present moment. Objects name each other by
their codes (`station`, `carrier`, `city`, ...) or by a `ref`, a string that is unique in its kind
within one draft and is stored nowhere. All instants are aware and in UTC; distances are metres;
money is in minor units of the carrier's currency; days are the origin station's local days.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal, NamedTuple

Mode = Literal["Plane", "Train", "Bus"]
StationKind = Literal["airport", "railStation", "coachStop"]
TravelClass = Literal["Economy", "Business", "VIP"]
SeatFeature = Literal["table", "quiet", "accessible", "backward"]

#: Calls of one departure are numbered 0 to 63: the number is six bits of a ticket's id.
MOST_CALLS = 64
#: Fares of one tariff are numbered 0 to 63, for the same reason.
MOST_FARES = 64

#: What may be on board, by its code.
FACILITY_NAMES = {
    "airConditioning": "Air conditioning",
    "bicycle": "Bicycles",
    "bistro": "Bistro",
    "entertainment": "Entertainment",
    "family": "Family area",
    "meal": "Meal included",
    "power": "Power sockets",
    "quietZone": "Quiet zone",
    "restaurant": "Restaurant",
    "sleeper": "Beds",
    "toilet": "Toilet",
    "wheelchair": "Wheelchair space",
    "wifi": "Wi-Fi",
}


@dataclass(frozen=True, slots=True)
class NameDraft:
    """A name in a language (`de`, `en`); a language may give several, the first one is shown."""

    language: str
    name: str


@dataclass(frozen=True, slots=True)
class CodeDraft:
    """Another code of a station: scheme `iata`, `icao`, `uic`, or `gtfs:<feed>` for its own."""

    scheme: str
    code: str


@dataclass(frozen=True, slots=True)
class CityDraft:
    """A city; `code` is a lasting slug (`de-berlin`), `country` is ISO 3166-1 alpha-2."""

    code: str
    name: str
    country: str
    names: tuple[NameDraft, ...] = ()


@dataclass(frozen=True, slots=True)
class StationDraft:
    """
    A place where one boards and alights; platforms are folded into it.

    `code` is unique among all stations, whatever the feed: IATA for airports, UIC for railways,
    else the feed's code and the stop's id.
    """

    code: str
    city: str
    kind: StationKind
    name: str
    tz: str
    latitude: float
    longitude: float
    names: tuple[NameDraft, ...] = ()
    codes: tuple[CodeDraft, ...] = ()


@dataclass(frozen=True, slots=True)
class MinimumChangeDraft:
    """
    Minutes that a change needs, within a station (twice the same) or between two.

    None says that it cannot be done; a pair that is not named is left as it is.
    """

    from_station: str
    to_station: str
    minutes: int | None


@dataclass(frozen=True, slots=True)
class CarrierClassDraft:
    """A travel class under the carrier's own word: Economy is `2. Klasse` on a German train."""

    travel_class: TravelClass
    name: str


@dataclass(frozen=True, slots=True)
class CarrierDraft:
    """A company that sells under its own name; all its fares are in `currency`."""

    code: str
    name: str
    currency: str
    tz: str
    country: str
    classes: tuple[CarrierClassDraft, ...] = ()


@dataclass(frozen=True, slots=True)
class PenaltyTierDraft:
    """Cancelling at least so many minutes before the coupon's departure costs this share."""

    minutes_before: int
    basis_points: int
    minimum_minor: int = 0


@dataclass(frozen=True, slots=True)
class FareVersionDraft:
    """
    The price rule and the conditions of a fare from an instant of sale on.

    An adult pays the larger of minimum and base + kilometres * per_km, rounded up to a multiple of
    `rounding_minor`; `per_km_micro` is in millionths of a minor unit. `tax_basis_points` of it are
    contained as tax, the fee comes on top for each coupon. Young people, children and infants pay
    their percentage of the fare; `return_discount_basis_points` come off both ways of a round trip.
    At most `quota` seats of any segment of a departure are sold at it, None for all.
    """

    valid_from: datetime
    base_minor: int
    per_km_micro: int
    minimum_minor: int
    rounding_minor: int
    tax_basis_points: int
    penalty_tiers: tuple[PenaltyTierDraft, ...]
    fee_minor: int = 0
    young_percent: int = 100
    child_percent: int = 50
    infant_percent: int = 0
    return_discount_basis_points: int = 0
    young_until_age: int = 26
    child_until_age: int = 14
    infant_until_age: int = 1
    sales_close_minutes: int = 5
    conditions: str = ""
    quota: int | None = None


@dataclass(frozen=True, slots=True)
class FareDraft:
    """A fare under its number (0 to 63) in its tariff; a number is never given to another fare."""

    number: int
    travel_class: TravelClass
    name: str
    versions: tuple[FareVersionDraft, ...]


@dataclass(frozen=True, slots=True)
class TariffDraft:
    """The fares that a carrier sells on some of its services; `code` is unique for the carrier."""

    carrier: str
    code: str
    name: str
    fares: tuple[FareDraft, ...]


@dataclass(frozen=True, slots=True)
class SeatDraft:
    """
    A seat: `row` counts from 1 at the front, `column` from 0 at the left, aisles counted.

    A seat may be at a window and at the aisle at once. `backward`: it faces against the travel.
    """

    label: str
    row: int
    column: int
    is_window: bool
    is_aisle: bool
    features: tuple[SeatFeature, ...] = ()


@dataclass(frozen=True, slots=True)
class CoachDraft:
    """A coach of a train, or a cabin of an aircraft or a bus: one class, seats in rows."""

    label: str
    travel_class: TravelClass
    seats: tuple[SeatDraft, ...]


@dataclass(frozen=True, slots=True)
class SeatMapDraft:
    """The seats of a kind of vehicle; coaches in their order, labels differ. `code` is unique."""

    code: str
    name: str
    coaches: tuple[CoachDraft, ...]


@dataclass(frozen=True, slots=True)
class VehicleDraft:
    """
    The equipment that a carrier runs under a name (`ICE 4`, `Airbus A320`).

    `code` is unique for the carrier; empty: the ref stands in.
    """

    ref: str
    carrier: str
    name: str
    seat_map: str
    code: str = ""


@dataclass(frozen=True, slots=True)
class FlightFacts:
    """What is said of a flight."""

    aircraft: str
    origin_terminal: str = ""
    destination_terminal: str = ""
    checked_bags: int = 0


@dataclass(frozen=True, slots=True)
class TrainFacts:
    """What is said of a train: category (`ICE`), stars 1 to 5, compartments or open coaches."""

    category: str
    stars: int | None = None
    has_compartments: bool = False


@dataclass(frozen=True, slots=True)
class BusFacts:
    """What is said of a coach: its kind (`Comfort coach`) and the seats of one row."""

    kind: str
    seats_per_row: int = 4


@dataclass(frozen=True, slots=True)
class ServiceDraft:
    """
    What recurs under one number of a carrier; (carrier, mode, number) is unique.

    `facts` belong to the mode. `facilities` are codes of FACILITY_NAMES.
    """

    ref: str
    carrier: str
    mode: Mode
    number: str
    tariff: str
    facts: FlightFacts | TrainFacts | BusFacts
    facilities: tuple[str, ...] = ()


class CallDraft(NamedTuple):
    """
    A stop of a departure, in its order; a station may come twice.

    The first call has no arrival and lets nobody alight, the last has no departure and lets nobody
    board, all others have both times. `distance_m` is the great-circle way from the first call
    along the calls.
    """

    station: str
    arrives_at: datetime | None
    departs_at: datetime | None
    may_board: bool
    may_alight: bool
    platform: str
    distance_m: int


@dataclass(frozen=True, slots=True)
class DepartureDraft:
    """
    A service on a day, with 2 to 64 calls.

    `run` (at most 64 characters) tells several departures of one service on one day apart; it
    stays the same from one edition of the timetable to the next as far as that can be known.
    Empty when there is one.
    """

    service: str
    travel_date: date
    vehicle: str
    calls: tuple[CallDraft, ...]
    run: str = ""


@dataclass(frozen=True, slots=True)
class TimetableDraft:
    """
    One edition of a timetable for the days first_date to last_date, both included.

    Departures of the same feed in that window which this edition lacks are withdrawn when it is
    published. `departures` may be called any number of times; each time it gives the same
    departures, sorted by `travel_date` and then by `service`, and keeps only a bounded number of
    them in memory.
    """

    feed: str
    first_date: date
    last_date: date
    cities: tuple[CityDraft, ...]
    stations: tuple[StationDraft, ...]
    carriers: tuple[CarrierDraft, ...]
    tariffs: tuple[TariffDraft, ...]
    seat_maps: tuple[SeatMapDraft, ...]
    vehicles: tuple[VehicleDraft, ...]
    services: tuple[ServiceDraft, ...]
    departures: Callable[[], Iterator[DepartureDraft]] = field(repr=False)
    minimum_changes: tuple[MinimumChangeDraft, ...] = ()
    departure_count: int | None = None
    feed_name: str = ""
