"""Form fields that keep minor units, basis points and search keys away from people's eyes."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

from travel.common.ids import normal_text, search_key
from travel.common.money import MAX_MINOR, Money, minor_digits, parse_amount

KEY_LENGTH = 120
MICRO = 1_000_000
# The dearest kilometre anybody may set, in whole units of its currency.
DEAREST_KM = 1_000_000

country_code = RegexValidator(r"^[A-Z]{2}\Z", _("Two capital letters, as ISO 3166 has them."))


def known_zone(name: str) -> None:
    """
    Refuse what is no IANA time zone.

    :raises forms.ValidationError: the zone is unknown.
    """
    if name not in available_timezones():
        raise forms.ValidationError(_("No such time zone. Write it as Europe/Berlin."))


class MoneyField(forms.CharField):
    """
    An amount typed as people write it: `49.90`, kept as minor units of `currency`.

    The form sets `currency` as soon as it knows whose money it is; until then nothing can be read.
    """

    currency: str | None = None

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=20, **options)
        self.widget.attrs.update({"inputmode": "decimal", "class": "vTextField money-input"})

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, int) and self.currency:
            return Money(value, self.currency).amount
        return value

    def clean(self, value: Any) -> int | None:
        text = super().clean(value)
        if not text:
            return 0
        if not self.currency:
            raise forms.ValidationError(_("Choose the fare first."))
        try:
            minor = parse_amount(text, self.currency).minor
        except ValueError as error:
            raise forms.ValidationError(
                _("Write an amount of %(currency)s such as 49.90."),
                params={"currency": self.currency},
            ) from error
        if minor < 0:
            raise forms.ValidationError(_("The amount cannot be negative."))
        return minor

    def has_changed(self, initial: Any, data: Any) -> bool:
        # Blank and 0 are 0.00: a row in which nothing was written stays out.
        try:
            return bool((initial or 0) != self.clean(data))
        except forms.ValidationError:
            return super().has_changed(self.prepare_value(initial), data)


class PerKilometreField(MoneyField):
    """A price of a kilometre, `0.0725`, kept as millionths of a minor unit."""

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, int) and self.currency:
            price = Decimal(value) / MICRO / 10 ** minor_digits(self.currency)
            return f"{price.normalize():f}"
        return value

    def clean(self, value: Any) -> int | None:
        text = forms.CharField.clean(self, value)
        if not text:
            return 0
        if not self.currency:
            raise forms.ValidationError(_("Choose the fare first."))
        if not set(text) <= set("0123456789."):
            raise forms.ValidationError(_("Write a price such as 0.0725."))
        try:
            price = Decimal(text)
        except ArithmeticError as error:
            raise forms.ValidationError(_("Write a price such as 0.0725.")) from error
        micro = price * MICRO * 10 ** minor_digits(self.currency)
        if price > DEAREST_KM or micro != micro.to_integral_value():
            raise forms.ValidationError(_("The price is too high, or has too many decimals."))
        return int(micro)


class PercentField(forms.DecimalField):
    """A share typed as per cent, `7.5`, kept as basis points."""

    def __init__(self, **options: Any) -> None:
        super().__init__(min_value=0, max_value=100, decimal_places=2, **options)

    def prepare_value(self, value: Any) -> Any:
        return f"{Decimal(value) / 100:f}" if isinstance(value, int) else value

    def clean(self, value: Any) -> int:
        share = super().clean(value)
        return int(share * 100) if share is not None else 0

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(self.prepare_value(initial), data)


class PlaceNameForm(forms.ModelForm):
    """A further name of a place, with the key that searching compares worked out from it."""

    def clean_name(self) -> str:
        name = normal_text(self.cleaned_data["name"])
        key = search_key(name)
        if not key or len(key) > KEY_LENGTH:
            raise forms.ValidationError(_("Nobody could search for this name."))
        self.instance.key = self.cleaned_data["key"] = key
        return name

    def _get_validation_exclusions(self) -> set[str]:
        # The key is no field to type in, but two names with one key are refused like any twin.
        excluded: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]
        return excluded - {"key"} if "key" in self.cleaned_data else excluded


__all__ = [
    "MAX_MINOR",
    "MoneyField",
    "PerKilometreField",
    "PercentField",
    "PlaceNameForm",
    "country_code",
    "known_zone",
]
