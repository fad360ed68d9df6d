"""The tables of what can be sold, one noun a file."""

from inventory.models.carriers import Carrier, CarrierClass, Membership
from inventory.models.departures import Call, Departure, Ticket
from inventory.models.fares import Fare, FareVersion, PenaltyTier, Tariff
from inventory.models.feeds import Feed, ImportRun, PendingChange
from inventory.models.patterns import (
    PatternCall,
    TimetablePattern,
    TimetableUpload,
    UploadPart,
)
from inventory.models.places import (
    City,
    CityName,
    MinimumChange,
    Station,
    StationCode,
    StationName,
)
from inventory.models.services import Bus, Facility, Flight, Service, Train
from inventory.models.vehicles import Coach, Seat, SeatMap, Vehicle
from inventory.models.words import Mode, StationKind, TravelClass

__all__ = [
    "Bus",
    "Call",
    "Carrier",
    "CarrierClass",
    "City",
    "CityName",
    "Coach",
    "Departure",
    "Facility",
    "Fare",
    "FareVersion",
    "Feed",
    "Flight",
    "ImportRun",
    "Membership",
    "MinimumChange",
    "Mode",
    "PatternCall",
    "PenaltyTier",
    "PendingChange",
    "Seat",
    "SeatMap",
    "Service",
    "Station",
    "StationCode",
    "StationKind",
    "StationName",
    "Tariff",
    "Ticket",
    "TimetablePattern",
    "TimetableUpload",
    "Train",
    "TravelClass",
    "UploadPart",
    "Vehicle",
]
