"""What a fact is, and what it is to find one broken."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fact:
    """
    Something that must hold, and the query for what breaks it; columns are named in order.

    `number` is that of the promise it proves a part of (docs/ARCHITECTURE.md, "Facts").
    """

    number: int
    code: str
    says: str
    columns: tuple[str, ...]
    sql: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A fact that does not hold, with the first rows that show it."""

    fact: Fact
    rows: list[tuple[object, ...]]
