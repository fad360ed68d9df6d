"""Reading the short notation of the demo network's tables: times of day, and ways with stops."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

MINUTES_OF_DAY = 24 * 60
#: Minutes that trains and coaches stand where the table does not say.
USUAL_STAND = 4

_TIME = re.compile(r"(\d\d):(\d\d)")
_SPAN = re.compile(r"(\d\d:\d\d)-(\d\d:\d\d)/(\d+)")
_STOP = re.compile(r"([A-Z]{3}(?:-[A-Z])?)(?:\+(\d+))?")


@dataclass(frozen=True, slots=True)
class Stop:
    """A station on a way; minutes since the start, None where the way begins or ends."""

    station: str
    arrives: int | None
    departs: int | None


def read_times(text: str) -> tuple[int, ...]:
    """
    Minutes after midnight of `07:10 22:45` or `06:05-20:05/60` (every sixty minutes).

    :raises ValueError: a word is neither, or a span does not end on a time.
    """
    return tuple(minutes for word in text.split() for minutes in _times(word))


def _times(word: str) -> Iterator[int]:
    if (span := _SPAN.fullmatch(word)) is None:
        yield _time(word)
        return
    first, last, every = _time(span[1]), _time(span[2]), int(span[3])
    if (last - first) % every or last < first:
        raise ValueError(f"{word!r} does not end where it says")
    yield from range(first, last + 1, every)


def _time(word: str) -> int:
    if (match := _TIME.fullmatch(word)) is None:
        raise ValueError(f"{word!r} is no time")
    return int(match[1]) * 60 + int(match[2])


def read_route(text: str) -> tuple[Stop, ...]:
    """
    The stops of `HAM-R 108 BER-R+8 238 MUC-R`: 108 minutes, eight minutes' stand, 238 minutes.

    :raises ValueError: fewer than two stations, or something that is neither station nor minutes.
    """
    words = text.split()
    stations = [_station(word) for word in words[0::2]]
    runs = [int(word) for word in words[1::2]]
    if len(stations) < 2 or len(stations) != len(runs) + 1:
        raise ValueError(f"{text!r} is no way between stations")
    stops = [Stop(stations[0][0], None, 0)]
    clock = 0
    for run, (station, stand) in zip(runs, stations[1:], strict=True):
        arrives = clock + run
        clock = arrives + stand
        stops.append(Stop(station, arrives, clock))
    last = stops.pop()
    return (*stops, Stop(last.station, last.arrives, None))


def _station(word: str) -> tuple[str, int]:
    if (match := _STOP.fullmatch(word)) is None:
        raise ValueError(f"{word!r} is no station")
    return match[1], int(match[2] or USUAL_STAND)


def turned(stops: tuple[Stop, ...]) -> tuple[Stop, ...]:
    """The same way back, with the same minutes between the stations and at them."""
    total = stops[-1].arrives
    return tuple(
        Stop(
            stop.station,
            None if stop.departs is None else _until(total, stop.departs),
            None if stop.arrives is None else _until(total, stop.arrives),
        )
        for stop in reversed(stops)
    )


def _until(total: int | None, minutes: int) -> int:
    assert total is not None, "the last stop is arrived at"
    return total - minutes


def copies(index: int, scale: float) -> int:
    """
    How often the index-th departure of a line and direction runs at a scale: once at scale 1.

    All departures of a line together run `scale` times as often, and the first one always runs.
    """
    return _ceiling((index + 1) * scale) - _ceiling(index * scale)


def _ceiling(number: float) -> int:
    # Scales such as 1.1 are not exact: 10 * 1.1 must not count as more than 11.
    return -int(-round(number, 6) // 1)


def shifted(minutes: int, copy: int) -> int:
    """
    When the copy of a departure leaves: within three hours of it, never in the small hours.

    Every copy halves the gaps that those before it left (90 minutes, then 45 and 135, ...), so
    that a larger scale adds departures and moves none.
    """
    if copy == 0:
        return minutes
    bits = f"{copy:b}"
    share = int(bits[::-1], 2) / 2 ** len(bits)
    later = minutes + int(180 * share)
    if later >= MINUTES_OF_DAY - 5:
        later += 5 * 60
    return later % MINUTES_OF_DAY
