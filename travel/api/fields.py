"""Serializers and their fields as the published contract spells and checks them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from phonenumber_field.phonenumber import to_python
from rest_framework import serializers
from rest_framework.fields import SerializerMethodField

from travel.api.naming import camel, pascal
from travel.common.ids import normal_email
from travel.common.money import Money, known_currency, parse_amount
from travel.common.text import CardNumber, clean_text

MAX_ID = 2**53 - 1
# What anybody may mean by a date; databases and time zones fail near the ends of the calendar.
FIRST_YEAR, LAST_YEAR = 1900, 2199
_AMOUNT = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,4})?")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


# --- serializers ----------------------------------------------------------------------------------


class Serializer(serializers.Serializer[Any]):
    """
    Fields are declared in snake_case and published in camelCase, `ID` in capitals.

    What is validated comes out under the declared names; errors name the published ones.
    """

    spelling: Callable[[str], str] = staticmethod(camel)

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        published = {}
        for name, field in super().get_fields().items():
            spelt = type(self).spelling(name)
            if isinstance(field, SerializerMethodField):
                field.method_name = field.method_name or f"get_{name}"
            elif spelt != name and field.source is None:
                field.source = name
            published[spelt] = field
        return published


class PascalSerializer(Serializer):
    """The support desk's inputs: published in PascalCase, accepted in camelCase as well."""

    spelling = staticmethod(pascal)

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            spelt = {camel(name): pascal(name) for name in self._declared_fields}
            data = {spelt.get(str(name), name): value for name, value in data.items()}
        return super().to_internal_value(data)


# --- what comes in --------------------------------------------------------------------------------


class IDField(serializers.IntegerField):
    """An id: an integer from 1 to 2^53 - 1, which every JSON reader keeps exactly."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("min_value", 1)
        kwargs.setdefault("max_value", MAX_ID)
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool | float) or (isinstance(data, str) and not data.isascii()):
            self.fail("invalid")
        return int(super().to_internal_value(data))


class SafeTextField(serializers.CharField):
    """Text in NFC without control, invisible or direction-turning characters, trimmed."""

    default_error_messages = {
        "characters": _("This contains a character that is not allowed here."),
        "card_number": _("Never write the number of a card here."),
    }

    def __init__(self, *, lines: bool = False, **kwargs: Any) -> None:
        self.lines = lines
        kwargs.setdefault("max_length", 80)
        super().__init__(**kwargs)

    def run_validation(self, data: Any = serializers.empty) -> Any:
        # Cleaned first, so that "blank" and the length are judged on what is kept.
        if isinstance(data, str):
            try:
                data = clean_text(data, lines=self.lines)
            except CardNumber:
                self.fail("card_number")
            except ValueError:
                self.fail("characters")
        return super().run_validation(data)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return str(super().to_internal_value(data))


class EmailAddressField(serializers.EmailField):
    """An e-mail address, as it is stored and compared."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 254)
        super().__init__(**kwargs)

    def run_validation(self, data: Any = serializers.empty) -> Any:
        if isinstance(data, str):
            data = normal_email(data)
        elif data is not serializers.empty and data is not None:
            self.fail("invalid")
        return super().run_validation(data)


class PhoneField(serializers.CharField):
    """A telephone number with its country code; comes out as E.164."""

    default_error_messages = {
        "phone": _("Write the number with its country code, such as +49 30 1234567."),
    }

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 40)
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> str:
        number = to_python(super().to_internal_value(data)) if isinstance(data, str) else None
        if number is None or not number.is_valid():
            self.fail("phone")
        return str(number.as_e164)


class CurrencyField(serializers.CharField):
    """An ISO 4217 code."""

    default_error_messages = {"currency": _("Write an ISO 4217 code, such as EUR.")}

    def to_internal_value(self, data: Any) -> str:
        code = data.strip().upper() if isinstance(data, str) and len(data) < 10 else ""
        if not known_currency(code):
            self.fail("currency")
        return code


class AmountField(serializers.CharField):
    """A decimal string: `49.90`. Which places it may have is the currency's to say."""

    default_error_messages = {"amount": _('Write the amount as a decimal string, such as "49.90".')}

    def to_internal_value(self, data: Any) -> str:
        # A whole number is exact in JSON; a fraction is not, and so is refused.
        text = str(data) if isinstance(data, int) and not isinstance(data, bool) else data
        if not isinstance(text, str) or not _AMOUNT.fullmatch(text.strip()):
            self.fail("amount")
        return text.strip()


class DayField(serializers.DateField):
    """A calendar day, `2026-06-02`."""

    default_error_messages = {"range": _("This day is out of range.")}

    def to_internal_value(self, value: Any) -> date:
        if not isinstance(value, str) or not _DAY.fullmatch(value):
            self.fail("invalid", format="YYYY-MM-DD")
        day: date = super().to_internal_value(value)
        if not FIRST_YEAR <= day.year <= LAST_YEAR:
            self.fail("range")
        return day


# --- what goes out --------------------------------------------------------------------------------


def instant(moment: datetime, tz: str | None = None) -> str:
    """Write an instant in ISO 8601 with the offset of a time zone, or of UTC, to the second."""
    local = moment.astimezone(ZoneInfo(tz) if tz else UTC)
    return local.isoformat(timespec="seconds")


def money(amount: Money) -> dict[str, str]:
    """Write an amount as a decimal string beside its currency."""
    return {"amount": amount.amount, "currency": amount.currency}


@extend_schema_field({"type": "string", "format": "date-time"})
class InstantField(serializers.Field[Any, Any, Any, Any]):
    """
    An instant. Goes out with the offset of `tz`, of the attribute that `tz_from` names, or of UTC.

    Coming in it needs an offset of its own.
    """

    default_error_messages = {
        "invalid": _("Write an instant with its offset, such as 2026-06-02T08:00:00+02:00."),
        "range": _("This instant is out of range."),
    }

    def __init__(self, *, tz: str | None = None, tz_from: str | None = None, **kwargs: Any) -> None:
        self.tz = tz
        self.tz_from = tz_from
        super().__init__(**kwargs)

    def get_attribute(self, instance: Any) -> Any:
        value = super().get_attribute(instance)
        if value is None or self.tz_from is None:
            return value
        found: Any = instance
        for name in self.tz_from.split("."):
            found = found[name] if isinstance(found, Mapping) else getattr(found, name)
        return value.astimezone(ZoneInfo(found))

    def to_representation(self, value: datetime) -> str:
        if self.tz_from is not None:
            return value.isoformat(timespec="seconds")
        return instant(value, self.tz)

    def to_internal_value(self, data: Any) -> datetime:
        if not isinstance(data, str) or not 16 <= len(data) <= 40 or not data.isascii():
            self.fail("invalid")
        try:
            moment = datetime.fromisoformat(data)
        except ValueError:
            self.fail("invalid")
        if moment.tzinfo is None:
            self.fail("invalid")
        try:
            moment = moment.astimezone(UTC)
        except OverflowError:
            self.fail("range")
        if not FIRST_YEAR <= moment.year <= LAST_YEAR:
            self.fail("range")
        return moment


@extend_schema_field(
    {
        "type": "object",
        "required": ["amount", "currency"],
        "properties": {
            "amount": {"type": "string", "examples": ["49.90"]},
            "currency": {"type": "string", "examples": ["EUR"]},
        },
    }
)
class MoneyField(serializers.Field[Any, Any, Any, Any]):
    """An amount: `{"amount": "49.90", "currency": "EUR"}`, both ways."""

    default_error_messages = {
        "money": _('Write {{"amount": "49.90", "currency": "EUR"}}.'),
    }

    def to_representation(self, value: Money) -> dict[str, str]:
        return money(value)

    def to_internal_value(self, data: Any) -> Money:
        if not isinstance(data, Mapping):
            self.fail("money")
        code, amount = data.get("currency"), data.get("amount")
        if not isinstance(code, str) or not isinstance(amount, str) or not known_currency(code):
            self.fail("money")
        try:
            return parse_amount(amount, code)
        except ValueError:
            self.fail("money")
