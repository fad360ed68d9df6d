"""
Rows for tests, built directly and with as few statements as possible.

Every function takes what the test cares about and fills in the rest. Nothing here goes through the
code under test, so that a fault in it cannot hide itself.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.contrib.auth.models import Group

from accounts.models import User
from inventory.models import (
    Bus,
    Call,
    Carrier,
    CarrierClass,
    City,
    CityName,
    Coach,
    Departure,
    Fare,
    FareVersion,
    Flight,
    Mode,
    PenaltyTier,
    Seat,
    SeatMap,
    Service,
    Station,
    StationKind,
    StationName,
    Tariff,
    Ticket,
    Train,
    TravelClass,
    Vehicle,
)
from travel.common.ids import search_key

PASSWORD = "correct-horse-battery"
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)

_numbers = itertools.count(1)


# --- people ---------------------------------------------------------------------------------------


def make_user(
    *,
    email: str | None = None,
    password: str | None = PASSWORD,
    roles: Sequence[str] = (),
    **fields: Any,
) -> User:
    """A person whose e-mail address is verified; `roles` are names of groups."""
    user = User(
        email=email or f"person{next(_numbers)}@example.org",
        first_name=fields.pop("first_name", "Ada"),
        last_name=fields.pop("last_name", "Lovelace"),
        joined_at=fields.pop("joined_at", LONG_AGO),
        email_verified_at=fields.pop("email_verified_at", LONG_AGO),
        **fields,
    )
    user.set_password(password)
    user.save()
    if roles:
        user.groups.set([Group.objects.get_or_create(name=role)[0] for role in roles])
    return user


# --- places ---------------------------------------------------------------------------------------


def make_city(name: str, *, country: str = "DE", names: Sequence[tuple[str, str]] = ()) -> City:
    """A city with its own name and further `names`, each (language, name)."""
    city = City.objects.create(
        code=f"{country.lower()}-{search_key(name).replace(' ', '-')}", name=name, country=country
    )
    every = {("", name), *names}
    CityName.objects.bulk_create(
        CityName(city=city, language=language, name=text, key=search_key(text))
        for language, text in sorted(every)
    )
    return city


def make_station(
    city: City,
    code: str,
    *,
    name: str = "",
    kind: str = StationKind.RAIL_STATION,
    tz: str = "Europe/Berlin",
    latitude: str = "50.000000",
    longitude: str = "10.000000",
    **fields: Any,
) -> Station:
    """A station of the city, found under its own name."""
    station = Station.objects.create(
        city=city,
        code=code,
        name=name or f"{city.name} {code}",
        kind=kind,
        tz=tz,
        latitude=latitude,
        longitude=longitude,
        **fields,
    )
    StationName.objects.create(
        station=station, language="", name=station.name, key=search_key(station.name)
    )
    return station


# --- carriers, vehicles, fares --------------------------------------------------------------------


def make_carrier(code: str, *, name: str = "", currency: str = "EUR", **fields: Any) -> Carrier:
    """A carrier of Germany whose fares are in `currency`."""
    carrier = Carrier.objects.create(
        code=code,
        name=name or f"{code} Travel",
        currency_id=currency,
        tz=fields.pop("tz", "Europe/Berlin"),
        country="DE",
        **fields,
    )
    CarrierClass.objects.create(
        carrier=carrier, travel_class=TravelClass.ECONOMY, name="Second class"
    )
    return carrier


@dataclass(frozen=True)
class CoachPlan:
    """A coach to build: `layout` as `AB|CD` with a bar for the aisle, the same in every row."""

    label: str = "1"
    travel_class: str = TravelClass.ECONOMY
    layout: str = "AB|CD"
    rows: int = 2
    labelled: bool = True


def make_vehicle(
    carrier: Carrier, *, coaches: Sequence[CoachPlan] = (CoachPlan(),), code: str = ""
) -> Vehicle:
    """A vehicle with a seat map of its own. Seats are labelled by row and letter: 1A, 1B, ..."""
    code = code or f"V{next(_numbers)}"
    seat_map = SeatMap.objects.create(carrier=carrier, code=code, name=f"Map {code}")
    for position, plan in enumerate(coaches):
        coach = Coach.objects.create(seat_map=seat_map, position=position, label=plan.label)
        Seat.objects.bulk_create(_seats(coach, plan))
    return Vehicle.objects.create(
        carrier=carrier, code=code, name=f"Vehicle {code}", seat_map=seat_map
    )


def _seats(coach: Coach, plan: CoachPlan) -> list[Seat]:
    last = len(plan.layout) - 1
    return [
        Seat(
            coach=coach,
            row=row,
            column=column,
            label=f"{row}{letter}" if plan.labelled else "",
            travel_class=plan.travel_class,
            is_window=column in (0, last),
            is_aisle="|" in plan.layout[max(column - 1, 0) : column + 2],
        )
        for row in range(1, plan.rows + 1)
        for column, letter in enumerate(plan.layout)
        if letter != "|"
    ]


@dataclass(frozen=True)
class FarePlan:
    """
    A fare to build, with one version.

    An adult pays base + kilometres * per_km, in minor units; `tiers` are (minutes before, basis
    points).
    """

    name: str = "Saver"
    travel_class: str = TravelClass.ECONOMY
    base_minor: int = 500
    per_km_minor: int = 5
    tiers: Sequence[tuple[int, int]] = ((1440, 1_000), (60, 5_000))
    version: dict[str, Any] = field(default_factory=dict)


def make_tariff(
    carrier: Carrier, *, fares: Sequence[FarePlan] = (FarePlan(),), code: str = ""
) -> Tariff:
    """A tariff with these fares, numbered from 0 in the order given."""
    code = code or f"T{next(_numbers)}"
    tariff = Tariff.objects.create(carrier=carrier, code=code, name=f"Tariff {code}")
    for number, plan in enumerate(fares):
        make_fare(tariff, number, plan)
    return tariff


def make_fare(tariff: Tariff, number: int, plan: FarePlan) -> Fare:
    """The fare, its version from long ago, and its penalty tiers."""
    fare = Fare.objects.create(
        id=tariff.pk * 64 + number,
        tariff=tariff,
        number=number,
        travel_class=plan.travel_class,
        name=plan.name,
    )
    version = FareVersion.objects.create(
        fare=fare,
        valid_from=LONG_AGO,
        **{
            "base_minor": plan.base_minor,
            "per_km_micro": plan.per_km_minor * 1_000_000,
            **plan.version,
        },
    )
    PenaltyTier.objects.bulk_create(
        PenaltyTier(fare_version=version, minutes_before=minutes, basis_points=share)
        for minutes, share in plan.tiers
    )
    return fare


def make_service(
    tariff: Tariff, number: str, *, mode: str = Mode.TRAIN, **mode_fields: Any
) -> Service:
    """A service of the tariff's carrier, with its mode's row."""
    service = Service.objects.create(
        carrier=tariff.carrier, mode=mode, number=number, tariff=tariff
    )
    row = {Mode.PLANE: Flight, Mode.TRAIN: Train, Mode.BUS: Bus}[Mode(mode)]
    row.objects.create(service=service, **mode_fields)
    return service


# --- departures -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Stop:
    """
    A call to build: minutes after the departure's start, and kilometres from it.

    `stay` are the minutes between arriving and leaving.
    """

    station: Station
    minutes: int
    km: int = 0
    stay: int = 5
    fields: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Trip:
    """A departure with its calls and fares in order: what most tests want to hold in the hand."""

    departure: Departure
    calls: list[Call]
    fares: list[Fare]

    def ticket_id(self, start: int = 0, end: int = -1, fare: int = 0) -> int:
        """The published id of a ticket from one position to another at a fare's number."""
        last = end if end >= 0 else len(self.calls) + end
        return self.departure.pk * 2**18 + start * 2**12 + last * 2**6 + fare

    def ticket(self, start: int = 0, end: int = -1, fare: int = 0) -> Ticket:
        """The ticket's row, as the first reserve of it inserts it."""
        last = end if end >= 0 else len(self.calls) + end
        return Ticket.objects.get_or_create(
            id=self.ticket_id(start, end, fare),
            defaults={
                "departure": self.departure,
                "from_call": self.calls[start],
                "to_call": self.calls[last],
                "fare": self.fares[fare],
            },
        )[0]


def make_trip(
    service: Service,
    vehicle: Vehicle,
    *,
    starts_at: datetime,
    stops: Sequence[Stop],
    travel_date: date | None = None,
    **fields: Any,
) -> Trip:
    """A departure that starts at an instant and calls at these stops."""
    departure = Departure.objects.create(
        service=service, vehicle=vehicle, travel_date=travel_date or starts_at.date(), **fields
    )
    calls = Call.objects.bulk_create(
        _call(departure, position, stop, starts_at=starts_at, last=len(stops) - 1)
        for position, stop in enumerate(stops)
    )
    return Trip(
        departure=departure, calls=calls, fares=list(service.tariff.fares.order_by("number"))
    )


def _call(
    departure: Departure, position: int, stop: Stop, *, starts_at: datetime, last: int
) -> Call:
    moment = starts_at + timedelta(minutes=stop.minutes)
    is_first, is_last = position == 0, position == last
    return Call(
        **{
            "id": departure.pk * 64 + position,
            "departure": departure,
            "position": position,
            "station": stop.station,
            "arrives_at": None if is_first else moment,
            "departs_at": None
            if is_last
            else moment + timedelta(minutes=0 if is_first else stop.stay),
            "may_board": not is_last,
            "may_alight": not is_first,
            "distance_m": stop.km * 1000,
            **stop.fields,
        }
    )


# --- a small timetable ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Timetable:
    """
    A train, a flight and a coach between Hamburg and Munich on Tuesday, 2 June 2026.

    *Train* ICE 585, 08:00 local (06:00 UTC): Hamburg 0 km, Hanover 200 km (+75 min), Göttingen 300
    km (+120), Nuremberg 600 km (+240), Munich 800 km (+330, 13:30 local). Every stop takes 5
    minutes. Coach 1 has 8 Economy seats (1A-1D, 2A-2D), coach 2 has 4 Business seats (1A, 1B, 2A,
    2B). Adults pay the whole way, and with 7 % tax contained: fare 0 Saver 5.00 + 5 c/km = 45.00
    EUR, fare 1 Flex 10.00 + 10 c/km = 90.00, fare 2 Business Flex 20.00 + 15 c/km = 140.00.
    Cancelling the Saver costs 10 % until 24 hours before, then 50 % until 1 hour before; the Flex
    fares are free until 1 hour before.

    *Flight* QX 2024, 10:00 local, 75 minutes, 600 km: 6 Economy seats, one fare, 80.00 EUR and a
    fee of 2.50.
    *Coach* N 42, 22:00 local (20:00 UTC): Hamburg, Berlin (+180, 300 km), Munich (+600, 900 km): 4
    seats without labels, one fare, 5.00 + 3 c/km = 32.00 EUR.
    """

    hamburg: City
    munich: City
    train: Trip
    flight: Trip
    coach: Trip


def make_timetable() -> Timetable:
    """Build the small timetable."""
    hamburg = make_city("Hamburg", names=[("fa", "هامبورگ")])
    hanover = make_city("Hannover", names=[("en", "Hanover")])
    goettingen = make_city("Göttingen", names=[("", "Goettingen")])
    nuremberg = make_city("Nürnberg", names=[("en", "Nuremberg")])
    berlin = make_city("Berlin")
    munich = make_city("München", names=[("en", "Munich"), ("", "Muenchen")])
    return Timetable(
        hamburg=hamburg,
        munich=munich,
        train=_train([hamburg, hanover, goettingen, nuremberg, munich]),
        flight=_flight(hamburg, munich),
        coach=_coach([hamburg, berlin, munich]),
    )


def _train(cities: Sequence[City]) -> Trip:
    carrier = make_carrier("railway", name="Test Railway")
    tariff = make_tariff(
        carrier,
        fares=[
            FarePlan("Saver", TravelClass.ECONOMY, 500, 5, version={"tax_basis_points": 700}),
            FarePlan("Flex", TravelClass.ECONOMY, 1000, 10, [(60, 0)], {"tax_basis_points": 700}),
            FarePlan(
                "Business Flex",
                TravelClass.BUSINESS,
                2000,
                15,
                [(60, 0)],
                {"tax_basis_points": 700},
            ),
        ],
    )
    vehicle = make_vehicle(
        carrier, coaches=[CoachPlan("1"), CoachPlan("2", TravelClass.BUSINESS, "A|B", 2)]
    )
    codes = ["HH", "HAJ", "GOE", "NUE", "MH"]
    stations = [
        make_station(city, code, name=f"{city.name} Hbf")
        for city, code in zip(cities, codes, strict=True)
    ]
    ways = [(0, 0), (75, 200), (120, 300), (240, 600), (330, 800)]
    return make_trip(
        make_service(tariff, "ICE 585", mode=Mode.TRAIN, category="ICE", stars=4),
        vehicle,
        starts_at=datetime(2026, 6, 2, 6, 0, tzinfo=UTC),
        stops=[
            Stop(station, minutes, km)
            for station, (minutes, km) in zip(stations, ways, strict=True)
        ],
    )


def _flight(origin: City, destination: City) -> Trip:
    carrier = make_carrier("QX", name="Test Air")
    tariff = make_tariff(
        carrier,
        fares=[FarePlan("Light", base_minor=2000, per_km_minor=10, version={"fee_minor": 250})],
    )
    return make_trip(
        make_service(tariff, "QX 2024", mode=Mode.PLANE, aircraft="A320", checked_bags=1),
        make_vehicle(carrier, coaches=[CoachPlan("Cabin", layout="ABC|DEF", rows=1)]),
        starts_at=datetime(2026, 6, 2, 8, 0, tzinfo=UTC),
        stops=[
            Stop(make_station(origin, "HAM", kind=StationKind.AIRPORT), 0),
            Stop(make_station(destination, "MUC", kind=StationKind.AIRPORT), 75, 600),
        ],
    )


def _coach(cities: Sequence[City]) -> Trip:
    carrier = make_carrier("nightbus", name="Test Coaches")
    tariff = make_tariff(carrier, fares=[FarePlan("Standard", base_minor=500, per_km_minor=3)])
    stations = [
        make_station(city, f"{city.name[:3].upper()}-ZOB", kind=StationKind.COACH_STOP)
        for city in cities
    ]
    return make_trip(
        make_service(tariff, "N 42", mode=Mode.BUS, kind="Coach"),
        make_vehicle(carrier, coaches=[CoachPlan("Deck", layout="AB|CD", rows=1, labelled=False)]),
        starts_at=datetime(2026, 6, 2, 20, 0, tzinfo=UTC),
        stops=[
            Stop(station, minutes, km)
            for station, (minutes, km) in zip(
                stations, [(0, 0), (180, 300), (600, 900)], strict=True
            )
        ],
    )
