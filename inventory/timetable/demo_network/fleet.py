"""The vehicles of the demo network: their seats, what is on board, and their tariffs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from inventory.timetable.draft import CoachDraft, SeatMapDraft, VehicleDraft
from inventory.timetable.seating import lay_out_coach

TariffKind = Literal["air", "airFirst", "airEconomy", "rail", "night", "coach", "coachLounge"]


@dataclass(frozen=True, slots=True)
class Model:
    """
    A kind of vehicle, apart from who runs it.

    `kilometres_per_hour` and `minutes_on_ground` (taxiing, climbing, landing) are an aircraft's,
    for working out how long a flight takes; `seats_per_row` is a coach's.
    """

    name: str
    coaches: tuple[CoachDraft, ...]
    tariff: TariffKind
    facilities: tuple[str, ...]
    kilometres_per_hour: int = 0
    minutes_on_ground: int = 0
    seats_per_row: int = 4


def model_of(carrier: str, code: str) -> Model:
    """
    The model that a carrier runs under a code.

    :raises KeyError: the carrier has no such vehicle.
    """
    return FLEET[carrier][code]


def seat_maps() -> tuple[SeatMapDraft, ...]:
    """One seat map for each vehicle of each carrier."""
    return tuple(
        SeatMapDraft(code=_ref(carrier, code), name=model.name, coaches=model.coaches)
        for carrier, models in FLEET.items()
        for code, model in models.items()
    )


def vehicles() -> tuple[VehicleDraft, ...]:
    """Every vehicle of every carrier; its ref is `carrier:code`."""
    return tuple(
        VehicleDraft(
            ref=_ref(carrier, code),
            carrier=carrier,
            name=model.name,
            seat_map=_ref(carrier, code),
            code=code,
        )
        for carrier, models in FLEET.items()
        for code, model in models.items()
    )


def _ref(carrier: str, code: str) -> str:
    return f"{carrier}:{code}"


# --- aircraft -------------------------------------------------------------------------------------


def _jet(*, business_rows: int, rows: int) -> tuple[CoachDraft, ...]:
    """Three and three abreast; in Business the seat between is kept free, so it is not there."""
    middle = [f"{row}{letter}" for row in range(1, business_rows + 1) for letter in "BE"]
    economy = lay_out_coach(
        label="Economy",
        travel_class="Economy",
        layout="ABC|DEF",
        rows=rows - business_rows,
        first_row=business_rows + 1,
        accessible=[business_rows + 1],
    )
    if not business_rows:
        return (economy,)
    business = lay_out_coach(
        label="Business",
        travel_class="Business",
        layout="ABC|DEF",
        rows=business_rows,
        missing=middle,
        features=["table"],
    )
    return (business, economy)


_REGIONAL_JET = (
    lay_out_coach(
        label="Business", travel_class="Business", layout="AC|DF", rows=3, features=["table"]
    ),
    lay_out_coach(
        label="Economy",
        travel_class="Economy",
        layout="AC|DF",
        rows=22,
        first_row=4,
        accessible=[4],
    ),
)
_TURBOPROP = (
    lay_out_coach(
        label="Economy", travel_class="Economy", layout="AC|DF", rows=18, accessible=[18]
    ),
)
_WIDE_BODY = (
    lay_out_coach(label="First", travel_class="VIP", layout="A|DG|K", rows=2, features=["table"]),
    lay_out_coach(
        label="Business",
        travel_class="Business",
        layout="AC|DG|HK",
        rows=5,
        first_row=4,
        features=["table"],
    ),
    lay_out_coach(
        label="Economy",
        travel_class="Economy",
        layout="AC|DEFG|HK",
        rows=26,
        first_row=12,
        accessible=[12],
    ),
)

_ON_JETS = ("meal", "airConditioning", "toilet", "wheelchair")
_A320 = Model(
    name="Airbus A320",
    coaches=_jet(business_rows=4, rows=28),
    tariff="air",
    facilities=("wifi", *_ON_JETS),
    kilometres_per_hour=800,
    minutes_on_ground=30,
)
_A320_ONE_CLASS = replace(
    _A320,
    coaches=_jet(business_rows=0, rows=30),
    tariff="airEconomy",
    facilities=("airConditioning", "toilet", "wheelchair"),
)
_B738 = replace(_A320, name="Boeing 737-800", coaches=_jet(business_rows=3, rows=29))
_A330 = Model(
    name="Airbus A330-300",
    coaches=_WIDE_BODY,
    tariff="airFirst",
    facilities=("wifi", "power", "entertainment", *_ON_JETS),
    kilometres_per_hour=860,
    minutes_on_ground=35,
)
_E190 = Model(
    name="Embraer E190",
    coaches=_REGIONAL_JET,
    tariff="air",
    facilities=_ON_JETS,
    kilometres_per_hour=780,
    minutes_on_ground=30,
)
_ATR = Model(
    name="ATR 72-600",
    coaches=_TURBOPROP,
    tariff="airEconomy",
    facilities=("airConditioning", "toilet"),
    kilometres_per_hour=480,
    minutes_on_ground=25,
)

# --- trains ---------------------------------------------------------------------------------------


def _first(label: str, *, quiet: bool = False) -> CoachDraft:
    return lay_out_coach(
        label=label,
        travel_class="Business",
        layout="A|BC",
        rows=14,
        labels="number",
        tables=[7, 8],
        backward=range(1, 8),
        features=["quiet"] if quiet else [],
    )


def _second(label: str, *, quiet: bool = False, wheelchair: bool = False) -> CoachDraft:
    """Seats face the middle, where two rows share tables; wheelchairs stand in the first row."""
    return lay_out_coach(
        label=label,
        travel_class="Economy",
        layout="AB|CD",
        rows=18,
        labels="number",
        tables=[9, 10],
        accessible=[1] if wheelchair else [],
        missing=["13", "14"] if wheelchair else [],
        backward=range(1, 10),
        features=["quiet"] if quiet else [],
    )


def _train(*labels: str, first: int) -> tuple[CoachDraft, ...]:
    """The first coaches are first class; the last of either class is quiet."""
    second = labels[first:]
    return (
        *(_first(label, quiet=label == labels[first - 1]) for label in labels[:first]),
        *(
            _second(label, quiet=label == second[-1], wheelchair=label == second[0])
            for label in second
        ),
    )


def _night_train(*labels: str) -> tuple[CoachDraft, ...]:
    """A coach each of single and double sleepers, then couchettes, then a coach with seats."""
    deluxe, sleeper, *couchettes, seats = labels
    return (
        lay_out_coach(
            label=deluxe,
            travel_class="VIP",
            layout="A|",
            rows=10,
            labels="number",
            features=["quiet"],
        ),
        lay_out_coach(
            label=sleeper,
            travel_class="Business",
            layout="AB|",
            rows=12,
            labels="number",
            features=["quiet"],
        ),
        *(
            lay_out_coach(
                label=label, travel_class="Economy", layout="ABCD|", rows=10, labels="number"
            )
            for label in couchettes
        ),
        _second(seats, wheelchair=True),
    )


_ON_FAST_TRAINS = (
    "wifi",
    "power",
    "bistro",
    "wheelchair",
    "airConditioning",
    "toilet",
    "quietZone",
)
_ON_LONG_TRAINS = ("power", "restaurant", "bicycle", "wheelchair", "toilet", "quietZone")
_ON_NIGHT_TRAINS = ("sleeper", "power", "meal", "wheelchair", "toilet")


def _fast(name: str, labels: Sequence[str], *, first: int, more: Sequence[str] = ()) -> Model:
    return Model(
        name=name,
        coaches=_train(*labels, first=first),
        tariff="rail",
        facilities=(*_ON_FAST_TRAINS, *more),
    )


def _long(name: str, labels: Sequence[str], *, first: int = 1) -> Model:
    return Model(
        name=name, coaches=_train(*labels, first=first), tariff="rail", facilities=_ON_LONG_TRAINS
    )


def _night(name: str, labels: Sequence[str]) -> Model:
    return Model(
        name=name, coaches=_night_train(*labels), tariff="night", facilities=_ON_NIGHT_TRAINS
    )


# --- coaches --------------------------------------------------------------------------------------

_DOOR = ["7C", "7D"]
_COACH_SEATS = lay_out_coach(
    label="Coach", travel_class="Economy", layout="AB|CD", rows=13, accessible=[1], missing=_DOOR
)
_COMFORT = Model(
    name="Comfort coach",
    coaches=(_COACH_SEATS,),
    tariff="coach",
    facilities=("wifi", "power", "airConditioning", "toilet"),
)
#: Free seating: the seats are there, but nobody has a number.
_PLAIN = Model(
    name="Plain coach",
    coaches=(
        replace(_COACH_SEATS, seats=tuple(replace(seat, label="") for seat in _COACH_SEATS.seats)),
    ),
    tariff="coach",
    facilities=("airConditioning", "toilet"),
)
_LOUNGE = Model(
    name="Lounge coach",
    coaches=(
        lay_out_coach(
            label="Lounge",
            travel_class="Business",
            layout="A|CD",
            rows=4,
            tables=[4],
            accessible=[1],
        ),
        lay_out_coach(
            label="Coach",
            travel_class="Economy",
            layout="AB|CD",
            rows=8,
            first_row=5,
            missing=_DOOR,
        ),
    ),
    tariff="coachLounge",
    facilities=("wifi", "power", "airConditioning", "toilet", "entertainment"),
)

# --- who runs what --------------------------------------------------------------------------------

FLEET: dict[str, dict[str, Model]] = {
    "argan-air": {"A320": _A320},
    "bracken-air": {"A320": _A320, "E190": _E190},
    "corvina-airlines": {"A320": _A320, "A330": _A330, "E190": _E190, "AT72": _ATR},
    "fjordwing": {"B738": _B738},
    "papilio": {"A320": _A320_ONE_CLASS},
    "seven-hills-airlines": {"A320": _A320, "A330": _A330},
    "silvretta-air": {"A320": _A320, "E190": _E190},
    "albion-rail": {"AX": _fast("Albion 8-car set", "ABDEFGH", first=2)},
    "balkania-rail": {
        "BX": _long("Balkania coaches", "1234"),
        "BX-N": _night("Balkania sleepers", ("11", "12", "13", "14")),
    },
    "bozkir-rail": {
        "BZ": _fast("Bozkir 6-car set", "12345", first=1),
        "TA-N": _night("Caravan sleepers", ("1", "2", "3", "4", "5")),
    },
    "danuvia-rail": {
        "DX": _fast("Danuvia 7-car set", ("21", "22", "24", "25", "26", "27"), first=2),
        "EX": _long("Danuvia coaches", ("251", "252", "253", "254", "255")),
    },
    "helvia-rail": {"HV": _fast("Helvia tilting set", "123567", first=2, more=["bicycle"])},
    "hexarail": {"HX": _fast("Hexa double set", ("1", "2", "3", "5", "6", "7", "8"), first=3)},
    "kattegat-rail": {"KX": _fast("Kattegat 6-car set", "12456", first=1, more=["family"])},
    "northline-rail": {
        "NX4": _fast(
            "Northline 8-car set",
            ("11", "12", "14", "15", "16", "17", "18"),
            first=2,
            more=["bicycle", "family"],
        )
    },
    "owl-night-trains": {
        "OW-N": _night("Owl sleepers", ("301", "302", "303", "304", "305")),
    },
    "peninsula-rail": {"PX": _fast("Peninsula 8-car set", "1234678", first=2)},
    "stivale-rail": {"SX": _fast("Stivale 8-car set", "1245678", first=2)},
    "tingis-rail": {"TX": _fast("Tingis 6-car set", "12345", first=1)},
    "vistulana-rail": {"VX": _fast("Vistulana 6-car set", "123456", first=1, more=["bicycle"])},
    "adriana-coaches": {"comfort": _COMFORT},
    "bocian-coaches": {"comfort": _COMFORT},
    "karavan-lines": {"lounge": _LOUNGE},
    "kite-coaches": {"comfort": _COMFORT},
    "medina-coaches": {"comfort": _COMFORT},
    "northern-light-coaches": {"comfort": _COMFORT},
    "seven-league-coaches": {"comfort": _COMFORT, "lounge": _LOUNGE},
    "solana-bus": {"comfort": _COMFORT, "lounge": _LOUNGE},
    "vagabond-coaches": {"plain": _PLAIN},
}
