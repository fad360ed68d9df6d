"""What can be sold: places, carriers, services, departures with their calls, fares and tickets."""
