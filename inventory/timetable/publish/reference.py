"""Writes what lasts: places, carriers, fares, seat maps, vehicles and services."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any, TypeVar

from inventory.models import (
    Bus,
    Carrier,
    CarrierClass,
    City,
    CityName,
    Coach,
    Facility,
    Fare,
    FareVersion,
    Flight,
    MinimumChange,
    PenaltyTier,
    Seat,
    SeatMap,
    Service,
    Station,
    StationCode,
    StationName,
    Tariff,
    Train,
    Vehicle,
)
from inventory.timetable.draft import (
    FACILITY_NAMES,
    BusFacts,
    CarrierDraft,
    CityDraft,
    CodeDraft,
    FareDraft,
    FareVersionDraft,
    FlightFacts,
    MinimumChangeDraft,
    NameDraft,
    SeatDraft,
    SeatMapDraft,
    ServiceDraft,
    StationDraft,
    TariffDraft,
    TimetableDraft,
    TrainFacts,
    TravelClass,
    VehicleDraft,
)
from travel.common.ids import search_key
from travel.common.models import Currency
from travel.common.transactions import in_transaction

T = TypeVar("T")

#: Rows of one transaction, names and codes not counted.
BATCH = 500
MOST_EDITIONS = 1_000
_TICK = timedelta(seconds=1)


class DraftRefused(ValueError):
    """The draft contradicts itself, or what has been published before; the message says how."""


@dataclass(slots=True)
class References:
    """Where the draft's codes and refs are in the tables; `kept` says what was left as it was."""

    stations: dict[str, int] = field(default_factory=dict)
    services: dict[str, int] = field(default_factory=dict)
    vehicles: dict[str, int] = field(default_factory=dict)
    station_codes: dict[int, str] = field(default_factory=dict)
    vehicle_codes: dict[int, str] = field(default_factory=dict)
    kept: list[str] = field(default_factory=list)


def write_reference(draft: TimetableDraft, *, now: datetime) -> References:
    """
    Adds what is new and brings up to date what changed; removes nothing.

    The draft has been through `check` and `check_currencies`.

    :raises DraftRefused: a fare's number has been given to a fare of another class.
    """
    references = References()
    cities = _write_cities(draft.cities)
    references.stations = _write_stations(draft, cities)
    references.station_codes = {key: code for code, key in references.stations.items()}
    _write_changes(draft.minimum_changes, references.stations)
    carriers = _write_carriers(draft.carriers)
    tariffs = _write_tariffs(draft.tariffs, carriers, now)
    _write_vehicles(draft, carriers, references)
    _write_services(draft.services, carriers, tariffs, references)
    return references


def check(draft: TimetableDraft) -> None:
    """
    Refuses a draft whose parts do not fit together; asks no database.

    :raises DraftRefused: the first contradiction that is found.
    """
    cities = _unique("city", (city.code for city in draft.cities))
    stations = _unique("station", (station.code for station in draft.stations))
    carriers = _unique("carrier", (carrier.code for carrier in draft.carriers))
    seat_maps = _unique("seat map", (seat_map.code for seat_map in draft.seat_maps))
    tariffs = _unique("tariff", ((tariff.carrier, tariff.code) for tariff in draft.tariffs))
    _unique("vehicle", (vehicle.ref for vehicle in draft.vehicles))
    _unique("service", (service.ref for service in draft.services))
    _unique("service", ((s.carrier, s.mode, s.number) for s in draft.services))
    for station in draft.stations:
        _known("city", station.city, cities)
    for change in draft.minimum_changes:
        _known("station", change.from_station, stations)
        _known("station", change.to_station, stations)
    for vehicle in draft.vehicles:
        _known("carrier", vehicle.carrier, carriers)
        _known("seat map", vehicle.seat_map, seat_maps)
    for tariff in draft.tariffs:
        _known("carrier", tariff.carrier, carriers)
        _unique(f"fare of {tariff.code}", (fare.number for fare in tariff.fares))
    for service in draft.services:
        _known("tariff", (service.carrier, service.tariff), tariffs)
        if not isinstance(service.facts, _FACTS[service.mode]):
            raise DraftRefused(f"the facts of {service.ref} are not those of a {service.mode}")


def check_currencies(draft: TimetableDraft) -> None:
    """
    Refuses a draft whose carriers could not sell.

    :raises DraftRefused: a currency is not of this office, or not the one a carrier sells in.
    """
    currencies = set(Currency.objects.values_list("code", flat=True))
    known = dict(Carrier.objects.values_list("code", "currency_id"))
    for carrier in draft.carriers:
        _known("currency", carrier.currency, currencies)
        if known.get(carrier.code, carrier.currency) != carrier.currency:
            raise DraftRefused(f"carrier {carrier.code} sells in {known[carrier.code]} already")


_MODE_ROWS: dict[str, Any] = {"Plane": Flight, "Train": Train, "Bus": Bus}
_FACTS = {"Plane": FlightFacts, "Train": TrainFacts, "Bus": BusFacts}


def _unique(what: str, keys: Iterable[T]) -> set[T]:
    seen: set[T] = set()
    for key in keys:
        if key in seen:
            raise DraftRefused(f"{what} {key!r} stands twice")
        seen.add(key)
    return seen


def _known(what: str, key: T, known: set[T]) -> None:
    if key not in known:
        raise DraftRefused(f"{what} {key!r} is named, and not there")


def _batches(items: Iterable[T], size: int = BATCH) -> Iterator[list[T]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


# --- places --------------------------------------------------------------------------------------


def _write_cities(cities: Sequence[CityDraft]) -> dict[str, int]:
    """Cities that are there keep their names and country, which people may have corrected."""
    known = dict(City.objects.values_list("code", "id"))
    for batch in _batches(city for city in cities if city.code not in known):
        _add_cities(batch)
    known = dict(City.objects.values_list("code", "id"))
    names = set(CityName.objects.values_list("city_id", "language", "key"))
    new = [
        CityName(city_id=known[city.code], language=name.language, name=name.name, key=key)
        for city in cities
        for name, key in _keyed(city.names)
        if (known[city.code], name.language, key) not in names
    ]
    for rows in _batches(new):
        _add_rows(CityName, rows)
    return known


@in_transaction
def _add_cities(batch: list[CityDraft]) -> None:
    City.objects.bulk_create(
        City(code=city.code, name=city.name, country=city.country) for city in batch
    )


def _keyed(names: Iterable[NameDraft]) -> Iterator[tuple[NameDraft, str]]:
    """Names with their search keys, each once a language; what has no letters has no key."""
    seen = set()
    for name in names:
        key = search_key(name.name)[:120]
        if key and (name.language, key) not in seen:
            seen.add((name.language, key))
            yield name, key


@in_transaction
def _add_rows(model: Any, rows: list[Any]) -> None:
    model.objects.bulk_create(rows)


def _write_stations(draft: TimetableDraft, cities: dict[str, int]) -> dict[str, int]:
    minutes = {
        change.from_station: change.minutes
        for change in draft.minimum_changes
        if change.from_station == change.to_station and change.minutes is not None
    }
    wanted = {station.code: _station_values(station, cities, minutes) for station in draft.stations}
    known = {station.code: station for station in Station.objects.all()}
    new = [{"code": code, **values} for code, values in wanted.items() if code not in known]
    for batch in _batches(new):
        _add_rows(Station, [Station(**values) for values in batch])
    changed = [
        station
        for code, station in known.items()
        if code in wanted and _take(station, wanted[code])
    ]
    for stations in _batches(changed):
        _save_all(stations)
    ids = dict(Station.objects.values_list("code", "id"))
    _write_station_names(draft.stations, ids)
    _write_station_codes(draft.stations, ids)
    return ids


def _station_values(
    station: StationDraft, cities: dict[str, int], minutes: dict[str, int]
) -> dict[str, Any]:
    values: dict[str, Any] = {
        "city_id": cities[station.city],
        "kind": station.kind,
        "name": station.name,
        "tz": station.tz,
        "latitude": Decimal(f"{station.latitude:.6f}"),
        "longitude": Decimal(f"{station.longitude:.6f}"),
    }
    if station.code in minutes:
        values["minimum_change_minutes"] = minutes[station.code]
    return values


def _take(row: Any, values: dict[str, Any]) -> bool:
    """Puts the values into the row; says whether any was different."""
    differs = False
    for name, value in values.items():
        if getattr(row, name) != value:
            setattr(row, name, value)
            differs = True
    return differs


@in_transaction
def _save_all(rows: list[Any]) -> None:
    """One by one, so that each change gets into the row's history."""
    for row in rows:
        row.save()


def _write_station_names(stations: Sequence[StationDraft], ids: dict[str, int]) -> None:
    known = set(StationName.objects.values_list("station_id", "language", "key"))
    new = [
        StationName(station_id=ids[station.code], language=name.language, name=name.name, key=key)
        for station in stations
        for name, key in _keyed(station.names)
        if (ids[station.code], name.language, key) not in known
    ]
    for rows in _batches(new):
        _add_rows(StationName, rows)


def _write_station_codes(stations: Sequence[StationDraft], ids: dict[str, int]) -> None:
    """A code that moved to another station moves here too."""
    known = {(row.scheme, row.code): row for row in StationCode.objects.all()}
    new: dict[tuple[str, str], StationCode] = {}
    moved = []
    for station in stations:
        for code in station.codes:
            row = known.get((code.scheme, code.code))
            if row is None:
                new.setdefault((code.scheme, code.code), _station_code(code, ids[station.code]))
            elif row.station_id != ids[station.code]:
                row.station_id = ids[station.code]
                moved.append(row)
    for rows in _batches(new.values()):
        _add_rows(StationCode, rows)
    for rows in _batches(moved):
        _save_all(rows)


def _station_code(code: CodeDraft, station_id: int) -> StationCode:
    return StationCode(station_id=station_id, scheme=code.scheme, code=code.code)


def _write_changes(changes: Sequence[MinimumChangeDraft], stations: dict[str, int]) -> None:
    """Between two stations; a change within one is a fact of the station itself."""
    known = {(row.from_station_id, row.to_station_id): row for row in MinimumChange.objects.all()}
    new, changed, gone = [], [], []
    for change in changes:
        pair = stations[change.from_station], stations[change.to_station]
        row = known.get(pair)
        if pair[0] == pair[1]:
            continue
        if change.minutes is None:
            gone += [row.pk] if row is not None else []
        elif row is None:
            new.append(
                MinimumChange(
                    from_station_id=pair[0], to_station_id=pair[1], minutes=change.minutes
                )
            )
        elif _take(row, {"minutes": change.minutes}):
            changed.append(row)
    for rows in _batches(new, 2_000):
        _add_rows(MinimumChange, rows)
    for rows in _batches(changed):
        _save_all(rows)
    for keys in _batches(gone):
        _remove_changes(keys)


@in_transaction
def _remove_changes(keys: list[int]) -> None:
    MinimumChange.objects.filter(pk__in=keys).delete()


# --- carriers and fares --------------------------------------------------------------------------


@in_transaction
def _write_carriers(carriers: Sequence[CarrierDraft]) -> dict[str, int]:
    """Carriers that are there keep what people may have corrected; classes are added."""
    ids = {}
    for draft in carriers:
        carrier, _ = Carrier.objects.get_or_create(
            code=draft.code,
            defaults={
                "name": draft.name,
                "currency_id": draft.currency,
                "tz": draft.tz,
                "country": draft.country,
            },
        )
        for word in draft.classes:
            CarrierClass.objects.get_or_create(
                carrier=carrier, travel_class=word.travel_class, defaults={"name": word.name}
            )
        ids[draft.code] = carrier.pk
    return ids


def _write_tariffs(
    tariffs: Sequence[TariffDraft], carriers: dict[str, int], now: datetime
) -> dict[tuple[str, str], int]:
    return {
        (draft.carrier, draft.code): _write_tariff(draft, carriers[draft.carrier], now)
        for draft in tariffs
    }


@in_transaction
def _write_tariff(draft: TariffDraft, carrier_id: int, now: datetime) -> int:
    tariff, _ = Tariff.objects.get_or_create(
        carrier_id=carrier_id, code=draft.code, defaults={"name": draft.name}
    )
    fares = {fare.number: fare for fare in Fare.objects.filter(tariff=tariff)}
    for fare_draft in draft.fares:
        fare = fares.get(fare_draft.number)
        if fare is None:
            fare = Fare.objects.create(
                id=tariff.pk * 64 + fare_draft.number,
                tariff=tariff,
                number=fare_draft.number,
                travel_class=fare_draft.travel_class,
                name=fare_draft.name,
            )
        elif fare.travel_class != fare_draft.travel_class:
            raise DraftRefused(
                f"number {fare.number} of tariff {draft.code} is a fare in {fare.travel_class}"
            )
        elif _take(fare, {"name": fare_draft.name}):
            fare.save()
        _write_versions(fare, fare_draft, now)
    return tariff.pk


def _write_versions(fare: Fare, draft: FareDraft, now: datetime) -> None:
    """
    A version is never edited, because sold coupons keep it: a new price is a new version.

    What changed under a day that is taken holds from now on.
    """
    versions = {
        version.valid_from: version
        for version in FareVersion.objects.filter(fare=fare).prefetch_related("penalty_tiers")
    }
    for version in sorted(draft.versions, key=lambda version: version.valid_from):
        known = versions.get(version.valid_from)
        if known is None:
            _add_version(fare, version, version.valid_from)
        elif not _is_same_version(known, version):
            newest = versions[max(versions)]
            if not _is_same_version(newest, version):
                _add_version(fare, version, max(now, newest.valid_from + _TICK))


def _version_values(version: FareVersionDraft) -> dict[str, Any]:
    values = asdict(version)
    del values["valid_from"], values["penalty_tiers"]
    return values


def _is_same_version(row: FareVersion, draft: FareVersionDraft) -> bool:
    tiers = {(t.minutes_before, t.basis_points, t.minimum_minor) for t in row.penalty_tiers.all()}
    return tiers == {
        (tier.minutes_before, tier.basis_points, tier.minimum_minor) for tier in draft.penalty_tiers
    } and all(getattr(row, name) == value for name, value in _version_values(draft).items())


def _add_version(fare: Fare, draft: FareVersionDraft, valid_from: datetime) -> None:
    version = FareVersion.objects.create(fare=fare, valid_from=valid_from, **_version_values(draft))
    PenaltyTier.objects.bulk_create(
        PenaltyTier(
            fare_version=version,
            minutes_before=tier.minutes_before,
            basis_points=tier.basis_points,
            minimum_minor=tier.minimum_minor,
        )
        for tier in draft.penalty_tiers
    )


# --- vehicles ------------------------------------------------------------------------------------


def _write_vehicles(
    draft: TimetableDraft, carriers: dict[str, int], references: References
) -> None:
    """Each carrier gets its own seat maps; one that changed is a new edition beside the old."""
    seat_maps = {seat_map.code: seat_map for seat_map in draft.seat_maps}
    written: dict[tuple[int, str], SeatMap] = {}
    for vehicle in draft.vehicles:
        carrier_id = carriers[vehicle.carrier]
        key = (carrier_id, vehicle.seat_map)
        if key not in written:
            written[key] = _write_seat_map(seat_maps[vehicle.seat_map], carrier_id)
        row = _write_vehicle(vehicle, carrier_id, written[key])
        references.vehicles[vehicle.ref] = row.pk
        references.vehicle_codes[row.pk] = row.code


def _editions(code: str) -> Iterator[str]:
    """`ice`, `ice~2`, `ice~3`, ...: seats that have been sold keep the edition of their sale."""
    yield code
    for number in range(2, MOST_EDITIONS):
        yield f"{code[:55]}~{number}"


def _seat_values(seat: SeatDraft, travel_class: TravelClass) -> dict[str, Any]:
    return {
        "row": seat.row,
        "column": seat.column,
        "label": seat.label,
        "travel_class": travel_class,
        "is_window": seat.is_window,
        "is_aisle": seat.is_aisle,
        "has_table": "table" in seat.features,
        "is_quiet": "quiet" in seat.features,
        "is_accessible": "accessible" in seat.features,
        "faces_back": "backward" in seat.features,
    }


@in_transaction
def _write_seat_map(draft: SeatMapDraft, carrier_id: int) -> SeatMap:
    wanted = {
        (coach.label, *_seat_values(seat, coach.travel_class).values())
        for coach in draft.coaches
        for seat in coach.seats
    }
    names = list(_seat_values(draft.coaches[0].seats[0], "Economy"))
    for code in _editions(draft.code):
        seat_map = SeatMap.objects.filter(carrier_id=carrier_id, code=code).first()
        if seat_map is None:
            return _add_seat_map(draft, carrier_id, code)
        seats = Seat.objects.filter(coach__seat_map=seat_map)
        if set(seats.values_list("coach__label", *names)) == wanted:
            return seat_map
    raise DraftRefused(f"seat map {draft.code} has too many editions")


def _add_seat_map(draft: SeatMapDraft, carrier_id: int, code: str) -> SeatMap:
    seat_map = SeatMap.objects.create(carrier_id=carrier_id, code=code, name=draft.name)
    for position, coach_draft in enumerate(draft.coaches):
        coach = Coach.objects.create(seat_map=seat_map, position=position, label=coach_draft.label)
        Seat.objects.bulk_create(
            Seat(coach=coach, **_seat_values(seat, coach_draft.travel_class))
            for seat in coach_draft.seats
        )
    return seat_map


@in_transaction
def _write_vehicle(draft: VehicleDraft, carrier_id: int, seat_map: SeatMap) -> Vehicle:
    for code in _editions(draft.code or draft.ref[:60]):
        vehicle, _ = Vehicle.objects.get_or_create(
            carrier_id=carrier_id, code=code, defaults={"name": draft.name, "seat_map": seat_map}
        )
        if vehicle.seat_map_id == seat_map.pk:
            return vehicle
    raise DraftRefused(f"vehicle {draft.ref} has too many editions")


# --- services ------------------------------------------------------------------------------------


def _write_services(
    services: Sequence[ServiceDraft],
    carriers: dict[str, int],
    tariffs: dict[tuple[str, str], int],
    references: References,
) -> None:
    facilities = _write_facilities(services)
    known = _known_services()
    for batch in _batches(
        service for service in services if _service_key(service, carriers) not in known
    ):
        _add_services(batch, carriers, tariffs, facilities)
    _update_services(
        [service for service in services if _service_key(service, carriers) in known],
        carriers, tariffs, facilities, known, references.kept,
    )  # fmt: skip
    known = _known_services()
    references.services = {
        service.ref: known[_service_key(service, carriers)][0] for service in services
    }


def _known_services() -> dict[tuple[int, str, str], tuple[int, int]]:
    rows = Service.objects.values_list("carrier_id", "mode", "number", "id", "tariff_id")
    return {(carrier, mode, number): (key, tariff) for carrier, mode, number, key, tariff in rows}


def _service_key(service: ServiceDraft, carriers: dict[str, int]) -> tuple[int, str, str]:
    return carriers[service.carrier], service.mode, service.number


@in_transaction
def _write_facilities(services: Sequence[ServiceDraft]) -> dict[str, int]:
    wanted = {code for service in services for code in service.facilities}
    known = set(Facility.objects.values_list("code", flat=True))
    Facility.objects.bulk_create(
        Facility(code=code, name=FACILITY_NAMES.get(code, code)) for code in sorted(wanted - known)
    )
    return dict(Facility.objects.values_list("code", "id"))


@in_transaction
def _add_services(
    batch: list[ServiceDraft],
    carriers: dict[str, int],
    tariffs: dict[tuple[str, str], int],
    facilities: dict[str, int],
) -> None:
    Service.objects.bulk_create(
        Service(
            carrier_id=carriers[draft.carrier],
            mode=draft.mode,
            number=draft.number,
            tariff_id=tariffs[draft.carrier, draft.tariff],
        )
        for draft in batch
    )
    # Not every database answers the keys of the rows it was given; asking it does always.
    numbers = [draft.number for draft in batch]
    ids = {
        (row.carrier_id, row.mode, row.number): row.pk
        for row in Service.objects.filter(number__in=numbers)
    }
    keyed = [(ids[_service_key(draft, carriers)], draft) for draft in batch]
    for mode, model in _MODE_ROWS.items():
        model.objects.bulk_create(
            model(service_id=key, **asdict(draft.facts))
            for key, draft in keyed
            if draft.mode == mode
        )
    Service.facilities.through.objects.bulk_create(
        Service.facilities.through(service_id=key, facility_id=facilities[code])
        for key, draft in keyed
        for code in dict.fromkeys(draft.facilities)
    )


def _update_services(
    services: list[ServiceDraft],
    carriers: dict[str, int],
    tariffs: dict[tuple[str, str], int],
    facilities: dict[str, int],
    known: dict[tuple[int, str, str], tuple[int, int]],
    kept: list[str],
) -> None:
    """
    Facts and facilities follow the draft.

    The tariff stays: a ticket's id carries a fare's number, and would come to mean another fare.
    """
    facts = _known_facts()
    linked: dict[int, set[int]] = {}
    through = Service.facilities.through.objects.values_list("service_id", "facility_id")
    for service_id, facility_id in through:
        linked.setdefault(service_id, set()).add(facility_id)
    changes: list[Callable[[], None]] = []
    for draft in services:
        key, tariff_id = known[_service_key(draft, carriers)]
        if tariff_id != tariffs[draft.carrier, draft.tariff]:
            kept.append(f"{draft.ref}: its tariff is not {draft.tariff}, and stays")
        wanted = {facilities[code] for code in draft.facilities}
        if facts.get(key) != draft.facts or linked.get(key, set()) != wanted:
            changes.append(_change_of_service(key, draft, wanted))
    for batch in _batches(changes):
        _do_all(batch)


def _change_of_service(key: int, draft: ServiceDraft, wanted: set[int]) -> Callable[[], None]:
    model = _MODE_ROWS[draft.mode]

    def change() -> None:
        model.objects.update_or_create(service_id=key, defaults=asdict(draft.facts))
        Service.objects.get(pk=key).facilities.set(wanted)

    return change


@in_transaction
def _do_all(changes: list[Callable[[], None]]) -> None:
    for change in changes:
        change()


def _known_facts() -> dict[int, FlightFacts | TrainFacts | BusFacts]:
    facts: dict[int, FlightFacts | TrainFacts | BusFacts] = {}
    for flight in Flight.objects.all():
        facts[flight.pk] = FlightFacts(
            flight.aircraft,
            flight.origin_terminal,
            flight.destination_terminal,
            flight.checked_bags,
        )
    for train in Train.objects.all():
        facts[train.pk] = TrainFacts(train.category, train.stars, train.has_compartments)
    for bus in Bus.objects.all():
        facts[bus.pk] = BusFacts(bus.kind, bus.seats_per_row)
    return facts
