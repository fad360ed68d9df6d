"""How the API spells names: camelCase with `ID` in capitals, as the published inputs are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_CAPITALS = {"id": "ID", "ids": "IDs"}


def camel(name: str) -> str:
    """Spell `ticket_id` as `ticketID` and `created_at` as `createdAt`."""
    first, *rest = name.split("_")
    return first + "".join(_CAPITALS.get(word, word[:1].upper() + word[1:]) for word in rest)


def pascal(name: str) -> str:
    """Spell `report_id` as `ReportID`: the support desk's inputs are published so."""
    return "".join(_CAPITALS.get(word, word[:1].upper() + word[1:]) for word in name.split("_"))


def camel_keys(data: Mapping[str, Any]) -> dict[str, Any]:
    """Spell the keys of a mapping, and of mappings and lists within it, in camelCase."""
    return {camel(key): _within(value) for key, value in data.items()}


def _within(value: Any) -> Any:
    if isinstance(value, Mapping):
        return camel_keys(value)
    if isinstance(value, list | tuple):
        return [_within(item) for item in value]
    return value
