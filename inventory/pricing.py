"""
What a ticket costs: a pure reckoning of a fare version's rule, in integers of minor units.

It runs once when a price is shown and once when it is sold; what was sold is copied, never reckoned
again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from django.utils.translation import gettext_noop

from travel.common.money import share_of

MICRO = 1_000_000

ADULT, YOUNG, CHILD, INFANT = "adult", "young", "child", "infant"
PASSENGER_KINDS = (ADULT, YOUNG, CHILD, INFANT)


@dataclass(frozen=True, slots=True)
class PriceRule:
    """The numbers of a fare version, with what it belongs to. `id` is the version's."""

    id: int
    fare_id: int
    tariff_id: int
    number: int
    name: str
    travel_class: str
    currency: str
    base_minor: int
    per_km_micro: int
    minimum_minor: int
    rounding_minor: int
    tax_basis_points: int
    fee_minor: int
    young_percent: int
    child_percent: int
    infant_percent: int
    return_discount_basis_points: int
    young_until_age: int
    child_until_age: int
    infant_until_age: int
    sales_close_minutes: int
    conditions: str
    quota: int | None = None


class Line(NamedTuple):
    """One line of a price: its kind (fare, tax, fee, discount), a label, signed minor units."""

    kind: str
    label: str
    amount_minor: int


def adult_fare(rule: PriceRule, distance_m: int) -> int:
    """
    Answer the full fare of an adult, tax included, without fees.

    It is the larger of minimum and base + kilometres * per_km, rounded up to a multiple of the
    step.
    """
    micro = rule.base_minor * MICRO + distance_m * rule.per_km_micro // 1000
    exact = -(-micro // MICRO)
    amount = max(rule.minimum_minor, exact)
    step = rule.rounding_minor
    return -(-amount // step) * step


def price_lines(
    rule: PriceRule, *, distance_m: int, kind: str, round_trip: bool = False
) -> list[Line]:
    """
    Answer the lines of one passenger's price on one ticket; they sum to what is paid.

    Young people, children and infants pay their percentage of the adult's fare. The discount of a
    round trip comes off that. Tax is contained: at 7 % it is 7/107 of fare less discount. The fee
    is for each passenger with a seat.
    """
    fare = share_of(adult_fare(rule, distance_m), _percent(rule, kind) * 100)
    discount = share_of(fare, rule.return_discount_basis_points) if round_trip else 0
    tax = contained_tax(fare - discount, rule.tax_basis_points)
    lines = [Line("fare", rule.name, fare - tax)]
    if discount:
        lines.append(Line("discount", gettext_noop("Round trip"), -discount))
    if tax:
        lines.append(Line("tax", gettext_noop("Tax"), tax))
    if rule.fee_minor and kind != INFANT:
        lines.append(Line("fee", gettext_noop("Fee"), rule.fee_minor))
    return lines


def price(rule: PriceRule, *, distance_m: int, kind: str, round_trip: bool = False) -> int:
    """Answer the sum of the price's lines."""
    return sum(
        line.amount_minor
        for line in price_lines(rule, distance_m=distance_m, kind=kind, round_trip=round_trip)
    )


def contained_tax(gross_minor: int, basis_points: int) -> int:
    """Answer the tax inside an amount that includes it, rounded half up."""
    if not basis_points:
        return 0
    return (2 * gross_minor * basis_points + 10_000 + basis_points) // (2 * (10_000 + basis_points))


def kind_at_age(rule: PriceRule, *, born: date, travelling: date) -> str:
    """Say which kind of passenger somebody is on the day of travel, by the fare's age limits."""
    age = age_on(born, travelling)
    if age <= rule.infant_until_age:
        return INFANT
    if age <= rule.child_until_age:
        return CHILD
    if age <= rule.young_until_age:
        return YOUNG
    return ADULT


def age_on(born: date, day: date) -> int:
    """Answer the age in full years; who was born on 29 February has the birthday on 1 March."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def _percent(rule: PriceRule, kind: str) -> int:
    return {
        ADULT: 100,
        YOUNG: rule.young_percent,
        CHILD: rule.child_percent,
        INFANT: rule.infant_percent,
    }[kind]
