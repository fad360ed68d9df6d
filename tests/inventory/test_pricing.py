"""Prices, each reckoned by hand; amounts are minor units."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from math import ceil, floor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory.pricing import (
    ADULT,
    CHILD,
    INFANT,
    PASSENGER_KINDS,
    YOUNG,
    PriceRule,
    adult_fare,
    age_on,
    contained_tax,
    kind_at_age,
    price,
    price_lines,
)

HAMBURG_MUNICH = 800_000


def make_rule(**changes: Any) -> PriceRule:
    """A fare of 5.00 EUR and 5 cents a kilometre, without tax, fee or discount."""
    return PriceRule(
        **{
            "id": 1,
            "fare_id": 64,
            "tariff_id": 1,
            "number": 0,
            "name": "Saver",
            "travel_class": "Economy",
            "currency": "EUR",
            "base_minor": 500,
            "per_km_micro": 5_000_000,
            "minimum_minor": 0,
            "rounding_minor": 1,
            "tax_basis_points": 0,
            "fee_minor": 0,
            "young_percent": 75,
            "child_percent": 50,
            "infant_percent": 0,
            "return_discount_basis_points": 0,
            "young_until_age": 26,
            "child_until_age": 14,
            "infant_until_age": 1,
            "sales_close_minutes": 0,
            "conditions": "",
            **changes,
        }
    )


def lines_of(rule: PriceRule, kind: str = ADULT, **options: Any) -> list[tuple[str, int]]:
    return [
        (line.kind, line.amount_minor)
        for line in price_lines(rule, distance_m=HAMBURG_MUNICH, kind=kind, **options)
    ]


class TestAdultFare:
    def test_is_base_and_kilometres(self):
        assert adult_fare(make_rule(), HAMBURG_MUNICH) == 500 + 800 * 5

    def test_the_smallest_part_of_a_cent_is_a_cent(self):
        # One metre more costs 0.005 cents more.
        assert adult_fare(make_rule(), HAMBURG_MUNICH + 1) == 4_501

    def test_a_rate_may_be_a_part_of_a_minor_unit(self):
        # 0.4 of a yen for each of 801 kilometres: 320.4.
        rule = make_rule(base_minor=0, per_km_micro=400_000)
        assert adult_fare(rule, 801_000) == 321

    def test_is_at_least_the_minimum(self):
        rule = make_rule(minimum_minor=990)
        assert adult_fare(rule, 1_000) == 990
        assert adult_fare(rule, 98_000) == 990
        assert adult_fare(rule, 98_200) == 991

    @pytest.mark.parametrize(
        ("step", "fare"), [(1, 4_500), (10, 4_500), (90, 4_500), (100, 4_500), (1_000, 5_000)]
    )
    def test_is_rounded_up_to_a_step(self, step, fare):
        assert adult_fare(make_rule(rounding_minor=step), HAMBURG_MUNICH) == fare

    def test_one_cent_above_a_step_is_the_next_step(self):
        assert adult_fare(make_rule(base_minor=501, rounding_minor=100), HAMBURG_MUNICH) == 4_600

    def test_the_minimum_is_rounded_as_well(self):
        assert adult_fare(make_rule(minimum_minor=990, rounding_minor=50), 1_000) == 1_000

    def test_no_distance_costs_the_base(self):
        assert adult_fare(make_rule(), 0) == 500


class TestPriceLines:
    def test_tax_is_contained_in_the_fare(self):
        # 45.00 * 7 / 107 = 2.944
        assert lines_of(make_rule(tax_basis_points=700)) == [("fare", 4_206), ("tax", 294)]

    def test_half_a_cent_of_tax_is_a_cent(self):
        # Half of 5 is tax at 100 %.
        assert contained_tax(5, 10_000) == 3
        # 119 contains 19 at 19 %, and 1 contains 0.16.
        assert (contained_tax(119, 1_900), contained_tax(1, 1_900)) == (19, 0)

    def test_a_fee_comes_on_top_and_is_not_taxed(self):
        rule = make_rule(tax_basis_points=700, fee_minor=250)
        assert lines_of(rule) == [("fare", 4_206), ("tax", 294), ("fee", 250)]

    def test_a_round_trip_is_cheaper_and_its_tax_with_it(self):
        # 45.00 less 10 % is 40.50, of which 2.649 is tax.
        rule = make_rule(tax_basis_points=700, return_discount_basis_points=1_000, fee_minor=250)
        assert lines_of(rule, round_trip=True) == [
            ("fare", 4_500 - 265),
            ("discount", -450),
            ("tax", 265),
            ("fee", 250),
        ]
        assert price(rule, distance_m=HAMBURG_MUNICH, kind=ADULT, round_trip=True) == 4_300

    def test_one_way_has_no_discount(self):
        rule = make_rule(return_discount_basis_points=1_000)
        assert lines_of(rule) == [("fare", 4_500)]

    @pytest.mark.parametrize(("kind", "fare"), [(ADULT, 4_500), (YOUNG, 3_375), (CHILD, 2_250)])
    def test_younger_passengers_pay_a_percentage_and_the_whole_fee(self, kind, fare):
        assert lines_of(make_rule(fee_minor=250), kind) == [("fare", fare), ("fee", 250)]

    def test_half_a_cent_of_a_child_is_a_cent(self):
        # Half of 45.01
        assert lines_of(make_rule(base_minor=501), CHILD) == [("fare", 2_251)]

    def test_an_infant_pays_no_fee(self):
        assert lines_of(make_rule(fee_minor=250), INFANT) == [("fare", 0)]
        assert lines_of(make_rule(fee_minor=250, infant_percent=10), INFANT) == [("fare", 450)]

    def test_a_discount_may_take_everything(self):
        rule = make_rule(return_discount_basis_points=10_000, tax_basis_points=700)
        assert lines_of(rule, round_trip=True) == [("fare", 4_500), ("discount", -4_500)]

    @given(
        rule=st.builds(
            make_rule,
            base_minor=st.integers(0, 10**6),
            per_km_micro=st.integers(0, 10**9),
            minimum_minor=st.integers(0, 10**6),
            rounding_minor=st.integers(1, 1_000),
            tax_basis_points=st.integers(0, 10_000),
            fee_minor=st.integers(0, 10_000),
            young_percent=st.integers(0, 100),
            child_percent=st.integers(0, 100),
            infant_percent=st.integers(0, 100),
            return_discount_basis_points=st.integers(0, 10_000),
        ),
        distance_m=st.integers(0, 20_000_000),
        kind=st.sampled_from(PASSENGER_KINDS),
        round_trip=st.booleans(),
    )
    def test_is_what_fractions_say_and_sums_exactly(self, rule, distance_m, kind, round_trip):
        exact = rule.base_minor + Fraction(distance_m, 1_000) * Fraction(rule.per_km_micro, 10**6)
        full = max(rule.minimum_minor, ceil(exact))
        full = ceil(Fraction(full, rule.rounding_minor)) * rule.rounding_minor
        percent = {
            ADULT: 100,
            YOUNG: rule.young_percent,
            CHILD: rule.child_percent,
            INFANT: rule.infant_percent,
        }[kind]
        fare = half_up(Fraction(full * percent, 100))
        off = half_up(fare * Fraction(rule.return_discount_basis_points, 10_000))
        off = off if round_trip else 0
        rate = Fraction(rule.tax_basis_points, 10_000)
        tax = half_up((fare - off) * rate / (1 + rate))
        fee = 0 if kind == INFANT else rule.fee_minor

        lines = price_lines(rule, distance_m=distance_m, kind=kind, round_trip=round_trip)

        found = {line.kind: line.amount_minor for line in lines}
        assert len(found) == len(lines)
        wanted = {"fare": fare - tax, "discount": -off, "tax": tax, "fee": fee}
        assert {key: found.get(key, 0) for key in wanted} == wanted
        assert sum(found.values()) == fare - off + fee
        assert found["fare"] >= 0


def half_up(number: Fraction) -> int:
    return floor(number + Fraction(1, 2))


class TestAges:
    @pytest.mark.parametrize(
        ("born", "day", "age"),
        [
            (date(2000, 6, 2), date(2026, 6, 1), 25),
            (date(2000, 6, 2), date(2026, 6, 2), 26),
            (date(2024, 2, 29), date(2026, 2, 28), 1),
            (date(2024, 2, 29), date(2026, 3, 1), 2),
            (date(2026, 6, 2), date(2026, 6, 2), 0),
        ],
    )
    def test_counts_full_years(self, born, day, age):
        assert age_on(born, day) == age

    @pytest.mark.parametrize(
        ("born", "kind"),
        [
            (date(2026, 6, 2), INFANT),
            (date(2024, 6, 3), INFANT),  # the second birthday is tomorrow
            (date(2024, 6, 2), CHILD),  # it is today
            (date(2011, 6, 3), CHILD),
            (date(2011, 6, 2), YOUNG),
            (date(1999, 6, 3), YOUNG),
            (date(1999, 6, 2), ADULT),
        ],
    )
    def test_the_kind_changes_on_the_birthday(self, born, kind):
        assert kind_at_age(make_rule(), born=born, travelling=date(2026, 6, 2)) == kind

    def test_the_limits_are_the_fare_s(self):
        rule = make_rule(infant_until_age=4, child_until_age=17, young_until_age=29)
        ages = {4: INFANT, 5: CHILD, 17: CHILD, 18: YOUNG, 29: YOUNG, 30: ADULT}
        assert {
            age: kind_at_age(rule, born=date(2026 - age, 1, 1), travelling=date(2026, 6, 2))
            for age in ages
        } == ages
