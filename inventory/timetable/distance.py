"""Distance on the globe."""

from __future__ import annotations

from math import asin, cos, radians, sin, sqrt

#: The earth's mean radius R1 of the International Union of Geodesy and Geophysics, in metres.
EARTH_RADIUS_M = 6_371_009


def great_circle_metres(
    latitude: float, longitude: float, other_latitude: float, other_longitude: float
) -> int:
    """The great-circle distance of two points given in degrees, in whole metres (haversine)."""
    phi, other_phi = radians(latitude), radians(other_latitude)
    half_chord = (
        sin((other_phi - phi) / 2) ** 2
        + cos(phi) * cos(other_phi) * sin(radians(other_longitude - longitude) / 2) ** 2
    )
    return round(2 * EARTH_RADIUS_M * asin(min(1.0, sqrt(half_chord))))
