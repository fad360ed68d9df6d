"""Rows that code needs are there after every migrate."""

from __future__ import annotations

import pytest

from travel.common.models import Currency
from travel.common.reference import ensure_currencies

pytestmark = pytest.mark.django_db


class TestCurrencies:
    def test_are_there_with_their_decimal_places(self):
        ensure_currencies()

        digits = dict(Currency.objects.values_list("code", "minor_digits"))
        assert (digits["EUR"], digits["JPY"], digits["KWD"]) == (2, 0, 3)
        assert len(digits) >= 50
