"""Reading what a provider sends: strictly, because anybody may have written it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from payments.gateways.contract import Forged
from travel.common.money import MAX_MINOR, Money, known_currency


def record(body: str) -> dict[str, Any]:
    """
    Read a JSON object.

    :raises Forged: it is none, or is nested beyond reason.
    """
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Forged("no JSON") from error
    if not isinstance(found, dict):
        raise Forged("no object")
    return found


def text(fields: Mapping[str, Any], name: str, longest: int) -> str:
    """
    Read a field that is text; absent is empty.

    :raises Forged: it is no text, or is too long.
    """
    value = fields.get(name)
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > longest or not value.isprintable():
        raise Forged(name)
    return value


def money(minor: object, currency: object) -> Money:
    """
    Read an amount in minor units and its currency.

    :raises Forged: it is no amount, is negative or beyond reason, or the currency is unknown.
    """
    if isinstance(minor, bool) or not isinstance(minor, int) or not 0 <= minor <= MAX_MINOR:
        raise Forged("amount")
    if not isinstance(currency, str) or not known_currency(currency.upper()):
        raise Forged("currency")
    return Money(minor, currency.upper())


def instant(value: str) -> datetime | None:
    """
    Read an instant in ISO 8601; empty is none.

    :raises Forged: it is no instant.
    """
    if not value:
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError as error:
        raise Forged("time") from error
    if found.tzinfo is None or not 2000 <= found.year < 9999:
        raise Forged("time")
    return found.astimezone(UTC)


def seconds(value: object) -> datetime | None:
    """Read an instant in seconds since 1970; anything else is none."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 10**11:
        return None
    return datetime.fromtimestamp(value, UTC)
