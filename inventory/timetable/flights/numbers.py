"""
Numbers and draws that are made up, and yet the same in every import.

Everything is drawn from names alone, never from chance, from the order of a file or from the time:
the same route has the same flights, whatever else is imported with it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

#: Flight numbers are pairs, one number for each way: 1 to 9998 are 4,999 pairs.
SHORT_PAIRS = 4_999
#: Where those are taken there are five digits.
LONG_PAIRS = 45_000
SHORT_TRIES = 64
MOST_TRIES = 256

#: Two airports in the order of their codes, and which flight of the day it is, from 0.
Pair = tuple[str, str, int]


def draw(*names: object, below: int) -> int:
    """A number from 0 to below `below` that depends on the names alone."""
    digest = hashlib.sha256("|".join(map(str, names)).encode()).digest()
    return int.from_bytes(digest[:8], "big") % below


def number_pairs(airline: str, pairs: Iterable[Pair]) -> dict[Pair, int]:
    """
    A number for each pair of airports and flight of the day; its way back has the next one.

    Each pair has its own row of numbers and takes the first that no other has. First flights of
    the day choose before second ones, so that a denser schedule adds numbers and moves none. A
    pair for which no number is left gets none.
    """
    taken: set[int] = set()
    numbers: dict[Pair, int] = {}
    for pair in sorted(set(pairs), key=lambda pair: (pair[2], pair)):
        for attempt in range(MOST_TRIES):
            if attempt < SHORT_TRIES:
                place = draw(airline, *pair, attempt, below=SHORT_PAIRS)
            else:
                place = SHORT_PAIRS + draw(airline, *pair, attempt, below=LONG_PAIRS)
            if place not in taken:
                taken.add(place)
                numbers[pair] = 2 * place + 1
                break
    return numbers


def pair_of(origin: str, destination: str, flight: int) -> Pair:
    """The pair that a flight and its way back have in common."""
    first, second = sorted((origin, destination))
    return first, second, flight


def number_of(numbers: dict[Pair, int], origin: str, destination: str, flight: int) -> int | None:
    """The number of a flight: odd from the first airport of its pair, even back to it."""
    number = numbers.get(pair_of(origin, destination, flight))
    if number is None:
        return None
    return number if origin < destination else number + 1
