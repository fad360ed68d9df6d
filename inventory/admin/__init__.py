"""What can be sold, one noun a file: reference data is kept here, dated departures are shown."""

from inventory.admin import carriers, departures, fares, feeds, places, services, vehicles

__all__ = ["carriers", "departures", "fares", "feeds", "places", "services", "vehicles"]
