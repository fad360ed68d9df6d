"""Money: an integer number of minor units and an ISO 4217 code. Never a float, never converted."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from unicodedata import decimal

from babel import Locale
from babel.numbers import format_currency, get_currency_precision, list_currencies

from travel.common.locales import own_digits

# The largest amount anybody may type: it keeps sums of many rows far below a bigint's end.
MAX_MINOR = 10**13
# So many digits stand between two signs of thousands.
_GROUP = 3


class CurrencyMismatch(ValueError):
    """Two amounts of different currencies met in one sum."""


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """An amount in minor units (cents, fils, yen) of one currency."""

    minor: int
    currency: str

    def __add__(self, other: Money) -> Money:
        self._same(other)
        return Money(self.minor + other.minor, self.currency)

    def __sub__(self, other: Money) -> Money:
        self._same(other)
        return Money(self.minor - other.minor, self.currency)

    def __neg__(self) -> Money:
        return Money(-self.minor, self.currency)

    def __bool__(self) -> bool:
        return self.minor != 0

    def __lt__(self, other: Money) -> bool:
        self._same(other)
        return self.minor < other.minor

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"

    @property
    def amount(self) -> str:
        """The decimal string of the API: `49.90`, `-3.000` for KWD, `500` for JPY."""
        digits = minor_digits(self.currency)
        return f"{Decimal(self.minor).scaleb(-digits):.{digits}f}"

    def share(self, basis_points: int) -> Money:
        """Answer that many hundredths of a per cent of it, rounded half up to the minor unit."""
        return Money(share_of(self.minor, basis_points), self.currency)

    def format(self, locale: str = "en") -> str:
        """Write it as readers of `locale` do."""
        number = Decimal(self.minor).scaleb(-minor_digits(self.currency))
        reader = Locale.parse(locale.replace("-", "_"))
        written = format_currency(number, self.currency, locale=reader, numbering_system="default")
        return own_digits(written, reader)

    def _same(self, other: Money) -> None:
        if self.currency != other.currency:
            raise CurrencyMismatch(f"{self.currency} and {other.currency} do not add up")


def share_of(minor: int, basis_points: int) -> int:
    """Answer `minor` * `basis_points` / 10,000, rounded half away from zero, in integers only."""
    product = minor * basis_points
    sign = -1 if product < 0 else 1
    return sign * ((abs(product) + 5_000) // 10_000)


def minor_digits(currency: str) -> int:
    """Answer how many decimal places the currency has by ISO 4217 (CLDR's table)."""
    return get_currency_precision(currency)


def known_currency(code: str) -> bool:
    """Say whether ISO 4217 knows the code."""
    return code in list_currencies()


def parse_amount(text: str, currency: str) -> Money:
    """
    Read a decimal string as an amount of the currency.

    :raises ValueError: it is no plain decimal number, has more places than the currency, or is
        beyond what the office handles.
    """
    cleaned = text.strip()
    if not cleaned or len(cleaned) > 20 or not set(cleaned) <= set("0123456789.-"):
        raise ValueError("not a decimal amount")
    try:
        number = Decimal(cleaned)
    except InvalidOperation as error:
        raise ValueError("not a decimal amount") from error
    scaled = number.scaleb(minor_digits(currency))
    if scaled != scaled.to_integral_value():
        raise ValueError("too many decimal places for the currency")
    if abs(scaled) > MAX_MINOR:
        raise ValueError("the amount is too large")
    return Money(int(scaled), currency)


def read_typed_amount(text: str, currency: str) -> Money:
    """
    Read an amount as people type it: `50`, `50.5` or `50,50`, in whatever digits they have.

    A sign between thousands is not guessed at: `2,500` of a currency with cents may be meant as
    2500.00 or as 2.50, and money moves by it.

    :raises ValueError: it is none, or has more places than the currency, or is beyond what the
        office handles.
    """
    typed = "".join(str(decimal(sign, sign)) for sign in text.strip()).replace("٫", ".")
    places = minor_digits(currency)
    # Where three places are usual a comma cannot be told from one between thousands.
    points = "." if places >= _GROUP else ".,"
    decimals = rf"(?:[{points}][0-9]{{1,{places}}})?" if places else ""
    if not re.fullmatch(rf"[0-9]+{decimals}", typed):
        raise ValueError("no amount that can be read in one way")
    return parse_amount(typed.replace(",", "."), currency)


def total(amounts: Iterable[Money], *, currency: str) -> Money:
    """Sum amounts of one currency; the empty sum is zero of it."""
    result = Money(0, currency)
    for amount in amounts:
        result = result + amount
    return result
