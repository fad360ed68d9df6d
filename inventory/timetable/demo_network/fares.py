"""
The tariffs of the demo network: what each fare costs, and what it costs to cancel it.

Amounts are written in euro cents; carriers that sell in another currency take the same offers at
a fixed rate (`_RATE`), which is part of the made-up prices and no exchange rate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from inventory.timetable.demo_network.carriers import CARRIERS
from inventory.timetable.demo_network.fleet import FLEET, TariffKind
from inventory.timetable.draft import (
    FareDraft,
    FareVersionDraft,
    PenaltyTierDraft,
    TariffDraft,
    TravelClass,
)

#: All fares are on sale from this instant: it must not move, or every day would bring new versions.
ON_SALE_FROM = datetime(2025, 1, 1, tzinfo=UTC)

_HOUR = 60
_DAY = 24 * _HOUR
_WEEK = 7 * _DAY

#: Minor units of the carrier's currency for a hundred euro cents.
_RATE = {"EUR": 100, "GBP": 86, "CHF": 96}

Tiers = tuple[PenaltyTierDraft, ...]


def _tiers(*tiers: tuple[int, int], minimum_minor: int = 0) -> Tiers:
    """Pairs of minutes before departure and per cent; a penalty of nothing has no minimum."""
    return tuple(
        PenaltyTierDraft(minutes, per_cent * 100, minimum_minor if per_cent else 0)
        for minutes, per_cent in tiers
    )


#: Free for a week before the day, then dearer; nothing is left after departure.
_FLEXIBLE = _tiers((_WEEK, 0), (_DAY, 10), (0, 25))
_HALFWAY = _tiers((14 * _DAY, 20), (2 * _DAY, 50), (3 * _HOUR, 80), minimum_minor=1500)
_TIGHT = _tiers((_WEEK, 50), (_DAY, 80), minimum_minor=1000)
_SAVER = _tiers((_WEEK, 20), (_DAY, 50), (_HOUR, 80), minimum_minor=500)


@dataclass(frozen=True, slots=True)
class _Offer:
    """A fare in euro cents: what it begins at, what a kilometre costs, and the least it costs."""

    travel_class: TravelClass
    name: str
    base: int
    per_km: int
    minimum: int
    tiers: Tiers
    conditions: str
    return_discount: int = 0


@dataclass(frozen=True, slots=True)
class _Rules:
    """What all fares of a tariff have in common."""

    name: str
    offers: tuple[_Offer, ...]
    fee: int
    tax_percent: int
    rounding: int
    sales_close_minutes: int
    young_percent: int
    child_percent: int
    infant_percent: int
    child_until_age: int


_BAG = "One bag in the hold is included."
_HAND = "Hand luggage only; a name cannot be changed."
_BOUND = "Valid on the train booked only."

_AIR: tuple[_Offer, ...] = (
    _Offer("Economy", "Light", 2900, 5, 3900, _TIGHT, _HAND),
    _Offer("Economy", "Classic", 5400, 7, 6900, _HALFWAY, _BAG, return_discount=500),
    _Offer("Economy", "Flex", 9900, 11, 13900, _FLEXIBLE, f"{_BAG} Any flight of the day."),
    _Offer("Business", "Business Saver", 17900, 16, 21900, _HALFWAY, "Two bags, lounge."),
    _Offer(
        "Business", "Business Flex", 26900, 24, 32900, _FLEXIBLE, "Two bags, lounge, any flight."
    ),
)
_AIR_FIRST: tuple[_Offer, ...] = (
    *_AIR,
    _Offer("VIP", "First", 69000, 45, 99000, _FLEXIBLE, "Three bags, a seat that is a bed."),
)
_RAIL: tuple[_Offer, ...] = (
    _Offer("Economy", "Saver", 390, 9, 990, _SAVER, _BOUND),
    _Offer(
        "Economy",
        "Flex",
        690,
        17,
        1490,
        _FLEXIBLE,
        "Valid on any train of the day.",
        return_discount=1000,
    ),
    _Offer("Business", "Saver First", 990, 14, 1990, _SAVER, f"{_BOUND} Newspapers."),
    _Offer(
        "Business",
        "Flex First",
        1290,
        28,
        2790,
        _FLEXIBLE,
        "Any train of the day, lounge.",
        return_discount=1000,
    ),
)
_NIGHT: tuple[_Offer, ...] = (
    _Offer("Economy", "Saver", 1490, 5, 2990, _SAVER, "Couchette for six, or a seat."),
    _Offer("Economy", "Flex", 2490, 8, 4990, _FLEXIBLE, "Couchette for six, or a seat."),
    _Offer("Business", "Sleeper", 5900, 9, 8900, _HALFWAY, "A bed for one of two; breakfast."),
    _Offer("Business", "Sleeper Flex", 7900, 12, 11900, _FLEXIBLE, "A bed of two; breakfast."),
    _Offer("VIP", "Deluxe", 11900, 15, 17900, _FLEXIBLE, "Own compartment, shower, breakfast."),
)
_COACH: tuple[_Offer, ...] = (
    _Offer("Economy", "Basic", 290, 4, 590, _TIGHT, "One bag; bound to the coach booked."),
    _Offer(
        "Economy",
        "Flex",
        490,
        6,
        890,
        _FLEXIBLE,
        "Two bags; any coach of the day.",
        return_discount=1000,
    ),
)
_COACH_LOUNGE: tuple[_Offer, ...] = (
    *_COACH,
    _Offer("Business", "Lounge", 990, 8, 1990, _FLEXIBLE, "Wide seat at the front, drinks."),
)

_AIR_RULES = _Rules(
    name="Air fares",
    offers=_AIR,
    fee=1800,
    tax_percent=0,
    rounding=100,
    sales_close_minutes=45,
    young_percent=100,
    child_percent=75,
    infant_percent=10,
    child_until_age=11,
)
_RAIL_RULES = _Rules(
    name="Rail fares",
    offers=_RAIL,
    fee=0,
    tax_percent=7,
    rounding=10,
    sales_close_minutes=2,
    young_percent=75,
    child_percent=50,
    infant_percent=0,
    child_until_age=14,
)
_COACH_RULES = _Rules(
    name="Coach fares",
    offers=_COACH,
    fee=100,
    tax_percent=19,
    rounding=10,
    sales_close_minutes=10,
    young_percent=90,
    child_percent=60,
    infant_percent=0,
    child_until_age=14,
)
_RULES: dict[TariffKind, _Rules] = {
    "air": _AIR_RULES,
    "airFirst": replace(_AIR_RULES, name="Air fares with First", offers=_AIR_FIRST),
    "airEconomy": replace(_AIR_RULES, name="Economy air fares", offers=_AIR[:3]),
    "rail": _RAIL_RULES,
    "night": replace(_RAIL_RULES, name="Night train fares", offers=_NIGHT, fee=290),
    "coach": _COACH_RULES,
    "coachLounge": replace(_COACH_RULES, name="Coach fares with Lounge", offers=_COACH_LOUNGE),
}


def tariff_ref(carrier: str, kind: TariffKind) -> str:
    """The code by which a carrier's services name its tariff."""
    return f"{carrier}:{kind}"


def tariffs() -> tuple[TariffDraft, ...]:
    """The tariffs of all carriers: those that their vehicles are sold by."""
    return tuple(
        TariffDraft(
            carrier=carrier,
            code=tariff_ref(carrier, kind),
            name=_RULES[kind].name,
            fares=_fares(_RULES[kind], currency=CARRIERS[carrier].currency),
        )
        for carrier, models in FLEET.items()
        for kind in sorted({model.tariff for model in models.values()})
    )


def _fares(rules: _Rules, *, currency: str) -> tuple[FareDraft, ...]:
    return tuple(
        FareDraft(
            number=number,
            travel_class=offer.travel_class,
            name=offer.name,
            versions=(_version(offer, rules, rate=_RATE[currency]),),
        )
        for number, offer in enumerate(rules.offers)
    )


def _version(offer: _Offer, rules: _Rules, *, rate: int) -> FareVersionDraft:
    return FareVersionDraft(
        valid_from=ON_SALE_FROM,
        base_minor=_local(offer.base, rate),
        per_km_micro=offer.per_km * rate * 10_000,
        minimum_minor=_local(offer.minimum, rate),
        rounding_minor=rules.rounding,
        tax_basis_points=rules.tax_percent * 100,
        penalty_tiers=_local_tiers(offer.tiers, rate),
        fee_minor=_local(rules.fee, rate),
        young_percent=rules.young_percent,
        child_percent=rules.child_percent,
        infant_percent=rules.infant_percent,
        return_discount_basis_points=offer.return_discount,
        child_until_age=rules.child_until_age,
        sales_close_minutes=rules.sales_close_minutes,
        conditions=offer.conditions,
    )


def _local_tiers(tiers: Sequence[PenaltyTierDraft], rate: int) -> Tiers:
    return tuple(replace(tier, minimum_minor=_local(tier.minimum_minor, rate)) for tier in tiers)


def _local(minor: int, rate: int) -> int:
    """Euro cents in minor units of the currency, down to a multiple of ten."""
    return minor * rate // 1000 * 10
