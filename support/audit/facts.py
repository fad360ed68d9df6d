"""What a fact is, and what it is to find one broken."""

from __future__ import annotations

from dataclasses import dataclass

PROMISES = {
    1: "No segment of a seat is ever sold twice.",
    2: "Every live reservation has its seats, nobody else has any, and the stock says so.",
    3: "What is shown as free is free over the whole stretch, ended holds included.",
    4: "Every transfer sums to zero, a balance is its entries' sum, no wallet is below zero.",
    5: "What is paid has one captured payment of its price; refunds never exceed it.",
    6: "What was captured without a sale is given back.",
    7: "A hold that ended becomes paid only by claiming its seats again.",
    8: "States move along the graph, each move is told, each key has one effect.",
}


@dataclass(frozen=True, slots=True)
class Fact:
    """
    Something that must hold, and the query for what breaks it; columns are named in order.

    `number` is that of the promise (PROMISES) of which it proves a part.
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
