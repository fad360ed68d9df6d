"""What can be sold, one noun a file: reference data is kept here, dated departures are shown."""

from inventory.admin import (
    carriers,
    departures,
    fares,
    feeds,
    patterns,
    places,
    services,
    uploads,
    vehicles,
)

__all__ = ["carriers", "departures", "fares", "feeds", "patterns", "places", "services"]
__all__ += ["uploads", "vehicles"]
