"""
Reads airline routes in the format of OpenFlights (https://openflights.org/data), and makes flights
of them.

A route says who flies where, in which aircraft, and never when: days, times, flight numbers, seats
and fares come from a schedule profile. `read_flights` gives a `TimetableDraft`.
"""

from inventory.timetable.flights.reader import FlightOptions, read_flights

__all__ = ["FlightOptions", "read_flights"]
