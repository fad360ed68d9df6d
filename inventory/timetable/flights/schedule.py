"""When the flights of a route leave, and how long they take."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from zoneinfo import ZoneInfo

from inventory.timetable.draft import CallDraft, DepartureDraft
from inventory.timetable.flights.numbers import draw
from inventory.timetable.flights.profile import (
    STEP_MINUTES,
    AircraftRule,
    BandRule,
    FlightRule,
)
from inventory.timetable.zones import instant


@dataclass(frozen=True, slots=True)
class Flight:
    """A flight under its number, as it leaves on each of its days; days are 1 to 7."""

    service: str
    vehicle: str
    origin: str
    destination: str
    leaves: time
    zone: ZoneInfo
    minutes: int
    days: frozenset[int]
    distance_m: int

    def departure(self, day: date) -> DepartureDraft:
        """
        The flight of a day: it leaves by the clocks of its origin, and takes its minutes.

        So it arrives by other clocks: on the next day, or on the day before across the date line.
        """
        departs_at = instant(day, self.leaves, self.zone)
        arrives_at = departs_at + timedelta(minutes=self.minutes)
        return DepartureDraft(
            service=self.service,
            travel_date=day,
            vehicle=self.vehicle,
            calls=(
                CallDraft(self.origin, None, departs_at, True, False, "", 0),
                CallDraft(self.destination, arrives_at, None, False, True, "", self.distance_m),
            ),
        )


def minutes_in_all(band: BandRule, aircraft: AircraftRule, metres: int) -> int:
    """From gate to gate: the great circle at cruising speed and the ground time, up to 5 min."""
    speed = min(band.cruise_kmh, aircraft.cruise_kmh or band.cruise_kmh)
    # Kilometres an hour are metres in 3.6 seconds: in whole numbers, 60 / (speed * 1000) minutes.
    in_the_air = -(-metres * 60 // (speed * 1000))
    return -(-(band.ground_minutes + in_the_air) // STEP_MINUTES) * STEP_MINUTES


def time_and_days(rule: FlightRule, *route: object) -> tuple[time, frozenset[int]]:
    """The time of day and the weekdays of one flight of a route, the same in every import."""
    times = rule.times()
    leaves = times[draw(*route, "time", below=len(times))]
    return leaves, rule.running_days(draw(*route, "days", below=7))


@dataclass(frozen=True, slots=True)
class Schedule:
    """All flights of a window of days; `flights` are in the order of their services."""

    flights: Sequence[Flight]
    first: date
    days: int

    @property
    def last(self) -> date:
        """The last day of the window."""
        return self.first + timedelta(days=self.days - 1)

    def count(self) -> int:
        """How many departures there are."""
        on_day = [sum(day in flight.days for flight in self.flights) for day in range(1, 8)]
        return sum(on_day[day.weekday()] for day in self._window())

    def departures(self) -> Iterator[DepartureDraft]:
        """All departures, day by day."""
        for day in self._window():
            weekday = day.isoweekday()
            for flight in self.flights:
                if weekday in flight.days:
                    yield flight.departure(day)

    def _window(self) -> Iterator[date]:
        for offset in range(self.days):
            yield self.first + timedelta(days=offset)
