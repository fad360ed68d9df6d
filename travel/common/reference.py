"""Rows that code needs to be there: made after every migrate, harmless to make again."""

from __future__ import annotations

from typing import Any

from babel.numbers import get_currency_name

from travel.common.money import minor_digits

CURRENCIES = (
    *("EUR", "GBP", "CHF", "USD", "CAD", "AUD", "NZD", "SEK", "NOK", "DKK", "ISK", "PLN", "CZK"),
    *("HUF", "RON", "BGN", "RSD", "UAH", "TRY", "GEL", "AMD", "AZN", "ILS", "EGP", "MAD", "TND"),
    *("AED", "SAR", "QAR", "BHD", "KWD", "OMR", "JOD", "IQD", "IRR", "AFN", "PKR", "INR", "CNY"),
    *("HKD", "JPY", "KRW", "SGD", "THB", "MYR", "IDR", "VND", "ZAR", "KES", "NGN", "BRL", "MXN"),
    *("ARS", "CLP", "COP", "PEN"),
)


def ensure_currencies(*, using: str = "default", **kwargs: Any) -> None:
    """Enter the currencies that the office may sell in, with their ISO 4217 decimal places."""
    from travel.common.models import Currency

    Currency.objects.using(using).bulk_create(
        (
            Currency(
                code=code,
                name=get_currency_name(code, locale="en"),
                minor_digits=minor_digits(code),
            )
            for code in CURRENCIES
        ),
        ignore_conflicts=True,
    )
