"""How near one name is to another, in cases worked out by hand."""

from __future__ import annotations

import pytest

from bookings.names import distance, is_slip, name_key, name_keys


@pytest.mark.parametrize(
    ("left", "right", "steps"),
    [
        ("", "", 0),
        ("ada", "ada", 0),
        ("ada", "", 3),
        ("ada", "adam", 1),
        ("lovelace", "lovlace", 1),
        ("lovelace", "lovelaec", 1),
        ("kitten", "sitting", 3),
        ("ca", "abc", 3),
        ("meier", "mayer", 2),
    ],
)
def test_distance(left, right, steps):
    assert distance(left, right) == distance(right, left) == steps


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("Müller-Lüdenscheidt", "mullerludenscheidt"),
        (" O’Brien ", "obrien"),
        ("Strauß", "strauss"),
        ("Łukasz", "lukasz"),
        ("Ångström", "angstrom"),
        ("Øre", "ore"),
        ("Nguye\u0302\u0303n", "nguyen"),
        ("de la Cruz", "delacruz"),
        ("رضایی", "رضایی"),
    ],
)
def test_key(text, key):
    assert name_key(text) == key


@pytest.mark.parametrize(
    ("booked", "typed", "same"),
    [
        ("Müller", "MUELLER", True),
        ("Mueller", "Müller", True),
        ("Müller", "Muller", True),
        ("Mueller", "Muller", False),
        ("Van Dyke", "vandyke", True),
        ("O'Hara", "ohara", True),
        ("Smith", "Smyth", False),
        ("Smith", "", False),
    ],
)
def test_keys_meet(booked, typed, same):
    typed_keys = name_keys(typed) - {""}
    assert bool(name_keys(booked) & typed_keys) is same


@pytest.mark.parametrize(
    ("before", "after", "slip"),
    [
        # One, two and three letters; a fourth is too many.
        (("Ada", "Lovelace"), ("Ada", "Lovelacee"), True),
        (("Ada", "Lovelace"), ("Adda", "Lovelce"), True),
        (("Ada", "Lovelace"), ("Adda", "Loveles"), False),
        (("Ada", "Lovelace"), ("Ada", "Lovela"), True),
        (("Ada", "Lovelace"), ("Ada", "Lovel"), True),
        (("Ada", "Lovelace"), ("Ada", "Love"), False),
        # Case, accents and blanks are none.
        (("Jose", "Nunez de la Torre"), ("José", "Núñez Delatorre"), True),
        # Swapped names are one person's, another order of letters is not.
        (("Lovelace", "Ada"), ("Ada", "Lovelace"), True),
        (("Ada", "Lovelace"), ("Bob", "Lovelace"), False),
        (("Ann", "Roe"), ("Bob", "Roe"), False),
        (("Ann", "Roe"), ("Anna", "Roe"), True),
        (("Li", "Wei"), ("Le", "Wei"), True),
        (("Li", "Wei"), ("Bo", "Wei"), False),
        (("Ada", "Lovelace"), ("Ada", "Babbage"), False),
    ],
)
def test_slips(before, after, slip):
    assert is_slip(before, after) is slip
